/** Clients with DPoP keys: jose signs their proofs, as somebody else's library would. */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { issuer, paths, startOfTime } from './host'

export interface ProofKey {
  alg: string
  privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  /** The public half. */
  jwk: Record<string, unknown>
  privateJwk: Record<string, unknown>
  jkt: string
}

export async function proofKey(alg = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, privateKey, jwk, privateJwk: await exportJWK(privateKey), jkt: await calculateJwkThumbprint(jwk) }
}

export interface ProofChange {
  /** @default POST */
  method?: string
  /** @default the token endpoint */
  url?: string
  /** The access token that the proof goes with. */
  token?: string
  now?: number
  /** undefined leaves a claim out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

let made = 0

/** What is right in every way but for what `change` says. */
export async function proof(key: ProofKey, change: ProofChange = {}): Promise<string> {
  const { method = 'POST', url = `${issuer}${paths.token}`, token, now = startOfTime, claims, header } = change
  const right = {
    ...{ jti: `proof ${++made}`, htm: method, htu: url, iat: now },
    ...(token !== undefined && { ath: createHash('sha256').update(token).digest('base64url') }),
  }
  const payload = JSON.parse(JSON.stringify({ ...right, ...claims })) as JWTPayload
  const said = JSON.parse(JSON.stringify({ typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header }))
  return new SignJWT(payload).setProtectedHeader(said).sign(key.privateKey, { crit: { exp: true } })
}
