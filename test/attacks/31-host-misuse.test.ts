// Beyond ATTACKS.md, DESIGN principle 3: a host that passes `undefined`, or whose middleware does odd things, must not
// open a door or lose a revocation without a word.
import { runInNewContext } from 'node:vm'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import {
  type AuthorizationServerEvent,
  bearerGuard,
  clientSecret,
  clientsRouter,
  consentPage,
  dpop,
  issueTokens,
  listClients,
  listGrants,
  mutualTls,
  OAuthError,
  revokeGrants,
} from '../../src/index'
import { certificate, inHeader } from '../support/certificates'
import { proof, proofKey } from '../support/dpop'
import { frameworks } from '../support/frameworks'
import { createHost, type Host, paths } from '../support/host'
import { exchange, listen, request } from '../support/raw'
import { gate } from '../support/storage'

describe('a revocation that names nobody is an error, and one that names somebody holds:', () => {
  it.each<[string, object]>([
    ['nothing', {}],
    ['an undefined user, as after a failed look-up', { userId: undefined }],
    ['an empty user', { userId: '' }],
    ['no whole number', { userId: Number.NaN }],
    ['null', { clientId: null }],
    ['two targets', { userId: 'alice', clientId: 'web' }],
    ['a user and an empty grant', { userId: 'alice', grantId: '' }],
  ])('%s is a TypeError', async (_, target) => {
    const host = await createHost()
    await expect(revokeGrants(host.server, target as never)).rejects.toThrow(TypeError)
  })

  it.each(['grantId', 'clientId'])('a user beside an undefined %s is revoked', async (name) => {
    const host = await createHost()
    const tokens = await host.signIn()
    await revokeGrants(host.server, { userId: 'alice', [name]: undefined } as never)
    expect(await host.isAlive(tokens)).toBe(false)
  })
})

describe('a list of nobody is not a list of everybody:', () => {
  it.each<[string, object]>([
    ['an undefined user', { userId: undefined }],
    ['an undefined client', { userId: 'alice', clientId: undefined }],
    ['null', { userId: null }],
    ['an empty user', { userId: '' }],
  ])('listGrants of %s is a TypeError', async (_, query) => {
    const host = await createHost()
    await host.signIn()
    await expect(listGrants(host.server, query as never)).rejects.toThrow(TypeError)
  })

  it('listClients of an undefined user is a TypeError', async () => {
    const host = await createHost()
    await expect(listClients(host.server, { username: undefined } as never)).rejects.toThrow(TypeError)
    expect(await listClients(host.server)).toHaveLength(3)
  })
})

describe('a process that serves everybody does not end because of one request:', () => {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => void rejections.push(reason)
  beforeEach(() => {
    rejections.length = 0
    process.on('unhandledRejection', onRejection)
  })
  afterEach(() => void process.off('unhandledRejection', onRejection))
  const settle = () => new Promise((resolve) => setTimeout(resolve, 50))

  describe('a function that must answer at once, is async, and fails:', () => {
    const fails = async () => {
      throw new Error('the database is away')
    }
    const rows: Record<string, () => Promise<[Host, PromiseLike<unknown>]>> = {
      'describe of authorizationDetails': async () => {
        const payment = { check: () => {}, describe: fails as never }
        const host = await createHost({ authorizationDetails: { payment }, decide: consentPage({ signIn: '/login' }) })
        return [host, host.authorize(host.web, { authorization_details: '[{"type":"payment"}]' })]
      },
      'certificate of mutualTls': async () => {
        const tls = mutualTls({ certificate: fails as never })
        const host = await createHost({ clientAuthentication: [clientSecret(), tls] })
        return [host, host.token(undefined, { client_id: 'web' })]
      },
      'verified of mutualTls': async () => {
        const own = certificate()
        const tls = mutualTls({ certificate: () => inHeader(own), verified: fails as never })
        const host = await createHost({ clientAuthentication: [clientSecret(), tls] })
        const tokenEndpointAuthMethods = ['tls_client_auth' as const]
        await host.register({ clientId: 'tls', tokenEndpointAuthMethods, tlsClientAuthSubjectDn: 'CN=x' })
        return [host, host.token(undefined, { client_id: 'tls' })]
      },
      'url of dpop': async () => {
        const [key, senderConstraints] = [await proofKey(), [dpop({ url: fails as never })]]
        const host = await createHost({ senderConstraints })
        const sent = await proof(key, { now: host.clock.now })
        const { body } = await host.exchange(host.web, await host.code()).set('DPoP', sent)
        return [host, host.http().get('/me').set('Authorization', `DPoP ${body.access_token}`).set('DPoP', sent)]
      },
    }

    it.each(Object.keys(rows))('%s', async (name) => {
      const [host, answer] = await (rows[name] as (typeof rows)[string])()
      await answer
      await settle()
      expect(rejections).toEqual([])
      const [error] = host.reportedErrors()
      expect(String(error?.cause)).toContain('not a Promise (await it first)')
    })
  })

  it.each(['rejects', 'answers'])(
    'storage that %s after a timeout of the host has answered the request',
    async (how) => {
      const slow = gate()
      const called: string[] = []
      const timeout: express.RequestHandler = (_req, res, next) => {
        setTimeout(() => res.headersSent || res.status(504).json({ timeout: true }), 30)
        next()
      }
      const host = await createHost({
        before: [timeout],
        mount(app, server) {
          app.get('/me', bearerGuard(server), (_req, res) => {
            called.push('handler')
            res.json({})
          })
        },
      })
      const { access_token } = await issue(host)
      host.storage.replace('grants.find', async (call) => {
        await slow.opened
        if (how === 'rejects') throw new Error('connection lost')
        return call()
      })
      await host.me(access_token).expect(504)
      slow.open()
      await settle()
      expect(rejections).toEqual([])
      expect(called).toEqual([])
    },
  )

  it.each(frameworks)('a protect of the clients API that rejects, on %s', async (_, { createHost, oauth }) => {
    const host = await createHost({
      mount(app, server) {
        const protect = () => Promise.reject(new Error('no database'))
        app.use(paths.clients, oauth.clientsRouter(server, { protect }))
      },
    })
    expect((await host.http().get(paths.clients)).status).toBe(599)
  })

  describe.each(frameworks)(
    'a protect of the clients API that throws no error lets nobody in, on %s:',
    (_, framework) => {
      it.each([undefined, null, '', 0, false, 'route', 'router', 'no'])('%p', async (thrown) => {
        for (const isAsync of [true, false]) {
          const host = await framework.createHost({
            mount(app, server) {
              const protect = () => {
                if (isAsync) return Promise.reject(thrown)
                throw thrown
              }
              const caller = () => ({ userId: 'alice', scopes: [], admin: true })
              app.use(paths.clients, framework.oauth.clientsRouter(server, { protect, caller }))
            },
          })
          const { status, body } = await host.http().get(paths.clients)
          expect([status, body]).toEqual([599, expect.not.arrayContaining([expect.anything()])])
        }
      })
    },
  )

  it.each(frameworks)(
    "a protect that says next('route'), which skips nothing of a router, on %s",
    async (_, framework) => {
      for (const isLater of [true, false]) {
        const host = await framework.createHost({
          mount(app, server) {
            const protect: RequestHandler = (_req, _res, next) =>
              void (isLater ? setImmediate(next, 'route') : next('route'))
            const caller = () => ({ userId: 'alice', scopes: [], admin: true })
            app.use(paths.clients, framework.oauth.clientsRouter(server, { protect, caller }))
          },
        })
        expect((await host.http().get(paths.clients)).status).toBeGreaterThanOrEqual(400)
      }
    },
  )

  it('a protect that throws what says how to answer is answered so', async () => {
    const host = await createHost({
      mount(app, server) {
        const protect = () => Promise.reject({ status: 401 })
        app.use(paths.clients, clientsRouter(server, { protect }))
        app.use(((error, _req, res, _next) => void res.status(error.status).end()) as ErrorRequestHandler)
      },
    })
    await host.http().get(paths.clients).expect(401)
  })

  it('an onEvent that rejects, of another realm, and one that begins when somebody waits for it', async () => {
    const written: string[] = []
    const foreign: () => Promise<never> = runInNewContext('() => Promise.reject(new Error("no log"))')
    const lazy = ({ type }: AuthorizationServerEvent) => ({
      // biome-ignore lint/suspicious/noThenProperty: what is meant
      then: (done: (result: unknown) => void) => done(written.push(type)),
    })
    for (const onEvent of [foreign, lazy]) {
      const host = await createHost({ onEvent })
      await host.code()
      await new Promise(setImmediate)
    }
    expect(written.at(-1)).toBe('code.issued')
  })

  it('an error of the host that cannot be sent', async () => {
    const state = { broken: false }
    const unsendable = <T>(answer: T): T => {
      if (!state.broken) return answer
      throw new OAuthError('server_error', 'No.', { headers: { 'X-Reason': 'two\r\nlines' } })
    }
    const host = await createHost({ users: { find: (id) => unsendable({ id }) }, tokenResponse: unsendable })
    const { access_token } = await issue(host)
    state.broken = true
    const listening = await listen(host.app)
    const form = `grant_type=client_credentials&client_id=web&client_secret=${host.web.clientSecret}`
    const type = 'Content-Type: application/x-www-form-urlencoded'
    for (const text of [
      request('GET', '/me', [`Authorization: Bearer ${access_token}`]),
      request('POST', '/oauth2/token', [type], form),
    ]) {
      const answer = await exchange(listening.port, text)
      expect(answer?.headers ?? '').not.toMatch(/^lines/m)
      expect(answer?.body ?? '').not.toContain('access_token')
    }
    await listening.close()
    await settle()
    expect(rejections).toEqual([])
  })
})

function issue(host: Awaited<ReturnType<typeof createHost>>): Promise<{ access_token: string }> {
  return issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
}

describe('body parsers of the host', () => {
  it.each(['null', '1', 'true', '"a=b"'])('that take any JSON make no 500 of %s', async (text) => {
    const host = await createHost({ before: [express.json({ strict: false })] })
    const answer = await host.http().post('/oauth2/token').type('json').send(text)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
  })

  it.each<[string, string]>([
    ['application/json', `{"a":"${'x'.repeat(12_000_000)}"}`],
    ['application/x-www-form-urlencoded', `a=${'x'.repeat(12_000_000)}`],
  ])('that take twelve megabytes of %s as text make no 500 of it', async (type, text) => {
    const host = await createHost({ before: [express.text({ type: () => true, limit: '20mb' })] })
    const answer = await host.http().post('/oauth2/token').type(type).send(text)
    expect(answer.status).toBe(413)
  })

  it('that left nothing are reported, not guessed at', async () => {
    const drain: express.RequestHandler = (req, _res, next) => {
      req.on('end', next).resume()
    }
    const host = await createHost({ before: [drain] })
    const answer = await host.token(host.web, { grant_type: 'client_credentials' })
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    expect(String(host.reportedErrors()[0]?.cause)).toContain('a middleware read the request body')
  })
})
