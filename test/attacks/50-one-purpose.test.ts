// Row 50, one-purpose credentials. The kind: a credential of one kind is taken where another kind belongs. All pairs.
import {
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  clientCredentials,
  clientsRouter,
  connectedAppsRouter,
  consentPage,
  deviceAuthorizationRouter,
  deviceCode,
  deviceRouter,
  generateSigningKey,
  introspectRouter,
  issueCode,
  issueTokens,
  jwt,
  opaque,
  pushedAuthorizationRequests,
  pushedAuthorizationRouter,
  refreshToken,
  registerRouter,
  revokeRouter,
  tokenRouter,
  updateClient,
} from '../../src/index'
import { answerConsent, askConsent, fieldsOf } from '../support/consent'
import { openPage, poll, postPage, startDevice } from '../support/device'
import { answerOf, createHost, type Host, paths, pkce } from '../support/host'

const kinds = [
  'code',
  'access token',
  'token of a client',
  'refresh token',
  'consent transaction',
  'removal transaction',
  'pushed request',
  'device code',
  'device transaction',
  'registration token',
  'client secret',
  'client id',
  'document id',
] as const
type Kind = (typeof kinds)[number]

interface Place {
  /** What belongs there. */
  takes: readonly Kind[]
  /** Each refusal there costs a bcrypt, so the credential is offered as it is. */
  slow?: true
  /** Whether it was taken. */
  offer: (host: World, text: string) => PromiseLike<boolean>
}

interface World extends Host {
  held: Record<Kind, string>
  /** Where the client that registered itself is managed. */
  registration: string
  /** The request that the consent transaction is about. */
  query: string
}

const bearer = (sent: ReturnType<ReturnType<Host['http']>['get']>, token: string) =>
  sent.set('Authorization', `Bearer ${token}`)
const statusIs = async (sent: PromiseLike<{ status: number }>, ...right: number[]) =>
  right.includes((await sent).status)
const clientAs = (clientId: string, clientSecret: string) => ({ clientId, clientSecret, redirectUri: '' })
const own = { grant_type: 'client_credentials' }

const places: Record<string, Place> = {
  'the guard': {
    takes: ['access token', 'token of a client'],
    offer: ({ http }, text) => statusIs(bearer(http().get('/me'), text), 200),
  },
  'the clients API': {
    takes: ['access token', 'token of a client'],
    offer: ({ http }, text) => statusIs(bearer(http().get(paths.clients), text), 200),
  },
  'introspection by its client': {
    takes: ['access token', 'token of a client', 'refresh token'],
    offer: async (host, text) => (await host.introspect(host.web, text)).body.active === true,
  },
  'introspection by a resource server': {
    takes: ['access token', 'token of a client'],
    offer: async (host, text) => (await host.introspect(host.api, text)).body.active === true,
  },
  // it returns 200 whatever it is: what it did is seen at the end
  revocation: {
    takes: ['access token', 'token of a client', 'refresh token'],
    offer: async (host, text) => !(await statusIs(host.revoke(host.web, text), 200)),
  },
  code: { takes: ['code'], offer: (host, text) => statusIs(host.exchange(host.web, text), 200) },
  refresh_token: { takes: ['refresh token'], offer: (host, text) => statusIs(host.refresh(host.web, text), 200) },
  'the secret in Basic': {
    slow: true,
    takes: ['client secret'],
    offer: (host, text) => statusIs(host.token(clientAs('web', text), own), 200),
  },
  'the secret in the body': {
    slow: true,
    takes: ['client secret'],
    offer: (host, text) => statusIs(host.token(undefined, { ...own, client_id: 'web', client_secret: text }), 200),
  },
  'the id of a client that authenticates': {
    slow: true,
    takes: ['client id', 'document id'],
    offer: (host, text) => statusIs(host.token(clientAs(text, host.web.clientSecret as string), own), 200),
  },
  'the client_id of an authorization request': {
    takes: ['client id', 'document id'],
    offer: async (host, text) => !(await statusIs(host.authorize({ ...host.web, clientId: text }), 400)),
  },
  'the look at a registration': {
    takes: ['registration token'],
    offer: ({ http, registration }, text) => statusIs(bearer(http().get(registration), text), 200),
  },
  'the change of a registration': {
    takes: ['registration token'],
    offer: ({ http, registration }, text) => statusIs(bearer(http().put(registration), text).send({}), 200, 400),
  },
  'the end of a registration': {
    takes: ['registration token'],
    offer: ({ http, registration }, text) => statusIs(bearer(http().delete(registration), text), 204),
  },
  consent_transaction: {
    takes: ['consent transaction'],
    offer: async (host, text) =>
      answerOf(await answerConsent(host, host.query, { consent_transaction: text })).code !== undefined,
  },
  removal_transaction: {
    takes: ['removal transaction'],
    offer: ({ http }, text) =>
      statusIs(http().post('/apps').set('X-User', 'alice').type('form').send({ removal_transaction: text }), 303),
  },
  device_code: {
    takes: ['device code'],
    offer: async (host, text) =>
      ['authorization_pending', 'slow_down'].includes((await poll(host, host.web, text)).body.error),
  },
  device_transaction: {
    takes: ['device transaction'],
    offer: async (host, text) => {
      const shown = await postPage(host, { device_transaction: text, user_code: 'BBBB-BBBB' })
      return shown.text.includes('This code is not valid')
    },
  },
  request_uri: {
    takes: ['pushed request'],
    offer: (host, text) =>
      statusIs(host.open({ client_id: 'web', request_uri: `urn:ietf:params:oauth:request_uri:${text}` }), 200),
  },
}

const audience = 'https://api.example'
const formats = {
  opaque: () => opaque(),
  jwt: () => jwt({ keys: generateSigningKey(), audience }),
  'stateless jwt': () => jwt({ keys: generateSigningKey(), audience, stateless: true }),
}

async function createWorld(format: keyof typeof formats): Promise<World> {
  const host = await createHost({
    accessTokens: formats[format](),
    grants: [authorizationCode({ ttl: 600 }), clientCredentials(), refreshToken(), deviceCode()],
    requests: [pushedAuthorizationRequests({ ttl: 600 })],
    throttle: false,
    clientIdMetadataDocuments: { scopes: ['read'] },
    mount(app, server) {
      app.use(paths.authorize, authorizeRouter(server, { decide: consentPage({ signIn: '/login' }) }))
      app.use(paths.token, tokenRouter(server))
      app.use(paths.revoke, revokeRouter(server))
      app.use(paths.introspect, introspectRouter(server))
      app.use(paths.pushedAuthorization, pushedAuthorizationRouter(server))
      app.use(paths.deviceAuthorization, deviceAuthorizationRouter(server))
      app.use(paths.device, deviceRouter(server, { decide: consentPage({ signIn: '/login' }) }))
      const protect = bearerGuard(server, { scope: 'clients', user: false })
      app.use(paths.clients, clientsRouter(server, { protect, admin: 'admin' }))
      app.use('/register', registerRouter(server, { protect: 'open', scopes: ['read'] }))
      app.use('/apps', connectedAppsRouter(server))
      app.get('/me', bearerGuard(server, { user: false }), (_req, res) => void res.json({}))
    },
  })
  const { server } = host
  const tokenEndpointAuthMethods = ['client_secret_basic', 'client_secret_post'] as const
  await updateClient(server, 'web', {
    scopes: ['read', 'clients', 'admin'],
    tokenEndpointAuthMethods: [...tokenEndpointAuthMethods],
  })
  const registered = await host
    .http()
    .post('/register')
    .send({ redirect_uris: ['https://app.example/own'] })
    .expect(201)
  const tokens = await issueTokens(server, { clientId: 'web', userId: 'alice' })
  const redirectUri = host.web.redirectUri
  const code = await issueCode(server, { clientId: 'web', userId: 'alice', redirectUri, codeChallenge: pkce.challenge })
  const asked = await askConsent(host, host.web)
  const removal = fieldsOf(await host.http().get('/apps?app=web').set('X-User', 'alice'))
  const pushed = await host.push(host.web).expect(201)
  const held: Record<Kind, string | undefined> = {
    code: code.code,
    'access token': tokens.access_token,
    'token of a client': (await issueTokens(server, { clientId: 'web' })).access_token,
    'refresh token': tokens.refresh_token,
    'consent transaction': asked.fields.consent_transaction,
    'removal transaction': removal.removal_transaction,
    'pushed request': pushed.body.request_uri.split(':').at(-1),
    'device code': (await startDevice(host, host.web)).device_code,
    'device transaction': fieldsOf(await openPage(host)).device_transaction,
    'registration token': registered.body.registration_access_token,
    'client secret': host.web.clientSecret,
    'client id': 'web',
    'document id': 'https://127.0.0.1:1/client.json',
  }
  for (const [kind, text] of Object.entries(held)) expect([kind, text]).toEqual([kind, expect.any(String)])
  const registration = `/register/${registered.body.client_id}`
  return { ...host, held: held as Record<Kind, string>, registration, query: asked.query }
}

/** The credential, its halves, with more behind it, and under the lookup id of each other kind. */
function forms(text: string): string[] {
  const [id = '', secret = ''] = text.split('.')
  const [grant, suffix] = id.split('~')
  const others =
    suffix === undefined ? [] : ['a', 'b', 'c', 'q', 'r', 't', 'v', 'x', 'y'].filter((one) => one !== suffix)
  const half = secret.slice(0, 43)
  return [
    text,
    `${text}${'A'.repeat(43)}`,
    ...(half === '' || half === secret ? [] : [`${id}.${half}`]),
    ...others.flatMap((one) => [
      `${grant}~${one}.${secret}`,
      `${grant}~${one}.${half}`,
      `${grant}~${one}.${half.repeat(2)}`,
    ]),
  ]
}

describe.each(Object.keys(formats) as (keyof typeof formats)[])('with %s access tokens', (format) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(format)
  })

  describe.each(Object.entries(places))('at the place of %s', (_, { takes, offer, slow }) => {
    it.each(kinds.filter((kind) => !takes.includes(kind)))('a %s is not taken', async (kind) => {
      for (const text of slow ? [world.held[kind]] : forms(world.held[kind]))
        expect([text, await offer(world, text)]).toEqual([text, false])
    })
  })

  it('what belongs there does not fit under the id of another kind either', async () => {
    for (const { takes, offer, slow } of Object.values(places)) {
      if (slow) continue
      for (const kind of takes.filter((one) => !/ id$/.test(one))) {
        for (const text of forms(world.held[kind]).slice(1))
          expect([text, await offer(world, text)]).toEqual([text, false])
      }
    }
  })

  it('nothing was used up: each is taken where it belongs', async () => {
    const { held } = world
    const order: [string, Kind][] = [
      ['the guard', 'access token'],
      ['the guard', 'token of a client'],
      ['the clients API', 'access token'],
      ['introspection by its client', 'access token'],
      ['introspection by its client', 'refresh token'],
      ['introspection by a resource server', 'token of a client'],
      ['the secret in Basic', 'client secret'],
      ['the secret in the body', 'client secret'],
      ['the id of a client that authenticates', 'client id'],
      ['the client_id of an authorization request', 'client id'],
      ['the look at a registration', 'registration token'],
      ['code', 'code'],
      ['refresh_token', 'refresh token'],
      ['consent_transaction', 'consent transaction'],
      ['removal_transaction', 'removal transaction'],
      ['request_uri', 'pushed request'],
      ['device_code', 'device code'],
      ['device_transaction', 'device transaction'],
      ['the end of a registration', 'registration token'],
    ]
    for (const [place, kind] of order) {
      expect([place, kind, await places[place]?.offer(world, held[kind])]).toEqual([place, kind, true])
    }
  })
})
