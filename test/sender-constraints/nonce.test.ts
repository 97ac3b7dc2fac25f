// Nonces of DPoP proofs (RFC 9449 §8, §9): by the clock and a secret, without a row.
import express from 'express'
import { bearerGuard, dpop, pushedAuthorizationRequests } from '../../src'
import { asserted, clientKey, signAssertion } from '../support/assertions'
import { type ProofChange, type ProofKey, proof, proofKey } from '../support/dpop'
import { createHost, type Host, issuer, paths, startOfTime } from '../support/host'
import { request as bytes, exchange, listen } from '../support/raw'

const secret = 'the secret of all processes, long'
let key: ProofKey
let host: Host
beforeAll(async () => {
  key = await proofKey()
})
const begin = async (required = true) => {
  host = await createHost({ senderConstraints: [dpop({ nonce: { secret, required } })] })
}
beforeEach(() => begin())

const own = async (change: ProofChange = {}) =>
  host
    .token(host.web, { grant_type: 'client_credentials' })
    .set('DPoP', await proof(key, { now: host.clock.now, ...change }))
const withNonce = (nonce: unknown) => own({ claims: { nonce } })
const nonceNow = async () => (await own()).headers['dpop-nonce'] as string

it('a proof without one is use_dpop_nonce, with the nonce to send, and nothing is stored (§8)', async () => {
  const { status, body, headers } = await own()
  expect([status, body.error, headers['dpop-nonce']]).toEqual([
    400,
    'use_dpop_nonce',
    expect.stringMatching(/^[\w-]{43}$/),
  ])
  expect(headers['cache-control']).toBe('no-store')
  expect(host.storage.calls).toEqual([])
  expect((await withNonce(headers['dpop-nonce'])).body.token_type).toBe('DPoP')
})

it('a missing proof is no use_dpop_nonce: a bearer token, or invalid_dpop_proof where one is needed', async () => {
  await host.register({ clientId: 'bound', dpopBoundAccessTokens: true, grantTypes: ['client_credentials'] })
  const { body, headers } = await host.token(host.web, { grant_type: 'client_credentials' }).expect(200)
  expect([body.token_type, headers['dpop-nonce']]).toEqual(['Bearer', undefined])
  const bound = await host.register({ dpopBoundAccessTokens: true, grantTypes: ['client_credentials'] })
  expect((await host.token(bound, { grant_type: 'client_credentials' })).body.error).toBe('invalid_dpop_proof')
})

it('uses up neither the jti nor the assertion', async () => {
  const signer = await clientKey()
  await host.register({
    clientId: 'robot',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    grantTypes: ['client_credentials'],
    jwks: { keys: [signer.jwk] },
  })
  const assertion = asserted(await signAssertion('robot', signer))
  const send = async (nonce?: string) =>
    host
      .token(undefined, { grant_type: 'client_credentials', ...assertion })
      .set('DPoP', await proof(key, { claims: { jti: 'the same', nonce } }))
  const { headers, body } = await send()
  expect(body.error).toBe('use_dpop_nonce')
  expect((await send(headers['dpop-nonce'])).status).toBe(200)
})

it.each(['', 'another', 1, null, 'x'.repeat(43)])(
  'the nonce %j is none of ours, and is asked for again',
  async (nonce) => {
    const { body, headers } = await withNonce(nonce)
    expect([body.error, headers['dpop-nonce']]).toEqual(['use_dpop_nonce', await nonceNow()])
  },
)

it('is accepted in its slot and the next one, where the response brings the new one, and no longer (§8.2)', async () => {
  const nonce = await nonceNow()
  expect((await withNonce(nonce)).headers).not.toHaveProperty('dpop-nonce')
  host.clock.advance(120)
  const { status, headers } = await withNonce(nonce)
  expect([status, headers['dpop-nonce']]).toEqual([200, await nonceNow()])
  expect(headers['dpop-nonce']).not.toBe(nonce)
  host.clock.advance(120)
  expect((await withNonce(nonce)).body.error).toBe('use_dpop_nonce')
})

it('is the same in each process that has the secret, and another one with another secret', async () => {
  const nonce = await nonceNow()
  await begin()
  expect(await nonceNow()).toBe(nonce)
  host = await createHost({ senderConstraints: [dpop({ nonce: { secret: `${secret}!` } })] })
  expect(await nonceNow()).not.toBe(nonce)
})

it('a wrong proof is invalid_dpop_proof, with a nonce or without', async () => {
  const nonce = await nonceNow()
  for (const claims of [{}, { nonce }]) {
    expect((await own({ method: 'GET', claims })).body.error).toBe('invalid_dpop_proof')
  }
})

it('a refusal after the nonce brings the new one, too', async () => {
  const nonce = await nonceNow()
  host.clock.advance(120)
  const answer = await host
    .token(host.web, { grant_type: 'unknown' })
    .set('DPoP', await proof(key, { now: host.clock.now, claims: { nonce } }))
  expect([answer.body.error, answer.headers['dpop-nonce']]).toEqual(['unsupported_grant_type', await nonceNow()])
})

it('required: false takes proofs without one, offers one, and refuses one that is old', async () => {
  await begin(false)
  const { status, headers } = await own()
  expect(status).toBe(200)
  expect((await withNonce(headers['dpop-nonce'])).status).toBe(200)
  host.clock.advance(240)
  expect((await withNonce(headers['dpop-nonce'])).body.error).toBe('use_dpop_nonce')
})

it('an API asks in its challenge, and brings a new one with its response (§9)', async () => {
  const first = await nonceNow()
  const { body } = await withNonce(first)
  await begin()
  const stored = await host
    .exchange(host.web, await host.code())
    .set('DPoP', await proof(key, { claims: { nonce: first } }))
  const token = stored.body.access_token as string
  const call = async (claims: object) =>
    host
      .http()
      .get('/me')
      .set('Authorization', `DPoP ${token}`)
      .set(
        'DPoP',
        await proof(key, { method: 'GET', url: `${issuer}/me`, token, now: host.clock.now, claims: { ...claims } }),
      )
  const asked = await call({})
  expect(asked.status).toBe(401)
  expect(asked.headers['www-authenticate']).toMatch(/^DPoP .*error="use_dpop_nonce".*algs="/)
  const nonce = asked.headers['dpop-nonce']
  // the jti is still good
  expect((await call({ jti: 'once', nonce: 'old' })).status).toBe(401)
  expect((await call({ jti: 'once', nonce })).status).toBe(200)
  host.clock.advance(120)
  const later = await call({ nonce })
  expect([later.status, later.headers['dpop-nonce']]).toEqual([200, await nonceNow()])
  // a cache would give it to later requests (§8.2)
  for (const { headers } of [asked, later]) expect(headers['cache-control']).toBe('no-store')
  expect(body.token_type).toBe('DPoP')
})

it('is in one header, whatever the answer is (§8)', async () => {
  const { clientId, clientSecret = '' } = host.web
  const { port, close } = await listen(host.app)
  const answerTo = async (claims: object) => {
    const headers = [
      `Authorization: Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      `DPoP: ${await proof(key, { now: host.clock.now, claims: { ...claims } })}`,
      'Content-Type: application/x-www-form-urlencoded',
    ]
    return exchange(port, bytes('POST', paths.token, headers, 'grant_type=client_credentials'))
  }
  const nonce = await nonceNow()
  host.clock.advance(120)
  for (const [claims, status] of [
    [{}, 400],
    [{ nonce: 'old' }, 400],
    [{ nonce }, 200],
  ] as const) {
    const answer = await answerTo(claims)
    expect([answer?.status, answer?.headers.match(/^dpop-nonce:/gim)]).toEqual([status, [expect.any(String)]])
  }
  await close()
})

it('the endpoint of pushed requests asks for one, too (§8, §10.1)', async () => {
  host = await createHost({
    senderConstraints: [dpop({ nonce: { secret } })],
    requests: [pushedAuthorizationRequests()],
  })
  const push = async (nonce?: string) => {
    const url = `${issuer}${paths.pushedAuthorization}`
    return host.push().set('DPoP', await proof(key, { url, claims: { nonce } }))
  }
  const { status, body, headers } = await push()
  expect([status, body.error]).toEqual([400, 'use_dpop_nonce'])
  expect(host.storage.calls).toEqual([])
  expect((await push(headers['dpop-nonce'])).status).toBe(201)
})

it('web pages of other origins may send proofs and read nonces (CORS)', async () => {
  const cors = { origin: 'https://app.example' }
  host = await createHost({ senderConstraints: [dpop({ nonce: { secret } })], tokenRouter: { cors } })
  const asked = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' }
  const preflight = await host
    .http()
    .options(paths.token)
    .set({ ...asked, 'Access-Control-Request-Headers': 'dpop,content-type' })
  expect(preflight.headers['access-control-allow-headers']).toContain('dpop')
  const answer = await host
    .token(host.web, { grant_type: 'client_credentials' })
    .set({ Origin: 'https://app.example', DPoP: await proof(key) })
  expect(answer.headers['access-control-expose-headers']).toContain('DPoP-Nonce')
  expect(answer.headers['dpop-nonce']).toBeDefined()
})

it('a guard whose answer has begun sets no header any more', async () => {
  const nonce = await nonceNow()
  const issued = await host.exchange(host.web, await host.code()).set('DPoP', await proof(key, { claims: { nonce } }))
  const token = issued.body.access_token as string
  host.clock.advance(120)
  const app = express()
  const guard = bearerGuard(host.server)
  app.use((req, res) => {
    res.flushHeaders()
    guard(req, res, () => res.end())
    res.end()
  })
  const sent = await proof(key, { method: 'GET', url: `${issuer}/`, token, now: startOfTime + 120, claims: { nonce } })
  const { default: request } = await import('supertest')
  const answer = await request(app)
    .get('/')
    .set({ Authorization: `DPoP ${token}`, DPoP: sent })
  expect(answer.status).toBe(200)
})
