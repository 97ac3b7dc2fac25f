/** What a client record says of OpenID Connect: OpenID Connect Dynamic Client Registration §2. Types only. */

export interface OpenIdClientMembers {
  /**
   * The algorithm of its id_tokens, one of the `keys` of `openid()`.
   * @default that of the first key
   */
  readonly idTokenSignedResponseAlg?: string
  /**
   * The algorithm of its answers from the userinfo endpoint, which are then signed JWTs.
   * @default the answers are plain JSON
   */
  readonly userinfoSignedResponseAlg?: string
  /** Seconds since its users signed in, at most, where a request has no `max_age`. @default any sign-in will do */
  readonly defaultMaxAge?: number
  /** Whether its id_tokens must have `auth_time`. All have it. @default false */
  readonly requireAuthTime?: boolean
  /** The wanted authentication context classes of a request that names none, best first. @default none */
  readonly defaultAcrValues?: readonly string[]
}
