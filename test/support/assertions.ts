/** Clients with keys of their own: jose signs what they send, as somebody else's library would. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { issuer, startOfTime } from './host'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface ClientKey {
  alg: string
  kid: string
  privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  /** The public half, with its `kid` and `alg`. */
  jwk: Record<string, unknown>
}

let made = 0

export async function clientKey(alg = 'ES256', kid = `key ${++made}`): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export interface AssertionChange {
  /** undefined leaves a claim out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  now?: number
}

/** What is right in every way but for what `change` says. */
export async function signAssertion(clientId: string, key: ClientKey, change: AssertionChange = {}): Promise<string> {
  const { claims, header, now = startOfTime } = change
  const right = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60, jti: `jti ${++made}` }
  const payload = JSON.parse(JSON.stringify({ ...right, ...claims })) as JWTPayload
  const said = JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, ...header }))
  return new SignJWT(payload).setProtectedHeader(said).sign(key.privateKey)
}

/** An authorization request as a request object (RFC 9101), right in every way but for what `change` says. */
export async function signRequest(
  clientId: string,
  key: ClientKey,
  parameters: Readonly<Record<string, unknown>>,
  change: AssertionChange = {},
): Promise<string> {
  const { claims, header, now = startOfTime } = change
  const right = { iss: clientId, aud: issuer, iat: now, nbf: now, exp: now + 300, client_id: clientId, ...parameters }
  const payload = JSON.parse(JSON.stringify({ ...right, ...claims })) as JWTPayload
  const said = { alg: key.alg, kid: key.kid, typ: 'oauth-authz-req+jwt', ...header }
  return new SignJWT(payload).setProtectedHeader(JSON.parse(JSON.stringify(said))).sign(key.privateKey)
}

/** The parameters of a request that is proven so. */
export const asserted = (assertion: string) => ({ client_assertion: assertion, client_assertion_type: assertionType })
