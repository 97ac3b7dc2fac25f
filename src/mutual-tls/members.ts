/** The client metadata members for certificates, and their checks (RFC 8705 §2.1.2, §2.2.2, §3.4). */

import { isSameName, parseDistinguishedName } from '../certificates/distinguished-name'
import { type CertificateNames, canonicalAddress } from '../certificates/names'
import { membersOfKeys } from '../clients/key-members'
import { flag, invalid, isAbsent, text } from '../clients/member-checks'
import { CERTIFICATE_THUMBPRINT, publicJwk } from '../jwt/keys'
import type { Client } from '../storage'
import type { CertificateClientMembers } from '../storage/certificate-client'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'

export const TRUSTED = 'tls_client_auth'
export const SELF_SIGNED = 'self_signed_tls_client_auth'

type Name = Exclude<keyof CertificateClientMembers, 'tlsClientCertificateBoundAccessTokens'>

/** One way to name a client's certificate. */
interface NameRule {
  readonly wire: string
  /** The expected value, for errors. */
  readonly words: string
  /** Returns the name to store. Undefined for an invalid one. */
  readonly read: (value: string) => string | undefined
  readonly isIn: (value: string, names: CertificateNames) => boolean
}

// printable ASCII, as in an IA5String of a certificate
const plain = (value: string) => (/^[\x21-\x7e]{1,1000}$/.test(value) ? value : undefined)

const nameRules: Readonly<Record<Name, NameRule>> = {
  tlsClientAuthSubjectDn: {
    wire: 'tls_client_auth_subject_dn',
    words: "a distinguished name of known types by RFC 4514, such as 'CN=client,O=Example,C=DE'",
    read: (value) => (value.length <= 2000 && parseDistinguishedName(value) ? value : undefined),
    isIn(value, { subject }) {
      const wanted = parseDistinguishedName(value)
      return wanted !== undefined && isSameName(wanted, subject)
    },
  },
  tlsClientAuthSanDns: {
    wire: 'tls_client_auth_san_dns',
    words: 'a DNS name in ASCII',
    read: (value) => plain(value)?.toLowerCase(),
    isIn: (value, { dns }) => dns.includes(value),
  },
  tlsClientAuthSanUri: {
    wire: 'tls_client_auth_san_uri',
    words: 'a URI in ASCII',
    read: (value) => (URL.canParse(value) ? plain(value) : undefined),
    isIn: (value, { uri }) => uri.includes(value),
  },
  tlsClientAuthSanIp: {
    wire: 'tls_client_auth_san_ip',
    words: 'an IP address',
    read: canonicalAddress,
    isIn: (value, { ip }) => ip.includes(value),
  },
  tlsClientAuthSanEmail: {
    wire: 'tls_client_auth_san_email',
    words: 'an email address in ASCII',
    read: (value) => (value.includes('@') ? plain(value) : undefined),
    isIn: (value, { email }) => email.includes(value),
  },
}

const rules = Object.entries(nameRules) as [Name, NameRule][]

const nameMembers = rules.map(
  ([name, { wire, words, read }]): ClientMember => ({
    name,
    wire,
    type: text,
    setBy: 'self',
    check(member, value) {
      if (value === '') return undefined
      const kept = read(value as string)
      if (kept !== undefined) return kept
      throw invalid(`${member} must be ${words}`)
    },
  }),
)

const boundMember: ClientMember = {
  name: 'tlsClientCertificateBoundAccessTokens',
  wire: 'tls_client_certificate_bound_access_tokens',
  type: flag,
  setBy: 'self',
}

/** The members that `mutualTls()` adds, the same objects each time. */
export function membersOfCertificates(withLoopback: boolean): readonly ClientMember[] {
  return [...membersOfKeys(withLoopback), ...nameMembers, boundMember]
}

/** Throws if a record with one of the methods names no certificate, or has a weaker method too. */
export function verifyCertificateRecord(record: ClientMetadata): void {
  const { tokenEndpointAuthMethods: methods = [], jwks, jwksUri } = record
  const [method] = methods
  if (methods.length > 1) throw invalid(`a client with ${methods.find(isOurs)} cannot have another method beside it`)
  if (method === TRUSTED) {
    const named = rules.filter(([name]) => !isAbsent(record[name]))
    if (named.length === 1) return
    throw invalid(`a client with ${TRUSTED} needs exactly one of ${rules.map(([, { wire }]) => wire).join(', ')}`)
  }
  const keys: readonly unknown[] = Array.isArray(jwks?.keys) ? jwks.keys : []
  if (jwksUri || keys.some((key) => publicJwk(key)?.[CERTIFICATE_THUMBPRINT] !== undefined)) return
  throw invalid(`a client with ${SELF_SIGNED} needs its certificate: jwks with x5c, or jwks_uri`)
}

function isOurs(method: string): boolean {
  return method === TRUSTED || method === SELF_SIGNED
}

/** Whether a certificate has the name in the record (RFC 8705 §2.1). */
export function hasName(client: Client, names: CertificateNames): boolean {
  const named = rules.filter(([name]) => client[name] !== undefined)
  const [first] = named
  // a record without a name, or with two of which only one counts, proves nothing
  return named.length === 1 && first !== undefined && first[1].isIn(client[first[0]] as string, names)
}
