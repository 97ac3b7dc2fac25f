// The device authorization grant (RFC 8628): the endpoint where devices ask, and their polls, with one thing wrong at a time.
import {
  authorizationCode,
  createAuthorizationServer,
  deleteClient,
  deviceAuthorizationRouter,
  deviceCode,
  dpop,
  generateSigningKey,
  jwt,
  memoryStorage,
  metadataRouter,
  refreshToken,
  revokeGrants,
  updateClient,
} from '../../src/index'
import {
  answerDevice,
  createDeviceHost,
  type DeviceHost,
  enterCode,
  openPage,
  poll,
  pressButton,
  startDevice,
} from '../support/device'
import { proof, proofKey } from '../support/dpop'
import { deviceGrant, issuer, type Parameters, paths } from '../support/host'

const errorOf = ({ status, body }: { status: number; body: { error?: string } }) => [status, body.error]

describe('the device authorization endpoint', () => {
  it('answers a code of 256 bits for the device, one of eight letters for its user, and the page (§3.2)', async () => {
    const host = await createDeviceHost()
    const answer = await host.send(paths.deviceAuthorization, host.tv, { scope: 'read' }).expect(200)
    const { user_code, device_code } = answer.body
    expect(answer.body).toEqual({
      device_code: expect.any(String),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?user_code=${user_code}`,
      expires_in: 600,
      interval: 5,
    })
    expect(Buffer.from(device_code.split('.').at(-1), 'base64url')).toHaveLength(32)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert', 'grants.insert'])
    expect(host.events).toEqual([{ type: 'device.requested', at: host.clock.now, clientId: 'tv', scope: ['read'] }])
  })

  it('keeps neither code in storage: what is there are digests', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const stored = JSON.stringify(host.storage.storedIds().map((id) => host.storage.stored(id)))
    expect(stored).not.toContain(user_code)
    expect(stored).not.toContain(user_code.replace('-', ''))
    expect(stored).not.toContain(device_code.split('.').at(-1))
  })

  it('draws another code where one is taken', async () => {
    const host = await createDeviceHost()
    let taken = 3
    host.storage.replace('grants.insert', async (call) => (taken-- > 0 && taken < 2 ? false : call()))
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    await poll(host, host.tv, device_code).expect(200)
  })

  it.each<[what: string, parameters: Parameters, error: string]>([
    ['an unknown scope', { scope: 'everything' }, 'invalid_scope'],
    ['a scope of others', { scope: 'clients' }, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://other.example' }, 'invalid_target'],
    ['the client_id of another client', { client_id: 'tv' }, 'invalid_request'],
  ])('refuses %s, as the token endpoint answers errors (§3.1)', async (_, parameters, error) => {
    const host = await createDeviceHost({ resources: ['https://api.example'] })
    expect(errorOf(await host.send(paths.deviceAuthorization, host.web, parameters))).toEqual([400, error])
    expect(host.storage.calls).not.toContain('grants.insert')
  })

  it('refuses a client that may not use the grant, one that is not there, a wrong secret, and another method than POST', async () => {
    const host = await createDeviceHost()
    expect(errorOf(await host.send(paths.deviceAuthorization, host.native, {}))).toEqual([400, 'unauthorized_client'])
    const nobody = { clientId: 'nobody', redirectUri: '' }
    expect(errorOf(await host.send(paths.deviceAuthorization, nobody, {}))).toEqual([401, 'invalid_client'])
    const wrong = { ...host.web, clientSecret: 'wrong' }
    expect(errorOf(await host.send(paths.deviceAuthorization, wrong, {}))).toEqual([401, 'invalid_client'])
    await host.http().get(paths.deviceAuthorization).expect(405).expect('Allow', 'POST')
  })

  it('stands in the metadata (§4), and throws at start-up where nobody says where it is', () => {
    const options = { issuer, storage: memoryStorage(), scopes: ['read'], grants: [authorizationCode(), deviceCode()] }
    const endpoints = { authorize: '/authorize', token: '/token' }
    const here = { ...endpoints, deviceAuthorization: '/da', device: '/d' }
    const at = (places: Record<string, string>) => createAuthorizationServer({ ...options, endpoints: places })
    expect(() => metadataRouter(at(here))).not.toThrow()
    expect(() => metadataRouter(at(endpoints))).toThrow('metadataRouter needs endpoints.deviceAuthorization')
    expect(() => deviceAuthorizationRouter(at(endpoints))).toThrow('needs endpoints.device for deviceCode()')
    const { grants: _, ...without } = options
    const server = createAuthorizationServer(without)
    expect(() => deviceAuthorizationRouter(server)).toThrow(
      'deviceAuthorizationRouter needs deviceCode() in the grants',
    )
  })

  it('has its URL and the grant in the metadata document', async () => {
    const host = await createDeviceHost()
    const { body } = await host.http().get('/.well-known/oauth-authorization-server').expect(200)
    expect(body.device_authorization_endpoint).toBe(`${issuer}${paths.deviceAuthorization}`)
    expect(body.grant_types_supported).toContain(deviceGrant)
  })

  it.each([
    [{ ttl: 59 }, 'deviceCode({ ttl })'],
    [{ ttl: 1801 }, 'deviceCode({ ttl })'],
    [{ interval: 0 }, 'deviceCode({ interval })'],
    [{ interval: 61 }, 'deviceCode({ interval })'],
    [{ lifetime: 5 }, 'Unknown deviceCode option lifetime'],
  ])('%j throws a TypeError that names it', (options, problem) => {
    expect(() => deviceCode(options as never)).toThrow(problem)
  })
})

describe('a poll', () => {
  it('waits for the user, gets tokens once they have said yes, and the tokens work and are refreshed', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    expect(errorOf(await poll(host, host.tv, device_code))).toEqual([400, 'authorization_pending'])
    await answerDevice(host, user_code)
    host.clock.advance(5)
    host.storage.calls.length = 0
    const { body } = await poll(host, host.tv, device_code).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.transition'])
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'read write' })
    const me = await host.me(body.access_token).expect(200)
    expect(me.body).toMatchObject({ user: { id: 'alice' }, authInfo: { clientId: 'tv', userId: 'alice' } })
    expect(Object.keys(me.body.authInfo).sort()).toEqual(['clientId', 'expiresAt', 'grantId', 'scope', 'userId'])
    const again = await host.refresh(host.tv, body.refresh_token).expect(200)
    expect(await host.isAlive(again.body)).toBe(true)
    expect(host.events.map(({ type }) => type)).toEqual([
      'device.requested',
      'device.approved',
      'token.issued',
      'token.issued',
    ])
  })

  it('serves clients with a secret, and narrows to one of the resources, as a code does (RFC 8707 §2.2)', async () => {
    const resources = ['https://one.example', 'https://two.example']
    const host = await createDeviceHost({ resources })
    const both = new URLSearchParams({ scope: 'read' })
    for (const one of resources) both.append('resource', one)
    const sent = await host
      .http()
      .post(paths.deviceAuthorization)
      .auth(host.web.clientId, host.web.clientSecret as string)
      .type('form')
      .send(both.toString())
      .expect(200)
    const shown = await enterCode(host, sent.body.user_code)
    for (const one of resources) expect(shown.text).toContain(one)
    await pressButton(host, shown)
    expect(errorOf(await poll(host, host.web, sent.body.device_code, { resource: 'https://other.example' }))).toEqual([
      400,
      'invalid_target',
    ])
    const { body } = await poll(host, host.web, sent.body.device_code, { resource: 'https://two.example' }).expect(200)
    const { body: said } = await host.introspect(host.web, body.access_token)
    expect([said.aud, said.scope]).toEqual(['https://two.example', 'read'])
  })

  it('is access_denied once the user has said no, each time (§3.5)', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code, 'deny')
    for (let n = 0; n < 2; n++) expect(errorOf(await poll(host, host.tv, device_code))).toEqual([400, 'access_denied'])
    expect(host.eventTypes()).toEqual(['device.requested', 'authorization.denied'])
  })

  it('is expired_token in the second in which the code ends, also after a yes (§3.5)', async () => {
    const host = await createDeviceHost({ grants: [authorizationCode(), refreshToken(), deviceCode({ ttl: 60 })] })
    const { device_code } = await startDevice(host, host.tv)
    const { device_code: approved, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    host.clock.advance(59)
    expect(errorOf(await poll(host, host.tv, device_code))).toEqual([400, 'authorization_pending'])
    host.clock.advance(1)
    for (const code of [device_code, approved])
      expect(errorOf(await poll(host, host.tv, code))).toEqual([400, 'expired_token'])
  })

  it('that comes too soon is slow_down, and the interval is five seconds longer from then on (§3.5)', async () => {
    const host = await createDeviceHost()
    const { device_code } = await startDevice(host, host.tv)
    const pollIn = async (seconds: number) => {
      host.clock.advance(seconds)
      return (await poll(host, host.tv, device_code)).body.error
    }
    expect(await pollIn(0)).toBe('authorization_pending')
    expect(await pollIn(5)).toBe('authorization_pending')
    // a second is the network's
    expect(await pollIn(4)).toBe('authorization_pending')
    expect(await pollIn(3)).toBe('slow_down')
    expect(await pollIn(8)).toBe('slow_down')
    expect(await pollIn(15)).toBe('authorization_pending')
    expect(await pollIn(13)).toBe('slow_down')
  })

  it('that comes too soon, after the yes, gets its tokens', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await poll(host, host.tv, device_code)
    await answerDevice(host, user_code)
    await poll(host, host.tv, device_code).expect(200)
  })

  it('of another client, with a wrong secret, malformed, unknown or used is invalid_grant, and uses nothing up (§3.4)', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    const other = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: [deviceGrant] })
    const wrong = [`${device_code.slice(0, -2)}AA`, 'x', user_code, await host.code(), `${device_code}A`]
    for (const code of wrong) expect(errorOf(await poll(host, host.tv, code))).toEqual([400, 'invalid_grant'])
    for (const client of [other, host.web])
      expect(errorOf(await poll(host, client, device_code))).toEqual([400, 'invalid_grant'])
    expect(errorOf(await host.token(host.tv, { grant_type: deviceGrant }))).toEqual([400, 'invalid_request'])
    expect(errorOf(await poll(host, host.native, device_code))).toEqual([400, 'unauthorized_client'])
    const { body } = await poll(host, host.tv, device_code).expect(200)
    expect(errorOf(await poll(host, host.tv, device_code))).toEqual([400, 'invalid_grant'])
    // a device whose answer was lost asks again: that is no theft
    expect(await host.isAlive(body)).toBe(true)
  })

  it('uses nothing up where the hook of the host throws', async () => {
    let fails = true
    const host = await createDeviceHost({
      tokenResponse: (body) => {
        if (fails) throw new Error('hook')
        return body as never
      },
    })
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    await poll(host, host.tv, device_code).expect(500)
    fails = false
    await poll(host, host.tv, device_code).expect(200)
  })

  it.each<[what: string, gone: (host: DeviceHost) => unknown]>([
    ['user is gone', (host) => host.people.delete('alice')],
    ['user was revoked', (host) => revokeGrants(host.server, { userId: 'alice' })],
    ['client was deleted', (host) => deleteClient(host.server, 'tv')],
    ['client was revoked', (host) => revokeGrants(host.server, { clientId: 'tv' })],
    ['client lost the scope', (host) => updateClient(host.server, 'tv', { scopes: ['clients'] })],
  ])('gets nothing where the %s since the yes', async (_, gone) => {
    for (const accessTokens of [
      undefined,
      jwt({ keys: { current: generateSigningKey() }, audience: issuer, stateless: true }),
    ]) {
      const host = await createDeviceHost(accessTokens ? { accessTokens } : {})
      const { device_code, user_code } = await startDevice(host, host.tv)
      await answerDevice(host, user_code)
      host.clock.advance(1)
      await gone(host)
      const { status, body } = await poll(host, host.tv, device_code)
      expect([400, 401]).toContain(status)
      expect(body).not.toHaveProperty('access_token')
    }
  })

  it('gets nothing where everything of the user was revoked while the page was open, and the user is told', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const shown = await enterCode(host, user_code)
    host.clock.advance(5)
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(5)
    const answer = await pressButton(host, shown)
    // the question was of then, and is gone with all the rest
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect((await poll(host, host.tv, device_code)).body).not.toHaveProperty('access_token')
  })

  it('of a yes that came after everything of the user was revoked gets its tokens: the user was there again', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    host.clock.advance(1)
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(5)
    await answerDevice(host, user_code)
    const { body } = await poll(host, host.tv, device_code).expect(200)
    expect(await host.isAlive(body)).toBe(true)
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive(body)).toBe(false)
  })

  it('has no refresh token for a client that may not refresh', async () => {
    const host = await createDeviceHost()
    const client = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: [deviceGrant] })
    const { device_code, user_code } = await startDevice(host, client)
    await answerDevice(host, user_code)
    const { body } = await poll(host, client, device_code).expect(200)
    expect(body).not.toHaveProperty('refresh_token')
    expect(await host.isAlive(body)).toBe(true)
  })
})

describe('a device with a key (RFC 9449)', () => {
  const url = `${issuer}${paths.deviceAuthorization}`
  const grants = [authorizationCode(), refreshToken(), deviceCode()]

  it('gets tokens that are bound to the key of its poll, and so is the refresh token of a public client', async () => {
    const host = await createDeviceHost({ grants, senderConstraints: [dpop()] })
    const key = await proofKey()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    const now = Math.floor(host.clock.now)
    const { body } = await poll(host, host.tv, device_code)
      .set('DPoP', await proof(key, { now }))
      .expect(200)
    expect(body.token_type).toBe('DPoP')
    expect((await host.introspect(host.web, body.access_token)).body).toEqual({ active: false })
    expect(errorOf(await host.refresh(host.tv, body.refresh_token))).toEqual([400, 'invalid_dpop_proof'])
    await host
      .refresh(host.tv, body.refresh_token)
      .set('DPoP', await proof(key, { now }))
      .expect(200)
  })

  it.each(['a proof', 'dpop_jkt'])('that is named by %s when it asks, binds the code to that key (§10)', async (by) => {
    const host = await createDeviceHost({ grants, senderConstraints: [dpop()] })
    const [key, other] = [await proofKey(), await proofKey()]
    const started =
      by === 'a proof'
        ? await startDevice(host, host.tv, {}, { DPoP: await proof(key, { url }) })
        : await startDevice(host, host.tv, { dpop_jkt: key.jkt })
    await answerDevice(host, started.user_code)
    const now = Math.floor(host.clock.now)
    expect(errorOf(await poll(host, host.tv, started.device_code))).toEqual([400, 'invalid_dpop_proof'])
    const foreign = await poll(host, host.tv, started.device_code).set('DPoP', await proof(other, { now }))
    expect(errorOf(foreign)).toEqual([400, 'invalid_dpop_proof'])
    await poll(host, host.tv, started.device_code)
      .set('DPoP', await proof(key, { now }))
      .expect(200)
  })

  it('must have one where its record says so', async () => {
    const host = await createDeviceHost({ grants, senderConstraints: [dpop()] })
    await updateClient(host.server, 'tv', { dpopBoundAccessTokens: true })
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    expect(errorOf(await poll(host, host.tv, device_code))).toEqual([400, 'invalid_dpop_proof'])
  })
})

it('a database that fails is 503 at the endpoint, at a poll and on the page, and nothing is half written', async () => {
  const host = await createDeviceHost()
  const { device_code, user_code } = await startDevice(host, host.tv)
  host.storage.replace('grants.transition', () => {
    throw new Error('away')
  })
  await poll(host, host.tv, device_code).expect(503)
  expect((await enterCode(host, user_code)).status).toBe(503)
  host.storage.replace('grants.insert', () => {
    throw new Error('away')
  })
  await host.send(paths.deviceAuthorization, host.tv, {}).expect(503)
  await openPage(host).expect(503)
})
