import type { Test } from 'supertest'
import { bearerGuard, type ClientsRouterOptions, clientsRouter, issueTokens, updateClient } from '../../src'
import { createHost, encode, type Host, type HostOptions, paths } from '../support/host'

let host: Host
/** A user of the API: alice with the scopes clients, read, write; and an administrator. */
let alice: string
let admin: string
beforeEach(() => begin())

async function tokenOf(userId: string | undefined, scope: string): Promise<string> {
  const issued = await issueTokens(host.server, { clientId: 'portal', scope, ...(userId !== undefined && { userId }) })
  return issued.access_token
}

async function begin(options: Partial<ClientsRouterOptions> = {}, hostOptions: HostOptions = {}): Promise<void> {
  host = await createHost({
    ...hostOptions,
    mount(app, server) {
      const protect = bearerGuard(server, { scope: 'clients' })
      app.use(paths.clients, clientsRouter(server, { protect, admin: 'admin', ...options }))
    },
  })
  await host.register({ clientId: 'portal', scopes: ['clients', 'admin', 'read', 'write'] })
  alice = await tokenOf('alice', 'clients read write')
  admin = await tokenOf('root', 'clients admin read')
  host.people.set('root', { id: 'root', name: 'Root' })
  host.storage.calls.length = 0
  host.events.length = 0
}

type Method = 'get' | 'post' | 'put' | 'delete'
/** A call of the clients API; a body is JSON. */
function call(method: Method, path: string, token: string | null, body?: object): Test {
  const sent = host.http()[method](`${paths.clients}${path}`)
  if (token !== null) sent.auth(token, { type: 'bearer' })
  return body === undefined ? sent : sent.send(body)
}

async function create(token: string, body: object = {}) {
  return (await call('post', '', token, body).expect(200)).body.inserted as Record<string, unknown> & {
    client_id: string
    client_secret: string
  }
}

const now = () => new Date(host.clock.now * 1000).toISOString()

describe('POST', () => {
  it('creates a client and shows its secret, this once', async () => {
    const made = await create(alice, { permissions: ['read'], client_description: 'My script' })
    expect(made).toEqual({
      client_id: expect.stringMatching(/^[\w-]{22}$/),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      username: 'alice',
      created: now(),
      modified: now(),
      permissions: ['read'],
      client_description: 'My script',
      redirect_uris: [],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_methods: ['client_secret_basic', 'client_secret_post'],
    })
    const { body } = await call('get', `/${made.client_id}`, alice).expect(200)
    expect(body).not.toHaveProperty('client_secret')
    expect(JSON.stringify(body)).not.toContain(made.client_secret)
    expect(host.events).toMatchObject([{ type: 'client.created', clientId: made.client_id }])
  })

  it('takes the id and the secret that are given, and keeps the secret as a hash', async () => {
    const made = await create(alice, { client_id: 'mine', client_secret: 'a chosen secret' })
    expect(made).toMatchObject({ client_id: 'mine', client_secret: 'a chosen secret' })
    const kept = await host.server.storage.clients.find('mine')
    expect(kept?.secrets).toEqual([{ bcrypt: expect.stringMatching(/^\$2b\$10\$/), createdAt: host.clock.now }])
  })

  it('takes empty and null members for absent ones, and ignores those it does not know (RFC 7591 §2)', async () => {
    const made = await create(alice, { client_secret: '', client_name: null, permissions: '', magic: 1, secrets: [] })
    expect(made.client_secret).toHaveLength(43)
    expect(made.permissions).toEqual([])
    expect(made).not.toHaveProperty('client_name')
    expect(made).not.toHaveProperty('magic')
  })

  it('takes every member of a record', async () => {
    const members = {
      client_name: 'Photo Printer',
      permissions: ['read', 'write'],
      default_permissions: ['read'],
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_methods: ['client_secret_basic'],
      require_pkce: true,
      resource_server: false,
    }
    expect(await create(alice, members)).toMatchObject(members)
  })

  it('shows no secret for a client that has none', async () => {
    expect(await create(alice, { token_endpoint_auth_methods: ['none'] })).not.toHaveProperty('client_secret')
  })

  it('takes its arguments from the URI too, lists as words, but each from one place', async () => {
    const query = encode({ client_id: 'from-uri', permissions: 'read,write', require_pkce: 'true' })
    const { inserted } = (await call('post', `?${query}`, alice).expect(200)).body
    expect(inserted).toMatchObject({ client_id: 'from-uri', permissions: ['read', 'write'], require_pkce: true })
    for (const list of ['["read","write"]', ' ["read", "write"]', 'read, write', ' read  write ,']) {
      const made = await call('post', `?${encode({ permissions: list })}`, alice).expect(200)
      expect([list, made.body.inserted.permissions]).toEqual([list, ['read', 'write']])
    }
    for (const list of ['["read"', '[1]']) await call('post', `?${encode({ permissions: list })}`, alice).expect(409)
    for (const flag of [true, false]) {
      const made = await call('post', `?require_pkce=${flag}`, admin).expect(200)
      expect(made.body.inserted.require_pkce).toBe(flag)
    }
    const mixed = await call('post', '?client_name=a', alice, { permissions: ['read'] }).expect(200)
    expect(mixed.body.inserted).toMatchObject({ client_name: 'a', permissions: ['read'] })
    expect((await call('post', '?client_name=a', alice, { client_name: 'a' }).expect(409)).body.err).toBeDefined()
  })

  it('takes a form', async () => {
    const sent = call('post', '', alice).type('form').send('client_id=form&permissions=read+write')
    expect((await sent.expect(200)).body.inserted).toMatchObject({ client_id: 'form', permissions: ['read', 'write'] })
  })

  it.each<[string, object]>([
    ['an id that is taken', { client_id: 'portal' }],
    ['an id with a line break', { client_id: 'a\nb' }],
    ['an id that is no string', { client_id: 5 }],
    ['a secret that is too short', { client_secret: 'short' }],
    ['a secret beyond what bcrypt reads', { client_secret: 'x'.repeat(73) }],
    ['a secret for a client that has none', { client_secret: 'a secret', token_endpoint_auth_methods: ['none'] }],
    ['a scope that does not exist', { permissions: ['everything'] }],
    ['default scopes beyond the scopes', { permissions: ['read'], default_permissions: ['write'] }],
    ['a grant that does not exist', { grant_types: ['password'] }],
    ['an unknown method', { token_endpoint_auth_methods: ['magic'] }],
    ['no method', { token_endpoint_auth_methods: [] }],
    [
      'client_credentials without a secret',
      { token_endpoint_auth_methods: ['none'], grant_types: ['client_credentials'] },
    ],
    ['a list that is none', { permissions: { 0: 'read' } }],
    ['a list of other things', { redirect_uris: [1] }],
    ['a flag that is none', { require_pkce: 'maybe' }],
    ['a name with a null byte', { client_name: 'a\0b' }],
    ['javascript: as a redirect URI', { redirect_uris: ['javascript:alert(1)'] }],
    ['http as a redirect URI', { redirect_uris: ['http://app.example/cb'] }],
    ['a redirect URI with a fragment', { redirect_uris: ['https://app.example/cb#x'] }],
  ])('answers %s with 409 and a description', async (_, body) => {
    const answer = await call('post', '', alice, body).expect(409)
    expect(answer.body).toEqual({
      error: expect.stringMatching(/^invalid_/),
      error_description: expect.any(String),
      err: 'OAUTH2-EXCEPTION',
      desc: answer.body.error_description,
    })
    expect(host.eventTypes()).toEqual([])
  })
})

describe('GET', () => {
  it('lists the clients of the caller, without secrets', async () => {
    const { client_secret, ...made } = await create(alice)
    await create(await tokenOf('bob', 'clients'))
    const answer = await call('get', '', alice).expect(200)
    expect(answer.body).toEqual([made])
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('lists more clients than a page of storage holds, in the order of their ids', async () => {
    await begin({ clientsPerUser: 101 })
    for (let i = 0; i < 101; i++) await create(alice, { client_id: `c${1000 - i}` })
    const ids = (await call('get', '', alice).expect(200)).body.map((client: { client_id: string }) => client.client_id)
    expect(ids).toHaveLength(101)
    expect(ids).toEqual([...ids].sort())
  })

  it('lists those of one user, by username; nobody but an administrator those of another', async () => {
    await create(alice, { client_id: 'hers' })
    const idsOf = async (token: string, username: string) =>
      (await call('get', `?username=${username}`, token).expect(200)).body.map(
        (c: { client_id: string }) => c.client_id,
      )
    expect(await idsOf(alice, 'alice')).toEqual(['hers'])
    expect(await idsOf(alice, 'bob')).toEqual([])
    expect(await idsOf(await tokenOf('bob', 'clients'), 'alice')).toEqual([])
    expect(await idsOf(admin, 'alice')).toEqual(['hers'])
  })

  it('shows one client', async () => {
    const { client_secret, ...made } = await create(alice, { client_id: 'a b/c%d', permissions: ['read'] })
    expect((await call('get', '/a%20b%2Fc%25d', alice).expect(200)).body).toEqual(made)
  })

  it('finds an id with a plus, as it is and encoded', async () => {
    await create(alice, { client_id: 'a+b' })
    await call('get', '/a+b', alice).expect(200)
    await call('get', '/a%2Bb', alice).expect(200)
  })
})

describe('PUT', () => {
  it('changes what is named and nothing else, and answers under both names', async () => {
    const { client_secret, ...made } = await create(alice, { client_id: 'mine', permissions: ['read'] })
    host.clock.advance(10)
    const { body } = await call('put', '/mine', alice, { client_name: 'New', permissions: ['write'] }).expect(200)
    const changed = { ...made, client_name: 'New', permissions: ['write'], modified: now() }
    expect(body).toEqual({ inserted: changed, updated: changed })
    expect((await call('get', '/mine', alice)).body).toEqual(changed)
  })

  it('replaces the secret', async () => {
    const { client_secret } = await create(alice, { client_id: 'mine' })
    await call('put', '/mine', alice, { client_secret: 'a chosen secret' }).expect(200)
    const kept = (await host.server.storage.clients.find('mine'))?.secrets
    expect(kept).toEqual([{ bcrypt: expect.any(String), createdAt: host.clock.now }])
    expect(JSON.stringify(kept)).not.toContain(client_secret)
  })

  it('cannot change the id', async () => {
    await create(alice, { client_id: 'mine' })
    const answer = await call('put', '/mine', alice, { client_id: 'other' }).expect(400)
    expect(answer.body).toMatchObject({ error: 'invalid_client_metadata', err: 'OAUTH2-EXCEPTION' })
    await call('put', '/mine', alice, { client_id: 'mine' }).expect(200)
  })

  it('keeps what another request changed at the same time: a removed redirect URI cannot come back', async () => {
    await create(alice, { client_id: 'mine', redirect_uris: ['https://stolen.example/cb'] })
    const pause = host.storage.pauseBefore('clients.update')
    const rename = call('put', '/mine', alice, { client_name: 'New' }).then((response) => response)
    await pause.reached
    await updateClient(host.server, 'mine', { redirectUris: ['https://app.example/cb'] })
    pause.resume()
    expect((await rename).body.updated).toMatchObject({
      client_name: 'New',
      redirect_uris: ['https://app.example/cb'],
    })
  })

  it('is refused for what POST refuses', async () => {
    await create(alice, { client_id: 'mine' })
    for (const body of [{ default_permissions: ['write'] }, { redirect_uris: ['http://x.example'] }]) {
      const answer = await call('put', '/mine', alice, body).expect(400)
      expect(answer.body).toMatchObject({ error: expect.stringMatching(/^invalid_/), err: 'OAUTH2-EXCEPTION' })
    }
  })
})

describe('DELETE', () => {
  it('removes the client, and everything that was issued to it', async () => {
    await create(alice, { client_id: 'mine', permissions: ['read'] })
    const token = (await issueTokens(host.server, { clientId: 'mine', scope: 'read' })).access_token
    await call('delete', '/mine', alice).expect(200, { rows_deleted: 1 })
    await call('get', '/mine', alice).expect(404)
    host.clock.advance(1)
    await create(alice, { client_id: 'mine', permissions: ['read'] })
    expect((await call('get', '', token).expect(401)).headers['www-authenticate']).toContain('invalid_token')
  })
})

describe('POST …/generateSecret', () => {
  it('gives a new secret, and the old one is refused at once', async () => {
    await create(alice, { client_id: 'mine' })
    const { body } = await call('post', '/mine/generateSecret', alice).expect(200)
    expect(body).toEqual({ client_id: 'mine', client_secret: expect.stringMatching(/^[\w-]{43}$/) })
    expect((await host.server.storage.clients.find('mine'))?.secrets).toHaveLength(1)
    expect(host.eventTypes()).toEqual(['client.created', 'client.secret_rotated'])
  })

  it('is refused for a client that has none', async () => {
    await create(alice, { client_id: 'mine', token_endpoint_auth_methods: ['none'] })
    await call('post', '/mine/generateSecret', alice).expect(400)
  })
})

describe('a client that does not exist', () => {
  it.each<[Method, string]>([
    ['get', '/nothing'],
    ['put', '/nothing'],
    ['delete', '/nothing'],
    ['post', '/nothing/generateSecret'],
  ])('is 404 with the documented description: %s %s', async (method, path) => {
    const answer = await call(method, path, alice).expect(404)
    expect(answer.body).toMatchObject({
      error: 'invalid_request',
      err: '404 Not Found',
      desc: '404 Not Found: class "oauth2\\clients" has no subclass <nothing>',
    })
  })

  it('is 404 when it disappears while it is changed', async () => {
    await create(alice, { client_id: 'mine' })
    for (const [method, path] of [
      ['put', '/mine'],
      ['post', '/mine/generateSecret'],
    ] as const) {
      const pause = host.storage.pauseBefore('clients.update')
      const change = call(method, path, alice, {}).then((response) => response)
      await pause.reached
      await host.server.storage.clients.delete('mine')
      pause.resume()
      expect((await change).status).toBe(404)
      await create(alice, { client_id: 'mine' })
    }
  })

  it('is not asked for with a null byte, which storage might choke on', async () => {
    await call('get', '/a%00b', alice).expect(418)
    expect(host.storage.calls).not.toContain('clients.find')
  })
})

describe('protect', () => {
  it('keeps out who has no token or lacks the scope', async () => {
    for (const [method, path] of [
      ['get', ''],
      ['post', ''],
      ['get', '/portal'],
      ['put', '/portal'],
      ['delete', '/portal'],
      ['post', '/portal/generateSecret'],
    ] as const) {
      const bare = await call(method, path, null).expect(401)
      expect(bare.headers['www-authenticate']).toBe('Bearer realm="api"')
      const weak = await call(method, path, await tokenOf('alice', 'read')).expect(403)
      expect(weak.headers['www-authenticate']).toContain('scope="clients"')
    }
  })
})

describe("another user's client", () => {
  it.each<[Method, string]>([
    ['get', '/his'],
    ['put', '/his'],
    ['delete', '/his'],
    ['post', '/his/generateSecret'],
  ])('is answered like one that does not exist: %s %s', async (method, path) => {
    await create(await tokenOf('bob', 'clients'), { client_id: 'his' })
    const answer = await call(method, path, alice, {}).expect(404)
    expect(answer.body.desc).toBe('404 Not Found: class "oauth2\\clients" has no subclass <his>')
  })

  it("is an administrator's to see and change", async () => {
    await create(alice, { client_id: 'hers' })
    await call('get', '/hers', admin).expect(200)
    await call('put', '/hers', admin, { client_name: 'x' }).expect(200)
    await call('post', '/hers/generateSecret', admin).expect(200)
    const ids = (await call('get', '', admin).expect(200)).body.map((client: { client_id: string }) => client.client_id)
    expect(ids).toEqual(expect.arrayContaining(['hers', 'portal', 'web']))
    await call('delete', '/hers', admin).expect(200)
  })
})

describe('administration from below', () => {
  it('nobody grants a client a scope that they do not hold', async () => {
    const answer = await call('post', '', alice, { permissions: ['read', 'admin'] }).expect(403)
    expect(answer.body.error).toBe('insufficient_scope')
    await create(alice, { client_id: 'mine', permissions: ['read'] })
    await call('put', '/mine', alice, { permissions: ['read', 'admin'] }).expect(403)
    await call('post', '', admin, { permissions: ['write'] }).expect(403)
  })

  it('nobody takes over a client of theirs that holds more than they do, by a new secret or redirect URI', async () => {
    await create(alice, { client_id: 'mine', permissions: ['read'] })
    await updateClient(host.server, 'mine', { scopes: ['read', 'admin'] })
    await call('post', '/mine/generateSecret', alice).expect(403)
    await call('put', '/mine', alice, { client_secret: 'a chosen secret' }).expect(403)
    await call('put', '/mine', alice, { redirect_uris: ['https://evil.example/cb'] }).expect(403)
  })

  it('nobody gives a client away, or takes one, but administrators', async () => {
    const answer = await call('post', '', alice, { username: 'bob' }).expect(403)
    expect(answer.body.error).toBe('access_denied')
    await create(alice, { client_id: 'mine', username: 'alice' })
    await call('put', '/mine', alice, { username: 'bob' }).expect(403)
    await call('put', '/mine', admin, { username: 'bob' }).expect(200)
    await call('get', '/mine', alice).expect(404)
  })

  it('nobody but administrators writes what fills the consent page of others, or cannot be seen on it', async () => {
    const wrong = [
      { client_name: 'n'.repeat(61) },
      { client_name: '\u200b\u3164' },
      { client_name: 'Acme\u2800Inc' },
      { client_name: '\ufeffAcme' },
      { client_name: `Acme${'\u00a0'.repeat(1000)}` },
      { client_description: 'd'.repeat(501) },
      { client_description: `d${'\u0301'.repeat(5)}` },
    ]
    await create(alice, { client_id: 'mine', client_name: 'n'.repeat(60), client_description: 'd'.repeat(500) })
    for (const client_id of ['i'.repeat(61), ' '.repeat(5), ' a', 'a\u2800b']) {
      expect((await call('post', '', alice, { client_id }).expect(409)).body.error).toBe('invalid_client_metadata')
    }
    await create(alice, { client_id: 'lines', client_description: 'One\r\n\ttwo' })
    // what an administrator has written stays, and may come along
    await create(admin, {
      client_id: 'long',
      username: 'alice',
      client_name: 'n'.repeat(61),
      client_description: 'd\u200b',
    })
    const { client_name, client_description } = (await call('get', '/long', alice).expect(200)).body
    await call('put', '/long', alice, { client_name, client_description, redirect_uris: [] }).expect(200)
    await call('put', '/long', alice, { client_name: `${client_name}n` }).expect(400)
    for (const words of wrong) {
      expect((await call('post', '', alice, words).expect(409)).body.error).toBe('invalid_client_metadata')
      expect((await call('put', '/mine', alice, words).expect(400)).body.error).toBe('invalid_client_metadata')
      await call('post', '', admin, words).expect(200)
    }
  })

  it('nobody lifts PKCE or makes a resource server, but administrators', async () => {
    await create(alice, { client_id: 'mine' })
    for (const flag of [{ require_pkce: false }, { resource_server: true }]) {
      await call('post', '', alice, flag).expect(403)
      await call('put', '/mine', alice, flag).expect(403)
      await call('put', '/mine', admin, flag).expect(200)
    }
  })

  it('an administrator makes a resource server of some of the resources: a list, or words in a form', async () => {
    const [files, mail] = ['https://files.example.com', 'https://mail.example.com']
    await begin({}, { resources: [files, mail] })
    for (const resource_server of [[mail, files], `${mail} ${files}`]) {
      expect((await create(admin, { resource_server })).resource_server).toEqual([mail, files])
    }
    for (const flag of [true, false]) {
      const made = await call('post', `?resource_server=${flag}`, admin).expect(200)
      expect(made.body.inserted.resource_server).toBe(flag)
    }
    await create(alice, { client_id: 'mine' })
    await call('put', '/mine', alice, { resource_server: [mail] }).expect(403)
    await call('put', '/mine', admin, { resource_server: 'https://other.example' }).expect(400)
  })

  it("a client's own token, without a user, owns nothing: not even the clients without a username", async () => {
    const machine = await tokenOf(undefined, 'clients read write')
    for (const path of ['', '/portal', '/web']) {
      const answer = await call('get', path, machine).expect(403)
      expect(answer.body.error).toBe('access_denied')
    }
    await call('post', '', machine).expect(403)
    await call('get', '', await tokenOf(undefined, 'clients admin')).expect(200)
  })

  it('nobody is an administrator unless that scope is named', async () => {
    await begin({ admin: undefined as never })
    await call('get', '/portal', admin).expect(404)
  })
})

describe('caller, where protect is not our guard', () => {
  const protect: ClientsRouterOptions['protect'] = (_req, _res, next) => next()

  it('says who calls', async () => {
    await begin({ protect, caller: async (req) => ({ userId: req.get('X-Name') ?? '', scopes: ['read'] }) })
    const sent = call('post', '', null, { client_id: 'mine', permissions: ['read'] }).set('X-Name', 'alice')
    expect((await sent.expect(200)).body.inserted.username).toBe('alice')
    await call('get', '/mine', null).set('X-Name', 'bob').expect(404)
    await call('post', '', null, { permissions: ['write'] })
      .set('X-Name', 'alice')
      .expect(403)
  })

  it.each<[string, unknown]>([
    ['nobody', undefined],
    ['nobody, as null', null],
    ['somebody without an id', { scopes: ['read'] }],
    ['somebody with an empty id', { userId: '', scopes: ['read'] }],
    ['somebody without scopes', { userId: 'alice' }],
    ['an administrator that is only truthy', { scopes: [], admin: 'yes' }],
  ])('means no when it says %s', async (_, answer) => {
    await begin({ protect, caller: () => answer as never })
    await call('get', '', null).expect(403)
    await call('post', '', null).expect(403)
  })

  it('means no when it throws', async () => {
    await begin({
      protect,
      caller() {
        throw new Error('secret detail')
      },
    })
    const answer = await call('get', '', null).expect(500)
    expect(answer.text).not.toContain('secret detail')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
  })

  it('must be there: without it nobody gets in, and the host is told why', async () => {
    await begin({ protect })
    await call('get', '', null).expect(500)
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining('caller') } }])
  })
})

describe('defaults', () => {
  it('are what a new client has where the request says nothing', async () => {
    await begin({ defaults: { grantTypes: ['client_credentials'], tokenEndpointAuthMethods: ['client_secret_post'] } })
    expect(await create(alice)).toMatchObject({
      grant_types: ['client_credentials'],
      token_endpoint_auth_methods: ['client_secret_post'],
    })
    expect(await create(alice, { grant_types: ['refresh_token'] })).toMatchObject({ grant_types: ['refresh_token'] })
  })
})

describe('other methods and paths', () => {
  it.each([
    ['delete', '', 'GET, POST'],
    ['put', '', 'GET, POST'],
    ['patch', '/web', 'GET, PUT, DELETE'],
    ['post', '/web', 'GET, PUT, DELETE'],
    ['get', '/web/generateSecret', 'POST'],
  ] as const)('%s %p is 405 with Allow: %s', async (method, path, allow) => {
    await host
      .http()
      [method](`${paths.clients}${path}`)
      .auth(admin, { type: 'bearer' })
      .expect(405)
      .expect('Allow', allow)
  })

  it('what is below is passed on', async () => {
    for (const path of ['/web/more', '/web/generateSecret/more', '/%zz']) {
      await call('get', path, admin).expect(418)
    }
  })

  it('a trailing slash makes no difference', async () => {
    await call('get', '/', alice).expect(200, [])
    await create(alice, { client_id: 'mine' })
    await call('get', '/mine/', alice).expect(200)
  })
})
