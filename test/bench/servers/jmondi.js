// @jmondi/oauth2-server, as its README sets it up (a secret in a string), with its repositories on maps.
const { fixtures, findUser, load, times, userId } = require('./common')

const express = load('express')
const { AuthorizationServer, DateInterval, generateRandomToken } = load('@jmondi/oauth2-server')
const { handleExpressError, handleExpressResponse, requestFromExpress } = load('@jmondi/oauth2-server/express')

/** @typedef {Record<string, any>} Row */

async function start() {
  const scopes = [{ name: 'read' }, { name: 'write' }]
  const client = {
    id: fixtures.clientId,
    name: 'Bench',
    secret: fixtures.clientSecret,
    redirectUris: [fixtures.redirectUri],
    allowedGrants: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
    scopes,
  }
  /** @type {Map<string, Row>} */
  const byAccessToken = new Map()
  /** @type {Map<string, Row>} */
  const byRefreshToken = new Map()
  /** @type {Map<string, Row>} */
  const codes = new Map()
  const clientRepository = {
    getByIdentifier: async (/** @type {string} */ id) => (id === client.id ? client : undefined),
    isClientValid: async (/** @type {string} */ grantType, /** @type {Row} */ client, /** @type {string} */ secret) =>
      client.secret === secret && client.allowedGrants.includes(grantType),
  }
  const tokenRepository = {
    issueToken: async (/** @type {Row} */ client, /** @type {Row[]} */ scopes, /** @type {Row} */ user) => ({
      accessToken: generateRandomToken(),
      accessTokenExpiresAt: new DateInterval('1h').getEndDate(),
      client,
      user,
      scopes,
    }),
    async issueRefreshToken(/** @type {Row} */ token) {
      token.refreshToken = generateRandomToken()
      token.refreshTokenExpiresAt = new DateInterval('14d').getEndDate()
      byRefreshToken.set(token.refreshToken, token)
      return token
    },
    async persist(/** @type {Row} */ token) {
      byAccessToken.set(token.accessToken, token)
    },
    async revoke(/** @type {Row} */ token) {
      token.accessTokenExpiresAt = new Date(0)
      token.refreshTokenExpiresAt = new Date(0)
    },
    isRefreshTokenRevoked: async (/** @type {Row} */ { refreshTokenExpiresAt }) => Date.now() > refreshTokenExpiresAt,
    getByRefreshToken: async (/** @type {string} */ token) => found(byRefreshToken.get(token)),
    getByAccessToken: async (/** @type {string} */ token) => found(byAccessToken.get(token)),
  }
  const scopeRepository = {
    getAllByIdentifiers: async (/** @type {string[]} */ names) => scopes.filter(({ name }) => names.includes(name)),
    finalize: async (/** @type {Row[]} */ scopes) => scopes,
  }
  const userRepository = {
    getUserByCredentials: async (/** @type {string} */ id, /** @type {string | undefined} */ password) =>
      password === undefined ? fixtures.users.get(id) : findUser(id, password),
  }
  const authCodeRepository = {
    issueAuthCode: (/** @type {Row} */ client, /** @type {Row} */ user, /** @type {Row[]} */ scopes) => ({
      code: generateRandomToken(),
      expiresAt: new DateInterval('15m').getEndDate(),
      client,
      user,
      scopes,
    }),
    async persist(/** @type {Row} */ code) {
      codes.set(code.code, code)
    },
    getByIdentifier: async (/** @type {string} */ code) => found(codes.get(code)),
    isRevoked: async (/** @type {string} */ code) => Date.now() > found(codes.get(code)).expiresAt,
    async revoke(/** @type {string} */ code) {
      found(codes.get(code)).expiresAt = new Date(0)
    },
  }
  const secret = 'secret-key-of-the-bench'
  const server = new AuthorizationServer(clientRepository, tokenRepository, scopeRepository, secret)
  server.enableGrantTypes(
    ...['client_credentials', 'refresh_token'].map((grant) => [grant, new DateInterval('1h')]),
    [{ grant: 'authorization_code', userRepository, authCodeRepository }, new DateInterval('1h')],
    [{ grant: 'password', userRepository }, new DateInterval('1h')],
  )

  const app = express()
  app.use(express.urlencoded({ extended: false }))
  const mount = (/** @type {string} */ path, /** @type {(request: unknown) => Promise<unknown>} */ respond) =>
    app.post(path, async (/** @type {any} */ req, /** @type {any} */ res) => {
      try {
        handleExpressResponse(res, await respond(requestFromExpress(req)))
      } catch (error) {
        handleExpressError(error, res)
      }
    })
  mount('/token', (request) => server.respondToAccessTokenRequest(request))
  mount('/token/revoke', (request) => server.revoke(request))
  mount('/token/introspect', (request) => server.introspect(request))

  const basic = `Basic ${Buffer.from(`${fixtures.clientId}:${fixtures.clientSecret}`).toString('base64')}`
  const request = (/** @type {Record<string, string>} */ body) =>
    requestFromExpress({ headers: { authorization: basic }, query: {}, body })
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { token: '/token', revoke: '/token/revoke', introspect: '/token/introspect' },
    operations: ['client_credentials', 'password', 'refresh', 'code', 'introspect', 'revoke', 'revoke_session'],
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, async (n) => {
        if (kind === 'code') {
          const { clientId, redirectUri, codeChallenge, scope } = fixtures
          const query = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope }
          const pkce = { code_challenge: codeChallenge, code_challenge_method: 'S256' }
          const asked = requestFromExpress({ headers: {}, query: { ...query, ...pkce }, body: {} })
          const authorization = await server.validateAuthorizationRequest(asked)
          authorization.user = fixtures.users.get(userId(n))
          authorization.isAuthorizationApproved = true
          const { headers } = await server.completeAuthorizationRequest(authorization)
          return String(new URL(headers.location).searchParams.get('code'))
        }
        const username = userId(n)
        const signIn = { grant_type: 'password', username, password: `password of ${username}`, scope: fixtures.scope }
        const { body } = await server.respondToAccessTokenRequest(request(signIn))
        return kind === 'refresh_token' ? body.refresh_token : body.access_token
      }),
  }
}

/** @template T @param {T | undefined} row @returns {T} */
function found(row) {
  if (row === undefined) throw new Error('not found')
  return row
}

module.exports = { start }
