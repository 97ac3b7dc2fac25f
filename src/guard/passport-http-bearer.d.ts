/** The little of passport-http-bearer that we use. Its published types bring in those of koa, which clash with Express 5. */
declare module 'passport-http-bearer' {
  type Verified = (error: unknown, user?: unknown, info?: unknown) => void

  /** What our strategies are given in the place of a request: its token, the call that it is, and who hears of a refusal. */
  interface Presented {
    headers: { authorization: string }
    call?: import('../sender-constraints/confirmation').Call | undefined
    refuse?: (failure: import('../errors').OAuthError) => void
  }

  export class Strategy {
    constructor(
      options: { realm?: string; passReqToCallback: true },
      verify: (presented: Presented, token: string, done: Verified) => void,
    )
    name: string
    authenticate(presented: Presented, options?: unknown): void
  }
}
