/** Introspection responses as signed JWTs: RFC 9701. */
import type { IncomingHttpHeaders } from 'node:http'
import { isResourceServer } from '../clients/client'
import { OAuthError } from '../errors'
import { signersOf } from '../jwt/server-signers'
import { signJwt } from '../jwt/sign'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

const TYPE = 'token-introspection+jwt'
export const MEDIA_TYPE = `application/${TYPE}`

/** §4: whether the Accept header requests a JWT. A weight of 0 refuses it (RFC 9110 §12.4.2). */
export function asksForJwt(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === MEDIA_TYPE && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

/**
 * §5: for this resource server only. Without `sub` and `exp`, so that it cannot pass as an access token (§8.1).
 * Undefined if its record names no algorithm and the default (§6) does not apply: then the response is plain JSON.
 */
export function signIntrospection(
  server: AuthorizationServer,
  client: Client,
  token_introspection: object,
): string | undefined {
  const { clientId, introspectionSignedResponseAlg: named } = client
  // for resource servers only: anyone who registers could have signatures made
  if (named === undefined && !isResourceServer(client)) return undefined
  const signer = signersOf(server).get(named ?? 'RS256')
  if (!signer && named === undefined) return undefined
  if (!signer) {
    const fix = `add a key for ${named} to jwt({ keys: { current: [...] } }), or change the record`
    throw misuse('wrong_record', `The record of the client ${clientId} wants introspection signed by ${named}: ${fix}`)
  }
  return signJwt(TYPE, { iss: server.issuer, aud: clientId, iat: server.now(), token_introspection }, signer)
}

/**
 * The error for an unauthenticated caller: status 400 if it requests a JWT (§5). With credentials in the header 401 and
 * the challenge, as RFC 6749 §5.2 requires, and as RFC 7662 §2.3 requires for plain requests.
 */
export function refusalOf(error: unknown, { authorization, accept }: IncomingHttpHeaders): unknown {
  const isCaller = error instanceof OAuthError && error.code === 'invalid_client' && authorization === undefined
  return isCaller && asksForJwt(accept) ? new OAuthError(error.code, error.description, { status: 400 }) : error
}
