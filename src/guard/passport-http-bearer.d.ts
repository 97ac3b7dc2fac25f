/** The part of passport-http-bearer that we use. Its published types import koa's, which conflict with Express 5. */
declare module 'passport-http-bearer' {
  type Verified = (error: unknown, user?: unknown, info?: unknown) => void

  /** What our strategies receive in place of a request: the token, the call, and a function for the refusal. */
  interface Presented {
    body: { access_token: string }
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
