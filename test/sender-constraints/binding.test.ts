// What is bound to a DPoP key: codes (RFC 9449 §10), access tokens (§5, §6) and the refresh tokens of public clients (§5).

import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { decodeJwt } from 'jose'
import {
  type Credential,
  dpop,
  generateSigningKey,
  implicit,
  issueCode,
  jwt,
  mutualTls,
  pushedAuthorizationRequests,
  refreshToken,
} from '../../src'
import { type ProofKey, proof, proofKey } from '../support/dpop'
import { answerOf, createHost, type Host, type HostOptions, type TestClient, type Tokens } from '../support/host'

let key: ProofKey
let other: ProofKey
let host: Host
beforeAll(async () => {
  ;[key, other] = await Promise.all([proofKey(), proofKey()])
})
const begin = async (options: HostOptions = {}) => {
  host = await createHost({ senderConstraints: [dpop()], ...options })
}
beforeEach(() => begin())

const now = () => ({ now: host.clock.now })
const exchange = async (client: TestClient, code: string, by?: ProofKey) => {
  const sent = host.exchange(client, code)
  return by ? sent.set('DPoP', await proof(by, now())) : sent
}
const refresh = async (client: TestClient, token: string, by?: ProofKey) => {
  const sent = host.refresh(client, token)
  return by ? sent.set('DPoP', await proof(by, now())) : sent
}
const signIn = async (client: TestClient, by?: ProofKey) =>
  (await exchange(client, await host.code(client), by)).body as Tokens
const boundTo = async ({ access_token: token }: Pick<Tokens, 'access_token'>, client = host.native) =>
  (await host.introspect(host.api, token)).body.cnf?.jkt ?? `none of ${client.clientId}`
const wrong = 'invalid_dpop_proof'

describe('a code with dpop_jkt (§10)', () => {
  const codeFor = (client: TestClient, { jkt } = key) => host.code(client, { dpop_jkt: jkt })

  it('is exchanged with a proof of that key', async () => {
    const { status, body } = await exchange(host.native, await codeFor(host.native), key)
    expect([status, body.token_type]).toEqual([200, 'DPoP'])
  })

  it.each([
    ['without a proof', () => undefined],
    ['with another key', () => other],
  ])('is refused %s, stays good for its own key, and nothing ends', async (_, by) => {
    for (const client of [host.native, host.web]) {
      const code = await codeFor(client)
      expect((await exchange(client, code, by())).body.error).toBe(wrong)
      const { body } = await exchange(client, code, key)
      // a thief who has the verifier as well ends no session either
      expect((await exchange(client, code, by())).body.error).toBe(wrong)
      expect(await boundTo(body)).toBe(key.jkt)
    }
    expect(host.eventTypes()).not.toContain('code.replayed')
    expect(host.events.filter(({ type }) => type === 'proof.refused')).toHaveLength(4)
  })

  it.each(['', 'short', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}=`])(
    'that is no thumbprint (%j) is invalid_request',
    async (dpop_jkt) => {
      const answer = answerOf(await host.authorize(host.web, { dpop_jkt }))
      // a parameter without a value was not sent (RFC 6749 §3.1)
      expect(answer.error ?? 'none').toBe(dpop_jkt === '' ? 'none' : 'invalid_request')
    },
  )

  it('may be given by code of the host, where the server has dpop()', async () => {
    const options = { clientId: 'web', userId: 'alice', codeChallenge, redirectUri: host.web.redirectUri }
    const { code } = await issueCode(host.server, { ...options, dpopJkt: key.jkt })
    expect((await exchange(host.web, code, other)).body.error).toBe(wrong)
    expect((await exchange(host.web, code, key)).body.token_type).toBe('DPoP')
    await expect(issueCode(host.server, { ...options, dpopJkt: 'short' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    for (const senderConstraints of [[], [mutualTls()]]) {
      await begin({ senderConstraints })
      await expect(issueCode(host.server, { ...options, dpopJkt: key.jkt })).rejects.toThrow('needs dpop()')
    }
  })

  it('is a parameter like any unknown one at a server that has certificates alone (RFC 6749 §3.1)', async () => {
    await begin({ senderConstraints: [mutualTls()], requests: [pushedAuthorizationRequests()] })
    const { body: pushed } = await host.push(host.web, { dpop_jkt: key.jkt })
    const opened = await host.open({ client_id: 'web', request_uri: pushed.request_uri })
    const codes = [
      await codeFor(host.web),
      await host.code(host.web, { dpop_jkt: 'short' }),
      answerOf(opened).code ?? '',
    ]
    for (const code of codes) {
      const { status, body } = await exchange(host.web, code)
      expect([status, body.token_type]).toEqual([200, 'Bearer'])
    }
  })

  it('is ignored by a server without dpop(), whose tokens are bearer tokens', async () => {
    await begin({ senderConstraints: [] })
    const { body } = await host.exchange(host.web, await codeFor(host.web)).expect(200)
    expect(body.token_type).toBe('Bearer')
  })

  it('cannot be used at a server whose dpop() was taken out meanwhile', async () => {
    const code = await codeFor(host.web)
    const grants = host.server.grants.get('authorization_code')
    const client = await host.server.storage.clients.find('web')
    if (!client || !grants?.handle) throw new Error('no client')
    const parameters = new Map(Object.entries({ code, redirect_uri: host.web.redirectUri, code_verifier: verifier }))
    const request = {
      client,
      authenticated: true,
      grantType: 'authorization_code',
      parameters,
      startedAt: 1,
      req: {} as Request,
    }
    await expect(grants.handle({ ...host.server, senderConstraints: [] }, request)).rejects.toMatchObject({
      code: wrong,
    })
  })
})
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

describe('the implicit grant, where no proof can come', () => {
  const grantTypes = ['authorization_code', 'implicit']
  beforeEach(() => begin({ grants: [...grantsOf(host), implicit()] }))
  const ask = async (client: TestClient, more = {}) =>
    answerOf(await host.authorize(client, { response_type: 'token', ...more }))

  it('gives no token to a client of bound ones, and none unbound in the place of a bound one', async () => {
    const bound = await host.register({ clientId: 'bound', dpopBoundAccessTokens: true, grantTypes })
    const free = await host.register({ clientId: 'free', grantTypes })
    for (const [client, more] of [[bound], [free, { dpop_jkt: key.jkt }]] as const) {
      const answer = await ask(client, more)
      expect([answer.error, answer.access_token]).toEqual(['unauthorized_client', undefined])
    }
    expect((await ask(free)).token_type).toBe('Bearer')
  })
})

describe('an access token', () => {
  it('says its key in JWTs, where no claim of the host can say another, and in introspection (§6)', async () => {
    const claims = () => ({ cnf: { jkt: 'forged' }, kept: 1 })
    await begin({ accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example.com', claims }) })
    const bound = decodeJwt((await signIn(host.web, key)).access_token)
    expect(bound).toMatchObject({ cnf: { jkt: key.jkt }, kept: 1 })
    expect(decodeJwt((await signIn(host.web)).access_token)).not.toHaveProperty('cnf')
  })

  it('is bound in each of 20 exchanges of one code with 20 proofs, of which one wins', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => proofKey()))
    const code = await host.code(host.native)
    const answers = await Promise.all(keys.map((one) => exchange(host.native, code, one)))
    const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
    expect(won).toHaveLength(1)
    expect(answers.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant')).toHaveLength(19)
    const [winner = -1] = won
    expect(await boundTo(answers[winner]?.body)).toBe(keys[winner]?.jkt)
  })

  it('whose row loses its key in the store is dead, and no bearer token', async () => {
    const { access_token: token } = await signIn(host.native, key)
    const id = token.split('.')[0] as string
    host.storage.replace('grants.find', async (find) => {
      const row = (await find()) as Credential | undefined
      if (row?.id !== id) return row
      const { confirmation, ...bound } = row.data.bound as Record<string, unknown>
      expect(confirmation).toEqual({ jkt: key.jkt })
      return { ...row, data: { ...row.data, bound } }
    })
    expect((await host.introspect(host.api, token)).body).toEqual({ active: false })
  })
})

describe('the refresh token of a public client (§5)', () => {
  it('is refreshed with its key alone: a stolen one is of no use, and ends nothing', async () => {
    const first = await signIn(host.native, key)
    for (const by of [undefined, other]) {
      expect((await refresh(host.native, first.refresh_token, by)).body.error).toBe(wrong)
    }
    const second = await refresh(host.native, first.refresh_token, key)
    expect([second.status, await boundTo(second.body)]).toEqual([200, key.jkt])
    // as reuse, too: who has no key does not end the session of who has it
    host.clock.advance(100)
    expect((await refresh(host.native, first.refresh_token, other)).body.error).toBe(wrong)
    expect(host.eventTypes()).not.toContain('refresh.reused')
    expect((await refresh(host.native, second.body.refresh_token, key)).status).toBe(200)
  })

  it('that is used again with its key ends the session, as ever', async () => {
    const first = await signIn(host.native, key)
    const second = await refresh(host.native, first.refresh_token, key)
    host.clock.advance(100)
    expect((await refresh(host.native, first.refresh_token, key)).body.error).toBe('invalid_grant')
    expect((await refresh(host.native, second.body.refresh_token, key)).body.error).toBe('invalid_grant')
    expect(host.eventTypes()).toContain('refresh.reused')
  })

  it('without a key is bound to that of the first proof, and its session with it', async () => {
    const first = await signIn(host.native)
    const second = await refresh(host.native, first.refresh_token, key)
    expect([second.status, second.body.token_type, await boundTo(second.body)]).toEqual([200, 'DPoP', key.jkt])
    for (const token of [first.refresh_token, second.body.refresh_token]) {
      expect((await refresh(host.native, token, other)).body.error).toBe(wrong)
      expect((await refresh(host.native, token)).body.error).toBe(wrong)
    }
    const third = await refresh(host.native, second.body.refresh_token, key)
    expect([third.status, await boundTo(third.body)]).toEqual([200, key.jkt])
  })

  it('is that of a client that may leave its authentication out, too', async () => {
    const methods = ['none', 'client_secret_basic'] as const
    const either = await host.register({ clientId: 'either', tokenEndpointAuthMethods: [...methods] })
    const first = await signIn(either, key)
    expect((await refresh(either, first.refresh_token, other)).body.error).toBe(wrong)
  })

  it('gets the same response again within the replay window, with the same key', async () => {
    const first = await signIn(host.native, key)
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(host.native, first.refresh_token, key)))
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1)
    expect(new Set(answers.map(({ body }) => body.token_type))).toEqual(new Set(['DPoP']))
  })

  it('is revoked without a proof (RFC 7009)', async () => {
    const { refresh_token: token, ...tokens } = await signIn(host.native, key)
    await host.revoke(host.native, token).expect(200)
    expect((await host.introspect(host.api, tokens.access_token)).body).toEqual({ active: false })
  })
})

describe('a confidential client', () => {
  it('may refresh with a new key, or with none, for its authentication is what binds (§5)', async () => {
    const first = await signIn(host.web, key)
    const second = await refresh(host.web, first.refresh_token, other)
    expect([second.status, await boundTo(second.body)]).toEqual([200, other.jkt])
    const third = await refresh(host.web, second.body.refresh_token)
    expect([third.status, third.body.token_type]).toEqual([200, 'Bearer'])
  })

  it.each([
    ['another key', () => other],
    ['no proof', () => undefined],
  ])('that repeats a refresh with %s is invalid_dpop_proof: that token is of no use to it', async (_, by) => {
    const first = await signIn(host.web, key)
    const second = await refresh(host.web, first.refresh_token, key)
    expect((await refresh(host.web, first.refresh_token, by())).body.error).toBe(wrong)
    const again = await refresh(host.web, first.refresh_token, key)
    expect(again.body).toEqual({ ...second.body, expires_in: again.body.expires_in })
    expect((await refresh(host.web, second.body.refresh_token, by())).status).toBe(200)
  })
})

describe("refreshToken({ rotate: 'public-clients' }) (FAPI 2.0 §5.3.2.1)", () => {
  beforeEach(() => begin({ grants: [...grantsOf(host), refreshToken({ rotate: 'public-clients' })] }))

  it('confidential clients keep their refresh token, and public ones rotate', async () => {
    const kept = await signIn(host.web)
    const rotated = await signIn(host.native)
    for (let n = 0; n < 3; n++) {
      host.clock.advance(100)
      expect((await refresh(host.web, kept.refresh_token)).body.refresh_token).toBe(kept.refresh_token)
    }
    const { body } = await refresh(host.native, rotated.refresh_token)
    expect(body.refresh_token).not.toBe(rotated.refresh_token)
    host.clock.advance(100)
    expect((await refresh(host.native, rotated.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('two instances with a key each share the refresh token, and neither ends the tokens of the other', async () => {
    const { refresh_token: token } = await signIn(host.web, key)
    const keys = [key, other, await proofKey()]
    const answers: Tokens[] = []
    for (let n = 0; n < 9; n++) {
      const { status, body } = await refresh(host.web, token, keys[n % 3])
      expect([status, body.refresh_token, await boundTo(body)]).toEqual([200, token, keys[n % 3]?.jkt])
      answers.push(body)
      host.clock.advance(1)
    }
    const alive = await Promise.all(answers.slice(-3).map((one) => boundTo(one)))
    expect(alive).toEqual(keys.map(({ jkt }) => jkt))
  })

  it('at once, too', async () => {
    const { refresh_token: token } = await signIn(host.web, key)
    const answers = await Promise.all([key, other, key, other].map((one) => refresh(host.web, token, one)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await Promise.all(answers.map(({ body }) => boundTo(body)))).toEqual(
      [key, other, key, other].map((k) => k.jkt),
    )
  })

  it('keeps at most eight places for keys', async () => {
    const { refresh_token: token } = await signIn(host.web, key)
    for (let n = 0; n < 12; n++) await refresh(host.web, token, await proofKey())
    const row = host.storage.stored(token.split('.')[0] as string)
    expect(row?.data.rotation).toMatchObject({ places: { length: 8 } })
  })
})
const grantsOf = ({ server }: Host) =>
  [...server.grants.values()].filter(({ grantType }) => grantType !== 'refresh_token')

it.each([
  [{ rotate: 'clients' }, /public-clients/],
  [{ rotate: 'public-clients', replayWindow: 0 }, /replayWindow/],
])('refreshToken(%j) throws at start-up', (options, message) => {
  expect(() => refreshToken(options as never)).toThrow(message)
})

it('the thumbprint is that of RFC 7638', () => {
  const { crv, kty, x, y } = key.jwk
  const digest = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  expect(key.jkt).toBe(digest)
})
