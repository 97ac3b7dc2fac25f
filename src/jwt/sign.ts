/** Signs every JWT: RFC 7515, RFC 7519. */
import { jsonwebtoken } from './jsonwebtoken'
import type { Signer } from './key-ring'

/** Returns a signed JWT. `type` distinguishes it from other kinds that the key signs (RFC 8725 §3.11). */
export function signJwt(type: string, claims: object, { id, algorithm, privateKey }: Signer): string {
  return jsonwebtoken().sign(claims, privateKey, { algorithm, keyid: id, header: { alg: algorithm, typ: type } })
}
