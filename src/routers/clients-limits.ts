/** What users who are no administrators may have in the clients API: which grants, and how many clients. */
import { grantTypesOf } from '../clients/client'
import { OAuthError } from '../errors'
import type { AuthorizationServer } from '../types/authorization-server'

/** The grants that their clients may have. Throws at start-up where every new client has another one. */
export function ownGrantTypes(
  server: AuthorizationServer,
  grantTypes: readonly string[] | undefined,
  defaults: readonly string[] | undefined,
): readonly string[] {
  const usual = grantTypesOf({}).filter((grantType) => server.grants.has(grantType))
  const allowed = grantTypes ?? [...usual, ...(defaults ?? [])]
  if (!Array.isArray(allowed))
    throw new TypeError("clientsRouter's grantTypes must be a list such as ['refresh_token']")
  const unknown = allowed.find((grantType) => !server.grants.has(grantType))
  if (unknown !== undefined) throw new TypeError(`clientsRouter: the server has no grant type ${unknown}`)
  const beyond = defaults?.find((grantType) => !allowed.includes(grantType))
  if (beyond === undefined) return allowed
  throw new TypeError(`clientsRouter's defaults give every client ${beyond}: name it in grantTypes, too, or in neither`)
}

/** Makes a client for a user who has fewer than `most`. */
export function clientQuota(server: AuthorizationServer, most: number) {
  if (!Number.isSafeInteger(most) || most < 0) {
    throw new TypeError("clientsRouter's clientsPerUser must be a whole number such as 100")
  }
  const underWay = new Map<string, number>()
  return async <T>(username: string, make: () => Promise<T>): Promise<T> => {
    const before = underWay.get(username) ?? 0
    underWay.set(username, before + 1)
    try {
      // those under way count, or many at once would pass together
      const owned = before < most ? (await server.storage.clients.list({ username, limit: most })).length : 0
      if (owned + before < most) return await make()
      throw new OAuthError('access_denied', `A user may have at most ${most} clients: delete one first.`)
    } finally {
      const left = (underWay.get(username) as number) - 1
      if (left === 0) underWay.delete(username)
      else underWay.set(username, left)
    }
  }
}
