/** The members of a client record that restrict it below the server's options. Types only. */

export interface ClientLimits {
  /**
   * Whether the client is disabled: every endpoint refuses it, and each change of a disabled record ends its
   * authorizations. Only administrators and the host set it.
   * @default false
   */
  readonly disabled?: boolean
  /**
   * Lifetime of the client's access tokens in seconds, at most that of `accessTokens`.
   * @default that of `accessTokens`
   */
  readonly accessTokenTtl?: number
  /**
   * Stricter settings for the client's refresh tokens than in `refreshToken()` of the server: `ttl`, `maxAge` and
   * `replayWindow` in seconds, and `rotate: true` if the server does not rotate.
   * @default those of `refreshToken()`
   */
  readonly refreshToken?: {
    readonly ttl?: number
    readonly maxAge?: number
    readonly rotate?: boolean
    readonly replayWindow?: number
  }
  /**
   * The only origins whose scripts may act for the client (CORS), such as `'https://app.example.com'`. The router's
   * `cors` must allow them too.
   * @default all that `cors` of the router allows
   */
  readonly corsOrigins?: readonly string[]
}
