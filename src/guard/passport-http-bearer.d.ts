/** The little of passport-http-bearer that we use. Its published types bring in those of koa, which clash with Express 5. */
declare module 'passport-http-bearer' {
  type Verified = (error: unknown, user?: unknown, info?: unknown) => void

  export class Strategy {
    constructor(options: { realm?: string }, verify: (token: string, done: Verified) => void)
    name: string
    authenticate(req: unknown, options?: unknown): void
  }
}
