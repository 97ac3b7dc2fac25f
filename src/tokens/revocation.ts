/** How sessions end. */
import type { AuthorizationServer } from '../types/authorization-server'

/** When a `maxAge` ends the session, also one that came later than the session. */
export function sessionEnd({ refreshTokens }: AuthorizationServer, startedAt: number): number {
  return startedAt + (refreshTokens?.maxAge ?? Number.POSITIVE_INFINITY)
}
