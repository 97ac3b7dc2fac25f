/** The certificate of a request, from the connection or from the host (RFC 8705 §6.5). */
import type { TLSSocket } from 'node:tls'
import { type ClientCertificate, certificateBytes, certificateOf, validityProblem } from '../certificates/certificate'
import type { X509Certificate } from '../crypto'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { ProvingRequest } from '../types/capability'

/** A certificate, or a problem with it. */
export type Found = { readonly certificate: ClientCertificate } | { readonly problem: string }

export function ofConnection({ socket }: ProvingRequest): X509Certificate | undefined {
  return (socket as Partial<TLSSocket> | undefined)?.getPeerX509Certificate?.()
}

export function isAuthorized({ socket }: ProvingRequest): boolean | undefined {
  return (socket as Partial<TLSSocket> | undefined)?.authorized
}

/** Reads the host's certificate of a request, once for each request. */
export function finder(certificate: (req: ProvingRequest) => unknown) {
  const known = new WeakMap<ProvingRequest, { readonly found: Found | undefined }>()
  return (req: ProvingRequest): Found | undefined => {
    const read = known.get(req) ?? { found: foundIn(certificate(req)) }
    known.set(req, read)
    return read.found
  }
}

export const unreadable =
  'The client certificate cannot be read: mutualTls({ certificate }) must return one, as PEM or base64.'

function foundIn(given: unknown): Found | undefined {
  // a proxy sends an empty header for a client without a certificate
  if (given === undefined || given === null || given === '') return undefined
  if (Array.isArray(given)) return { problem: unreadable }
  const bytes = typeof given === 'string' ? certificateBytes(given) : rawOf(given)
  const certificate = bytes && certificateOf(bytes)
  return certificate ? { certificate } : { problem: unreadable }
}

/** Recognised by its member, not its class: it may be of another realm. */
function rawOf(given: unknown): Buffer {
  const { raw } = given as { raw?: unknown }
  if (Buffer.isBuffer(raw)) return raw
  const fix = 'an X509Certificate, a text with one, or undefined'
  throw misuse('wrong_answer', `mutualTls({ certificate }) must return ${fix}, not ${kindOf(given)}`)
}

/** The problem of a certificate that does not depend on the client. */
export function problemOf(found: Found, now: number): string | undefined {
  return 'problem' in found ? found.problem : validityProblem(found.certificate, now)
}
