/** Sign-in for APIs that programs call as a user: HTTP Basic (RFC 7617), or the session of the sign-in page. */
import { type RequestHandler, Router } from 'express'
import { bcryptPasswords } from 'express-authorization-server'
import { sameOrigin } from './sign-in'
import type { Users } from './users'

/** Mount it behind `signIn`, in front of what needs a user: sets `req.user`, or answers 401. */
export function basicSignIn({ users, realm }: { users: Users; realm: string }): Router {
  const verify = bcryptPasswords({ findByUsername: users.findByUsername })
  const authenticate: RequestHandler = async (req, res, next) => {
    const { authorization } = req.headers
    if (authorization !== undefined) {
      const [username, password] = credentials(authorization)
      const id = await verify(username, password)
      req.user = id === undefined ? undefined : users.find(id)
    }
    if (req.user) return next()
    res.status(401).set({ 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"`, 'Cache-Control': 'no-store' })
    res.json({ err: 'AUTHENTICATION-ERROR', desc: 'A user name and password are needed, and these are not right.' })
  }
  // A browser sends along the password that somebody once typed, also with the forms of other sites
  return Router().use(sameOrigin, authenticate)
}

/** User name and password; empty ones, which are nobody's, for everything else. */
function credentials(authorization: string): [string, string] {
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization)?.[1] ?? ''
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)]
}
