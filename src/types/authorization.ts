/** What was authorized, as one value: it goes from the request to the code, to the tokens and to introspection. Types only. */
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'

/**
 * An authorization: its client, user, scope and start. The digest of every credential covers all of it. A member that is
 * added here is bound, kept through every refresh, and stored in the grant's row, without a change anywhere else.
 */
export interface Authorization {
  readonly clientId: string
  /** The resource owner. Left out where the client acts for itself. */
  readonly userId?: string
  /** Its grant. Left out where no grant exists, or not yet. */
  readonly grantId?: string
  readonly scope: Scope
  /** When the request that began it arrived. Seconds. */
  readonly startedAt: number
  /** The resources that it is for (RFC 8707). Left out where the server has none. */
  readonly audience?: Audience
}
