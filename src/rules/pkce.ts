/** Proof Key for Code Exchange: RFC 7636, with S256 as the only method (RFC 9700 §2.1.1). */
import { equalDigests, sha256 } from '../crypto'
import { OAuthError } from '../errors'
import type { RequestParameters } from './params'

/**
 * Which clients must use PKCE. `all-clients`: as RFC 9700 and OAuth 2.1 require. `public-clients`: confidential clients
 * rely on their secret alone. `optional`: for APIs documented before PKCE; anyone can redeem a stolen code of a public
 * client.
 */
export type PkcePolicy = 'all-clients' | 'public-clients' | 'optional'

// RFC 7636 §4.2: BASE64URL(SHA-256) is 43 characters
const s256Challenge = /^[A-Za-z0-9_-]{43}$/
// RFC 7636 §4.1: code-verifier = 43*128unreserved
const codeVerifier = /^[A-Za-z0-9._~-]{43,128}$/

export function isCodeChallenge(text: string): boolean {
  return s256Challenge.test(text)
}

/** Returns the `code_challenge` of an authorization request. Undefined if none was sent and none is required. */
export function requireCodeChallenge(parameters: RequestParameters, required: boolean): string | undefined {
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method')
  if (challenge === undefined) {
    if (required) throw new OAuthError('invalid_request', 'The parameter code_challenge is missing (PKCE is required).')
    if (method !== undefined) throw new OAuthError('invalid_request', 'code_challenge_method requires code_challenge.')
    return undefined
  }
  // RFC 7636 §4.3: an omitted method means plain, which reveals the verifier to anyone who reads the authorization
  // request
  if (method !== 'S256') throw new OAuthError('invalid_request', 'code_challenge_method must be S256.')
  if (!isCodeChallenge(challenge)) throw new OAuthError('invalid_request', 'code_challenge is not an S256 challenge.')
  return challenge
}

/** RFC 7636 §4.1: refuses a malformed verifier. */
export function requireCodeVerifier(verifier: string | undefined): void {
  if (verifier === undefined || codeVerifier.test(verifier)) return
  throw new OAuthError('invalid_grant', 'code_verifier must be 43 to 128 unreserved characters.')
}

/** RFC 7636 §4.6. A wrong verifier uses nothing up: the caller may not be the client that the code is for. */
export function verifyCodeVerifier(challenge: string | undefined, verifier: string | undefined): void {
  requireCodeVerifier(verifier)
  // RFC 9700 §2.1.1: a verifier without a challenge indicates a downgrade: someone removed the challenge
  if (challenge === undefined && verifier !== undefined) {
    throw new OAuthError('invalid_grant', 'code_verifier was sent for a code without code_challenge.')
  }
  if (challenge === undefined) return
  if (verifier === undefined) throw new OAuthError('invalid_grant', 'The parameter code_verifier is missing.')
  if (!equalDigests(challenge, sha256(verifier))) throw new OAuthError('invalid_grant', 'code_verifier is wrong.')
}
