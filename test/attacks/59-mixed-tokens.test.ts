// ATTACKS.md row 59: a server whose id_tokens, access tokens, logout tokens and signed questions have one key. Each is good at
// its own door, and nothing at every other one (RFC 8725 §3.11, OpenID Connect Core §2, Back-Channel Logout 1.0 §2.4).
import * as oauth from '../../src/index'
import { currentKeyRing } from '../../src/jwt/key-ring'
import { asserted } from '../support/assertions'
import { fieldsOf } from '../support/consent'
import { answerOf, issuer, paths } from '../support/host'
import { createListener, createLogoutHost } from '../support/logout'
import { signingKeys } from '../support/openid'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const { keys } = currentKeyRing('test', signingKeys)().jwks

type Mixed = Awaited<ReturnType<typeof begin>>
let mixed: Mixed
let listener: Awaited<ReturnType<typeof createListener>>
beforeAll(async () => {
  listener = await createListener()
  mixed = await begin()
})
afterAll(() => listener.close())

/** As careless as a host can be: whatever signs a JWT for its clients is trusted everywhere else, too. */
async function begin() {
  const host = await createLogoutHost({
    accessTokens: oauth.jwt({ keys: signingKeys, audience: 'https://api.example' }),
    grants: [
      oauth.authorizationCode(),
      oauth.refreshToken(),
      oauth.tokenExchange({
        allow: ({ subject: { userId } }) => ({ userId }),
        issuers: [{ issuer, keys }],
        user: ({ sub }) => sub,
      }),
      oauth.jwtBearer({ issuers: [{ issuer, keys }], user: ({ sub }) => sub }),
    ],
    clientAuthentication: [oauth.clientSecret(), oauth.privateKeyJwt()],
  })
  const grantTypes = ['authorization_code', 'refresh_token', EXCHANGE, BEARER]
  await oauth.updateClient(host.server, 'web', { grantTypes })
  await host.register({ clientId: issuer, tokenEndpointAuthMethods: ['private_key_jwt'], jwks: { keys }, grantTypes })
  const signed = { userinfoSignedResponseAlg: 'RS256', backchannelLogoutUri: listener.url }
  const { idToken, access_token } = await host.tokens()
  await oauth.updateClient(host.server, 'web', signed)
  const userinfo = (await host.userinfo(access_token).expect(200)).text
  const question = String(fieldsOf(await host.logout({})).sign_out_transaction)
  const request = { scope: 'openid', prompt: 'login' }
  const sent = host.sentToSignIn(await host.authorize(host.web, request))
  const signIn = sent?.asked.get('sign_in_transaction') ?? ''
  const other = await host.tokens()
  await host.logout({ id_token_hint: other.idToken }).expect(200)
  await listener.heardOf(1)
  host.clock.advance(1)
  const live = await host.tokens()
  return {
    host,
    request,
    tokens: {
      id_token: live.idToken,
      'access token': live.access_token,
      'logout token': listener.tokens[0] as string,
      'answer of userinfo': userinfo,
      'question of the sign-out page': question,
      'transaction of the sign-in page': signIn,
      'id_token of before': idToken,
    },
  }
}

/** Where a token is tried, and whether it was taken for what opens that door. */
const doors: Record<string, (mixed: Mixed, token: string) => Promise<boolean>> = {
  'the guard': async ({ host }, token) => (await host.me(token)).status === 200,
  userinfo: async ({ host }, token) => (await host.userinfo(token)).status === 200,
  introspection: async ({ host }, token) => (await host.introspect(host.api, token)).body.active,
  refresh: async ({ host }, token) => (await host.refresh(host.web, token)).status === 200,
  'the exchange, as an access token': (mixed, token) => exchanged(mixed, token, 'access_token'),
  'the exchange, as a JWT': (mixed, token) => exchanged(mixed, token, 'jwt'),
  'the JWT bearer grant': async ({ host }, assertion) =>
    (await host.token(host.web, { grant_type: BEARER, assertion })).status === 200,
  'client authentication': async ({ host }, token) => {
    const sent = { grant_type: 'refresh_token', refresh_token: 'x', client_id: issuer, ...asserted(token) }
    return (await host.http().post(paths.token).type('form').send(sent)).body.error !== 'invalid_client'
  },
  'a hint of who signs in': async ({ host }, id_token_hint) =>
    answerOf(await host.authorize(host.web, { scope: 'openid', id_token_hint })).error !== 'invalid_request',
  'a hint of who signs out': async ({ host }, id_token_hint) =>
    !(await host.logout({ id_token_hint })).text.includes('Do you want to sign out?'),
  'the answer of the sign-out page': async ({ host }, sign_out_transaction) =>
    !(await host.post({ sign_out_transaction, sign_out: 'no' })).text.includes('Do you want to sign out?'),
}

async function exchanged({ host }: Mixed, subject_token: string, type: string): Promise<boolean> {
  const subject_token_type = `urn:ietf:params:oauth:token-type:${type}`
  return (await host.token(host.web, { grant_type: EXCHANGE, subject_token, subject_token_type })).status === 200
}

const opens: Record<string, readonly string[]> = {
  'access token': [
    ...['the guard', 'userinfo', 'introspection', 'the exchange, as an access token', 'the exchange, as a JWT'],
  ],
  id_token: ['a hint of who signs in', 'a hint of who signs out'],
  'id_token of before': ['a hint of who signs in', 'a hint of who signs out'],
  'question of the sign-out page': ['the answer of the sign-out page'],
}

it.each([
  'access token',
  'logout token',
  'answer of userinfo',
  'question of the sign-out page',
  'transaction of the sign-in page',
  'id_token of before',
  'id_token',
] as const)('%s', async (name) => {
  const token = mixed.tokens[name]
  expect(token.split('.')).toHaveLength(3)
  const opened: string[] = []
  for (const [door, tryIt] of Object.entries(doors)) if (await tryIt(mixed, token)) opened.push(door)
  expect(opened).toEqual(opens[name] ?? [])
})
