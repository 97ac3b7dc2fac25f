// ATTACKS.md row 42, authority beyond scope: a client record carries grants, resources, `resourceServer`, redirect URIs and
// a secret; whoever may not create it as it stands may not change, rotate or delete it either.
import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  bearerGuard,
  type ClientChanges,
  type ClientsRouterOptions,
  clientCredentials,
  clientsRouter,
  type GrantType,
  issueTokens,
  oauthRouter,
  password,
  type RegisterClientOptions,
  refreshToken,
  registerClient,
  updateClient,
} from '../../src/index'
import { createHost, type Host, paths, type TestClient } from '../support/host'

/** A grant of the host that nothing but the record restricts: whoever may use it gets a token of bob. */
const actAs: GrantType = {
  grantType: 'urn:example:act-as',
  handle: (server, request) => issueTokens(server, { clientId: request.client.clientId, userId: 'bob', request }),
}
const grants = [authorizationCode(), refreshToken(), clientCredentials(), password({ verify: () => 'bob' }), actAs]
const powerful = ['client_credentials', 'password', 'urn:example:act-as']
const [files, mail] = ['https://files.example.com', 'https://mail.example.com']

let host: Host
const begin = async (options: Parameters<typeof createHost>[0] = {}) => {
  host = await createHost({ grants, ...options })
  await host.register({ clientId: 'console', scopes: ['clients', 'read', 'write', 'admin'] })
}
beforeEach(() => begin())

const tokenOf = async (userId: string, scope: string, resource?: string[]) =>
  (await issueTokens(host.server, { clientId: 'console', userId, scope, resource, refreshToken: false })).access_token
type Method = 'get' | 'post' | 'patch' | 'delete'
async function call(method: Method, path: string, body: object = {}, token?: string) {
  const sent = host.http()[method](`${paths.clients}${path}`)
  sent.auth(token ?? (await tokenOf('alice', 'clients read')), { type: 'bearer' })
  return method === 'get' || method === 'delete' ? sent : sent.send(body)
}
const makeAlices = (changes: RegisterClientOptions = {}) =>
  registerClient(host.server, { clientId: 'alices', username: 'alice', scopes: ['read'], ...changes })
const record = (clientId = 'alices') => host.server.storage.clients.find(clientId)

/** Everything that a user could do to a record of theirs. */
const attempts: [string, (token?: string) => ReturnType<typeof call>][] = [
  ['rename it', (token) => call('patch', '/alices', { client_name: 'New' }, token)],
  ['redirect it', (token) => call('patch', '/alices', { redirect_uris: ['https://evil.example/cb'] }, token)],
  ['choose its secret', (token) => call('patch', '/alices', { client_secret: 'a chosen secret' }, token)],
  ['rotate its secret', (token) => call('post', '/alices/secret', {}, token)],
  ['delete it', (token) => call('delete', '/alices', {}, token)],
]

describe('a plain user makes no client with', () => {
  it.each(powerful)('the grant type %s, by POST or PUT', async (grantType) => {
    const grant_types = ['authorization_code', grantType]
    expect((await call('post', '', { client_id: 'made', grant_types })).status).toBe(403)
    expect(await record('made')).toBeUndefined()
    await makeAlices()
    expect((await call('patch', '/alices', { grant_types })).status).toBe(403)
    expect(await record()).not.toHaveProperty('grantTypes')
  })

  it.each([{ resource_server: true }, { require_pkce: false }, { username: 'bob' }, { scope: 'write' }])(
    '%j, by POST or PUT',
    async (members) => {
      expect((await call('post', '', { client_id: 'made', ...members })).status).toBe(403)
      await makeAlices()
      const before = await record()
      expect((await call('patch', '/alices', members)).status).toBe(403)
      expect([await record('made'), await record()]).toEqual([undefined, before])
    },
  )

  it('an act-as grant, and so gets no token of somebody else', async () => {
    const made = await call('post', '', { scope: 'read', grant_types: ['urn:example:act-as'] })
    expect([made.status, made.body.error]).toEqual([403, 'access_denied'])
  })
})

describe('a user does not, with a client that they could not make as it stands,', () => {
  const beyond: [string, RegisterClientOptions][] = [
    ...powerful.map((grantType): [string, RegisterClientOptions] => [grantType, { grantTypes: [grantType] }]),
    ['resourceServer', { resourceServer: true }],
    ['requirePkce: false', { requirePkce: false }],
    ['a scope of which they hold less', { scopes: ['read', 'write'] }],
  ]
  for (const [what, members] of beyond) {
    it.each(attempts)(`because of ${what}, %s`, async (_, attempt) => {
      await makeAlices(members)
      const before = await record()
      expect((await attempt()).status).toBe(403)
      expect(await record()).toEqual(before)
    })
  }

  it('take the powers away in the request that would give the client to them', async () => {
    await makeAlices({ grantTypes: ['password'], resourceServer: true, scopes: ['read', 'write'] })
    const before = await record()
    const taken = { grant_types: ['authorization_code'], resource_server: false, scope: 'read' }
    expect((await call('patch', '/alices', { ...taken, client_secret: 'a chosen secret' })).status).toBe(403)
    expect(await record()).toEqual(before)
  })

  it('as an app with a token of theirs, introspect the tokens of other people', async () => {
    const { client } = await makeAlices({ resourceServer: true })
    const rotated = await call('post', '/alices/secret')
    const { access_token } = await host.signIn(host.web, {}, 'bob')
    const thief: TestClient = {
      clientId: client.clientId,
      clientSecret: `${rotated.body.client_secret}`,
      redirectUri: '',
    }
    expect((await host.introspect(thief, access_token)).status).toBe(401)
  })
})

describe('what is weighed is the very version that is replaced:', () => {
  const meanwhile: [string, ClientChanges][] = [
    ['has got the password grant', { grantTypes: ['password'] }],
    ['has become a resource server', { resourceServer: true }],
    ['has got a scope that they do not hold', { scopes: ['read', 'write'] }],
    ["has become somebody else's", { username: 'bob' }],
  ]
  for (const [what, changes] of meanwhile) {
    it.each(attempts)(`where it ${what} meanwhile, its owner does not %s`, async (_, attempt) => {
      await makeAlices()
      const pause = host.storage.pauseBefore('clients.update')
      const attacking = attempt().then((answer) => answer)
      // a DELETE that writes nothing before it deletes is never seen here
      await Promise.race([pause.reached, attacking])
      await updateClient(host.server, 'alices', changes).catch(() => undefined)
      const granted = await record()
      pause.resume()
      expect([403, 404]).toContain((await attacking).status)
      expect(granted).toBeDefined()
      expect(await record()).toEqual(granted)
    })
  }

  it('a DELETE does not take a client of the same id that somebody else has registered meanwhile', async () => {
    await makeAlices()
    const pause = host.storage.pauseBefore('clients.update')
    const deleting = call('delete', '/alices').then((answer) => answer)
    await Promise.race([pause.reached, deleting])
    await host.server.storage.clients.delete('alices')
    await registerClient(host.server, { clientId: 'alices', username: 'bob' })
    pause.resume()
    expect((await deleting).status).toBe(404)
    expect(await record()).toMatchObject({ username: 'bob' })
  })

  it('of two DELETEs at the same time one deletes, and the other nothing that comes after', async () => {
    await makeAlices()
    const pause = host.storage.pauseBefore('clients.delete')
    const first = call('delete', '/alices').then((answer) => answer)
    await pause.reached
    const second = await call('delete', '/alices')
    // neither is it changed, shown or given a secret any more
    const others = await Promise.all([call('get', '/alices'), call('patch', '/alices'), call('post', '/alices/secret')])
    pause.resume()
    expect([(await first).status, second.status, ...others.map(({ status }) => status)]).toEqual([
      204, 404, 404, 404, 404,
    ])
    expect(await record()).toBeUndefined()
  })

  it('a client whose DELETE was cut short has no power left, and can be deleted after a while', async () => {
    const made = await makeAlices({ redirectUris: ['https://app.example/cb'] })
    host.storage.replace('clients.delete', () => {
      throw new Error('away')
    })
    expect((await call('delete', '/alices')).status).toBe(503)
    host.storage.restore()
    const half: TestClient = {
      clientId: 'alices',
      clientSecret: `${made.clientSecret}`,
      redirectUri: 'https://app.example/cb',
    }
    expect((await host.authorize(half)).status).toBe(400)
    expect((await host.introspect(half, 'x')).status).toBe(401)
    expect((await host.authorize({ clientId: 'alices', redirectUri: half.redirectUri })).status).toBe(400)
    // neither is it an app of `?client_id=`, nor one that the host makes tokens for
    const app = express().get('/', bearerGuard(host.server, { clientIdQuery: true }), (_req, res) => res.end())
    expect((await request(app).get('/?client_id=alices')).status).toBe(401)
    await expect(issueTokens(host.server, { clientId: 'alices', userId: 'alice' })).rejects.toThrow('No client')
    host.clock.advance(60)
    expect((await call('delete', '/alices')).status).toBe(204)
    expect(await record()).toBeUndefined()
  })
})

describe('a client does not open another resource than the token that made it:', () => {
  // the clients API is at the default resource, files
  beforeEach(() => begin({ resources: [files, mail] }))

  it('it may ask for that one alone', async () => {
    const made = await call('post', '', { scope: 'read', redirect_uris: ['https://app.example/cb'] })
    expect([made.status, made.body.resources]).toEqual([201, [files]])
    const { client_id: clientId, client_secret: clientSecret } = made.body
    const app: TestClient = { clientId, clientSecret, redirectUri: 'https://app.example/cb' }
    expect((await host.signIn(app)).access_token).toEqual(expect.any(String))
    const answer = await host.authorize(app, { resource: mail })
    expect(answer.headers.location).toContain('error=invalid_target')
    await expect(issueTokens(host.server, { clientId, userId: 'alice', resource: mail })).rejects.toMatchObject({
      code: 'invalid_target',
    })
  })

  it('nor does one that the token changes', async () => {
    const both = await tokenOf('alice', 'clients read', [files, mail])
    expect((await call('post', '', { client_id: 'alices', scope: 'read' }, both)).status).toBe(201)
    expect((await call('post', '', { resources: [mail] })).status).toBe(403)
    const before = await record()
    for (const [, attempt] of attempts) expect((await attempt()).status).toBe(403)
    expect((await call('patch', '/alices', { resources: [files] })).status).toBe(403)
    expect(await record()).toEqual(before)
    for (const [, attempt] of attempts) expect([200, 204]).toContain((await attempt(both)).status)
  })

  it('nor one of the host that names no resource, which means all of them', async () => {
    await makeAlices()
    for (const [, attempt] of attempts) expect((await attempt()).status).toBe(403)
  })

  it('a host that says itself who calls may say for which resources', async () => {
    const audience = { one: [mail], all: undefined } as const
    const api = async (who: keyof typeof audience) => {
      await begin({
        resources: [files, mail],
        mount: (app, server) =>
          void app.use(
            paths.clients,
            clientsRouter(server, {
              protect: (_req, _res, next) => next(),
              caller: () => ({ userId: 'alice', scopes: ['read'], ...(audience[who] && { audience: audience[who] }) }),
            }),
          ),
      })
      return (await call('post', '', { scope: 'read' })).body.resources
    }
    expect([await api('one'), await api('all')]).toEqual([[mail], undefined])
  })
})

describe('the option grantTypes', () => {
  const withOptions = (options: Partial<ClientsRouterOptions>) =>
    begin({
      mount: (app, server) => {
        app.use(oauthRouter(server, { protect: false, decide: () => ({ allow: false }) }))
        app.use(paths.clients, clientsRouter(server, { protect: (_req, _res, next) => next(), caller, ...options }))
      },
    })
  const caller = () => ({ userId: 'alice', scopes: ['read'] })
  const statusOf = async (grant_types: string[]) => (await call('post', '', { grant_types })).status

  it('says what the clients of plain users may use', async () => {
    await withOptions({ grantTypes: ['client_credentials'] })
    const statuses = [
      await statusOf(['client_credentials']),
      await statusOf(['authorization_code']),
      await statusOf([]),
    ]
    expect(statuses).toEqual([201, 403, 201])
  })

  it('is by default what every new client has anyway', async () => {
    await withOptions({ defaults: { grantTypes: ['password'] } })
    expect((await call('post', '')).status).toBe(201)
    expect([await statusOf(['password']), await statusOf(['client_credentials'])]).toEqual([201, 403])
  })

  it('is refused at start-up where it names what the server has not, or less than every new client has', () => {
    const options = { protect: () => {}, caller }
    expect(() => clientsRouter(host.server, { ...options, grantTypes: ['magic'] })).toThrow(
      'clientsRouter: the server has no grant type magic',
    )
    const narrow = { ...options, grantTypes: ['authorization_code'], defaults: { grantTypes: ['password'] } }
    expect(() => clientsRouter(host.server, narrow)).toThrow("clientsRouter's defaults give every client password")
  })
})

describe("a user's own clients", () => {
  const caller = () => ({ userId: 'alice', scopes: ['read'] })
  beforeEach(() =>
    begin({
      mount: (app, server) =>
        void app.use(
          paths.clients,
          clientsRouter(server, { protect: (_req, _res, next) => next(), caller, clientsPerUser: 3 }),
        ),
    }),
  )

  it('are limited in number, and so are many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 9 }, () => call('post', '')))
    const made = await host.server.storage.clients.list({ username: 'alice', limit: 99 })
    expect(made.length).toBeLessThanOrEqual(3)
    while ((await call('post', '')).status === 201) expect(made.length).toBeLessThanOrEqual(3)
    expect(await host.server.storage.clients.list({ username: 'alice', limit: 99 })).toHaveLength(3)
    expect(answers.filter(({ status }) => status !== 201).map(({ status }) => status)).toContain(403)
    await call('delete', `/${(await host.server.storage.clients.list({ username: 'alice', limit: 1 }))[0]?.clientId}`)
    expect((await call('post', '')).status).toBe(201)
  })

  it('are limited in size', async () => {
    const redirect_uris = Array.from({ length: 21 }, (_, n) => `https://app.example/${n}`)
    const made = await call('post', '', { redirect_uris })
    expect([made.status, made.body.error]).toEqual([400, 'invalid_redirect_uri'])
    expect((await call('post', '', { client_id: 'mine', redirect_uris: redirect_uris.slice(1) })).status).toBe(201)
    expect((await call('patch', '/mine', { redirect_uris })).status).toBe(400)
    // what an administrator has written stays
    await updateClient(host.server, 'mine', { redirectUris: redirect_uris })
    expect((await call('patch', '/mine', { client_name: 'New' })).status).toBe(200)
  })
})

describe('PKCE that an administrator asks of a client', () => {
  it.each([[false], [null], ['']])('is not lifted by its owner, who sends %j', async (value) => {
    await begin({ pkce: 'optional' })
    await makeAlices({ requirePkce: true })
    expect((await call('patch', '/alices', { require_pkce: value })).status).toBe(403)
    expect(await record()).toMatchObject({ requirePkce: true })
  })

  it('goes back to the policy of the server where an administrator says so', async () => {
    await makeAlices({ requirePkce: true })
    host.people.set('root', { id: 'root', name: 'Root' })
    const token = await tokenOf('root', 'clients admin')
    expect((await call('patch', '/alices', { require_pkce: null }, token)).status).toBe(200)
    expect(await record()).not.toHaveProperty('requirePkce')
  })
})
