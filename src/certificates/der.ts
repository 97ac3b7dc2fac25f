/** A DER parser (X.690 §8) for the names in a certificate. */

/** A value with its tag. */
export interface DerValue {
  readonly tag: number
  readonly content: Buffer
  /** The encoded tag, length and content. */
  readonly bytes: Buffer
}

export const SEQUENCE = 0x30
export const SET = 0x31
const OBJECT_IDENTIFIER = 0x06
export const OCTET_STRING = 0x04

/** The values in a content. Throws a RangeError if it is not DER. */
export function valuesOf(content: Buffer): DerValue[] {
  const values: DerValue[] = []
  let at = 0
  while (at < content.length) {
    const { start, end } = extentOf(content, at)
    values.push({
      tag: content[at] as number,
      content: content.subarray(start, end),
      bytes: content.subarray(at, end),
    })
    at = end
  }
  return values
}

/** The start and end of a value's content. X.690 §8.1.3, §10.1: the length is definite. */
function extentOf(bytes: Buffer, at: number): { start: number; end: number } {
  const [tag = 0x1f, first = 0x80] = bytes.subarray(at, at + 2)
  const more = first < 0x80 ? 0 : first - 0x80
  const start = at + 2 + more
  // names in certificates have no tags of several bytes, no indefinite lengths, and no lengths beyond 4 bytes
  if ((tag & 0x1f) === 0x1f || first === 0x80 || more > 4 || start > bytes.length) throw new RangeError('not DER')
  const end = start + (more === 0 ? first : bytes.readUIntBE(at + 2, more))
  if (end > bytes.length) throw new RangeError('not DER')
  return { start, end }
}

/** The values inside a value with this tag. Throws a RangeError for another tag. */
export function valuesIn(value: DerValue | undefined, tag: number): DerValue[] {
  return valuesOf(contentOf(value, tag))
}

/** The content of a value with this tag. Throws a RangeError for another tag. */
export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError(`no value of tag ${tag}`)
  return value.content
}

/** X.690 §8.19: an object identifier, with dots. */
export function objectIdentifier(value: DerValue | undefined): string {
  const content = contentOf(value, OBJECT_IDENTIFIER)
  const parts: bigint[] = []
  let part = 0n
  for (const byte of content) {
    part = part * 128n + BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    parts.push(part)
    part = 0n
  }
  const [first = 0n, ...others] = parts
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...others].join('.')
}

/** The text of a string type that certificates may have (RFC 5280 §4.1.2.4). Undefined for another type. */
export function textOf({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case 0x0c:
      return content.toString('utf8')
    // numeric, printable, IA5, visible
    case 0x12:
    case 0x13:
    case 0x16:
    case 0x1a:
      return content.toString('latin1')
    // BMPString: two bytes a character, high byte first
    case 0x1e:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined
    default:
      return undefined
  }
}
