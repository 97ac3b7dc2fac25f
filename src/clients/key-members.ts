/** The client metadata members for keys, and the requirements for a record with keys (RFC 7591 §2). */
import { isPublicUrl } from '../fetch/public-address'
import {
  isPrivateJwk,
  MAX_JWK_MEMBER,
  publicJwk,
  type VerificationAlgorithm,
  verificationAlgorithms,
} from '../jwt/keys'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'
import { fitting, MAX_KEYS } from './keys'
import { invalid } from './member-checks'

const ALGORITHMS = verificationAlgorithms.join(', ')

/** A record with the method needs keys, and must not have a weaker method, too. */
export function verifyKeys(method: string, record: ClientMetadata): void {
  const { tokenEndpointAuthMethods = [], jwks, jwksUri, tokenEndpointAuthSigningAlg: fixed } = record
  if (tokenEndpointAuthMethods.some((other) => other !== method))
    throw invalid(`a client with ${method} cannot have another method beside it`)
  if (!jwks && !jwksUri) throw invalid(`a client with ${method} needs keys: jwks or jwks_uri`)
  if (jwksUri || !Array.isArray(jwks?.keys)) return
  const wanted = fixed === undefined ? verificationAlgorithms : ([fixed] as VerificationAlgorithm[])
  if (wanted.some((alg) => fitting(jwks.keys, { alg }, 1).length > 0)) return
  throw invalid(`jwks must have a public key for ${fixed ?? `one of ${ALGORITHMS}`}`)
}

const text = { words: 'a string', is: (value: unknown) => typeof value === 'string' }

/** The members for keys (RFC 7591 §2). The values that add them share the same objects. */
export function membersOfKeys(withLoopback: boolean): readonly ClientMember[] {
  return withLoopback ? withLoopbackUris : withPublicUris
}

function keyRows(withLoopback: boolean): readonly ClientMember[] {
  return [
    {
      name: 'jwks',
      wire: 'jwks',
      type: { words: 'a JWK Set, { keys: [...] }', is: isJwks },
      check: publicSet,
      setBy: 'self',
    },
    {
      name: 'jwksUri',
      wire: 'jwks_uri',
      type: text,
      setBy: 'self',
      check(member, value) {
        if (value === '') return undefined
        if (isPublicUrl(value as string, withLoopback)) return value
        throw invalid(`${member} must be an https URL of a public host`)
      },
    },
  ]
}

const [withPublicUris, withLoopbackUris] = [keyRows(false), keyRows(true)]

/** The member that `private_key_jwt` adds. */
export const signingAlgMember: ClientMember = {
  name: 'tokenEndpointAuthSigningAlg',
  wire: 'token_endpoint_auth_signing_alg',
  type: text,
  setBy: 'self',
  check(member, value, { tokenEndpointAuthMethods: methods = [] }) {
    if ((verificationAlgorithms as readonly unknown[]).includes(value)) return value
    // a signing algorithm of a client that does not sign: other servers ignore it, so it is not refused
    if (value === '' || !methods.includes('private_key_jwt')) return undefined
    throw invalid(`${member} must be one of ${ALGORITHMS}`)
  },
}

function isJwks(value: unknown): value is { keys: object[] } {
  const { keys } = (value ?? {}) as { keys?: unknown }
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)
}

/** RFC 7591 §2: public keys, without `jwks_uri`. An empty set removes the member, so that a URL can replace it. */
function publicSet(member: string, value: unknown, { jwksUri }: ClientMetadata): { keys: object[] } | undefined {
  const { keys } = value as { keys: Record<string, unknown>[] }
  if (keys.length === 0) return undefined
  if (jwksUri) throw invalid('jwks and jwks_uri exclude each other')
  if (keys.length > MAX_KEYS) throw invalid(`${member} must have at most ${MAX_KEYS} keys`)
  if (keys.some((key) => isPrivateJwk(key) || key.kty === 'oct')) throw invalid(`${member} must have public keys only`)
  const kept = keys.map((key) => {
    const found = publicJwk(key)
    if (found) return found
    throw invalid(`${member} must have keys with a kty and members of at most ${MAX_JWK_MEMBER} printable characters`)
  })
  return { keys: kept }
}
