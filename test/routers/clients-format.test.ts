/** The option `format` of the clients API: other words, the same rules. */
import express from 'express'
import { type ClientsFormat, clientsRouter, OAuthError } from '../../src'
import { createHost, type Host } from '../support/host'

let host: Host
const begin = async (format: ClientsFormat, admin = false) => {
  host = await createHost({
    mount: (app, server) => {
      const caller = () => ({ userId: 'alice', scopes: ['read'], admin })
      app.use('/apps', express.json(), clientsRouter(server, { protect: (_req, _res, next) => next(), caller, format }))
    },
  })
}
const record = (clientId: string) => host.server.storage.clients.find(clientId)

it('reads and shows clients as the host says, at its own paths and by its own method', async () => {
  await begin({
    parse: ({ body }) => ({ clientId: body.key, name: body.title, scopes: body.rights }),
    present: ({ action, clients, clientSecret }) => ({
      status: 202,
      body: { action, keys: clients.map(({ clientId }) => clientId), password: clientSecret },
    }),
    presentError: (error) => ({ status: error.status + 1, body: { failed: error.code } }),
    updateMethod: 'PUT',
    secretPath: 'password',
  })
  const made = await host
    .http()
    .post('/apps')
    .send({ key: 'k', title: 'App', rights: ['read'] })
  expect([made.status, made.body]).toEqual([202, { action: 'create', keys: ['k'], password: expect.any(String) }])
  expect(await record('k')).toMatchObject({ name: 'App', scopes: ['read'], username: 'alice' })
  expect((await host.http().put('/apps/k').send({ title: 'New' })).body).toEqual({ action: 'update', keys: ['k'] })
  expect(await record('k')).toMatchObject({ name: 'New', scopes: ['read'] })
  expect((await host.http().put('/apps/k').send({ title: null })).status).toBe(202)
  expect(await record('k')).not.toHaveProperty('name')
  expect((await host.http().post('/apps/k/password')).body).toMatchObject({ action: 'secret', keys: ['k'] })
  expect((await host.http().get('/apps')).body).toEqual({ action: 'list', keys: ['k'] })
  expect((await host.http().delete('/apps/k')).body).toEqual({ action: 'delete', keys: [] })
  const missing = await host.http().get('/apps/k')
  expect([missing.status, missing.body]).toEqual([405, { failed: 'invalid_request' }])
  expect((await host.http().patch('/apps/k')).headers.allow).toBe('GET, PUT, DELETE')
})

it('changes words alone: what a caller may not do, no words do', async () => {
  await begin({ parse: ({ body }) => body })
  for (const members of [
    { scopes: ['admin'] },
    { grantTypes: ['client_credentials'] },
    { resourceServer: true },
    { requirePkce: false },
    { username: 'bob' },
  ]) {
    expect([members, (await host.http().post('/apps').send(members)).status]).toEqual([members, 403])
  }
})

it.each([
  { name: 7 },
  { scopes: 'read' },
  { redirectUris: [7] },
  { requirePkce: 'yes' },
  { clientId: 7 },
  { clientSecret: [1] },
])('checks what a parse of the host returns: %j is 400, for administrators, too', async (members) => {
  await begin({ parse: ({ body }) => body }, true)
  await host.http().post('/apps').send({ clientId: 'k' }).expect(201)
  await host.http().post('/apps').send(members).expect(400)
  if (!('clientId' in members)) await host.http().patch('/apps/k').send(members).expect(400)
})

it('a member that there is not is a mistake of the host: 500, and an event that names it', async () => {
  await begin({ parse: () => ({ scope: ['read'] }) as never })
  await host.http().post('/apps').send({}).expect(500)
  expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining('format.parse scope') } }])
})

it('refuses a request by an OAuthError', async () => {
  await begin({
    parse() {
      throw new OAuthError('invalid_request', 'No.')
    },
  })
  await host.http().post('/apps').send({}).expect(400, { error: 'invalid_request', error_description: 'No.' })
})

it('lists whole where it has no pages', async () => {
  await begin({ paged: false }, true)
  const answer = await host.http().get('/apps?limit=1').expect(200)
  expect([answer.body.length, answer.headers.link]).toEqual([3, undefined])
})

it.each([
  [{ pars: () => ({}) }, 'pars'],
  [{ parse: {} }, 'format.parse must be a function'],
  [{ present: 'json' }, 'format.present must be a function'],
  [{ presentError: 1 }, 'format.presentError must be a function'],
  [{ updateMethod: 'POST' }, "format.updateMethod must be 'PATCH' or 'PUT'"],
  [{ secretPath: 'a/b' }, 'format.secretPath must be one part of a path'],
  [{ secretPath: '' }, 'format.secretPath must be one part of a path'],
  [{ paged: 'no' }, "format's paged must be true or false"],
])('%j is refused at start-up, by its name', async (format, problem) => {
  await expect(begin(format as never)).rejects.toThrow(problem)
})

it('lists no client that is being deleted, whole or in pages', async () => {
  for (const paged of [true, false]) {
    await begin({ paged })
    await host.http().post('/apps').send({ client_id: 'k' }).expect(201)
    host.storage.replace('clients.delete', () => {
      throw new Error('away')
    })
    await host.http().delete('/apps/k').expect(503)
    host.storage.restore()
    expect((await host.http().get('/apps').expect(200)).body).toEqual([])
    await host.http().get('/apps/k').expect(404)
  }
})

it.each<[string, NonNullable<ClientsFormat['presentError']>]>([
  [
    'throws',
    () => {
      throw new Error('of the host')
    },
  ],
  ['returns nothing', (() => undefined) as never],
  ['returns a status that is none', () => ({ status: 7, body: {} })],
])('a presentError that %s is a 500, of which the host hears', async (_, presentError) => {
  await begin({ presentError })
  const { body } = await host.http().get('/apps/nobody').expect(500)
  expect(body.error).toBe('server_error')
  expect(host.reportedErrors()).toHaveLength(1)
})
