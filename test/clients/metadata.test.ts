import fc from 'fast-check'
import { type ClientMetadata, OAuthError } from '../../src'
import { clientMembers, isClientMetadata } from '../../src/clients/members'
import { parseClientMetadata, readMembers, verifyClientId, writeMembers } from '../../src/clients/metadata'
import type { CertificateClientMembers } from '../../src/storage/certificate-client'
import type { OpenIdClientMembers } from '../../src/storage/openid-client'
import type {
  ClientDetailsMetadata,
  ClientKeyMetadata,
  ClientProofMetadata,
  ClientRequestMetadata,
} from '../../src/types/client-metadata'
import { nastyText, runs } from '../support/fuzz'

const rules = {
  scopes: new Map([
    ['read', 'See'],
    ['write', 'Change'],
  ]),
  grants: new Map<string, object>([
    ['authorization_code', {}],
    ['refresh_token', {}],
    ['client_credentials', {}],
  ]),
  allowHttpRedirectUris: false,
  privateUseSchemes: 'any' as const,
  pkce: 'all-clients' as const,
  accessTokens: { ttl: 3600 },
  refreshTokens: { ttl: 86_400, maxAge: 864_000, rotate: true, replayWindow: 60 },
  resources: ['https://api.example'],
  clientAuthentication: [{ methods: ['client_secret_basic', 'client_secret_post'] as const }],
}
const parse = (metadata: object) => parseClientMetadata(metadata as ClientMetadata, rules)
const both = ['client_secret_basic', 'client_secret_post']

function problemOf(metadata: object): unknown {
  try {
    parse(metadata)
  } catch (error) {
    expect(error).toBeInstanceOf(OAuthError)
    return (error as OAuthError).code
  }
  return undefined
}

describe('client metadata (RFC 7591 §2)', () => {
  it('left out is the narrowest that works: no scope, no redirect URI, a secret in either place', () => {
    expect(parse({})).toEqual({ redirectUris: [], tokenEndpointAuthMethods: both })
  })

  it('is taken whole, each value of a list once', () => {
    const metadata = {
      name: 'App',
      description: 'Does things.\nAnd others: ümläuts, 😀',
      username: 'alice',
      redirectUris: ['https://app.example/cb', 'https://app.example/cb', 'http://127.0.0.1/cb'],
      grantTypes: ['authorization_code', 'refresh_token', 'refresh_token'],
      scopes: ['read', 'write', 'read'],
      defaultScopes: ['read'],
      tokenEndpointAuthMethods: ['none', 'client_secret_post'],
      requirePkce: false,
      resourceServer: true,
    }
    expect(parse(metadata)).toEqual({
      ...metadata,
      redirectUris: ['https://app.example/cb', 'http://127.0.0.1/cb'],
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: ['read', 'write'],
    })
  })

  it('takes the resources of a resource server as the server spells them, each once', () => {
    const { resourceServer } = parse({ resourceServer: ['https://api.example/', 'https://api.example'] })
    expect(resourceServer).toEqual(['https://api.example'])
  })

  it('names what is wrong with it, and what would be right', () => {
    expect(() => parse({ resourceServer: ['https://a.example'] })).toThrow(
      'resourceServer must be resources of the server; https://a.example is not.',
    )
  })

  it.each<[string, object, string]>([
    ['redirectUris', { redirectUris: 'x' }, 'must be a list of strings'],
    ['scopes', { scopes: 'x' }, 'must be a list of strings'],
    ['scopes', { scopes: ['x'] }, 'must be scopes that the server has; x is not'],
    ['defaultScopes', { defaultScopes: 'x' }, 'must be a list of strings'],
    ['defaultScopes', { defaultScopes: ['x'] }, 'must be a subset of scopes; x is not'],
    ['grantTypes', { grantTypes: 'x' }, 'must be a list of strings'],
    ['grantTypes', { grantTypes: ['x'] }, 'must be grants that the server has; x is not'],
    ['tokenEndpointAuthMethods', { tokenEndpointAuthMethods: 'x' }, 'must be a list of strings'],
    ['tokenEndpointAuthMethods', { tokenEndpointAuthMethods: ['x'] }, `must be none, ${both.join(', ')}; x is not`],
    ['name', { name: 1 }, 'must be a string of 1 to 2000 characters'],
    ['description', { description: 1 }, 'must be a string of 1 to 2000 characters'],
    ['username', { username: 1 }, 'must be a string of 1 to 2000 characters'],
    ['requirePkce', { requirePkce: 1 }, 'must be true or false'],
    ['resourceServer', { resourceServer: 1 }, 'must be true or false'],
  ])('names %s, where it is %j', (member, metadata, problem) => {
    expect(() => parse(metadata)).toThrow(`${member} ${problem}`)
  })

  it('has no member but those that it knows (no way into a record for secrets, versions or prototypes)', () => {
    const unknown = {
      secrets: [{ digest: 'x' }],
      version: 7,
      clientId: 'other',
      createdAt: 0,
      admin: true,
      constructor: 1,
    }
    const parsed = parse({ ...unknown, ...JSON.parse('{"__proto__":{"resourceServer":true}}') })
    expect(parsed).toEqual({ redirectUris: [], tokenEndpointAuthMethods: both })
    expect(parsed.resourceServer).toBeUndefined()
  })

  it.each<[string, object, string]>([
    ['a scope that the server does not have', { scopes: ['read', 'other'] }, 'invalid_client_metadata'],
    ['two scopes in one string', { scopes: ['read write'] }, 'invalid_client_metadata'],
    ['scopes as a string', { scopes: 'read' }, 'invalid_client_metadata'],
    ['a scope that is a name of Object.prototype', { scopes: ['toString'] }, 'invalid_client_metadata'],
    ['a default beyond the scopes', { scopes: ['read'], defaultScopes: ['write'] }, 'invalid_client_metadata'],
    ['a default without scopes', { defaultScopes: ['read'] }, 'invalid_client_metadata'],
    ['a grant that the server does not have', { grantTypes: ['password'] }, 'invalid_client_metadata'],
    ['a grant that is a name of Object.prototype', { grantTypes: ['constructor'] }, 'invalid_client_metadata'],
    ['an unknown method', { tokenEndpointAuthMethods: ['private_key_jwt'] }, 'invalid_client_metadata'],
    ['no method at all', { tokenEndpointAuthMethods: [] }, 'invalid_client_metadata'],
    ['methods with holes', { tokenEndpointAuthMethods: [undefined] }, 'invalid_client_metadata'],
    ['a flag as a string', { requirePkce: 'false' }, 'invalid_client_metadata'],
    ['a flag as null', { resourceServer: null }, 'invalid_client_metadata'],
    ['a resource server of no resource', { resourceServer: [] }, 'invalid_client_metadata'],
    ['a resource server of an unknown resource', { resourceServer: ['https://a.example'] }, 'invalid_client_metadata'],
    ['a resource server of something else', { resourceServer: [true] }, 'invalid_client_metadata'],
    ['a flag as a number', { requirePkce: 0 }, 'invalid_client_metadata'],
    ['an empty name', { name: '' }, 'invalid_client_metadata'],
    ['a name with NUL', { name: 'A\0' }, 'invalid_client_metadata'],
    ['a name with an escape', { name: 'A\x1b[2J' }, 'invalid_client_metadata'],
    ['a name with half a surrogate pair', { name: 'A\ud800' }, 'invalid_client_metadata'],
    [
      'a name that turns the text around it (right-to-left override)',
      { name: 'moc.elpmaxe\u202E' },
      'invalid_client_metadata',
    ],
    ['a name with an isolate', { name: '\u2066App' }, 'invalid_client_metadata'],
    ['a name that is too long', { name: 'a'.repeat(2001) }, 'invalid_client_metadata'],
    ['a name that is no string', { name: 1 }, 'invalid_client_metadata'],
    ['a user that is no string', { username: { $ne: '' } }, 'invalid_client_metadata'],
    ['a redirect URI that runs a script', { redirectUris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [
      'one bad redirect URI of two',
      { redirectUris: ['https://app.example/', 'http://app.example/'] },
      'invalid_redirect_uri',
    ],
    ['redirect URIs as a string', { redirectUris: 'https://app.example/' }, 'invalid_redirect_uri'],
    ['redirect URIs as an object', { redirectUris: { 0: 'https://app.example/', length: 1 } }, 'invalid_redirect_uri'],
    [
      'a public client with client_credentials (RFC 6749 §4.4)',
      { tokenEndpointAuthMethods: ['none'], grantTypes: ['client_credentials'] },
      'invalid_client_metadata',
    ],
    [
      'a public client that introspects (RFC 7662 §2.1)',
      { tokenEndpointAuthMethods: ['none'], resourceServer: true },
      'invalid_client_metadata',
    ],
  ])('is refused for %s', (_, metadata, code) => {
    expect(problemOf(metadata)).toBe(code)
  })

  it('of any shape is a record or a refusal, and the record says nothing that the server does not have', () => {
    const value = fc.oneof(
      fc.anything(),
      fc.array(
        fc.oneof(fc.constantFrom('read', 'write', 'authorization_code', 'none', 'https://a.example/'), nastyText),
      ),
      nastyText,
    )
    const names = [
      'name',
      'username',
      'redirectUris',
      'grantTypes',
      'scopes',
      'defaultScopes',
      'tokenEndpointAuthMethods',
      'requirePkce',
    ]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (metadata) => {
        if (problemOf(metadata) !== undefined) return
        const record = parse(metadata)
        expect((record.scopes ?? []).every((scope) => rules.scopes.has(scope))).toBe(true)
        expect((record.grantTypes ?? []).every((grant) => rules.grants.has(grant))).toBe(true)
        expect((record.defaultScopes ?? []).every((scope) => record.scopes?.includes(scope))).toBe(true)
        expect(record.tokenEndpointAuthMethods.length).toBeGreaterThan(0)
        expect(record.redirectUris.every((uri) => URL.canParse(uri))).toBe(true)
      }),
      runs(1000),
    )
  })

  it('says what is wrong in the characters of RFC 6749 §5.2, whatever was sent', () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        for (const metadata of [{ scopes: [text] }, { grantTypes: [text] }, { redirectUris: [text] }]) {
          try {
            parse(metadata)
          } catch (error) {
            expect((error as OAuthError).description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,300}$/)
          }
        }
      }),
      runs(200),
    )
  })
})

describe('a client id (RFC 6749 Appendix A.1)', () => {
  it.each(['a', 'my app', 'a:b', 'https://app.example/', '~', '__proto__', 'a'.repeat(255)])(
    '%j is one',
    (clientId) => {
      expect(() => verifyClientId(clientId)).not.toThrow()
    },
  )

  it.each([...['', 'é', 'a\n', 'a\0', '\x7f', 'a'.repeat(256)], undefined, null, 7, ['a']])(
    '%j is none',
    (clientId) => {
      expect(() => verifyClientId(clientId)).toThrow(expect.objectContaining({ code: 'invalid_client_metadata' }))
    },
  )
})

describe('the table of members', () => {
  /** Those that a capability brings along have tests of their own. */
  const record: Required<
    Omit<
      ClientMetadata,
      | keyof (ClientKeyMetadata & ClientProofMetadata & CertificateClientMembers & ClientDetailsMetadata)
      | keyof (ClientRequestMetadata & OpenIdClientMembers)
    >
  > = {
    name: 'App',
    description: 'Does things.',
    username: 'alice',
    redirectUris: ['https://app.example/cb'],
    grantTypes: ['refresh_token'],
    scopes: ['read', 'write'],
    defaultScopes: ['read'],
    resources: ['https://api.example'],
    tokenEndpointAuthMethods: ['client_secret_post'],
    requirePkce: true,
    accessTokenTtl: 600,
    refreshToken: { ttl: 3600, maxAge: 7200, rotate: true, replayWindow: 0 },
    corsOrigins: ['https://app.example'],
    disabled: true,
    resourceServer: ['https://api.example'],
    introspectionSignedResponseAlg: 'ES256',
  }

  it('has every member, and each goes to JSON and comes back the same', () => {
    expect(Object.keys(clientMembers).sort()).toEqual(Object.keys(record).sort())
    expect(readMembers(JSON.parse(JSON.stringify(writeMembers(record, 'owner', {}))), 'owner', {})).toEqual(record)
    expect(writeMembers(record, 'owner', {})).toMatchObject({
      scope: 'read write',
      default_scope: 'read',
      token_endpoint_auth_method: 'client_secret_post',
      access_token_ttl: 600,
      refresh_token_limits: { ttl: 3600, max_age: 7200, rotate: true, replay_window: 0 },
    })
    expect(new Set(Object.values(clientMembers).map(({ wire }) => wire)).size).toBe(Object.keys(record).length)
  })

  it('shows and reads for a client itself only what it may set', () => {
    const own = Object.values(clientMembers).filter(({ setBy }) => setBy === 'self')
    expect(Object.keys(writeMembers(record, 'self', {})).sort()).toEqual(own.map(({ wire }) => wire).sort())
    const {
      disabled,
      resourceServer,
      requirePkce,
      accessTokenTtl,
      refreshToken,
      corsOrigins,
      username,
      description,
      resources,
      introspectionSignedResponseAlg,
      ...rest
    } = record
    expect(readMembers(writeMembers(record, 'owner', {}), 'self', {})).toEqual(rest)
  })

  it.each(Object.keys(record))('knows a record from storage whose %s is of another type, or null', (name) => {
    expect(isClientMetadata(record, {})).toBe(true)
    for (const value of [null, 0, {}, [7]]) expect(isClientMetadata({ ...record, [name]: value }, {})).toBe(false)
    const needed = ['redirectUris', 'tokenEndpointAuthMethods'].includes(name)
    expect(isClientMetadata({ ...record, [name]: undefined }, {})).toBe(!needed)
  })
})
