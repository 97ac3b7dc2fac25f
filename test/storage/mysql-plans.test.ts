// Each call of the contract is one round trip to MySQL, and reads a few rows of tables that have many: by an index.
import { type MysqlPool, mysqlStorage } from 'express-authorization-server/mysql'
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise'
import type { OAuthStorage } from '../../src/storage'
import { planTimeout, storageCalls, storageRows } from './support/calls'
import { describeMysql, startMysql, type TestMysql } from './support/mysql'

const { rows: ROWS, now: NOW } = storageRows

/** What stands in the tables: users with three grants each, grants with a code and three tokens each, and marks. */
const filling = [
  `INSERT INTO oauth_clients SELECT CONCAT('client-', seq), 1, CONCAT('user-', seq % 1000), '{}' FROM seq_1_to_${ROWS}`,
  `INSERT INTO oauth_grants SELECT CONCAT('g', seq), CONCAT('client-', seq % 100), CONCAT('user-', seq DIV 3), '[]', ${NOW},
    ${NOW} + seq, NULL, ${NOW} + seq, '{}' FROM seq_1_to_${ROWS}`,
  ...['c', 'r', 'a', 'b'].map(
    (
      kind,
    ) => `INSERT INTO oauth_credentials SELECT CONCAT('g', seq, '~${kind}'), '${kind}', 'state', 'digest', CONCAT('g', seq),
    CONCAT('client-', seq % 100), CONCAT('user-', seq DIV 3), '[]', ${NOW}, ${NOW}, ${NOW} + seq, '{}' FROM seq_1_to_${ROWS}`,
  ),
  `INSERT INTO oauth_marks SELECT 'user', CONCAT('old-user-', seq), ${NOW}, ${NOW} + seq, seq % 2 FROM seq_1_to_${ROWS}`,
  'ANALYZE TABLE oauth_clients, oauth_grants, oauth_credentials, oauth_marks',
]

jest.setTimeout(planTimeout)

describeMysql('the statements of mysqlStorage', () => {
  let mysql: TestMysql
  let pool: Pool
  let connection: PoolConnection
  let storage: OAuthStorage
  let calls = 0

  beforeAll(async () => {
    mysql = await startMysql({ 'innodb-buffer-pool-size': ROWS > 100_000 ? '2G' : '128M' })
    pool = createPool(mysql.url)
    await mysqlStorage(pool).migrate()
    for (const statement of filling) await pool.query(statement)
    connection = await pool.getConnection()
    const counting: MysqlPool = {
      query(statement) {
        calls++
        return connection.query(statement)
      },
      getConnection: async () => connection,
    }
    storage = mysqlStorage(counting)
    // the first call of a process looks at the version of the tables, too
    await storage.clients.find('client-1')
  })
  afterAll(async () => {
    connection.release()
    await pool.end()
    await mysql.stop()
  })

  /** How many rows and entries of indexes this session has read, those of its procedures included. */
  async function rowsRead(): Promise<number> {
    const [rows] = await connection.query(`SHOW SESSION STATUS LIKE 'Handler_read%'`)
    return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0)
  }

  // which it does not have
  const { 'clients.listByName': _, ...those } = storageCalls

  it.each(Object.entries(those))('%s: one round trip, by indexes', async (_, { call, rows }) => {
    const [before, idle] = [await rowsRead(), await rowsRead()]
    calls = 0
    await call(storage)
    expect(calls).toBe(1)
    // less what the question itself reads
    const read = (await rowsRead()) - idle - (idle - before)
    expect(read).toBeLessThan(60 + 12 * rows)
  })
})
