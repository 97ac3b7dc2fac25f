/** Client certificates, in the formats of Node and of proxies. */
import { sha256, X509Certificate } from '../crypto'

/** A certificate, parsed by OpenSSL. */
export interface ClientCertificate {
  /** DER. */
  readonly bytes: Buffer
  /** RFC 8705 §3.1: the SHA-256 of its DER in base64url, `x5t#S256`. */
  readonly thumbprint: string
  /** The first and last second of its validity. Seconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/** Parses a certificate in DER. Undefined for other bytes. */
export function certificateOf(bytes: Buffer): ClientCertificate | undefined {
  try {
    const { raw, validFrom, validTo } = new X509Certificate(bytes)
    // only one certificate: bytes behind it would not be signed
    if (!raw.equals(bytes)) return undefined
    const [notBefore, notAfter] = [Date.parse(validFrom) / 1000, Date.parse(validTo) / 1000]
    return { bytes: raw, thumbprint: sha256(raw), notBefore, notAfter }
  } catch {
    return undefined
  }
}

const pem = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/
/** RFC 9440 §2.1, and plain base64. */
const base64 = /^:?([A-Za-z0-9+/]+={0,2}):?$/
const MAX_TEXT = 64 * 1024

/**
 * Returns the DER of the one certificate in a text: PEM, also percent-encoded as nginx and load balancers set it, or
 * with spaces in place of line breaks; base64, also between colons (RFC 9440). Undefined otherwise. Two certificates,
 * as in a header that was sent twice, are refused: the client's is unknown.
 */
export function certificateBytes(text: string): Buffer | undefined {
  if (text.length > MAX_TEXT) return undefined
  const plain = text.includes('%') ? decoded(text) : text
  const [, body] = pem.exec(plain) ?? base64.exec(plain) ?? []
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Why a certificate is not valid now. Undefined if it is valid (RFC 5280 §4.1.2.5). */
export function validityProblem({ notBefore, notAfter }: ClientCertificate, now: number): string | undefined {
  if (now > notAfter) return 'The client certificate has expired.'
  // written this way, it also refuses unreadable dates
  return now >= notBefore && now <= notAfter ? undefined : 'The client certificate is not valid yet.'
}
