/** The certificate of a client, in the forms that Node and proxies hand it over. */
import { sha256, X509Certificate } from '../crypto'

/** A certificate that OpenSSL has read. */
export interface ClientCertificate {
  /** DER. */
  readonly bytes: Buffer
  /** RFC 8705 §3.1: the SHA-256 of its DER in base64url, `x5t#S256`. */
  readonly thumbprint: string
  /** When it begins, and the last second of it. Seconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/** The certificate in DER; undefined for bytes that are none. */
export function certificateOf(bytes: Buffer): ClientCertificate | undefined {
  try {
    const { raw, validFrom, validTo } = new X509Certificate(bytes)
    // one and no more: what stands behind it would not be part of what was signed
    if (!raw.equals(bytes)) return undefined
    const [notBefore, notAfter] = [Date.parse(validFrom) / 1000, Date.parse(validTo) / 1000]
    return { bytes: raw, thumbprint: sha256(raw), notBefore, notAfter }
  } catch {
    return undefined
  }
}

const pem = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/
/** RFC 9440 §2.1, and base64 alone. */
const base64 = /^:?([A-Za-z0-9+/]+={0,2}):?$/
const MAX_TEXT = 64 * 1024

/**
 * DER of the one certificate in a text: PEM, also percent-encoded as nginx and load balancers put it into a header, or with
 * spaces for its line breaks; base64, also between colons (RFC 9440). Undefined for everything else: of two certificates, such
 * as those of a header that was sent twice, nobody knows which one is the client's.
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

/** Why a certificate is not taken at this time; undefined while it is valid (RFC 5280 §4.1.2.5). */
export function validityProblem({ notBefore, notAfter }: ClientCertificate, now: number): string | undefined {
  if (now > notAfter) return 'The client certificate has expired.'
  // written so that a date which nobody can read is refused, too
  return now >= notBefore && now <= notAfter ? undefined : 'The client certificate is not valid yet.'
}
