/** Users, sessions, clients and tokens in one PostgreSQL database. The text is JavaScript, too: copy it as `app.mjs`. */
import { hash } from 'bcryptjs'
import connectPgSimple from 'connect-pg-simple'
import express from 'express'
import {
  bcryptPasswords,
  bearerGuard,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  ensureClient,
  oauthRouter,
  startCleanup,
} from 'express-authorization-server'
import { postgresStorage } from 'express-authorization-server/postgres'
import session from 'express-session'
import passport from 'passport'
import { Strategy as LocalStrategy } from 'passport-local'
import { Pool } from 'pg'

const { PORT = '3000', DATABASE_URL, NODE_ENV, SESSION_SECRET } = process.env
const issuer = `http://127.0.0.1:${PORT}` // in production the https URL of your app
// what everybody can read here, a secret and an account, is for trying on this machine alone
const isTrial = NODE_ENV !== 'production' && new URL(issuer).hostname === '127.0.0.1'
const secret = SESSION_SECRET || (isTrial ? 'only for trying' : undefined)
if (!secret) throw new Error('Set SESSION_SECRET')
const pool = new Pool({ connectionString: DATABASE_URL, connectionTimeoutMillis: 2000, query_timeout: 4000 })
pool.on('error', (error) => console.error(error)) // without a listener, a lost idle connection ends the process

// 1. Your users. The columns are yours; only the id matters to the library.
const byId = 'SELECT id, email, name FROM users WHERE id = $1'
const byEmail = 'SELECT id, password_hash AS "passwordHash" FROM users WHERE email = lower($1)'

// 2. The authorization server, in the same database
const storage = postgresStorage(pool)
const server = createAuthorizationServer({
  issuer,
  storage,
  scopes: { profile: 'See your name and your address' },
  users: {
    // ids are strings, also where your column is a number; ids of clients arrive here, too
    find: async (id) => (/^\d{1,18}$/.test(id) ? (await pool.query(byId, [id])).rows[0] : undefined),
    signIn: '/login',
    switchUser: '/login',
  },
  // the error handler of Express never sees these; with Sentry: Sentry.captureException(…)
  onEvent: (event) => event.type === 'error' && console.error(event.error.cause ?? event.error),
})

// 3. Your sign-in
const verify = bcryptPasswords({ findByUsername: async (email) => (await pool.query(byEmail, [email])).rows[0] })
passport.use(
  new LocalStrategy({ usernameField: 'email' }, (email, password, done) => {
    verify(email, password).then((id) => done(null, id === undefined ? false : { id }), done)
  }),
)
passport.serializeUser((user, done) => done(null, 'id' in user && user.id))
passport.deserializeUser((id, done) => {
  pool.query(byId, [id]).then(({ rows }) => done(null, rows[0] ?? false), done)
})

const app = express()
const PgSession = connectPgSimple(session)
app.use(
  session({
    store: new PgSession({ pool, createTableIfMissing: true }),
    secret,
    cookie: { sameSite: 'lax', secure: issuer.startsWith('https:'), maxAge: 14 * 24 * 3600 * 1000 },
    resave: false,
    saveUninitialized: false,
  }),
  passport.session(),
)
app.post(['/login', '/logout'], (req, res, next) => {
  // A form of another site must not sign a visitor in or out. Every browser sends Origin with a POST
  const { origin, host } = req.headers
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return next()
  res.sendStatus(403)
})
const form = `<!doctype html><title>Sign in</title><form method="post">
<label>Email <input name="email" type="email" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>`
app.get('/login', (_req, res) => void res.send(form)) // without an action the form keeps ?return_to= of its URL
app.post(
  '/login',
  express.urlencoded({ extended: false }),
  (req, res, next) => passport.authenticate('local', { failureRedirect: req.originalUrl })(req, res, next),
  (req, res) => {
    const path = String(req.query.return_to ?? '/')
    res.redirect(303, /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/') // a path of this app, and no other site
  },
)
app.post('/logout', (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect(303, '/'))))

// 4. The endpoints, the page of connected apps, and your API
app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
app.use('/account/apps', connectedAppsRouter(server))
app.get('/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))

// To try it: this app is its own client
const callback = `${issuer}/callback`
const [verifier, challenge] = ['v'.repeat(43), '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM'] // new ones for each request
const query = `response_type=code&client_id=demo&redirect_uri=${callback}&code_challenge=${challenge}&code_challenge_method=S256`
app.get(
  '/',
  (_req, res) =>
    void res.send(`<a href="/oauth2/authorize?${query}">Connect</a> <a href="/account/apps">Connected apps</a>`),
)
app.get('/callback', (req, res) => {
  const code = encodeURIComponent(String(req.query.code))
  const parameters = `client_id=demo&grant_type=authorization_code&code=${code}&code_verifier=${verifier}&redirect_uri=${callback}`
  res.type('text').send(`curl -d '${parameters}' ${issuer}/oauth2/token\n`)
})

async function main() {
  await pool.query(`CREATE TABLE IF NOT EXISTS users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    password_hash text NOT NULL
  )`)
  if (isTrial) {
    const ana = ['ana@example.com', 'Ana', await hash('correct horse', 10)]
    await pool.query('INSERT INTO users (email, name, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', ana)
  }
  await storage.migrate() // makes or upgrades the tables of the library
  await ensureClient(server, {
    clientId: 'demo',
    name: 'Demo',
    redirectUris: [callback],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'],
  })
  startCleanup(server)
  app.listen(Number(PORT), '127.0.0.1', (error) => console.log(error ?? `listening on ${issuer}`))
}
main().catch((error) => {
  console.error(error)
  process.exit(1)
})
