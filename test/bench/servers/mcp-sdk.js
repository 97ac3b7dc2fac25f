// The auth router of the MCP SDK, with a provider like the one of its example, on maps. Its rate limits, 50 requests in
// a quarter of an hour, are off.
const { randomUUID } = require('node:crypto')
const { fixtures, load, times, userId } = require('./common')

const express = load('express')
const { mcpAuthRouter } = load('@modelcontextprotocol/sdk/server/auth/router.js')
const { requireBearerAuth } = load('@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js')
const { InvalidGrantError, InvalidTokenError } = load('@modelcontextprotocol/sdk/server/auth/errors.js')

/** @typedef {Record<string, any>} Row */

async function start(/** @type {{ origin: string }} */ { origin }) {
  const client = {
    client_id: fixtures.clientId,
    client_secret: fixtures.clientSecret,
    redirect_uris: [fixtures.redirectUri],
  }
  /** @type {Map<string, Row>} */
  const accessTokens = new Map()
  /** @type {Map<string, Row>} */
  const refreshTokens = new Map()
  /** @type {Map<string, Row>} */
  const codes = new Map()
  const keep = (/** @type {Map<string, Row>} */ rows, /** @type {Row} */ row, /** @type {number} */ ttl) => {
    const token = randomUUID()
    rows.set(token, { ...row, expiresAt: Math.floor(Date.now() / 1000) + ttl })
    return token
  }
  const take = (/** @type {Map<string, Row>} */ rows, /** @type {Row} */ client, /** @type {string} */ token) => {
    const row = rows.get(token)
    if (!row || row.clientId !== client.client_id || row.expiresAt <= Date.now() / 1000) {
      throw new InvalidGrantError('Invalid grant')
    }
    return row
  }
  const issue = (/** @type {Row} */ { clientId, userId, scopes }) => ({
    access_token: keep(accessTokens, { clientId, userId, scopes }, fixtures.accessTokenTtl),
    refresh_token: keep(refreshTokens, { clientId, userId, scopes }, fixtures.refreshTokenTtl),
    token_type: 'bearer',
    expires_in: fixtures.accessTokenTtl,
    scope: scopes.join(' '),
  })
  const provider = {
    clientsStore: { getClient: async (/** @type {string} */ id) => (id === client.client_id ? client : undefined) },
    async authorize() {
      throw new Error('not measured')
    },
    challengeForAuthorizationCode: async (/** @type {Row} */ client, /** @type {string} */ code) =>
      take(codes, client, code).codeChallenge,
    async exchangeAuthorizationCode(
      /** @type {Row} */ client,
      /** @type {string} */ code,
      /** @type {unknown} */ _verifier,
      /** @type {string} */ redirectUri,
    ) {
      const row = take(codes, client, code)
      if (row.redirectUri !== redirectUri) throw new InvalidGrantError('Invalid redirect_uri')
      codes.delete(code)
      return issue(row)
    },
    async exchangeRefreshToken(/** @type {Row} */ client, /** @type {string} */ token) {
      const row = take(refreshTokens, client, token)
      refreshTokens.delete(token)
      return issue(row)
    },
    async verifyAccessToken(/** @type {string} */ token) {
      const row = accessTokens.get(token)
      if (!row) throw new InvalidTokenError('Invalid or expired token')
      const { clientId, scopes, expiresAt, userId } = row
      return { token, clientId, scopes, expiresAt, extra: { userId } }
    },
    async revokeToken(/** @type {Row} */ client, /** @type {Row} */ { token }) {
      for (const rows of [accessTokens, refreshTokens]) {
        if (rows.get(token)?.clientId === client.client_id) rows.delete(token)
      }
    },
  }
  const unlimited = { rateLimit: false }
  const app = express()
  const issuerUrl = new URL(origin)
  app.use(mcpAuthRouter({ provider, issuerUrl, tokenOptions: unlimited, revocationOptions: unlimited }))
  const guard = requireBearerAuth({ verifier: provider, requiredScopes: ['read'] })
  app.get('/read', guard, (/** @type {any} */ req, /** @type {any} */ res) => {
    res.json(fixtures.users.get(req.auth.extra.userId))
  })
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'post',
    paths: { token: '/token', revoke: '/revoke', read: '/read' },
    operations: ['refresh', 'code', 'guard', 'revoke', 'revoke_session'],
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, (n) => {
        const row = { clientId: client.client_id, userId: userId(n), scopes: ['read'] }
        if (kind === 'refresh_token') return issue(row).refresh_token
        if (kind !== 'code') return keep(accessTokens, row, fixtures.accessTokenTtl)
        const { redirectUri, codeChallenge } = fixtures
        return keep(codes, { ...row, redirectUri, codeChallenge }, fixtures.codeTtl)
      }),
  }
}

module.exports = { start }
