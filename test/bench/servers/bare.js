// The yardstick: what Express itself costs. A form is parsed and a constant answered; a header is looked for.
const { randomBytes } = require('node:crypto')
const { fixtures, load, times, userId } = require('./common')

const express = load('express')

async function start() {
  const app = express()
  const token = `${'x'.repeat(24)}.${'y'.repeat(43)}`
  app.post('/token', express.urlencoded(), (/** @type {any} */ _req, /** @type {any} */ res) => {
    res.set('Cache-Control', 'no-store')
    res.json({ access_token: token, token_type: 'Bearer', expires_in: 3600, scope: fixtures.scope })
  })
  app.get('/read', (/** @type {any} */ req, /** @type {any} */ res) => {
    if (!req.headers.authorization) return res.sendStatus(401)
    res.json(fixtures.users.get('user-7'))
  })
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { token: '/token', introspect: '/token', revoke: '/token', par: '/token', read: '/read' },
    operations: [
      ...['client_credentials', 'password', 'refresh', 'code', 'guard', 'introspect', 'revoke', 'revoke_session'],
      ...['guard_rs256_first', 'guard_rs256', 'guard_es256_first', 'guard_es256'],
      ...['par', 'code_dpop', 'guard_dpop', 'code_openid', 'code_openid_es256'],
    ],
    // of the length that ours have
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, (n) => {
        if (kind === 'par') return 'p'.repeat(500)
        if (kind.endsWith('dpop')) return `${token} ${'p'.repeat(500)}`
        const secret = randomBytes(kind === 'refresh_token' ? 64 : 32).toString('base64url')
        if (!kind.startsWith('jwt')) return `${randomBytes(16).toString('base64url')}~a.${secret}`
        const signature = randomBytes(kind.startsWith('jwt_rs') ? 256 : 64).toString('base64url')
        return `${'h'.repeat(120)}.${'p'.repeat(330)}${userId(n)}.${signature}`
      }),
  }
}

module.exports = { start }
