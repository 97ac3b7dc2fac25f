/** Pools that lend one connection at a time, as Knex and Sequelize have them under their own doors. */

/** The `client` of Knex, or the `connectionManager` of Sequelize: it lends connections of the pool that the host has. */
export type ConnectionLender = {
  /** Gives a connection back to the pool. */
  releaseConnection(connection: unknown): unknown
} & (
  | {
      /** Takes a connection of the pool: Knex. */
      acquireConnection(): Promise<unknown>
    }
  | {
      /** Takes a connection to the primary: Sequelize. */
      getConnection(which: { type: 'write' }): Promise<unknown>
    }
)

/** A lender with one name for each of its two sides. */
export interface Lender {
  take(): Promise<unknown>
  giveBack(connection: unknown): unknown
}

/** The lender that `given` is, or undefined. */
export function lenderOf(given: unknown): Lender | undefined {
  const named = given as Partial<Record<'acquireConnection' | 'getConnection' | 'releaseConnection', unknown>> | null
  const take = named?.acquireConnection ?? named?.getConnection
  const giveBack = named?.releaseConnection
  if (typeof take !== 'function' || typeof giveBack !== 'function') return undefined
  return {
    take: () => take.call(given, { type: 'write' }),
    giveBack: (connection) => giveBack.call(given, connection),
  }
}

/** Runs `use` on a connection of its own, and gives that back, also after a failure. */
export async function onLoan<Result>(lender: Lender, use: (connection: unknown) => Promise<Result>): Promise<Result> {
  const connection = await lender.take()
  try {
    return await use(connection)
  } finally {
    lender.giveBack(connection)
  }
}
