// ATTACKS.md row 58: endless renewal, wider scope or audience, another client's token, an actor that may not, a revoked
// subject; and the ways around who acts. test/grants/token-exchange.test.ts has each refusal by itself.
import fc from 'fast-check'
import { mayAct, withActor } from '../../src/grants/actor'
import {
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  clientCredentials,
  deleteClient,
  generateSigningKey,
  introspectRouter,
  issueTokens,
  jwt,
  opaque,
  refreshToken,
  revokeRouter,
  tokenExchange,
  tokenRouter,
} from '../../src/index'
import { runs } from '../support/fuzz'
import { createHost, issuer, type Parameters, paths, type TestClient, type Tokens } from '../support/host'

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

const stateless = () => jwt({ keys: generateSigningKey(), audience: issuer, stateless: true })

/** An authorization endpoint behind a guard: whoever has an access token of `web` or `backend` in front gets a code. */
async function makeHost(accessTokens = opaque()) {
  const decide = approve({ clients: () => true, fromTokensOf: ['web', 'backend', 'thief'] })
  const host = await createHost({
    grants: [
      authorizationCode(),
      clientCredentials(),
      refreshToken(),
      // as careless as a host can be: everything that is right is allowed
      tokenExchange({
        allow: ({ subject }) => ({ userId: subject.userId, refreshToken: true }),
        publicClients: ['spa'],
      }),
    ],
    accessTokens,
    mount(app, server) {
      app.use(paths.authorize, bearerGuard(server), authorizeRouter(server, { decide, response: 'json' }))
      app.use(paths.token, tokenRouter(server))
      app.use(paths.revoke, revokeRouter(server))
      app.use(paths.introspect, introspectRouter(server))
      app.get('/me', bearerGuard(server, { user: false }), (req, res) => void res.json({ authInfo: req.authInfo }))
    },
  })
  const grantTypes = [...host.server.grants.keys()]
  const backend = await host.register({
    clientId: 'backend',
    grantTypes: [grant, 'authorization_code', 'client_credentials'],
  })
  const thief = await host.register({ clientId: 'thief', grantTypes })
  const begin = async (clientId = 'web', options = {}) =>
    (await issueTokens(host.server, { clientId, userId: 'alice', ...options })) as Tokens
  const exchange = (client: TestClient, token: string, parameters: Parameters = {}) =>
    host.token(client, { grant_type: grant, subject_token: token, subject_token_type: accessTokenType, ...parameters })
  const actorOf = async (clientId: string): Promise<Parameters> => ({
    actor_token: (await issueTokens(host.server, { clientId })).access_token,
    actor_token_type: accessTokenType,
  })
  const inFront = (client: TestClient, token: string) =>
    host
      .http()
      .get(`${paths.authorize}?${host.authorizationRequest(client, { scope: 'read' })}`)
      .auth(token, { type: 'bearer' })
  return { host, backend, thief, begin, exchange, actorOf, inFront }
}

it('no exchange renews a token: after any number of them it ends when the first one does', async () => {
  const { host, backend, begin, exchange } = await makeHost()
  let { access_token } = await begin('web', { refreshToken: false })
  for (let n = 0; n < 6; n++) {
    host.clock.advance(500)
    const { body } = await exchange(n % 2 ? host.web : backend, access_token).expect(200)
    expect(body.expires_in).toBe(3600 - 500 * (n + 1))
    expect(body).not.toHaveProperty('refresh_token')
    access_token = body.access_token
  }
  host.clock.advance(600)
  expect((await exchange(backend, access_token)).body.error).toBe('invalid_request')
})

it('of an exchanged token there is no refresh token, however careless the host is', async () => {
  const { host, backend, begin, exchange } = await makeHost()
  const first = (await exchange(backend, (await begin()).access_token).expect(200)).body
  expect((await exchange(host.web, first.access_token).expect(200)).body).not.toHaveProperty('refresh_token')
})

describe.each([
  ['opaque', opaque],
  ['stateless', stateless],
] as const)('a token that was exchanged, where tokens are %s', (_, format) => {
  it('begins no other authorization: its code would not say who acts', async () => {
    const { host, backend, begin, exchange, actorOf, inFront } = await makeHost(format())
    const { access_token } = await begin()
    expect((await inFront(host.web, access_token)).status).toBe(200)
    const delegated = (await exchange(backend, access_token, await actorOf('backend')).expect(200)).body
    const impersonated = (await exchange(backend, access_token).expect(200)).body
    for (const token of [delegated.access_token, impersonated.access_token]) {
      expect((await inFront(backend, token)).body.error).toBe('access_denied')
    }
  })

  it('says who acts after each further exchange: the chain gets longer, and never shorter', async () => {
    const { host, backend, thief, begin, exchange, actorOf } = await makeHost(format())
    const { access_token } = await begin()
    const delegated = (await exchange(backend, access_token, await actorOf('backend')).expect(200)).body
    const again = (await exchange(thief, delegated.access_token).expect(200)).body
    expect((await host.introspect(host.api, again.access_token)).body.act).toEqual({
      sub: 'backend',
      client_id: 'backend',
    })
  })
})

describe('a session that began with an access token', () => {
  it('ends what was exchanged for its tokens when it ends by itself', async () => {
    const { host, backend, begin, exchange, inFront } = await makeHost()
    const source = await begin()
    const { body: answer } = await inFront(host.web, source.access_token).expect(200)
    const derived = (await host.exchange(host.web, answer.code).expect(200)).body as Tokens
    const made = (await exchange(backend, derived.access_token).expect(200)).body
    const further = (await exchange(host.web, made.access_token).expect(200)).body
    expect(await host.isAlive(made)).toBe(true)
    await host.refresh(host.web, derived.refresh_token).expect(200)
    expect(await host.isAlive(made)).toBe(true)
    await host.revoke(host.web, derived.refresh_token).expect(200)
    expect(await host.isAlive(source)).toBe(true)
    expect(await host.isAlive(made)).toBe(false)
    expect(await host.isAlive(further)).toBe(false)
    expect((await host.introspect(host.api, made.access_token)).body).toEqual({ active: false })
  })
})

it('the token of a client that was deleted is exchanged no more, and what became of it is dead', async () => {
  const { host, backend, begin, exchange } = await makeHost()
  const { access_token } = await begin('thief')
  const made = (await exchange(backend, access_token).expect(200)).body
  await deleteClient(host.server, 'thief')
  expect((await exchange(backend, access_token)).body.error).toBe('invalid_request')
  expect(await host.isAlive(made)).toBe(false)
})

it('a public client that is not named gets nothing for a token that it has stolen', async () => {
  const { host, begin, exchange } = await makeHost()
  const { access_token } = await begin()
  const app = await host.register({ clientId: 'app', tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
  const spa = await host.register({ clientId: 'spa', tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
  expect((await exchange(app, access_token)).body.error).toBe('unauthorized_client')
  await exchange(spa, access_token).expect(200)
  // a client that may come with or without a proof comes with one
  const both = await host.register({
    clientId: 'both',
    tokenEndpointAuthMethods: ['none', 'client_secret_basic'],
    grantTypes: [grant],
  })
  await exchange(both, access_token).expect(200)
  expect((await exchange({ ...both, clientSecret: undefined } as never, access_token)).body.error).toBe(
    'unauthorized_client',
  )
})

it('a user who is named like a client acts for nobody, and nobody for them', async () => {
  const { host, backend, begin, exchange, actorOf } = await makeHost()
  const { access_token } = await begin()
  host.people.set('web', { id: 'web', name: 'Web' })
  const confused = (await issueTokens(host.server, { clientId: 'web', userId: 'web' })).access_token
  expect((await exchange(backend, confused)).body.error).toBe('invalid_request')
  const acting = { ...(await actorOf('backend')), actor_token: confused }
  expect((await exchange(backend, access_token, acting)).body.error).toBe('invalid_request')
})

it('an exchange that is under way while the grant is revoked leaves nothing that lives', async () => {
  const { host, backend, begin, exchange } = await makeHost()
  const tokens = await begin()
  const paused = host.storage.pauseBefore('grants.insert')
  const racing = exchange(backend, tokens.access_token, { scope: 'read' }).then((answer) => answer)
  await paused.reached
  await host.revoke(host.web, tokens.refresh_token).expect(200)
  paused.resume()
  const { body } = await racing
  expect(await host.isAlive(body)).toBe(false)
})

describe('may_act', () => {
  const name = fc.constantFrom('a', 'b', '', 'https://one.example', issuer)
  const value = fc.oneof(name, fc.jsonValue())
  const claim = fc.dictionary(fc.constantFrom('sub', 'iss', 'client_id', 'email', '__proto__', 'toString'), value)
  const party = fc
    .record({ sub: name, iss: name })
    .chain((one) =>
      fc.option(name, { nil: undefined }).map((client_id) => (client_id === undefined ? one : { ...one, client_id })),
    )

  it('lets nobody act whom it does not name, whatever it has', () => {
    fc.assert(
      fc.property(fc.oneof(claim, fc.jsonValue()), party, name, (said, who, from) => {
        if (!mayAct(said, who, from)) return
        const named = said as Record<string, unknown>
        const known: Record<string, unknown> = {
          sub: who.sub,
          iss: who.iss,
          ...('client_id' in who && { client_id: who.client_id }),
        }
        expect(Object.keys(named).every((one) => Object.hasOwn(known, one) && known[one] === named[one])).toBe(true)
        expect('sub' in named || 'client_id' in named).toBe(true)
        if ('sub' in named) expect(named.iss ?? from).toBe(who.iss)
      }),
      runs(1000),
    )
  })

  it('and a chain has its end at eight', () => {
    let chain = withActor({ sub: '0' }, undefined)
    for (let n = 1; n < 8; n++) chain = withActor({ sub: `${n}` }, chain)
    expect(JSON.stringify(chain).match(/sub/g)).toHaveLength(8)
    expect(withActor({ sub: '8' }, chain)).toBeUndefined()
  })
})
