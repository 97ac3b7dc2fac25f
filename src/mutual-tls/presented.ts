/** The certificate of a request, as the connection or the host says it (RFC 8705 §6.5). */
import type { TLSSocket } from 'node:tls'
import { type ClientCertificate, certificateBytes, certificateOf, validityProblem } from '../certificates/certificate'
import type { X509Certificate } from '../crypto'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { ProvingRequest } from '../types/capability'

/** What a request has in the place of a certificate. */
export type Found = { readonly certificate: ClientCertificate } | { readonly problem: string }

export function ofConnection({ socket }: ProvingRequest): X509Certificate | undefined {
  return (socket as Partial<TLSSocket> | undefined)?.getPeerX509Certificate?.()
}

export function isAuthorized({ socket }: ProvingRequest): boolean | undefined {
  return (socket as Partial<TLSSocket> | undefined)?.authorized
}

/** What the host says of a request, read once. */
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
  // a proxy sends an empty header for a client without one
  if (given === undefined || given === null || given === '') return undefined
  if (Array.isArray(given)) return { problem: unreadable }
  const bytes = typeof given === 'string' ? certificateBytes(given) : rawOf(given)
  const certificate = bytes && certificateOf(bytes)
  return certificate ? { certificate } : { problem: unreadable }
}

/** By its member and not its class: that of another realm is none of ours. */
function rawOf(given: unknown): Buffer {
  const { raw } = given as { raw?: unknown }
  if (Buffer.isBuffer(raw)) return raw
  const fix = 'an X509Certificate, a text with one, or undefined'
  throw misuse('wrong_answer', `mutualTls({ certificate }) must return ${fix}, not ${kindOf(given)}`)
}

/** What is wrong with a certificate, whoever has it. */
export function problemOf(found: Found, now: number): string | undefined {
  return 'problem' in found ? found.problem : validityProblem(found.certificate, now)
}
