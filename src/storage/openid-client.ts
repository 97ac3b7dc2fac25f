/** The members of a client record for OpenID Connect: OpenID Connect Dynamic Client Registration §2. Types only. */

export interface OpenIdClientMembers {
  /** The algorithm of the client's id_tokens, of one of the `keys` of `openid()`. @default that of the first key */
  readonly idTokenSignedResponseAlg?: string
  /**
   * The algorithm of the client's userinfo responses, which are then signed JWTs.
   * @default the responses are plain JSON
   */
  readonly userinfoSignedResponseAlg?: string
  /** The maximum age of a sign-in in seconds, if a request has no `max_age`. @default no maximum */
  readonly defaultMaxAge?: number
  /** Whether the client's id_tokens must have `auth_time`. All have it. @default false */
  readonly requireAuthTime?: boolean
  /** The requested authentication context classes if a request names none, preferred first. @default none */
  readonly defaultAcrValues?: readonly string[]
  /** The URIs to which a browser may go after sign-out (RP-Initiated Logout 1.0 §3.1). @default none */
  readonly postLogoutRedirectUris?: readonly string[]
  /**
   * The https URL that is notified when a session of one of the client's users ended (Back-Channel Logout 1.0 §2.2). An
   * empty string removes the member.
   * @default none: the client is not notified
   */
  readonly backchannelLogoutUri?: string
  /** Whether notifications need the session's `sid`: without one the client is not notified. @default false */
  readonly backchannelLogoutSessionRequired?: boolean
  /** `'web'` or `'native'`: the rules for the redirect URIs (Dynamic Client Registration §2). @default neither */
  readonly applicationType?: string
  /** The type of `sub`: `'public'` or `'pairwise'`. It must be the type of `openid()`. @default that of `openid()` */
  readonly subjectType?: string
  /**
   * The https URL of a JSON list with all of the client's redirect URIs. Clients with URLs on one host get the same
   * `sub` from `pairwise()`. Fetched when the record is stored. An empty string removes the member.
   * @default the host of its redirect URIs
   */
  readonly sectorIdentifierUri?: string
  /** The URL that starts a sign-in at the client (Core §4), for your own pages. @default none */
  readonly initiateLoginUri?: string
  /** Contacts, such as email addresses. @default none */
  readonly contacts?: readonly string[]
  /** The client's home page. @default none */
  readonly clientUri?: string
  /** The client's logo. The built-in pages do not show it. @default none */
  readonly logoUri?: string
  /** The client's privacy policy. The consent page links to it. @default none */
  readonly policyUri?: string
  /** The client's terms of service. The consent page links to it. @default none */
  readonly tosUri?: string
}
