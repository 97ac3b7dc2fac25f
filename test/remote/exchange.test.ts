// Token exchange (RFC 8693 §4.1) at an API in another process than its server: who acts, by JWTs and by introspection.
import { authorizationCode, generateSigningKey, jwt, refreshToken, tokenExchange } from '../../src/index'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

const resource = 'https://api.example.com'
const type = 'urn:ietf:params:oauth:token-type:access_token'
let remote: RemoteHost

beforeAll(async () => {
  remote = await createRemoteHost({
    accessTokens: jwt({ keys: generateSigningKey(), audience: resource }),
    grants: [
      authorizationCode(),
      refreshToken(),
      tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
    ],
    endpoints: { token: '/oauth2/token', introspect: '/oauth2/introspect', authorize: '/oauth2/authorize' },
  })
})
afterAll(() => remote.close())

it.each(['JWT', 'introspection'])('is told who acts, and that a token was exchanged, by %s', async (way) => {
  const { host } = remote
  const { clientId, clientSecret = '' } = host.api
  const api = createApi(remote, {
    resource,
    ...(way === 'introspection' && { introspect: { clientId, clientSecret } }),
  })
  const alice = (await host.signIn()).access_token
  const bob = (await host.signIn(host.web, {}, 'bob')).access_token
  const request = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: alice,
    subject_token_type: type,
  }
  const impersonated = await host.token(host.web, request).expect(200)
  const seen = (await api.call(impersonated.body.access_token).expect(200)).body.authInfo
  expect(seen).toMatchObject({ userId: 'alice', exchange: 'impersonation' })
  expect(seen).not.toHaveProperty('actor')
  const delegated = await host.token(host.web, { ...request, actor_token: bob, actor_token_type: type }).expect(200)
  const { authInfo } = (await api.call(delegated.body.access_token).expect(200)).body
  expect(authInfo).toMatchObject({ userId: 'alice', exchange: 'delegation', actor: { sub: 'bob', client_id: 'web' } })
  const plain = (await api.call(alice).expect(200)).body.authInfo
  expect(plain).not.toHaveProperty('exchange')
})
