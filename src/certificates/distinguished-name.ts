/** Distinguished names: as text (RFC 4514) in client records, and as DER in certificates (RFC 5280 §4.1.2.4). */
import { type DerValue, objectIdentifier, SEQUENCE, SET, textOf, valuesIn } from './der'

/** One attribute: its type as an object identifier, and its value as text or as DER in hex. */
interface Attribute {
  readonly type: string
  readonly text?: string | undefined
  readonly hex?: string
}

/** The attributes of each part, ordered as in the text: from most specific to most general. */
export type DistinguishedName = readonly (readonly Attribute[])[]

/** RFC 4514 §3, and OpenSSL's names for the types in certificates of banks and companies. In lower case. */
const types: Readonly<Record<string, string>> = {
  cn: '2.5.4.3',
  sn: '2.5.4.4',
  serialnumber: '2.5.4.5',
  c: '2.5.4.6',
  l: '2.5.4.7',
  st: '2.5.4.8',
  street: '2.5.4.9',
  o: '2.5.4.10',
  ou: '2.5.4.11',
  title: '2.5.4.12',
  businesscategory: '2.5.4.15',
  postalcode: '2.5.4.17',
  gn: '2.5.4.42',
  organizationidentifier: '2.5.4.97',
  uid: '0.9.2342.19200300.100.1.1',
  dc: '0.9.2342.19200300.100.1.25',
  emailaddress: '1.2.840.113549.1.9.1',
  jurisdictionl: '1.3.6.1.4.1.311.60.2.1.1',
  jurisdictionst: '1.3.6.1.4.1.311.60.2.1.2',
  jurisdictionc: '1.3.6.1.4.1.311.60.2.1.3',
}

// a type, its value, and the separator. Each character can be read in one way, so that matching is linear
const attributeSyntax =
  / *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= *(#(?:[0-9A-Fa-f]{2})+ *|(?!#)(?:[^\0"+,;<>\\]|\\(?:[0-9A-Fa-f]{2}|[ "#+,;<=>\\]))*)([,+]|$)/y

/** Parses a name (RFC 4514 §3). Undefined for an invalid text or an unknown type. */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const name: Attribute[][] = []
  let part: Attribute[] = []
  const syntax = new RegExp(attributeSyntax)
  for (;;) {
    const found = syntax.exec(text)
    const [, named = '', value = '', end = ''] = found ?? []
    const type = /^\d/.test(named) ? named : types[named.toLowerCase()]
    if (!found || type === undefined) return undefined
    const read = readValue(value)
    if (read === undefined) return undefined
    part.push({ type, ...read })
    if (end === '+') continue
    name.push(part)
    part = []
    if (end === '') return name
  }
}

/** RFC 4514 §2.4. Unescaped spaces around a value are not part of it. */
function readValue(value: string): Pick<Attribute, 'text' | 'hex'> | undefined {
  if (value.startsWith('#')) return { hex: value.trim().slice(1).toLowerCase() }
  const units = value.match(/\\[0-9A-Fa-f]{2}|\\.|[^\\]/gsu) ?? []
  while (units.at(-1) === ' ') units.pop()
  const bytes = units.map((unit) => {
    if (!unit.startsWith('\\')) return Buffer.from(unit)
    return unit.length === 3 ? Buffer.from(unit.slice(1), 'hex') : Buffer.from(unit.slice(1))
  })
  const text = Buffer.concat(bytes).toString('utf8')
  // an empty value names nothing, and invalid UTF-8 could equal another name
  return text === '' || text.includes('\ufffd') ? undefined : { text }
}

/** Reads the Name of a certificate. Throws a RangeError if it is invalid. */
export function nameOfDer(value: DerValue | undefined): DistinguishedName {
  const parts = valuesIn(value, SEQUENCE).map((part) =>
    valuesIn(part, SET).map((attribute) => {
      const [type, content] = valuesIn(attribute, SEQUENCE)
      if (!content) throw new RangeError('an attribute without a value')
      return { type: objectIdentifier(type), text: textOf(content), hex: content.bytes.toString('hex') }
    }),
  )
  return parts.reverse()
}

/** Whether both names are identical: every part in order, and every value exactly. */
export function isSameName(wanted: DistinguishedName, found: DistinguishedName): boolean {
  const isSamePart = (part: readonly Attribute[], at: number) => {
    const other = found[at] as readonly Attribute[]
    const isIn = (one: Attribute) => other.some((attribute) => isSame(one, attribute))
    // in both directions, because a name with one attribute twice differs from a name with two
    const isOf = (attribute: Attribute) => part.some((one) => isSame(one, attribute))
    return part.length === other.length && part.every(isIn) && other.every(isOf)
  }
  return wanted.length === found.length && wanted.every(isSamePart)
}

function isSame(wanted: Attribute, found: Attribute): boolean {
  if (wanted.type !== found.type) return false
  return wanted.hex === undefined ? wanted.text === found.text : wanted.hex === found.hex
}
