// express-authorization-server, as its README sets it up, on one of its stores.
const { generateKeyPairSync } = require('node:crypto')
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { findUser, fixtures, load, times, userId } = require('./common')
const { proofFor, verifyPlainly } = require('./proofs')
const { keyFor, signPlainly } = require('./signatures')

const express = load('express')

/**
 * @typedef {object} Config
 * @property {string} folder where the package was built
 * @property {string} origin
 * @property {string} operation
 * @property {'memory' | 'asynchronous' | 'sqlite' | 'postgres' | 'redis'} [storage]
 * @property {string} [url] of the database
 * @property {number} [live] access tokens that are there before
 * @property {'worker' | 'loop'} [bcrypt] passwords are bcrypt hashes, compared there
 * @property {'plain'} [signature] a code exchange gets a bare `crypto.sign` in front, and there is no id_token
 * @property {'plain'} [proof] DPoP proofs get a `crypto.verify` in front, tokens are bearer tokens, and nothing is bound
 */

async function start(/** @type {Config} */ config) {
  /** @type {any} */
  const library = require(join(config.folder, 'dist', 'index.js'))
  const needs = missing(config, library)
  const { client, server, app } = needs.length > 0 ? unavailable() : await mount(config, library)
  const issue = async (/** @type {number} */ n, /** @type {boolean} */ refreshToken) => {
    const options = { clientId: client.id, userId: userId(n), scope: fixtures.scope, refreshToken }
    return library.issueTokens(server, options)
  }
  const paths = {
    ...{ token: '/oauth2/token', introspect: '/oauth2/introspect', revoke: '/oauth2/revoke_token', read: '/read' },
    par: '/oauth2/par',
  }
  const proof = (/** @type {number} */ n, /** @type {'token' | 'par'} */ endpoint) =>
    proofFor(n, 'POST', config.origin + paths[endpoint])
  if (needs.length === 0) await times(config.live ?? 0, (n) => issue(n, false))
  return {
    app,
    client,
    clientAuthentication: 'basic',
    tokenType: config.proof === 'plain' ? 'Bearer' : 'DPoP',
    paths,
    needs,
    hasIdToken: hasOpenId(config),
    operations: [
      ...['client_credentials', 'password', 'refresh', 'code', 'guard', 'introspect', 'revoke', 'revoke_session'],
      ...['guard_rs256_first', 'guard_rs256', 'guard_es256_first', 'guard_es256'],
      ...(library.dpop ? ['par', 'code_dpop', 'guard_dpop'] : []),
      ...['code_openid', 'code_openid_es256'],
    ],
    async material(/** @type {string} */ kind, /** @type {number} */ count) {
      if (kind === 'par') return times(count, (n) => proof(n, 'par'))
      if (kind === 'refresh_token') return times(count, async (n) => (await issue(n, true)).refresh_token)
      const { redirectUri, codeChallenge, scope } = fixtures
      const signedIn = {
        time: Math.floor(Date.now() / 1000) - 60,
        acr: 'mfa',
        amr: ['pwd', 'otp'],
        sessionId: 'session',
      }
      const options = {
        ...{ clientId: client.id, redirectUri, codeChallenge, scope },
        ...(hasOpenId(config) && { scope: `openid ${scope}`, authentication: signedIn, nonce: fixtures.codeChallenge }),
      }
      const code = async (/** @type {number} */ n) =>
        (await library.issueCode(server, { ...options, userId: userId(n) })).code
      if (kind === 'code') return times(count, code)
      if (kind === 'code_dpop') return times(count, async (n) => `${await code(n)} ${proof(n, 'token')}`)
      if (kind !== 'guard_dpop') return times(count, async (n) => (await issue(n, false)).access_token)
      // one token for each key: whoever calls an API does so again and again
      const tokens = await times(Math.min(count, 100), async (n) => redeem(await code(n), proof(n, 'token')))
      const url = config.origin + paths.read
      return times(count, (n) => `${tokens[n % 100]} ${proofFor(n, 'GET', url, tokens[n % 100])}`)
    },
  }

  /** Over HTTP: a token is bound by the proof that comes with its request. @param {string} code @param {string} dpop */
  async function redeem(code, dpop) {
    const { redirectUri: redirect_uri, codeVerifier: code_verifier } = fixtures
    const headers = { DPoP: dpop, Authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` }
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri, code_verifier })
    const answer = await fetch(config.origin + paths.token, { method: 'POST', headers, body })
    return /** @type {any} */ (await answer.json()).access_token
  }
}

/** With proofs and pushed requests, or with a plain look at the proof in front of the same. */
function capabilities(/** @type {Config} */ { operation, proof }, /** @type {any} */ library) {
  return {
    ...(operation === 'par' && { requests: [library.pushedAuthorizationRequests()] }),
    ...(takesProofs(operation) && !proof && { senderConstraints: [library.dpop()] }),
  }
}

const hasOpenId = (/** @type {Config} */ { operation, signature }) => operation.startsWith('code_openid') && !signature

/** A server that issues id_tokens. */
function openid(/** @type {Config} */ config) {
  if (!hasOpenId(config)) return {}
  const authentication = () => undefined
  return { openid: require(openIdOf(config)).openid({ keys: keyFor(config.operation), authentication }) }
}

const openIdOf = (/** @type {Config} */ { folder }) => join(folder, 'dist', 'openid', 'index.js')

const takesProofs = (/** @type {string} */ operation) => ['par', 'code_dpop', 'guard_dpop'].includes(operation)

async function mount(/** @type {Config} */ config, /** @type {any} */ library) {
  const { authorizationCode, clientCredentials, refreshToken, password } = library
  const server = library.createAuthorizationServer({
    issuer: config.origin,
    storage: await makeStorage(config, library),
    scopes: { read: 'See your data', write: 'Change your data' },
    grants: [
      authorizationCode({ ttl: fixtures.codeTtl }),
      clientCredentials(),
      refreshToken(),
      password({ verify: verifyPassword(config, library) }),
    ],
    users: { find: (/** @type {string} */ id) => fixtures.users.get(id) },
    ...(config.operation.startsWith('guard_') &&
      config.operation.includes('256') && { accessTokens: jwtTokens(config.operation, library) }),
    ...(config.bcrypt && { throttle: false }),
    ...capabilities(config, library),
    ...openid(config),
  })
  const registered = await library.registerClient(server, {
    redirectUris: [fixtures.redirectUri],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
    scopes: ['read', 'write', ...(hasOpenId(config) ? ['openid'] : [])],
  })
  const app = express()
  if (config.signature) app.use('/oauth2/token', signPlainly(config.operation))
  if (config.proof && takesProofs(config.operation)) app.use(verifyPlainly)
  app.use('/oauth2/token', library.tokenRouter(server))
  if (config.operation === 'par') app.use('/oauth2/par', library.pushedAuthorizationRouter(server))
  app.use('/oauth2/revoke_token', library.revokeRouter(server))
  app.use('/oauth2/introspect', library.introspectRouter(server))
  // clients' own tokens are measured, too; a build of before admits them without a word
  const whose = library.resourceOwner ? { user: false } : {}
  const guard = library.bearerGuard(server, { scope: 'read', ...whose })
  app.get('/read', guard, (/** @type {any} */ req, /** @type {any} */ res) => void res.json(req.user))
  return { app, server, client: { id: registered.client.clientId, secret: registered.clientSecret } }
}

const adapterOf = (/** @type {string} */ folder, /** @type {string} */ name) =>
  join(folder, 'dist', 'storage', name, `${name}.js`)

/** What this build, or this machine, does not have yet. */
function missing(/** @type {Config} */ config, /** @type {any} */ library) {
  const { operation, storage, folder, url } = config
  const needs = []
  if (hasOpenId(config) && !existsSync(openIdOf(config))) needs.push('openid()')
  if (operation.includes('256') && !library.jwt) needs.push('jwt()')
  if (storage === 'postgres' || storage === 'redis' || storage === 'sqlite') {
    try {
      require.resolve(adapterOf(folder, storage))
    } catch {
      needs.push(`express-authorization-server/${storage}`)
    }
    if (storage !== 'sqlite' && !url) needs.push(`a ${storage} to connect to`)
  }
  return needs
}

function unavailable() {
  return { app: express(), server: undefined, client: { id: '', secret: '' } }
}

/** @typedef {(driver: any) => any} Wrap what the adapter gets instead of the driver's client */

/** @returns {Promise<any>} */
async function makeStorage(
  /** @type {Config} */ { storage = 'memory', folder, url },
  /** @type {any} */ library,
  /** @type {Wrap} */ wrap = (driver) => driver,
) {
  if (storage === 'memory') return library.memoryStorage()
  if (storage === 'asynchronous') {
    const { clients, grants } = library.memoryStorage()
    return { clients: asynchronous(clients), grants: asynchronous(grants) }
  }
  /** @type {any} */
  const adapter = require(adapterOf(folder, storage))
  if (storage === 'postgres') {
    const pool = new (load('pg').Pool)({ connectionString: url, max: 10 })
    const store = adapter.postgresStorage(wrap(pool))
    await store.migrate()
    return store
  }
  if (storage === 'redis') {
    const client = load('redis').createClient({ url })
    client.on('error', (/** @type {Error} */ error) => console.error(error))
    await client.connect()
    return adapter.redisStorage(wrap(client))
  }
  const db = new (load('better-sqlite3'))(':memory:')
  const store = adapter.sqliteStorage(db)
  await store.migrate?.()
  return store
}

/** The same store, answering with promises. @param {Record<string, (...args: any[]) => unknown>} collection */
function asynchronous(collection) {
  return Object.fromEntries(
    Object.entries(collection).map(([name, method]) => [name, async (/** @type {any[]} */ ...args) => method(...args)]),
  )
}

function verifyPassword(/** @type {Config} */ { bcrypt }, /** @type {any} */ library) {
  if (!bcrypt) return findUser
  const bcryptjs = load('bcryptjs')
  const passwordHash = bcryptjs.hashSync('correct horse', 10)
  const findByUsername = (/** @type {string} */ name) =>
    fixtures.users.has(name) ? { id: name, passwordHash } : undefined
  if (bcrypt === 'worker') return library.bcryptPasswords({ findByUsername })
  return async (/** @type {string} */ name, /** @type {string} */ secret) =>
    (await bcryptjs.compare(secret, findByUsername(name)?.passwordHash ?? '')) ? name : undefined
}

function jwtTokens(/** @type {string} */ operation, /** @type {any} */ library) {
  const keys = operation.includes('rs256')
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  return library.jwt({ keys, audience: 'https://api.example.com', ttl: fixtures.accessTokenTtl })
}

module.exports = { adapterOf, makeStorage, missing, start }
