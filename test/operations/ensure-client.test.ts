// What every host writes at its start: a client that is there is left, or made what the host's code says.
import {
  type Client,
  ensureClient,
  issueCode,
  issueTokens,
  listClients,
  listGrants,
  registerClient,
  revokeGrants,
  updateClient,
} from '../../src'
import { createHost, type Host } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

const record = {
  clientId: 'app',
  redirectUris: ['https://app.example/cb'],
  scopes: ['read'],
  grantTypes: ['client_credentials'],
}
const token = (clientSecret: string) =>
  host.token({ clientId: 'app', clientSecret, redirectUri: '' }, { grant_type: 'client_credentials' })

it('registers a client that is not there, and leaves one that is right: nothing is written', async () => {
  const first = await ensureClient(host.server, record)
  await token(String(first.clientSecret)).expect(200)
  host.storage.calls.length = 0
  expect(await ensureClient(host.server, record)).toEqual({ client: first.client })
  expect(host.storage.calls).not.toContainEqual(expect.stringMatching(/clients\.(insert|update)/))
  expect(host.eventTypes().filter((type) => type.startsWith('client.'))).toEqual(['client.created'])
})

it('changes what differs, and nothing that the record does not name', async () => {
  const { client } = await ensureClient(host.server, record)
  await updateClient(host.server, 'app', { name: 'Named by hand' })
  const next = await ensureClient(host.server, { ...record, scopes: ['read', 'write'] })
  expect(next.client).toMatchObject({ name: 'Named by hand', scopes: ['read', 'write'], secrets: client.secrets })
  expect(next).not.toHaveProperty('clientSecret')
})

it('keeps a chosen secret that is right, and sets one that is new', async () => {
  const { client } = await ensureClient(host.server, { ...record, clientSecret: 'first secret' })
  const again = await ensureClient(host.server, { ...record, clientSecret: 'first secret' })
  expect(again).toEqual({ client })
  expect(await ensureClient(host.server, { ...record, clientSecret: 'second secret' })).toHaveProperty('clientSecret')
  await token('first secret').expect(401)
  await token('second secret').expect(200)
})

it('called by two processes at once makes one client', async () => {
  const both = await Promise.all([ensureClient(host.server, record), ensureClient(host.server, record)])
  expect(both.map(({ client }) => client.version)).toEqual(Array(2).fill(both[0]?.client.version))
})

it('tells what is wrong with a record, in an update, too', async () => {
  await expect(ensureClient(host.server, {} as never)).rejects.toThrow('ensureClient needs a clientId, not undefined')
  await expect(ensureClient(host.server, { ...record, scope: 'read' } as never)).rejects.toThrow(/^Unknown .* scope/)
  await ensureClient(host.server, record)
  await expect(ensureClient(host.server, { ...record, scope: 'read' } as never)).rejects.toThrow(/^Unknown .* scope/)
  const misspelt = { ...record, grantTypes: ['authorizationCode'] }
  await expect(ensureClient(host.server, misspelt)).rejects.toThrow('authorizationCode is not')
  const failed = { ...record, clientSecret: undefined }
  await expect(ensureClient(host.server, failed as never)).rejects.toThrow('clientSecret is undefined')
})

it('ids that are numbers are their text everywhere', async () => {
  host.people.set('7', { id: '7', name: 'Seven' })
  const { client } = await ensureClient(host.server, {
    ...record,
    grantTypes: ['authorization_code', 'refresh_token'],
    username: 7,
  })
  expect(client.username).toBe('7')
  expect(
    await ensureClient(host.server, { ...record, grantTypes: ['authorization_code', 'refresh_token'], username: 7 }),
  ).toEqual({ client })

  const mine = (clients: Client[]) => clients.map(({ clientId }) => clientId)
  expect(mine(await listClients(host.server, { username: 7 }))).toEqual(['app'])
  expect((await registerClient(host.server, { username: 7 })).client.username).toBe('7')
  const { access_token = '' } = await issueTokens(host.server, { clientId: 'web', userId: 7 })
  expect((await host.me(access_token)).body.authInfo.userId).toBe('7')
  expect(await listGrants(host.server, { userId: 7 })).toHaveLength(1)
  await issueCode(host.server, { clientId: 'web', userId: 7, codeChallenge: 'x'.repeat(43) })
  await revokeGrants(host.server, { userId: 7 })
  expect(await host.isAlive({ access_token })).toBe(false)
})
