// Every snippet of README and the guides is compiled and run; their tables, links and pictures are true.
import { EventEmitter, once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import express from 'express'
import * as library from 'express-authorization-server'
import { openid } from 'express-authorization-server/openid'
import { postgresSchema } from 'express-authorization-server/postgres'
import { sign } from 'jsonwebtoken'
import mysql2, { type Pool as MysqlPool, type PoolOptions } from 'mysql2/promise'
import { Passport } from 'passport'
import { ExtractJwt, Strategy as JwtStrategy } from 'passport-jwt'
import { Strategy as LocalStrategy } from 'passport-local'
import { Pool } from 'pg'
import type { createClient } from 'redis'
import request from 'supertest'
import ts from 'typescript'
import { secretHeaders, secretParameters } from '../examples/shared/logs'
import { describeMysql, startMysql } from './storage/support/mysql'
import { describePostgres, startPostgres } from './storage/support/postgres'
import { describeRedis, startRedis } from './storage/support/redis'
import { itBetterSqlite3 } from './storage/support/sqlite'
import { createHost } from './support/host'

const root = join(__dirname, '..')
const pages = [
  'README.md',
  ...readdirSync(join(root, '.github'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `.github/${name}`),
  ...readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `examples/${name}`),
]
const text = Object.fromEntries(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]))
/** All but the complete servers, which test/readme.test.ts runs, and parts of an example, which test/examples/ runs. */
const snippets = pages.flatMap((page) =>
  [...(text[page] as string).matchAll(/```ts\n([\s\S]*?)```/g)]
    .map((match) => match[1] as string)
    .filter((snippet) => !snippet.includes('passport.use(new LocalStrategy('))
    .filter((snippet) => !isPartOfExample(page, snippet)),
)

/** Whether the lines of a snippet are, as they are, in an example beside its page. */
function isPartOfExample(page: string, snippet: string): boolean {
  const lines = (code: string) => code.trim().replaceAll(/^ +/gm, '')
  const folder = join(root, page, '..')
  const examples = readdirSync(folder).filter((name) => /\.m?[tj]s$/.test(name))
  return examples.some((name) => lines(readFileSync(join(folder, name), 'utf8')).includes(lines(snippet)))
}

/** What the text around a snippet speaks of, beside the names of the library: its type here, its value where it is run. */
const spokenOf: Record<string, string> = {
  app: "import('express').Express",
  express: "typeof import('express')",
  issuer: 'string',
  storage: "import('express-authorization-server').OAuthStorage",
  scopes: 'string[]',
  server: "import('express-authorization-server').AuthorizationServer",
  passport: "import('passport').PassportStatic",
  port: 'number',
  pool: "import('pg').Pool",
  otherPool: "import('pg').Pool",
  client: "ReturnType<typeof import('redis').createClient>",
  myStorage: "(pool: import('pg').Pool) => import('express-authorization-server').OAuthStorage",
  current: "NonNullable<import('express-authorization-server').SigningKeys['next']>",
  next: "NonNullable<import('express-authorization-server').SigningKeys['next']>",
  retired: "NonNullable<import('express-authorization-server').SigningKeys['retired']>",
  secretHeaders: 'string[]',
  secretParameters: 'string[]',
  endSession: "(req: import('express').Request) => Promise<void>",
  userId: 'string',
  sessionId: 'string',
  userOf: "(req: import('express').Request) => { id: string } | undefined",
  csrfToken: "(req: import('express').Request) => string",
  escapeHtml: '(text: string) => string',
  sessionOf:
    "(req: import('express').Request) => { id: string; signedInAt: Date; hasSecondFactor?: boolean } | undefined",
}

function declaredIn(snippet: string): string[] {
  const declared = [...snippet.matchAll(/^(?:const|function|class) (\w+)/gm)].map((match) => match[1] as string)
  const imported = [...snippet.matchAll(/^import (?:\{([^}]*)\}|(\w+))/gm)].flatMap((match) =>
    (match[1] ?? match[2] ?? '').split(',').map((name) => name.trim()),
  )
  return [...declared, ...imported]
}

function isUsed(snippet: string, name: string): boolean {
  return new RegExp(`(?<![\\w.'])${name}\\b`).test(snippet) && !declaredIn(snippet).includes(name)
}

/** Runs a snippet with these values for what it does not say itself; answers what it declares. */
async function run<T = Record<string, never>>(
  part: string,
  values: Record<string, unknown> = {},
  load = require,
): Promise<T> {
  const found = snippets.filter((snippet) => snippet.includes(part))
  expect(found).toHaveLength(1)
  const snippet = found[0] as string
  ran.add(snippet)
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true }
  const { outputText } = ts.transpileModule(snippet, { compilerOptions })
  const names = [...snippet.matchAll(/^(?:const|function|class) (\w+)/gm)].map((match) => match[1])
  const given = Object.entries({ ...library, ...values }).filter(([name]) => isUsed(snippet, name))
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => (...args: unknown[]) => Promise<T>
  const body = new AsyncFunction(
    'require',
    'exports',
    ...given.map(([name]) => name),
    `${outputText}\nreturn { ${names} }`,
  )
  return body(load, {}, ...given.map(([, value]) => value))
}
const ran = new Set<string>()

/** `require`, with another value for one package. */
function loadOther(name: string, value: unknown): NodeJS.Require {
  return ((wanted: string) => (wanted === name ? value : require(wanted))) as NodeJS.Require
}

const issuer = 'http://127.0.0.1:3000'
const base = () => ({ issuer, storage: library.memoryStorage(), scopes: ['read', 'write'] })

/** A client with a token of its own: proof that a server works. */
async function issuedBy(server: library.AuthorizationServer, scope = 'read', user: { userId?: string } = {}) {
  const { client } = await library.registerClient(server, {
    scopes: scope === 'orders' ? ['orders'] : ['read', 'write'],
    grantTypes: ['client_credentials'],
  })
  return (await library.issueTokens(server, { clientId: client.clientId, scope, ...user })).access_token
}

describe('the snippets', () => {
  it('compile', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    const indexTypes = readFileSync(join(root, 'src/index.ts'), 'utf8')
    const files = new Map(
      snippets.map((snippet, n) => {
        const values = Object.keys(library).filter((name) => isUsed(snippet, name))
        const types = [...new Set(snippet.match(/(?<=: )[A-Z]\w+/g))].filter((name) => indexTypes.includes(name))
        const spoken = Object.entries(spokenOf).filter(([name]) => isUsed(snippet, name))
        const lines = [
          ...values.map((name) => `declare const ${name}: typeof import('express-authorization-server').${name}`),
          ...types.map((name) => `type ${name} = import('express-authorization-server').${name}`),
          ...spoken.map(([name, type]) => `declare const ${name}: ${type}`),
        ]
        return [join(__dirname, `snippet-${n}.ts`), `${lines.join('\n')}\n${snippet}\nexport {}\n`]
      }),
    )
    const host = ts.createCompilerHost(options)
    const { getSourceFile, fileExists } = host
    host.fileExists = (name) => files.has(name) || fileExists(name)
    host.getSourceFile = (name, ...more) => {
      const source = files.get(name)
      return source === undefined
        ? getSourceFile(name, ...more)
        : ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
    }
    const unused = { noUnusedLocals: false, noUnusedParameters: false, noEmit: true }
    const names = [...files.keys(), join(root, 'src/guard/passport-http-bearer.d.ts')]
    const program = ts.createProgram(names, { ...options, ...unused }, host)
    const problems = ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => [file?.text, ts.flattenDiagnosticMessageText(messageText, '\n')])
    expect(problems).toEqual([])
  })

  itBetterSqlite3('of SQLite keeps clients in a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snippet-'))
    const before = process.cwd()
    process.chdir(folder)
    try {
      const { storage } = await run<{ storage: library.OAuthStorage }>('sqliteStorage(')
      const server = library.createAuthorizationServer({ ...base(), storage })
      await library.verifyAccessToken(server, await issuedBy(server))
      expect(existsSync(join(folder, 'oauth.db'))).toBe(true)
    } finally {
      process.chdir(before)
      rmSync(folder, { recursive: true })
    }
  })

  it('of the contract suite proves an adapter', async () => {
    let store = library.memoryStorage()
    const [pool, otherPool] = [{}, {}]
    const myStorage = (given: unknown) => {
      if (given === pool) store = library.memoryStorage()
      return store
    }
    const rules: (() => Promise<void>)[] = []
    const test = (_name: string, body: () => Promise<void>) => void rules.push(body)
    await run('storageContract(', {
      pool,
      otherPool,
      myStorage,
      test,
      describe: (_: string, body: () => void) => body(),
    })
    for (const rule of rules) await rule()
    expect(rules.length).toBeGreaterThan(50)
  })

  it('of the guard lets through what it should', async () => {
    const server = library.createAuthorizationServer(base())
    const app = express()
    const { api } = await run<{ api: express.Router }>("app.get('/notes'", { app, express, server })
    app.use('/api', api)
    const ask = (method: 'get' | 'post', path: string, token: string) =>
      request(app)[method](path).auth(token, { type: 'bearer' })
    const [read, write] = [await issuedBy(server, 'read', { userId: 'ana' }), await issuedBy(server, 'write')]
    expect((await ask('get', '/notes', read).expect(200)).body).toEqual({ id: 'ana' })
    await ask('get', '/notes', await issuedBy(server)).expect(403)
    await ask('get', '/notes', write).expect(403)
    await ask('post', '/api/notes', write).expect(200, /^"/)
    await ask('post', '/api/notes', read).expect(403)
  })

  it('of README lets through a user with the scope, and no client', async () => {
    const server = library.createAuthorizationServer({ ...base(), scopes: ['orders', 'read', 'write'] })
    const app = express()
    await run("app.get('/orders'", { app, server })
    const ask = (token: string) => request(app).get('/orders').auth(token, { type: 'bearer' })
    expect((await ask(await issuedBy(server, 'orders', { userId: 'ana' })).expect(200)).body).toEqual({ id: 'ana' })
    await ask(await issuedBy(server, 'read', { userId: 'ana' })).expect(403)
    await ask(await issuedBy(server, 'orders')).expect(403)
    await ask('made-up').expect(401)
  })

  it('of two kinds of token on one route takes either, and is 403 without the scope', async () => {
    const server = library.createAuthorizationServer(base())
    const passport = new Passport()
    const secretOrKey = 'of this test alone, and long enough for HS256'
    const settings = { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey }
    passport.use(new JwtStrategy(settings, ({ sub }, done) => done(null, { id: String(sub) })))
    const app = express()
    await run("authenticate(['jwt', 'bearer']", { app, passport, server })
    const ask = (token: string) => request(app).post('/notes').auth(token, { type: 'bearer' })
    const user = { userId: 'ana' }
    expect((await ask(sign({}, secretOrKey, { subject: 'bob' })).expect(200)).body).toEqual({ id: 'bob' })
    expect((await ask(await issuedBy(server, 'write', user)).expect(200)).body).toEqual({ id: 'ana' })
    const refused = await ask(await issuedBy(server, 'read', user)).expect(403)
    expect(refused.headers['www-authenticate']).toContain('scope="write"')
    await ask('made-up').expect(401)
  })

  it('of DPoP refuses a token without a key where it says so', async () => {
    const app = express()
    const { server } = await run<{ server: library.AuthorizationServer }>('/keys', { ...base(), app })
    const token = await issuedBy(server)
    const ask = (path: string) => request(app).get(path).auth(token, { type: 'bearer' })
    await ask('/me').expect(200)
    const { headers } = await ask('/keys').expect(401)
    expect(headers['www-authenticate']).toMatch(/^DPoP realm="api", error="invalid_token"/)
  })

  it('of details refuses a token without the payment', async () => {
    const app = express()
    const { server } = await run<{ server: library.AuthorizationServer }>('requireDetail(', { ...base(), app })
    const pay = request(app).post('/payments?amount=10.00')
    await pay.auth(await issuedBy(server), { type: 'bearer' }).expect(403)
  })

  it('of a decider of your own takes a yes with its token alone, and never from a GET', async () => {
    const values = { userOf: (req: express.Request) => req.get('X-User') && { id: 'ana' }, csrfToken: () => 'secret' }
    const escapeHtml = (text: string) => text.replace('<', '&lt;')
    const { decide } = await run<{ decide: library.Decide }>('userOf(req)', { ...values, escapeHtml })
    const server = library.createAuthorizationServer(base())
    await library.registerClient(server, {
      clientId: 'app',
      name: '<b>',
      redirectUris: ['https://app.example/'],
      scopes: ['read'],
    })
    const app = express().use(library.oauthRouter(server, { decide, protect: false }))
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: 'app', scope: 'read', code_challenge_method: 'S256' },
      code_challenge: '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM',
    })
    const yes = '&answer=allow&_csrf=secret'
    const url = `/oauth2/authorize?${query}`
    const signedOut = await request(app).get(url).expect(303)
    expect(signedOut.headers.location).toBe(`/login?return_to=${encodeURIComponent(url)}`)
    const asked = await request(app)
      .get(url + yes)
      .set('X-User', 'ana')
      .expect(200)
    expect(asked.text).toContain('&lt;b> asks for read')
    const answer = (body: string) => request(app).post(url).set('X-User', 'ana').type('form').send(body)
    await answer('answer=allow&_csrf=guessed').expect(200)
    expect((await answer(yes).expect(303)).headers.location).toMatch('https://app.example/?code=')
    expect((await answer('answer=deny&_csrf=secret').expect(303)).headers.location).toContain('access_denied')
  })

  it('of an app with Passport goes back to the authorization request after sign-in', async () => {
    const passport = new Passport()
    passport.use(new LocalStrategy((username, _password, done) => done(null, { id: username })))
    passport.serializeUser((user, done) => done(null, user))
    passport.deserializeUser((user, done) => done(null, user ?? false))
    const server = library.createAuthorizationServer(base())
    await library.registerClient(server, { clientId: 'app', redirectUris: ['https://app.example/'], scopes: ['read'] })
    const app = express().use(express.urlencoded({ extended: false }))
    const unset = { app: express(), passport, server, process: { env: {} } }
    await expect(run("'/login/password'", unset)).rejects.toThrow('Set SESSION_SECRET')
    const process = { env: { SESSION_SECRET: 'of this test' } }
    await run("'/login/password'", { app, passport, server, process })
    const browser = request.agent(app)
    const query = 'response_type=code&client_id=app&code_challenge_method=S256'
    const url = `/oauth2/authorize?${query}&code_challenge=7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM`
    expect((await browser.get(url).expect(303)).headers.location).toBe('/login')
    const signedIn = await browser.post('/login/password').type('form').send('username=ana&password=x').expect(302)
    const back = new URL(signedIn.headers.location as string, issuer)
    expect(Object.fromEntries(back.searchParams)).toEqual(Object.fromEntries(new URL(url, issuer).searchParams))
    await browser.get(back.pathname + back.search).expect(200, /read/)
  })

  it('of step-up asks for another sign-in', async () => {
    const app = express()
    const signedInAt = new Date()
    const sessionOf = (session: unknown) => session
    const values = { ...base(), app, current: library.generateSigningKey(), sessionOf }
    let authentication: (session: unknown) => unknown = () => 'not asked'
    const load = loadOther('express-authorization-server/openid', {
      openid: (options: Parameters<typeof openid>[0]) => {
        authentication = options.authentication as typeof authentication
        return openid(options)
      },
    })
    const { server } = await run<{ server: library.AuthorizationServer }>('/transfers', values, load)
    // a sign-in is what it was, and no more
    expect(authentication({ signedInAt, hasSecondFactor: true })).toEqual({ time: signedInAt, acr: 'mfa' })
    expect(authentication({ signedInAt, hasSecondFactor: false })).toEqual({ time: signedInAt, acr: 'pwd' })
    expect(authentication(undefined)).toBeUndefined()
    const { headers } = await request(app)
      .post('/transfers')
      .auth(await issuedBy(server, 'read', { userId: 'alice' }), { type: 'bearer' })
      .expect(401)
    expect(headers['www-authenticate']).toContain('acr_values="mfa", max_age="300"')
  })

  it('signs other apps in with OpenID Connect', async () => {
    const current = library.generateSigningKey('RS256')
    const sessionOf = () => ({ id: 's1', signedInAt: new Date() })
    const { server } = await run<{ server: library.AuthorizationServer }>('employee: [', {
      ...base(),
      current,
      retired: [library.generateSigningKey()],
      sessionOf,
    })
    expect([...server.scopes.keys()]).toEqual(expect.arrayContaining(['openid', 'offline_access', 'employee', 'read']))
  })

  it('makes, lists and revokes a personal token', async () => {
    const { made, tokens, server } = await run<{
      made: { id: string; token: string }
      tokens: { id: string; name: string }[]
      server: library.AuthorizationServer
    }>('issuePersonalToken(', { ...base(), userId: 'alice' })
    expect(made.token).toMatch(/^acme_pat_[0-9A-Za-z]{71}$/)
    expect(tokens).toMatchObject([{ id: made.id, name: 'backup script' }])
    await expect(library.verifyAccessToken(server, made.token)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('has pages where users make apps and tokens', async () => {
    const app = express().use((req, _res, next) => {
      req.user = { id: 'alice' }
      next()
    })
    await run('developerRouter(', { ...base(), app })
    await request(app)
      .get('/developer?page=new-token')
      .expect(200, /Your apps[\s\S]*form_transaction/)
  })

  it('shows administrators everything, and nobody else', async () => {
    const app = express()
    app.use((req, _res, next) => {
      req.user = { id: '1', role: req.get('X-Role') } as never
      next()
    })
    await run('adminRouter(server', { ...base(), app })
    await request(app).get('/admin/oauth').expect(403, 'Administrators only.')
    await request(app)
      .get('/admin/oauth')
      .set('X-Role', 'admin')
      .expect(200, /No app was found/)
  })

  it('disables a client, and finds clients page by page', async () => {
    const server = library.createAuthorizationServer(base())
    for (const clientId of ['printer', 'other'])
      await library.registerClient(server, { clientId, name: `Photo ${clientId}` })
    await run('{ disabled: true }', { server })
    await expect(library.issueCode(server, { clientId: 'printer', userId: '1' })).rejects.toThrow('disabled')
    const found = await run<{ page: { clients: unknown[] }; granted: object }>('findClients', { server, userId: '1' })
    expect([found.page.clients.length, found.granted]).toEqual([2, { grants: [] }])
  })

  it('signs users of other apps out', async () => {
    const app = express()
    const server = library.createAuthorizationServer({
      ...base(),
      openid: openid({ keys: library.generateSigningKey(), authentication: () => undefined }),
    } as never)
    await run('endSessionRouter', { app, server, endSession: async () => {}, userId: 'alice', sessionId: 's1' })
    await request(app)
      .get('/logout')
      .expect(200, /You are signed out/)
  })

  it('of JWTs signs and verifies, with keys before and after', async () => {
    const key = library.generateSigningKey
    const { server } = await run<{ server: library.AuthorizationServer }>('{ current, next, retired }', {
      ...base(),
      current: key(),
      next: key(),
      retired: [key()],
    })
    await library.verifyAccessToken(server, await issuedBy(server))
    expect(server.accessTokens.jwks?.().keys).toHaveLength(3)
  })

  it('of keys from the environment does the same', async () => {
    const key = () => JSON.stringify(library.generateSigningKey())
    const process = { env: { OAUTH_KEY: key(), OAUTH_NEXT_KEY: key() } }
    const { server } = await run<{ server: library.AuthorizationServer }>('OAUTH_KEY', { ...base(), process })
    await library.verifyAccessToken(server, await issuedBy(server))
    expect(server.accessTokens.jwks?.().keys).toHaveLength(2)
  })

  it('of a rotation signs with the new key, and verifies what the old one signed', async () => {
    const [current, next] = [library.generateSigningKey(), library.generateSigningKey()]
    const options = {
      ...base(),
      accessTokens: library.jwt({ keys: { current, next }, audience: 'https://api.example.com' }),
    }
    const token = await issuedBy(library.createAuthorizationServer(options))
    const { server } = await run<{ server: library.AuthorizationServer }>('const rotated = {', {
      ...options,
      current,
      next,
    })
    await library.verifyAccessToken(server, token)
    expect(server.accessTokens.jwks?.().keys).toHaveLength(3)
  })

  it('of logs are the lists that the example of production logs by', async () => {
    const lists = await run<Record<'secretHeaders' | 'secretParameters', string[]>>('const secretParameters')
    expect(lists).toMatchObject({ secretHeaders, secretParameters })
    expect((await run<{ winstonOptions: object }>('winstonOptions', lists)).winstonOptions).toMatchObject({
      headerBlacklist: secretHeaders,
      bodyBlacklist: secretParameters,
    })
    const { beforeSend } = await run<{ beforeSend: (event: object) => object }>('function beforeSend')
    const request = {
      method: 'GET',
      url: 'https://a.example/x?code=1',
      query_string: 'code=1',
      cookies: { session: '1' },
    }
    expect(beforeSend({ level: 'error', request })).toEqual({
      level: 'error',
      request: { method: 'GET', url: 'https://a.example/x' },
    })
    const called = { data: { url: 'https://a.example/x?code=1', 'http.query': 'code=1' } }
    const more = { breadcrumbs: [{ category: 'http', ...called }], spans: [{ op: 'http', ...called }] }
    const sent = beforeSend({ ...more, contexts: { trace: { span_id: '1', ...called }, os: { name: 'linux' } } })
    expect(JSON.stringify(sent)).not.toContain('code=1')
    expect(sent).toMatchObject({ breadcrumbs: [{ category: 'http' }], spans: [{ op: 'http' }] })
    expect(sent).toMatchObject({ contexts: { trace: { span_id: '1' }, os: { name: 'linux' } } })
  })

  it('of ChatGPT registers a client that needs no PKCE', async () => {
    const server = library.createAuthorizationServer(base())
    await expect(run("name: 'ChatGPT'", { server, process: { env: {} } })).rejects.toThrow('Set CHATGPT_SECRET')
    await run("name: 'ChatGPT'", { server, process: { env: { CHATGPT_SECRET: 'a secret of its own' } } })
    const [client] = await library.listClients(server)
    expect(client).toMatchObject({ requirePkce: false, scopes: ['read'] })
  })

  it('of the MCP SDK tells its transports who calls, and sends others to the metadata', async () => {
    const app = express()
    type Moved = { server: library.AuthorizationServer; resource: string; authMiddleware: express.RequestHandler }
    const { server, resource, authMiddleware } = await run<Moved>('const authMiddleware', { ...base(), app })
    app.post('/mcp', authMiddleware, (req, res) => void res.json(Object.getOwnPropertyDescriptor(req, 'auth')?.value))
    const { headers } = await request(app).post('/mcp').expect(401)
    expect(headers['www-authenticate']).toContain('/.well-known/oauth-protected-resource/mcp')
    const about = {
      client_name: 'An app',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
    }
    const { body } = await request(app).post('/oauth2/register').send(about).expect(201)
    const asked = { clientId: body.client_id, userId: '1', scope: 'mcp:tools', resource }
    const { access_token } = await library.issueTokens(server, asked)
    const called = await request(app).post('/mcp').auth(access_token, { type: 'bearer' }).expect(200)
    expect(called.body).toMatchObject({ clientId: body.client_id, scopes: ['mcp:tools'], extra: { userId: '1' } })
  })

  it('of tenants gives each an issuer, and refuses the tokens of another', async () => {
    const app = express()
    await run('const tenants', { issuer, scopes: ['read'], app })
    for (const name of ['acme', 'globex']) {
      const { body } = await request(app).get(`/.well-known/oauth-authorization-server/${name}`).expect(200)
      expect(body.token_endpoint).toBe(`${issuer}/${name}/oauth2/token`)
      const grant = { grant_type: 'client_credentials' }
      await request(app).post(`/${name}/oauth2/token`).auth('a', 'stranger').type('form').send(grant).expect(401)
      await request(app).get(`/${name}/notes`).expect(401)
    }
    await request(app).get('/initech/notes').expect(404)
  })

  it('of Nest has a guard that passes a right token, and sends its own refusal', async () => {
    const server = library.createAuthorizationServer(base())
    type Guard = { canActivate(context: object): Promise<boolean> }
    const { OAuthGuard } = await run<{ OAuthGuard: new () => Guard }>('implements CanActivate', { server })
    const passed: boolean[] = []
    const app = express().get('/', async (req, res) => {
      const context = { switchToHttp: () => ({ getRequest: () => req, getResponse: () => res }) }
      passed.push(await new OAuthGuard().canActivate(context))
      if (passed.at(-1)) res.json(req.user)
    })
    const token = await issuedBy(server, 'read', { userId: '1' })
    await request(app).get('/').auth(token, { type: 'bearer' }).expect(200, { id: '1' })
    const { headers } = await request(app).get('/').expect(401)
    expect(headers['www-authenticate']).toMatch(/^Bearer/)
    expect(passed).toEqual([true, false])
  })

  it('of FAPI 2.0 push their requests, prove keys, and get no other tokens', async () => {
    const options = { ...base(), scopes: ['accounts'] }
    const { server } = await run<{ server: library.AuthorizationServer }>('opaque({ ttl: 300 })', options)
    await run("redirectUris: ['https://ledger.example/callback']", { server })
    const app = express().use(library.oauthRouter(server, { decide: library.approve({ clients: [] }), protect: false }))
    expect((await request(app).get('/.well-known/oauth-authorization-server')).body).toMatchObject({
      require_pushed_authorization_requests: true,
      dpop_signing_alg_values_supported: ['ES256', 'PS256'],
    })
    const [client] = await server.storage.clients.list({ limit: 1 })
    const { clientId = '' } = client ?? {}
    const issued = library.issueTokens(server, { clientId, userId: 'ada' })
    await expect(issued).rejects.toMatchObject({ code: 'invalid_dpop_proof' })
  })

  it('of client certificates bind tokens, and take the certificate of a header', async () => {
    const { server } = await run<{ server: library.AuthorizationServer }>('mutualTls() //', base())
    const [client] = await server.storage.clients.list({ limit: 1 })
    const issued = library.issueTokens(server, { clientId: client?.clientId as string })
    await expect(issued).rejects.toMatchObject({ description: expect.stringContaining('bound to its certificate') })
    const { tls } = await run<{ tls: library.ClientAuthentication }>("req.headers['x-client-verify']")
    expect(tls.methods).toEqual(['tls_client_auth', 'self_signed_tls_client_auth'])
  })

  it('of pino logs each event once, errors with their cause', async () => {
    const lines: Record<string, unknown>[] = []
    const pino = jest.requireActual<typeof import('pino')>('pino')
    const sink = { write: (line: string) => void lines.push(JSON.parse(line)) }
    const load = loadOther('pino', () => pino({}, sink))
    const { server } = await run<{ server: library.AuthorizationServer }>('function logEvent', base(), load)
    await library.registerClient(server, { clientId: 'app' })
    server.emit({
      type: 'error',
      error: new library.OAuthError('server_error', 'no', { cause: new Error('disk full') }),
    })
    expect(lines).toMatchObject([
      { level: 30, msg: 'client.created', clientId: 'app' },
      { level: 50, msg: 'error', err: { message: 'disk full' } },
    ])
  })

  it('of OpenTelemetry counts events by their type', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
    const provider = new MeterProvider({ readers: [reader] })
    metrics.setGlobalMeterProvider(provider)
    const { server } = await run<{ server: library.AuthorizationServer }>('createCounter', base())
    await issuedBy(server)
    await issuedBy(server)
    const { resourceMetrics } = await reader.collect()
    const [metric] = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    expect(metric?.descriptor.name).toBe('oauth.events')
    expect(metric?.dataPoints.map(({ attributes, value }) => [attributes.type, value])).toEqual([
      ['client.created', 2],
      ['token.issued', 2],
    ])
    await provider.shutdown()
    metrics.disable()
  })

  it('of Sentry, in one line, hands on each error with its cause, and no other event', () => {
    const [, line = ''] =
      /`onEvent: (\(event\) => [^`]*Sentry\.[^`]*)`/.exec(text['examples/reference/events.md'] as string) ?? []
    const captured: unknown[] = []
    const onEvent = new Function('Sentry', `return ${line}`)({
      captureException: (error: unknown) => captured.push(error),
    })
    const server = library.createAuthorizationServer({ ...base(), onEvent })
    const [cause, bare] = [new Error('disk full'), new library.OAuthError('server_error', 'no')]
    server.emit({ type: 'client.created', clientId: 'app' })
    server.emit({ type: 'error', error: new library.OAuthError('server_error', 'no', { cause }) })
    server.emit({ type: 'error', error: bare })
    expect(captured).toEqual([cause, bare])
  })

  it('of the shutdown ends requests, cleanup and pool in this order', async () => {
    const server = library.createAuthorizationServer(base())
    const process = new EventEmitter()
    const pool = new EventEmitter() as EventEmitter & { end: () => Promise<void> }
    const { listener } = await run<{ listener: import('node:http').Server }>('SIGTERM', {
      server,
      process,
      app: express(),
      port: 0,
      pool: Object.assign(pool, { end: async () => void pool.emit('ended', listener.listening) }),
    })
    await once(listener, 'listening')
    const ended = once(pool, 'ended')
    process.emit('SIGTERM')
    expect(await ended).toEqual([false])
  })

  it('of readiness is 200 while the storage answers, and 503 while it does not', async () => {
    const { server, storage } = await createHost()
    const app = express()
    await run('storageHealth', { server, app })
    await request(app).get('/ready').expect(200)
    storage.replace('grants.find', () => Promise.reject(new Error('away')))
    await request(app).get('/ready').expect(503)
  })

  it('of assertions has a server that says so in its metadata', async () => {
    const { server } = await run<{ server: library.AuthorizationServer }>('jwtBearer({', base())
    expect([...server.grants.keys()]).toContain('urn:ietf:params:oauth:grant-type:jwt-bearer')
  })

  it('of token exchange has a server where one API gets a token for the other', async () => {
    const { server } = await run<{ server: library.AuthorizationServer }>('tokenExchange({', {
      ...base(),
      scopes: ['invoices'],
    })
    const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const grantTypes = [grantType, 'client_credentials']
    const { clientSecret } = await library.registerClient(server, {
      clientId: 'orders',
      grantTypes,
      scopes: ['invoices'],
    })
    const resource = 'https://invoices.example.com'
    const made = await library.issueTokens(server, { clientId: 'orders', userId: '1', resource })
    const actor = await library.issueTokens(server, { clientId: 'orders' })
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const form = new URLSearchParams({
      grant_type: grantType,
      subject_token: made.access_token,
      subject_token_type: type,
    })
    const send = (more: object) =>
      request(express().use(library.tokenRouter(server)))
        .post('/')
        .auth('orders', clientSecret as string)
        .type('form')
        .send(new URLSearchParams({ ...Object.fromEntries(form), ...more }).toString())
    expect((await send({})).body.error).toBe('invalid_request')
    const { body } = await send({ actor_token: actor.access_token, actor_token_type: type })
    expect(body).toMatchObject({ scope: 'invoices', issued_token_type: type })
  })

  it('of resources has a server whose tokens for one API live shorter, and have its scope alone', async () => {
    const { server } = await run<{ server: library.AuthorizationServer }>("'https://payments.example.com': { ttl", {
      issuer: 'https://auth.example.com',
      storage: library.memoryStorage(),
    })
    const { client } = await library.registerClient(server, { scopes: ['read', 'pay'] })
    const asked = { clientId: client.clientId, userId: 'alice', refreshToken: false }
    const [photos, payments] = server.resources.map((resource) => library.issueTokens(server, { ...asked, resource }))
    expect(await photos).toMatchObject({ scope: 'read pay', expires_in: 3600 })
    expect(await payments).toMatchObject({ scope: 'pay', expires_in: 120 })
  })

  it('of devices has a server where one gets its two codes', async () => {
    const app = express()
    await run('deviceCode({ ttl', { ...base(), app })
    const { body } = await request(app).post('/oauth2/device_authorization').type('form').send({ client_id: 'tv' })
    expect(body.verification_uri).toBe(`${issuer}/device`)
  })

  it('of a client with keys registers it, and gives it no secret', async () => {
    const server = library.createAuthorizationServer(base())
    await run("jwksUri: 'https://robot.example.com/jwks.json'", { server })
    const [client] = await library.listClients(server)
    expect(client).toMatchObject({ clientId: 'robot', tokenEndpointAuthMethods: ['private_key_jwt'], secrets: [] })
  })

  it('of a new secret keeps the old one for a day', async () => {
    const server = library.createAuthorizationServer(base())
    await library.registerClient(server, { clientId: 'reader', grantTypes: ['client_credentials'], scopes: ['read'] })
    const { rotated } = await run<{ rotated: { clientSecret: string } }>('overlap: 86_400', { server })
    const [client] = await library.listClients(server)
    expect([typeof rotated.clientSecret, client?.secrets.length]).toEqual(['string', 2])
  })

  it('of a restored backup ends every token', async () => {
    const server = library.createAuthorizationServer(base())
    const token = await issuedBy(server)
    await run('await listClients(server)', { server })
    await expect(library.verifyAccessToken(server, token)).rejects.toThrow('revoked')
  })
})

describePostgres('the snippet of PostgreSQL', () => {
  it('keeps clients there', async () => {
    const postgres = await startPostgres()
    const pools: Pool[] = []
    class CountedPool extends Pool {
      constructor(options: object) {
        super(options)
        pools.push(this)
      }
    }
    const load = loadOther('pg', { Pool: CountedPool })
    const values = { process: { env: { DATABASE_URL: postgres.connectionString } } }
    const { storage } = await run<{ storage: library.OAuthStorage }>('new Pool(', values, load)
    const server = library.createAuthorizationServer({ ...base(), storage })
    await library.verifyAccessToken(server, await issuedBy(server))
    for (const pool of pools) await pool.end()
    await postgres.stop()
  })
})

describeMysql('the snippet of MySQL', () => {
  it('keeps clients there', async () => {
    const mysql = await startMysql()
    const pools: MysqlPool[] = []
    const createPool = (options: PoolOptions) => {
      const pool = mysql2.createPool(options)
      pools.push(pool)
      return pool
    }
    const load = loadOther('mysql2/promise', { createPool })
    const values = { process: { env: { DATABASE_URL: mysql.url } } }
    const { storage } = await run<{ storage: library.OAuthStorage }>('createPool(', values, load)
    const server = library.createAuthorizationServer({ ...base(), storage })
    await library.verifyAccessToken(server, await issuedBy(server))
    for (const pool of pools) await pool.end()
    await mysql.stop()
  })
})

describeRedis('the snippets of Redis', () => {
  it('keep clients there, and count failures there', async () => {
    const redis = await startRedis({ config: { 'maxmemory-policy': 'noeviction' } })
    const process = { env: { REDIS_URL: redis.url } }
    const { storage, client } = await run<{ storage: library.OAuthStorage; client: ReturnType<typeof createClient> }>(
      'checkRedis(',
      { process },
    )
    const server = library.createAuthorizationServer({ ...base(), storage })
    await library.verifyAccessToken(server, await issuedBy(server))

    try {
      const { throttle } = await run<{ throttle: library.Throttle }>('RateLimiterRedis', { client })
      const attempt = { kind: 'password', account: 'ana', network: '192.0.2.1' } as const
      const before = await client.dbSize()
      expect(await throttle.take(attempt)).toHaveProperty('succeed')
      expect(await client.dbSize()).toBeGreaterThan(before)
      for (let times = 0; times < 20; times++) await throttle.take(attempt)
      expect(await throttle.take(attempt)).toHaveProperty('retryAfter')
    } finally {
      client.destroy()
      await redis.stop()
    }
  })
})

describe('the files that pages name', () => {
  const named = pages.flatMap((page) =>
    [...(text[page] as string).matchAll(/(?<![\w/.-])(?:src|test|examples)\/[\w./-]*\w\/?(?![\w*<]|\/<)/g)].map(
      ([name]) => [page, name] as const,
    ),
  )

  it.each(named)('%s: %s', (_, name) => {
    // a command may name a test by the beginning of its name
    expect([name, `${name}.test.ts`].some((file) => existsSync(join(root, file)))).toBe(true)
  })

  it('are found in a table, a sentence and a command', () => {
    expect(named.map(([, name]) => name)).toEqual(
      expect.arrayContaining([
        'src/rules/pkce.ts',
        'src/grants/',
        'examples/protect-an-api/two-services.ts',
        'test/routers/token',
      ]),
    )
  })

  it('of the floors are there', () => {
    const [, house = ''] = /\n## The house\n([\s\S]*?)\n## /.exec(text['.github/CONTRIBUTING.md'] as string) ?? []
    const places = [...house.matchAll(/`([\w./-]+(?:\/|\.ts))`/g)].map(([, place]) => place as string)
    expect(places).toContain('credentials/')
    expect(places.filter((place) => !existsSync(join(root, place)) && !existsSync(join(root, 'src', place)))).toEqual(
      [],
    )
  })
})

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const prose = page.replaceAll(/```[\s\S]*?```/g, '')
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the tables, links and pictures', () => {
  it('of storage calls is what requests cost', async () => {
    const host = await createHost({ decide: library.consentPage({ signIn: '/login' }) })
    const cost = new Map<string, string[]>()
    const count = async <T>(name: string, sent: PromiseLike<T>): Promise<T> => {
      host.storage.calls.length = 0
      const answer = await sent
      cost.set(name, [...host.storage.calls])
      return answer
    }
    const page = await count('consent page, shown', host.authorize())
    const transaction = /name="consent_transaction" value="([^"]+)"/.exec(page.text)?.[1]
    host.clock.advance(0.5)
    const allowed = await count(
      'consent page, allowed',
      host
        .http()
        .post(`/oauth2/authorize?${host.authorizationRequest(host.web)}`)
        .set('X-User', 'alice')
        .type('form')
        .send({ consent_transaction: transaction, consent: 'allow' }),
    )
    const code = new URL(allowed.headers.location as string).searchParams.get('code') as string
    const { body } = await count('code for tokens', host.exchange(host.web, code))
    await count('refresh', host.refresh(host.web, body.refresh_token))
    await count('client credentials', host.token(host.web, { grant_type: 'client_credentials' }))
    await count('introspection', host.introspect(host.api, body.access_token))
    await count('guarded API', host.me(body.access_token).expect(200))
    await count('revocation', host.revoke(host.web, body.refresh_token))
    const table =
      /\| request \| calls \| which \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(
        text['examples/production/README.md'] as string,
      )?.[1] ?? ''
    const rows = [...table.matchAll(/^\| ([^|]+) \| (\d) \| (.+) \|$/gm)].map(([, name, calls, which]) => {
      const said = [...(which as string).matchAll(/`([^`]+)`/g)].map((match) => match[1])
      expect(said).toHaveLength(Number(calls))
      return [name, said]
    })
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(cost))
  })

  it('of events has every type', () => {
    const [, list] = /# Events\n([\s\S]*?)```ts/.exec(text['examples/reference/events.md'] as string) ?? []
    const union = readFileSync(join(root, 'src/types/events.ts'), 'utf8').split(
      'export type AuthorizationServerEvent',
    )[1] as string
    const types = [...union.matchAll(/'([a-z]+(?:\.[a-z_]+)?)'(?=[;,| ]|$)/gm)].map((match) => match[1] as string)
    const named = [...(list as string).matchAll(/`([a-z]+(?:\.[a-z_]+)?)`/g)].map((match) => match[1])
    expect(named.sort()).toEqual(types.filter((type) => type.includes('.') || /^(warning|error)$/.test(type)).sort())
  })

  it('of PostgreSQL is what postgresSchema() says', () => {
    const [, sql] = /```sql\n([\s\S]*?)```/.exec(text['examples/storage/README.md'] as string) ?? []
    expect(sql?.trim()).toBe(postgresSchema().trim())
  })

  it.each(pages)('are there: %s', (page) => {
    const folder = join(root, page, '..')
    const prose = (text[page] as string).replaceAll(/```[\s\S]*?```/g, '')
    const linked = [...prose.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)|(?:src|srcset)="([^"]+)"/g)]
    for (const [, link, anchor, image] of linked) {
      const target = join(folder, link === '' ? basename(page) : ((link ?? image) as string))
      expect([target, existsSync(target)]).toEqual([target, true])
      if (anchor !== undefined) expect(anchorsOf(readFileSync(target, 'utf8'))).toContain(anchor)
    }
    for (const [, file] of (text[page] as string).matchAll(/`((?:src|test|examples)\/[^`<*]*)`/g)) {
      expect(existsSync(join(root, file as string))).toBe(true)
    }
  })

  // without generated pages, and those for contributors
  it.each(pages.filter((page) => /^examples\//.test(page) && !/symptoms|options\.md/.test(page)))(
    'have at most 20 words in a sentence: %s',
    (page) => {
      const prose = (text[page] as string)
        .replaceAll(/```[\s\S]*?```|^\|.*$|^<picture>.*$|^#.*$/gm, '\n\n')
        .replaceAll(/`[^`]*`/g, 'code')
        .replaceAll(/\]\([^)]*\)/g, ']')
      const sentences = prose
        .split(/[.?!:](?=[\s*]|$)|\n\n|\n- /)
        .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)))
      expect(sentences.filter((words) => words.length > 20).map((words) => words.join(' '))).toEqual([])
    },
  )

  it.each(['light', 'dark'])('have the flow as well-formed SVG: %s', (theme) => {
    const svg = readFileSync(join(root, `examples/pictures/flow-${theme}.svg`), 'utf8')
    const opened = [...svg.matchAll(/<(\w+)(?:\s[^>]*[^/])?>/g)].map((match) => match[1]).sort()
    expect([...svg.matchAll(/<\/(\w+)>/g)].map((match) => match[1]).sort()).toEqual(opened)
    expect(svg).toContain('<title')
  })
})

it('every snippet was run, but for those of a database that is not on this machine', () => {
  const left = snippets.filter((snippet) => !ran.has(snippet))
  expect(left.filter((snippet) => !/from '(pg|redis)'|RateLimiterRedis/.test(snippet))).toEqual([])
})
