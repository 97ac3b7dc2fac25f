import type { Response, Test } from 'supertest'
import { bearerGuard, type ClientsRouterOptions, clientsRouter, issueTokens, updateClient } from '../../src'
import { createHost, type Host, type HostOptions, named, paths } from '../support/host'

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
      const protect = bearerGuard(server, { scope: 'clients', user: false })
      app.use(paths.clients, clientsRouter(server, named({ protect, admin: 'admin', ...options })))
    },
  })
  await host.register({ clientId: 'portal', scopes: ['clients', 'admin', 'read', 'write'] })
  alice = await tokenOf('alice', 'clients read write')
  admin = await tokenOf('root', 'clients admin read')
  host.people.set('root', { id: 'root', name: 'Root' })
  host.storage.calls.length = 0
  host.events.length = 0
}

type Method = 'get' | 'post' | 'patch' | 'delete'
/** A call of the clients API; a body is JSON. */
function call(method: Method, path: string, token: string | null, body?: object): Test {
  const sent = host.http()[method](`${paths.clients}${path}`)
  if (token !== null) sent.auth(token, { type: 'bearer' })
  return body === undefined ? sent : sent.send(body)
}

async function create(token: string, body: object = {}) {
  return (await call('post', '', token, body).expect(201)).body as Record<string, unknown> & {
    client_id: string
    client_secret: string
  }
}
/** The client as it is read, without what is told once. */
const shown = ({ client_secret, client_secret_expires_at, ...client }: Record<string, unknown>) => client

describe('POST', () => {
  it('creates a client in the words of RFC 7591 §3.2.1 and shows its secret, this once', async () => {
    const made = await create(alice, { scope: 'read', description: 'My script' })
    expect(made).toEqual({
      client_id: expect.stringMatching(/^[\w-]{22}$/),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_secret_expires_at: 0,
      client_id_issued_at: host.clock.now,
      username: 'alice',
      scope: 'read',
      description: 'My script',
      redirect_uris: [],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
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

  it('takes empty and null members for absent ones', async () => {
    const made = await create(alice, { client_secret: '', client_name: null, scope: '' })
    expect(made.client_secret).toHaveLength(43)
    expect(made).not.toHaveProperty('scope')
    expect(made).not.toHaveProperty('client_name')
  })

  it.each([
    'permissions',
    'scopes',
    'redirectUris',
    'client_uri',
    'response_types',
    'client_id_issued_at',
    'secrets',
    '__proto__',
    'constructor',
  ])(
    'refuses the member %s, which it does not know, by its name: what it would drop, a host would miss',
    async (member) => {
      await create(alice, { client_id: 'mine', scope: 'read' })
      const before = await host.server.storage.clients.find('mine')
      const body = JSON.parse(`{"${member}": ["read"]}`)
      for (const [method, path] of [['post', ''] as const, ['patch', '/mine'] as const]) {
        const answer = await call(method, path, admin).type('json').send(JSON.stringify(body)).expect(400)
        expect(answer.body).toEqual({
          error: 'invalid_client_metadata',
          error_description: `${member} cannot be set here.`,
        })
      }
      expect(await host.server.storage.clients.find('mine')).toEqual(before)
      await call('post', '', alice, { ['x'.repeat(99)]: 1 }).expect(400, /"x{40} cannot/)
    },
  )

  it('takes every member of a record', async () => {
    const members = {
      client_name: 'Photo Printer',
      scope: 'read write',
      default_scope: 'read',
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_post',
      description: 'Prints',
      require_pkce: true,
      resource_server: false,
    }
    expect(await create(alice, members)).toMatchObject(members)
  })

  it('shows no secret for a client that has none', async () => {
    expect(await create(alice, { token_endpoint_auth_method: 'none' })).not.toHaveProperty('client_secret')
  })

  it('takes JSON alone: a form says no lists, and a URI is logged', async () => {
    const form = await call('post', '', alice).type('form').send('client_id=form&scope=read').expect(415)
    expect(form.body.error).toBe('invalid_request')
    await call('post', '?client_id=uri', alice).expect(400)
    await call('post', '?client_id=uri', alice, { client_id: 'json' }).expect(201)
    const ids = (await host.server.storage.clients.list({ username: 'alice', limit: 9 })).map((one) => one.clientId)
    expect(ids).toEqual(['json'])
  })

  it.each<[string, object]>([
    ['an id with a line break', { client_id: 'a\nb' }],
    ['an id that is no string', { client_id: 5 }],
    ['a secret that is too short', { client_secret: 'short' }],
    ['a secret beyond what bcrypt reads', { client_secret: 'x'.repeat(73) }],
    ['a secret for a client that has none', { client_secret: 'a secret', token_endpoint_auth_method: 'none' }],
    ['a scope that does not exist', { scope: 'everything' }],
    ['default scopes beyond the scopes', { scope: 'read', default_scope: 'write' }],
    ['a grant that does not exist', { grant_types: ['password'] }],
    ['an unknown method', { token_endpoint_auth_method: 'magic' }],
    [
      'client_credentials without a secret',
      { token_endpoint_auth_method: 'none', grant_types: ['client_credentials'] },
    ],
    ['a scope that is a list', { scope: ['read'] }],
    ['two methods', { token_endpoint_auth_method: ['none', 'client_secret_post'] }],
    ['a list that is none', { redirect_uris: { 0: 'https://app.example/cb' } }],
    ['a list of other things', { redirect_uris: [1] }],
    ['a flag that is none', { require_pkce: 'maybe' }],
    ['a name with a null byte', { client_name: 'a\0b' }],
    ['javascript: as a redirect URI', { redirect_uris: ['javascript:alert(1)'] }],
    ['http as a redirect URI', { redirect_uris: ['http://app.example/cb'] }],
    ['a redirect URI with a fragment', { redirect_uris: ['https://app.example/cb#x'] }],
  ])('refuses %s with 400 and a description (RFC 7591 §3.2.2)', async (_, body) => {
    const answer = await call('post', '', alice, body).expect(400)
    expect(answer.body).toEqual({
      error: expect.stringMatching(/^invalid_(client_metadata|redirect_uri)$/),
      error_description: expect.any(String),
    })
    expect(host.eventTypes()).toEqual([])
  })

  it('names a member as it was sent', async () => {
    const { body } = await call('post', '', alice, { scope: 'everything' }).expect(400)
    expect(body.error_description).toBe('scope must be scopes that the server has; everything is not.')
    await create(alice, { client_id: 'mine' })
    const changed = await call('patch', '/mine', alice, { grant_types: ['magic'] })
    expect(changed.status).toBe(403)
    const administrated = await call('patch', '/mine', admin, { grant_types: ['magic'] }).expect(400)
    expect(administrated.body.error_description).toBe('grant_types must be grants that the server has; magic is not.')
  })

  it('answers an id that is taken with 409', async () => {
    const { body } = await call('post', '', alice, { client_id: 'portal' }).expect(409)
    expect(body).toEqual({ error: 'invalid_client_metadata', error_description: expect.any(String) })
  })
})

describe('GET', () => {
  it('lists the clients of the caller, without secrets', async () => {
    const made = shown(await create(alice))
    await create(await tokenOf('bob', 'clients'))
    const answer = await call('get', '', alice).expect(200)
    expect(answer.body).toEqual([made])
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('lists page by page, in the order of the ids: Link says where the next one is (RFC 8288)', async () => {
    for (const id of ['c', 'a', 'e', 'd', 'b']) await create(alice, { client_id: `${id} &?` })
    const pages: string[][] = []
    let next: string | undefined = '?limit=2'
    while (next !== undefined) {
      const answer: Response = await call('get', next, alice).expect(200)
      pages.push(answer.body.map((client: { client_id: string }) => client.client_id))
      next = /^<(\?[^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1]
      expect(next === undefined).toBe(answer.headers.link === undefined)
    }
    expect(pages).toEqual([['a &?', 'b &?'], ['c &?', 'd &?'], ['e &?']])
    const whole = await call('get', '?limit=5', alice).expect(200)
    expect([whole.body.length, whole.headers.link]).toEqual([5, undefined])
  })

  it('lists 100 clients where no limit is sent, and keeps to whose they are on the next page', async () => {
    await begin({ clientsPerUser: 102 })
    for (let i = 0; i < 101; i++) await create(alice, { client_id: `c${1000 + i}` })
    const first = await call('get', '?username=alice', admin).expect(200)
    expect([first.body.length, first.headers.link]).toEqual([100, '<?username=alice&after=c1099>; rel="next"'])
    const last = await call('get', '?username=alice&after=c1099', admin).expect(200)
    expect(last.body.map((client: { client_id: string }) => client.client_id)).toEqual(['c1100'])
    expect((await call('get', '?after=c1099', await tokenOf('bob', 'clients')).expect(200)).body).toEqual([])
  })

  it.each(['0', '1001', '-1', '1e2', 'x', '2.5'])('refuses the limit %s', async (limit) => {
    const { body } = await call('get', `?limit=${limit}`, alice).expect(400)
    expect(body).toEqual({
      error: 'invalid_request',
      error_description: 'limit must be a whole number from 1 to 1000.',
    })
    await call('get', '?limit=1000', alice).expect(200)
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
    const made = shown(await create(alice, { client_id: 'a b/c%d', scope: 'read' }))
    expect((await call('get', '/a%20b%2Fc%25d', alice).expect(200)).body).toEqual(made)
  })

  it('finds an id with a plus, as it is and encoded', async () => {
    await create(alice, { client_id: 'a+b' })
    await call('get', '/a+b', alice).expect(200)
    await call('get', '/a%2Bb', alice).expect(200)
  })
})

describe('PATCH', () => {
  it('changes what is named and nothing else', async () => {
    const made = shown(await create(alice, { client_id: 'mine', scope: 'read', description: 'Old' }))
    const { body } = await call('patch', '/mine', alice, { client_name: 'New', scope: 'write' }).expect(200)
    expect(body).toEqual({ ...made, client_name: 'New', scope: 'write' })
    expect((await call('get', '/mine', alice)).body).toEqual(body)
  })

  it('takes a member away by null, as in a merge patch (RFC 7396), or by what is empty', async () => {
    const members = { client_name: 'App', scope: 'read write', default_scope: 'read', grant_types: ['refresh_token'] }
    for (const nothing of [null, '']) {
      const client_id = `mine ${nothing === null}`
      const path = `/${encodeURIComponent(client_id)}`
      await create(alice, { client_id, ...members, token_endpoint_auth_method: 'client_secret_post' })
      const removed = { client_name: nothing, default_scope: nothing, grant_types: nothing }
      const { body } = await call('patch', path, alice, { ...removed, token_endpoint_auth_method: nothing }).expect(200)
      expect(body).not.toHaveProperty('client_name')
      expect(body).not.toHaveProperty('default_scope')
      expect(body).toMatchObject({ scope: 'read write', grant_types: ['authorization_code', 'refresh_token'] })
      const kept = await host.server.storage.clients.find(client_id)
      expect(kept?.tokenEndpointAuthMethods).toEqual(['client_secret_basic', 'client_secret_post'])
      expect(kept).not.toHaveProperty('grantTypes')
    }
  })

  it('takes away neither the id nor the secret', async () => {
    await create(alice, { client_id: 'mine' })
    const before = await host.server.storage.clients.find('mine')
    await call('patch', '/mine', alice, { client_id: null, client_secret: null }).expect(200)
    await call('patch', '/mine', alice, { client_id: '', client_secret: '' }).expect(200)
    const after = await host.server.storage.clients.find('mine')
    expect(after).toEqual({ ...before, version: Number(before?.version) + 2 })
  })

  it('takes nothing away that only administrators may: an owner stays the owner', async () => {
    await create(alice, { client_id: 'mine' })
    expect((await call('patch', '/mine', alice, { username: null }).expect(403)).body.error).toBe('access_denied')
    await call('patch', '/mine', admin, { username: null }).expect(200)
    await call('get', '/mine', alice).expect(404)
  })

  it('replaces the secret', async () => {
    const { client_secret } = await create(alice, { client_id: 'mine' })
    await call('patch', '/mine', alice, { client_secret: 'a chosen secret' }).expect(200)
    const kept = (await host.server.storage.clients.find('mine'))?.secrets
    expect(kept).toEqual([{ bcrypt: expect.any(String), createdAt: host.clock.now }])
    expect(JSON.stringify(kept)).not.toContain(client_secret)
  })

  it('cannot change the id', async () => {
    await create(alice, { client_id: 'mine' })
    const answer = await call('patch', '/mine', alice, { client_id: 'other' }).expect(400)
    expect(answer.body.error).toBe('invalid_client_metadata')
    await call('patch', '/mine', alice, { client_id: 'mine' }).expect(200)
  })

  it('keeps what another request changed at the same time: a removed redirect URI cannot come back', async () => {
    await create(alice, { client_id: 'mine', redirect_uris: ['https://stolen.example/cb'] })
    const pause = host.storage.pauseBefore('clients.update')
    const rename = call('patch', '/mine', alice, { client_name: 'New' }).then((response) => response)
    await pause.reached
    await updateClient(host.server, 'mine', { redirectUris: ['https://app.example/cb'] })
    pause.resume()
    expect((await rename).body).toMatchObject({
      client_name: 'New',
      redirect_uris: ['https://app.example/cb'],
    })
  })

  it('is refused for what POST refuses', async () => {
    await create(alice, { client_id: 'mine' })
    for (const body of [{ default_scope: 'write' }, { redirect_uris: ['http://x.example'] }]) {
      const answer = await call('patch', '/mine', alice, body).expect(400)
      expect(answer.body).toEqual({ error: expect.stringMatching(/^invalid_/), error_description: expect.any(String) })
    }
  })
})

describe('DELETE', () => {
  it('removes the client, and everything that was issued to it', async () => {
    await create(alice, { client_id: 'mine', scope: 'read' })
    const token = (await issueTokens(host.server, { clientId: 'mine', scope: 'read' })).access_token
    const answer = await call('delete', '/mine', alice).expect(204)
    expect([answer.text, answer.headers['cache-control']]).toEqual(['', 'no-store'])
    await call('get', '/mine', alice).expect(404)
    host.clock.advance(1)
    await create(alice, { client_id: 'mine', scope: 'read' })
    expect((await call('get', '', token).expect(401)).headers['www-authenticate']).toContain('invalid_token')
  })
})

describe('POST …/secret', () => {
  it('gives a new secret, and the old one is refused at once', async () => {
    await create(alice, { client_id: 'mine' })
    const { body } = await call('post', '/mine/secret', alice).expect(200)
    const { body: read } = await call('get', '/mine', alice).expect(200)
    const secret = { client_secret: expect.stringMatching(/^[\w-]{43}$/), client_secret_expires_at: 0 }
    expect(body).toEqual({ ...read, ...secret })
    expect((await host.server.storage.clients.find('mine'))?.secrets).toHaveLength(1)
    expect(host.eventTypes()).toEqual(['client.created', 'client.secret_rotated'])
  })

  it('is refused for a client that has none', async () => {
    await create(alice, { client_id: 'mine', token_endpoint_auth_method: 'none' })
    await call('post', '/mine/secret', alice).expect(400)
  })
})

describe('a client that does not exist', () => {
  it.each<[Method, string]>([
    ['get', '/nothing'],
    ['patch', '/nothing'],
    ['delete', '/nothing'],
    ['post', '/nothing/secret'],
  ])('is 404: %s %s', async (method, path) => {
    const answer = await call(method, path, alice, method === 'patch' ? {} : undefined).expect(404)
    expect(answer.body).toEqual({ error: 'invalid_request', error_description: 'No client has this id.' })
  })

  it('is 404 when it disappears while it is changed', async () => {
    await create(alice, { client_id: 'mine' })
    for (const [method, path] of [
      ['patch', '/mine'],
      ['post', '/mine/secret'],
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
      ['patch', '/portal'],
      ['delete', '/portal'],
      ['post', '/portal/secret'],
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
    ['patch', '/his'],
    ['delete', '/his'],
    ['post', '/his/secret'],
  ])('is answered like one that does not exist: %s %s', async (method, path) => {
    await create(await tokenOf('bob', 'clients'), { client_id: 'his' })
    const answer = await call(method, path, alice, {}).expect(404)
    expect(answer.body).toEqual({ error: 'invalid_request', error_description: 'No client has this id.' })
  })

  it("is an administrator's to see and change", async () => {
    await create(alice, { client_id: 'hers' })
    await call('get', '/hers', admin).expect(200)
    await call('patch', '/hers', admin, { client_name: 'x' }).expect(200)
    await call('post', '/hers/secret', admin).expect(200)
    const ids = (await call('get', '', admin).expect(200)).body.map((client: { client_id: string }) => client.client_id)
    expect(ids).toEqual(expect.arrayContaining(['hers', 'portal', 'web']))
    await call('delete', '/hers', admin).expect(204)
  })
})

describe('administration from below', () => {
  it('nobody grants a client a scope that they do not hold', async () => {
    const answer = await call('post', '', alice, { scope: 'read admin' }).expect(403)
    expect(answer.body.error).toBe('insufficient_scope')
    await create(alice, { client_id: 'mine', scope: 'read' })
    await call('patch', '/mine', alice, { scope: 'read admin' }).expect(403)
    await call('post', '', admin, { scope: 'write' }).expect(403)
  })

  it('nobody takes over a client of theirs that holds more than they do, by a new secret or redirect URI', async () => {
    await create(alice, { client_id: 'mine', scope: 'read' })
    await updateClient(host.server, 'mine', { scopes: ['read', 'admin'] })
    await call('post', '/mine/secret', alice).expect(403)
    await call('patch', '/mine', alice, { client_secret: 'a chosen secret' }).expect(403)
    await call('patch', '/mine', alice, { redirect_uris: ['https://evil.example/cb'] }).expect(403)
  })

  it('nobody gives a client away, or takes one, but administrators', async () => {
    const answer = await call('post', '', alice, { username: 'bob' }).expect(403)
    expect(answer.body.error).toBe('access_denied')
    await create(alice, { client_id: 'mine', username: 'alice' })
    await call('patch', '/mine', alice, { username: 'bob' }).expect(403)
    await call('patch', '/mine', admin, { username: 'bob' }).expect(200)
    await call('get', '/mine', alice).expect(404)
  })

  it('nobody but administrators writes what fills the consent page of others, or cannot be seen on it', async () => {
    const wrong = [
      { client_name: 'n'.repeat(61) },
      { client_name: '\u200b\u3164' },
      { client_name: 'Acme\u2800Inc' },
      { client_name: '\ufeffAcme' },
      { client_name: `Acme${'\u00a0'.repeat(1000)}` },
      { description: 'd'.repeat(501) },
      { description: `d${'\u0301'.repeat(5)}` },
    ]
    await create(alice, { client_id: 'mine', client_name: 'n'.repeat(60), description: 'd'.repeat(500) })
    for (const client_id of ['i'.repeat(61), ' '.repeat(5), ' a', 'a\u2800b']) {
      expect((await call('post', '', alice, { client_id }).expect(400)).body.error).toBe('invalid_client_metadata')
    }
    await create(alice, { client_id: 'lines', description: 'One\r\n\ttwo' })
    // what an administrator has written stays, and may come along
    await create(admin, {
      client_id: 'long',
      username: 'alice',
      client_name: 'n'.repeat(61),
      description: 'd\u200b',
    })
    const { client_name, description } = (await call('get', '/long', alice).expect(200)).body
    await call('patch', '/long', alice, { client_name, description, redirect_uris: [] }).expect(200)
    await call('patch', '/long', alice, { client_name: `${client_name}n` }).expect(400)
    for (const words of wrong) {
      expect((await call('post', '', alice, words).expect(400)).body.error).toBe('invalid_client_metadata')
      expect((await call('patch', '/mine', alice, words).expect(400)).body.error).toBe('invalid_client_metadata')
      await call('post', '', admin, words).expect(201)
    }
  })

  it('nobody lifts PKCE or makes a resource server, but administrators', async () => {
    await create(alice, { client_id: 'mine' })
    for (const flag of [{ require_pkce: false }, { resource_server: true }]) {
      await call('post', '', alice, flag).expect(403)
      await call('patch', '/mine', alice, flag).expect(403)
      await call('patch', '/mine', admin, flag).expect(200)
    }
  })

  it('an administrator makes a resource server of some of the resources: a list, or all of them', async () => {
    const [files, mail] = ['https://files.example.com', 'https://mail.example.com']
    await begin({}, { resources: [files, mail] })
    for (const resource_server of [[mail, files], true, false]) {
      expect((await create(admin, { resource_server })).resource_server).toEqual(resource_server)
    }
    await create(alice, { client_id: 'mine' })
    await call('patch', '/mine', alice, { resource_server: [mail] }).expect(403)
    await call('patch', '/mine', admin, { resource_server: ['https://other.example'] }).expect(400)
  })

  it("a client's own token, without a user, owns nothing: not even the clients without a username", async () => {
    const machine = await tokenOf(undefined, 'clients read write')
    for (const path of ['', '/portal', '/web']) {
      const answer = await call('get', path, machine).expect(403)
      expect(answer.body.error).toBe('access_denied')
    }
    await call('post', '', machine, {}).expect(403)
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
    const sent = call('post', '', null, { client_id: 'mine', scope: 'read' }).set('X-Name', 'alice')
    expect((await sent.expect(201)).body.username).toBe('alice')
    await call('get', '/mine', null).set('X-Name', 'bob').expect(404)
    await call('post', '', null, { scope: 'write' }).set('X-Name', 'alice').expect(403)
  })

  it.each<[string, unknown]>([
    ['nobody', undefined],
    ['nobody, as null', null],
    ['somebody without an id', { scopes: ['read'] }],
    ['somebody with an empty id', { userId: '', scopes: ['read'] }],
    ['an administrator that is only truthy', { scopes: [], admin: 'yes' }],
  ])('means no when it says %s', async (_, answer) => {
    await begin({ protect, caller: () => answer as never })
    await call('get', '', null).expect(403)
    await call('post', '', null, {}).expect(403)
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
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(await create(alice, { grant_types: ['refresh_token'] })).toMatchObject({ grant_types: ['refresh_token'] })
  })
})

describe('other methods and paths', () => {
  it.each([
    ['delete', '', 'GET, POST'],
    ['put', '', 'GET, POST'],
    ['put', '/web', 'GET, PATCH, DELETE'],
    ['post', '/web', 'GET, PATCH, DELETE'],
    ['get', '/web/secret', 'POST'],
  ] as const)('%s %p is 405 with Allow: %s', async (method, path, allow) => {
    await host
      .http()
      [method](`${paths.clients}${path}`)
      .auth(admin, { type: 'bearer' })
      .expect(405)
      .expect('Allow', allow)
  })

  it('what is below is passed on', async () => {
    for (const path of ['/web/more', '/web/secret/more', '/%zz']) {
      await call('get', path, admin).expect(418)
    }
  })

  it('a trailing slash makes no difference', async () => {
    await call('get', '/', alice).expect(200, [])
    await create(alice, { client_id: 'mine' })
    await call('get', '/mine/', alice).expect(200)
  })
})
