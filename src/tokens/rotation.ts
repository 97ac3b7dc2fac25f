/** A refresh token as a client presents it, and where it stands in the life of its grant (RFC 9700 §4.14.2). */

import { hasSecret } from '../credentials/bound'
import { parseSplitToken, SECRET_LENGTH } from '../credentials/split-token'
import { equalDigests, sha256 } from '../crypto'
import type { Credential } from '../storage'
import type { AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'

export interface PresentedRefreshToken {
  id: string
  token: string
  stable: string
  rotatingDigest: string
}

/** The token's secret has two halves: one for the life of the grant, one that rotates. */
export function parseRefreshToken(token: string): PresentedRefreshToken | undefined {
  const parsed = parseSplitToken(token)
  if (!parsed || parsed.secret.length !== 2 * SECRET_LENGTH) return undefined
  const stable = parsed.secret.slice(0, SECRET_LENGTH)
  const rotatingDigest = sha256(parsed.secret.slice(SECRET_LENGTH))
  return { id: parsed.id, token, stable, rotatingDigest }
}

/** Whether the stable half is that of the row, and the row what it was when it was made. */
export function hasStableHalf(found: Credential, { stable }: PresentedRefreshToken): boolean {
  return hasSecret(found, stable)
}

/** Seconds in which a token that was just used gets the same response. */
export function windowOf(
  server: AuthorizationServer,
  { rotate, replayWindow }: Pick<RefreshTokenSettings, 'rotate' | 'replayWindow'>,
): number {
  // without rotation there is no successor to come back with, so what is replayed must still be good for something
  return rotate ? replayWindow : Math.min(replayWindow, server.accessTokens.ttl)
}

/** Where the presented token stands: the current one, the one before it within the replay window, or an older one. */
export function standingOf(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  found: Credential,
  presented: PresentedRefreshToken,
): 'current' | 'replayable' | 'reused' {
  const { previous, refreshedAt } = found.data
  const age = typeof refreshedAt === 'number' ? Math.max(0, server.now() - refreshedAt) : Number.POSITIVE_INFINITY
  const replayable = typeof previous === 'string' && equalDigests(previous, presented.rotatingDigest)
  if (replayable && age < windowOf(server, settings)) return 'replayable'
  return isCurrent(found, presented) ? 'current' : 'reused'
}

/** `state` is the digest of the rotating half, and where it does not rotate, something new behind it at each refresh. */
export function isCurrent({ state }: Credential, { rotatingDigest }: PresentedRefreshToken): boolean {
  return equalDigests(state.slice(0, SECRET_LENGTH), rotatingDigest)
}
