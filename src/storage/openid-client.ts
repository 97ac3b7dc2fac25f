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
  /** Where browsers may be sent after its users have signed out (RP-Initiated Logout 1.0 §3.1). @default nowhere */
  readonly postLogoutRedirectUris?: readonly string[]
  /**
   * The https URL that is told when a session of its users has ended (Back-Channel Logout 1.0 §2.2). An empty string
   * removes the member.
   * @default none: it is not told
   */
  readonly backchannelLogoutUri?: string
  /** Whether it must be told which session that was: without a `sid` it is not told. @default false */
  readonly backchannelLogoutSessionRequired?: boolean
  /** `'web'` or `'native'`: which rules its redirect URIs keep (Dynamic Client Registration §2). @default neither */
  readonly applicationType?: string
  /** How its users are named: `'public'` or `'pairwise'`, which is that of `openid()`. @default that of `openid()` */
  readonly subjectType?: string
  /**
   * The https URL of a JSON list with each of its redirect URIs. All clients with URLs of one host get the same `sub`
   * from `pairwise()`. It is fetched when the record is stored. An empty string removes the member.
   * @default the host of its redirect URIs
   */
  readonly sectorIdentifierUri?: string
  /** Where a sign-in at the client can begin (Core §4); for your own pages. @default none */
  readonly initiateLoginUri?: string
  /** Whom to write to about it. @default none */
  readonly contacts?: readonly string[]
  /** Its page. @default none */
  readonly clientUri?: string
  /** Its logo, which no page here shows. @default none */
  readonly logoUri?: string
  /** Its privacy policy, which the consent page links. @default none */
  readonly policyUri?: string
  /** Its terms of service, which the consent page links. @default none */
  readonly tosUri?: string
}
