/** A host without sessions: a JWT in a cookie says who is signed in. The library keeps its own state in the storage. */
import { randomBytes } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import {
  bcryptPasswords,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
} from 'express-authorization-server'
import { sign, verify } from 'jsonwebtoken'
import { returnTo, sameOrigin, sendSignInPage } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const person = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }
const key = randomBytes(32) // in production a secret that survives a restart

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([person])
  const checkPassword = bcryptPasswords({ findByUsername: users.findByUsername })

  const signedIn = (req: Request) => {
    const [, token = ''] = /(?:^|; )token=([^;]*)/.exec(req.headers.cookie ?? '') ?? []
    try {
      const { sub } = verify(token, key, { algorithms: ['HS256'], audience: 'sign-in' })
      return users.find(String(sub))
    } catch {
      return undefined // signed out, or expired
    }
  }
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { profile: 'See your name' },
    users: { find: users.find, current: signedIn, signIn: '/login', switchUser: '/login' },
  })

  const app = express().disable('x-powered-by')
  app.get('/login', (_req, res) => sendSignInPage(res))
  app.post('/login', sameOrigin, express.urlencoded({ extended: false }), async (req, res) => {
    const { username = '', password = '' } = req.body as Record<string, string>
    const subject = await checkPassword(username, password)
    if (subject === undefined)
      return sendSignInPage(res.status(401), 'That user name and password do not belong together.')
    const token = sign({}, key, { subject, audience: 'sign-in', expiresIn: '12h' })
    res.cookie('token', token, { httpOnly: true, sameSite: 'lax', secure: issuer.startsWith('https:') })
    res.redirect(303, returnTo(req))
  })
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.get('/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))

  await registerClient(server, {
    clientId: 'demo',
    redirectUris: [`${issuer}/callback`],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'],
  })
  return app
}

/** An authorization request of the client. It is fixed here, and new for each request in a real client. */
export const requestOf = (issuer: string) =>
  `${issuer}/oauth2/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: 'demo',
    redirect_uri: `${issuer}/callback`,
    code_challenge: '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM',
    code_challenge_method: 'S256',
  })}`

export const instructions = (issuer: string) => [
  `Sign in as ${person.username} with the password ${person.password}, and look at the code in the address bar:`,
  requestOf(issuer),
]

if (require.main === module) void start(createApp, instructions)
