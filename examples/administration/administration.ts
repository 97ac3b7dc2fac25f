/**
 * Administration: the people who run your app see every OAuth app and every authorization on pages of the library, without a
 * script. They disable an app, give it a new secret, delete it, and end what a user has allowed. All of it holds at once.
 */
import express, { type Express, type RequestHandler } from 'express'
import {
  type AuthorizationServer,
  bearerGuard,
  createAuthorizationServer,
  issueTokens,
  memoryStorage,
  registerClient,
  tokenRouter,
} from 'express-authorization-server'
import { adminRouter } from 'express-authorization-server/admin'
import { basicSignIn } from '../shared/basic-sign-in'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers, type User } from '../shared/users'

const scopes = { 'notes:read': 'Read your notes', 'notes:write': 'Write notes' }
/** Their ids. In your app it is a column of your users. */
const administrators = new Set(['1', '2'])

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([
    { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
    { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
    { id: '3', username: 'grace', name: 'Grace Hopper', password: 'compiled program' },
  ])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes,
    users: { find: users.find, signIn: '/login' },
    pages: { name: 'Notes' },
  })
  await fill(server)

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use('/oauth2/token', tokenRouter(server))
  app.use(
    '/admin/oauth',
    fromTerminal(basicSignIn({ users, realm: 'admin' })),
    adminRouter(server, { protect: administratorsOnly }),
  )
  app.get('/', (_req, res) => res.redirect(303, '/admin/oauth'))
  app.get(
    '/notes',
    bearerGuard(server, { scope: 'notes:read', user: false }),
    (_req, res) => void res.json(['Weave patterns.']),
  )
  return app
}

/** Answers everybody else. Whoever is not signed in is passed on: the pages send them to sign in. */
const administratorsOnly: RequestHandler = (req, res, next) => {
  const user = req.user as User | undefined
  if (user === undefined || administrators.has(user.id)) next()
  else res.status(403).send('Administrators only.')
}

/** Apps and authorizations, as a server has them after a while. */
async function fill(server: AuthorizationServer): Promise<void> {
  const record = { redirectUris: ['https://app.example/callback'], scopes: Object.keys(scopes) }
  await registerClient(server, {
    ...{ ...record, clientId: 'printer', clientSecret: 'ink and paper', name: 'Photo Printer', username: '3' },
    ...{ description: 'Prints what you write.', grantTypes: ['client_credentials', 'authorization_code'] },
  })
  for (let n = 1; n <= 30; n++) {
    await registerClient(server, { ...record, clientId: `app-${n}`, name: `App ${n}` })
    await issueTokens(server, { clientId: `app-${n}`, userId: '3', scope: 'notes:read' })
  }
  await issueTokens(server, { clientId: 'printer', userId: '3' })
}

/** For the lines to paste below. A browser has its session. */
function fromTerminal(basic: RequestHandler): RequestHandler {
  return (req, res, next) => (req.headers.authorization === undefined ? next() : basic(req, res, next))
}

function instructions(issuer: string): string[] {
  const as = `curl -sS -u 'ada:analytical engine'`
  const machine = `curl -sS -u 'printer:ink and paper' -d grant_type=client_credentials ${issuer}/oauth2/token`
  return [
    `in a browser: ${issuer}/admin/oauth, as ada, password 'analytical engine'`,
    `${as} '${issuer}/admin/oauth?find=photo&by=name' | grep '<h2>'`,
    machine,
    `FORM=$(${as} '${issuer}/admin/oauth?client=printer&page=disable' | sed -n 's/.*name="form_transaction" value="\\([^"]*\\)".*/\\1/p'); sleep 1`,
    `${as} -d "form_transaction=$FORM" ${issuer}/admin/oauth`,
    machine,
  ]
}

if (require.main === module) void start(createApp, instructions)
