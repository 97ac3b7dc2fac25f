// What one call of the MySQL adapter sees of another, at the worst moments. Its procedures are transactions of their own, so
// one of them is held by a lock that the test has, or a row is written by a transaction that the test ends.
import { mysqlStorage } from 'express-authorization-server/mysql'
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise'
import type { OAuthStorage } from '../../src/storage'
import { code, credential, DAY, grant, HOUR, MINUTE, NOW, used } from '../../src/storage/contract/rows'
import { areWaiting, describeMysql, recorded, startMysql, type TestMysql } from './support/mysql'

jest.setTimeout(60_000)

describeMysql('mysqlStorage, at the worst moments', () => {
  let mysql: TestMysql
  let pool: Pool
  let storage: OAuthStorage
  let connection: PoolConnection
  /** Its single statements are on a connection of its own, in a transaction that the test ends. */
  let held: OAuthStorage

  beforeAll(async () => {
    mysql = await startMysql()
    pool = createPool({ uri: mysql.url, connectionLimit: 20 })
    await mysqlStorage(pool).migrate()
    connection = await pool.getConnection()
  })
  afterAll(async () => {
    connection.release()
    await pool.end()
    await mysql.stop()
  })
  beforeEach(async () => {
    for (const table of ['clients', 'grants', 'credentials', 'marks']) await pool.query(`DELETE FROM oauth_${table}`)
    storage = mysqlStorage(pool)
    held = mysqlStorage({ query: (statement) => connection.query(statement), getConnection: async () => connection })
    await connection.query('START TRANSACTION')
  })
  afterEach(() => connection.query('ROLLBACK'))

  const commit = () => connection.query('COMMIT')
  const lock = (table: string, id: string) =>
    connection.query(`SELECT id FROM oauth_${table} WHERE id = ? FOR UPDATE`, [id])

  const waiting = code({ userId: 'ada' })
  const stored = grant({ userId: 'ada' })
  const refresh = credential({ id: 'g1~refresh', grantId: 'g1', userId: 'ada', state: 'one', expiresAt: NOW + DAY })
  const access = credential({ grantId: 'g1', userId: 'ada' })
  const exchange = ({ grants }: OAuthStorage) =>
    grants.transition(waiting.id, 'fresh', used(waiting), [access, refresh], stored)
  const rotate = ({ grants }: OAuthStorage, to = 'two', extended = stored) =>
    grants.transition(refresh.id, 'one', { ...refresh, state: to }, [access], extended)

  async function nothingIsAlive(): Promise<void> {
    for (const { id } of [refresh, access, used(waiting)]) expect(await storage.grants.find(id)).toBeUndefined()
    expect(await storage.grants.list({ limit: 10 })).toEqual([])
  }

  it('waits for a revocation under way, and then refuses the refresh', async () => {
    await storage.grants.insert([refresh], stored)
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const refreshed = rotate(storage)
    await areWaiting(pool)
    await commit()
    expect(await refreshed).toBe(false)
    await nothingIsAlive()
    expect((await pool.query('SELECT state FROM oauth_credentials'))[0]).toEqual([{ state: Buffer.from('one') }])
  })

  it('waits for a revocation under way, and goes on when that is taken back', async () => {
    await storage.grants.insert([refresh], stored)
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const refreshed = rotate(storage)
    await areWaiting(pool)
    await connection.query('ROLLBACK')
    expect(await refreshed).toBe(true)
    expect(await storage.grants.find(access.id)).toEqual(access)
  })

  it('waits for a revocation under way also where it is given no grant to store', async () => {
    await storage.grants.insert([access], stored)
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const moved = storage.grants.transition(access.id, 'valid', { ...access, state: 'next' }, [])
    await areWaiting(pool)
    await commit()
    expect(await moved).toBe(false)
    await nothingIsAlive()
  })

  it('waits for a tombstone under way of a grant that is not there yet, and then refuses the exchange', async () => {
    await storage.grants.insert([waiting])
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const exchanged = exchange(storage)
    await areWaiting(pool)
    await commit()
    expect(await exchanged).toBe(false)
    // as if it had come after the revocation: the code is as it was
    expect(await storage.grants.find(waiting.id)).toEqual(waiting)
    expect((await pool.query('SELECT id FROM oauth_credentials'))[0]).toEqual([{ id: Buffer.from(waiting.id) }])
    expect(await storage.grants.list({ limit: 10 })).toEqual([])
  })

  it('makes a revocation wait for a refresh under way, which it then ends', async () => {
    const second = grant({ id: 'g2', userId: 'ada' })
    await storage.grants.insert([refresh], stored)
    await storage.grants.insert([], second)
    // it locks the grants in the order of their ids: it has the first one, and waits for the other
    await lock('grants', 'g2')
    const refreshed = rotate(storage, 'two', second)
    await areWaiting(pool, 1)
    const revoked = storage.grants.revoke({ grantId: 'g1' }, NOW)
    await areWaiting(pool, 2)
    await commit()
    expect(await refreshed).toBe(true)
    await revoked
    for (const { id } of [refresh, access]) expect(await storage.grants.find(id)).toBeUndefined()
    expect(await storage.grants.list({ limit: 10 })).toEqual([second])
  })

  it('makes an insert wait for a tombstone under way, and then refuses it', async () => {
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const inserted = storage.grants.insert([access], stored)
    await areWaiting(pool)
    await commit()
    expect(await inserted).toBe(false)
    await nothingIsAlive()
  })

  it('refuses a transition under a grant that a mark covers, also of a credential that began later', async () => {
    const later = { ...refresh, startedAt: NOW + 1 }
    await storage.grants.insert([later], stored)
    await storage.grants.revoke({ userId: 'ada' }, NOW)
    for (const extended of [undefined, { ...stored, startedAt: NOW + 1 }]) {
      const next = { ...later, state: 'two' }
      expect(await storage.grants.transition(later.id, 'one', next, [access], extended)).toBe(false)
    }
    await nothingIsAlive()
  })

  describe.each([{ userId: 'ada' }, { clientId: 'client-1' }])('revoking all of %p', (target) => {
    it('does not wait for an exchange and a refresh that began before it, and ends what they store', async () => {
      const [second, other] = [grant({ id: 'g2', userId: 'ada' }), { ...refresh, id: 'g2~refresh', grantId: 'g2' }]
      await storage.grants.insert([waiting])
      await storage.grants.insert([other], second)
      for (const { id } of [waiting, other]) await lock('credentials', id)
      const acting = [
        exchange(storage),
        storage.grants.transition(other.id, 'one', { ...other, state: 'two' }, [], second),
      ]
      await areWaiting(pool, 2)
      await storage.grants.revoke(target, NOW)
      await commit()
      await Promise.all(acting)
      await nothingIsAlive()
      expect(await storage.grants.find(other.id)).toBeUndefined()
    })

    it('stays in force for a long-lived token whose insert was under way', async () => {
      const late = credential({ userId: 'ada', expiresAt: NOW + 90 * DAY })
      await storage.grants.revoke(target, NOW)
      await storage.grants.insert([late])
      for (const days of [29, 31, 32, 60, 89]) {
        await storage.grants.deleteExpired(NOW + days * DAY, 100)
        expect(await storage.grants.find(late.id)).toBeUndefined()
      }
      for (const days of [90, 91]) await storage.grants.deleteExpired(NOW + days * DAY, 100)
      expect((await pool.query('SELECT owner FROM oauth_marks'))[0]).toEqual([])
    })
  })

  it('lets the second of two exchanges wait for the first, and lose', async () => {
    await storage.grants.insert([waiting])
    await lock('credentials', waiting.id)
    const both = [exchange(storage), exchange(storage)]
    await areWaiting(pool, 2)
    await commit()
    expect((await Promise.all(both)).sort()).toEqual([false, true])
    expect(await storage.grants.find(access.id)).toEqual(access)
  })

  it('answers an insert with false that waited for another one of its ids', async () => {
    await connection.query(
      `INSERT INTO oauth_credentials VALUES (?, 'k', 's', 'd', NULL, 'c', NULL, '[]', 1, 1, 1, '{}')`,
      [access.id],
    )
    const second = storage.grants.insert([credential({ id: 'g1~other' }), access])
    await areWaiting(pool)
    await commit()
    expect(await second).toBe(false)
    expect(await storage.grants.find('g1~other')).toBeUndefined()
  })

  it('replaces an access token that was being revoked by itself, with the newest version of everything', async () => {
    await storage.grants.insert([access, refresh], stored)
    await connection.query(`UPDATE oauth_credentials SET state = 'revoked' WHERE id = ?`, [access.id])
    const next = { ...access, digest: 'next', issuedAt: NOW + 1 }
    const refreshed = storage.grants.transition(refresh.id, 'one', { ...refresh, state: 'two' }, [next], stored)
    await areWaiting(pool)
    await commit()
    expect(await refreshed).toBe(true)
    expect(await storage.grants.find(access.id)).toEqual(next)
    expect(await storage.grants.find(refresh.id)).toEqual({ ...refresh, state: 'two' })
  })

  it('tries again what a deadlock has undone, and stores it once', async () => {
    await storage.grants.insert([access, refresh], stored)
    await lock('grants', 'g1')
    // it has the credentials, and waits for the grant. To end the less of the two, the test has written much
    await connection.query(
      `INSERT INTO oauth_clients (client_id, version, username, record) SELECT seq, 1, NULL, '{}' FROM seq_1_to_1000`,
    )
    const sent: string[] = []
    const refreshed = rotate(mysqlStorage(recorded(pool, sent)))
    await areWaiting(pool)
    await lock('credentials', refresh.id)
    await commit()
    expect(await refreshed).toBe(true)
    expect(sent.filter((sql) => sql.startsWith('CALL'))).toHaveLength(2)
    expect(await storage.grants.find(refresh.id)).toEqual({ ...refresh, state: 'two' })
  })

  it('goes on under any load of refreshes, revocations of single tokens, sweeps and inserts', async () => {
    await connection.query('ROLLBACK')
    const slots = ['g1~a', 'g1~b'].map((id) => ({ ...access, id }))
    await storage.grants.insert([...slots, refresh], stored)
    const refreshing = async () => {
      for (let n = 0; n < 60; n++) {
        const found = await storage.grants.find(refresh.id)
        if (!found) return
        const [next, added] = [{ ...refresh, state: `${n}` }, slots[n % 2] as typeof access]
        await storage.grants.transition(refresh.id, found.state, next, [added], stored)
      }
    }
    const revoking = async (token: typeof access) => {
      for (let n = 0; n < 60; n++) {
        await storage.grants.transition(token.id, 'valid', { ...token, state: 'revoked' }, [])
        await storage.grants.transition(token.id, 'revoked', token, [])
      }
    }
    const sweeping = async () => {
      for (let n = 0; n < 60; n++) {
        await storage.grants.insert([credential({ id: `s${n}~a`, expiresAt: NOW })])
        await storage.grants.deleteExpired(NOW, 100)
        await storage.grants.revoke({ userId: 'bob' }, NOW)
      }
    }
    const all = [refreshing(), refreshing(), refreshing(), sweeping(), sweeping()]
    await Promise.all([...all, ...slots.map(revoking), ...slots.map(revoking)])
    expect(await storage.grants.find(refresh.id)).toBeDefined()
  })

  describe('deleteExpired', () => {
    it('does not wait for a row that somebody is changing, and does not delete it', async () => {
      await storage.grants.insert([{ ...refresh, expiresAt: NOW }], grant({ userId: 'ada', expiresAt: NOW }))
      await storage.grants.insert([credential({ id: 'g2~access', expiresAt: NOW })])
      await lock('credentials', refresh.id)
      const refreshed = rotate(storage)
      await areWaiting(pool)
      expect(await storage.grants.deleteExpired(NOW + MINUTE, 100)).toBe(1)
      await commit()
      expect(await refreshed).toBe(true)
      expect(await storage.grants.deleteExpired(NOW + HOUR - 1, 100)).toBe(0)
      expect(await storage.grants.find(refresh.id)).toEqual({ ...refresh, state: 'two' })
      expect(await storage.grants.find(access.id)).toEqual(access)
    })

    it('keeps a grant that a refresh extends at that moment', async () => {
      await storage.grants.insert([refresh], grant({ userId: 'ada', expiresAt: NOW }))
      await lock('grants', 'g1')
      const refreshed = rotate(storage)
      await areWaiting(pool)
      await storage.grants.deleteExpired(NOW + MINUTE, 100)
      await commit()
      expect(await refreshed).toBe(true)
      await storage.grants.deleteExpired(NOW + MINUTE, 100)
      expect(await storage.grants.list({ limit: 10 })).toEqual([stored])
    })

    it('lets several processes share the work: each row is deleted and counted once', async () => {
      await connection.query('COMMIT')
      for (let n = 0; n < 20; n++) {
        const rows = Array.from({ length: 50 }, (_, m) => credential({ id: `g${n}~${m}`, grantId: `g${n}` }))
        await storage.grants.insert(rows, grant({ id: `g${n}`, expiresAt: NOW }))
      }
      const work = async () => {
        let total = 0
        for (let n = 0; n < 30; n++) total += await storage.grants.deleteExpired(NOW + HOUR, 40)
        return total
      }
      const counts = await Promise.all([work(), work(), work(), work()])
      expect(counts.reduce((sum, count) => sum + count)).toBe(1000)
      // grants whose credentials somebody else was just deleting were put off by a second
      await storage.grants.deleteExpired(NOW + HOUR + 1, 40)
      expect((await pool.query('SELECT id FROM oauth_grants'))[0]).toEqual([])
    })
  })
})
