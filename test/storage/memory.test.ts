import { storageContract } from 'express-authorization-server/storage-contract'
import type { Credential, Grant } from '../../src/storage'
import { memoryStorage } from '../../src/storage/memory/memory'

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
    // One row a second lives a minute and an hour: 3660 of them are due to be there, and the walk is a little behind.
    const listed = await grants.list({ limit: ROWS })
    expect(listed.length).toBeLessThan(4500)
    expect(await grants.list({ userId: 'ada', limit: ROWS })).toEqual(listed)
    expect(await grants.deleteExpired(END, ROWS)).toBeLessThan(4500)
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
