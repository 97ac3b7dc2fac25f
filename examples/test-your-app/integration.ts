/**
 * Tests for an app of your own, with node:test and supertest: a client that is not there, a clock that you turn, and the
 * suite that proves a storage. `npm run example -- integration` runs them. With Jest or Vitest only the imports differ.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import express, { type Express } from 'express'
import {
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  issueTokens,
  memoryStorage,
  type OAuthStorage,
  oauthRouter,
  registerClient,
  revokeGrants,
} from 'express-authorization-server'
import { storageContract } from 'express-authorization-server/storage-contract'
import supertest from 'supertest'
import { signIn } from '../shared/sign-in'
import { createUsers } from '../shared/users'

const issuer = 'https://app.example.com'
const ada = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }

/** Your app, made by a function: a test passes its own storage and clock. */
async function createApp(storage: OAuthStorage, now?: () => number) {
  const users = await createUsers([ada])
  const scopes = { read: 'See your notes', write: 'Write notes' }
  const server = createAuthorizationServer({
    issuer,
    storage,
    scopes,
    users: { find: users.find, signIn: '/login' },
    ...(now && { now }),
  })
  const app: Express = express()
  app.use(signIn({ users }), oauthRouter(server, { decide: consentPage(), protect: false }))
  app.get('/notes', bearerGuard(server, { scope: 'read', user: true }), (req, res) => void res.json(req.user))
  return { app, server }
}

/** A fresh app, a clock, and a client that needs no server: its redirect URI is only read, never opened. */
async function setUp() {
  const clock = { now: 1_800_000_000 }
  const { app, server } = await createApp(memoryStorage(), () => clock.now)
  const redirectUri = 'https://client.example/callback'
  const { client, clientSecret } = await registerClient(server, { redirectUris: [redirectUri], scopes: ['read'] })
  const post = (body: Record<string, string>) =>
    supertest(app).post('/oauth2/token').auth(client.clientId, String(clientSecret)).type('form').send(body)
  const notes = (token: string) => supertest(app).get('/notes').auth(token, { type: 'bearer' })
  return { app, server, clock, client, redirectUri, post, notes }
}

const field = (html: string, name: string) => String(new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1])

/** What a client does, and its user: the authorization code flow with PKCE. */
async function authorize({ app, clock, client, redirectUri, post }: Awaited<ReturnType<typeof setUp>>, answer: string) {
  const codeVerifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    state: 'the state',
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const browser = supertest.agent(app)
  const toSignIn = await browser.get(`/oauth2/authorize?${query}`).expect(303)
  const { username, password } = ada
  const signedIn = await browser.post(String(toSignIn.headers.location)).type('form').send({ username, password })
  const path = String(signedIn.headers.location)
  const page = await browser.get(path).expect(200)
  // a person reads the page first: an answer within half a second is asked for once more
  clock.now += 1
  const consent = { consent_transaction: field(page.text, 'consent_transaction'), consent: answer }
  const back = await browser.post(path).type('form').send(consent).expect(303)
  const { code = '', ...others } = Object.fromEntries(new URL(String(back.headers.location)).searchParams)
  const exchange = () =>
    post({ grant_type: 'authorization_code', code, code_verifier: codeVerifier, redirect_uri: redirectUri })
  return { others, exchange }
}

describe('a client of the app', () => {
  test('gets a token from its user, and calls the API', async () => {
    const app = await setUp()
    const { others, exchange } = await authorize(app, 'allow')
    assert.deepEqual(others, { state: 'the state', iss: issuer })
    const { body } = await exchange().expect(200)
    const { body: user } = await app.notes(body.access_token).expect(200)
    assert.equal(user.name, ada.name)
  })

  test('gets an error where its user refuses', async () => {
    const { others } = await authorize(await setUp(), 'deny')
    assert.equal(others.error, 'access_denied')
  })

  test('cannot use a code twice: its first token ends, too', async () => {
    const app = await setUp()
    const { exchange } = await authorize(app, 'allow')
    const { body } = await exchange().expect(200)
    app.clock.now += 60
    await exchange().expect(400)
    await app.notes(body.access_token).expect(401)
  })

  test('refreshes after an hour', async () => {
    const app = await setUp()
    const { body } = await (await authorize(app, 'allow')).exchange()
    app.clock.now += 3600
    await app.notes(body.access_token).expect(401)
    const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
    const { body: refreshed } = await app.post(refresh).expect(200)
    await app.notes(refreshed.access_token).expect(200)
  })
})

describe('the API', () => {
  /** Most tests need a token and no flow. */
  test('needs a token with its scope', async () => {
    const { server, client, notes } = await setUp()
    const { access_token } = await issueTokens(server, { clientId: client.clientId, userId: ada.id, scope: 'read' })
    await notes(access_token).expect(200)
    await notes('wrong').expect(401)
  })

  test('refuses a token from the moment its user revokes it', async () => {
    const { server, client, notes } = await setUp()
    const { access_token } = await issueTokens(server, { clientId: client.clientId, userId: ada.id, scope: 'read' })
    await revokeGrants(server, { userId: ada.id })
    await notes(access_token).expect(401)
  })
})

// Your storage, with its tables: `create` returns a new one for each test, such as `postgresStorage(pool)`. Here it is memory
storageContract({ describe, test, create: () => memoryStorage() })
