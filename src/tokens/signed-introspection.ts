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

/** §4: whether the header asks for a JWT. A weight of 0 refuses it (RFC 9110 §12.4.2). */
export function asksForJwt(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === MEDIA_TYPE && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

/**
 * §5: for this resource server alone, and without `sub` and `exp`, so that nobody takes it for an access token (§8.1).
 * Undefined where its record names no algorithm, and the default one (§6) is not for it: the response is plain.
 */
export function signIntrospection(
  server: AuthorizationServer,
  client: Client,
  token_introspection: object,
): string | undefined {
  const { clientId, introspectionSignedResponseAlg: named } = client
  // for an API alone: whoever registers itself could have signatures made
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
 * What a caller that is not authenticated gets: where it asks for a JWT, status 400 (§5). With credentials in the header it is
 * 401 and the challenge, which RFC 6749 §5.2 wants then, and RFC 7662 §2.3 for every plain request.
 */
export function refusalOf(error: unknown, { authorization, accept }: IncomingHttpHeaders): unknown {
  const isCaller = error instanceof OAuthError && error.code === 'invalid_client' && authorization === undefined
  return isCaller && asksForJwt(accept) ? new OAuthError(error.code, error.description, { status: 400 }) : error
}
