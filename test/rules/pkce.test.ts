import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { pkceRequired } from '../../src/clients/client'
import { isCodeChallenge, type PkcePolicy, requireCodeChallenge, verifyCodeVerifier } from '../../src/rules/pkce'
import type { Client } from '../../src/storage'
import { nastyText, runs } from '../support/fuzz'
import { pkce } from '../support/host'

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')
const unreserved = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~']
const verifiers = fc.string({ unit: fc.constantFrom(...unreserved), minLength: 43, maxLength: 128 })

function client(methods: Client['tokenEndpointAuthMethods'], requirePkce?: unknown): Client {
  return {
    clientId: 'app',
    version: 1,
    secrets: [],
    redirectUris: [],
    tokenEndpointAuthMethods: methods,
    createdAt: 0,
    updatedAt: 0,
    ...(requirePkce !== undefined && { requirePkce: requirePkce as boolean }),
  }
}

describe('who must use PKCE', () => {
  const confidential = client(['client_secret_basic'])
  const open = client(['none'])
  const half = client(['none', 'client_secret_post'])
  it.each<[PkcePolicy, boolean, boolean, boolean]>([
    ['all-clients', true, true, true],
    ['public-clients', false, true, true],
    ['optional', false, false, false],
  ])('%s: confidential %s, public %s, sometimes without a secret %s', (policy, ofConfidential, ofOpen, ofHalf) => {
    expect([confidential, open, half].map((which) => pkceRequired(policy, which))).toEqual([
      ofConfidential,
      ofOpen,
      ofHalf,
    ])
  })

  it('is what the client record says, where it says so', () => {
    expect(pkceRequired('all-clients', client(['none'], false))).toBe(false)
    expect(pkceRequired('optional', client(['client_secret_basic'], true))).toBe(true)
  })

  it.each([null, undefined, 0, 1, '', 'false'])(
    'is the policy where an adapter answers %j for a flag that was not set',
    (flag) => {
      expect(pkceRequired('all-clients', client(['none'], flag))).toBe(true)
    },
  )
})

describe('code_challenge', () => {
  const parameters = (code_challenge?: string, code_challenge_method?: string) =>
    new Map(
      Object.entries({ code_challenge, code_challenge_method }).filter(
        (pair): pair is [string, string] => pair[1] !== undefined,
      ),
    )
  const invalid = expect.objectContaining({ code: 'invalid_request' })

  it('is taken with S256', () => {
    expect(requireCodeChallenge(parameters(pkce.challenge, 'S256'), true)).toBe(pkce.challenge)
    expect(requireCodeChallenge(parameters(pkce.challenge, 'S256'), false)).toBe(pkce.challenge)
  })

  it('may be left out only where it is not required', () => {
    expect(requireCodeChallenge(parameters(), false)).toBeUndefined()
    expect(() => requireCodeChallenge(parameters(), true)).toThrow(invalid)
  })

  it.each<[string, string | undefined, string | undefined]>([
    ['plain', pkce.challenge, 'plain'],
    ['no method, which means plain (RFC 7636 §4.3)', pkce.challenge, undefined],
    ['a method in lower case', pkce.challenge, 's256'],
    ['a method that is a prefix', pkce.challenge, 'S256 '],
    ['an unknown method', pkce.challenge, 'S512'],
    ['a method and no challenge', undefined, 'S256'],
    ['a challenge that is too short', pkce.challenge.slice(1), 'S256'],
    ['a challenge that is too long', `${pkce.challenge}A`, 'S256'],
    ['a challenge in base64 with padding', `${pkce.challenge.slice(1)}=`, 'S256'],
    ['a challenge in base64 with a plus', `${pkce.challenge.slice(1)}+`, 'S256'],
    ['a challenge with a newline behind it', `${pkce.challenge}\n`, 'S256'],
  ])('is refused: %s', (_, challenge, method) => {
    for (const required of [true, false]) {
      expect(() => requireCodeChallenge(parameters(challenge, method), required)).toThrow(invalid)
    }
  })

  it('has exactly the form of BASE64URL(SHA-256)', () => {
    fc.assert(
      fc.property(verifiers, (verifier) => expect(isCodeChallenge(challengeOf(verifier))).toBe(true)),
      runs(100),
    )
    fc.assert(
      fc.property(nastyText, (text) => expect(isCodeChallenge(text)).toBe(/^[\w-]{43}$/.test(text))),
      runs(200),
    )
  })
})

describe('code_verifier', () => {
  const invalid = expect.objectContaining({ code: 'invalid_grant' })

  it('opens its own challenge, as in RFC 7636 Appendix B', () => {
    expect(() => verifyCodeVerifier(pkce.challenge, pkce.verifier)).not.toThrow()
    fc.assert(
      fc.property(verifiers, (verifier) =>
        expect(() => verifyCodeVerifier(challengeOf(verifier), verifier)).not.toThrow(),
      ),
      runs(100),
    )
  })

  it('opens no other challenge, however little it differs', () => {
    fc.assert(
      fc.property(verifiers, fc.nat(), fc.constantFrom(...unreserved), (verifier, at, letter) => {
        const place = at % verifier.length
        const other = verifier.slice(0, place) + letter + verifier.slice(place + 1)
        fc.pre(other !== verifier)
        expect(() => verifyCodeVerifier(challengeOf(verifier), other)).toThrow(invalid)
      }),
      runs(200),
    )
  })

  it.each<[string, string | undefined, string | undefined]>([
    ['missing', pkce.challenge, undefined],
    ['the challenge itself, as with plain', pkce.challenge, pkce.challenge],
    ['sent for a code without a challenge: a downgrade (RFC 9700 §2.1.1)', undefined, pkce.verifier],
    ['one character too short, though its hash is right', challengeOf('a'.repeat(42)), 'a'.repeat(42)],
    ['one character too long, though its hash is right', challengeOf('a'.repeat(129)), 'a'.repeat(129)],
    ['outside of the alphabet, though its hash is right', challengeOf(`${'a'.repeat(43)}+`), `${'a'.repeat(43)}+`],
    ['with a newline, though its hash is right', challengeOf(`${'a'.repeat(43)}\n`), `${'a'.repeat(43)}\n`],
    ['malformed, for a code without a challenge', undefined, 'short'],
  ])('is refused: %s', (_, challenge, verifier) => {
    expect(() => verifyCodeVerifier(challenge, verifier)).toThrow(invalid)
  })

  it('is not needed where there was no challenge', () => {
    expect(() => verifyCodeVerifier(undefined, undefined)).not.toThrow()
  })

  it('of any text is right or invalid_grant', () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        expect(() => verifyCodeVerifier(pkce.challenge, text)).toThrow(invalid)
        expect(() => verifyCodeVerifier(undefined, text)).toThrow(invalid)
      }),
      runs(300),
    )
  })
})
