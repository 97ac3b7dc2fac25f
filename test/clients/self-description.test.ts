// What a client may say of itself (RFC 7591 §2): whatever is sent, it is refused in the RFC's words, or no more than permitted.
import fc from 'fast-check'
import { OAuthError } from '../../src'
import { parseSelfDescription, responseTypesOf } from '../../src/clients/self-description'
import { redirectUriProblem } from '../../src/rules/redirect-uri'
import { nastyText, runs } from '../support/fuzz'

const rules = {
  responseTypes: new Map([
    ['code', { grantType: 'authorization_code' }],
    ['token', { grantType: 'implicit' }],
  ]),
  clientAuthentication: [{ methods: ['client_secret_basic', 'client_secret_post'] as const }],
  allowHttpRedirectUris: false,
  privateUseSchemes: 'any' as const,
  pkce: 'all-clients' as const,
  scopes: new Map(['read', 'write', 'admin'].map((scope) => [scope, ''])),
  grants: new Map(['authorization_code', 'refresh_token', 'implicit', 'password'].map((grant) => [grant, {}])),
  resources: [],
  accessTokens: { ttl: 3600 },
  refreshTokens: undefined,
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
        for (const one of described.redirectUris)
          expect(redirectUriProblem(one, { allowHttp: false, needsDot: () => undefined })).toBeUndefined()
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

const { redirectUris, grantTypes } = { redirectUris: ['https://app.example/cb'], grantTypes: ['authorization_code'] }
const parse = (sent: object, of = rules) =>
  parseSelfDescription({ redirect_uris: redirectUris, ...sent }, permitted, of)

describe('is taken:', () => {
  const url = 'https://app.example/'
  it.each<[string, object, object]>([
    ['nothing but where answers go', {}, {}],
    ['a name, without the space around it', { client_name: ' Notes ' }, { name: 'Notes' }],
    ['a name of 60 characters', { client_name: 'n'.repeat(60) }, { name: 'n'.repeat(60) }],
    ['a name of accents', { client_name: 'e\u0301e\u0301 क्षि' }, { name: 'e\u0301e\u0301 क्षि' }],
    ['a name with a joiner', { client_name: 'می\u200cخواهم' }, { name: 'می\u200cخواهم' }],
    ['a method', { token_endpoint_auth_method: 'none' }, { tokenEndpointAuthMethods: ['none'] }],
    ['scopes', { scope: 'write  read write' }, { scopes: ['write', 'read'] }],
    ['no scope', { scope: ' ' }, { scopes: [] }],
    ['a URI of 2048 characters', { tos_uri: url + 'a'.repeat(2048 - url.length) }, {}],
    ['a URI that is absent', { tos_uri: null, logo_uri: '' }, {}],
    ['a URI in a language', { 'tos_uri#de': 'https://app.example/de' }, {}],
    ['what only ends like one', { 'x-policy_uri': 'javascript:1', 'uri#x_uri': 'javascript:1' }, {}],
    ['a page on loopback, as in development', { client_uri: 'http://localhost:5173' }, {}],
    ['the same in a language', { 'logo_uri#de': 'https://app.localhost/a.png', tos_uri: 'http://[::1]:1/' }, {}],
    ['20 redirect URIs', { redirect_uris: Array.from({ length: 20 }, (_, i) => url + i) }, expect.anything()],
  ])('%s', (_, sent, more) => {
    const described = parse(sent)
    if ('redirect_uris' in sent) expect(described.redirectUris).toEqual(sent.redirect_uris)
    // strictly: a member that is undefined would take the place of a default
    else expect(described).toStrictEqual({ redirectUris, grantTypes, ...more })
  })

  it('http as a redirect URI, where the server allows it', () => {
    const sent = { redirect_uris: ['http://app.example/cb'] }
    expect(parse(sent, { ...rules, allowHttpRedirectUris: true }).redirectUris).toEqual(sent.redirect_uris)
    expect(() => parse(sent)).toThrow('redirect_uris[0], http://app.example/cb, must use https')
  })
})

describe('is left out like whatever is not taken:', () => {
  it.each([
    ['a name of 61 characters', 'n'.repeat(61)],
    ['a name of space and signs', ' \u2028!'],
    ['a name with what cannot be seen', 'a\u200bb'],
    ['a name with a tower of accents', `a${'\u0301'.repeat(5)}`],
    ['the same with a joiner in it', `a${'\u0301'.repeat(3)}\u200d${'\u0301'.repeat(2)}`],
    ['a name with a line break', 'a\nb'],
  ])('%s', (_, client_name) => {
    expect(parse({ client_name })).toStrictEqual({ redirectUris, grantTypes })
  })
})

describe('is refused by name:', () => {
  const asPublic = 'must be an https URL of a public host.'
  it.each<[object, string]>([
    [{ client_name: 7 }, expect.stringMatching(/^client_name must be a string of/)],
    [{ scope: ['read'] }, 'scope must be a string.'],
    [{ scope: 'admin' }, 'scope must include at least one of those allowed here: read write.'],
    [{ grant_types: 'x' }, 'grant_types must be a list of strings.'],
    [{ grant_types: [] }, expect.stringMatching(/^grant_types must include at least one of those/)],
    [{ response_types: 'code' }, 'response_types must be a list of strings.'],
    [{ redirect_uris: {} }, 'redirect_uris must be a list of strings.'],
    [{ redirect_uris: [] }, 'redirect_uris must not be empty for these grant_types.'],
    [
      { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.example/${i}`) },
      'redirect_uris must have at most 20 entries.',
    ],
    [{ redirect_uris: ['/cb'] }, expect.stringMatching(/^redirect_uris\[0\], \/cb, must/)],
    [
      { redirect_uris: ['https://app.example/cb', 'ws://app.example/cb', 'https://app.example/c d'] },
      'redirect_uris[1], ws://app.example/cb, must not use the scheme ws, which belongs to browsers or other programs.',
    ],
    [{ redirect_uris: ['https://app.example/cb', ''] }, 'redirect_uris[1] must be a non-empty string.'],
    [{ token_endpoint_auth_method: 7 }, 'token_endpoint_auth_method must be a string.'],
    [
      { token_endpoint_auth_method: 'private_key_jwt' },
      'token_endpoint_auth_method must be none, client_secret_basic, client_secret_post; private_key_jwt is not.',
    ],
    [{ logo_uri: ['https://app.example/a'] }, `logo_uri ${asPublic}`],
    [{ logo_uri: `https://app.example/${'a'.repeat(2029)}` }, `logo_uri ${asPublic}`],
    [{ logo_uri: 'https://user@app.example/a' }, `logo_uri ${asPublic}`],
    [{ logo_uri: 'https://:word@app.example/a' }, `logo_uri ${asPublic}`],
    [{ logo_uri: 'javascript:https://app.example/a' }, `logo_uri ${asPublic}`],
    [{ logo_uri: 'javascript://app.example/%0Aalert(1)//https://app.example/a' }, `logo_uri ${asPublic}`],
    [{ 'policy_uri#de': 'http://app.example/' }, `policy_uri ${asPublic}`],
    [{ client_uri: 'ftp://localhost/' }, `client_uri ${asPublic}`],
    [{ client_uri: 'http://user@localhost/' }, `client_uri ${asPublic}`],
    [{ client_uri: 'http://localhost.evil.example/' }, `client_uri ${asPublic}`],
    [{ jwks_uri: 'http://localhost:5173/' }, `jwks_uri ${asPublic}`],
    [{ sector_identifier_uri: 'https://localhost/' }, `sector_identifier_uri ${asPublic}`],
  ])('%j', (sent, description) => {
    expect(() => parse(sent)).toThrow(expect.objectContaining({ message: description }))
  })

  it.each([7, ['a.b.c'], 'a', 'a.b', 'a.b.c.d', ' a.b.c', 'a.b.c ', 'a.b.c!', 'a.b.!'])(
    '%j as a software statement',
    (statement) => {
      expect(() => parse({ software_statement: statement })).toThrow(
        expect.objectContaining({ code: 'invalid_software_statement' }),
      )
    },
  )
})
