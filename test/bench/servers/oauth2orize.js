// oauth2orize with Passport, as its README sets it up, on maps.
const { createHash, randomBytes } = require('node:crypto')
const { findUser, fixtures, load, times, userId } = require('./common')

const express = load('express')
const passport = load('passport')
const oauth2orize = load('oauth2orize')
const { BasicStrategy } = load('passport-http')
const { Strategy: ClientPasswordStrategy } = load('passport-oauth2-client-password')
const { Strategy: BearerStrategy } = load('passport-http-bearer')

/** @typedef {Record<string, any>} Row */
/** @typedef {(error: unknown, ...results: any[]) => void} Done */

async function start() {
  const client = { id: fixtures.clientId, secret: fixtures.clientSecret, redirectUri: fixtures.redirectUri }
  /** @type {Map<string, Row>} */
  const accessTokens = new Map()
  /** @type {Map<string, Row>} */
  const refreshTokens = new Map()
  /** @type {Map<string, Row>} */
  const codes = new Map()
  const newToken = () => randomBytes(32).toString('base64url')
  const keep = (/** @type {Map<string, Row>} */ rows, /** @type {Row} */ row, /** @type {number} */ ttl) => {
    const token = newToken()
    rows.set(token, { ...row, expiresAt: Date.now() + ttl * 1000 })
    return token
  }
  const parameters = { expires_in: fixtures.accessTokenTtl, scope: fixtures.scope }
  const issue = (/** @type {Row} */ row, /** @type {Done} */ done) =>
    done(
      null,
      keep(accessTokens, row, fixtures.accessTokenTtl),
      keep(refreshTokens, row, fixtures.refreshTokenTtl),
      parameters,
    )
  const authenticateClient = (/** @type {string} */ id, /** @type {string} */ secret, /** @type {Done} */ done) =>
    done(null, id === client.id && secret === client.secret && client)
  passport.use(new BasicStrategy(authenticateClient))
  passport.use(new ClientPasswordStrategy(authenticateClient))
  passport.use(
    new BearerStrategy((/** @type {string} */ token, /** @type {Done} */ done) => {
      const row = accessTokens.get(token)
      if (!row || row.expiresAt <= Date.now()) return done(null, false)
      done(null, row.userId ? fixtures.users.get(row.userId) : { id: row.clientId }, { scope: row.scope })
    }),
  )

  const server = oauth2orize.createServer()
  server.exchange(
    oauth2orize.exchange.clientCredentials(
      (/** @type {Row} */ client, /** @type {string[]} */ _scope, /** @type {Done} */ done) =>
        done(
          null,
          keep(accessTokens, { clientId: client.id, scope: ['read'] }, fixtures.accessTokenTtl),
          null,
          parameters,
        ),
    ),
  )
  server.exchange(
    oauth2orize.exchange.password(
      (
        /** @type {Row} */ client,
        /** @type {string} */ username,
        /** @type {string} */ password,
        /** @type {string[]} */ _scope,
        /** @type {Done} */ done,
      ) => {
        const user = findUser(username, password)
        if (!user) return done(null, false)
        issue({ clientId: client.id, userId: user.id, scope: ['read'] }, done)
      },
    ),
  )
  server.exchange(
    oauth2orize.exchange.code(
      (
        /** @type {Row} */ client,
        /** @type {string} */ code,
        /** @type {string} */ redirectUri,
        /** @type {Row} */ body,
        /** @type {Done} */ done,
      ) => {
        const row = codes.get(code)
        if (!row || row.clientId !== client.id || row.redirectUri !== redirectUri) return done(null, false)
        const challenge = createHash('sha256').update(String(body.code_verifier)).digest('base64url')
        if (row.expiresAt <= Date.now() || row.codeChallenge !== challenge) return done(null, false)
        codes.delete(code)
        issue({ clientId: client.id, userId: row.userId, scope: row.scope }, done)
      },
    ),
  )
  server.exchange(
    oauth2orize.exchange.refreshToken(
      (
        /** @type {Row} */ client,
        /** @type {string} */ token,
        /** @type {string[]} */ _s,
        /** @type {Done} */ done,
      ) => {
        const row = refreshTokens.get(token)
        if (!row || row.clientId !== client.id || row.expiresAt <= Date.now()) return done(null, false)
        refreshTokens.delete(token)
        issue({ clientId: client.id, userId: row.userId, scope: row.scope }, done)
      },
    ),
  )

  const app = express()
  app.use(express.urlencoded())
  app.post(
    '/token',
    passport.authenticate(['basic', 'oauth2-client-password'], { session: false }),
    server.token(),
    server.errorHandler(),
  )
  app.get(
    '/read',
    passport.authenticate('bearer', { session: false }),
    (/** @type {any} */ req, /** @type {any} */ res) => res.json(req.user),
  )
  return {
    app,
    client,
    clientAuthentication: 'basic',
    paths: { token: '/token', read: '/read' },
    operations: ['client_credentials', 'password', 'refresh', 'code', 'guard'],
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, (n) => {
        const row = { clientId: client.id, userId: userId(n), scope: ['read'] }
        if (kind === 'refresh_token') return keep(refreshTokens, row, fixtures.refreshTokenTtl)
        if (kind !== 'code') return keep(accessTokens, row, fixtures.accessTokenTtl)
        const { redirectUri, codeChallenge } = fixtures
        return keep(codes, { ...row, redirectUri, codeChallenge }, fixtures.codeTtl)
      }),
  }
}

module.exports = { start }
