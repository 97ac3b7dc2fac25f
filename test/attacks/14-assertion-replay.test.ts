// ATTACKS.md row 14: an assertion (RFC 7523) that a client has signed with its secret is none, so there is none to replay. It
// must not be taken for less, either: as the client_id of a client without a secret, or as a grant. Row 54 has those with keys.
import jsonwebtoken from 'jsonwebtoken'
import { createHost, type Host, issuer, paths } from '../support/host'

const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
let host: Host
beforeAll(async () => {
  host = await createHost()
})

/** Signed with the client's own secret, as client_secret_jwt would have it. */
const assertionOf = ({ clientId, clientSecret = '' }: Host['web'], more: object = {}) =>
  jsonwebtoken.sign({ iss: clientId, sub: clientId, aud: issuer, ...more }, clientSecret)

it.each([
  ['good for a minute', { jti: 'one', exp: 2_000_000_000 }],
  ['no exp and no jti', {}],
  ['exp years ahead', { jti: 'two', exp: 9_999_999_999 }],
])('an assertion instead of a secret is refused, also twice and in parallel: %s', async (_, claims) => {
  const client_assertion = assertionOf(host.web, claims)
  const parameters = { grant_type: 'client_credentials', client_assertion, client_assertion_type: type }
  const alone = () => host.token(undefined, parameters)
  const withId = () => host.token(undefined, { ...parameters, client_id: host.web.clientId })
  for (const { status, body } of await Promise.all([alone(), alone(), withId(), withId()])) {
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  }
})

it.each(['urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:saml2-bearer'])(
  '%s is no grant',
  async (grant_type) => {
    const answer = await host.token(host.web, { grant_type, assertion: assertionOf(host.web, { sub: 'alice' }) })
    expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type'])
  },
)

it('no client is registered for assertions by a secret, and the metadata offers none', async () => {
  await expect(host.register({ tokenEndpointAuthMethods: ['client_secret_jwt' as never] })).rejects.toThrow(
    'client_secret_jwt',
  )
  const { body } = await host.http().get('/.well-known/oauth-authorization-server')
  expect(body.token_endpoint_auth_methods_supported).not.toContain('client_secret_jwt')
  expect(JSON.stringify(body)).not.toMatch(/HS\d/)
  expect(body.token_endpoint).toBe(`${issuer}${paths.token}`)
})
