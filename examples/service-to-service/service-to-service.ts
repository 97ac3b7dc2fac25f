/** Two services that call an API for themselves (client credentials): one has a secret, the other a key. */
import { type JsonWebKey, randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import {
  accessToken,
  bearerGuard,
  clientCredentials,
  createAuthorizationServer,
  memoryStorage,
  metadataRouter,
  registerClient,
  tokenRouter,
} from 'express-authorization-server'
import * as oauth from 'oauth4webapi'
import { start } from '../shared/start'

// In production from where your other secrets are
const clientSecret = randomBytes(32).toString('base64url')

/** The API and its authorization server, to be served at `issuer`. Nobody signs in here: it has no pages. */
export async function createApp(issuer: string, publicKey: JsonWebKey): Promise<Express> {
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: ['reports:read', 'reports:write'],
    grants: [clientCredentials()], // no other grant, and so no authorization endpoint
    endpoints: { token: '/oauth2/token' },
  })
  await registerClient(server, {
    clientId: 'reader',
    clientSecret,
    grantTypes: ['client_credentials'],
    scopes: ['reports:read'],
  })
  await registerClient(server, {
    clientId: 'writer',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    jwks: { keys: [publicKey] }, // or jwksUri, where the service publishes its keys
    grantTypes: ['client_credentials'],
    scopes: ['reports:read', 'reports:write'],
  })

  const app = express().disable('x-powered-by')
  app.use(metadataRouter(server))
  app.use('/oauth2/token', tokenRouter(server))
  app.get('/reports', bearerGuard(server, { scope: 'reports:read', user: false }), (req, res) => {
    res.json({ readBy: accessToken(req).clientId })
  })
  app.post('/reports', bearerGuard(server, { scope: 'reports:write', user: false }), (req, res) => {
    res.status(201).json({ writtenBy: accessToken(req).clientId })
  })
  return app
}

/** Returns a function that returns an access token, and asks for a new one only when the last one is about to expire. */
export async function tokenSource(issuer: string, clientId: string, authentication: oauth.ClientAuth) {
  const http = { [oauth.allowInsecureRequests]: issuer.startsWith('http:') }
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...http })
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found)
  const client = { client_id: clientId }
  let last: { token: Promise<string>; until: number } | undefined

  const ask = async () => {
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, http)
    const { access_token, expires_in = 0 } = await oauth.processClientCredentialsResponse(as, client, response)
    if (last) last.until = Date.now() + (expires_in - 30) * 1000
    return access_token
  }
  return () => {
    if (last && Date.now() < last.until) return last.token
    const token = ask()
    last = { token, until: Number.POSITIVE_INFINITY } // those who call meanwhile wait for the same answer
    token.catch(() => {
      last = undefined // the next call asks again
    })
    return token
  }
}

async function callBoth(issuer: string, privateKey: oauth.CryptoKey): Promise<void> {
  const reader = await tokenSource(issuer, 'reader', oauth.ClientSecretBasic(clientSecret))
  const writer = await tokenSource(issuer, 'writer', oauth.PrivateKeyJwt(privateKey))
  const call = async (method: string, token: string) => {
    const response = await fetch(`${issuer}/reports`, { method, headers: { Authorization: `Bearer ${token}` } })
    console.log(`${method}: ${response.status} ${await response.text()}`)
  }
  await call('GET', await reader())
  await call('POST', await writer())
  await call('POST', await reader())
}

if (require.main === module) {
  void (async () => {
    const keys = await oauth.generateKeyPair('ES256')
    const publicKey = (await crypto.subtle.exportKey('jwk', keys.publicKey)) as JsonWebKey
    await start(
      (issuer) => createApp(issuer, publicKey),
      (issuer) => {
        callBoth(issuer, keys.privateKey).catch(console.error)
        return [`curl -u reader:${clientSecret} -d grant_type=client_credentials ${issuer}/oauth2/token`]
      },
    )
  })()
}
