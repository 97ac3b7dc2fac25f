// What one statement of the PostgreSQL adapter sees of another, at the worst moments: one of them is held open in a
// transaction of its own while the other runs.
import { postgresStorage } from 'express-authorization-server/postgres'
import { Pool, type PoolClient } from 'pg'
import type { OAuthStorage } from '../../src/storage'
import { code, credential, DAY, grant, HOUR, MINUTE, NOW, used } from '../../src/storage/contract/rows'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'

jest.setTimeout(60_000)

describePostgres('postgresStorage, at the worst moments', () => {
  let postgres: TestPostgres
  let pool: Pool
  let storage: OAuthStorage
  let connection: PoolClient
  /** On a connection of its own, in a transaction that the test ends. */
  let held: OAuthStorage

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { deadlock_timeout: '200ms' } })
    pool = new Pool({ connectionString: postgres.connectionString, max: 20 })
    await postgresStorage(pool).migrate()
    connection = await pool.connect()
  })
  afterAll(async () => {
    connection.release()
    await pool.end()
    await postgres.stop()
  })
  beforeEach(async () => {
    await connection.query('TRUNCATE oauth_clients, oauth_grants, oauth_credentials, oauth_marks')
    storage = postgresStorage(pool)
    held = postgresStorage({ query: (query) => connection.query(query) })
    await connection.query('BEGIN')
  })
  afterEach(async () => {
    await connection.query('ROLLBACK')
    expect(await deadlocks()).toBe(0)
  })

  const deadlocks = async () => {
    const { rows } = await pool.query('SELECT sum(deadlocks)::int AS sum FROM pg_stat_database')
    return rows[0].sum
  }
  /** Resolves once a statement waits for a lock that the held transaction has. */
  async function isWaiting(): Promise<void> {
    const { rows } = await connection.query('SELECT pg_backend_pid() AS pid')
    for (;;) {
      const found = await pool.query('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [
        rows[0].pid,
      ])
      if (found.rows.length > 0) return
    }
  }
  const commit = () => connection.query('COMMIT')

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
    await isWaiting()
    await commit()
    expect(await refreshed).toBe(false)
    await nothingIsAlive()
    const { rows } = await pool.query(`SELECT state FROM oauth_credentials ORDER BY id`)
    expect(rows).toEqual([{ state: 'one' }])
  })

  it('waits for a revocation under way, and goes on when that is taken back', async () => {
    await storage.grants.insert([refresh], stored)
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const refreshed = rotate(storage)
    await isWaiting()
    await connection.query('ROLLBACK')
    expect(await refreshed).toBe(true)
    expect(await storage.grants.find(access.id)).toEqual(access)
  })

  it('waits for a revocation under way also where it is given no grant to store', async () => {
    await storage.grants.insert([access], stored)
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const moved = storage.grants.transition(access.id, 'valid', { ...access, state: 'next' }, [])
    await isWaiting()
    await commit()
    expect(await moved).toBe(false)
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

  it('waits for a tombstone under way of a grant that is not there yet, and then refuses the exchange', async () => {
    await storage.grants.insert([waiting])
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const exchanged = exchange(storage)
    await isWaiting()
    await commit()
    expect(await exchanged).toBe(false)
    // as if it had come after the revocation: the code is as it was
    expect(await storage.grants.find(waiting.id)).toEqual(waiting)
    const { rows } = await pool.query('SELECT id FROM oauth_credentials')
    expect(rows).toEqual([{ id: waiting.id }])
    expect(await storage.grants.list({ limit: 10 })).toEqual([])
  })

  it('makes a revocation wait for an exchange and a refresh under way, which it then ends', async () => {
    for (const [ready, act] of [
      [[waiting], exchange],
      [[refresh], rotate],
    ] as const) {
      await connection.query('TRUNCATE oauth_grants, oauth_credentials; COMMIT')
      await storage.grants.insert(ready, act === rotate ? stored : undefined)
      await connection.query('BEGIN')
      expect(await act(held)).toBe(true)
      const revoked = storage.grants.revoke({ grantId: 'g1' }, NOW)
      await isWaiting()
      await commit()
      await revoked
      await nothingIsAlive()
    }
  })

  it('makes an insert wait for a tombstone under way, and then refuses it', async () => {
    await held.grants.revoke({ grantId: 'g1' }, NOW)
    const inserted = storage.grants.insert([access], stored)
    await isWaiting()
    await commit()
    expect(await inserted).toBe(false)
    await nothingIsAlive()
  })

  describe.each([{ userId: 'ada' }, { clientId: 'client-1' }])('revoking all of %p', (target) => {
    it('ends what an exchange, a refresh and an insert stored that began before it and ended after it', async () => {
      const [second, late] = [grant({ id: 'g2', userId: 'ada' }), credential({ id: 'g3~access', userId: 'ada' })]
      const other = { ...refresh, id: 'g2~refresh', grantId: 'g2' }
      await storage.grants.insert([waiting])
      await storage.grants.insert([other], second)
      expect(await exchange(held)).toBe(true)
      expect(await held.grants.transition(other.id, 'one', { ...other, state: 'two' }, [], second)).toBe(true)
      expect(await held.grants.insert([late])).toBe(true)
      await storage.grants.revoke(target, NOW)
      await commit()
      await nothingIsAlive()
      for (const { id } of [other, late]) expect(await storage.grants.find(id)).toBeUndefined()
    })

    it('ends what an exchange stored that ran while it was under way', async () => {
      await storage.grants.insert([waiting])
      await held.grants.revoke(target, NOW)
      expect(await exchange(storage)).toBe(true)
      await commit()
      await nothingIsAlive()
    })

    it('stays in force for a long-lived token whose insert was under way', async () => {
      const late = credential({ userId: 'ada', expiresAt: NOW + 90 * DAY })
      await held.grants.insert([late])
      await storage.grants.revoke(target, NOW)
      await commit()
      for (const days of [29, 31, 32, 60, 89]) {
        await storage.grants.deleteExpired(NOW + days * DAY, 100)
        expect(await storage.grants.find(late.id)).toBeUndefined()
      }
      for (const days of [90, 91]) await storage.grants.deleteExpired(NOW + days * DAY, 100)
      expect((await pool.query('SELECT FROM oauth_marks')).rows).toEqual([])
    })
  })

  it('lets the second of two exchanges wait for the first, and lose', async () => {
    await storage.grants.insert([waiting])
    expect(await exchange(held)).toBe(true)
    const second = exchange(storage)
    await isWaiting()
    await commit()
    expect(await second).toBe(false)
    expect(await storage.grants.find(access.id)).toEqual(access)
  })

  it('lets the second of two exchanges win where the first is taken back', async () => {
    await storage.grants.insert([waiting])
    expect(await exchange(held)).toBe(true)
    const second = exchange(storage)
    await isWaiting()
    await connection.query('ROLLBACK')
    expect(await second).toBe(true)
  })

  it('answers an insert with false that waited for another one of its ids', async () => {
    expect(await held.grants.insert([access], stored)).toBe(true)
    const second = storage.grants.insert([credential({ id: 'g1~other' }), access])
    await isWaiting()
    await commit()
    expect(await second).toBe(false)
    expect(await storage.grants.find('g1~other')).toBeUndefined()
  })

  it('replaces an access token that was being revoked by itself, with the newest version of everything', async () => {
    await storage.grants.insert([access, refresh], stored)
    expect(await held.grants.transition(access.id, 'valid', { ...access, state: 'revoked' }, [])).toBe(true)
    const next = { ...access, digest: 'next', issuedAt: NOW + 1 }
    const refreshed = storage.grants.transition(refresh.id, 'one', { ...refresh, state: 'two' }, [next], stored)
    await isWaiting()
    await commit()
    expect(await refreshed).toBe(true)
    expect(await storage.grants.find(access.id)).toEqual(next)
    expect(await storage.grants.find(refresh.id)).toEqual({ ...refresh, state: 'two' })
  })

  it('never deadlocks: refreshes, revocations of single tokens, and revocations of the grant', async () => {
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
    await Promise.all([refreshing(), refreshing(), refreshing(), ...slots.map(revoking), ...slots.map(revoking)])
    expect(await storage.grants.find(refresh.id)).toBeDefined()
  })

  describe('deleteExpired', () => {
    it('does not wait for a row that somebody is changing, and does not delete it', async () => {
      const expired = { ...refresh, expiresAt: NOW }
      await storage.grants.insert([expired], grant({ userId: 'ada', expiresAt: NOW }))
      await storage.grants.insert([credential({ id: 'g2~access', expiresAt: NOW })])
      expect(await rotate(held)).toBe(true)
      expect(await storage.grants.deleteExpired(NOW + MINUTE, 100)).toBe(1)
      await commit()
      expect(await storage.grants.deleteExpired(NOW + HOUR - 1, 100)).toBe(0)
      expect(await storage.grants.find(refresh.id)).toEqual({ ...refresh, state: 'two' })
      expect(await storage.grants.find(access.id)).toEqual(access)
    })

    it('makes nobody wait but for the rows that it deletes', async () => {
      const rows = Array.from({ length: 50 }, (_, n) => credential({ id: `g9~${n}`, expiresAt: NOW }))
      await storage.grants.insert(rows)
      await storage.grants.insert([waiting])
      expect(await held.grants.deleteExpired(NOW, 20)).toBe(20)
      // no lock of a table: a transition, an insert, a revocation, and the next batch of another process
      expect(await exchange(storage)).toBe(true)
      expect(await storage.grants.insert([credential({ id: 'g2~access', expiresAt: NOW })])).toBe(true)
      await storage.grants.revoke({ userId: 'bob' }, NOW)
      expect(await storage.grants.deleteExpired(NOW, 100)).toBe(31)
      await commit()
      expect(await storage.grants.deleteExpired(NOW, 100)).toBe(0)
    })

    it('keeps a grant that a refresh extends at that moment', async () => {
      await storage.grants.insert([refresh], grant({ userId: 'ada', expiresAt: NOW }))
      expect(await rotate(held, 'two', stored)).toBe(true)
      await storage.grants.deleteExpired(NOW + MINUTE, 100)
      await commit()
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
      expect((await pool.query('SELECT FROM oauth_grants')).rows).toEqual([])
    })
  })
})
