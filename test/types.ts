/** What compiles and what must not, checked by `npm run typecheck`. Nothing in here runs. */
import { expectTypeOf } from 'expect-type'
import type { Request, RequestHandler, Router } from 'express'
import {
  type AccessToken,
  type AuthorizationRequest,
  type AuthorizationServer,
  type AuthorizationServerEvent,
  type AuthorizationServerOptions,
  type Awaitable,
  accessToken,
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  bearerStrategy,
  type Client,
  type ClientAuthentication,
  type ClientStorage,
  type Credential,
  clientCredentials,
  clientSecret,
  clientsRouter,
  consentPage,
  createAuthorizationServer,
  type Decide,
  ensureClient,
  type Grant,
  type GrantStorage,
  type GrantType,
  generateSigningKey,
  issueCode,
  issueTokens,
  jwt,
  limiterThrottle,
  memoryStorage,
  OAuthError,
  type OAuthErrorCode,
  type OAuthStorage,
  oauthRouter,
  opaque,
  type PresentedCredentials,
  password,
  type RegisterClientOptions,
  refreshToken,
  registerClient,
  remoteServer,
  requireScope,
  resourceOwner,
  revokeGrants,
  rotateClientSecret,
  type Scope,
  startCleanup,
  type TokenResponse,
  tokenExchange,
  tokenRouter,
  updateClient,
  verifyAccessToken,
  type WarningCode,
} from 'express-authorization-server'
import { type OpenIdRequest, openid } from 'express-authorization-server/openid'

declare const server: AuthorizationServer
declare const req: Request
declare const client: Client
const required = { issuer: 'https://auth.example.com', storage: memoryStorage(), scopes: ['read'] }

// The guard: Passport's own places, and the strict form
expectTypeOf(bearerGuard(server)).toEqualTypeOf<RequestHandler>()
expectTypeOf(requireScope(['read', 'write'])).toEqualTypeOf<RequestHandler>()
expectTypeOf(req.user).toEqualTypeOf<Express.User | undefined>()
expectTypeOf(req.authInfo).toEqualTypeOf<Express.AuthInfo | undefined>()
expectTypeOf(req.authInfo?.clientId).toEqualTypeOf<string | undefined>()
expectTypeOf(req.authInfo?.scope).toEqualTypeOf<Scope | undefined>()
expectTypeOf(accessToken(req)).toEqualTypeOf<AccessToken>()
expectTypeOf(accessToken(req).clientId).toEqualTypeOf<string>()
expectTypeOf(accessToken(req).userId).toEqualTypeOf<string | undefined>()
expectTypeOf(accessToken(req).scope).toEqualTypeOf<readonly string[]>()
expectTypeOf(verifyAccessToken(server, 'token', { scope: 'read' })).resolves.toEqualTypeOf<AccessToken>()
// @ts-expect-error what a guard found out is not for writing
accessToken(req).scope.push('admin')
expectTypeOf(resourceOwner(req)).toEqualTypeOf<Express.User>()
expectTypeOf(bearerStrategy(server, { scope: 'read', tokenFrom: ['header', 'query'], user: true })).toEqualTypeOf<
  ReturnType<typeof bearerStrategy>
>()
// @ts-expect-error a request may have no user: it must be asked for
req.user.id
// @ts-expect-error nor an authorization
req.authInfo.scope.includes('read')
// @ts-expect-error the server comes first
bearerGuard({ scope: 'read' })
// @ts-expect-error a token stands in one of three places
bearerGuard(server, { tokenFrom: ['cookie'] })
// @ts-expect-error scope, not scopes: a guard that asked for nothing would let everybody in
bearerGuard(server, { scopes: ['read'] })
bearerGuard(remoteServer({ issuer: required.issuer, resource: 'https://api.example.com' }), { scope: 'read' })
// @ts-expect-error the API in another process has no storage to issue from
issueTokens(remoteServer({ issuer: required.issuer, resource: 'https://api.example.com' }), { clientId: 'app' })

// Options
expectTypeOf(createAuthorizationServer).parameters.toEqualTypeOf<[AuthorizationServerOptions]>()
expectTypeOf(createAuthorizationServer(required)).toEqualTypeOf<AuthorizationServer>()
createAuthorizationServer({ ...required, scopes: { read: 'See your data' }, pkce: 'public-clients', throttle: false })
createAuthorizationServer({ ...required, users: { find: async (id) => (id === '1' ? { id } : null) } })
createAuthorizationServer({
  ...required,
  users: { find: (id) => ({ id }), current: (incoming) => incoming.user, signIn: '/login', switchUser: (to) => to },
})
declare const rows: { id: string }[]
declare const people: Map<string, { id: string; name: string }>
createAuthorizationServer({ ...required, users: { find: (id) => people.get(id) } })
createAuthorizationServer({ ...required, users: { find: async (id) => people.get(id) ?? null } })
createAuthorizationServer({ ...required, users: { find: async () => req.user } })
declare const ready: AuthorizationServerOptions
createAuthorizationServer({ ...ready, users: { find: () => undefined } })
// @ts-expect-error rows are no user
createAuthorizationServer({ ...required, users: { find: (id) => rows.filter((row) => row.id === id) } })
// @ts-expect-error nor are they later
createAuthorizationServer({ ...required, users: { find: async () => rows } })
// biome-ignore format: the error is on the line of the function
// @ts-expect-error nothing is returned
createAuthorizationServer({ ...required, users: { find: (id) => { people.get(id) } } })
// biome-ignore format: the same
// @ts-expect-error nor is anything later
createAuthorizationServer({ ...required, users: { find: async (id) => { people.get(id) } } })
// @ts-expect-error signIn, not signin
createAuthorizationServer({ ...required, users: { find: () => undefined, signin: '/login' } })
// @ts-expect-error who is signed in does not say who is still there
createAuthorizationServer({ ...required, users: { signIn: '/login' } })
createAuthorizationServer({ ...required, endpoints: { token: '/token', ofSomeGrant: '/x' } })
createAuthorizationServer({ ...required, accessTokens: opaque({ ttl: 600 }), endpoints: { token: '/token' } })
createAuthorizationServer({ ...required, tokenResponse: (body, { userId }) => ({ ...body, user_id: userId }) })
// @ts-expect-error without scopes
createAuthorizationServer({ issuer: required.issuer, storage: required.storage })
// @ts-expect-error without storage
createAuthorizationServer({ issuer: required.issuer, scopes: [] })
// @ts-expect-error an option that there is not
createAuthorizationServer({ ...required, accessTokenLifetime: 3600 })
// @ts-expect-error a policy that there is not
createAuthorizationServer({ ...required, pkce: 'none' })
// @ts-expect-error false turns the throttle off, true says nothing
createAuthorizationServer({ ...required, throttle: true })
// @ts-expect-error a grant is a value, not its name
createAuthorizationServer({ ...required, grants: ['authorization_code'] })
// @ts-expect-error seconds are a number
createAuthorizationServer({ ...required, accessTokens: opaque({ ttl: '1h' }) })
// @ts-expect-error keys are what jwt cannot be without
jwt({ audience: 'https://api.example.com' })
// @ts-expect-error where a password is checked is the host's to say
password()
expectTypeOf(refreshToken).parameter(0).exclude<undefined>().toHaveProperty('replayWindow')
expectTypeOf(server.storage).toEqualTypeOf<OAuthStorage>()
// @ts-expect-error the server is frozen
server.issuer = 'https://other.example'

// Deciding
const byHand: Decide = (request, incoming, res) => {
  expectTypeOf(request).toEqualTypeOf<AuthorizationRequest>()
  if (!incoming.user) return void res.redirect('/login')
  return { allow: true, userId: '1', scope: request.scope }
}
authorizeRouter(server, { decide: byHand, response: 'json' })
authorizeRouter(server, { decide: consentPage({ signIn: (returnTo) => `/login?next=${returnTo}` }) })
approve({ clients: ['first-party'] })
approve({ clients: ['first-party'], fromTokensOf: ['launcher'] })
approve({ clients: (one) => one.name === 'ours', user: (incoming) => incoming.user })
approve({
  clients: async (one) => {
    expectTypeOf(one).toEqualTypeOf<Client>()
    return true
  },
})
// @ts-expect-error nobody is approved by leaving something out
approve({})
// @ts-expect-error a predicate says yes or no
approve({ clients: (one) => one.name })
consentPage({})
// @ts-expect-error a page is a path, or a function that makes a URL
consentPage({ signIn: 5 })
// @ts-expect-error a yes is somebody's
authorizeRouter(server, { decide: () => ({ allow: true }) })
// @ts-expect-error a decision is needed
authorizeRouter(server, {})
// @ts-expect-error a decision is no truth value
authorizeRouter(server, { decide: () => true })
expectTypeOf(oauthRouter(server, { protect: false })).toEqualTypeOf<Router>()
oauthRouter(server, { protect: false, introspect: { resourceServersOnly: true }, register: false })
// @ts-expect-error protect stands beside clients
oauthRouter(server, { protect: false, clients: { protect: bearerGuard(server) } })
// @ts-expect-error who may administer clients must be said, or false
oauthRouter(server, { decide: byHand })
// @ts-expect-error and at the clients router there is no false
clientsRouter(server, { protect: false })
clientsRouter(server, {
  protect: bearerGuard(server),
  format: { parse: (req) => ({ clientId: req.query.id, scopes: req.query.rights, name: null }), updateMethod: 'PUT' },
})
// @ts-expect-error what is read goes by the names of registerClient
clientsRouter(server, { protect: bearerGuard(server), format: { parse: () => ({ client_id: 'x' }) } })
// @ts-expect-error what changes the members named is no POST
clientsRouter(server, { protect: bearerGuard(server), format: { updateMethod: 'POST' } })
// @ts-expect-error a code or a token never stands in a fragment of ours
tokenRouter(server, { parametersFrom: ['fragment'] })

// A grant of the host
const deviceGrant: GrantType = {
  grantType: 'urn:example:device',
  async handle(at, request) {
    expectTypeOf(at).toEqualTypeOf<AuthorizationServer>()
    expectTypeOf(request.parameters.get('device')).toEqualTypeOf<string | undefined>()
    expectTypeOf(request.startedAt).toEqualTypeOf<number>()
    if (!request.authenticated) throw new OAuthError('invalid_client', 'A secret is needed.', { status: 401 })
    return issueTokens(at, { clientId: request.client.clientId, userId: '1', request })
  },
}
createAuthorizationServer({ ...required, grants: [authorizationCode(), clientCredentials(), deviceGrant] })
// @ts-expect-error a grant answers with a token response
const _answersNothing: GrantType = { grantType: 'urn:example:nothing', handle: async () => ({}) }
// @ts-expect-error a grant has a name
const _nameless: GrantType = { handle: async (): Promise<TokenResponse> => ({}) as TokenResponse }

// The list of methods is open to values, the union of their names is not
const headerSecret: ClientAuthentication<PresentedCredentials & { secret: string }> = {
  methods: ['client_secret_basic'],
  presented: ({ req, parameters }) => [
    {
      method: 'client_secret_basic',
      clientId: parameters.get('client_id'),
      explicit: true,
      secret: req.get('x-secret') ?? '',
    },
  ],
  verify: async (_server, client, { secret }) => (client && secret !== '' ? { client } : undefined),
}
createAuthorizationServer({ ...required, clientAuthentication: [headerSecret] })
createAuthorizationServer({ ...required, clientAuthentication: [clientSecret()] })
// @ts-expect-error a method has one of the names of the union
const _unknownMethod: ClientAuthentication['methods'] = ['shared_key']
// @ts-expect-error the client that is proved, and not whether one is
const _yes: ClientAuthentication['verify'] = () => true

// An adapter of the host: every method may answer at once or later
const adapter: OAuthStorage = {
  clients: {
    find: async (clientId) => {
      expectTypeOf(clientId).toEqualTypeOf<string>()
      return undefined
    },
    list: ({ limit }) => {
      expectTypeOf(limit).toEqualTypeOf<number>()
      return []
    },
    insert: (record) => {
      expectTypeOf(record).toEqualTypeOf<Client>()
      return true
    },
    update: async (_record, expectedVersion) => {
      expectTypeOf(expectedVersion).toEqualTypeOf<number>()
      return false
    },
    delete: () => false,
  },
  grants: {
    insert: async (credentials) => {
      expectTypeOf(credentials).toEqualTypeOf<readonly Credential[]>()
      return true
    },
    find: () => undefined,
    transition: async (_id, from, next, _additions, grant) => {
      expectTypeOf(from).toEqualTypeOf<string>()
      expectTypeOf(next).toEqualTypeOf<Credential>()
      expectTypeOf(grant).toEqualTypeOf<Grant | undefined>()
      return false
    },
    list: async () => [],
    revoke: (target) => {
      if ('grantId' in target) expectTypeOf(target.grantId).toEqualTypeOf<string>()
    },
    deleteExpired: () => 0,
  },
}
createAuthorizationServer({ ...required, storage: adapter })
// @ts-expect-error `null` is no answer of `find`: undefined is
const _nulls: ClientStorage = { ...adapter.clients, find: async () => null }
// @ts-expect-error a transition says whether it happened
const _silent: GrantStorage = { ...adapter.grants, transition: async () => {} }
const { transition: _left, ...withoutTransition } = adapter.grants
// @ts-expect-error no method can be left out
const _incomplete: OAuthStorage = { clients: adapter.clients, grants: withoutTransition }
// @ts-expect-error records are replaced, never written into
client.scopes = ['admin']
expectTypeOf<Awaitable<Client>>().toEqualTypeOf<Client | Promise<Client>>()

// Operations
expectTypeOf(registerClient(server, { redirectUris: ['https://app.example/cb'] })).resolves.toEqualTypeOf<{
  client: Client
  clientSecret?: string
}>()
expectTypeOf(issueCode(server, { clientId: 'app', userId: '1' })).resolves.toEqualTypeOf<{
  code: string
  expiresIn: number
}>()
expectTypeOf(rotateClientSecret(server, 'app', { overlap: 60 }))
  .resolves.toHaveProperty('clientSecret')
  .toBeString()
expectTypeOf(startCleanup(server, { every: 60 })).toBeCallableWith()
issueCode(server, { clientId: 'app', userId: 1 })
issueTokens(server, { clientId: 'app', userId: 1 })
revokeGrants(server, { userId: 1 })
// a plain list of records, whose lists are of strings
const records = [
  { clientId: 'app', tokenEndpointAuthMethods: ['none'], grantTypes: ['authorization_code'] },
  { clientId: 'api', username: 7 },
]
for (const record of records) ensureClient(server, record)
const everyGrant = ['authorization_code', 'client_credentials', 'refresh_token', 'password', 'implicit'] as const
registerClient(server, { grantTypes: everyGrant })
registerClient(server, { grantTypes: [] })
registerClient(server, { grantTypes: [...server.grants.keys()] })
registerClient(server)
declare const someClient: RegisterClientOptions
registerClient(server, someClient)
registerClient(server, {
  ...someClient,
  grantTypes: ['refresh_token', 'urn:example:device', 'https://example.com/Grant'],
})
ensureClient(server, { clientId: 'app', grantTypes: ['client_credentials', 'one-time-password'] })
// @ts-expect-error authorization_code
registerClient(server, { grantTypes: ['authorizationCode'] })
// @ts-expect-error also beside a right one
registerClient(server, { grantTypes: ['authorization_code', 'refreshToken'] })
// @ts-expect-error client_credentials
updateClient(server, 'app', { grantTypes: ['client-credentials'] })
// @ts-expect-error refresh_token
ensureClient(server, { clientId: 'app', grantTypes: ['Refresh_Token'] })
// @ts-expect-error there is no such member
registerClient(server, { grants: ['authorization_code'] })
// @ts-expect-error an id is a value, and not a user
issueCode(server, { clientId: 'app', userId: { id: 1 } })
// @ts-expect-error whose grants end must be said
revokeGrants(server, {})
// @ts-expect-error there is no such method
registerClient(server, { tokenEndpointAuthMethods: ['client_secret_jwt'] })
// @ts-expect-error a limiter is made for each of the counts, from its options
limiterThrottle({ points: 5 })

// OpenID Connect: what a request wants is typed for deciders
const provider = openid({
  keys: generateSigningKey(),
  authentication: (req) => ({ time: new Date(), sessionId: req.ip ?? '' }),
})
expectTypeOf<AuthorizationServerOptions['openid']>().toEqualTypeOf<typeof provider | undefined>()
declare const wanted: OpenIdRequest
expectTypeOf(wanted.maxAge).toEqualTypeOf<number | undefined>()
if (wanted.prompt.includes('none')) new OAuthError('interaction_required', 'Not now.')
// @ts-expect-error a value that no request has
wanted.prompt.includes('create')
// @ts-expect-error when the user signed in must be said
openid({ keys: generateSigningKey(), authentication: () => ({ amr: ['pwd'] }) })

// Errors and events: closed unions
// @ts-expect-error no code of any RFC
new OAuthError('wrong_password', 'no')
expectTypeOf(new OAuthError('invalid_scope', 'no').code).extract<'invalid_scope'>().toEqualTypeOf<'invalid_scope'>()
expectTypeOf<OAuthErrorCode>().toExtend<OAuthError['code']>()
new OAuthError('linking_error', 'Sign in first.', { status: 401, members: { login_hint: 'alice@example.com' } })
// @ts-expect-error a member is plain
new OAuthError('linking_error', 'Sign in first.', { status: 401, members: { login_hint: ['alice@example.com'] } })
expectTypeOf(new OAuthError('invalid_scope', 'no')).toExtend<Error>()
declare const event: AuthorizationServerEvent
if (event.type === 'warning') expectTypeOf(event.code).toEqualTypeOf<WarningCode>()
else if (event.type === 'error') expectTypeOf(event.error).toEqualTypeOf<OAuthError>()
else if (event.type === 'token.issued') expectTypeOf(event.scope).toEqualTypeOf<Scope>()
else if (event.type === 'token.exchanged') {
  expectTypeOf(event.exchange).toEqualTypeOf<'delegation' | 'impersonation'>()
}

tokenExchange({ allow: ({ subject, scope }) => ({ userId: subject.userId, scope }) })
tokenExchange({ allow: async ({ actor }) => actor && { userId: actor.userId, refreshToken: true } })
// @ts-expect-error nothing is exchanged that the host did not permit
tokenExchange({ issuers: [] })
// @ts-expect-error true says nothing of whom the token is about
tokenExchange({ allow: () => true })
// @ts-expect-error whom the new token is about is to be said
tokenExchange({ allow: () => ({ scope: 'read' }) })
expectTypeOf<AccessToken['actor']>().toExtend<{ sub: string } | undefined>()
