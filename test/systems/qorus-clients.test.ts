/** The clients API of Qorus, as documented: examples/old-apis/qorus.ts. */
import request from 'supertest'
import { createApp } from '../../examples/old-apis/qorus'
import { expectDeadToken, expectRefusal, play, useExample } from './example'

const example = useExample(createApp, ['read', 'write', 'admin'])

type Method = 'get' | 'post' | 'put' | 'delete'
const clients = '/oauth2/v1/clients'

/** Calls as a user. Once signed in on the page: a password in every request costs a bcrypt comparison each. */
function as(username: string, password: string) {
  let signedIn: ReturnType<typeof request.agent> | undefined
  return async (method: Method, path = '', body?: string | object) => {
    if (!signedIn) {
      signedIn = request.agent(example.issuer)
      expect((await signedIn.post('/login').type('form').send({ username, password })).status).toBe(303)
    }
    const sent = signedIn[method](clients + path)
    return body === undefined ? sent : sent.send(body)
  }
}
const admin = as('admin', 'admin-password')
const bob = as('bob', 'bob-password')

const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const documented = { client_id: expect.any(String), username: expect.any(String), created: date, modified: date }

let count = 0
const newId = () => `client-${++count}`
async function create(members: object = {}) {
  const answer = await admin('post', '', { client_id: newId(), permissions: ['read'], ...members })
  return answer.body.inserted as { client_id: string; client_secret: string }
}
const token = (body: string) => example.http.post('/oauth2/v1/public/token').send(body)
const passwordBody = 'grant_type=password&username=bob&password=bob-password'

describe('GET /oauth2/v1/clients', () => {
  it('lists every client to the administrator, with the documented members and no secret', async () => {
    await create({ username: 'bob' })
    const answer = await example.http.get(clients).auth('admin', 'admin-password')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.body).toContainEqual(
      expect.objectContaining({ ...documented, client_id: 'qorus-ui', username: 'admin' }),
    )
    for (const client of answer.body) expect(client).toMatchObject(documented)
    expect(answer.text).not.toContain('secret"')
  })

  it('lists only the clients of username where that is among the parameters', async () => {
    const { client_id } = await create({ username: 'bob' })
    const answer = await admin('get', '?username=bob')
    expect(answer.body).toContainEqual(expect.objectContaining({ client_id }))
    for (const client of answer.body) expect(client.username).toBe('bob')
    expect((await admin('get', '?username=nobody')).body).toEqual([])
  })

  it('lists to others their own', async () => {
    await create({ username: 'bob' })
    for (const query of ['', '?username=bob']) {
      const { body } = await bob('get', query)
      expect(body.length).toBeGreaterThan(0)
      for (const client of body) expect(client.username).toBe('bob')
    }
    expect((await bob('get', '?username=admin')).body).toEqual([])
  })

  it('refuses everybody else', async () => {
    for (const answer of [
      await example.http.get(clients),
      await example.http.get(clients).auth('admin', 'bob-password'),
      await example.http.get(clients).auth('eve', 'admin-password'),
      await example.http.get(clients).auth('qorus-ui', 'qorus-ui-secret'),
      await example.http.post(clients).send({ client_id: 'x' }),
    ]) {
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/)
    }
  })

  it("refuses another site's form in a browser that knows the password", async () => {
    const answer = await example.http
      .post(clients)
      .auth('admin', 'admin-password')
      .set('Origin', 'https://evil.example')
      .send('client_id=evil')
    expect(answer.status).toBe(403)
    expect((await admin('get', '/evil')).status).toBe(404)
  })
})

describe('POST /oauth2/v1/clients', () => {
  const members = { client_secret: 'a chosen secret', username: 'bob', permissions: ['read'] }

  it('answers the documented arguments in a JSON body with inserted', async () => {
    const client_id = newId()
    const answer = await play(
      example,
      `POST /oauth2/v1/clients HTTP/1.1
Host: qorus
Authorization: Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ=
Content-Type: application/json

${JSON.stringify({ client_id, ...members })}`,
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ inserted: expect.objectContaining({ ...documented, client_id, username: 'bob' }) })
    const tokens = await token(`${passwordBody}&client_id=${client_id}&client_secret=a+chosen+secret`)
    expect(tokens.body).toMatchObject({ scope: 'read' })
  })

  it.each([
    ['the URI', (query: string) => admin('post', `?${query}`)],
    ['a form', (query: string) => admin('post', '', query)],
  ])('takes the arguments from %s, with the list in every form that lists have there', async (_, send) => {
    for (const permissions of [
      'permissions=read,write',
      'permissions=read+write',
      'permissions=%5B%22read%22,%22write%22%5D',
      'permissions=read&permissions=write',
      'permissions[]=read&permissions[]=write',
    ]) {
      const query = new URLSearchParams({ client_id: newId(), username: 'bob' })
      const answer = await send(`${query}&${permissions}`)
      expect(answer.status).toBe(200)
      expect(answer.body.inserted.permissions).toEqual(['read', 'write'])
    }
  })

  it('takes some arguments from the URI and others from the body, and none from both', async () => {
    const client_id = newId()
    const answer = await admin('post', `?client_id=${client_id}`, { permissions: ['read'] })
    expect(answer.body.inserted).toMatchObject({ client_id, permissions: ['read'] })
    expect((await admin('post', `?client_id=${newId()}`, { client_id: newId() })).status).toBe(409)
  })

  it('makes id and secret for the web UI, which sends neither, and shows the secret this once', async () => {
    const answer = await admin('post', '', {
      client_description: 'My client',
      client_secret: '',
      username: 'bob',
      permissions: ['read', 'write'],
    })
    const { client_id, client_secret } = answer.body.inserted
    expect(client_secret).toMatch(/^.{43}$/)
    const tokens = await token(`grant_type=client_credentials&client_id=${client_id}&client_secret=${client_secret}`)
    expect(tokens.body).toMatchObject({ scope: 'read write' })
    const read = await admin('get', `/${client_id}`)
    expect(read.body).toMatchObject({ ...documented, client_description: 'My client', permissions: ['read', 'write'] })
    expect(read.text).not.toContain(client_secret)
  })

  it('belongs to the caller where username is left out, and there is always a username', async () => {
    expect((await admin('post', '', {})).body.inserted).toMatchObject({ username: 'admin', permissions: [] })
    expect((await bob('post', '', { username: null })).body.inserted).toMatchObject({ username: 'bob' })
  })

  it.each([
    ['an id that is taken', { client_id: 'qorus-ui' }],
    ['a secret that is too short', { client_secret: 'short' }],
    ['a permission that there is not', { permissions: ['everything'] }],
    ['permissions that are no list', { permissions: { read: true } }],
    ['a list where there is one', { username: ['admin', 'bob'] }],
    ['an argument that comes twice', 'client_id=twice&client_id=twice'],
    ['a redirect URI for everybody', { redirect_uris: ['javascript:alert(1)'] }],
    ['what is no object', ['read']],
  ])('answers %s with 409 OAUTH2-EXCEPTION and a description', async (_, body) => {
    const answer = await admin('post', '', body)
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({ err: 'OAUTH2-EXCEPTION', desc: expect.stringMatching(/./) })
  })

  it('lets nobody but the administrator give what they do not hold, or name somebody else', async () => {
    expect((await admin('post', '', { permissions: ['admin'] })).status).toBe(200)
    const beyond = await bob('post', '', { client_id: newId(), permissions: ['read', 'admin'] })
    expectRefusal(beyond, 403, 'insufficient_scope')
    expect(beyond.body.err).toBe('OAUTH2-EXCEPTION')
    expectRefusal(await bob('post', '', { client_id: newId(), username: 'admin' }), 403, 'access_denied')
    expect((await bob('post', '', { client_id: newId(), permissions: ['read', 'write'] })).status).toBe(200)
  })
})

describe('permissions', () => {
  it('are the scopes that the client can get: all when it asks for none, and no other', async () => {
    const { client_id } = await create({ permissions: ['write'] })
    const body = `${passwordBody}&client_id=${client_id}`
    expect((await token(body)).body.scope).toBe('write')
    expect((await token(`${body}&scope=write`)).body.scope).toBe('write')
    expectRefusal(await token(`${body}&scope=read`), 400, 'invalid_scope')
    expectRefusal(await token(`${body}&scope=write+admin`), 400, 'invalid_scope')
  })

  it('of nothing give tokens that open nothing', async () => {
    const { client_id } = await create({ permissions: [] })
    const { body } = await token(`${passwordBody}&client_id=${client_id}`)
    expect(body.scope).toBeUndefined()
    expect((await example.http.get('/api/me').auth(body.access_token, { type: 'bearer' })).status).toBe(403)
  })

  it('that are taken away are gone at the next refresh', async () => {
    const { client_id } = await create({ permissions: ['read', 'write'] })
    const { refresh_token } = (await token(`${passwordBody}&client_id=${client_id}`)).body
    await admin('put', `/${client_id}`, { permissions: ['read'] })
    const refreshed = await token(`grant_type=refresh_token&refresh_token=${refresh_token}&client_id=${client_id}`)
    expect(refreshed.body.scope).toBe('read')
  })
})

describe('GET /oauth2/v1/clients/{id}', () => {
  it('answers with the documented members', async () => {
    const { client_id } = await create({ username: 'bob', permissions: ['read', 'write'] })
    for (const path of [`/${client_id}`, `/${client_id}/`]) {
      const answer = await admin('get', path)
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({ ...documented, client_id, username: 'bob', permissions: ['read', 'write'] })
    }
    expect((await bob('get', `/${client_id}`)).status).toBe(200)
  })
})

describe('PUT /oauth2/v1/clients/{id}', () => {
  it('changes what is named, and answers with inserted and updated', async () => {
    const { client_id } = await create({ username: 'bob' })
    example.clock.advance(10)
    const answer = await admin('put', `/${client_id}`, {
      username: 'admin',
      permissions: ['write'],
      client_description: 'New',
    })
    expect(answer.status).toBe(200)
    const changed = { ...documented, client_id, username: 'admin', permissions: ['write'], client_description: 'New' }
    expect(answer.body).toEqual({
      inserted: expect.objectContaining(changed),
      updated: expect.objectContaining(changed),
    })
    expect(Date.parse(answer.body.updated.modified) - Date.parse(answer.body.updated.created)).toBe(10_000)
    expect((await admin('get', `/${client_id}`)).body).toEqual(answer.body.updated)
  })

  it('takes the arguments from the URI', async () => {
    const { client_id } = await create()
    const answer = await admin('put', `/${client_id}?permissions=read,write&username=bob`)
    expect(answer.body.inserted).toMatchObject({ username: 'bob', permissions: ['read', 'write'] })
  })

  it('replaces the secret', async () => {
    const { client_id, client_secret } = await create()
    await admin('put', `/${client_id}`, { client_secret: 'another secret' })
    const body = `grant_type=client_credentials&client_id=${client_id}&client_secret=`
    expectRefusal(await token(`${body}${client_secret}`), 401, 'invalid_client')
    expect((await token(`${body}another+secret`)).status).toBe(200)
  })

  it('keeps the secret where the web UI sends an empty one', async () => {
    const { client_id, client_secret } = await create()
    await admin('put', `/${client_id}`, { client_secret: '', client_description: 'New' })
    const body = `grant_type=client_credentials&client_id=${client_id}&client_secret=${client_secret}`
    expect((await token(body)).status).toBe(200)
  })
})

describe('POST /oauth2/v1/clients/{id}/generateSecret', () => {
  it('makes a new secret, and the old one is refused', async () => {
    const { client_id, client_secret: old } = await create()
    const answer = await admin('post', `/${client_id}/generateSecret`)
    expect(answer.status).toBe(200)
    expect(answer.body.client_secret).toMatch(/^.{43}$/)
    const body = `grant_type=client_credentials&client_id=${client_id}&client_secret=`
    expectRefusal(await token(`${body}${old}`), 401, 'invalid_client')
    expect((await token(`${body}${answer.body.client_secret}`)).status).toBe(200)
  })
})

describe('DELETE /oauth2/v1/clients/{id}', () => {
  it('answers with the number of rows deleted, and everything of the client is dead', async () => {
    const { client_id } = await create()
    const { access_token, refresh_token } = (await token(`${passwordBody}&client_id=${client_id}`)).body
    const answer = await admin('delete', `/${client_id}`)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ rows_deleted: 1 })
    expectDeadToken(await example.http.get('/api/me').auth(access_token, { type: 'bearer' }))
    const refresh = `grant_type=refresh_token&refresh_token=${refresh_token}&client_id=${client_id}`
    expectRefusal(await token(refresh), 401, 'invalid_client')
    await create({ client_id })
    expectRefusal(await token(refresh), 400, 'invalid_grant')
  })
})

describe('an id that there is not', () => {
  it.each<[Method, string]>([
    ['get', '/nobody'],
    ['put', '/nobody'],
    ['delete', '/nobody'],
    ['post', '/nobody/generateSecret'],
  ])('is answered to %s %s as documented', async (method, path) => {
    const answer = await admin(method, path)
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({
      err: '404 Not Found',
      desc: '404 Not Found: class "oauth2\\clients" has no subclass <nobody>',
    })
  })

  it("is what another user's client looks like, and nothing happens to it", async () => {
    const { client_id } = await create({ username: 'admin' })
    for (const [method, path] of [
      ['get', ''],
      ['put', ''],
      ['delete', ''],
      ['post', '/generateSecret'],
    ] as const) {
      expect((await bob(method, `/${client_id}${path}`)).status).toBe(404)
    }
    expect((await admin('get', `/${client_id}`)).body.username).toBe('admin')
  })
})
