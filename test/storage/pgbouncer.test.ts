// PostgreSQL behind a real PgBouncer in transaction mode, whose connections are nobody's for longer than a statement.
import { postgresStorage } from 'express-authorization-server/postgres'
import { Pool } from 'pg'
import { credential } from '../../src/storage/contract/rows'
import { describePgBouncer, startPgBouncer } from './support/pgbouncer'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'

jest.setTimeout(60_000)

describePostgres('postgresStorage behind PgBouncer', () => {
  describePgBouncer('in transaction mode', () => {
    let postgres: TestPostgres
    beforeAll(async () => {
      postgres = await startPostgres()
    })
    afterAll(() => postgres.stop())

    /** Many clients on few connections. Gives the warnings. */
    async function load(statements: number, prepare: boolean): Promise<string[]> {
      const bouncer = await startPgBouncer(postgres.port, statements)
      const pool = new Pool({ connectionString: bouncer.connectionString, max: 20 })
      const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
      try {
        const storage = postgresStorage(pool, { prepare })
        await storage.migrate()
        for (let round = 0; round < 20; round++) {
          const ids = Array.from({ length: 40 }, (_, n) => `${prepare}${statements}-${round}-${n}~a`)
          const rows = ids.map((id) => credential({ id, grantId: undefined as never }))
          const stored = await Promise.all(rows.map((row) => storage.grants.insert([row])))
          const found = await Promise.all(ids.map((id) => storage.grants.find(id)))
          expect([stored.every(Boolean), found.every(Boolean)]).toEqual([true, true])
        }
        return warn.mock.calls.map(([message]) => String(message))
      } finally {
        warn.mockRestore()
        await pool.end()
        await bouncer.stop()
      }
    }

    it('that keeps no prepared statements goes on without them, and says once which it is', async () => {
      expect(await load(0, true)).toEqual([
        expect.stringMatching(
          /goes on without prepared statements: a pooler .* Set postgresStorage\(pool, \{ prepare: /,
        ),
      ])
    })

    it('has nothing to say with prepare: false', async () => {
      expect(await load(0, false)).toEqual([])
    })
  })
})
