// Each call of the contract is one statement in PostgreSQL, and each statement finds its rows by an index.
import { type PostgresPool, type PostgresQuery, postgresStorage } from 'express-authorization-server/postgres'
import { Pool, type PoolClient } from 'pg'
import type { OAuthStorage } from '../../src/storage'
import { planTimeout, storageCalls, storageRows } from './support/calls'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'

const { rows: ROWS, now: NOW } = storageRows

/** What stands in the tables: users with three grants each, grants with a code and three tokens each, and marks. */
const filling = `
INSERT INTO oauth_clients SELECT 'client-' || n, 1, 'user-' || n % 1000, '{}' FROM generate_series(1, ${ROWS}) AS n;
INSERT INTO oauth_grants SELECT 'g' || n, 'client-' || n % 100, 'user-' || n / 3, '[]', ${NOW}, ${NOW} + n, NULL, ${NOW} + n, '{}'
  FROM generate_series(1, ${ROWS}) AS n;
INSERT INTO oauth_credentials
  SELECT 'g' || n || '~' || kind, kind, 'state', 'digest', 'g' || n, 'client-' || n % 100, 'user-' || n / 3, '[]', ${NOW}, ${NOW}, ${NOW} + n, '{}'
  FROM generate_series(1, ${ROWS}) AS n, unnest(ARRAY['c', 'r', 'a', 'b']) AS kind;
INSERT INTO oauth_marks SELECT 'user', 'old-user-' || n, ${NOW}, ${NOW} + n, n % 2 = 0 FROM generate_series(1, ${ROWS}) AS n;
VACUUM ANALYZE`

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Total Cost': number
  Plans?: Plan[]
}

/** Every node of a plan, those of subplans and CTEs included. */
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

jest.setTimeout(planTimeout)

describePostgres('the statements of postgresStorage', () => {
  let postgres: TestPostgres
  let pool: Pool
  let connection: PoolClient
  const queries: PostgresQuery[] = []
  const counting: PostgresPool = {
    query(query) {
      queries.push(query)
      return pool.query(query)
    },
  }
  let storage: OAuthStorage

  beforeAll(async () => {
    postgres = await startPostgres()
    pool = new Pool({ connectionString: postgres.connectionString })
    await postgresStorage(pool).migrate()
    for (const statement of filling.split(';')) await pool.query(statement)
    connection = await pool.connect()
    storage = postgresStorage(counting)
    // the first call of a process looks at the version of the tables, too
    await storage.clients.find('client-1')
  })
  afterAll(async () => {
    connection.release()
    await pool.end()
    await postgres.stop()
  })

  /** The plan for these values, and the one for any values, which PostgreSQL may keep instead. */
  async function plansOf({ text, values = [] }: PostgresQuery): Promise<Plan[]> {
    const literals = values.map((value) => (value === null ? 'NULL' : connection.escapeLiteral(String(value))))
    const plans: Plan[] = []
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await connection.query(`SET plan_cache_mode = ${mode}; PREPARE planned AS ${text}`)
      const call = literals.length > 0 ? `planned(${literals})` : 'planned'
      const { rows } = await connection.query(`EXPLAIN (FORMAT JSON) EXECUTE ${call}`)
      await connection.query('DEALLOCATE planned')
      plans.push(rows[0]['QUERY PLAN'][0].Plan)
    }
    return plans
  }

  it.each(Object.entries(storageCalls))('%s: one round trip, by indexes', async (_, { call }) => {
    queries.length = 0
    await call(storage)
    expect(queries).toHaveLength(1)
    for (const plan of await plansOf(queries[0] as PostgresQuery)) {
      const reads = nodesOf(plan).filter((node) => node['Relation Name']?.startsWith('oauth_'))
      expect(reads.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
      // from this cost on PostgreSQL compiles a plan (jit_above_cost), which takes longer than all its rows
      expect(plan['Total Cost']).toBeLessThan(20_000)
    }
  })

  it('prepares what every request runs, under a name that is the same for the same text only', async () => {
    queries.length = 0
    await pool.query('CREATE SCHEMA empty')
    const inSchema = postgresStorage(counting, { schema: 'empty' })
    const find = ({ grants }: OAuthStorage) => Promise.resolve(grants.find('g1~r')).catch(() => undefined)
    return Promise.all([find(storage), find(postgresStorage(counting)), find(inSchema)]).then(() => {
      const [first, again, other] = queries.flatMap(({ name }) => name ?? [])
      expect(first).toMatch(/^oauth_[\w-]{43}$/)
      expect(again).toBe(first)
      expect(other).not.toBe(first)
      expect(other?.length).toBeLessThan(64)
    })
  })
})
