import { storageContract } from 'express-authorization-server/storage-contract'
import type { Credential, Grant } from '../../src/storage'
import { memoryStorage } from '../../src/storage/memory/memory'
import { SLICE } from '../../src/storage/slices'
import { turnsDuring } from '../support/turns'

const NOW = 1_800_000_000
const HOUR = 3600
const DAY = 86_400
/** Later than everything. */
const END = 9_999_999_999

const grantAt = (startedAt: number, id: string): Grant => ({
  id,
  clientId: 'app',
  userId: 'ada',
  scope: ['read'],
  data: {},
  startedAt,
  expiresAt: startedAt + 60,
})

const credentialAt = (issuedAt: number, id: string, members: Partial<Credential> = {}): Credential => ({
  id,
  kind: 'access_token',
  state: 'valid',
  digest: 'digest',
  clientId: 'app',
  userId: 'ada',
  scope: ['read'],
  startedAt: issuedAt,
  issuedAt,
  expiresAt: issuedAt + 60,
  data: {},
  ...members,
})

describe('memoryStorage', () => {
  storageContract({ describe, test, create: memoryStorage })
})

describe('memoryStorage, beyond the contract', () => {
  const { grants, clients } = memoryStorage()

  it('answers with values, not with promises, so that a guard goes on in the same turn', () => {
    expect(grants.insert([credentialAt(NOW, 'g1~access', { grantId: 'g1' })], grantAt(NOW, 'g1'))).toBe(true)
    expect(grants.find('g1~access')).toMatchObject({ id: 'g1~access' })
    expect(grants.list({ limit: 10 })).toEqual([grantAt(NOW, 'g1')])
    expect(clients.find('app')).toBeUndefined()
    expect(grants.transition('g1~access', 'other', credentialAt(NOW, 'g1~access'), [])).toBe(false)
    expect(grants.revoke({ userId: 'bob' }, NOW)).toBeUndefined()
    expect(grants.deleteExpired(NOW, 10)).toBe(0)
  })

  it('hands out what nobody can change, down to the innermost value', () => {
    const data = { request: { scopes: ['read'] } }
    grants.insert([credentialAt(NOW, 'g2~code', { data })])
    const found = grants.find('g2~code') as Credential
    expect(found.data).toEqual(data)
    for (const value of [found, found.scope, found.data, found.data.request]) expect(Object.isFrozen(value)).toBe(true)
    expect(Object.isFrozen(data.request)).toBe(false)
  })

  it('has one user for a grant, although a transition may change that user', () => {
    const { grants } = memoryStorage()
    grants.insert([credentialAt(NOW, 'g1~code', { userId: 'bob' })], grantAt(NOW, 'g1'))
    grants.transition('g1~code', 'valid', credentialAt(NOW, 'g1~code'), [], { ...grantAt(NOW, 'g1'), userId: 'bob' })
    expect(grants.list({ userId: 'ada', limit: 10 })).toEqual([])
    expect(grants.list({ userId: 'bob', limit: 10 })).toHaveLength(1)
  })
})

describe('memoryStorage stays small', () => {
  const ROWS = 20_000

  it('forgets expired credentials and grants without being asked', async () => {
    const { grants } = memoryStorage()
    for (let n = 0; n < ROWS; n++) {
      const id = `g${n}`
      grants.insert([credentialAt(NOW + n, `${id}~access`, { grantId: id })], grantAt(NOW + n, id))
    }
    // One row a second lives a minute and an hour: 3660 of them are due to be there. The walk looks at four a second, and so
    // is a quarter of what there is behind, at most.
    const most = 4900
    const listed = await grants.list({ limit: ROWS })
    expect(listed.length).toBeLessThan(most)
    expect(await grants.list({ userId: 'ada', limit: ROWS })).toEqual(listed)
    expect(await grants.deleteExpired(END, ROWS)).toBeLessThan(most)
    expect(await grants.list({ limit: ROWS })).toEqual([])
  })

  it('removes nothing fresh once a clock is right again that leapt two hours ahead', async () => {
    const { grants } = memoryStorage()
    grants.insert([credentialAt(NOW + 2 * HOUR, 'ahead~access')])
    for (let n = 0; n < 40; n++) {
      const [code, token] = [`g${n}~code`, `g${n}~access`]
      expect(grants.insert([credentialAt(NOW + n, code)])).toBe(true)
      for (let m = 0; m < 10; m++) grants.insert([credentialAt(NOW + n, `${n}-${m}~access`)])
      expect(grants.transition(code, 'valid', credentialAt(NOW + n, code), [credentialAt(NOW + n, token)])).toBe(true)
      expect(await grants.find(token)).toBeDefined()
    }
  })

  it('keeps what expired less than an hour ago, by the clock of the write', async () => {
    const { grants } = memoryStorage()
    grants.insert([credentialAt(NOW, 'g1~access')])
    const write = (issuedAt: number) => {
      for (let n = 0; n < 100; n++) grants.insert([credentialAt(issuedAt, `g${issuedAt}-${n}~access`)])
    }
    write(NOW + HOUR + 59)
    expect(await grants.find('g1~access')).toBeDefined()
    write(NOW + HOUR + 60)
    expect(await grants.find('g1~access')).toBeUndefined()
  })

  it('has as many rows for a session after a thousand refreshes as after two', async () => {
    const { grants } = memoryStorage()
    const id = 'g1'
    const refresh = (n: number) => credentialAt(NOW + n, `${id}~refresh`, { grantId: id, state: `${n}` })
    grants.insert([refresh(0)], grantAt(NOW, id))
    for (let n = 0; n < 1000; n++) {
      const access = credentialAt(NOW + n, `${id}~access-${n % 2}`, { grantId: id })
      expect(grants.transition(`${id}~refresh`, `${n}`, refresh(n + 1), [access], grantAt(NOW + n, id))).toBe(true)
    }
    expect(await grants.deleteExpired(END, ROWS)).toBe(3)
  })

  it('forgets a revocation once no token under it can be alive any more', async () => {
    const { grants } = memoryStorage()
    grants.insert([credentialAt(NOW, 'g0~access', { expiresAt: NOW + 90 * DAY })])
    grants.revoke({ grantId: 'g1' }, NOW)
    grants.revoke({ userId: 'ada' }, NOW)
    grants.revoke({ clientId: 'app' }, NOW)
    const isForgotten = async (now: number) => {
      for (let n = 0; n < 100; n++) grants.insert([credentialAt(now, `g${now}-${n}~access`)])
      const row = credentialAt(NOW, `g1~access-${now}`, { grantId: 'g1', expiresAt: END })
      grants.insert([row], grantAt(NOW, 'g1'))
      return (await grants.find(row.id)) !== undefined
    }
    expect(await isForgotten(NOW + 90 * DAY + HOUR - 1)).toBe(false)
    expect(await isForgotten(NOW + 90 * DAY + HOUR)).toBe(true)
  })
})

describe('memoryStorage lets others have their turn', () => {
  const MANY = 5000

  function manySessions(members: Partial<Credential> = {}) {
    const storage = memoryStorage()
    for (let n = 0; n < MANY; n++) {
      const id = `g${n}`
      storage.grants.insert([credentialAt(NOW, `${id}~access`, { grantId: id, ...members })], grantAt(NOW, id))
    }
    return storage
  }

  it('after a thousand rows at most', () => {
    expect(SLICE).toBeLessThanOrEqual(1000)
  })

  it('when something is listed for the first time', async () => {
    const { grants } = manySessions()
    expect(await turnsDuring(() => grants.list({ limit: 1 }))).toBeGreaterThanOrEqual(MANY / SLICE)
    expect(await turnsDuring(() => grants.list({ limit: 1 }))).toBeLessThanOrEqual(2)
  })

  it('in the middle of which rows come and go: the list has them as they are', async () => {
    const { grants } = manySessions()
    const listing = grants.list({ limit: 2 * MANY })
    await new Promise(setImmediate)
    for (let n = 0; n < MANY; n += 2) grants.revoke({ grantId: `g${n}` }, NOW)
    for (let n = 0; n < MANY; n++)
      grants.insert([credentialAt(NOW, `h${n}~access`, { grantId: `h${n}` })], grantAt(NOW, `h${n}`))
    const alive = (await grants.list({ limit: 3 * MANY })).map(({ id }) => id)
    expect(alive).toHaveLength(MANY / 2 + MANY)
    expect(alive).toEqual([...new Set(alive)].sort())
    expect((await listing).map(({ id }) => id)).toEqual(alive)
  })

  it('when a list passes over what a mark covers', async () => {
    const { grants } = manySessions()
    await grants.list({ limit: 1 })
    grants.revoke({ clientId: 'app' }, NOW)
    grants.insert([], { ...grantAt(NOW + 1, 'h'), clientId: 'app' })
    let found: unknown
    const list = async () => {
      found = await grants.list({ clientId: 'app', limit: 10 })
    }
    expect(await turnsDuring(list)).toBeGreaterThanOrEqual(MANY / SLICE)
    expect(found).toEqual([grantAt(NOW + 1, 'h')])
  })

  it('when clients are found by name for the first time', async () => {
    const { clients } = memoryStorage()
    const client = { version: 1, secretHashes: [], redirectUris: [], grantTypes: [], scopes: [], createdAt: NOW }
    for (let n = 0; n < MANY; n++) clients.insert({ ...client, clientId: `c${n}`, name: `App ${n}` } as never)
    const find = () => clients.listByName?.({ prefix: 'app 4', limit: MANY })
    expect(await turnsDuring(find)).toBeGreaterThanOrEqual(MANY / SLICE)
    expect(await find()).toHaveLength(1111)
  })

  it('when expired rows are deleted, and the grants that only they needed', async () => {
    const { grants } = manySessions()
    await grants.list({ limit: 1 })
    let removed: unknown
    const remove = async () => {
      removed = await grants.deleteExpired(END, 2 * MANY)
    }
    // as many grants as credentials
    expect(await turnsDuring(remove)).toBeGreaterThanOrEqual((2 * MANY) / SLICE)
    expect(removed).toBe(MANY)
    expect(await grants.list({ limit: 10 })).toEqual([])
  })

  it('when nothing is due, and each batch goes on behind the last: none looks at what is alive again', async () => {
    const { grants } = manySessions({ expiresAt: END + 1 })
    for (let n = 0; n < MANY; n++) grants.insert([credentialAt(NOW, `x${n}~access`)])
    const turns: number[] = []
    for (let removed = 10; removed === 10; ) {
      turns.push(await turnsDuring(async () => (removed = await grants.deleteExpired(NOW + HOUR, 10))))
    }
    expect(turns).toHaveLength(MANY / 10 + 1)
    // once over all rows, and over the grants at the end
    expect(turns.filter((turn) => turn > 2).reduce((all, turn) => all + turn, 0)).toBeLessThan((4 * MANY) / SLICE + 20)
    for (const id of ['x0~access', `x${MANY - 1}~access`]) expect(await grants.find(id)).toBeUndefined()
    expect(await grants.find('g0~access')).toBeDefined()
  })

  it('and goes on when maps are added beside the first: each row is there, listed, and removed once', async () => {
    const [before, all] = [99_000, 103_000]
    const { grants } = memoryStorage()
    const add = (from: number, to: number) => {
      for (let n = from; n < to; n++)
        grants.insert([credentialAt(NOW, `m${n}~a`, { grantId: `m${n}` })], grantAt(NOW, `m${n}`))
    }
    add(0, before)
    const listing = grants.list({ limit: 2 * all })
    await new Promise(setImmediate)
    expect(await grants.deleteExpired(NOW + HOUR, 100)).toBe(100)
    add(before, all)
    expect((await listing).length).toBeGreaterThanOrEqual(before)
    expect(await grants.list({ limit: 2 * all })).toHaveLength(all)
    for (const n of [200, before - 1, before + 1, all - 1]) expect(await grants.find(`m${n}~a`)).toBeDefined()
    const removed = [await grants.deleteExpired(NOW + HOUR, 2 * all), await grants.deleteExpired(NOW + HOUR, 2 * all)]
    expect(removed).toEqual([all - 100, 0])
    expect(await grants.list({ limit: 2 * all })).toEqual([])
  })

  it('and removes what came to be due behind the walk', async () => {
    const { grants } = memoryStorage()
    const row = (n: number, expiresAt: number) => credentialAt(NOW, `r${n}~access`, { expiresAt })
    for (let n = 0; n < 100; n++) grants.insert([row(n, NOW + (n % 2 === 0 ? 60 : 120))])
    expect(await grants.deleteExpired(NOW + 60, 45)).toBe(45)
    expect(await grants.deleteExpired(NOW + 120, 100)).toBe(55)
    expect(await grants.deleteExpired(END, 100)).toBe(0)
  })
})
