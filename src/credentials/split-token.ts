/**
 * Split tokens: a client has `<lookup id>.<secret>`; storage has the id and the SHA-256 of the secret, so that a copy
 * of the database opens nothing. The id begins with the id of the token's grant, existing or future. Tokens of a
 * session that began with an access token have one or two more parts, which identify the session within the grant.
 */
import { GRANT_ID_BYTES, randomToken } from '../crypto'

/** The length of a secret of 256 bits in base64url. A refresh token's secret has two of them. */
export const SECRET_LENGTH = 43

/**
 * `session` identifies a session that began with an access token; it is empty for the grant's own. `place`
 * distinguishes access tokens for different sets of resources.
 */
export function lookupId(grantId: string, suffix: string, session = '', place = 0): string {
  return place === 0 ? `${grantId}~${suffix}${session}` : `${grantId}~${suffix}${session}.${place}`
}

/**
 * The name of a new session that begins with an access token of the session `source`. It also names the first session
 * of the chain, however long.
 */
export function newSession(source: string): string {
  return `${firstOf(source)}.${randomToken(GRANT_ID_BYTES)}`
}

/** The first session of a chain below its grant. Empty for the grant's own session. */
export function firstOf(session: string): string {
  return session.split('.', 2).join('.')
}

/** The session in a lookup id. Empty for the session that began the grant. */
export function sessionOf(lookupId: string): string {
  return lookupId.includes('.') ? (sessionPart.exec(lookupId)?.[0] ?? '') : ''
}

/** Whether it belongs to a session that began with an access token. */
export function isDerived(lookupId: string): boolean {
  return sessionOf(lookupId) !== ''
}

/** The grant of a credential, or the one it will have after the exchange. */
export function grantIdOf(lookupId: string): string {
  return lookupId.slice(0, lookupId.indexOf('~'))
}

export interface SplitToken {
  id: string
  secret: string
}

const sessionPart = /(?:\.[A-Za-z0-9_-]{22}){1,2}/
const splitToken =
  /^([A-Za-z0-9_-]{22}~[a-z](?:\.[A-Za-z0-9_-]{22}){0,2}(?:\.[1-9][0-9]{0,3})?)\.([A-Za-z0-9_-]{43}(?:[A-Za-z0-9_-]{43})?)$/

/** The parts of a token. Undefined for a text with another syntax. */
export function parseSplitToken(token: string): SplitToken | undefined {
  const match = splitToken.exec(token)
  if (!match) return undefined
  return { id: match[1] as string, secret: match[2] as string }
}
