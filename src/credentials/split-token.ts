/**
 * Split tokens: what a client holds is `<lookup id>.<secret>`; storage holds the id and the SHA-256 of the secret, so
 * that a copy of the database opens nothing. The id begins with the id of the grant that the token is of, or will be. What
 * began with an access token has one part more in its id, or two, which tell the sessions of one grant apart.
 */
import { GRANT_ID_BYTES, randomToken } from '../crypto'

/** Length of one secret of 256 bits in base64url. A refresh token's secret has two of them. */
export const SECRET_LENGTH = 43

/**
 * `session` tells what began with an access token from what is the grant's own, which has none; `place` tells the access
 * tokens for one set of resources from those for another.
 */
export function lookupId(grantId: string, suffix: string, session = '', place = 0): string {
  return place === 0 ? `${grantId}~${suffix}${session}` : `${grantId}~${suffix}${session}.${place}`
}

/**
 * What the ids of a new session end with that begins with an access token of the session `source`: behind the first that so
 * began, however many came between.
 */
export function newSession(source: string): string {
  return `${firstOf(source)}.${randomToken(GRANT_ID_BYTES)}`
}

/** The session that a session goes back to, the first below its grant; that itself, and '' for the grant's own. */
export function firstOf(session: string): string {
  return session.split('.', 2).join('.')
}

/** What the ids of that session have in them; '' for the session that began its grant. */
export function sessionOf(lookupId: string): string {
  return lookupId.includes('.') ? (sessionPart.exec(lookupId)?.[0] ?? '') : ''
}

/** Whether it is of a session that began with an access token. */
export function isDerived(lookupId: string): boolean {
  return sessionOf(lookupId) !== ''
}

/** The grant that a credential is of, or will be of once it is exchanged. */
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

/** The parts of a token, or undefined for a string that cannot be one of ours. */
export function parseSplitToken(token: string): SplitToken | undefined {
  const match = splitToken.exec(token)
  if (!match) return undefined
  return { id: match[1] as string, secret: match[2] as string }
}
