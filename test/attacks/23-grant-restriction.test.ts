// ATTACKS.md row 23: what a client's record does not name, no path gives it.
import {
  authorizationCode,
  clientCredentials,
  implicit,
  issueCode,
  issueTokens,
  OAuthError,
  password,
  refreshToken,
  updateClient,
} from '../../src/index'
import { answerOf, createHost, type Host, type Tokens } from '../support/host'

const all = ['authorization_code', 'client_credentials', 'refresh_token', 'password', 'implicit']
let host: Host
beforeAll(async () => {
  const grants = [
    authorizationCode(),
    clientCredentials(),
    refreshToken(),
    password({ verify: () => 'alice' }),
    implicit(),
  ]
  host = await createHost({ grants })
})
const without = (grantType: string) => host.register({ grantTypes: all.filter((name) => name !== grantType) })

it('a client without the password grant gets nothing for the right password, which is not even looked at', async () => {
  const answer = await host.token(await without('password'), {
    grant_type: 'password',
    username: 'alice',
    password: 'x',
  })
  expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client'])
})

it('a client without client_credentials gets nothing for its secret', async () => {
  const answer = await host.token(await without('client_credentials'), { grant_type: 'client_credentials' })
  expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client'])
})

it('a client without authorization_code gets no code, and exchanges none', async () => {
  const client = await without('authorization_code')
  expect(answerOf(await host.authorize(client))).toMatchObject({ error: 'unauthorized_client' })
  const answer = await host.exchange(client, await host.code())
  expect(answer.body.error).toBe('unauthorized_client')
  const issuing = issueCode(host.server, { clientId: client.clientId, userId: 'alice', codeChallenge: 'A'.repeat(43) })
  await expect(issuing).rejects.toMatchObject({ code: 'unauthorized_client' })
})

it('a client without implicit gets no token in the fragment', async () => {
  expect(answerOf(await host.authorize(await without('implicit'), { response_type: 'token' }))).toMatchObject({
    error: 'unauthorized_client',
  })
})

it('a client without refresh_token gets none by any grant, and refreshes none that it got before', async () => {
  const client = await without('refresh_token')
  const tokens = [
    await host.signIn(client),
    (await host.token(client, { grant_type: 'password', username: 'alice', password: 'x' }).expect(200)).body,
    await issueTokens(host.server, { clientId: client.clientId, userId: 'alice' }),
  ]
  for (const each of tokens) expect(each).not.toHaveProperty('refresh_token')
  const forced = issueTokens(host.server, { clientId: client.clientId, userId: 'alice', refreshToken: true })
  await expect(forced).rejects.toThrow(OAuthError)

  const before = await host.register({ grantTypes: all })
  const { refresh_token } = await host.signIn(before)
  await updateClient(host.server, before.clientId, { grantTypes: ['authorization_code'] })
  expect((await host.refresh(before, refresh_token)).body.error).toBe('unauthorized_client')
})

it('a grant taken from a client while its code is out is not carried out any more', async () => {
  const client = await host.register({ grantTypes: all })
  const code = await host.code(client)
  await updateClient(host.server, client.clientId, { grantTypes: ['refresh_token'] })
  expect((await host.exchange(client, code)).body.error).toBe('unauthorized_client')
})

it('a record that names nothing means code and refresh, and never more', async () => {
  const client = await host.register()
  await host.refresh(client, ((await host.signIn(client)) as Tokens).refresh_token).expect(200)
  for (const grant_type of ['client_credentials', 'password']) {
    expect((await host.token(client, { grant_type, username: 'alice', password: 'x' })).body.error).toBe(
      'unauthorized_client',
    )
  }
  expect(answerOf(await host.authorize(client, { response_type: 'token' }))).toMatchObject({
    error: 'unauthorized_client',
  })
})

it('an empty list means none', async () => {
  const client = await host.register({ grantTypes: [] })
  expect(answerOf(await host.authorize(client))).toMatchObject({ error: 'unauthorized_client' })
  for (const grant_type of all.slice(0, 4))
    expect((await host.token(client, { grant_type })).body.error).toBe('unauthorized_client')
})

it.each([
  'token',
  'code token',
  'code id_token',
  'id_token',
  'none',
  'CODE',
  ' code',
  'code ',
  '__proto__',
  'constructor',
])('response_type=%j of a default server is unsupported', async (response_type) => {
  const plain = await createHost()
  expect(answerOf(await plain.authorize(plain.web, { response_type }))).toMatchObject({
    error: 'unsupported_response_type',
  })
})

it.each([
  'password',
  'implicit',
  'PASSWORD',
  'urn:ietf:params:oauth:grant-type:device_code',
  '__proto__',
  'constructor',
  'toString',
  'authorization_code ',
  'refresh_token\t',
])('grant_type=%j of a default server is unsupported', async (grant_type) => {
  const plain = await createHost()
  const answer = await plain.token(plain.web, { grant_type, username: 'alice', password: 'x' })
  expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type'])
})

it('the implicit grant is nothing to ask the token endpoint for', async () => {
  expect((await host.token(host.web, { grant_type: 'implicit' })).body.error).toBe('unsupported_grant_type')
})

it('a client that sends no secret because its record allows that gets no token of its own', async () => {
  const half = await host.register({ tokenEndpointAuthMethods: ['none', 'client_secret_post'], grantTypes: all })
  const answer = await host.token({ clientId: half.clientId, redirectUri: '' }, { grant_type: 'client_credentials' })
  expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client'])
})
