import { postgresStorage } from 'express-authorization-server/postgres'
import { storageContract } from 'express-authorization-server/storage-contract'
import { Pool } from 'pg'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'

let postgres: TestPostgres
const pools: Pool[] = []

describePostgres('postgresStorage', () => {
  beforeAll(async () => {
    postgres = await startPostgres()
    for (let n = 0; n < 2; n++) pools.push(new Pool({ connectionString: postgres.connectionString, max: 20 }))
    await postgresStorage(pools[0] as Pool).migrate()
  })
  afterAll(async () => {
    for (const pool of pools) await pool.end()
    await postgres.stop()
  })

  storageContract({
    describe,
    test,
    async create() {
      await pools[0]?.query('TRUNCATE oauth_clients, oauth_grants, oauth_credentials, oauth_marks')
      return pools.map((pool) => postgresStorage(pool))
    },
  })
})
