/** Pools that lend one connection at a time, as Knex and Sequelize have them internally. */

/** The `client` of Knex, or the `connectionManager` of Sequelize: lends connections of the host's pool. */
export type ConnectionLender = {
  /** Returns a connection to the pool. */
  releaseConnection(connection: unknown): unknown
} & (
  | {
      /** Takes a connection (Knex). */
      acquireConnection(): Promise<unknown>
    }
  | {
      /** Takes a connection to the primary (Sequelize). */
      getConnection(which: { type: 'write' }): Promise<unknown>
    }
)

/** Any lender, with the same two methods. */
export interface Lender {
  take(): Promise<unknown>
  giveBack(connection: unknown): unknown
}

/** Returns the lender in `given`. Undefined if it is not one. */
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

/** Runs `use` on a connection, and returns the connection even after a failure. */
export async function onLoan<Result>(lender: Lender, use: (connection: unknown) => Promise<Result>): Promise<Result> {
  const connection = await lender.take()
  try {
    return await use(connection)
  } finally {
    lender.giveBack(connection)
  }
}
