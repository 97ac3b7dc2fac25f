// The end-session endpoint: RP-Initiated Logout 1.0, and who could misuse it.
import type { RequestHandler } from 'express'
import { decodeProtectedHeader, SignJWT } from 'jose'
import * as oauth from '../../src/index'
import { endSessionRouter } from '../../src/openid/index'
import { fieldsOf } from '../support/consent'
import { issuer } from '../support/host'
import { createListener, createLogoutHost, LOGOUT, type LogoutHostOptions } from '../support/logout'

type LogoutHost = Awaited<ReturnType<typeof createLogoutHost>>
let host: LogoutHost
const start = async (options: LogoutHostOptions = {}) => {
  host = await createLogoutHost(options)
}

const ASKS = 'Do you want to sign out?'

/** The one test that something asks, and that nothing has ended by it. */
function expectQuestion(answer: { status: number; text: string }) {
  expect(answer.status).toBe(200)
  expect(answer.text).toContain(ASKS)
  expect(host.signedOut).toEqual([])
}

describe('a hint of this very session', () => {
  beforeEach(() => start())

  it.each(['logout', 'post'] as const)('signs out by %s, and sends the browser on with its state', async (method) => {
    const { idToken, access_token, refresh_token } = await host.tokens()
    const answer = await host[method]({ id_token_hint: idToken, post_logout_redirect_uri: host.back, state: 'a b&c' })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe(`${host.back}?state=a%20b%26c`)
    expect(answer.headers['referrer-policy']).toBe('no-referrer')
    expect(host.signedOut).toEqual(['alice'])
    expect(await host.isAlive({ access_token })).toBe(false)
    expect((await host.refresh(host.web, refresh_token)).body.error).toBe('invalid_grant')
  })

  it('counts when it has expired', async () => {
    const { idToken } = await host.tokens()
    host.clock.advance(30 * 24 * 3600)
    const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: host.back })
    expect(answer.headers.location).toBe(host.back)
    expect(host.signedOut).toEqual(['alice'])
  })

  it('shows a page where no URI is named', async () => {
    const { idToken } = await host.tokens()
    const answer = await host.logout({ id_token_hint: idToken, ui_locales: 'de' })
    expect(answer.text).toContain('Sie sind abgemeldet')
    expect(host.signedOut).toEqual(['alice'])
  })

  it('signs out only once what two clients have, and not what another session has', async () => {
    const first = await host.tokens()
    const second = await host.tokens(host.native)
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's2' })
    const other = await host.tokens()
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's1' })
    await host.logout({ id_token_hint: first.idToken })
    expect(await host.isAlive(first)).toBe(false)
    expect(await host.isAlive(second)).toBe(false)
    expect(await host.isAlive(other)).toBe(true)
  })

  it('ends what was refreshed since', async () => {
    const first = await host.tokens()
    const { body } = await host.refresh(host.web, first.refresh_token).expect(200)
    await host.logout({ id_token_hint: first.idToken })
    expect(await host.isAlive(body)).toBe(false)
  })

  it('leaves what was granted offline_access (Back-Channel Logout 2.7)', async () => {
    const offline = await host.tokens(host.web, 'alice', 'openid offline_access')
    expect(offline.scope).toContain('offline_access')
    await host.logout({ id_token_hint: offline.idToken })
    expect(host.signedOut).toEqual(['alice'])
    await host.refresh(host.web, offline.refresh_token).expect(200)
  })
})

describe('the page that asks', () => {
  beforeEach(() => start())

  it.each([
    ['without a hint', async () => ({ client_id: 'web', post_logout_redirect_uri: host.back })],
    ['with nothing at all', async () => ({})],
    ['for a hint of another user', async () => ({ id_token_hint: (await host.tokens(host.web, 'bob')).idToken })],
    ['for a hint that is none', async () => ({ id_token_hint: 'x.y.z', post_logout_redirect_uri: host.back })],
    [
      'for a hint of another session of the user',
      async () => {
        const { idToken } = await host.tokens()
        host.sessions.set('alice', { time: host.clock.now, sessionId: 's2' })
        return { id_token_hint: idToken }
      },
    ],
    [
      'for a hint that somebody else has signed',
      async () => {
        const { idToken } = await host.tokens()
        const { privateKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
          generateKeyPairSync('rsa', { modulusLength: 2048 }),
        )
        const { kid } = decodeProtectedHeader(idToken)
        const forged = new SignJWT({ iss: issuer, sub: 'alice', aud: 'web', auth_time: 1, iat: 1, exp: 2 })
        const header = { alg: 'RS256', typ: 'JWT', ...(kid !== undefined && { kid }) }
        return { id_token_hint: await forged.setProtectedHeader(header).sign(privateKey) }
      },
    ],
  ])('is shown %s', async (_case, parameters) => {
    const { access_token } = await host.tokens()
    const asked = await parameters()
    expectQuestion(await host.logout(asked))
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it.each([
    ['en', 'Sign out', 'Stay signed in'],
    ['de', 'Abmelden', 'Angemeldet bleiben'],
    ['es', 'Cerrar sesión', 'Seguir con la sesión abierta'],
  ])('has two buttons in %s', async (ui_locales, yes, no) => {
    const { text, headers } = await host.logout({ ui_locales })
    expect(text).toContain(`value="yes">${yes}</button>`)
    expect(text).toContain(`value="no">${no}</button>`)
    expect(text).toContain('Alice')
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['cache-control']).toBe('no-store')
  })

  it('signs out by a yes, and sends the browser on', async () => {
    const { access_token } = await host.tokens()
    const page = await host.logout({ client_id: 'web', post_logout_redirect_uri: host.back, state: 's' })
    const answer = await host.post({ ...fieldsOf(page), sign_out: 'yes' })
    expect(answer.headers.location).toBe(`${host.back}?state=s`)
    expect(host.signedOut).toEqual(['alice'])
    expect(await host.isAlive({ access_token })).toBe(false)
  })

  it('leaves everything as it is by a no, and links to the client instead of sending there', async () => {
    const { access_token } = await host.tokens()
    const page = await host.logout({ client_id: 'web', post_logout_redirect_uri: host.back })
    const answer = await host.post({ ...fieldsOf(page), sign_out: 'no' }).expect(200)
    expect(answer.text).toContain('You are still signed in')
    expect(answer.text).toContain(`href="${host.back}"`)
    expect(host.signedOut).toEqual([])
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('takes no answer that another user, another session or nobody was asked for (logout CSRF)', async () => {
    const fields = fieldsOf(await host.logout({}, 'bob'))
    expectQuestion(await host.post({ ...fields, sign_out: 'yes' }))
    expectQuestion(await host.post({ sign_out: 'yes' }))
    expectQuestion(await host.post({ sign_out_transaction: 'x', sign_out: 'yes' }))
    const own = fieldsOf(await host.logout({}))
    expectQuestion(await host.logout({ ...own, sign_out: 'yes' }))
    expectQuestion(await host.post({ ...own, sign_out: 'perhaps' }))
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's2' })
    expectQuestion(await host.post({ ...own, sign_out: 'yes' }))
  })

  it('takes no answer after ten minutes, and no other JWT of this server', async () => {
    const fields = fieldsOf(await host.logout({}))
    const { idToken } = await host.tokens()
    expectQuestion(await host.post({ sign_out_transaction: idToken, sign_out: 'yes' }))
    host.clock.advance(601)
    expectQuestion(await host.post({ ...fields, sign_out: 'yes' }))
  })

  it('does not send on to a URI that was taken out of the record meanwhile', async () => {
    const page = await host.logout({ client_id: 'web', post_logout_redirect_uri: host.back })
    await oauth.updateClient(host.server, 'web', { postLogoutRedirectUris: [] })
    const answer = await host.post({ ...fieldsOf(page), sign_out: 'yes' }).expect(200)
    expect(answer.text).toContain('You are signed out')
  })
})

describe('where the browser is not sent (open redirection)', () => {
  beforeEach(() => start())

  it.each([
    ['another URI', 'https://evil.example/'],
    ['one with more after it', 'https://app.example/signed-out/x'],
    ['one with a query', 'https://app.example/signed-out?x'],
    ['one in other case', 'https://app.example/Signed-out'],
    ['a redirect URI', 'https://app.example/cb'],
    ['a script', 'javascript:alert(1)'],
    ['nothing', ''],
  ])('%s is refused before anything has ended', async (_case, uri) => {
    const { idToken, access_token } = await host.tokens()
    const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: uri })
    if (uri === '') return expect(answer.text).toContain('You are signed out')
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('post_logout_redirect_uri is not registered for this client.')
    expect(answer.headers).not.toHaveProperty('location')
    expect(host.signedOut).toEqual([])
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it.each([
    ['no client', { post_logout_redirect_uri: 'https://app.example/signed-out' }, 'needs id_token_hint or client_id'],
    ['an unknown client', { client_id: 'nobody' }, 'The client of the request is unknown.'],
  ])('%s is refused', async (_case, parameters, problem) => {
    const answer = await host.logout(parameters as Record<string, string>)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain(problem)
  })

  it('a client_id that is not the one of the hint is refused', async () => {
    const { idToken } = await host.tokens()
    const answer = await host.logout({ id_token_hint: idToken, client_id: 'native' })
    expect(answer.status).toBe(400)
    expect(host.signedOut).toEqual([])
  })

  it('a link leads nowhere by itself where nobody is signed in and anybody could register its client', async () => {
    const uri = 'https://evil.example/'
    const { body } = await host
      .http()
      .post('/oauth2/register')
      .send({
        redirect_uris: ['https://evil.example/cb'],
        post_logout_redirect_uris: [uri],
        token_endpoint_auth_method: 'none',
        scope: 'openid',
      })
      .expect(201)
    expect(body.post_logout_redirect_uris).toEqual([uri])
    const { idToken } = await host.tokens({ clientId: body.client_id, redirectUri: 'https://evil.example/cb' }, 'bob')
    const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: uri }, null)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('You are signed out')
    expect(answer.text).toContain('Continue to evil.example')
  })

  it('a client of the host gets its browser back where nobody is signed in any more', async () => {
    const { idToken } = await host.tokens()
    const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: host.back }, null)
    expect(answer.headers.location).toBe(host.back)
    const page = await host.logout({ client_id: 'web', post_logout_redirect_uri: host.back }, null)
    expect(page.status).toBe(200)
  })
})

it('is for browsers: a token of an app in front signs nobody out', async () => {
  const guard: RequestHandler = (req, res, next) =>
    req.headers.authorization?.startsWith('Bearer') ? oauth.bearerGuard(host.server)(req, res, next) : next()
  await start({ front: guard })
  const { idToken, access_token } = await host.tokens()
  await host.logout({ id_token_hint: idToken }).auth(access_token, { type: 'bearer' }).expect(403)
  expect(host.signedOut).toEqual([])
})

it('asks again by GET where a form of another site brings no cookie (SameSite=Lax)', async () => {
  await start()
  const { idToken } = await host.tokens()
  const asked = { id_token_hint: idToken, post_logout_redirect_uri: host.back, state: 'x' }
  const answer = await host.post(asked, null)
  expect(answer.status).toBe(303)
  expect(answer.headers.location).toBe(`?${new URLSearchParams(asked)}`)
})

it('answers while a client of the session hangs, and tells the others', async () => {
  await start()
  const hanging = await createListener(() => {})
  const other = await createListener()
  await oauth.updateClient(host.server, 'web', { backchannelLogoutUri: hanging.url })
  await oauth.updateClient(host.server, 'native', { backchannelLogoutUri: other.url })
  const { idToken } = await host.tokens()
  await host.tokens(host.native)
  const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: host.back })
  expect(answer.status).toBe(303)
  await other.heardOf(1)
  await hanging.heardOf(1)
  expect(host.eventTypes()).not.toContain('logout.failed')
  hanging.close()
  other.close()
})

describe('the session of the host', () => {
  it('goes on where the store is away, so that the user can try again', async () => {
    await start()
    const { idToken } = await host.tokens()
    host.storage.replace('grants.list', () => Promise.reject(new Error('away')))
    await host.logout({ id_token_hint: idToken }).expect(503)
    expect(host.signedOut).toEqual([])
  })

  it('is waited for, and what it throws is a 500 with an event', async () => {
    await start({ signOut: () => Promise.reject(new Error('the session store is away')) })
    const { idToken } = await host.tokens()
    await host.logout({ id_token_hint: idToken }).expect(500)
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual(['Error: the session store is away'])
  })

  it('that answers by itself is a mistake of the host, which an event names', async () => {
    await start({ signOut: (_req, res) => void res.redirect('/') })
    const { idToken } = await host.tokens()
    await host.logout({ id_token_hint: idToken }).expect(302)
    expect(String(host.reportedErrors()[0]?.cause)).toContain("endSessionRouter's signOut sent a response")
  })

  it('without an id ends for the browser alone', async () => {
    await start()
    host.sessions.set('alice', { time: host.clock.now })
    const { idToken, access_token } = await host.tokens()
    await host.logout({ id_token_hint: idToken }).expect(200)
    expect(host.signedOut).toEqual(['alice'])
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('takes along what was renewed while it ended', async () => {
    let renewed: { access_token: string } | undefined
    await start({
      signOut: async () => {
        host.clock.advance(1)
        renewed = await host.tokens()
      },
    })
    const { idToken } = await host.tokens()
    await host.logout({ id_token_hint: idToken }).expect(200)
    expect(renewed && (await host.isAlive(renewed))).toBe(false)
  })
})

describe('options', () => {
  it('throw at start-up, naming the fix', async () => {
    await start()
    const { server } = host
    expect(() => endSessionRouter(server, {} as never)).toThrow('endSessionRouter needs signOut')
    expect(() => endSessionRouter(server, { signOut: () => {}, more: 1 } as never)).toThrow('Unknown')
    const plain = oauth.createAuthorizationServer({
      ...{ issuer, storage: oauth.memoryStorage(), scopes: {}, users: { find: () => undefined } },
    })
    expect(() => endSessionRouter(plain, { signOut: () => {} })).toThrow('endSessionRouter needs the option openid')
  })

  it('metadata names the endpoint where endpoints.endSession does', async () => {
    await start()
    const { body } = await host.http().get('/.well-known/openid-configuration')
    expect(body).toMatchObject({
      end_session_endpoint: `${issuer}${LOGOUT}`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    })
  })
})

it('silent renewal in a frame of the same site is redirected: no page of ours is shown in a frame', async () => {
  await start()
  const frame = { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }
  await host.authorize(host.web, { scope: 'openid', prompt: 'none' }).set(frame).expect(302)
  // in a window of its own the page stands between a form of the host and the client
  const page = await host.authorize(host.web, { scope: 'openid' }).set({ ...frame, 'Sec-Fetch-Dest': 'document' })
  expect(page.status).toBe(200)
})
