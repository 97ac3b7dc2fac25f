/** Personal access tokens as their user sees them: whole lists, and pages of long lists. */
import { isExpired } from '../credentials/bound'
import type { Scope } from '../rules/scope'
import type { Grant } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { personalDataOf } from './personal-tokens'

/** A personal access token, as lists show it: without its secret, which only its user has. */
export interface PersonalToken {
  /** The id for `revokePersonalToken`. Requests with the token, and events, have it as `grantId`. */
  readonly id: string
  readonly clientId: string
  readonly userId: string
  readonly name: string
  readonly scope: Scope
  /** Seconds. */
  readonly createdAt: number
  /** Seconds. */
  readonly expiresAt: number
  /** When the token was last used, accurate to one hour. Seconds. Omitted before its first use. */
  readonly lastUsedAt?: number
}

/**
 * Returns the live personal tokens of a user at one client, at most `limit` after the id `after`, and whether more may
 * follow.
 */
export async function pageOfPersonalTokens(
  server: AuthorizationServer,
  query: { userId: string; clientId: string; after?: string },
  limit: number,
): Promise<{ tokens: PersonalToken[]; next?: string }> {
  const found = await server.storage.grants.list({ ...query, limit: limit + 1 })
  const page = found.slice(0, limit)
  const tokens = page.filter((grant) => personalDataOf(grant) !== undefined && !isExpired(server, grant)).map(describe)
  return { tokens, ...(found.length > limit && { next: (page.at(-1) as Grant).id }) }
}

export function describe(grant: Grant): PersonalToken {
  const { id, clientId, userId, scope, startedAt: createdAt, expiresAt } = grant
  const { name, lastUsedAt } = personalDataOf(grant)
  const used = lastUsedAt === undefined ? {} : { lastUsedAt }
  return { id, clientId, userId: userId as string, name, scope, createdAt, expiresAt, ...used }
}
