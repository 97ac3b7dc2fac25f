/** The names in a certificate: its subject and subject alternative names (RFC 5280 §4.1.2.6, §4.2.1.6). */
import { isIP } from 'node:net'
import { contentOf, type DerValue, OCTET_STRING, objectIdentifier, SEQUENCE, valuesIn, valuesOf } from './der'
import { type DistinguishedName, nameOfDer } from './distinguished-name'

export interface CertificateNames {
  readonly subject: DistinguishedName
  /** In lower case. */
  readonly dns: readonly string[]
  readonly uri: readonly string[]
  readonly email: readonly string[]
  /** In the form of `canonicalAddress`. */
  readonly ip: readonly string[]
}

const VERSION = 0xa0
const EXTENSIONS = 0xa3
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
/** RFC 5280 §4.2.1.6: the tags of GeneralName. */
const general = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const

/** The names in a certificate that OpenSSL has parsed. Undefined if their format is unknown. */
export function namesOf(certificate: Buffer): CertificateNames | undefined {
  try {
    const [whole] = valuesOf(certificate)
    const [signed] = valuesIn(whole, SEQUENCE)
    const members = valuesIn(signed, SEQUENCE)
    const hasVersion = members[0]?.tag === VERSION
    // it follows the serial number, signature algorithm, issuer and validity
    const subject = nameOfDer(members[hasVersion ? 5 : 4])
    const alternatives = alternativeNames(members.find(({ tag }) => tag === EXTENSIONS))
    const named = (kind: keyof typeof general) =>
      alternatives.flatMap(({ tag, content }) => (tag === general[kind] ? [content] : []))
    const texts = (kind: keyof typeof general) => named(kind).map((content) => content.toString('latin1'))
    return {
      subject,
      dns: texts('dns').map((name) => name.toLowerCase()),
      uri: texts('uri'),
      email: texts('email'),
      ip: named('ip').flatMap((content) => canonicalAddress(addressOf(content)) ?? []),
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function alternativeNames(extensions: DerValue | undefined): DerValue[] {
  const [list] = extensions ? valuesIn(extensions, EXTENSIONS) : []
  const all = list ? valuesIn(list, SEQUENCE) : []
  return all.flatMap((extension) => {
    const [id, ...rest] = valuesIn(extension, SEQUENCE)
    if (objectIdentifier(id) !== SUBJECT_ALTERNATIVE_NAME) return []
    // a `critical` flag may precede the value
    const [names] = valuesOf(contentOf(rest.at(-1), OCTET_STRING))
    return valuesIn(names, SEQUENCE)
  })
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  return bytes.length === 16 ? (bytes.toString('hex').match(/.{4}/g) as string[]).join(':') : ''
}

/** An IP address in canonical form (RFC 5952 §8). Undefined if it is not one. */
export function canonicalAddress(address: string): string | undefined {
  const family = isIP(address)
  if (family === 4) return address
  // a zone is only valid on one machine
  return family === 6 && !address.includes('%') ? new URL(`http://[${address}]`).hostname : undefined
}
