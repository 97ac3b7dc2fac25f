/** Introspection responses as signed JWTs: RFC 9701. */
import { signersOf } from '../jwt/server-signers'
import { signJwt } from '../jwt/sign'
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

/** §5: for this resource server alone, and without `sub` and `exp`, so that nobody takes it for an access token (§8.1). */
export function signIntrospection(
  server: AuthorizationServer,
  { clientId, introspectionSignedResponseAlg: algorithm = '' }: Client,
  token_introspection: object,
): string {
  const signer = signersOf(server).get(algorithm)
  if (!signer) {
    const fix = `add a key for ${algorithm} to jwt({ keys: { current: [...] } }), or change the record`
    throw new TypeError(`The record of the client ${clientId} wants introspection signed by ${algorithm}: ${fix}`)
  }
  return signJwt(TYPE, { iss: server.issuer, aud: clientId, iat: server.now(), token_introspection }, signer)
}
