// Row 3, downgrade. The kind: input that cannot be used (too long, cut, odd) is dropped, and a weaker path taken without it.
import { bearerGuard } from '../../src/index'
import { answerOf, createHost, type Host, type Parameters, pkce, type TestClient } from '../support/host'

/** A server on which each weaker path exists: no PKCE, no secret, no token. */
let host: Host
let sometimes: TestClient
beforeAll(async () => {
  host = await createHost({ pkce: 'optional', throttle: false, resources: ['https://api.example'] })
  sometimes = await host.register({ clientId: 'sometimes', tokenEndpointAuthMethods: ['none', 'client_secret_post'] })
})

const long = (text: string, length = 4000) => text.repeat(Math.ceil(length / text.length)).slice(0, length)
const challenges: [string, string | undefined][] = [
  ['one character more', `${pkce.challenge}A`],
  ['one character less', pkce.challenge.slice(1)],
  ['as long as a verifier may be', long('A', 128)],
  ['very long', long(pkce.challenge)],
  ['with padding', `${pkce.challenge}=`],
  ['with a space behind it', `${pkce.challenge} `],
  ['of blanks', '   '],
  ['empty, with its method', ''],
]

it.each(challenges)('a code_challenge that is %s is never treated as absent', async (_, code_challenge) => {
  const { code, error } = answerOf(await host.authorize(host.web, { code_challenge }))
  expect([code, error]).toEqual([undefined, 'invalid_request'])
})

it.each([['plain'], ['s256'], [long('S256')], ['S256 ']])('nor with the method %p', async (code_challenge_method) => {
  const { code, error } = answerOf(await host.authorize(host.web, { code_challenge_method }))
  expect([code, error]).toEqual([undefined, 'invalid_request'])
})

it.each<[string, Parameters, string]>([
  ['scope', { scope: long('read,') }, 'invalid_scope'],
  ['scope', { scope: `read ${long('x')}` }, 'invalid_scope'],
  ['resource', { resource: `https://api.example/${long('x')}` }, 'invalid_target'],
  ['response_type', { response_type: long('code') }, 'unsupported_response_type'],
])('an over-long %s is refused, and not the default taken', async (_, parameters, expected) => {
  const { code, error } = answerOf(await host.authorize(host.web, parameters))
  expect([code, error]).toEqual([undefined, expected])
})

it('an over-long redirect_uri, or client, goes nowhere', async () => {
  for (const client of [
    { ...host.web, redirectUri: `${host.web.redirectUri}${long('x')}` },
    { ...host.web, redirectUri: `${host.web.redirectUri} ` },
    { ...host.web, clientId: long('web') },
  ]) {
    const answer = await host.authorize(client)
    expect([answer.status, answer.headers.location]).toEqual([400, undefined])
  }
})

it('a state comes back whole or not at all', async () => {
  for (const state of [long('s'), ` ${long('é', 500)} `]) {
    expect(answerOf(await host.authorize(host.web, { state })).state).toBe(state)
  }
})

it.each([
  ['too long', long('A', 129)],
  ['very long', long('A')],
  ['too short', 'A'],
  ['of blanks', '  '],
])('a verifier that is %s is wrong, also for a code without a challenge', async (_, code_verifier) => {
  const bare = { code_challenge: undefined, code_challenge_method: undefined }
  for (const code of [await host.code(), await host.code(host.web, bare)]) {
    const answer = await host.exchange(host.web, code, { code_verifier })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  }
})

it('a secret that was sent must be right, whatever its length, where none would do', async () => {
  const code = await host.code(sometimes)
  const exchange = (client_secret?: string) =>
    host.exchange({ ...sometimes, clientSecret: undefined as never }, code, { client_secret })
  for (const secret of [long('x'), `${sometimes.clientSecret}x`, long('x', 73), ' ', long('x', 60_000)]) {
    expect([secret.length, (await exchange(secret)).status]).toEqual([secret.length, 401])
  }
  // too long for a body, for a header: no request at all
  expect((await exchange(long('x', 70_000))).status).toBe(413)
  const basic = (secret: string) =>
    host.token({ ...sometimes, clientSecret: secret }, { grant_type: 'authorization_code', code })
  expect((await basic(long('x'))).status).toBe(401)
  expect((await basic(long('x', 20_000))).status).toBe(431)
  expect((await exchange()).status).toBe(200)
})

it('a token that cannot be one is no call without a token', async () => {
  const own = await createHost({
    mount(app, server) {
      const guard = bearerGuard(server, { clientIdQuery: true, tokenFrom: ['header', 'query'] })
      app.get('/app', guard, (_req, res) => void res.json({}))
    },
  })
  const call = (query = '') => own.http().get(`/app?client_id=web${query}`)
  await call().expect(200)
  for (const token of [long('A'), long('é'), 'a b', '"', long('A', 15_000)]) {
    expect([token, (await call().set('Authorization', `Bearer ${encodeURI(token).slice(0, 12_000)}`)).status]).toEqual([
      token,
      401,
    ])
  }
  await call(`&access_token=${long('A', 8_000)}`).expect(401)
  await call('&access_token=%20').expect(401)
  await call('&access_token=a&access_token=b').expect(400)
})

it('a grant_type, code or refresh token that is too long is refused by its own name', async () => {
  const { refresh_token } = await host.signIn()
  for (const [parameters, error] of [
    [{ grant_type: long('client_credentials') }, 'unsupported_grant_type'],
    [{ grant_type: 'authorization_code', code: long(await host.code()) }, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: long(refresh_token) }, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token, scope: long('x') }, 'invalid_scope'],
  ] as [Parameters, string][]) {
    expect((await host.token(host.web, parameters)).body.error).toBe(error)
  }
})
