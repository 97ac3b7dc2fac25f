/** Each call of the storage contract, on tables with many rows, and how many rows each may look at. */
import type { OAuthStorage } from '../../../src/storage'
import { client, code, credential, grant, HOUR, NOW, used } from '../../../src/storage/contract/rows'

/** `PLAN_ROWS=1000000 npx jest plans` asks the same of a million, which take minutes to fill in. */
export const storageRows = { rows: Number(process.env.PLAN_ROWS ?? 20_000), now: NOW }
/** Milliseconds for a test, and for filling the tables. */
export const planTimeout = 60_000 + storageRows.rows * 3
const LATER = 5 * HOUR

const refresh = credential({ id: 'g5~r', grantId: 'g5', state: 'state' })
const access = credential({ id: 'g5~a', grantId: 'g5' })

export interface StorageCall {
  call: (storage: OAuthStorage) => unknown
  /** How many rows it is asked for. */
  rows: number
}

const calls: Record<string, StorageCall['call']> = {
  'clients.find': ({ clients }) => clients.find('client-7'),
  'clients.insert': ({ clients }) => clients.insert(client({ clientId: 'new' })),
  'clients.update': ({ clients }) => clients.update(client({ clientId: 'client-7', version: 2 }), 1),
  'clients.delete': ({ clients }) => clients.delete('client-8'),
  'grants.insert': ({ grants }) => grants.insert([credential({ id: 'newer~a' })], grant({ id: 'newer' })),
  'grants.insert of an id that is taken': ({ grants }) => grants.insert([refresh]),
  'grants.find': ({ grants }) => grants.find('g77~a'),
  'grants.transition': ({ grants }) => grants.transition('g6~c', 'state', used(code({ id: 'g6~c' }), 'g6'), []),
  'grants.transition with a grant': ({ grants }) =>
    grants.transition(refresh.id, 'state', { ...refresh, state: 'next' }, [access], grant({ id: 'g5' })),
  'grants.transition that loses': ({ grants }) =>
    grants.transition(refresh.id, 'state', { ...refresh, state: 'other' }, [access], grant({ id: 'g5' })),
  'grants.revoke of a grant': ({ grants }) => grants.revoke({ grantId: 'g9' }, NOW),
  'grants.revoke of a user': ({ grants }) => grants.revoke({ userId: 'user-99' }, NOW),
  'grants.revoke of a client': ({ grants }) => grants.revoke({ clientId: 'client-99' }, NOW),
}
const hundreds: Record<string, StorageCall['call']> = {
  'clients.list': ({ clients }) => clients.list({ after: 'client-5', limit: 100 }),
  'clients.listByName': ({ clients }) =>
    clients.listByName?.({ prefix: 'app', after: { name: 'App', clientId: 'client-7' }, limit: 100 }),
  'clients.list of a username': ({ clients }) => clients.list({ username: 'user-7', limit: 100 }),
  'grants.list': ({ grants }) => grants.list({ after: 'g5', limit: 100 }),
  'grants.list of a user': ({ grants }) => grants.list({ userId: 'user-7', limit: 100 }),
  'grants.list of a client': ({ grants }) => grants.list({ clientId: 'client-7', limit: 100 }),
  'grants.list of a user and a client': ({ grants }) =>
    grants.list({ userId: 'user-7', clientId: 'client-7', after: 'g1', limit: 100 }),
  'grants.deleteExpired of a full batch': ({ grants }) => grants.deleteExpired(NOW + LATER, 100),
  'grants.deleteExpired of the rest': ({ grants }) => grants.deleteExpired(NOW + 10, 100),
}
const each = (named: typeof calls, rows: number): Record<string, StorageCall> =>
  Object.fromEntries(Object.entries(named).map(([name, call]) => [name, { call, rows }]))

export const storageCalls: Record<string, StorageCall> = {
  // the first insert of a storage also sweeps, the second does not
  'grants.insert that sweeps': { call: ({ grants }) => grants.insert([code({ id: 'new~c' })]), rows: 256 },
  ...each(calls, 3),
  ...each(hundreds, 100),
}
