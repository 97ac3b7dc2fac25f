// Each call of the contract is one round trip to MySQL, and reads a few rows of tables that have many: by an index.
import { type MysqlPool, mysqlStorage } from 'express-authorization-server/mysql'
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise'
import type { Client, OAuthStorage } from '../../src/storage'
import type { NameQuery } from '../../src/storage/client-names'
import { planTimeout, storageCalls, storageRows } from './support/calls'
import { describeMysql, startMysql, type TestMysql } from './support/mysql'

const { rows: ROWS, now: NOW } = storageRows

/** What stands in the tables: users with three grants each, grants with a code and three tokens each, and marks. */
const filling = [
  // a half of them has one name: the cursor of 'clients.listByName' is in the middle of those
  `INSERT INTO oauth_clients (client_id, version, username, record)
    SELECT CONCAT('client-', seq), 1, CONCAT('user-', seq % 1000), CONCAT('{"name":"App', IF(seq % 2, '', seq), '"}') FROM seq_1_to_${ROWS}`,
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
  const statements: string[] = []

  beforeAll(async () => {
    mysql = await startMysql({ 'innodb-buffer-pool-size': ROWS > 100_000 ? '2G' : '128M' })
    pool = createPool(mysql.url)
    await mysqlStorage(pool).migrate()
    for (const statement of filling) await pool.query(statement)
    connection = await pool.getConnection()
    const counting: MysqlPool = {
      query(statement) {
        statements.push(statement.sql)
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

  it.each(Object.entries(storageCalls))('%s: one round trip, by indexes', async (_, { call, rows }) => {
    const [before, idle] = [await rowsRead(), await rowsRead()]
    statements.length = 0
    await call(storage)
    expect(statements).toHaveLength(1)
    // less what the question itself reads
    const read = (await rowsRead()) - idle - (idle - before)
    expect(read).toBeLessThan(60 + 12 * rows)
  })

  it.each<[string, NameQuery]>([
    ['the first page', { prefix: 'app', limit: 100 }],
    ['a page within one name', { prefix: 'app', after: { name: 'App', clientId: 'client-5' }, limit: 100 }],
    ['the last page of one name', { prefix: 'app', after: { name: 'App', clientId: 'client-9998' }, limit: 100 }],
    ['a page behind a name', { prefix: 'app', after: { name: 'App 1', clientId: 'z' }, limit: 100 }],
    ['a page behind the prefix', { prefix: 'app', after: { name: 'b', clientId: 'z' }, limit: 100 }],
    ['a page before the prefix', { prefix: 'app1', after: { name: 'a', clientId: '' }, limit: 100 }],
  ])('listByName reads %s from the index, and no more than it returns', async (_, query) => {
    statements.length = 0
    const [before, idle] = [await rowsRead(), await rowsRead()]
    const found = (await storage.clients.listByName?.(query)) as Client[]
    const read = (await rowsRead()) - idle - (idle - before)
    expect(found.filter(({ name }) => !name?.toLowerCase().startsWith(query.prefix))).toEqual([])
    // an entry of the index and its row, and one for the end of each stretch
    expect(read).toBeLessThanOrEqual(2 * found.length + 6)
    const [plan] = await connection.query(`EXPLAIN ${statements[0]}`)
    expect(plan).toMatchObject([{ type: 'range', key: 'by_name' }])
    if (found.length > 0) expect((plan as { Extra: string }[])[0]?.Extra).not.toContain('filesort')
  })
})
