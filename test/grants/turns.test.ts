// How often a token request waits for itself: turns of the microtask queue between its router and its response.
import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  clientCredentials,
  createAuthorizationServer,
  issueCode,
  issueTokens,
  memoryStorage,
  refreshToken,
  registerClient,
  tokenRouter,
} from '../../src/index'

const redirectUri = 'https://app.example/callback'
// RFC 7636 Appendix B
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const MANY = 1000

async function turnsOf(parameters: (server: Parameters<typeof issueTokens>[0], clientId: string) => Promise<object>) {
  const grants = [authorizationCode(), clientCredentials(), refreshToken()]
  const options = { issuer: 'https://auth.example', storage: memoryStorage(), scopes: ['read'], grants, onEvent() {} }
  const server = createAuthorizationServer({ ...options, users: { find: (id) => ({ id }) } })
  const grantTypes = ['authorization_code', 'client_credentials', 'refresh_token'] as const
  const made = await registerClient(server, {
    redirectUris: [redirectUri],
    grantTypes: [...grantTypes],
    scopes: ['read'],
  })
  let turns = 0
  const app = express().use(
    '/token',
    express.urlencoded(),
    (_req, res, next) => {
      const count = () => {
        if (res.writableEnded || turns === MANY) return
        turns++
        queueMicrotask(count)
      }
      next()
      count()
    },
    tokenRouter(server),
  )
  const { clientId } = made.client
  const form = await parameters(server, clientId)
  await request(app)
    .post('/token')
    .type('form')
    .auth(clientId, made.clientSecret as string)
    .send(form)
    .expect(200)
  return turns
}

it.each<[string, Parameters<typeof turnsOf>[0], most: number]>([
  ['client_credentials', async () => ({ grant_type: 'client_credentials' }), 8],
  [
    'refresh_token',
    async (server, clientId) => {
      const { refresh_token } = await issueTokens(server, { clientId, userId: 'ada' })
      return { grant_type: 'refresh_token', refresh_token }
    },
    8,
  ],
  [
    'authorization_code',
    async (server, clientId) => {
      const { code } = await issueCode(server, { clientId, userId: 'ada', redirectUri, codeChallenge })
      return { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
    },
    7,
  ],
])('a request of %s to a store that answers at once waits at most so many turns', async (_, parameters, most) => {
  expect(await turnsOf(parameters)).toBeLessThanOrEqual(most)
})
