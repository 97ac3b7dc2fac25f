/** An app whose users register apps of their own: the clients API behind the session of the sign-in page. */
import express, { type Express, type RequestHandler } from 'express'
import {
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
} from 'express-authorization-server'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers, type User } from '../shared/users'

const people = [
  { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
  { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
]

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers(people)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { profile: 'See your name', admin: 'Change everything' },
    users: { find: users.find, signIn: '/login' },
  })
  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  const decide = consentPage()
  const protect: RequestHandler = (req, res, next) => (req.user ? next() : res.sendStatus(401))
  app.use(
    oauthRouter(server, {
      decide,
      protect,
      clients: {
        // whose clients these are, and the scopes that this user may give to one
        caller: (req) => ({ userId: (req.user as User).id, scopes: ['profile'] }),
        grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
        clientsPerUser: 10,
      },
    }),
  )
  app.get('/me', bearerGuard(server, { scope: 'profile', user: false }), (req, res) => void res.json(req.user ?? null))
  return app
}

const instructions = (issuer: string) => [
  'The users are',
  ...people.map(({ username, password }) => `  ${username.padEnd(6)}with the password  ${password}`),
  `curl -c cookies -d username=ada --data-urlencode 'password=analytical engine' ${issuer}/login`,
  `curl -b cookies ${issuer}/oauth2/clients`,
]

if (require.main === module) void start(createApp, instructions)
