/** The id_token: created (OpenID Connect Core §2, §3.1.3.6, §12.2), and read again as a hint (§3.1.2.1). */
import { boundOf } from '../credentials/bound'
import { sha256 } from '../crypto'
import type { KeyRing, Signer } from '../jwt/key-ring'
import { signJwt } from '../jwt/sign'
import { isSignedWith, type JwtKind, readJwt } from '../jwt/verify'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { MadeResponse } from '../types/openid'
import type { TokenResponse } from '../types/token'
import { findUser } from '../users'
import { claimsOfClient, valuesOf } from './claims'
import type { Settings } from './settings'

/** Seconds. The id_token proves the sign-in; the client's own session decides how long it lasts. */
const LIFETIME = 3600

/** RFC 8725 §3.11: not the type of an access token (`at+jwt`). */
const TYPE = 'JWT'

/** The claims of an id_token. */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string
  readonly exp: number
  readonly iat: number
  readonly auth_time: number
  readonly sid?: string
}

/** The signer for this algorithm, or any if the client wants none. Throws if no key has the algorithm. */
export function signerOf({ signing, signers }: KeyRing, algorithm: string | undefined, clientId: string): Signer {
  const signer = algorithm === undefined ? signing : signers.get(algorithm)
  if (signer) return signer
  const fix = `add a key for ${algorithm} to openid({ keys: { current: […] } }), or change the record`
  throw misuse('wrong_record', `The record of the client ${clientId} wants signatures by ${algorithm}: ${fix}`)
}

/** Adds an id_token to a token response with the scope `openid`. */
export async function withIdToken(
  { ring, subjects, claims: known }: Settings,
  server: AuthorizationServer,
  { client, authorization, body, uses, issuedAt }: MadeResponse,
): Promise<TokenResponse> {
  const { authentication, userId, scope } = authorization
  if (!authentication || userId === undefined) return body
  if (!scope.includes('openid')) return body
  // Core §3.2.2.1: through the browser only with a nonce and the right response_type, which no grant here has
  if (!uses && issuedAt === undefined) return body
  const { acr, amr, claims, sid, time } = authentication
  const { all } = claimsOfClient(known, server, client)
  const asked = (claims?.id_token ?? []).filter((name) => all.includes(name))
  const user = asked.length > 0 ? await findUser(server, userId) : undefined
  const iat = issuedAt ?? server.now()
  const nonce = uses && boundOf(uses).nonce
  const idToken = {
    ...(user && (await valuesOf(server, user, asked))),
    iss: server.issuer,
    sub: await subjects.subjectOf(server, client, userId),
    aud: client.clientId,
    exp: iat + LIFETIME,
    iat,
    auth_time: time,
    at_hash: halfDigest(body.access_token),
    ...(nonce !== undefined && { nonce }),
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr }),
    ...(sid !== undefined && { sid }),
  }
  const signer = signerOf(ring(), client.idTokenSignedResponseAlg, client.clientId)
  return { ...body, id_token: signJwt(TYPE, idToken, signer) }
}

/** Core §3.1.3.6: the left half of the hash of the signature algorithm, which is SHA-256 for all of ours. */
function halfDigest(accessToken: string): string {
  return Buffer.from(sha256(accessToken), 'base64url').subarray(0, 16).toString('base64url')
}

const idTokenJwt: JwtKind<IdTokenClaims> = {
  type: TYPE.toLowerCase(),
  isClaims(claims): claims is IdTokenClaims {
    if (typeof claims !== 'object' || claims === null) return false
    const { iss, sub, aud, exp, iat, auth_time } = claims as Record<string, unknown>
    return [iss, sub, aud].every((claim) => typeof claim === 'string') && [exp, iat, auth_time].every(Number.isFinite)
  },
}

/** Returns the claims of an id_token of this server, even if expired. Otherwise undefined. */
export function readIdToken(ring: KeyRing, issuer: string, token: string): IdTokenClaims | undefined {
  return readOwnJwt(ring, issuer, token, idTokenJwt)
}

/** Returns the claims of a JWT of this kind that this server signed, even if expired. Otherwise undefined. */
export function readOwnJwt<Claims extends Pick<IdTokenClaims, 'iss'>>(
  ring: KeyRing,
  issuer: string,
  token: string,
  kind: JwtKind<Claims>,
): Claims | undefined {
  const read = readJwt(token, kind)
  const key = read && ring.verifying.get(read.header.kid ?? '')
  if (!key || !isSignedWith(token, read.header, key)) return undefined
  return read.claims.iss === issuer ? read.claims : undefined
}

/** Signs a userinfo response (Core §5.3.2). Without `exp`, so that it cannot pass as an id_token. */
export function signUserinfo(signer: Signer, claims: object): string {
  return signJwt(TYPE, claims, signer)
}
