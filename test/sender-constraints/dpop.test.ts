// dpop() at the token endpoint: RFC 9449 §4.3, one thing wrong at a time, with proofs that jose signs.
import { generateKeyPairSync, type KeyPairKeyObjectResult, randomUUID, sign } from 'node:crypto'
import express from 'express'
import fc from 'fast-check'
import request from 'supertest'
import { createAuthorizationServer, dpop, issueTokens, tokenRouter, updateClient } from '../../src'
import { asserted, type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { type ProofChange, type ProofKey, proof, proofKey } from '../support/dpop'
import { nastyText, runs } from '../support/fuzz'
import { createHost, type Host, type HostOptions, issuer, paths, startOfTime } from '../support/host'
import { request as bytes, exchange, listen } from '../support/raw'

let key: ProofKey
let other: ProofKey
let signer: ClientKey
let host: Host
beforeAll(async () => {
  ;[key, other, signer] = await Promise.all([proofKey(), proofKey(), clientKey()])
})
const begin = async (options: HostOptions = {}) => {
  host = await createHost({ senderConstraints: [dpop()], ...options })
}
beforeEach(() => begin())

const own = (sent: string | undefined, client = host.web) => {
  const request = host.token(client, { grant_type: 'client_credentials' })
  return sent === undefined ? request : request.set('DPoP', sent)
}
const answerTo = async (change: ProofChange, by = key) => {
  const { status, body } = await own(await proof(by, change))
  return [status, body.error ?? body.token_type]
}
const refused = [400, 'invalid_dpop_proof']
const reasons = () => host.events.flatMap((event) => (event.type === 'proof.refused' ? [event.reason] : []))

it('a proof binds the access token to its key, and the response and the event say so (§5)', async () => {
  const { body } = await own(await proof(key)).expect(200)
  expect(body.token_type).toBe('DPoP')
  expect(host.events).toContainEqual(expect.objectContaining({ type: 'token.issued', confirmation: { jkt: key.jkt } }))
  const told = await host.introspect(host.web, body.access_token)
  expect(told.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } })
})

it('without a proof the token is a bearer token, as at a server without dpop()', async () => {
  expect((await own(undefined).expect(200)).body.token_type).toBe('Bearer')
  expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
  await begin({ senderConstraints: [] })
  expect((await own('anything').expect(200)).body.token_type).toBe('Bearer')
})

it('takes one look-up and one insert more than no proof', async () => {
  await own(await proof(key)).expect(200)
  expect(host.storage.calls).toEqual(['clients.find', 'grants.insert', 'grants.insert'])
})

it.each(['ES256', 'PS256', 'RS256', 'ES384', 'ES512', 'PS512'])('takes proofs signed with %s', async (alg) => {
  expect(await answerTo({}, await proofKey(alg))).toEqual([200, 'DPoP'])
})

const url = `${issuer}${paths.token}`
it.each<[string, ProofChange]>([
  ['another typ (check 4)', { header: { typ: 'jwt' } }],
  ['no typ', { header: { typ: undefined } }],
  ['the typ of an access token', { header: { typ: 'at+jwt' } }],
  ['crit', { header: { crit: ['exp'], exp: 1 }, claims: { exp: startOfTime + 60 } }],
  ['no jwk (check 3)', { header: { jwk: undefined } }],
  ['a jwk that is no object', { header: { jwk: 'key' } }],
  ['a jwk that is a list', { header: { jwk: [] } }],
  ['a jwk without a key', { header: { jwk: { kty: 'EC' } } }],
  ['no jti', { claims: { jti: undefined } }],
  ['an empty jti', { claims: { jti: '' } }],
  ['a jti that is a number', { claims: { jti: 1 } }],
  ['no htm', { claims: { htm: undefined } }],
  ['an htm that is a list', { claims: { htm: ['POST'] } }],
  ['another method (check 8)', { method: 'GET' }],
  ['the method in lower case', { method: 'post' }],
  ['no htu', { claims: { htu: undefined } }],
  ['another path (check 9)', { url: `${issuer}${paths.revoke}` }],
  ['another host', { url: `https://api.example.com${paths.token}` }],
  ['another port', { url: `${issuer}:8443${paths.token}` }],
  ['http', { url: url.replace('https', 'http') }],
  ['a relative URL', { url: paths.token }],
  ['a user in the URL', { url: url.replace('https://', 'https://user@') }],
  ['an htu that is a list', { claims: { htu: [url] } }],
  ['a slash more', { url: `${url}/` }],
  ['an escaped slash', { url: url.replace('/token', '%2Ftoken') }],
  ['an escape of an escape', { url: url.replace('token', '%2574oken') }],
  ['a path parameter', { url: `${url};a` }],
  ['the path in upper case', { url: url.replace('token', 'TOKEN') }],
  ['no iat', { claims: { iat: undefined } }],
  ['an iat that is a text', { claims: { iat: String(startOfTime) } }],
  ['an iat 11 seconds ahead (check 11)', { now: startOfTime + 11 }],
  ['an iat 61 seconds behind', { now: startOfTime - 61 }],
  ['nbf ahead', { claims: { nbf: startOfTime + 11 } }],
  ['nbf that is a text', { claims: { nbf: String(startOfTime) } }],
  ['exp in the past', { claims: { exp: startOfTime } }],
  ['exp that is a text', { claims: { exp: 'tomorrow' } }],
])('%s is refused', async (_, change) => {
  expect(await answerTo(change)).toEqual(refused)
  expect(reasons()).toHaveLength(1)
  expect(host.storage.calls).toEqual([])
})

it.each<[string, ProofChange]>([
  ['query and fragment (check 9)', { url: `${url}?a=b#c` }],
  ['upper case in scheme and host (RFC 3986 §6.2.2.1)', { url: url.replace(issuer, issuer.toUpperCase()) }],
  ['the default port (§6.2.3)', { url: url.replace(issuer, `${issuer}:443`) }],
  ['an escape where none is needed (§6.2.2.2)', { url: url.replace('token', '%74oken') }],
  ['dot segments (§6.2.2.3)', { url: url.replace('/oauth2', '/x/../oauth2') }],
  ['an iat 10 seconds ahead', { now: startOfTime + 10 }],
  ['an iat 60 seconds behind', { now: startOfTime - 60 }],
  ['application/dpop+jwt', { header: { typ: 'application/DPoP+jwt' } }],
  ['nbf and exp around now', { claims: { nbf: startOfTime, exp: startOfTime + 1 } }],
  ['nbf 10 seconds ahead (FAPI 2.0 §5.3.2.1)', { claims: { nbf: startOfTime + 10 } }],
  ['an iat with a fraction (RFC 7519 §2)', { now: startOfTime - 0.5 }],
  ['claims and header members of others (§4.2)', { claims: { sub: 'x', nonce: 'x' }, header: { kid: 'x', x5u: 'x' } }],
])('%s is taken', async (_, change) => {
  expect(await answerTo(change)).toEqual([200, 'DPoP'])
})

it('a private key in the header is refused, and not used (check 7)', async () => {
  expect(await answerTo({ header: { jwk: key.privateJwk } })).toEqual(refused)
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
    expect(await answerTo({ header: { jwk: { ...key.jwk, [member]: 'AQAB' } } })).toEqual(refused)
  }
})

it('a key whose JWK says that it is for another algorithm is refused (RFC 7517 §4.4)', async () => {
  expect(await answerTo({ header: { jwk: { ...key.jwk, alg: 'ES384' } } })).toEqual(refused)
  expect(await answerTo({ header: { jwk: { ...key.jwk, alg: 'ES256' } } })).toEqual([200, 'DPoP'])
})

it('another signature than that of the key in the header is refused (check 6)', async () => {
  expect(await answerTo({ header: { jwk: other.jwk } })).toEqual(refused)
  const [header, payload, signature] = (await proof(key)).split('.')
  const [, claims] = (await proof(key)).split('.')
  for (const text of [`${header}.${claims}.${signature}`, `${header}.${payload}.`, `${header}.${payload}`]) {
    expect((await own(text)).body.error).toBe('invalid_dpop_proof')
  }
})

it('none, symmetric and other algorithms are refused (check 5)', async () => {
  const { SignJWT } = await import('jose')
  const claims = { jti: 'j', htm: 'POST', htu: url, iat: startOfTime }
  const secret = Buffer.alloc(32, 1)
  const jwk = { kty: 'oct', k: secret.toString('base64url') }
  const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk }).sign(secret)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${part({ alg: 'none', typ: 'dpop+jwt', jwk: key.jwk })}.${part(claims)}.`
  const eddsa = await proof(await proofKey('EdDSA'))
  for (const text of [symmetric, unsigned, eddsa]) {
    const { status, body } = await own(text)
    expect([status, body.error]).toEqual(refused)
  }
})

it('only the algorithms of the option are taken, and the metadata names them (§5.1)', async () => {
  const algorithms = ['PS256', 'ES256'] as const
  await begin({ senderConstraints: [dpop({ algorithms })] })
  const { body } = await host.http().get('/.well-known/oauth-authorization-server')
  expect(body.dpop_signing_alg_values_supported).toEqual(algorithms)
  expect(await answerTo({}, await proofKey('RS256'))).toEqual(refused)
  expect(await answerTo({})).toEqual([200, 'DPoP'])
})

/** Signed with that very key, which no library of clients would do. */
function signedBy({ publicKey, privateKey }: KeyPairKeyObjectResult, alg: string, jwk: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = { typ: 'dpop+jwt', alg, jwk: { ...publicKey.export({ format: 'jwk' }), ...jwk } }
  const text = `${part(header)}.${part({ jti: randomUUID(), htm: 'POST', htu: url, iat: startOfTime })}`
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

it('a key that is too short, of another curve or of another kind than its alg is refused, though it has signed', async () => {
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
  expect((await own(signedBy(rsa(2048), 'RS256')).expect(200)).body.token_type).toBe('DPoP')
  expect((await own(signedBy(ec('P-256'), 'ES256')).expect(200)).body.token_type).toBe('DPoP')
  for (const wrong of [
    signedBy(rsa(1024), 'RS256'),
    signedBy(ec('P-384'), 'ES256'),
    signedBy(ec('secp256k1'), 'ES256'),
    signedBy(ec('P-256'), 'ES256', { crv: 'P-384' }),
    signedBy(ec('P-256'), 'RS256'),
    signedBy(rsa(2048), 'ES256'),
    signedBy(ec('P-256'), 'ES256', { use: 'enc' }),
  ])
    expect((await own(wrong).expect(400)).body.error_description).toMatch(/^jwk of the DPoP proof/)
})

it('a key whose signature would take this process long is refused before it is tried', async () => {
  const long = { n: Buffer.alloc(1025, 1).toString('base64url') }
  const slow = { e: Buffer.from([2, 0, 0, 0, 1]).toString('base64url') }
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const jwk of [long, slow]) {
    const { body } = await own(signedBy(pair, 'RS256', jwk)).expect(400)
    expect(body.error_description).toMatch(/^jwk of the DPoP proof/)
  }
  const { body } = await own(signedBy(pair, 'RS256', { e: 'AQAD' })).expect(400)
  expect(body.error_description).toMatch(/^The signature of the DPoP proof/)
})

it('members of the jwk that are none of a key change nothing: neither the key nor its thumbprint', async () => {
  const more = { kid: 'x', x5u: 'https://evil.example', x5c: ['x'], jwk: other.jwk, ['__proto__']: other.jwk, cnf: {} }
  const { body } = await own(await proof(key, { header: { jwk: { ...more, ...key.jwk } } })).expect(200)
  expect((await host.introspect(host.web, body.access_token)).body.cnf).toEqual({ jkt: key.jkt })
  expect(await answerTo({ header: { jwk: { ...other.jwk, ...more, d: undefined } } })).toEqual(refused)
})

it('a header without a proof is no missing header: no bearer token comes of it (check 2)', async () => {
  const one = await proof(key)
  // as proxies join what came twice, or cut off what is long
  for (const sent of [
    '',
    ' ',
    `${one}, ${await proof(key)}`,
    `${one},`,
    `DPoP ${one}`,
    `${one}.a.b`,
    one.slice(0, -1),
  ]) {
    const { status, body } = await own(sent)
    expect([status, body.error]).toEqual(refused)
  }
  await own(one).expect(200)
})

it('the proof is found where an adapter of cloud functions leaves rawHeaders empty', async () => {
  const app = express()
  app.use((req, _res, next) => {
    // Node makes the ones of the others when they are first read
    req.headers = { ...req.headers }
    req.rawHeaders = []
    next()
  }, host.app)
  const ask = async (sent: string) => {
    const { clientId, clientSecret = '' } = host.web
    const form = request(app).post(paths.token).type('form').auth(clientId, clientSecret)
    return form.set('DPoP', sent).send('grant_type=client_credentials')
  }
  expect((await ask(await proof(key))).body.token_type).toBe('DPoP')
  expect((await ask(`${await proof(key)}, ${await proof(key)}`)).body.error).toBe('invalid_dpop_proof')
})

it('two DPoP headers are refused, as they were sent (check 1)', async () => {
  const [first, second] = [await proof(key), await proof(key)]
  const { clientId, clientSecret } = host.web
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const headers = [`Authorization: Basic ${basic}`, `DPoP: ${first}`, `dpop: ${second}`]
  const type = 'Content-Type: application/x-www-form-urlencoded'
  const { port, close } = await listen(host.app)
  const sent = bytes('POST', paths.token, [...headers, type], 'grant_type=client_credentials')
  const answer = await exchange(port, sent)
  await close()
  expect(answer?.status).toBe(400)
  expect(answer?.body).toContain('The DPoP header is included more than once.')
})

it('the Host header changes nothing: the URL is that of the metadata', async () => {
  const sent = await proof(key, { url: `https://evil.example${paths.token}` })
  expect((await own(sent).set('Host', 'evil.example')).body.error).toBe('invalid_dpop_proof')
  await own(await proof(key))
    .set('Host', 'evil.example')
    .expect(200)
})

it('nor does the place where a proxy or a mount has it arrive', async () => {
  await begin({ mount: (app, server) => void app.use('/behind', tokenRouter(server)) })
  const { clientId, clientSecret = '' } = host.web
  const ask = async (url: string) => {
    const form = host.http().post('/behind').type('form').auth(clientId, clientSecret)
    return form.set('DPoP', await proof(key, { url })).send('grant_type=client_credentials')
  }
  expect((await ask(`${issuer}/behind`)).body.error).toBe('invalid_dpop_proof')
  expect((await ask(url)).body.token_type).toBe('DPoP')
})

it('a jti counts once, also for another proof of that key, and not for another key (check 11, §11.1)', async () => {
  const sent = await proof(key)
  await own(sent).expect(200)
  const again = await own(sent)
  expect([again.status, again.body]).toEqual([
    400,
    { error: 'invalid_dpop_proof', error_description: 'This DPoP proof was used before. Its id must be new.' },
  ])
  expect(host.events.at(-1)).toMatchObject({ type: 'proof.refused', clientId: 'web' })
  expect(await answerTo({ claims: { jti: 'one' } })).toEqual([200, 'DPoP'])
  expect(await answerTo({ claims: { jti: 'one' } })).toEqual(refused)
  expect(await answerTo({ claims: { jti: 'one' } }, other)).toEqual([200, 'DPoP'])
})

it('a proof is remembered for as long as it would be taken', async () => {
  const sent = await proof(key, { now: startOfTime + 10 })
  await own(sent).expect(200)
  for (let passed = 0; passed < 75; passed += 5) {
    expect((await own(sent)).body.error).toBe('invalid_dpop_proof')
    host.clock.advance(5)
  }
})

it.each([
  ['a minute after it is too old', {}, 61 + 60],
  ['a minute after its own end', { exp: startOfTime + 5 }, 5 + 60],
])('its id is kept until %s: another process may have a clock that is behind (§11.1)', async (_, claims, seconds) => {
  await own(await proof(key, { claims })).expect(200)
  const [row] = host.storage
    .storedIds()
    .flatMap((id) => host.storage.stored(id) ?? [])
    .filter(({ kind }) => kind === 'jti')
  expect(row).toMatchObject({ state: 'used', expiresAt: startOfTime + seconds })
  // a hash of it, however long it is (§11.1)
  expect(row?.id.length).toBeLessThan(100)
})

it('one proof sent 20 times at once is used once', async () => {
  const sent = await proof(key)
  const answers = await Promise.all(Array.from({ length: 20 }, () => own(sent)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(400)])
})

describe('beside a client assertion', () => {
  beforeEach(async () => {
    await host.register({
      clientId: 'robot',
      tokenEndpointAuthMethods: ['private_key_jwt'],
      grantTypes: ['client_credentials'],
      jwks: { keys: [signer.jwk] },
    })
    host.storage.calls.length = 0
  })
  const robot = (assertion: string, sent: string) =>
    host.token(undefined, { grant_type: 'client_credentials', ...asserted(assertion) }).set('DPoP', sent)

  it('both are used up in one insert, last', async () => {
    await robot(await signAssertion('robot', signer), await proof(key)).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert', 'grants.insert'])
  })

  it('a wrong proof uses up no assertion, and a wrong assertion no proof', async () => {
    const assertion = await signAssertion('robot', signer)
    const sent = await proof(key)
    expect((await robot(assertion, await proof(key, { method: 'GET' }))).body.error).toBe('invalid_dpop_proof')
    expect((await robot('a.b.c', sent)).body.error).toBe('invalid_client')
    await robot(assertion, sent).expect(200)
  })

  it('an id of one is none of the other', async () => {
    const jti = JSON.stringify([key.jkt, 'the same'])
    const assertion = await signAssertion('robot', signer, { claims: { jti } })
    await robot(assertion, await proof(key, { claims: { jti: 'the same' } })).expect(200)
  })

  it('which of the two was used before is told apart, and the other one is still good', async () => {
    const [assertion, sent] = [await signAssertion('robot', signer), await proof(key)]
    await robot(assertion, sent).expect(200)
    const fresh = await proof(key)
    expect((await robot(assertion, fresh)).body.error).toBe('invalid_client')
    const next = await signAssertion('robot', signer)
    expect((await robot(next, sent)).body.error).toBe('invalid_dpop_proof')
    await robot(next, fresh).expect(200)
  })
})

describe('a client with dpop_bound_access_tokens (§5.2)', () => {
  const register = (more: object = {}) => host.register({ clientId: 'bound', dpopBoundAccessTokens: true, ...more })

  it('gets no token without a proof, by whatever grant', async () => {
    const bound = await register({ grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'] })
    expect((await own(undefined, bound)).body).toEqual({
      error: 'invalid_dpop_proof',
      error_description: 'This client must send a DPoP proof.',
    })
    const code = await host.code(bound)
    expect((await host.exchange(bound, code)).body.error).toBe('invalid_dpop_proof')
    await host
      .exchange(bound, code)
      .set('DPoP', await proof(key))
      .expect(200)
  })

  it('nor by code of the host that has no proof to show', async () => {
    await register()
    const issued = issueTokens(host.server, { clientId: 'bound', userId: 'alice' })
    await expect(issued).rejects.toMatchObject({ code: 'invalid_dpop_proof' })
  })

  it('keeps that at a server that no longer lists dpop(): its record is not what decides', async () => {
    const bound = await register({ grantTypes: ['client_credentials'] })
    const { storage } = host
    const without = createAuthorizationServer({ issuer, storage, scopes: ['read', 'write'], now: () => startOfTime })
    const app = express().use(tokenRouter(without))
    const { clientId, clientSecret = '' } = bound
    const asked = request(app).post('/').type('form').auth(clientId, clientSecret).send('grant_type=client_credentials')
    expect((await asked.set('DPoP', await proof(key))).body.error).toBe('invalid_dpop_proof')
  })

  it('revokes and introspects without one', async () => {
    const bound = await register()
    await host.revoke(bound, 'x').expect(200)
    await host.introspect(bound, 'x').expect(200)
  })

  it('keeps that where a server that lists no dpop() changes its record', async () => {
    await register()
    const { storage } = host
    const without = createAuthorizationServer({ issuer, storage, scopes: ['read', 'write'], now: () => startOfTime })
    await updateClient(without, 'bound', { name: 'Bound' })
    expect(await storage.clients.find('bound')).toMatchObject({ name: 'Bound', dpopBoundAccessTokens: true })
  })

  it('may register itself so, and only with true or false', async () => {
    await expect(register({ dpopBoundAccessTokens: 'yes' })).rejects.toMatchObject({ code: 'invalid_client_metadata' })
    const { client } = { client: await register() }
    await updateClient(host.server, client.clientId, { dpopBoundAccessTokens: false })
    expect((await host.server.storage.clients.find('bound'))?.dpopBoundAccessTokens).toBe(false)
  })
})

it('a proof at the revocation and introspection endpoints is not looked at: they issue no token', async () => {
  await host.revoke(host.web, 'x').set('DPoP', 'nonsense').expect(200)
  await host.introspect(host.web, 'x').set('DPoP', 'nonsense').expect(200)
})

it('whatever stands in the DPoP header, the answer is a 400 or a token', async () => {
  await fc.assert(
    fc.asyncProperty(nastyText, fc.object(), fc.object(), async (text, header, claims) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const made = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk, ...header })}.${part(claims)}.AAAA`
      for (const sent of [text.replace(/[^\x21-\x7e]/g, '') || 'x', made]) {
        const { status, body } = await own(sent)
        expect([status, body.error]).toEqual(refused)
      }
    }),
    runs(60),
  )
})

it.each<[unknown, RegExp]>([
  [{ nonce: true }, /nonce/],
  [{ nonce: {} }, /secret/],
  [{ nonce: { secret: 'short' } }, /32/],
  [{ nonce: { secret: 's'.repeat(32), required: 'yes' } }, /required/],
  [{ nonce: { secret: 's'.repeat(32), other: 1 } }, /other/],
  [{ algorithms: [] }, /algorithms/],
  [{ algorithms: ['HS256'] }, /algorithms/],
  [{ algorithms: 'ES256' }, /algorithms/],
  [{ url: 'https://api.example' }, /url/],
  [{ ttl: 60 }, /ttl/],
])('dpop(%j) throws at start-up', (options, message) => {
  expect(() => dpop(options as never)).toThrow(message)
})

it.each([[{}], [[{}]], ['dpop'], [[dpop(), dpop()]]])('senderConstraints %j throw at start-up', async (list) => {
  await expect(createHost({ senderConstraints: list as never })).rejects.toThrow(TypeError)
})
