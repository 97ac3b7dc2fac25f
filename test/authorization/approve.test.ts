import { type ApproveOptions, approve, authorizeRouter, bearerGuard, issueTokens } from '../../src'
import { answerOf, createHost, type Host, paths, type TestClient } from '../support/host'

let host: Host

async function begin(clients: ApproveOptions['clients'], user?: ApproveOptions['user']): Promise<void> {
  host = await createHost({ decide: approve({ clients, ...(user && { user }) }) })
}

/** `code`, or the error. */
async function answerFor(client: TestClient, user: string | null = 'alice'): Promise<string | undefined> {
  const { code, error } = answerOf(await host.authorize(client, {}, user).expect(302))
  return code === undefined ? error : 'code'
}

const loopback = { tokenEndpointAuthMethods: ['none'] } as const

describe('approve', () => {
  it('says yes in silence for the clients that are named, and no for all others', async () => {
    await begin(['web'])
    expect(await answerFor(host.web)).toBe('code')
    expect(await answerFor(await host.register({ clientId: 'other' }))).toBe('access_denied')
  })

  it('says yes for the signed-in user', async () => {
    await begin(['web'])
    const { body } = await host.exchange(host.web, await host.code(host.web, {}, 'bob')).expect(200)
    expect((await host.me(body.access_token)).body.user.id).toBe('bob')
  })

  it('asks a predicate, now or later, which must say true and nothing else', async () => {
    for (const [answer, expected] of [
      [true, 'code'],
      [Promise.resolve(true), 'code'],
      [false, 'access_denied'],
      ['yes', 'server_error'],
      [1, 'server_error'],
      [undefined, 'server_error'],
    ] as const) {
      await begin(() => answer as boolean)
      expect(await answerFor(host.web)).toBe(expected)
    }
  })

  it('takes no object for an id: an error that the host hears of', async () => {
    await begin(['web'], () => ({ id: { toString: () => 'alice' } }))
    expect((await host.authorize()).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain('must be a string or a number')
  })

  it('shows the predicate the client', async () => {
    await begin((client) => client.name === 'First-party')
    expect(await answerFor(host.web)).toBe('access_denied')
    expect(await answerFor(await host.register({ name: 'First-party' }))).toBe('code')
  })

  it('means no when the predicate throws', async () => {
    await begin(() => {
      throw new Error('secret detail')
    })
    expect(await answerFor(host.web)).toBe('server_error')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
  })

  // RFC 8252 §8.6: every program on the machine can pose as such a client
  it.each([
    ['on loopback', 'http://127.0.0.1:4321/cb', 'access_denied'],
    ['on IPv6 loopback', 'http://[::1]/cb', 'access_denied'],
    ['on localhost', 'http://localhost/cb', 'access_denied'],
    ['with a private-use scheme', 'com.example.app:/cb', 'access_denied'],
    ['on the web', 'https://spa.example/cb', 'code'],
  ])('takes a public client %s only by its id where that could be any program', async (_, redirectUri, answer) => {
    await begin(() => true)
    expect(await answerFor(await host.register({ clientId: 'app', ...loopback }, redirectUri))).toBe(answer)
    await begin(['app'])
    expect(await answerFor(await host.register({ clientId: 'app', ...loopback }, redirectUri))).toBe('code')
  })

  it('takes a client with a secret on loopback by a predicate, too', async () => {
    await begin(() => true)
    expect(await answerFor(await host.register({}, 'http://127.0.0.1/cb'))).toBe('code')
  })

  it('shows a page, without a redirect, to somebody who is not signed in (RFC 9700 §4.11.2)', async () => {
    await begin(['web'])
    for (const parameters of [{}, { scope: 'everything' }]) {
      const answer = await host.authorize(host.web, parameters, null)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.text).toContain('<h1>')
    }
    expect(host.storage.storedIds()).toEqual([])
  })

  it('finds the user where the option says', async () => {
    await begin(['web'], async (req) => req.get('X-Session'))
    const answer = await host.authorize(host.web, {}, null).set('X-Session', 'bob').expect(302)
    const { body } = await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
    expect((await host.me(body.access_token)).body.user.id).toBe('bob')
  })
})

describe('approve behind a guard, for an app that is signed in by its token', () => {
  let ask: (parameters?: Record<string, string>) => ReturnType<Host['authorize']>

  beforeEach(async () => {
    host = await createHost({
      mount(app, server) {
        const router = authorizeRouter(server, {
          decide: approve({ clients: ['web'], fromTokensOf: ['native'] }),
          response: 'location',
        })
        app.use(paths.authorize, bearerGuard(server, { user: false }), router)
      },
    })
    const { access_token } = await issueTokens(host.server, { clientId: 'native', userId: 'alice', scope: 'read' })
    ask = (parameters) => host.authorize(host.web, parameters, null).auth(access_token, { type: 'bearer' })
  })

  it('answers with a code of the user of the token, whose scope never exceeds that of the token', async () => {
    const answer = await ask().expect(200)
    const code = String(answerOf(answer).code)
    const stored = host.storage.stored(code.slice(0, code.lastIndexOf('.')))
    expect(stored).toMatchObject({ userId: 'alice', clientId: 'web', scope: ['read'] })
  })

  it('refuses what the token cannot do itself', async () => {
    expect((await ask({ scope: 'write' }).expect(400)).body.error).toBe('invalid_scope')
  })

  it("refuses a client's own token, which has no user", async () => {
    const { access_token } = await issueTokens(host.server, { clientId: 'web' })
    const answer = await host.authorize(host.web, {}, null).auth(access_token, { type: 'bearer' }).expect(403)
    expect(answer.body.error).toBe('access_denied')
  })
})
