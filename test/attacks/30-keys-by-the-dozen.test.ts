// Beyond ATTACKS.md: to make a public key of a JWK, and to verify with it, takes milliseconds of everybody's (RFC 7517, RFC 7523).
// A stranger sends keys by the dozen, in a registration and behind an assertion, and none of these requests is counted.
import crypto from 'node:crypto'
import express from 'express'
import request from 'supertest'
import { registerRouter } from '../../src/index'
import { asserted, clientKey, signAssertion } from '../support/assertions'
import { createHost, type Host } from '../support/host'

let host: Host
let made: jest.SpyInstance
beforeEach(async () => {
  host = await createHost()
  made = jest.spyOn(crypto, 'createPublicKey')
})
afterEach(() => made.mockRestore())

const keys = Array.from({ length: 20 }, () =>
  crypto.generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'jwk' }),
)
const join = (said: object, more: object = {}) =>
  request(express().use(registerRouter(host.server, { protect: 'open', scopes: ['read'] })))
    .post('/')
    .send({
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: keys.map((key) => ({ ...key, ...said })) },
      ...more,
    })

it.each([
  ['of another algorithm than their curve', { alg: 'ES384' }, {}, 400],
  ['of another algorithm than the client has chosen', {}, { token_endpoint_auth_signing_alg: 'ES256' }, 400],
  ['that are right', { alg: 'ES512' }, {}, 201],
  ['without an algorithm', {}, {}, 201],
])('twenty keys %s are not all made to see that one fits', async (_, said, more, status) => {
  made.mockClear()
  expect((await join(said, more)).status).toBe(status)
  // the registration is read twice: before it is counted, and when it is stored
  expect(made.mock.calls.length).toBe(status === 201 ? 2 : 0)
})

it.each([
  ['without a kid', {}, undefined],
  ['with the kid of all of them', { kid: 'all' }, 'all'],
])('an assertion %s is not tried with all twenty keys', async (_, said, kid) => {
  const { body } = await join(said)
  const mallory = await clientKey('ES512')
  const assertion = await signAssertion(body.client_id, mallory, { header: { kid } })
  made.mockClear()
  const answer = await host.token(undefined, { grant_type: 'authorization_code', ...asserted(assertion) })
  expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
  expect(made.mock.calls.length).toBe(4)
})
