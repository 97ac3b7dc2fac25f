// ATTACKS.md row 44: what begins with an access token is of that token's grant: it ends with it, and is never more.
import type { Request, RequestHandler } from 'express'
import { Passport } from 'passport'
import {
  type ApproveOptions,
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  bearerStrategy,
  type Client,
  consentPage,
  type Decide,
  deleteClient,
  deleteExpired,
  dpop,
  type GrantType,
  generateSigningKey,
  implicit,
  introspectRouter,
  issueTokens,
  jwt,
  listGrants,
  memoryStorage,
  refreshToken,
  revokeGrants,
  revokeRouter,
  tokenRouter,
} from '../../src/index'
import { fieldsOf } from '../support/consent'
import { proof, proofKey } from '../support/dpop'
import {
  createHost,
  type Host,
  type HostOptions,
  issuer,
  type Parameters,
  paths,
  type TestClient,
  type Tokens,
} from '../support/host'

const WEEK = 7 * 24 * 3600

interface Setting extends HostOptions {
  approves?: Partial<ApproveOptions>
  front?: (server: Host['server']) => RequestHandler
}

/** A host whose authorization endpoint takes an access token for a session. `app` may not refresh, `launcher` and `shop` may. */
async function makeHost({ approves, front = bearerGuard, decide, ...options }: Setting = {}) {
  const clients = ['web', 'shop', 'launcher', 'app']
  const decider = decide ?? approve({ clients, fromTokensOf: ['launcher', 'shop'], ...approves })
  const host = await createHost({
    grants: [authorizationCode(), refreshToken(), implicit()],
    ...options,
    mount(app, server) {
      app.use(paths.authorize, front(server), authorizeRouter(server, { decide: decider, response: 'json' }))
      app.use(paths.token, tokenRouter(server))
      app.use(paths.revoke, revokeRouter(server))
      app.use(paths.introspect, introspectRouter(server))
      app.get('/me', bearerGuard(server), (req, res) => void res.json({ user: req.user }))
    },
  })
  const grantTypes = [...host.server.grants.keys()]
  const launcher = await host.register({ clientId: 'launcher', grantTypes })
  const shop = await host.register({ clientId: 'shop', grantTypes })
  const app = await host.register({ clientId: 'app', grantTypes: ['authorization_code'] })
  const begin = async (client: TestClient, scope = 'read') =>
    (await issueTokens(host.server, { clientId: client.clientId, userId: 'alice', scope })) as Tokens
  const ask = (client: TestClient, accessToken: string, parameters: Parameters = {}) =>
    host
      .http()
      .get(`${paths.authorize}?${host.authorizationRequest(client, { scope: 'read', ...parameters })}`)
      .auth(accessToken, { type: 'bearer' })
  const codeFor = async (client: TestClient, accessToken: string) => {
    const { body } = await ask(client, accessToken).expect(200)
    return body.code as string
  }
  const derive = async (client: TestClient, accessToken: string): Promise<Tokens> =>
    (await host.exchange(client, await codeFor(client, accessToken)).expect(200)).body
  return { host, web: host.web, launcher, shop, app, begin, ask, codeFor, derive }
}

const onlyGrant = async (host: Host) => {
  const grants = await listGrants(host.server)
  expect(grants).toHaveLength(1)
  return grants[0] as (typeof grants)[0]
}

describe('an access token at the authorization endpoint is good for its own client', () => {
  const asConsent = consentPage({ signIn: '/login', user: () => 'alice' })
  const asPassport = (server: Host['server']) =>
    new Passport().use(bearerStrategy(server)).authenticate('bearer', { session: false }) as RequestHandler
  const user = (req: Request) => req.user
  const doors: [string, Setting][] = [
    ['approve', { approves: { fromTokensOf: undefined } }],
    ['approve by a predicate', { approves: { clients: () => true, fromTokensOf: undefined } }],
    ['approve behind our strategy', { front: asPassport, approves: { user, fromTokensOf: undefined } }],
    ['approve where other clients are named', { approves: { fromTokensOf: ['launcher', 'web'] } }],
    ['a decider of the host', { decide: () => ({ allow: true, userId: 'alice' }) }],
  ]

  it.each(doors)('and for no other, by %s', async (_, setting) => {
    const { host, web, app, begin, ask } = await makeHost(setting)
    const { access_token } = await begin(app)
    for (const response_type of ['code', 'token']) {
      const refused = await ask(web, access_token, { response_type })
      expect([refused.status, refused.body.error]).toEqual([403, 'access_denied'])
    }
    expect((await ask(app, access_token)).status).toBe(200)
    expect(host.eventTypes().filter((type) => type === 'code.issued')).toHaveLength(1)
  })

  it('and for no other, when the user says yes on the consent page', async () => {
    const { host, web, app, begin } = await makeHost({ decide: asConsent })
    const { access_token } = await begin(app)
    const answer = async (client: TestClient) => {
      const url = `${paths.authorize}?${host.authorizationRequest(client, { scope: 'read' })}`
      const shown = await host.http().get(url).auth(access_token, { type: 'bearer' })
      host.clock.advance(0.5)
      const sent = host.http().post(url).auth(access_token, { type: 'bearer' }).type('form')
      return sent.send({ ...fieldsOf(shown), consent: 'allow' })
    }
    expect((await answer(web)).body).toMatchObject({ error: 'access_denied' })
    expect((await answer(app)).body).toHaveProperty('code')
  })

  it('and for others where its client is named for exactly this', async () => {
    const { host, web, launcher, begin, derive } = await makeHost({ approves: { fromTokensOf: ['launcher'] } })
    const { access_token } = await derive(web, (await begin(launcher)).access_token)
    expect((await host.me(access_token)).body.user.id).toBe('alice')
  })

  it('and for none where a decider names them in one string: the host hears of it', async () => {
    const decide = () => ({ allow: true as const, userId: 'alice', fromTokensOf: 'launcher' as never })
    const { host, web, launcher, begin, ask } = await makeHost({ decide })
    expect((await ask(web, (await begin(launcher)).access_token)).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain('fromTokensOf')
  })

  it('of a response_type of the host that does not keep to it, for none: the host hears of it', async () => {
    const own: GrantType = {
      grantType: 'own',
      responseType: 'own',
      authorize: async (server, { authorization: { clientId, userId } }) => ({
        ...(await issueTokens(server, { clientId, userId })),
      }),
    }
    const { host, begin, ask } = await makeHost({
      grants: [authorizationCode(), refreshToken(), own],
      approves: { clients: () => true },
    })
    const owner = await host.register({ clientId: 'owner', grantTypes: ['authorization_code', 'own'] })
    const answer = await ask(owner, (await begin(owner)).access_token, { response_type: 'own' })
    expect([answer.status, answer.body]).toEqual([
      500,
      expect.not.objectContaining({ access_token: expect.anything() }),
    ])
    expect(String(host.reportedErrors()[0]?.cause)).toContain('fromAccessTokens')
  })
})

describe('what begins with an access token', () => {
  it('begins no grant, and ends with that of the token, a code under way and a week later alike', async () => {
    const { host, web, launcher, begin, codeFor, derive } = await makeHost()
    const source = await begin(launcher)
    const { id, clientId } = await onlyGrant(host)
    let derived = await derive(web, source.access_token)
    const waiting = await codeFor(web, source.access_token)
    expect(await onlyGrant(host)).toMatchObject({ id, clientId: 'launcher' })
    derived = (await host.refresh(web, derived.refresh_token).expect(200)).body
    expect(clientId).toBe('launcher')
    expect(await onlyGrant(host)).toMatchObject({ id, clientId: 'launcher' })
    await revokeGrants(host.server, { grantId: id })
    expect(await host.isAlive(derived)).toBe(false)
    expect((await host.exchange(web, waiting)).body.error).toBe('invalid_grant')
    expect((await host.refresh(web, derived.refresh_token)).body.error).toBe('invalid_grant')
    host.clock.advance(WEEK)
    expect((await host.refresh(web, derived.refresh_token)).body.error).toBe('invalid_grant')
    expect((await host.introspect(web, derived.refresh_token)).body).toEqual({ active: false })
  })

  it('is dead when the grant is revoked while the code is exchanged, or the token refreshed', async () => {
    const { host, web, launcher, begin, codeFor, derive } = await makeHost()
    for (const step of ['exchange', 'refresh']) {
      const source = await begin(launcher)
      const { id } = await onlyGrant(host)
      const code = step === 'exchange' ? await codeFor(web, source.access_token) : undefined
      const { refresh_token } = await derive(web, source.access_token)
      const pause = host.storage.pauseBefore('grants.transition')
      const answer = (code ? host.exchange(web, code) : host.refresh(web, refresh_token)).then((it) => it)
      await pause.reached
      await revokeGrants(host.server, { grantId: id })
      pause.resume()
      expect((await answer).body.error).toBe('invalid_grant')
    }
  })

  it.each<[string, string, string]>([
    ['the client that it is for', 'web', 'launcher'],
    ['the client of the token', 'launcher', ''],
  ])('ends when %s is deleted', async (_, deleted, alive) => {
    const { host, web, launcher, begin, derive } = await makeHost()
    const source = await begin(launcher)
    const derived = await derive(web, source.access_token)
    await deleteClient(host.server, deleted)
    expect(await host.isAlive(derived)).toBe(false)
    expect(await host.isAlive(source)).toBe(alive === 'launcher')
  })

  it('leaves the tokens of the grant in their places, however often both are refreshed', async () => {
    const { host, web, launcher, begin, derive } = await makeHost()
    let source = await begin(launcher)
    let derived = await derive(web, source.access_token)
    const other = await derive(web, source.access_token)
    for (let times = 0; times < 3; times++) {
      host.clock.advance(61)
      const before = [source, derived]
      derived = (await host.refresh(web, derived.refresh_token).expect(200)).body
      source = (await host.refresh(launcher, source.refresh_token).expect(200)).body
      for (const tokens of [...before, source, derived, other]) expect(await host.isAlive(tokens)).toBe(true)
    }
    expect(await onlyGrant(host)).toMatchObject({ clientId: 'launcher' })
    expect((await host.introspect(web, derived.refresh_token)).body).toMatchObject({ active: true, client_id: 'web' })
    expect((await host.introspect(web, source.refresh_token)).body).toEqual({ active: false })
  })

  it('has no refresh token and no longer life where the token in front has none', async () => {
    const { host, app, web, begin, derive } = await makeHost({ approves: { fromTokensOf: ['app'] } })
    const source = await begin(app)
    expect(source).not.toHaveProperty('refresh_token')
    host.clock.advance(3000)
    for (const client of [app, web]) {
      const derived = await derive(client, source.access_token)
      expect(derived).toMatchObject({ expires_in: 600 })
      expect(derived).not.toHaveProperty('refresh_token')
      expect((await onlyGrant(host)).expiresAt).toBe(host.clock.now + 600)
    }
  })

  it('has no refresh token where its own client may have none, and renews itself never', async () => {
    const { host, app, launcher, begin, ask, derive } = await makeHost({
      approves: { fromTokensOf: ['launcher', 'app'] },
    })
    const source = await begin(launcher)
    const first = await derive(app, source.access_token)
    expect(first).not.toHaveProperty('refresh_token')
    host.clock.advance(3000)
    for (const client of [app, launcher]) {
      const second = await derive(client, first.access_token)
      expect(second).toMatchObject({ expires_in: 600 })
      expect(second).not.toHaveProperty('refresh_token')
    }
    host.clock.advance(600)
    expect((await ask(app, first.access_token)).status).toBe(401)
  })

  it('ends in the second in which the refresh token of the grant would have ended', async () => {
    const { host, web, launcher, begin, derive } = await makeHost({
      grants: [authorizationCode(), refreshToken({ ttl: 7200 })],
    })
    let source = await begin(launcher)
    host.clock.advance(1000)
    let derived = await derive(web, source.access_token)
    expect((await host.introspect(web, derived.refresh_token)).body.exp).toBe(host.clock.now + 6200)
    host.clock.advance(4000)
    derived = (await host.refresh(web, derived.refresh_token).expect(200)).body
    expect(derived.expires_in).toBe(2200)
    expect((await host.introspect(web, derived.refresh_token)).body.exp).toBe(host.clock.now + 2200)
    host.clock.advance(1000)
    source = (await host.refresh(launcher, source.refresh_token).expect(200)).body
    derived = (await host.refresh(web, derived.refresh_token).expect(200)).body
    expect((await host.introspect(web, derived.refresh_token)).body.exp).toBe(host.clock.now + 7200)
    host.clock.advance(7200)
    expect((await host.refresh(web, derived.refresh_token)).body.error).toBe('invalid_grant')
    expect(await listGrants(host.server)).toEqual([])
  })

  it('by the implicit grant ends with the token in front', async () => {
    const { host, web, launcher, begin, ask } = await makeHost()
    const source = await begin(launcher)
    host.clock.advance(3000)
    const { body } = await ask(web, source.access_token, { response_type: 'token' }).expect(200)
    expect(body).toMatchObject({ expires_in: 600 })
    const { id } = await onlyGrant(host)
    const again = await ask(launcher, body.access_token, { response_type: 'token' })
    expect([again.status, again.body.error]).toEqual([403, 'access_denied'])
    await revokeGrants(host.server, { grantId: id })
    expect(await host.isAlive(body)).toBe(false)
  })

  it('by the implicit grant does not begin where that ends while the user is asked', async () => {
    let wait = (): void => {}
    const decide: Decide = () => {
      wait()
      return { allow: true, userId: 'alice', fromTokensOf: ['launcher'] }
    }
    const { host, web, launcher, begin, ask } = await makeHost({ decide })
    const { access_token } = await begin(launcher)
    host.events.length = 0
    wait = () => host.clock.advance(3600)
    expect((await ask(web, access_token, { response_type: 'token' })).body.error).toBe('access_denied')
    expect(host.eventTypes()).not.toContain('token.issued')
  })

  it('and then with that again is still of the one grant, and never more', async () => {
    const { host, web, launcher, shop, begin, ask, derive } = await makeHost()
    await host.register({ clientId: 'wide', scopes: ['read', 'write'] })
    const source = await begin(launcher, 'read write')
    const { id } = await onlyGrant(host)
    const second = await derive(shop, source.access_token)
    const third = await derive(web, second.access_token)
    const fourth = await derive(web, third.access_token)
    expect((await ask(web, second.access_token, { scope: 'write' })).body.error).toBe('invalid_scope')
    for (const { refresh_token } of [third, fourth]) await host.refresh(web, refresh_token).expect(200)
    expect(await onlyGrant(host)).toMatchObject({ id, clientId: 'launcher' })
    await revokeGrants(host.server, { grantId: id })
    for (const tokens of [source, second, third, fourth]) expect(await host.isAlive(tokens)).toBe(false)
  })

  it('costs one call of storage more at the exchange, and two at a refresh: the session of the token, and the limits of its client', async () => {
    const { host, web, launcher, begin, codeFor } = await makeHost()
    const code = await codeFor(web, (await begin(launcher)).access_token)
    host.storage.calls.length = 0
    const { body } = await host.exchange(web, code).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.find', 'grants.transition'])
    host.storage.calls.length = 0
    await host.refresh(web, body.refresh_token).expect(200)
    expect(host.storage.calls).toEqual([
      'clients.find',
      'grants.find',
      'grants.find',
      'clients.find',
      'grants.transition',
    ])
  })

  it.each(['grantId', 'data'])('is nothing where the storage loses the %s of its code', async (lost) => {
    const { host, web, launcher, begin, codeFor } = await makeHost()
    const code = await codeFor(web, (await begin(launcher)).access_token)
    host.storage.replace('grants.find', async (call) => {
      const { grantId, data, ...rest } = (await call()) as Record<string, unknown>
      const { bound, ...others } = data as { bound: Record<string, unknown> }
      const { source: _, ...kept } = bound
      return lost === 'grantId' ? { ...rest, data } : { ...rest, grantId, data: { ...others, bound: kept } }
    })
    expect((await host.exchange(web, code)).body.error).toBe('invalid_grant')
  })
})

describe('what ends one session of a grant', () => {
  /** A session of the launcher, and two of `web` that began with its token. */
  async function threeSessions() {
    const made = await makeHost()
    const { host, web, launcher, begin, codeFor, derive } = made
    const source = await begin(launcher)
    const code = await codeFor(web, source.access_token)
    const derived: Tokens = (await host.exchange(web, code).expect(200)).body
    return { ...made, source, code, derived, other: await derive(web, source.access_token) }
  }
  type Three = Awaited<ReturnType<typeof threeSessions>>

  async function expectOnlyOneEnded({ host, web, launcher, source, derived, other }: Three, ended: Tokens[]) {
    for (const tokens of [derived, ...ended]) {
      expect(await host.isAlive(tokens)).toBe(false)
      expect((await host.refresh(web, tokens.refresh_token)).body.error).toBe('invalid_grant')
      expect((await host.introspect(web, tokens.refresh_token)).body).toEqual({ active: false })
    }
    for (const tokens of [source, other]) expect(await host.isAlive(tokens)).toBe(true)
    await host.refresh(web, other.refresh_token).expect(200)
    await host.refresh(launcher, source.refresh_token).expect(200)
  }

  it('its code comes twice (RFC 6749 §4.1.2): its client ends no session but that', async () => {
    const three = await threeSessions()
    const { host, web, code, derived } = three
    const next: Tokens = (await host.refresh(web, derived.refresh_token).expect(200)).body
    host.clock.advance(61)
    expect((await host.exchange(web, code)).body.error).toBe('invalid_grant')
    expect(host.eventTypes()).toContain('code.replayed')
    expect(host.eventTypes()).not.toContain('grant.revoked')
    await expectOnlyOneEnded(three, [next])
  })

  it('an older refresh token of it comes again (RFC 9700 §4.14.2)', async () => {
    const three = await threeSessions()
    const { host, web, derived } = three
    const second: Tokens = (await host.refresh(web, derived.refresh_token).expect(200)).body
    const third: Tokens = (await host.refresh(web, second.refresh_token).expect(200)).body
    expect((await host.refresh(web, derived.refresh_token)).body.error).toBe('invalid_grant')
    expect(host.eventTypes()).toContain('refresh.reused')
    await expectOnlyOneEnded(three, [second, third])
  })

  it('its client revokes it (RFC 7009), with an older refresh token, too', async () => {
    const three = await threeSessions()
    const { host, web, derived } = three
    const next: Tokens = (await host.refresh(web, derived.refresh_token).expect(200)).body
    await host.revoke(web, derived.refresh_token).expect(200)
    await expectOnlyOneEnded(three, [next])
  })

  it('it is revoked while it is refreshed: the refresh does not bring it back', async () => {
    const three = await threeSessions()
    const { host, web, derived } = three
    const pause = host.storage.pauseBefore('grants.transition')
    const revoked = host.revoke(web, derived.refresh_token).then((it) => it)
    await pause.reached
    const next: Tokens = (await host.refresh(web, derived.refresh_token).expect(200)).body
    pause.resume()
    expect((await revoked).status).toBe(200)
    await expectOnlyOneEnded(three, [next])
  })

  it('its code comes twice where it has no refresh token', async () => {
    const { host, app, launcher, begin, codeFor } = await makeHost()
    const source = await begin(launcher)
    const code = await codeFor(app, source.access_token)
    const derived: Tokens = (await host.exchange(app, code).expect(200)).body
    expect((await host.exchange(app, code)).body.error).toBe('invalid_grant')
    expect([await host.isAlive(derived), await host.isAlive(source)]).toEqual([false, true])
  })

  it('and with it, at the latest when they are refreshed, the sessions that began with its tokens', async () => {
    for (const sign of ['reuse', 'revocation']) {
      const approves = { fromTokensOf: ['launcher', 'shop', 'web'] }
      const { host, web, launcher, shop, begin, ask, codeFor, derive } = await makeHost({ approves })
      const source = await begin(launcher)
      const stolen = await derive(shop, source.access_token)
      const third = await derive(web, stolen.access_token)
      const fourth = await derive(shop, third.access_token)
      const waiting = await codeFor(web, stolen.access_token)
      const later = await codeFor(web, fourth.access_token)
      let next: Tokens = (await host.refresh(shop, stolen.refresh_token).expect(200)).body
      next = (await host.refresh(shop, next.refresh_token).expect(200)).body
      if (sign === 'reuse') await host.refresh(shop, stolen.refresh_token).expect(400)
      else await host.revoke(shop, next.refresh_token).expect(200)
      for (const tokens of [stolen, next]) expect(await host.isAlive(tokens)).toBe(false)
      await deleteExpired(host.server)
      expect((await ask(web, next.access_token)).status).toBe(401)
      for (const code of [waiting, later]) expect((await host.exchange(web, code)).body.error).toBe('invalid_grant')
      expect((await host.refresh(web, third.refresh_token)).body.error).toBe('invalid_grant')
      expect((await host.refresh(shop, fourth.refresh_token)).body.error).toBe('invalid_grant')
      await host.refresh(launcher, source.refresh_token).expect(200)
    }
  })

  it('and with it the session whose token it began with, where that began with a token, too', async () => {
    const { host, web, launcher, shop, begin, codeFor, derive } = await makeHost()
    const source = await begin(launcher)
    const second = await derive(shop, source.access_token)
    const code = await codeFor(web, second.access_token)
    const third: Tokens = (await host.exchange(web, code).expect(200)).body
    await host.exchange(web, code).expect(400)
    await host.exchange(web, code).expect(400)
    // each of the two once
    expect(host.eventTypes().filter((type) => type === 'token.revoked')).toHaveLength(2)
    for (const tokens of [second, third]) expect(await host.isAlive(tokens)).toBe(false)
    expect((await host.refresh(shop, second.refresh_token)).body.error).toBe('invalid_grant')
    await host.refresh(launcher, source.refresh_token).expect(200)
  })

  it('and introspection tells of no refresh token that goes back to it: none of them is good any more', async () => {
    const { host, web, launcher, shop, begin, derive } = await makeHost()
    const second = await derive(shop, (await begin(launcher)).access_token)
    const third = await derive(web, second.access_token)
    expect((await host.introspect(web, third.refresh_token)).body).toMatchObject({ active: true })
    await host.revoke(shop, second.refresh_token).expect(200)
    expect((await host.refresh(web, third.refresh_token)).body.error).toBe('invalid_grant')
    expect((await host.introspect(web, third.refresh_token)).body).toEqual({ active: false })
  })

  it('and with it the response that is given again: its tokens are not handed out once more', async () => {
    const { host, web, launcher, shop, begin, derive } = await makeHost()
    const second = await derive(shop, (await begin(launcher)).access_token)
    const third = await derive(web, second.access_token)
    for (const _ of ['first', 'again']) await host.refresh(web, third.refresh_token).expect(200)
    await host.revoke(shop, second.refresh_token).expect(200)
    expect((await host.refresh(web, third.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('and with it the codes that began with its token, where it has no refresh token', async () => {
    const { host, web, app, launcher, begin, codeFor } = await makeHost({
      approves: { fromTokensOf: ['launcher', 'app'] },
    })
    const source = await begin(launcher)
    const code = await codeFor(app, source.access_token)
    const derived: Tokens = (await host.exchange(app, code).expect(200)).body
    const waiting = await codeFor(web, derived.access_token)
    expect((await host.exchange(app, code)).body.error).toBe('invalid_grant')
    expect(await host.isAlive(derived)).toBe(false)
    expect((await host.exchange(web, waiting)).body.error).toBe('invalid_grant')
  })

  it('and the host hears of no token that nobody got, by the implicit grant', async () => {
    const { host, web, launcher, begin, ask } = await makeHost()
    const source = await begin(launcher)
    const { id } = await onlyGrant(host)
    host.events.length = 0
    const pause = host.storage.pauseBefore('grants.insert')
    const asked = ask(web, source.access_token, { response_type: 'token' }).then((it) => it)
    await pause.reached
    await revokeGrants(host.server, { grantId: id })
    pause.resume()
    expect((await asked).body.error).toBe('access_denied')
    expect(host.eventTypes()).not.toContain('token.issued')
  })

  it.each(['its code comes twice', 'it is revoked'])(
    '%s where its refresh token expires sooner than its access token',
    async (sign) => {
      const storage = memoryStorage()
      const before = await makeHost({ storage })
      const source = await before.begin(before.launcher)
      const { host, web, codeFor } = await makeHost({
        storage: { clients: memoryStorage().clients, grants: storage.grants },
        grants: [authorizationCode(), refreshToken({ ttl: 60 }), implicit()],
      })
      const code = await codeFor(web, source.access_token)
      const derived: Tokens = (await host.exchange(web, code).expect(200)).body
      host.clock.advance(61)
      expect(await host.isAlive(derived)).toBe(true)
      if (sign === 'it is revoked') await host.revoke(web, derived.refresh_token).expect(200)
      else await host.exchange(web, code).expect(400)
      expect([await host.isAlive(derived), await host.isAlive(source)]).toEqual([false, true])
    },
  )

  it('the grant ends all of them', async () => {
    const { host, launcher, source, derived, other } = await threeSessions()
    await host.revoke(launcher, source.refresh_token).expect(200)
    for (const tokens of [source, derived, other]) expect(await host.isAlive(tokens)).toBe(false)
  })
})

describe.each([
  ['JWTs', false],
  ['stateless JWTs', true],
])('where access tokens are %s', (_, stateless) => {
  // what the host says of it is not believed
  const accessTokens = (said: { grant_id?: string } = {}) =>
    jwt({
      keys: generateSigningKey(),
      audience: 'https://api.example',
      stateless,
      ttl: 3600,
      claims: () => said,
    })

  it('what begins with one is of its grant, too', async () => {
    const made = await makeHost({ accessTokens: accessTokens() })
    const { host, web, launcher, shop, app, begin, ask, codeFor, derive } = made
    const source = await begin(launcher)
    const { id } = await onlyGrant(host)
    const second = await derive(shop, source.access_token)
    const third: Tokens = (await host.refresh(web, (await derive(web, second.access_token)).refresh_token)).body
    const waiting = await codeFor(web, source.access_token)
    const plain = await derive(app, source.access_token)
    expect((await ask(app, plain.access_token)).status).toBe(200)
    expect(await onlyGrant(host)).toMatchObject({ id, clientId: 'launcher' })
    await host.revoke(shop, second.refresh_token).expect(200)
    for (const [client, { refresh_token }] of [
      [shop, second],
      [web, third],
    ] as const) {
      expect((await host.refresh(client, refresh_token)).body.error).toBe('invalid_grant')
    }
    await host.refresh(launcher, source.refresh_token).expect(200)
    await revokeGrants(host.server, { grantId: id })
    expect((await host.exchange(web, waiting)).body.error).toBe('invalid_grant')
    for (const [client, { access_token }] of [
      [launcher, source],
      [app, plain],
    ] as const) {
      const refused = await ask(client, access_token)
      expect([refused.status, refused.body.error]).toEqual(stateless ? [403, 'access_denied'] : [401, 'invalid_token'])
    }
    const implied = await ask(launcher, source.access_token, { response_type: 'token' })
    expect(implied.body).not.toHaveProperty('access_token')
  })

  it('one of no grant begins nothing: nothing could end it', async () => {
    const said: { grant_id?: string } = {}
    const { host, launcher, app, begin, ask } = await makeHost({ accessTokens: accessTokens(said) })
    await begin(launcher)
    said.grant_id = (await onlyGrant(host)).id
    const { access_token } = await begin(app)
    const answer = await ask(app, access_token)
    expect([answer.status, answer.body.error]).toEqual(stateless ? [403, 'access_denied'] : [200, undefined])
  })
})

it('approve refuses a wrong fromTokensOf at start-up', () => {
  for (const fromTokensOf of ['launcher', [1], () => true, true]) {
    expect(() => approve({ clients: [], fromTokensOf: fromTokensOf as never })).toThrow(/fromTokensOf/)
  }
  const decide: Decide = approve({ clients: [] })
  expect(typeof decide).toBe('function')
})

it("a public client's session from its bound token stays with that key: a code without it is of no use", async () => {
  const { host } = await makeHost({ senderConstraints: [dpop()], approves: { clients: ['native'] } })
  const [key, other] = [await proofKey(), await proofKey()]
  const request = {
    client: (await host.server.storage.clients.find('native')) as Client,
    ...{ authenticated: true, grantType: 'own', parameters: new Map(), startedAt: host.clock.now, req: {} as Request },
    confirmation: { jkt: key.jkt },
  }
  const { access_token: token } = await issueTokens(host.server, { clientId: 'native', userId: 'alice', request })
  const ask = async (more: Parameters = {}) => {
    const query = host.authorizationRequest(host.native, { scope: 'read', ...more })
    const sent = await proof(key, { method: 'GET', url: issuer + paths.authorize, token })
    const asked = host.http().get(`${paths.authorize}?${query}`)
    return (await asked.set({ Authorization: `DPoP ${token}`, DPoP: sent })).body
  }
  const { code } = await ask()
  expect((await host.exchange(host.native, code)).body.error).toBe('invalid_dpop_proof')
  expect((await host.exchange(host.native, code).set('DPoP', await proof(other))).body.error).toBe('invalid_dpop_proof')
  const { body } = await host.exchange(host.native, code).set('DPoP', await proof(key))
  expect(body.token_type).toBe('DPoP')
  expect(await ask({ dpop_jkt: other.jkt })).toMatchObject({ error: 'access_denied' })
  expect(await ask({ dpop_jkt: key.jkt })).toHaveProperty('code')
})
