/** What was authorized, as one value: it goes from the request to the code, to the tokens and to introspection. Types only. */
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'

/**
 * What was authorized: whose, for what, since when. The digest of every credential covers all of it. A member that is added
 * here is bound, kept through every refresh, and stands in the grant's row, without a change anywhere else.
 */
export interface Authorization {
  readonly clientId: string
  /** The resource owner. Left out where the client acts for itself. */
  readonly userId?: string
  /** The grant that it is, or is of. Left out where there is none, or none yet. */
  readonly grantId?: string
  readonly scope: Scope
  /** When the request that began it arrived. Seconds. */
  readonly startedAt: number
  /** The resources that it is for (RFC 8707). Left out where the server has none. */
  readonly audience?: Audience
}
