// DPoP at an API in another process than its server: by `cnf` of the JWT or of the introspection answer (RFC 9449 §6, §7).
import request from 'supertest'
import {
  type BearerGuardOptions,
  bearerGuard,
  dpop,
  generateSigningKey,
  jwt,
  type RemoteServerOptions,
  remoteServer,
} from '../../src'
import { type ProofChange, type ProofKey, proof, proofKey } from '../support/dpop'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

const resource = 'https://api.example.com/v1'
let key: ProofKey
let other: ProofKey
let remote: RemoteHost
let bound: string
let unbound: string
beforeAll(async () => {
  ;[key, other] = await Promise.all([proofKey(), proofKey()])
})

describe.each<[string, () => Partial<RemoteServerOptions>]>([
  ['JWT', () => ({})],
  ['introspection', () => ({ introspect: { clientId: 'api', clientSecret: remote.host.api.clientSecret ?? '' } })],
  [
    'introspection with a cache',
    () => ({ cache: 60, introspect: { clientId: 'api', clientSecret: remote.host.api.clientSecret ?? '' } }),
  ],
])('by %s', (_, options) => {
  beforeAll(async () => {
    const accessTokens = jwt({ keys: generateSigningKey(), audience: resource })
    const { token, introspect } = { token: '/oauth2/token', introspect: '/oauth2/introspect' }
    remote = await createRemoteHost({
      accessTokens,
      senderConstraints: [dpop()],
      endpoints: { token, introspect, authorize: '/oauth2/authorize' },
    })
    const { host } = remote
    const sent = await proof(key, { url: `${remote.issuer}/oauth2/token` })
    bound = (await host.exchange(host.web, await host.code()).set('DPoP', sent)).body.access_token
    unbound = (await host.signIn()).access_token
  })
  afterAll(() => remote.close())

  const api = (more: Partial<RemoteServerOptions> = {}, guard: BearerGuardOptions = {}) =>
    createApi(remote, { resource, senderConstraints: [dpop()], ...options(), ...more }, guard)
  const proven = (change: ProofChange = {}, by = key) =>
    proof(by, { method: 'GET', url: `${resource}/`, token: bound, ...change })
  const call = ({ app }: ReturnType<typeof api>, scheme: string, token: string, sent?: string) => {
    const asked = request(app).get('/').set('Authorization', `${scheme} ${token}`)
    return sent === undefined ? asked : asked.set('DPoP', sent)
  }
  const errorOf = async (asked: request.Test) => {
    const { status, headers } = await asked
    return [status, /error="(\w+)"/.exec(headers['www-authenticate'] ?? '')?.[1]]
  }

  it('a bound token is admitted with its proof, once', async () => {
    const here = api()
    const sent = await proven()
    const { status, body } = await call(here, 'DPoP', bound, sent)
    expect([status, body.authInfo?.confirmation]).toEqual([200, { jkt: key.jkt }])
    expect(await errorOf(call(here, 'DPoP', bound, sent))).toEqual([401, 'invalid_dpop_proof'])
    expect((await call(here, 'Bearer', unbound)).status).toBe(200)
  })

  it.each<[string, string, () => string, () => Promise<string> | undefined, string]>([
    ['as Bearer', 'Bearer', () => bound, () => proven(), 'invalid_token'],
    ['without a proof', 'DPoP', () => bound, () => undefined, 'invalid_dpop_proof'],
    ['with another key', 'DPoP', () => bound, () => proven({}, other), 'invalid_token'],
    [
      'with a proof for another API',
      'DPoP',
      () => bound,
      () => proven({ url: 'https://evil.example/' }),
      'invalid_dpop_proof',
    ],
    ['with a proof for another token', 'DPoP', () => bound, () => proven({ token: unbound }), 'invalid_dpop_proof'],
    ['that is unbound, as DPoP', 'DPoP', () => unbound, () => proven({ token: unbound }), 'invalid_token'],
  ])('a token %s is refused', async (_case, scheme, token, sent, error) => {
    expect(await errorOf(call(api(), scheme, token(), await sent()))).toEqual([401, error])
  })

  it('an API without dpop() refuses bound tokens: it fails closed', async () => {
    const here = api({ senderConstraints: [] })
    for (const scheme of ['Bearer', 'DPoP']) expect((await call(here, scheme, bound, await proven())).status).toBe(401)
    expect((await call(here, 'Bearer', unbound)).status).toBe(200)
  })

  it('senderConstrained refuses unbound tokens', async () => {
    const here = api({}, { senderConstrained: true })
    expect(await errorOf(call(here, 'Bearer', unbound))).toEqual([401, 'invalid_token'])
    expect((await call(here, 'DPoP', bound, await proven())).status).toBe(200)
  })

  it('asks for a nonce (RFC 9449 §9)', async () => {
    const here = api({ senderConstraints: [dpop({ nonce: { secret: 's'.repeat(32) } })] })
    const asked = await call(here, 'DPoP', bound, await proven())
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, expect.stringContaining('use_dpop_nonce')])
    const nonce = asked.headers['dpop-nonce']
    expect((await call(here, 'DPoP', bound, await proven({ claims: { nonce } }))).status).toBe(200)
  })

  it('a refused proof is an event of the API', async () => {
    const here = api()
    await call(here, 'DPoP', bound)
    expect(here.events).toEqual([expect.objectContaining({ type: 'proof.refused', clientId: 'web' })])
  })
})

describe('an introspection answer', () => {
  let answer: Record<string, unknown>
  beforeAll(async () => {
    remote = await createRemoteHost({
      endpoints: { token: '/oauth2/token', introspect: '/oauth2/introspect', authorize: '/oauth2/authorize' },
    })
    remote.bend = (req, res, next) => {
      if (req.path !== '/oauth2/introspect') return next()
      res.json({ active: true, client_id: 'web', sub: 'alice', ...answer })
    }
  })
  afterAll(() => remote.close())
  const introspect = { clientId: 'api', clientSecret: 'x' }
  const statusOf = async (scheme = 'Bearer', sent = '') => {
    const { app } = createApi(remote, {
      senderConstraints: [dpop({ url: () => 'https://api.example.com/' })],
      introspect,
    })
    const asked = request(app).get('/').set('Authorization', `${scheme} x`)
    return (await (sent === '' ? asked : asked.set('DPoP', sent))).status
  }

  it.each([
    [{ token_type: 'DPoP' }],
    [{ token_type: 'DPoP', cnf: {} }],
    [{ token_type: 'DPoP', cnf: null }],
    [{ token_type: 'Bearer', cnf: {} }],
    [{ token_type: 'Bearer', cnf: null }],
    [{ token_type: 'Bearer', cnf: 'key' }],
    [{ token_type: 'Bearer', cnf: { 'x5t#S256': 'a' } }],
    [{ token_type: 'Bearer', cnf: { jkt: 1 } }],
    [{ token_type: 'DPoP', cnf: { jkt: 'a', 'x5t#S256': 'b' } }],
    [{ token_type: 'N_A' }],
  ])('%j is no bearer token, and no other that can be judged', async (members) => {
    answer = members
    expect([await statusOf(), await statusOf('DPoP')]).toEqual([401, 401])
  })

  it('with more in its cnf than the proof answers is refused with that proof', async () => {
    const proven = () => proof(key, { method: 'GET', url: 'https://api.example.com/', token: 'x' })
    answer = { token_type: 'DPoP', cnf: { jkt: key.jkt } }
    expect(await statusOf('DPoP', await proven())).toBe(200)
    answer = { token_type: 'DPoP', cnf: { jkt: key.jkt, 'x5t#S256': 'b' } }
    expect(await statusOf('DPoP', await proven())).toBe(401)
  })

  it('without cnf is a bearer token', async () => {
    answer = { token_type: 'bearer' }
    expect([await statusOf(), await statusOf('DPoP')]).toEqual([200, 401])
  })
})

it('a guard that cannot know its own URL throws at start-up, and says the fix', () => {
  const introspect = { clientId: 'api', clientSecret: 'x' }
  const make = (more: Partial<RemoteServerOptions>) =>
    bearerGuard(remoteServer({ issuer: 'https://auth.example.com', introspect, senderConstraints: [dpop()], ...more }))
  expect(() => make({})).toThrow(/resource.*dpop\(\{ url \}\)/)
  expect(() => make({ resource: 'urn:api' })).toThrow(/https URL/)
  expect(() => make({ senderConstraints: [dpop({ url: () => 'https://api.example.com/' })] })).not.toThrow()
  expect(() => make({ senderConstraints: [{}] as never })).toThrow(/senderConstraints/)
})
