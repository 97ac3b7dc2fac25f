/** How far below the options of the server the tokens of one client stay. Types only: the foundation, as the record itself. */

export interface ClientLimits {
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
}
