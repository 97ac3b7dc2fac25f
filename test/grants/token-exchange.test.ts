// Token exchange (RFC 8693), with one thing wrong at a time. jose signs what other issuers say.
import { SignJWT } from 'jose'
import {
  authorizationCode,
  clientCredentials,
  deleteExpired,
  dpop,
  generateSigningKey,
  issueTokens,
  jwt,
  listGrants,
  refreshToken,
  revokeGrants,
  type TokenExchangeOptions,
  tokenExchange,
  updateClient,
} from '../../src/index'
import { type ClientKey, clientKey } from '../support/assertions'
import { type ProofKey, proof, proofKey } from '../support/dpop'
import {
  createHost,
  type Host,
  type HostOptions,
  issuer,
  named,
  type Parameters,
  startOfTime,
  type TestClient,
  type Tokens,
} from '../support/host'

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const idp = 'https://idp.example'
const session = 'urn:example:token-type:session'
const resources = ['https://one.example', 'https://two.example']

type Allow = TokenExchangeOptions['allow']
const yes: Allow = ({ subject }) => ({ userId: subject.userId })

let key: ClientKey
let agent: ProofKey
let robot: ProofKey
beforeAll(async () => {
  key = await clientKey('ES256', 'idp')
  agent = await proofKey()
  robot = await proofKey()
})

interface Setting extends HostOptions {
  exchange?: Partial<TokenExchangeOptions>
}

/** A host where `web` has users' tokens, and `api` exchanges them. `spa` is public. */
async function exchanging({ exchange, ...options }: Setting = {}) {
  const host = await createHost({
    grants: [
      authorizationCode(),
      clientCredentials(),
      refreshToken(),
      tokenExchange(
        named({
          allow: yes,
          issuers: [{ issuer: idp, keys: [key.jwk] }],
          user: ({ issuer: from, sub }) => (from === idp && sub === 'U1' ? 'alice' : undefined),
          tokenTypes: {
            [session]: (text) => (text === 'ticket of bob' ? { userId: 'bob', scope: 'read' } : undefined),
            [type('id_token')]: () => undefined,
          },
          ...exchange,
        }),
      ),
    ],
    ...options,
  })
  const backend = await host.register({
    clientId: 'backend',
    grantTypes: [grant, 'client_credentials', 'refresh_token'],
  })
  const spa = await host.register({ clientId: 'spa', tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
  host.storage.calls.length = 0
  host.events.length = 0
  return { ...host, backend, spa }
}
type ExchangeHost = Awaited<ReturnType<typeof exchanging>>

const send = (host: ExchangeHost, token: string, parameters: Parameters = {}, client: TestClient = host.backend) =>
  host.token(client, {
    grant_type: grant,
    subject_token: token,
    subject_token_type: type('access_token'),
    ...parameters,
  })
const errorOf = ({ status, body }: { status: number; body: { error?: string } }) => [status, body.error]
const invalidRequest = [400, 'invalid_request']

/** A token of the client itself. */
async function ownToken(host: ExchangeHost, client: TestClient, scope = 'read write'): Promise<string> {
  return (await issueTokens(host.server, { clientId: client.clientId, scope })).access_token
}

/** Parameters that name the actor. */
const acting = (token: string, parameters: Parameters = {}): Parameters => ({
  actor_token: token,
  actor_token_type: type('access_token'),
  ...parameters,
})

interface Change {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  by?: ClientKey
}

/** A JWT of the other issuer, right in every way but for what `change` says. */
function foreign({ claims, header, by = key }: Change = {}, now = startOfTime): Promise<string> {
  const right = { iss: idp, sub: 'U1', aud: issuer, iat: now, exp: now + 300 }
  const said = { alg: by.alg, kid: by.kid, ...header }
  const payload = JSON.parse(JSON.stringify({ ...right, ...claims }))
  return new SignJWT(payload).setProtectedHeader(JSON.parse(JSON.stringify(said))).sign(by.privateKey)
}
const asJwt: Parameters = { subject_token_type: type('jwt') }

const jwtTokens = (options: Partial<Parameters_<typeof jwt>> = {}) =>
  jwt({ keys: generateSigningKey(), audience: issuer, ...options })
type Parameters_<F extends (options: never) => unknown> = F extends (options: infer Options) => unknown
  ? Options
  : never

describe('an access token of this server', () => {
  it('becomes one of the client that exchanges it, about the same user (§2.2.1)', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    host.storage.calls.length = 0
    host.events.length = 0
    const { body, headers } = await send(host, access_token).expect(200)
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]{22}~e\.[\w-]{22}\.[\w-]{43}$/),
      issued_token_type: type('access_token'),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read write',
    })
    expect(headers['cache-control']).toBe('no-store')
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.insert'])
    const me = await host.me(body.access_token).expect(200)
    expect(me.body).toMatchObject({
      user: { id: 'alice' },
      authInfo: { clientId: 'backend', userId: 'alice', exchange: 'impersonation' },
    })
    expect(me.body.authInfo).not.toHaveProperty('actor')
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it.each(['opaque', 'JWT', 'stateless JWT'])(
    'that is %s is exchanged as often as it lives, and ends no token',
    async (form) => {
      const format = form === 'opaque' ? {} : { accessTokens: jwtTokens({ stateless: form !== 'JWT' }) }
      const host = await exchanging(format)
      const tokens = await host.signIn()
      const made = await Promise.all(Array.from({ length: 5 }, () => send(host, tokens.access_token).expect(200)))
      for (const { body } of made) expect(await host.isAlive(body)).toBe(true)
      expect(new Set(made.map(({ body }) => body.access_token)).size).toBe(5)
      expect(await host.isAlive(tokens)).toBe(true)
      const refreshed = await host.refresh(host.web, tokens.refresh_token).expect(200)
      for (const { body } of made) expect(await host.isAlive(body)).toBe(true)
      expect(await host.isAlive(refreshed.body)).toBe(true)
      expect(await listGrants(host.server, { userId: 'alice' })).toMatchObject([{ clientId: 'web' }])
    },
  )

  it('dies with its grant, and with everything of its user or its own client', async () => {
    const host = await exchanging()
    const made = async () => {
      const tokens = await host.signIn()
      const { body } = await send(host, tokens.access_token).expect(200)
      expect(await host.isAlive(body)).toBe(true)
      return { tokens, body }
    }
    const first = await made()
    await revokeGrants(host.server, { grantId: first.body.access_token.slice(0, 22) })
    expect(await host.isAlive(first.body)).toBe(false)
    const second = await made()
    await host.revoke(host.web, second.tokens.refresh_token).expect(200)
    expect(await host.isAlive(second.body)).toBe(false)
    const third = await made()
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive(third.body)).toBe(false)
    host.clock.advance(2)
    const fourth = await made()
    await revokeGrants(host.server, { clientId: 'backend' })
    expect(await host.isAlive(fourth.body)).toBe(false)
    expect(await host.isAlive(fourth.tokens)).toBe(true)
    host.people.delete('alice')
    expect(errorOf(await send(host, fourth.tokens.access_token))).toEqual(invalidRequest)
  })

  it('is revoked by its own client alone, and nothing else ends with it (RFC 7009)', async () => {
    const host = await exchanging()
    const tokens = await host.signIn()
    const { body } = await send(host, tokens.access_token).expect(200)
    await host.revoke(host.web, body.access_token).expect(200)
    expect(await host.isAlive(body)).toBe(true)
    await host.revoke(host.backend, body.access_token).expect(200)
    expect(await host.isAlive(body)).toBe(false)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('never lives longer than the subject token, nor than the token of the actor', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    host.clock.advance(3000)
    expect((await send(host, access_token)).body.expires_in).toBe(600)
    const first = (await send(host, access_token).expect(200)).body
    host.clock.advance(100)
    const again = (await send(host, first.access_token, {}, host.web).expect(200)).body
    expect(again.expires_in).toBe(500)
    host.clock.advance(500)
    expect(await host.isAlive(again)).toBe(false)
    expect(errorOf(await send(host, access_token))).toEqual(invalidRequest)
    const actor = await ownToken(host, host.backend)
    host.clock.advance(3500)
    const { access_token: later } = await host.signIn()
    expect((await send(host, later, acting(actor))).body.expires_in).toBe(100)
  })

  it('has no more scope than it and the client have, and less where less is asked', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn(host.web, { scope: 'read' })
    const scopeOf = async (scope?: string) => {
      const { body } = await send(host, access_token, { scope })
      return body.scope ?? body.error
    }
    expect(await scopeOf()).toBe('read')
    expect(await scopeOf('read')).toBe('read')
    expect(await scopeOf('read write')).toBe('invalid_scope')
    expect(await scopeOf('admin')).toBe('invalid_scope')
    expect(await scopeOf('nonsense')).toBe('invalid_scope')
    await updateClient(host.server, 'backend', { scopes: ['write'] })
    expect(await scopeOf()).toBe('invalid_scope')
    expect(await scopeOf('write')).toBe('invalid_scope')
    const { access_token: both } = await host.signIn()
    expect((await send(host, both)).body.scope).toBe('write')
    const narrow = (await send(host, both, { scope: 'write' })).body.access_token
    expect(errorOf(await send(host, narrow, { scope: 'read write' }, host.web))).toEqual([400, 'invalid_scope'])
  })

  it('has no other audience than it (§2.2.2: invalid_target), and less where less is asked by either name', async () => {
    const host = await exchanging({ resources })
    const [one, two] = resources as [string, string]
    const wide = await issueTokens(host.server, { clientId: 'web', userId: 'alice', resource: resources })
    const audienceOf = async (parameters: Parameters, token = wide.access_token) => {
      const { body } = await send(host, token, parameters)
      if (body.error) return body.error
      return (await host.introspect(host.api, body.access_token)).body.aud
    }
    expect(await audienceOf({})).toEqual(resources)
    expect(await audienceOf({ resource: two })).toBe(two)
    expect(await audienceOf({ audience: two })).toBe(two)
    expect(await audienceOf({ audience: one, resource: two })).toEqual(resources)
    expect(await audienceOf({ audience: 'https://three.example' })).toBe('invalid_target')
    expect(await audienceOf({ audience: 'two' })).toBe('invalid_target')
    expect(await audienceOf({ resource: `${one}#part` })).toBe('invalid_target')
    const narrow = (await send(host, wide.access_token, { resource: one })).body.access_token
    expect(await audienceOf({ resource: two }, narrow)).toBe('invalid_target')
    expect(await audienceOf({}, narrow)).toBe(one)
  })

  it('may name its audience more than once (§2.1)', async () => {
    const host = await exchanging({ resources })
    const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', resource: resources })
    const form = new URLSearchParams({
      grant_type: grant,
      subject_token: access_token,
      subject_token_type: type('access_token'),
    })
    for (const uri of resources) form.append('audience', uri)
    const { clientId, clientSecret = '' } = host.backend
    const sent = host.http().post('/oauth2/token').auth(clientId, clientSecret).type('form').send(form.toString())
    const { body } = await sent.expect(200)
    expect((await host.introspect(host.api, body.access_token)).body.aud).toEqual(resources)
  })

  it('names no target where the server has no resources (§2.2.2: invalid_target)', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    jest.spyOn(console, 'warn').mockImplementation(() => {})
    for (const name of ['resource', 'audience']) {
      expect(errorOf(await send(host, access_token, { [name]: resources[0] }))).toEqual([400, 'invalid_target'])
    }
    jest.restoreAllMocks()
  })

  it('is a JWT where that is requested and the server has JWTs (§3)', async () => {
    const host = await exchanging({ accessTokens: jwtTokens() })
    const { access_token } = await host.signIn()
    const { body } = await send(host, access_token, { requested_token_type: type('jwt') }).expect(200)
    expect(body.issued_token_type).toBe(type('jwt'))
    expect(await host.isAlive(body)).toBe(true)
    // a JWT of ours may be called so when it is sent, too
    await send(host, access_token, asJwt).expect(200)
    const opaque = await exchanging()
    const { access_token: text } = await opaque.signIn()
    expect(errorOf(await send(opaque, text, { requested_token_type: type('jwt') }))).toEqual(invalidRequest)
    expect(errorOf(await send(opaque, text, asJwt))).toEqual(invalidRequest)
  })

  it('of no user is exchanged by its own client alone, to be less, and ends with it', async () => {
    const host = await exchanging()
    const token = await ownToken(host, host.backend)
    const { body } = await send(host, token, { scope: 'read' }).expect(200)
    expect((await host.me(body.access_token)).body.authInfo).toMatchObject({ clientId: 'backend', scope: ['read'] })
    expect((await host.me(body.access_token)).body.authInfo).not.toHaveProperty('subject')
    const again = (await send(host, body.access_token).expect(200)).body
    await host.revoke(host.backend, token).expect(200)
    expect(await host.isAlive(body)).toBe(false)
    expect(await host.isAlive(again)).toBe(false)
    const other = await ownToken(host, host.web)
    expect(errorOf(await send(host, other))).toEqual(invalidRequest)
    const fresh = await ownToken(host, host.backend)
    expect(errorOf(await send(host, fresh, acting(other)))).toEqual(invalidRequest)
  })
})

describe('a request', () => {
  it.each<[what: string, parameters: Parameters]>([
    ['without subject_token', { subject_token: undefined }],
    ['without subject_token_type', { subject_token_type: undefined }],
    ['with an unknown subject_token_type', { subject_token_type: type('saml2') }],
    ['with a type that is no URI', { subject_token_type: 'access_token' }],
    ['with actor_token_type alone', { actor_token_type: type('access_token') }],
    ['with actor_token alone', { actor_token: 'x' }],
    ['with an unknown actor_token', acting('x')],
    ['with an actor_token of an unknown type', acting('x', { actor_token_type: type('saml1') })],
    ['for a refresh token', { requested_token_type: type('refresh_token') }],
    ['for an id_token', { requested_token_type: type('id_token') }],
    ['with a subject_token that is none', { subject_token: 'x' }],
    ['with an access token that is called an id_token', { subject_token_type: type('id_token') }],
  ])('%s is invalid_request, and uses nothing up (§2.1, §2.2.2)', async (_, parameters) => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    host.storage.calls.length = 0
    expect(errorOf(await send(host, access_token, parameters))).toEqual(invalidRequest)
    expect(host.storage.calls.filter((call) => call !== 'clients.find' && call !== 'grants.find')).toEqual([])
    await send(host, access_token).expect(200)
  })

  it('with a refresh token, a code, a token of another server or one that is revoked is invalid_request', async () => {
    const host = await exchanging()
    const tokens = await host.signIn()
    const elsewhere = await exchanging()
    const revoked = (await host.signIn()).access_token
    await host.revoke(host.web, revoked).expect(200)
    const wrong = [tokens.refresh_token, await host.code(), (await elsewhere.signIn()).access_token, revoked]
    for (const token of wrong) {
      host.events.length = 0
      expect(errorOf(await send(host, token))).toEqual(invalidRequest)
      expect(host.eventTypes()).toEqual(['exchange.refused'])
      expect(errorOf(await send(host, tokens.access_token, acting(token)))).toEqual(invalidRequest)
      expect(errorOf(await send(host, token, asJwt))).toEqual(invalidRequest)
    }
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })

  it('of a public client is refused unless it is named (§2.1)', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    expect(errorOf(await send(host, access_token, {}, host.spa))).toEqual([400, 'unauthorized_client'])
    const open = await exchanging({ exchange: { publicClients: ['spa'] } })
    await send(open, (await open.signIn()).access_token, {}, open.spa).expect(200)
  })

  it('needs the grant in the record of the client, and the right secret', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    expect(errorOf(await send(host, access_token, {}, host.api))).toEqual([400, 'unauthorized_client'])
    const wrong = { ...host.backend, clientSecret: 'wrong' }
    expect(errorOf(await send(host, access_token, {}, wrong))).toEqual([401, 'invalid_client'])
  })
})

describe('delegation', () => {
  it('names who acts in the token, at introspection and in the event, and impersonation names nobody (§1.1, §4.1)', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    const actor = await ownToken(host, host.backend)
    host.events.length = 0
    const { body } = await send(host, access_token, acting(actor)).expect(200)
    const act = { client_id: 'backend', sub: 'backend' }
    const seen = (await host.introspect(host.api, body.access_token)).body
    expect(seen).toMatchObject({ active: true, sub: 'alice', client_id: 'backend', act, token_exchange: 'delegation' })
    expect((await host.me(body.access_token)).body.authInfo).toMatchObject({ actor: act, exchange: 'delegation' })
    expect(host.events).toMatchObject([
      { type: 'token.issued', grantType: grant, clientId: 'backend', userId: 'alice' },
      { type: 'token.exchanged', exchange: 'delegation', actor: act, subjectClientId: 'web', userId: 'alice' },
    ])
    host.events.length = 0
    const { body: impersonated } = await send(host, access_token).expect(200)
    const plain = (await host.introspect(host.api, impersonated.access_token)).body
    expect(plain).toMatchObject({ token_exchange: 'impersonation' })
    expect(plain).not.toHaveProperty('act')
    expect(host.events.at(-1)).toMatchObject({ type: 'token.exchanged', exchange: 'impersonation' })
    expect(host.events.at(-1)).not.toHaveProperty('actor')
    expect((await host.introspect(host.api, access_token)).body).not.toHaveProperty('token_exchange')
  })

  it.each([false, true])(
    'keeps the chain of those who acted before, current first (§4.1), where stateless is %s',
    async (stateless) => {
      const host = await exchanging({ accessTokens: jwtTokens({ stateless }) })
      const { access_token } = await host.signIn()
      const first = (await send(host, access_token, acting(await ownToken(host, host.backend))).expect(200)).body
      const bob = (await host.signIn(host.web, {}, 'bob')).access_token
      const second = (await send(host, first.access_token, acting(bob), host.web).expect(200)).body
      const act = { sub: 'bob', client_id: 'web', act: { sub: 'backend', client_id: 'backend' } }
      expect((await host.introspect(host.api, second.access_token)).body.act).toEqual(act)
      const [, payload = ''] = second.access_token.split('.')
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).act).toEqual(act)
      // nobody new is named: who acted still acts
      const third = (await send(host, second.access_token).expect(200)).body
      const seen = (await host.introspect(host.api, third.access_token)).body
      expect(seen).toMatchObject({ act, token_exchange: 'delegation' })
    },
  )

  it('has an end: after eight parties nobody more acts', async () => {
    const host = await exchanging()
    let { access_token } = await host.signIn()
    const actor = await ownToken(host, host.backend)
    for (let n = 0; n < 8; n++)
      access_token = (await send(host, access_token, acting(actor)).expect(200)).body.access_token
    expect(errorOf(await send(host, access_token, acting(actor)))).toEqual(invalidRequest)
    await send(host, access_token).expect(200)
  })

  it('is not in the name of a party for whom somebody else acts already', async () => {
    const host = await exchanging()
    const alice = (await host.signIn()).access_token
    const bob = (await host.signIn(host.web, {}, 'bob')).access_token
    const forBob = (await send(host, bob, acting(await ownToken(host, host.backend))).expect(200)).body.access_token
    expect(errorOf(await send(host, alice, acting(forBob)))).toEqual(invalidRequest)
  })

  it('by a JWT of another issuer names that issuer', async () => {
    const host = await exchanging()
    const { access_token } = await host.signIn()
    const parameters = acting(await foreign({ claims: { sub: 'service 7' } }), { actor_token_type: type('jwt') })
    const { body } = await send(host, access_token, parameters).expect(200)
    const { act } = (await host.introspect(host.api, body.access_token)).body
    expect(act).toEqual({ iss: idp, sub: 'service 7' })
  })

  it.each<[what: string, mayAct: unknown, status: number]>([
    ['the actor', { sub: 'backend' }, 200],
    ['the actor with its issuer', { iss: issuer, sub: 'backend' }, 200],
    ['the client of the actor', { client_id: 'backend' }, 200],
    ['another one', { sub: 'bob' }, 400],
    ['the same name elsewhere', { iss: idp, sub: 'backend' }, 400],
    ['the actor by a claim that is unknown', { sub: 'backend', email: 'a@b.example' }, 400],
    ['an issuer and nobody', { iss: issuer }, 400],
    ['nobody', {}, 400],
    ['a list', ['backend'], 400],
    ['text', 'backend', 400],
  ])('obeys may_act (§4.4) that names %s', async (_, mayAct, status) => {
    const host = await exchanging({
      accessTokens: jwtTokens({ claims: ({ userId }) => (userId ? { may_act: mayAct } : {}) }),
    })
    const { access_token } = await host.signIn()
    const actor = await ownToken(host, host.backend)
    expect((await send(host, access_token, acting(actor))).status).toBe(status)
    // without an actor the client itself is who would act
    expect((await send(host, access_token)).status).toBe(status)
    if (status === 400) expect(host.events.at(-1)).toMatchObject({ type: 'exchange.refused' })
  })

  it('by the claims of the host is none: act and token_exchange are for the server to say', async () => {
    const accessTokens = jwtTokens({ claims: () => ({ act: { sub: 'bob' }, token_exchange: 'delegation', own: 1 }) })
    const host = await exchanging({ accessTokens })
    const { access_token } = await host.signIn()
    const { authInfo } = (await host.me(access_token)).body
    expect(authInfo.claims).toMatchObject({ own: 1 })
    expect(authInfo.claims).not.toHaveProperty('act')
    expect(authInfo.claims).not.toHaveProperty('token_exchange')
  })
})

describe('a JWT of another issuer', () => {
  it('begins a grant of its user here, and is good more than once', async () => {
    const host = await exchanging()
    const token = await foreign()
    const { body } = await send(host, token, asJwt).expect(200)
    expect(body).toMatchObject({ issued_token_type: type('access_token'), expires_in: 300 })
    expect(body).not.toHaveProperty('refresh_token')
    expect((await host.me(body.access_token)).body.authInfo).toMatchObject({ userId: 'alice', clientId: 'backend' })
    await send(host, token, asJwt).expect(200)
    host.clock.advance(2)
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive(body)).toBe(false)
    host.clock.advance(2)
    // what was revoked since it was made stays revoked
    expect(errorOf(await send(host, token, asJwt))).toEqual(invalidRequest)
  })

  it('sets the ceiling of scope and resources', async () => {
    const host = await exchanging({ resources })
    const token = await foreign({ claims: { scope: 'read', resource: resources[1] } })
    const { body } = await send(host, token, asJwt).expect(200)
    expect((await host.introspect(host.api, body.access_token)).body).toMatchObject({
      scope: 'read',
      aud: resources[1],
    })
    expect(errorOf(await send(host, token, { ...asJwt, scope: 'read write' }))).toEqual([400, 'invalid_scope'])
    expect(errorOf(await send(host, token, { ...asJwt, resource: resources[0] }))).toEqual([400, 'invalid_target'])
  })

  it('keeps its act, whose names are those of its issuer', async () => {
    const host = await exchanging()
    const token = await foreign({
      claims: { act: { sub: 'backend', client_id: 'backend', act: { iss: 'https://c.example', sub: 'C' } } },
    })
    const { body } = await send(host, token, asJwt).expect(200)
    const { act } = (await host.introspect(host.api, body.access_token)).body
    expect(act).toEqual({ iss: idp, sub: 'backend', act: { iss: 'https://c.example', sub: 'C' } })
  })

  it.each<[what: string, change: Change]>([
    ['of an issuer that is not on the list', { claims: { iss: 'https://evil.example' } }],
    ['without iss', { claims: { iss: undefined } }],
    ['without sub', { claims: { sub: undefined } }],
    ['with a sub that no row could keep', { claims: { sub: 'x'.repeat(256) } }],
    ['of another audience', { claims: { aud: 'https://other.example' } }],
    ['of several audiences', { claims: { aud: [issuer, 'https://other.example'] } }],
    ['without aud', { claims: { aud: undefined } }],
    ['without exp', { claims: { exp: undefined } }],
    ['that has expired', { claims: { exp: startOfTime, iat: startOfTime - 60 } }],
    ['that lives for more than a day', { claims: { exp: startOfTime + 86_401 } }],
    ['without iat', { claims: { iat: undefined } }],
    ['made in the future', { claims: { iat: startOfTime + 11 } }],
    ['not yet good', { claims: { nbf: startOfTime + 11 } }],
    ['that is bound to a key', { claims: { cnf: { jkt: 'x' } } }],
    ['with an act that names nobody', { claims: { act: { client_id: 'x' } } }],
    ['with may_act for another one', { claims: { may_act: { sub: 'backend' } } }],
    ['with the type of an access token', { header: { typ: 'at+jwt' } }],
    ['with the type of an ID-JAG', { header: { typ: 'oauth-id-jag+jwt' } }],
    ['with an unknown kid', { header: { kid: 'nobody' } }],
    ['without a kid', { header: { kid: undefined } }],
    ['of a user whom nobody knows', { claims: { sub: 'U2' } }],
  ])('%s is invalid_request, and uses nothing up', async (_, change) => {
    const host = await exchanging()
    expect(errorOf(await send(host, await foreign(change), asJwt))).toEqual(invalidRequest)
    expect(host.storage.calls).not.toContain('grants.insert')
    expect(host.eventTypes()).toEqual(['exchange.refused'])
  })

  it('signed by another key is invalid_request; called an access token, too', async () => {
    const host = await exchanging()
    const stranger = await clientKey('ES256', 'idp')
    expect(errorOf(await send(host, await foreign({ by: stranger }), asJwt))).toEqual(invalidRequest)
    expect(errorOf(await send(host, await foreign()))).toEqual(invalidRequest)
    const alone = await exchanging({ exchange: { issuers: undefined, user: undefined } as never })
    expect(errorOf(await send(alone, await foreign(), asJwt))).toEqual(invalidRequest)
  })

  it('may name who acts by may_act with the client of this server', async () => {
    const host = await exchanging()
    await send(host, await foreign({ claims: { may_act: { client_id: 'backend' } } }), asJwt).expect(200)
    await send(host, await foreign({ claims: { may_act: { iss: issuer, sub: 'backend' } } }), asJwt).expect(200)
  })
})

describe('a token of a type of the host', () => {
  const ofHost = (find: (text: string) => unknown) =>
    exchanging({ exchange: { tokenTypes: { [session]: find as never } } })
  const asSession: Parameters = { subject_token_type: session }

  it('is looked at by the function of that type, which is told who asks and for what', async () => {
    const calls: unknown[] = []
    const host = await exchanging({
      exchange: {
        tokenTypes: {
          [session]: (...args) => {
            calls.push(args)
            return { userId: 'bob', scope: 'read', expiresAt: startOfTime + 60 }
          },
        },
      },
    })
    const { access_token } = await host.signIn()
    const { body } = await send(host, 'ticket', asSession).expect(200)
    expect(body).toMatchObject({ scope: 'read', expires_in: 60 })
    expect((await host.me(body.access_token)).body.user.id).toBe('bob')
    const delegated = await send(host, access_token, acting('ticket', { actor_token_type: session })).expect(200)
    expect((await host.introspect(host.api, delegated.body.access_token)).body.act).toEqual({ sub: 'bob' })
    expect(calls).toEqual([
      ['ticket', { role: 'subject', clientId: 'backend' }],
      ['ticket', { role: 'actor', clientId: 'backend' }],
    ])
  })

  it('that is unknown, expired or of nobody is invalid_request', async () => {
    for (const answer of [undefined, null, false, { userId: 'bob', expiresAt: startOfTime }, { userId: 'carol' }]) {
      expect(errorOf(await send(await ofHost(() => answer), 'x', asSession))).toEqual(invalidRequest)
    }
  })

  it('of a session that began before its user was revoked gives nothing', async () => {
    const host = await ofHost(() => ({ userId: 'bob', startedAt: startOfTime }))
    host.clock.advance(2)
    await revokeGrants(host.server, { userId: 'bob' })
    host.clock.advance(2)
    expect(errorOf(await send(host, 'x', asSession))).toEqual(invalidRequest)
  })

  it.each<[what: string, answer: unknown, problem: string]>([
    ['an id alone', 'bob', 'must return { userId } or undefined, not a string'],
    ['nobody', {}, 'not an object without one'],
    ['another member', { userId: 'bob', sub: 'bob' }, 'sub; there are'],
    ['a scope that is none', { userId: 'bob', scope: 1 }, 'must return scope as'],
    ['a scope with odd characters', { userId: 'bob', scope: ['"'] }, 'must return scope as'],
    ['milliseconds', { userId: 'bob', expiresAt: startOfTime * 1000 }, 'must return expiresAt in seconds'],
    ['a Date', { userId: 'bob', startedAt: new Date() }, 'must return startedAt in seconds'],
  ])('whose function returns %s is a 500, and the event names the fix', async (_, answer, problem) => {
    const host = await ofHost(() => answer)
    expect((await send(host, 'x', asSession)).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain(problem)
  })
})

describe('allow', () => {
  it('sees who asks, for whom, who acts and for what', async () => {
    const seen: unknown[] = []
    const host = await exchanging({
      resources,
      exchange: {
        allow: (exchange) => {
          seen.push(exchange)
          return { userId: exchange.subject.userId }
        },
      },
    })
    const { access_token } = await host.signIn()
    await send(host, access_token, { ...acting(await ownToken(host, host.backend)), scope: 'read' }).expect(200)
    const own = { tokenType: type('access_token'), issuer, audience: [resources[0]], scope: ['read', 'write'] }
    expect(seen).toEqual([
      {
        client: expect.objectContaining({ clientId: 'backend' }),
        subject: { ...own, sub: 'alice', userId: 'alice', clientId: 'web', expiresAt: startOfTime + 3600 },
        actor: { ...own, sub: 'backend', clientId: 'backend', expiresAt: startOfTime + 3600 },
        scope: ['read'],
        audience: [resources[0]],
      },
    ])
  })

  it.each([undefined, null, false] as const)('that returns %s is a no: invalid_request (§2.2.2)', async (answer) => {
    const host = await exchanging({ exchange: { allow: () => answer } })
    const { access_token } = await host.signIn()
    host.events.length = 0
    expect(errorOf(await send(host, access_token))).toEqual(invalidRequest)
    expect(host.eventTypes()).toEqual(['exchange.refused'])
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('may grant less scope, and none of it is a no', async () => {
    const granting = async (scope: unknown) => {
      const host = await exchanging({
        exchange: { allow: ({ subject }) => ({ userId: subject.userId, scope: scope as string }) },
      })
      const { body } = await send(host, (await host.signIn()).access_token)
      return body.scope ?? body.error
    }
    expect(await granting('read')).toBe('read')
    expect(await granting(['write'])).toBe('write')
    expect(await granting([])).toBe('invalid_scope')
  })

  it.each<[what: string, answer: unknown, problem: string]>([
    ['true', true, 'must return { userId: subject.userId } or undefined, not a boolean'],
    ['a text', 'alice', 'not a string'],
    ['nobody', {}, 'must return the userId of the subject'],
    ['another user', { userId: 'bob' }, 'must return the userId of the subject'],
    ['an unknown member', { userId: 'alice', scopes: 'read' }, 'scopes; there are userId, scope, refreshToken'],
    ['more scope', { userId: 'alice', scope: 'read admin' }, 'must return a scope within'],
    ['a scope that is none', { userId: 'alice', scope: 7 }, 'must return scope as'],
    ['a refresh token in words', { userId: 'alice', refreshToken: 'yes' }, 'must return refreshToken as true or false'],
    ['a list', [{ userId: 'alice' }], 'must be one object'],
  ])('that returns %s is a 500, and the event names the fix', async (_, answer, problem) => {
    const host = await exchanging({ exchange: { allow: () => answer as never } })
    const { access_token } = await host.signIn()
    expect((await send(host, access_token)).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain(problem)
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('that throws refuses', async () => {
    const host = await exchanging({
      exchange: {
        allow: () => {
          throw new Error('database')
        },
      },
    })
    expect((await send(host, (await host.signIn()).access_token)).status).toBe(500)
    expect(host.reportedErrors()).toHaveLength(1)
  })

  it('that takes its time gives nothing once the subject token has expired', async () => {
    const host: ExchangeHost = await exchanging({
      exchange: {
        allow: ({ subject }) => {
          host.clock.advance(3600)
          return { userId: subject.userId }
        },
      },
    })
    expect(errorOf(await send(host, (await host.signIn()).access_token))).toEqual(invalidRequest)
  })
})

describe('a refresh token', () => {
  const generous: Allow = ({ subject }) => ({ userId: subject.userId, refreshToken: true })

  it('is there where allow says so: it outlives the subject token, and dies with the grant of that', async () => {
    const host = await exchanging({ exchange: { allow: generous } })
    const tokens = await host.signIn()
    host.clock.advance(3000)
    const { body } = await send(host, tokens.access_token, acting(await ownToken(host, host.backend))).expect(200)
    expect(body).toMatchObject({ expires_in: 600, issued_token_type: type('access_token') })
    host.clock.advance(3600)
    const refreshed = (await host.refresh(host.backend, body.refresh_token).expect(200)).body as Tokens
    const seen = (await host.introspect(host.api, refreshed.access_token)).body
    expect(seen).toMatchObject({ sub: 'alice', act: { sub: 'backend' }, token_exchange: 'delegation' })
    await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(await host.isAlive(refreshed)).toBe(true)
    await host.revoke(host.web, tokens.refresh_token).expect(200)
    expect(await host.isAlive(refreshed)).toBe(false)
    expect(errorOf(await host.refresh(host.backend, refreshed.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('is not there where allow does not say so, the client may not refresh, or the session has none', async () => {
    const silent = await exchanging()
    expect((await send(silent, (await silent.signIn()).access_token)).body).not.toHaveProperty('refresh_token')
    const host = await exchanging({ exchange: { allow: generous } })
    const alone = await issueTokens(host.server, { clientId: 'web', userId: 'alice', refreshToken: false })
    expect((await send(host, alone.access_token).expect(200)).body).not.toHaveProperty('refresh_token')
    const first = (await send(host, (await host.signIn()).access_token, {}, host.backend)).body
    expect(first).toHaveProperty('refresh_token')
    await updateClient(host.server, 'backend', { grantTypes: [grant] })
    expect((await send(host, (await host.signIn()).access_token)).body).not.toHaveProperty('refresh_token')
  })

  it('reused by a thief ends what was exchanged, and not the session of the subject token', async () => {
    const allow: Allow = ({ client, subject }) => ({
      userId: subject.userId,
      refreshToken: client.clientId === 'backend',
    })
    const host = await exchanging({ exchange: { allow } })
    const tokens = await host.signIn()
    const { body } = await send(host, tokens.access_token).expect(200)
    const below = (await send(host, body.access_token, {}, host.web).expect(200)).body
    host.clock.advance(100)
    const second = (await host.refresh(host.backend, body.refresh_token).expect(200)).body
    host.clock.advance(100)
    expect(await host.isAlive(below)).toBe(true)
    expect(errorOf(await host.refresh(host.backend, body.refresh_token))).toEqual([400, 'invalid_grant'])
    expect(await host.isAlive(second)).toBe(false)
    expect(await host.isAlive(tokens)).toBe(true)
    // what was exchanged for a token of that session is of it
    expect(await host.isAlive(below)).toBe(false)
    host.clock.advance(100_000)
    await deleteExpired(host.server)
  })

  it('comes with the grant of a subject of another issuer, too', async () => {
    const host = await exchanging({ exchange: { allow: generous } })
    const { body } = await send(host, await foreign(), asJwt).expect(200)
    expect(body.expires_in).toBe(300)
    expect((await host.refresh(host.backend, body.refresh_token).expect(200)).body.expires_in).toBe(3600)
  })
})

describe('a key (RFC 9449)', () => {
  const bound = async (host: ExchangeHost, by: ProofKey, client = host.web) => {
    const code = await host.code(client)
    return (
      await host
        .exchange(client, code)
        .set('DPoP', await proof(by))
        .expect(200)
    ).body as Tokens
  }
  const proving = async (
    host: ExchangeHost,
    token: string,
    by?: ProofKey,
    parameters: Parameters = {},
    client = host.backend,
  ) => {
    const sent = send(host, token, parameters, client)
    return by ? sent.set('DPoP', await proof(by)) : sent
  }
  const refusedProof = [400, 'invalid_dpop_proof']

  it('that is proved binds the new token, whatever the subject token is', async () => {
    const host = await exchanging({ senderConstraints: [dpop()] })
    const { access_token } = await host.signIn()
    const { body } = await proving(host, access_token, robot)
    expect(body.token_type).toBe('DPoP')
    expect((await host.introspect(host.api, body.access_token)).body.cnf).toEqual({ jkt: robot.jkt })
    expect((await host.me(body.access_token)).status).toBe(401)
  })

  it('to which the subject token is bound never becomes none, and its own client must prove it', async () => {
    const host = await exchanging({ senderConstraints: [dpop()] })
    const { access_token } = await bound(host, agent)
    expect(errorOf(await proving(host, access_token))).toEqual(refusedProof)
    expect((await proving(host, access_token, robot)).status).toBe(200)
    expect(errorOf(await proving(host, access_token, robot, {}, host.web))).toEqual(refusedProof)
    expect((await proving(host, access_token, agent, {}, host.web)).status).toBe(200)
  })

  it('to which the actor token is bound must be the one of the request', async () => {
    const host = await exchanging({ senderConstraints: [dpop()] })
    const { access_token } = await host.signIn()
    const { access_token: actor } = await bound(host, agent)
    expect(errorOf(await proving(host, access_token, undefined, acting(actor)))).toEqual(refusedProof)
    expect(errorOf(await proving(host, access_token, robot, acting(actor)))).toEqual(refusedProof)
    expect((await proving(host, access_token, agent, acting(actor))).status).toBe(200)
  })

  it('to which the subject token is bound binds the refresh token, too', async () => {
    const allow: Allow = ({ subject }) => ({ userId: subject.userId, refreshToken: true })
    const host = await exchanging({ senderConstraints: [dpop()], exchange: { allow } })
    const { access_token } = await bound(host, agent)
    const { body } = await proving(host, access_token, robot)
    expect(errorOf(await host.refresh(host.backend, body.refresh_token))).toEqual(refusedProof)
    const refreshed = host.refresh(host.backend, body.refresh_token).set('DPoP', await proof(robot))
    expect((await refreshed.expect(200)).body.token_type).toBe('DPoP')
    // as everywhere: a client that authenticates may go on with another key, or none
    const { body: unbound } = await proving(host, (await host.signIn()).access_token, robot)
    await host.refresh(host.backend, unbound.refresh_token).expect(200)
  })

  it('that a client must always prove is asked for here, too', async () => {
    const host = await exchanging({ senderConstraints: [dpop()] })
    await updateClient(host.server, 'backend', { dpopBoundAccessTokens: true })
    const { access_token } = await host.signIn()
    expect(errorOf(await proving(host, access_token))).toEqual(refusedProof)
  })
})

describe('at start-up', () => {
  const allow = yes
  const issuers = [{ issuer: idp, jwksUri: `${idp}/jwks` }]
  it.each<[what: string, options: unknown, problem: string]>([
    ['no options', undefined, 'tokenExchange needs allow'],
    ['no allow', {}, 'tokenExchange needs allow'],
    ['allow that is none', { allow: true }, 'tokenExchange needs allow'],
    ['an unknown option', { allow, ttl: 1 }, 'Unknown tokenExchange option ttl'],
    ['issuers without user', { allow, issuers }, 'tokenExchange needs issuers and user'],
    ['user without issuers', { allow, user: () => 'a' }, 'tokenExchange needs issuers and user'],
    ['user that is none', { allow, issuers, user: 'alice' }, 'tokenExchange needs issuers and user'],
    ['no issuer', { allow, issuers: [], user: () => 'a' }, 'tokenExchange({ issuers }) must be a list'],
    [
      'a profile',
      { allow, issuers: [{ ...issuers[0], profile: 'id-jag' }], user: () => 'a' },
      'leave the profile of https://idp.example out',
    ],
    [
      'a type that is no URI',
      { allow, tokenTypes: { session: () => undefined } },
      'must be functions by URIs of your own',
    ],
    [
      'a type of the server',
      { allow, tokenTypes: { [type('jwt')]: () => undefined } },
      'must be functions by URIs of your own',
    ],
    ['a type without a function', { allow, tokenTypes: { 'urn:x:y': 'bob' } }, 'must be functions by URIs of your own'],
    ['types that are no object', { allow, tokenTypes: null }, 'must be one object'],
    ['public clients that are no list', { allow, publicClients: 'spa' }, 'must be a list of client ids'],
  ])('%s throws a TypeError that names it', (_, options, problem) => {
    expect(() => tokenExchange(options as never)).toThrow(problem)
  })

  it('the metadata has the grant type (RFC 8414)', async () => {
    const host: Host = await exchanging()
    const { body } = await host.http().get('/.well-known/oauth-authorization-server')
    expect(body.grant_types_supported).toContain(grant)
  })
})
