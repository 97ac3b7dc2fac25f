/**
 * The text of a personal access token: `<prefix><id><secret><checksum>`. It has only letters, digits and underscores: a
 * double click selects all of it, and one regular expression finds it anywhere. The checksum detects lookalikes without
 * a lookup.
 */
import { randomAlphanumeric } from '../crypto'

/** The same length as every grant id. 131 random bits. */
const ID_LENGTH = 22
/** 256 random bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The parts of the text: the grant id, and the secret of its credential. */
export interface PersonalTokenParts {
  readonly grantId: string
  readonly secret: string
}

/** Creates new parts. */
export function newParts(): PersonalTokenParts {
  return { grantId: randomAlphanumeric(ID_LENGTH), secret: randomAlphanumeric(SECRET_LENGTH) }
}

/** Whether a text can be the id of a personal token. */
export function isPersonalId(text: string): boolean {
  return /^[0-9A-Za-z]{22}$/.test(text)
}

/** The syntax of personal tokens with this prefix. */
export function syntaxOf(prefix: string): RegExp {
  return new RegExp(`^${prefix}[0-9A-Za-z]{${ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH}}$`)
}

export function textOf(prefix: string, { grantId, secret }: PersonalTokenParts): string {
  const body = `${prefix}${grantId}${secret}`
  return body + checksumOf(body)
}

/** Parses a personal token. Undefined if its syntax or checksum is wrong. */
export function partsOf(prefix: string, text: string): PersonalTokenParts | undefined {
  const body = text.slice(0, -CHECKSUM_LENGTH)
  if (checksumOf(body) !== text.slice(-CHECKSUM_LENGTH)) return undefined
  const secretAt = prefix.length + ID_LENGTH
  return { grantId: body.slice(prefix.length, secretAt), secret: body.slice(secretAt) }
}

/** The CRC-32 of the text as six base-62 digits, padded with zeros. */
export function checksumOf(text: string): string {
  let rest = crc32(text)
  let checksum = ''
  for (let digit = 0; digit < CHECKSUM_LENGTH; digit++) {
    checksum = digits.charAt(rest % digits.length) + checksum
    rest = Math.floor(rest / digits.length)
  }
  return checksum
}

/** CRC-32 as in zlib and PNG, for ASCII. `node:zlib` has it since Node 22. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
