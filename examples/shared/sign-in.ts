/** Sign-in for the examples: express-session, Passport and passport-local, with a page at /login and POST /logout. */
import { randomBytes } from 'node:crypto'
import { type Request, type RequestHandler, type Response, Router, urlencoded } from 'express'
import { bcryptPasswords } from 'express-authorization-server'
import session, { type SessionOptions } from 'express-session'
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import { sendPage } from './page'
import type { User, Users } from './users'

export interface SignInOptions {
  users: Users
  /** Ends what other apps have by a session: `logoutSessions` of a server with OpenID Connect. */
  endSession?: (session: { userId: string; sessionId: string }) => Promise<void>
  /** What production sets: a secret and a store that survive a restart, and `cookie.secure`. */
  session?: Partial<SessionOptions>
}

/** Mount it in front of the authorization endpoint: `app.use(signIn({ users }))`. Sets `req.user` from the session. */
export function signIn({ users, endSession, session: settings }: SignInOptions): Router {
  const passport = new Passport()
  const verify = bcryptPasswords({ findByUsername: users.findByUsername })
  passport.use(
    new Strategy((username, password, done) => {
      verify(username, password).then((id) => done(null, id !== undefined && users.find(id)), done)
    }),
  )
  passport.serializeUser((user, done) => done(null, (user as User).id))
  passport.deserializeUser((id: string, done) => done(null, users.find(id) ?? false))

  const router = Router()
  router.use(
    session({
      secret: randomBytes(32).toString('hex'),
      name: 'session',
      cookie: { httpOnly: true, sameSite: 'lax' },
      resave: false,
      saveUninitialized: false,
      ...settings,
    }),
  )
  router.use(passport.session())
  router.get('/login', (_req, res) => sendSignInPage(res))
  // In production: a limit for wrong passwords here, such as rate-limiter-flexible or express-rate-limit
  router.post('/login', sameOrigin, urlencoded({ extended: false }), (req, res, next) => {
    const done = (error: unknown, user?: User | false) => {
      if (error) return next(error)
      if (!user) return sendSignInPage(res.status(401), 'That user name and password do not belong together.')
      // Passport starts a new session here, so that one planted before the sign-in is worth nothing after it
      req.logIn(user, (failed) => {
        if (failed) return next(failed)
        Object.assign(req.session, { signedInAt: Date.now() })
        res.redirect(303, returnTo(req))
      })
    }
    passport.authenticate('local', done)(req, res, next)
  })
  router.post('/logout', sameOrigin, async (req, res) => {
    // first, so that whoever cannot be signed out everywhere is still signed in, to try again
    if (req.user) await endSession?.({ userId: (req.user as User).id, sessionId: req.sessionID })
    await signOut(req)
    res.redirect(303, returnTo(req))
  })
  return router
}

/** Ends the session of this browser, for `endSessionRouter({ signOut })`. */
export const signOut = (req: Request) =>
  new Promise<void>((done, failed) => req.logout((error) => (error ? failed(error) : done())))

/** How the user of this browser signed in, for `openid({ authentication })`. */
export function authentication(req: Request) {
  const { signedInAt } = req.session as { signedInAt?: number }
  return signedInAt === undefined ? undefined : { time: new Date(signedInAt), amr: ['pwd'], sessionId: req.sessionID }
}

/** Where to go on: a path of this server. Anything else, `//evil.example` included, would be an open redirect. */
export function returnTo(req: Request): string {
  const path = req.query.return_to
  return typeof path === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/'
}

/** Another site's form must not sign a visitor in as somebody else, or out. Every browser sends Origin with a POST. */
export const sameOrigin: RequestHandler = (req, res, next) => {
  const { origin, host } = req.headers
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return next()
  res.status(403).type('text').send('This form was sent by another site.\n')
}

/** The form has no action: it is posted to the URL of the page, which holds return_to. */
export function sendSignInPage(res: Response, problem?: string): void {
  sendPage(
    res,
    'Sign in',
    `<h1>Sign in</h1>
${problem === undefined ? '' : `<p class="bad" role="alert">${problem}</p>`}
<form method="post">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<div class="actions"><button class="primary" type="submit">Sign in</button></div>
</form>`,
  )
}
