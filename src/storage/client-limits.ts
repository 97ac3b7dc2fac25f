/** How far below the options of the server one client stays. Types only: the foundation, as the record itself. */

export interface ClientLimits {
  /**
   * Whether it is switched off: every endpoint refuses it, and each change of a record that is so ends all that was issued to
   * it. Only administrators and the host set it.
   * @default false
   */
  readonly disabled?: boolean
  /**
   * Lifetime of its access tokens in seconds, at most that of `accessTokens`.
   * @default that of `accessTokens`
   */
  readonly accessTokenTtl?: number
  /**
   * Its refresh tokens, at most as `refreshToken()` of the server allows: `ttl`, `maxAge` and `replayWindow` in seconds, and
   * `rotate: true` where the server does not rotate.
   * @default those of `refreshToken()`
   */
  readonly refreshToken?: {
    readonly ttl?: number
    readonly maxAge?: number
    readonly rotate?: boolean
    readonly replayWindow?: number
  }
  /**
   * The only origins whose scripts may act for it (CORS), such as `'https://app.example.com'`. They must be among those of
   * `cors` of the router, too.
   * @default all that `cors` of the router allows
   */
  readonly corsOrigins?: readonly string[]
}
