// express-oauth2-jwt-bearer, as its README sets it up for an issuer whose public key is known. A guard and nothing else.
const { createPublicKey, generateKeyPairSync, randomUUID } = require('node:crypto')
const { fixtures, load, times, userId } = require('./common')

const express = load('express')
const jsonwebtoken = load('jsonwebtoken')

async function start(/** @type {{ operation: string, origin: string }} */ { operation, origin }) {
  const { auth, requiredScopes } = load('express-oauth2-jwt-bearer')
  const audience = 'https://api.example.com'
  const algorithm = operation.includes('rs256') ? 'RS256' : 'ES256'
  const { privateKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' })
  const guard = auth({ issuer: `${origin}/`, audience, publicKey, tokenSigningAlg: algorithm })
  const app = express()
  app.get('/read', guard, requiredScopes('read'), (/** @type {any} */ req, /** @type {any} */ res) => {
    res.json(fixtures.users.get(req.auth.payload.sub))
  })
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { read: '/read' },
    operations: ['guard_rs256_first', 'guard_rs256', 'guard_es256_first', 'guard_es256'],
    material: (/** @type {string} */ _kind, /** @type {number} */ count) =>
      times(count, (n) => {
        const payload = { client_id: fixtures.clientId, scope: fixtures.scope, jti: randomUUID() }
        const options = { issuer: `${origin}/`, audience, subject: userId(n), expiresIn: fixtures.accessTokenTtl }
        return jsonwebtoken.sign(payload, privateKey, {
          ...options,
          algorithm,
          header: { alg: algorithm, typ: 'at+jwt' },
        })
      }),
  }
}

module.exports = { start }
