// Back-Channel Logout 1.0: what clients are told, what ends before, and where this server sends nothing.
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from '../../src/index'
import { logoutSessions, openid } from '../../src/openid/index'
import { issuer } from '../support/host'
import { type Answer, createListener, createLogoutHost, type LogoutHostOptions } from '../support/logout'
import { signingKeys } from '../support/openid'
import { seenDuring } from '../support/turns'

let host: Awaited<ReturnType<typeof createLogoutHost>>
const listeners: Awaited<ReturnType<typeof createListener>>[] = []
const start = async (options: LogoutHostOptions = {}) => {
  host = await createLogoutHost(options)
}
const listen = async (answer?: Answer) => {
  const listener = await createListener(answer)
  listeners.push(listener)
  return listener
}
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close()
})

/** The client of the host, told at a listener of its own. */
async function told(answer?: Answer, client = host.web, more: object = {}) {
  const listener = await listen(answer)
  await oauth.updateClient(host.server, client.clientId, { backchannelLogoutUri: listener.url, ...more })
  return listener
}

const failures = () => host.events.flatMap((event) => (event.type === 'logout.failed' ? [event.reason] : []))

describe('the logout token', () => {
  it('has the claims of 2.4, its own typ, and no nonce', async () => {
    await start()
    const listener = await told()
    const { idToken } = await host.tokens()
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    const jwks = createLocalJWKSet((await host.http().get('/.well-known/jwks.json')).body)
    const { payload } = await jwtVerify(listener.tokens[0] as string, jwks, {
      ...{ issuer, audience: 'web', typ: 'logout+jwt', currentDate: new Date(host.clock.now * 1000) },
    })
    expect(payload).toEqual({
      ...{ iss: issuer, sub: 'alice', aud: 'web', iat: host.clock.now, exp: host.clock.now + 120 },
      jti: expect.stringMatching(/^[\w-]{43}$/),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      sid: decodeJwt(idToken).sid,
    })
  })

  it('is signed as the id_tokens of its client, and is none of them', async () => {
    await start()
    const listener = await told(undefined, host.web, { idTokenSignedResponseAlg: 'ES256' })
    const { idToken } = await host.tokens()
    await logoutSessions(host.server, { userId: 'alice' })
    const token = listener.tokens[0] as string
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'logout+jwt' })
    // neither a hint nor an access token, nor the answer of the page that asks
    const answer = await host.logout({ id_token_hint: token })
    expect(answer.text).toContain('Do you want to sign out?')
    expect((await host.userinfo(token)).status).toBe(401)
    const posted = await host.post({ sign_out_transaction: token, sign_out: 'yes' })
    expect(posted.text).toContain('Do you want to sign out?')
    expect(host.signedOut).toEqual([])
    expect(decodeJwt(idToken)).not.toHaveProperty('events')
  })

  it('names another session to each client, so that nobody learns that two of their users are one', async () => {
    await start()
    const [one, other] = [await told(), await told(undefined, host.native)]
    await host.tokens()
    await host.tokens(host.native)
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    const sids = [...one.tokens, ...other.tokens].map((token) => decodeJwt(token).sid)
    expect(new Set(sids).size).toBe(2)
    expect(sids).not.toContain('s1')
  })
})

describe('logoutSessions', () => {
  it('lets others have their turn after each authorization that it ends', async () => {
    await start()
    await told()
    for (let n = 0; n < 5; n++) await host.tokens()
    const ended = () => host.eventTypes().filter((type) => type === 'grant.revoked').length
    const seen = await seenDuring(() => logoutSessions(host.server, { userId: 'alice' }), ended)
    for (const count of [1, 2, 3, 4, 5]) expect(seen).toContain(count)
  })

  it('ends one session, or all, of one user alone, and sends one token for each client and session', async () => {
    await start()
    const listener = await told()
    const bob = await host.tokens(host.web, 'bob')
    const first = await host.tokens()
    const again = await host.tokens()
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's2' })
    const second = await host.tokens()
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    expect(listener.tokens).toHaveLength(1)
    expect([await host.isAlive(first), await host.isAlive(again), await host.isAlive(second)]).toEqual([
      ...[false, false, true],
    ])
    await logoutSessions(host.server, { userId: 'alice' })
    expect(listener.tokens).toHaveLength(2)
    expect([await host.isAlive(second), await host.isAlive(bob)]).toEqual([false, true])
  })

  it('leaves what has no sign-in in it, and what was granted offline_access, whose client is told all the same', async () => {
    await start()
    const listener = await told()
    const api = await host.signIn(host.web, { scope: 'read' })
    const offline = await host.tokens(host.web, 'alice', 'openid offline_access')
    await logoutSessions(host.server, { userId: 'alice' })
    expect(await host.isAlive(api)).toBe(true)
    expect(await host.isAlive(offline)).toBe(true)
    expect(listener.tokens).toHaveLength(1)
  })

  it.each(['s1', undefined])('ends codes that are on their way, of the session %s', async (sessionId) => {
    await start()
    const code = (user = 'alice', scope = 'openid') =>
      host.code(host.web, { scope, ...(scope.includes('offline_access') && { prompt: 'consent' }) }, user)
    host.sessions.set('bob', { time: host.clock.now, sessionId: 's1' })
    const codes = [await code(), await code('bob'), await code('alice', 'openid offline_access')]
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's2' })
    codes.push(await code())
    for (const _twice of [1, 2]) await logoutSessions(host.server, { userId: 'alice', ...(sessionId && { sessionId }) })
    host.clock.advance(1)
    host.sessions.set('alice', { time: host.clock.now, sessionId: 's1' })
    codes.push(await code())
    const answers = await Promise.all(codes.map((one) => host.exchange(host.web, one)))
    expect(answers.map(({ status }) => status)).toEqual([400, 200, 200, sessionId ? 200 : 400, 200])
    expect(answers[0]?.body.error).toBe('invalid_grant')
  })

  describe('at the same moment', () => {
    const end = () => logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    const alive = async () => (await oauth.listGrants(host.server, { userId: 'alice' })).length

    it('ends a code that is being exchanged: it is stored after the session was listed', async () => {
      await start()
      const code = await host.code(host.web, { scope: 'openid' })
      host.events.length = 0
      const pause = host.storage.pauseBefore('grants.transition')
      const exchange = host.exchange(host.web, code).then((answer) => answer)
      await pause.reached
      await end()
      pause.resume()
      expect((await exchange).body.error).toBe('invalid_grant')
      expect(await alive()).toBe(0)
      expect(host.events.map(({ type }) => type)).not.toContain('token.issued')
    })

    it('refuses a code that is exchanged before the session is listed', async () => {
      await start()
      const code = await host.code(host.web, { scope: 'openid' })
      const pause = host.storage.pauseBefore('grants.list')
      const ending = end()
      await pause.reached
      expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
      pause.resume()
      await ending
      expect(await alive()).toBe(0)
    })

    it('ends a refresh', async () => {
      await start()
      const tokens = await host.tokens()
      const pause = host.storage.pauseBefore('grants.transition')
      const refresh = host.refresh(host.web, tokens.refresh_token).then((answer) => answer)
      await pause.reached
      await end()
      pause.resume()
      expect((await refresh).body.error).toBe('invalid_grant')
      expect(await alive()).toBe(0)
    })

    it('ends a code that is issued later, to who was seen to be signed in before', async () => {
      await start()
      const pause = host.storage.pauseBefore('grants.list')
      const issuing = host.code(host.web, { scope: 'openid' })
      await pause.reached
      await end()
      host.clock.advance(5)
      pause.resume()
      expect((await host.exchange(host.web, await issuing)).body.error).toBe('invalid_grant')
    })
  })

  it('does not end the session of another user by the same id', async () => {
    await start()
    host.sessions.set('bob', { time: host.clock.now, sessionId: 's1' })
    const bob = await host.tokens(host.web, 'bob')
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    expect(await host.isAlive(bob)).toBe(true)
  })

  it('knows a client without refresh token, whose tokens are stateless, for as long as sessionTtl', async () => {
    await start({
      accessTokens: oauth.jwt({ keys: signingKeys, audience: 'https://api.example', stateless: true }),
    })
    const listener = await told(undefined, host.web, { grantTypes: ['authorization_code'] })
    await host.tokens()
    host.clock.advance(20 * 24 * 3600)
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    expect(listener.tokens).toHaveLength(1)
  })

  it('revokes before it tells', async () => {
    await start()
    const alive: boolean[] = []
    const { access_token } = await host.tokens()
    await told(async (_req, res) => {
      alive.push(await host.isAlive({ access_token }))
      res.end()
    })
    await logoutSessions(host.server, { userId: 'alice' })
    expect(alive).toEqual([false])
  })

  it('tells nobody where the store is away', async () => {
    await start()
    const listener = await told()
    await host.tokens()
    host.storage.replace('grants.revoke', () => Promise.reject(new Error('away')))
    await expect(logoutSessions(host.server, { userId: 'alice' })).rejects.toThrow()
    expect(listener.tokens).toEqual([])
  })

  it.each([
    [{}, 'logoutSessions: userId must be'],
    [{ userId: '' }, 'logoutSessions: userId must be'],
    [{ userId: 'alice', sessionId: undefined }, 'sessionId is undefined. Set it, or leave it out'],
    [{ userId: 'alice', sessionId: '' }, 'sessionId must be a non-empty string, not an empty one'],
    [{ userId: 'alice', sessionId: 5 }, 'sessionId must be a non-empty string, not a number'],
    [{ userId: 'alice', session: 's1' }, 'Unknown logoutSessions member session'],
  ])('refuses %j: a session that was not found must not end all', async (target, problem) => {
    await start()
    const { access_token } = await host.tokens()
    await expect(logoutSessions(host.server, target as never)).rejects.toThrow(problem)
    expect(await host.isAlive({ access_token })).toBe(true)
  })
})

describe('a client that is not told at once', () => {
  it('is tried again after a failure of its server, each time by a token of its own, and no more than three times', async () => {
    await start()
    const listener = await told((_req, res, times) => {
      res.statusCode = times === 3 ? 204 : 503
      res.end()
    })
    await host.tokens()
    await logoutSessions(host.server, { userId: 'alice' })
    expect(new Set(listener.tokens.map((token) => decodeJwt(token).jti)).size).toBe(3)
    expect(host.eventTypes()).toContain('logout.sent')

    const busy = await told((_req, res) => {
      res.statusCode = 500
      res.end()
    })
    // what begins in the second of an end belongs to what has ended
    host.clock.advance(1)
    await host.tokens()
    await logoutSessions(host.server, { userId: 'alice' })
    expect(busy.tokens).toHaveLength(3)
    expect(failures()).toEqual(['it answered 500'])
  })

  it('is not tried again where it refuses, and is not followed anywhere', async () => {
    await start()
    const target = await listen()
    const listener = await told((_req, res) => {
      res.statusCode = 307
      res.setHeader('location', target.url)
      res.end()
    })
    await host.tokens()
    await logoutSessions(host.server, { userId: 'alice' })
    expect(listener.tokens).toHaveLength(1)
    expect(target.tokens).toEqual([])
    expect(failures()).toEqual(['it answered 307'])
  })

  it('is given up after five seconds where it hangs, and the others do not wait for it', async () => {
    await start()
    const hanging = await told(() => {})
    const other = await told(undefined, host.native)
    await host.tokens()
    await host.tokens(host.native)
    const done = logoutSessions(host.server, { userId: 'alice' })
    await other.heardOf(1)
    await done
    expect(hanging.tokens).toHaveLength(1)
    expect(host.eventTypes().filter((type) => type.startsWith('logout.'))).toEqual(['logout.sent', 'logout.failed'])
  }, 20_000)

  it('has at most 50 of its users told at once, so that one host that hangs does not use up the sockets', async () => {
    await start()
    let open = 0
    let most = 0
    await told((req) => {
      most = Math.max(most, ++open)
      req.socket.once('close', () => open--)
    })
    for (const user of ['alice', 'bob', 'carol']) {
      host.people.set(user, { id: user, name: user })
      for (let n = 0; n < 20; n++) {
        host.sessions.set(user, { time: host.clock.now, sessionId: `s${n}` })
        await host.tokens(host.web, user)
      }
    }
    await Promise.all(['alice', 'bob', 'carol'].map((userId) => logoutSessions(host.server, { userId })))
    expect(most).toBe(50)
    expect(failures().filter((reason) => reason === 'too many clients are being told at once')).toHaveLength(10)
  }, 60_000)

  it('is not told without the sid that it wants', async () => {
    await start()
    const listener = await told(undefined, host.web, { backchannelLogoutSessionRequired: true })
    await host.tokens(host.web, 'bob')
    await logoutSessions(host.server, { userId: 'bob' })
    expect(listener.tokens).toEqual([])
    expect(failures()).toEqual([expect.stringContaining('openid({ authentication }) returned no sessionId')])
  })
})

describe('where nothing is sent (SSRF)', () => {
  it.each([
    'http://app.example/logout',
    'https://127.0.0.1/logout',
    'https://[::1]/logout',
    'https://10.0.0.1/logout',
    'https://169.254.169.254/latest',
    'https://localhost/logout',
    'https://printer.local/logout',
    'https://user:password@app.example/logout',
    'https://app.example/logout#part',
    'file:///etc/passwd',
    'x',
  ])('%s is no backchannel_logout_uri', async (backchannelLogoutUri) => {
    await start({ openid: { dangerouslyAllowLoopback: false } })
    await expect(oauth.updateClient(host.server, 'web', { backchannelLogoutUri })).rejects.toMatchObject({
      code: 'invalid_client_metadata',
      description: 'backchannelLogoutUri must be an https URL of a public host.',
    })
  })

  it('a record of before that names loopback is looked at once more when it is sent to', async () => {
    await start()
    const listener = await told()
    await host.tokens()
    const events: oauth.AuthorizationServerEvent[] = []
    const strict = oauth.createAuthorizationServer({
      ...{
        issuer,
        storage: host.storage,
        scopes: {},
        now: () => host.clock.now,
        onEvent: (event) => events.push(event),
      },
      users: { find: (id) => host.people.get(id) },
      openid: openid({ keys: signingKeys, authentication: () => undefined }),
    })
    await logoutSessions(strict, { userId: 'alice' })
    expect(listener.tokens).toEqual([])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'logout.failed', reason: '127.0.0.1 is not a public address' }),
    )
  })

  it('loopback is warned of in production', async () => {
    const { NODE_ENV = 'test' } = process.env
    process.env.NODE_ENV = 'production'
    const codes: unknown[] = []
    try {
      oauth.createAuthorizationServer({
        ...{ issuer, storage: oauth.memoryStorage(), scopes: {}, users: { find: () => undefined } },
        onEvent: (event) => codes.push('code' in event && event.code),
        openid: openid({ keys: signingKeys, authentication: () => undefined, dangerouslyAllowLoopback: true }),
      })
    } finally {
      process.env.NODE_ENV = NODE_ENV
    }
    expect(codes).toContain('loopback_documents_in_production')
  })
})
