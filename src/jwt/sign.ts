/** The one signer of JWTs: RFC 7515, RFC 7519. */
import { jsonwebtoken } from './jsonwebtoken'
import type { Signer } from './key-ring'

/** A signed JWT. `type` keeps it from being taken for any other kind that the same key signs (RFC 8725 §3.11). */
export function signJwt(type: string, claims: object, { id, algorithm, privateKey }: Signer): string {
  return jsonwebtoken().sign(claims, privateKey, { algorithm, keyid: id, header: { alg: algorithm, typ: type } })
}
