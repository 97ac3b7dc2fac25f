/**
 * The text of a personal access token: `<prefix><id><secret><checksum>`. All of it is letters, digits and underscores, so that
 * a double click selects the whole, and one regular expression finds it wherever it was left. The checksum tells it from what
 * only looks like it, without asking anybody.
 */
import { randomAlphanumeric } from '../crypto'

/** As many as the id of any grant has. 131 random bits. */
const ID_LENGTH = 22
/** 256 random bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** What the text names: the grant, and the secret of its credential. */
export interface PersonalTokenParts {
  readonly grantId: string
  readonly secret: string
}

/** The parts of a new one. */
export function newParts(): PersonalTokenParts {
  return { grantId: randomAlphanumeric(ID_LENGTH), secret: randomAlphanumeric(SECRET_LENGTH) }
}

/** Whether a text can be the id of a personal token. */
export function isPersonalId(text: string): boolean {
  return /^[0-9A-Za-z]{22}$/.test(text)
}

/** What every personal token with this prefix looks like. */
export function syntaxOf(prefix: string): RegExp {
  return new RegExp(`^${prefix}[0-9A-Za-z]{${ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH}}$`)
}

export function textOf(prefix: string, { grantId, secret }: PersonalTokenParts): string {
  const body = `${prefix}${grantId}${secret}`
  return body + checksumOf(body)
}

/** The parts of a text that looks like one; undefined where the checksum is wrong. */
export function partsOf(prefix: string, text: string): PersonalTokenParts | undefined {
  const body = text.slice(0, -CHECKSUM_LENGTH)
  if (checksumOf(body) !== text.slice(-CHECKSUM_LENGTH)) return undefined
  const secretAt = prefix.length + ID_LENGTH
  return { grantId: body.slice(prefix.length, secretAt), secret: body.slice(secretAt) }
}

/** The CRC-32 of the text in six digits to the base of 62, with zeros in front. */
export function checksumOf(text: string): string {
  let rest = crc32(text)
  let checksum = ''
  for (let digit = 0; digit < CHECKSUM_LENGTH; digit++) {
    checksum = digits.charAt(rest % digits.length) + checksum
    rest = Math.floor(rest / digits.length)
  }
  return checksum
}

/** CRC-32 as in zlib and PNG, of ASCII. `node:zlib` has it since Node 22. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
