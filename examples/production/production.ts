/**
 * A host for production: several processes, PostgreSQL, a proxy in front, helmet, health probes, logs without secrets,
 * metrics, keys that rotate, and a shutdown that refuses no request. `npm run example -- production` runs it.
 */
import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { metrics } from '@opentelemetry/api'
import pgSession from 'connect-pg-simple'
import express, { type Express, type Request, type RequestHandler } from 'express'
import {
  type AuthorizationServer,
  type AuthorizationServerEvent,
  bearerGuard,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  ensureClient,
  generateSigningKey,
  jwt,
  limiterThrottle,
  oauthRouter,
  startCleanup,
  storageHealth,
} from 'express-authorization-server'
import { postgresStorage } from 'express-authorization-server/postgres'
import session from 'express-session'
import helmet from 'helmet'
import { Pool } from 'pg'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import { createLog, logEvent, logRequests } from '../shared/logs'
import { signIn } from '../shared/sign-in'
import { createUsers } from '../shared/users'

const { env } = process
const port = Number(env.PORT || 3000)
const settings = {
  /** The public URL. TLS ends at the proxy. */
  issuer: env.ISSUER ?? `http://127.0.0.1:${port}`,
  /** Exactly your proxies: addresses, networks, or how many there are. */
  trustProxy: env.TRUST_PROXY ?? 'loopback',
  workers: Number(env.WORKERS || 2),
  /** How long a process that ends still takes requests, until the proxy has seen that it is not ready. Seconds. */
  drain: Number(env.DRAIN_SECONDS || 5),
}
const log = createLog()
// Your users: a table. These examples have one that is made at start
const people = createUsers([{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }])

/** The tables of connect-pg-simple and rate-limiter-flexible. A lock, because several machines start at once. */
const tables = `
SELECT pg_advisory_xact_lock(20749);
CREATE TABLE IF NOT EXISTS session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
CREATE INDEX IF NOT EXISTS session_expire ON session (expire);
CREATE TABLE IF NOT EXISTS attempts (key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint);
`
/** Counts in PostgreSQL, for all processes. */
const limiterIn = (pool: Pool, options: { keyPrefix: string; points: number; duration: number }) =>
  new RateLimiterPostgres({ storeClient: pool, tableName: 'attempts', tableCreated: true, ...options })

/** The pool of one process. A connection that dies while it is idle is an event, and must have a listener. */
function openPool(): Pool {
  const pool = new Pool({
    connectionString: env.DATABASE_URL,
    max: 10,
    connectionTimeoutMillis: 2000,
    query_timeout: 4000,
  })
  pool.on('error', (error) => log.error({ err: error }, 'idle connection'))
  return pool
}

/** Counts for your dashboard, by type: `error`, `code.replayed` and `attempt.throttled` are the ones to watch. */
const counter = metrics.getMeter('oauth').createCounter('oauth.events')
function onEvent(event: AuthorizationServerEvent): void {
  counter.add(1, { type: event.type })
  logEvent(log, event)
}

function createServer(pool: Pool): AuthorizationServer {
  const { issuer } = settings
  return createAuthorizationServer({
    issuer,
    storage: postgresStorage(pool),
    scopes: { notes: 'See your notes' },
    users: { find: async (id) => (await people).find(id), signIn: '/login' },
    // { current, next, retired }, as JSON where your other secrets are
    accessTokens: jwt({ keys: JSON.parse(env.OAUTH_KEYS as string), audience: `${issuer}/notes` }),
    // all processes count wrong passwords and secrets together
    throttle: limiterThrottle((options) => limiterIn(pool, options)),
    onEvent,
  })
}

/** The app of one process. `isReady` is false from the moment at which it is told to end. */
async function createApp(server: AuthorizationServer, pool: Pool, isReady: () => boolean): Promise<Express> {
  const { issuer, trustProxy } = settings
  const app = express().disable('x-powered-by')
  app.set('trust proxy', /^\d+$/.test(trustProxy) ? Number(trustProxy) : trustProxy)

  // in front of everything, for the balancer: without a session, without a line in the log
  app.get('/live', (_req, res) => void res.sendStatus(204))
  app.get('/ready', async (_req, res) => {
    const { ok } = await storageHealth(server)
    res.sendStatus(ok && isReady() ? 204 : 503)
  })

  app.use(logRequests(log))
  // a client's sign-in window keeps its opener (see the guide of your app)
  app.use(helmet({ crossOriginOpenerPolicy: false }))
  const PgStore = pgSession(session)
  app.post('/login', limitSignIn(pool))
  app.use(
    signIn({
      users: await people,
      session: {
        secret: env.SESSION_SECRET as string,
        store: new PgStore({ pool, pruneSessionInterval: 900 }),
        name: issuer.startsWith('https:') ? '__Host-session' : 'session',
        cookie: { httpOnly: true, sameSite: 'lax', secure: issuer.startsWith('https:'), path: '/' },
      },
    }),
  )
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.use('/account/apps', connectedAppsRouter(server))
  app.get('/notes', bearerGuard(server, { scope: 'notes', user: false }), (req, res) => {
    res.json({ process: process.pid, client: req.authInfo?.clientId })
  })
  app.get('/', (_req, res) => void res.type('text').send('An authorization server.\n'))
  return app
}

/** What is counted as one: a host with IPv6 has a /64, more addresses than any limit could count one by one (RFC 4291). */
function networkOf(ip = ''): string {
  if (!isIPv6(ip)) return ip
  // the URL parser writes every form of an address in one
  const address = new URL(`http://[${ip.split('%', 1)[0]}]`).hostname.slice(1, -1)
  if (address.startsWith('::ffff:')) return address // of IPv4
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}

/** Ten sign-ins a minute from one network. */
function limitSignIn(pool: Pool): RequestHandler {
  const limiter = limiterIn(pool, { keyPrefix: 'login', points: 10, duration: 60 })
  return async (req: Request, res, next) => {
    try {
      await limiter.consume(networkOf(req.ip))
      next()
    } catch (refused) {
      if (refused instanceof Error) next(refused)
      else res.status(429).set('Retry-After', '60').type('text').send('Too many attempts. Try again in a minute.\n')
    }
  }
}

/** One process. On SIGTERM it says that it is not ready, finishes what it has, and closes what it opened. */
async function work(): Promise<void> {
  const pool = openPool()
  const server = createServer(pool)
  let isReady = true
  const app = await createApp(server, pool, () => isReady)
  const listener = app.listen(port, '127.0.0.1')
  // longer than the proxy keeps an idle connection, so that the proxy is the one that closes it
  listener.keepAliveTimeout = 65_000
  const stopCleanup = startCleanup(server, { every: 3600 })
  await once(listener, 'listening')

  process.on('SIGINT', () => {}) // of a terminal: the first process passes a SIGTERM on
  await once(process, 'SIGTERM')
  isReady = false
  setTimeout(() => process.exit(1), (settings.drain + 20) * 1000).unref()
  await sleep(settings.drain * 1000)
  await new Promise((closed) => listener.close(closed))
  await stopCleanup()
  await pool.end()
  process.exit()
}

/** The first process: makes the tables, then keeps as many workers as there should be. */
async function lead(): Promise<void> {
  const missing = ['DATABASE_URL', ...(env.NODE_ENV === 'production' ? ['SESSION_SECRET', 'OAUTH_KEYS'] : [])]
  for (const name of missing) if (!env[name]) throw new Error(`Set ${name}. examples/production/README.md has each.`)
  // for trying only: in production these come from where your secrets are
  env.SESSION_SECRET ??= randomBytes(32).toString('base64url')
  env.OAUTH_KEYS ??= JSON.stringify({ current: generateSigningKey() })

  const pool = openPool()
  await postgresStorage(pool).migrate()
  await pool.query(tables)
  const made = env.SERVICE_SECRET ? undefined : randomBytes(32).toString('base64url')
  await ensureClient(createServer(pool), {
    clientId: 'service',
    clientSecret: made ?? (env.SERVICE_SECRET as string),
    grantTypes: ['client_credentials'],
    scopes: ['notes'],
  })
  await pool.end()

  // the workers read TypeScript, too; an app that is compiled leaves this line out
  cluster.setupPrimary({ execArgv: ['--import', 'tsx'] })
  let isEnding = false
  cluster.on('exit', (worker, code, signal) => {
    if (isEnding) return
    log.error({ pid: worker.process.pid, code, signal }, 'a worker ended')
    setTimeout(() => isEnding || cluster.fork(), 1000)
  })
  const end = () => {
    isEnding = true
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
  }
  process.once('SIGTERM', end).once('SIGINT', end)
  for (let count = 0; count < settings.workers; count++) cluster.fork()
  for (let count = 0; count < settings.workers; count++) await once(cluster, 'listening')
  console.log(instructions(made).join('\n'))
}

/** What to try. The output is a log: it has a secret that this start made, to be tried, and never one that you keep. */
function instructions(made = '$SERVICE_SECRET'): string[] {
  const local = `http://127.0.0.1:${port}`
  const token = `curl -sS -u "service:${made}" -d grant_type=client_credentials ${local}/oauth2/token`
  return [
    `listening on ${local}`,
    `curl -sS -o /dev/null -w '%{http_code}\\n' ${local}/ready`,
    token,
    `curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${local}/notes`,
  ]
}

if (require.main === module) {
  ;(cluster.isPrimary ? lead() : work()).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  })
}
