// ATTACKS.md row 19, an error as an oracle: whoever may name the id of a new client does not learn from the answer, or from
// the work that it costs, who is a user. With JWTs a client cannot be called like a user, whose `sub` it would have.
import { generateKeyPairSync } from 'node:crypto'
import { issueTokens, jwt, registerClient } from '../../src/index'
import { createHost, type Host, paths } from '../support/host'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
let host: Host
let token: string
beforeEach(async () => {
  const accessTokens = jwt({ keys: { current: privateKey }, audience: 'https://api.example.com' })
  host = await createHost({ accessTokens })
  await host.register({ clientId: 'console', scopes: ['clients', 'read'] })
  token = (await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope: 'clients read' })).access_token
  host.storage.calls.length = 0
})
const create = (members: object) => host.http().post(paths.clients).auth(token, { type: 'bearer' }).send(members)

it.each<[string, object]>([
  ['nothing more', {}],
  ['a chosen secret', { client_secret: 'a chosen secret' }],
  ['a secret that is too short', { client_secret: 'short' }],
  ['a scope that there is not', { scope: 'everything' }],
  ['a scope that the caller does not hold', { scope: 'write' }],
  ['a secret for a public client', { client_secret: 'a chosen secret', token_endpoint_auth_method: 'none' }],
  ['a redirect URI that is none', { redirect_uris: ['javascript:alert(1)'] }],
])('the id of a user is answered like one that is taken: with %s', async (_, members) => {
  const seen = async (client_id: string) => {
    host.storage.calls.length = 0
    const { status, headers, text } = await create({ client_id, ...members })
    return { status, type: headers['content-type'], text, calls: host.storage.calls.length }
  }
  const taken = await seen('web')
  expect(taken.status).toBeGreaterThanOrEqual(400)
  expect(await seen('bob')).toEqual(taken)
})

it('and afterwards it is as little there as a client of somebody else', async () => {
  for (const id of ['web', 'bob']) {
    const answer = await host.http().get(`${paths.clients}/${id}`).auth(token, { type: 'bearer' })
    expect([answer.status, answer.body.error_description]).toEqual([404, 'No client has this id.'])
  }
})

it('the host is told both reasons, whichever it is', async () => {
  const errors = ['web', 'bob'].map((clientId) => registerClient(host.server, { clientId }).catch(String))
  const [taken, user] = await Promise.all(errors)
  expect(taken).toEqual(user)
  expect(user).toMatch(/user/)
})

it('no client gets the id of a user, also of one that has come meanwhile', async () => {
  await create({ client_id: 'bob', client_secret: 'a chosen secret' }).expect(409)
  expect(await host.server.storage.clients.find('bob')).toBeUndefined()
})
