/**
 * A developer portal: users of your app make their own OAuth apps and personal access tokens on pages of the library, without
 * a script. What they make works at once, at the token endpoint and at your API.
 */
import express, { type Express, type RequestHandler } from 'express'
import {
  authorizationCode,
  bearerGuard,
  clientCredentials,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  refreshToken,
  registerClient,
} from 'express-authorization-server'
import { developerRouter } from 'express-authorization-server/developer'
import { personalTokens } from 'express-authorization-server/personal-tokens'
import { basicSignIn } from '../shared/basic-sign-in'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers, type User } from '../shared/users'

const scopes = { 'notes:read': 'Read your notes', 'notes:write': 'Write notes' }
/** The client that every personal token is of. It may use no grant. */
const client = { clientId: 'personal-tokens', grantTypes: [], scopes: Object.keys(scopes) }

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([
    { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
    { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
  ])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes,
    grants: [authorizationCode(), refreshToken(), clientCredentials()],
    accessTokens: personalTokens({ prefix: 'notes_pat_' }),
    users: { find: users.find, signIn: '/login' },
    pages: { name: 'Notes' },
  })
  await registerClient(server, client)

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.use(
    '/developer',
    fromTerminal(basicSignIn({ users, realm: 'developer' })),
    developerRouter(server, {
      scopes: Object.keys(scopes),
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      personalTokens: { clientId: client.clientId },
    }),
  )
  app.use('/account/apps', connectedAppsRouter(server))
  app.get('/', (_req, res) => res.redirect(303, '/developer'))

  const notes = [{ userId: '1', text: 'Weave algebraical patterns.' }]
  app.get('/notes', bearerGuard(server, { scope: 'notes:read' }), (req, res) => {
    const { id } = req.user as User
    res.json(notes.filter(({ userId }) => userId === id).map(({ text }) => text))
  })
  return app
}

/** For the lines to paste below. A browser has its session. */
function fromTerminal(basic: RequestHandler): RequestHandler {
  return (req, res, next) => (req.headers.authorization === undefined ? next() : basic(req, res, next))
}

function instructions(issuer: string): string[] {
  const as = `curl -sS -u 'ada:analytical engine'`
  const form = (query: string) =>
    `FORM=$(${as} '${issuer}/developer?${query}' | sed -n 's/.*name="form_transaction" value="\\([^"]*\\)".*/\\1/p')`
  return [
    `in a browser: ${issuer}/developer, as ada, password 'analytical engine'`,
    form('page=new-token'),
    `TOKEN=$(${as} -d "form_transaction=$FORM" -d 'name=backup&scope:notes:read=on&days=30' ${issuer}/developer | grep -o 'notes_pat_[0-9A-Za-z]*'); echo $TOKEN`,
    `curl -sS -H "Authorization: Bearer $TOKEN" ${issuer}/notes`,
    form('page=new&kind=machine'),
    `${as} -d "form_transaction=$FORM" -d 'client_name=Robot&scope:notes:read=on' ${issuer}/developer | grep -o '<code>[^<]*'`,
    `${as} ${issuer}/developer | grep '<h2>'`,
  ]
}

if (require.main === module) void start(createApp, instructions)
