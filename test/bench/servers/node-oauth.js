// @node-oauth/express-oauth-server, as its README sets it up, with its documented model on maps.
const { findUser, fixtures, load, times, userId } = require('./common')

const express = load('express')
const OAuthServer = load('@node-oauth/express-oauth-server')

/** @typedef {Record<string, any>} Row */

async function start() {
  const client = {
    id: fixtures.clientId,
    clientSecret: fixtures.clientSecret,
    grants: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
    redirectUris: [fixtures.redirectUri],
  }
  /** @type {Map<string, Row>} */
  const accessTokens = new Map()
  /** @type {Map<string, Row>} */
  const refreshTokens = new Map()
  /** @type {Map<string, Row>} */
  const codes = new Map()
  const saveToken = (/** @type {Row} */ token, /** @type {Row} */ client, /** @type {Row} */ user) => {
    /** @type {Row} */
    const saved = { ...token, client, user }
    accessTokens.set(saved.accessToken, saved)
    if (saved.refreshToken) refreshTokens.set(saved.refreshToken, saved)
    return saved
  }
  const model = {
    getClient: async (/** @type {string} */ id, /** @type {string} */ secret) =>
      id === client.id && (!secret || secret === client.clientSecret) && client,
    getUser: async (/** @type {string} */ username, /** @type {string} */ password) => findUser(username, password),
    getUserFromClient: async (/** @type {Row} */ { id }) => ({ id }),
    getAccessToken: async (/** @type {string} */ token) => accessTokens.get(token),
    getRefreshToken: async (/** @type {string} */ token) => refreshTokens.get(token),
    getAuthorizationCode: async (/** @type {string} */ code) => codes.get(code),
    saveToken: async (/** @type {Row} */ token, /** @type {Row} */ client, /** @type {Row} */ user) =>
      saveToken(token, client, user),
    saveAuthorizationCode: async (/** @type {Row} */ code, /** @type {Row} */ client, /** @type {Row} */ user) => {
      /** @type {Row} */
      const saved = { ...code, client, user }
      codes.set(saved.authorizationCode, saved)
      return saved
    },
    revokeAuthorizationCode: async (/** @type {Row} */ { authorizationCode }) => codes.delete(authorizationCode),
    revokeToken: async (/** @type {Row} */ { refreshToken, accessToken }) => {
      accessTokens.delete(accessToken)
      return refreshTokens.delete(refreshToken)
    },
    validateScope: async (/** @type {Row} */ _user, /** @type {Row} */ _client, /** @type {string[]} */ scope) =>
      (scope ?? [fixtures.scope]).every((one) => ['read', 'write'].includes(one)) && (scope ?? [fixtures.scope]),
    verifyScope: async (/** @type {Row} */ token, /** @type {string[]} */ scope) =>
      scope.every((one) => token.scope.includes(one)),
  }
  const oauth = new OAuthServer({ model })
  const app = express()
  app.use(express.json())
  app.use(express.urlencoded({ extended: false }))
  app.post('/token', oauth.token())
  app.get('/read', oauth.authenticate({ scope: ['read'] }), (/** @type {any} */ _req, /** @type {any} */ res) => {
    res.json(res.locals.oauth.token.user)
  })
  const later = (/** @type {number} */ seconds) => new Date(Date.now() + seconds * 1000)
  const { generateRandomToken } = load('@node-oauth/oauth2-server/lib/utils/token-util')
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { token: '/token', read: '/read' },
    operations: ['client_credentials', 'password', 'refresh', 'code', 'guard'],
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, async (n) => {
        const user = /** @type {Row} */ (fixtures.users.get(userId(n)))
        if (kind === 'code') {
          const authorizationCode = await generateRandomToken()
          const { redirectUri, codeChallenge } = fixtures
          const code = { authorizationCode, redirectUri, codeChallenge, codeChallengeMethod: 'S256', scope: ['read'] }
          await model.saveAuthorizationCode({ ...code, expiresAt: later(fixtures.codeTtl) }, client, user)
          return authorizationCode
        }
        const token = {
          accessToken: await generateRandomToken(),
          accessTokenExpiresAt: later(fixtures.accessTokenTtl),
          scope: ['read'],
          ...(kind === 'refresh_token' && {
            refreshToken: await generateRandomToken(),
            refreshTokenExpiresAt: later(fixtures.refreshTokenTtl),
          }),
        }
        const saved = saveToken(token, client, user)
        return kind === 'refresh_token' ? saved.refreshToken : saved.accessToken
      }),
  }
}

module.exports = { start }
