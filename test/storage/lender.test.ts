// Pools that lend one connection at a time, as Knex and Sequelize do: test/pools has these packages themselves.
import { mysqlStorage } from 'express-authorization-server/mysql'
import { type ConnectionLender, postgresStorage } from 'express-authorization-server/postgres'

/** Lends what it is given, and notes what is taken and given back. */
function lenderOf(connection: unknown) {
  const calls: unknown[] = []
  const take = async (...which: unknown[]) => {
    calls.push(['take', ...which])
    return connection
  }
  const releaseConnection = (given: unknown) => void calls.push(['give back', given === connection])
  return { calls, take, releaseConnection }
}

describe.each([
  ['postgresStorage', postgresStorage, 'connections of pg'],
  ['mysqlStorage', mysqlStorage, 'connections of mysql2'],
])('%s on a pool that lends connections', (name, storage, wanted) => {
  it('says so where they are of another driver, and gives each back', async () => {
    for (const connection of [{}, { query: async () => ({ rows: [] }) }, 'x']) {
      const { calls, take, releaseConnection } = lenderOf(connection)
      const { clients } = storage({ acquireConnection: take, releaseConnection })
      await expect(clients.find('a')).rejects.toThrow(
        `${name} needs ${wanted}, and this pool has those of another driver`,
      )
      expect(calls).toEqual([
        ['take', { type: 'write' }],
        ['give back', true],
      ])
    }
  })

  it('gives the connection of a migration back, too', async () => {
    const { calls, take, releaseConnection } = lenderOf({})
    await expect(storage({ getConnection: take, releaseConnection }).migrate()).rejects.toThrow(wanted)
    expect(calls).toEqual([
      ['take', { type: 'write' }],
      ['give back', true],
    ])
  })

  it('takes connections to the primary, and none before it needs one', async () => {
    const { calls, take, releaseConnection } = lenderOf({})
    const { clients } = storage({ getConnection: take, releaseConnection })
    expect(calls).toEqual([])
    await Promise.resolve(clients.find('a')).catch(() => undefined)
    expect(calls[0]).toEqual(['take', { type: 'write' }])
  })

  it('fails as taking one does', async () => {
    const acquireConnection = () => Promise.reject(new Error('the pool is full'))
    const { clients } = storage({ acquireConnection, releaseConnection() {} })
    await expect(clients.find('a')).rejects.toThrow('the pool is full')
  })

  it('needs both sides of it', () => {
    const half: unknown[] = [{ acquireConnection() {} }, { releaseConnection() {} }]
    for (const given of half) expect(() => storage(given as ConnectionLender)).toThrow(`${name} needs a Pool of`)
  })
})
