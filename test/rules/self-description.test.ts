// What a client may say of itself (RFC 7591 §2): whatever is sent, it is refused in the RFC's words, or no more than permitted.
import fc from 'fast-check'
import { OAuthError } from '../../src/index'
import { redirectUriProblem } from '../../src/rules/redirect-uri'
import { parseSelfDescription, responseTypesOf } from '../../src/rules/self-description'
import { nastyText, runs } from '../support/fuzz'

const rules = {
  responseTypes: new Map([
    ['code', { grantType: 'authorization_code' }],
    ['token', { grantType: 'implicit' }],
  ]),
  allowHttpRedirectUris: false,
}
const permitted = { scopes: ['read', 'write'], grantTypes: ['authorization_code', 'refresh_token'] }
const codes = [
  'invalid_client_metadata',
  'invalid_redirect_uri',
  'invalid_software_statement',
  'unapproved_software_statement',
]

const grant = fc.constantFrom('authorization_code', 'refresh_token', 'implicit', 'password', 'client_credentials', '')
const scope = fc.constantFrom('read', 'write', 'admin', '', ' ', 'read  admin', 'a"b')
const good = fc.constantFrom('https://app.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb')
const uri = fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: nastyText })
const orAnything = (likely: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 19, arbitrary: likely }, { weight: 1, arbitrary: fc.anything() })
const members = fc.record(
  {
    client_name: orAnything(nastyText),
    redirect_uris: orAnything(fc.array(uri, { minLength: 1, maxLength: 3 })),
    grant_types: orAnything(fc.array(grant)),
    response_types: orAnything(fc.array(fc.constantFrom('code', 'token', 'code token', ''))),
    scope: orAnything(fc.array(scope).map((tokens) => tokens.join(' '))),
    token_endpoint_auth_method: orAnything(fc.constantFrom('none', 'client_secret_basic', 'private_key_jwt')),
    logo_uri: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, uri),
    software_statement: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, nastyText),
  },
  { requiredKeys: [] },
)

it('never gives more than is permitted, and never fails in other words', () => {
  let taken = 0
  fc.assert(
    fc.property(members, (sent) => {
      try {
        const described = parseSelfDescription(sent, permitted, rules)
        taken++
        expect(permitted.grantTypes).toEqual(expect.arrayContaining([...described.grantTypes]))
        expect(permitted.scopes).toEqual(expect.arrayContaining([...(described.scopes ?? [])]))
        expect(described.redirectUris.length).toBeGreaterThan(0)
        for (const one of described.redirectUris) expect(redirectUriProblem(one, { allowHttp: false })).toBeUndefined()
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        expect(codes).toContain(error.code)
      }
    }),
    runs(3000),
  )
  expect(taken).toBeGreaterThan(100)
})

it('says the response types that go with the grants, and no other', () => {
  expect(responseTypesOf(rules, ['authorization_code', 'refresh_token'])).toEqual(['code'])
  expect(responseTypesOf(rules, ['client_credentials'])).toEqual([])
})
