/** Foreign issuers whose JWTs the host trusts, and their keys: from a JWKS (RFC 7517), or given by the host. */
import type { JsonWebKey } from '../crypto'
import { OAuthError } from '../errors'
import { requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { isSafeUrl } from '../rules/issuer'
import type { AuthorizationServer } from '../types/authorization-server'
import { isPrivateJwk, publishedKey, verificationAlgorithmsOf } from './keys'
import { remoteKeys } from './remote-keys'
import { type FindKey, isSignedWith, type UnverifiedJwt } from './verify'

/** A trusted issuer: its identifier, and its keys or their URL. */
export interface TrustedIssuer {
  /** Its `iss`, compared byte for byte. */
  issuer: string
  /** The URL of its keys (RFC 7517): https, or http on loopback. */
  jwksUri?: string
  /** Its public keys, as JWKs that each have a `kid`. Required without `jwksUri`. */
  keys?: readonly JsonWebKey[]
  /**
   * The kind of its assertions: `'id-jag'` for identity assertions of an enterprise's identity provider
   * (draft-ietf-oauth-identity-assertion-authz-grant). If omitted: a plain JWT (RFC 7523 §3).
   */
  profile?: 'id-jag'
}

/** A checked issuer. */
export interface KnownIssuer {
  readonly profile: TrustedIssuer['profile']
  /** Whether one of its keys signed this JWT. */
  readonly hasSigned: (server: AuthorizationServer, token: string, read: UnverifiedJwt<unknown>) => Promise<boolean>
}

const names: readonly string[] = ['issuer', 'jwksUri', 'keys', 'profile'] satisfies (keyof TrustedIssuer)[]

/** The issuers by identifier. Throws a TypeError that names the option of `owner` and the fix. */
export function trustedIssuers(owner: string, issuers: readonly TrustedIssuer[]): ReadonlyMap<string, KnownIssuer> {
  const fix = `${owner}({ issuers }) must be a list such as [{ issuer: 'https://idp.example.com', jwksUri: 'https://…' }]`
  if (!Array.isArray(issuers) || issuers.length === 0) throw misuse('wrong_list', fix)
  const known = new Map<string, KnownIssuer>()
  for (const one of issuers as TrustedIssuer[]) {
    requireKnown(`${owner} issuer member`, one ?? null, names)
    const { issuer, jwksUri, keys, profile } = one
    if (typeof issuer !== 'string' || issuer === '') throw misuse('wrong_list', fix)
    const place = `${owner}({ issuers }): ${issuer}`
    if (known.has(issuer)) throw misuse('duplicate_name', `${place} is there twice: name each issuer once`)
    if (profile !== undefined && profile !== 'id-jag')
      throw misuse('wrong_choice', `${place} has a profile other than 'id-jag'`)
    if ((jwksUri === undefined) === (keys === undefined)) {
      throw misuse('conflicting_options', `${place} needs its jwksUri or its keys: one of the two`)
    }
    const finder = jwksUri === undefined ? givenKeys(place, keys) : remote(place, jwksUri)
    known.set(issuer, Object.freeze({ profile, hasSigned: signedBy(finder) }))
  }
  return known
}

type Finder = (server: AuthorizationServer) => FindKey

function signedBy(finder: Finder): KnownIssuer['hasSigned'] {
  return async (server, token, { header }) => {
    // RFC 7515 §4.1.4: selects one of several keys
    if (header.kid === undefined) return false
    const key = await findKey(finder(server), header.kid)
    // RFC 8725 §3.1: the key determines its algorithms, never the token
    return key !== undefined && isSignedWith(token, header, key)
  }
}

async function findKey(find: FindKey, kid: string) {
  try {
    return await find(kid)
  } catch (cause) {
    // the assertion can be neither accepted nor refused
    throw new OAuthError('temporarily_unavailable', 'The keys of the issuer could not be fetched.', { cause })
  }
}

function givenKeys(place: string, keys: unknown): Finder {
  if (!Array.isArray(keys) || keys.length === 0)
    throw misuse('wrong_key', `${place}: keys must be a list of public JWKs`)
  const found = new Map(
    (keys as JsonWebKey[]).map((jwk) => {
      const isPublic = typeof jwk === 'object' && jwk !== null && !isPrivateJwk(jwk)
      const key = isPublic && typeof jwk.kid === 'string' ? publishedKey(jwk, verificationAlgorithmsOf) : undefined
      if (key) return [jwk.kid as string, key] as const
      throw misuse('wrong_key', `${place}: each of its keys must be a public JWK for signatures, EC or RSA, with a kid`)
    }),
  )
  return () => (kid) => found.get(kid)
}

/** One for each server, because it uses the server's clock. */
function remote(place: string, jwksUri: unknown): Finder {
  if (!isSafeUrl(jwksUri)) throw misuse('wrong_url', `${place}: jwksUri must be an https URL, or http on loopback`)
  const finders = new WeakMap<AuthorizationServer['emit'], FindKey>()
  return ({ now, emit }) => {
    const known = finders.get(emit)
    if (known) return known
    const failed = (cause: unknown) => {
      const error = new OAuthError('server_error', 'The keys of the issuer could not be renewed.', { cause })
      emit({ type: 'error', error })
    }
    const made = remoteKeys(async () => ({ jwks_uri: jwksUri }), now, failed)
    finders.set(emit, made)
    return made
  }
}
