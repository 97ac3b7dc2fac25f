// ATTACKS.md row 54: an assertion is a signed statement, and every part of it that is not compared is a way in. One thing wrong
// at a time is in test/clients/client-assertion.test.ts; here are those who know more than they should.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import express from 'express'
import request from 'supertest'
import { verifyClientId } from '../../src/clients/metadata'
import { useUp } from '../../src/credentials/once'
import { sha256 } from '../../src/crypto'
import {
  type AuthorizationServer,
  type AuthorizationServerEvent,
  clientSecret,
  createAuthorizationServer,
  generateSigningKey,
  issueTokens,
  jwt,
  memoryStorage,
  OAuthError,
  privateKeyJwt,
  registerClient,
  tokenRouter,
  updateClient,
} from '../../src/index'
import type { Credential } from '../../src/storage'
import { type AssertionChange, asserted, type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { createHost, type Host, type HostOptions, issuer, paths, startOfTime } from '../support/host'

let key: ClientKey
let mallory: ClientKey
let host: Host
beforeAll(async () => {
  ;[key, mallory] = await Promise.all([clientKey(), clientKey()])
})
const robot = {
  clientId: 'robot',
  tokenEndpointAuthMethods: ['private_key_jwt' as const],
  grantTypes: ['client_credentials'],
}
const begin = async (options: HostOptions = {}) => {
  host = await createHost(options)
  await host.register({ ...robot, jwks: { keys: [key.jwk] } })
  await host.register({ ...robot, clientId: 'mallory', jwks: { keys: [mallory.jwk] } })
  host.events.length = 0
}
beforeEach(() => begin())

const redeem = (assertion: string) =>
  host.token(undefined, { grant_type: 'client_credentials', ...asserted(assertion) })
const statusOf = async (by: ClientKey, change: AssertionChange = {}, clientId = 'robot') =>
  (await redeem(await signAssertion(clientId, by, change))).status

describe('an assertion that was seen on its way', () => {
  it('is good in one process of all that share a database, also at the same time', async () => {
    const storage = memoryStorage()
    const options = { issuer, storage, scopes: ['read'], now: () => startOfTime, onEvent: () => {} }
    const servers = [1, 2, 3, 4].map(() => createAuthorizationServer(options))
    const app = express()
    for (const [n, server] of servers.entries()) app.use(`/${n}`, tokenRouter(server))
    await registerClient(servers[0] as AuthorizationServer, { ...robot, jwks: { keys: [key.jwk] } })
    const sent = { grant_type: 'client_credentials', ...asserted(await signAssertion('robot', key)) }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        request(app)
          .post(`/${n % 4}`)
          .type('form')
          .send(sent),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)])
  })

  it('is good until it was used, and a forged one with its jti does not use it up for its client', async () => {
    const claims = { jti: 'the next one' }
    expect(await statusOf(mallory, { claims, header: { kid: key.kid } })).toBe(401)
    expect(await statusOf(mallory, { claims }, 'mallory')).toBe(200)
    expect(await statusOf(key, { claims })).toBe(200)
  })

  it('is not good twice by another spelling of its signature', async () => {
    const assertion = await signAssertion('robot', key)
    expect((await redeem(assertion)).status).toBe(200)
    const [header, claims, signature = ''] = assertion.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    // ECDSA has two signatures for each: s, and the order of the curve less s (P-256)
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    const other = (order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]).toString('base64url')
    const again = await redeem(`${header}.${claims}.${twin}`)
    expect([again.status, again.body.error_description]).toEqual([
      401,
      'This client_assertion was used before. Its id must be new.',
    ])
  })
})

describe('an id of a client that somebody has chosen, whose revocation marks all rows of that client', () => {
  const inClientsApi = async () => {
    await host.register({ clientId: 'console', scopes: ['clients', 'read'] })
    const { access_token: token } = await issueTokens(host.server, { clientId: 'console', userId: 'bob' })
    return (method: 'post' | 'delete', path: string) => host.http()[method](path).auth(token, { type: 'bearer' })
  }

  it('is not what the use of an assertion stands under: it is good once, whatever clients are made and deleted', async () => {
    const call = await inClientsApi()
    const owned = async (clientId: string) => {
      await call('post', paths.clients).send({ client_id: clientId }).expect(201)
      await call('delete', `${paths.clients}/${encodeURIComponent(clientId)}`).expect(204)
    }
    const before = await signAssertion('robot', key)
    expect((await redeem(before)).status).toBe(200)
    for (const clientId of [sha256('robot'), `${sha256('robot')}~`]) await owned(clientId)
    const after = await signAssertion('robot', key)
    const answers = [await redeem(before), await redeem(after), await redeem(after)]
    expect(answers.map(({ status }) => status)).toEqual([401, 200, 401])
  })

  it('cannot be that: what stands there is the id of no client', async () => {
    const storage = memoryStorage()
    const rows: Credential[] = []
    const insert = (added: readonly Credential[]) => rows.push(...added) > 0
    await useUp({ storage: { ...storage, grants: { ...storage.grants, insert } }, now: () => startOfTime }, 'robot', [
      { purpose: 'client_assertion', id: 'an id', expiresAt: startOfTime + 60 },
    ])
    expect(rows).toHaveLength(1)
    for (const { clientId } of rows) expect(() => verifyClientId(clientId)).toThrow(OAuthError)
  })
})

describe('a server that the client also talks to (rfc7523bis)', () => {
  const elsewhere = { claims: { aud: 'https://evil.example' } }

  it('has no use for what it was sent: aud is this server, and no list', async () => {
    for (const aud of [
      'https://evil.example',
      ['https://evil.example', issuer],
      [issuer],
      `${issuer}/`,
      `${issuer}${paths.token}`,
    ]) {
      expect(await statusOf(key, { claims: { aud } })).toBe(401)
    }
    expect(await statusOf(key, elsewhere)).toBe(401)
  })

  it("that names our token endpoint as its own has one with 'issuer-or-token-endpoint', which is why that is an option", async () => {
    const stolen = { claims: { aud: `${issuer}${paths.token}` } }
    expect(await statusOf(key, stolen)).toBe(401)
    await begin({ clientAuthentication: [clientSecret(), privateKeyJwt({ audience: 'issuer-or-token-endpoint' })] })
    expect(await statusOf(key, stolen)).toBe(200)
  })
})

describe('another client', () => {
  it('proves itself and nobody else, whatever it says beside that', async () => {
    expect(await statusOf(mallory)).toBe(401)
    for (const claims of [{ iss: 'mallory' }, { sub: 'mallory' }]) expect(await statusOf(mallory, { claims })).toBe(401)
    const mixed = await host.token(undefined, {
      grant_type: 'client_credentials',
      client_id: 'robot',
      ...asserted(await signAssertion('mallory', mallory)),
    })
    expect([mixed.status, mixed.body.error]).toEqual([400, 'invalid_request'])
  })

  it('brings its key along in the header, and nobody looks (jwk, jku, x5c, x5u)', async () => {
    const { x, y, kty, crv } = mallory.jwk
    for (const header of [
      { jwk: { x, y, kty, crv }, kid: undefined },
      { jku: 'https://evil.example/jwks.json' },
      { x5u: 'https://evil.example/cert.pem' },
      {
        x5c: [
          createPublicKey({ key: mallory.jwk as JsonWebKey, format: 'jwk' }).export({ format: 'pem', type: 'spki' }),
        ],
      },
    ]) {
      expect(await statusOf(mallory, { header: { kid: key.kid, ...header } })).toBe(401)
    }
  })

  it('that has a key with the same kid is still another one', async () => {
    const twin = { ...mallory, kid: key.kid }
    await updateClient(host.server, 'mallory', { jwks: { keys: [{ ...mallory.jwk, kid: key.kid }] } })
    expect([await statusOf(twin), await statusOf(twin, {}, 'mallory')]).toEqual([401, 200])
  })
})

describe('a JWT of another kind', () => {
  it('that the client has signed for something else is no assertion (RFC 8725 §3.11)', async () => {
    for (const typ of [
      'dpop+jwt',
      'oauth-authz-req+jwt',
      'at+jwt',
      'oauth-id-jag+jwt',
      'logout+jwt',
      'secevent+jwt',
      '',
    ]) {
      expect(await statusOf(key, { header: { typ } })).toBe(401)
    }
  })

  it('that this server has signed is none, and an assertion opens no API', async () => {
    const signing = generateSigningKey()
    await begin({ accessTokens: jwt({ keys: signing, audience: issuer }) })
    const { body } = await redeem(await signAssertion('robot', key)).expect(200)
    await redeem(body.access_token).expect(401)
    const assertion = await signAssertion('robot', key, { claims: { client_id: 'robot', scope: 'read' } })
    await host.me(assertion).expect(401)
  })
})

it('a client that is gone, or whose method was changed, is refused with its old key', async () => {
  await updateClient(host.server, 'robot', {
    tokenEndpointAuthMethods: ['client_secret_basic'],
    clientSecret: 'a chosen secret',
  })
  expect(await statusOf(key)).toBe(401)
  await host.server.storage.clients.delete('robot')
  expect(await statusOf(key)).toBe(401)
})

it('a refused assertion says nothing of which clients there are, and the event does', async () => {
  const answers = await Promise.all(
    ['robot', 'nobody', 'web', 'native'].map(async (id) => redeem(await signAssertion(id, mallory))),
  )
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  const failures = host.events.filter(
    (event): event is AuthorizationServerEvent & { reason: string } => 'reason' in event,
  )
  expect(new Set(failures.map(({ reason }) => reason)).size).toBeGreaterThan(1)
})

it('neither a response nor an event has the assertion', async () => {
  const assertion = await signAssertion('robot', key, { claims: { exp: startOfTime } })
  const { text } = await redeem(assertion)
  const told = text + JSON.stringify(host.events)
  for (const part of assertion.split('.')) expect(told).not.toContain(part)
})
