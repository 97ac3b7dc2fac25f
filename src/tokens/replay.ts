/**
 * What a refresh hands out, so that the same token gets it again: secrets that are not kept but made, of the presented
 * token and of a nonce. The nonce is in a row of its own, which expires with the replay window: who finds the token later
 * and has a copy of the store makes nothing of them. Neither alone ever yields anything.
 */

import { grantIdOf, lookupId, lookupSuffix, sessionOf } from '../credentials/split-token'
import { derivedSecret, seal, sha256, unseal } from '../crypto'
import type { Credential } from '../storage'
import type { AccessTokenFormat, AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'
import { credentialOf } from './issue'
import type { PresentedRefreshToken } from './rotation'

/** A refresh, as the row for its replay remembers it in `data`. The secrets are bound to all of it. */
export interface Refresh {
  /** Which of its two rows the access token is in. */
  readonly slot: 0 | 1
  /** What it was for. */
  readonly scope: string
  readonly resource: string
  /** When it was, and when its access token expires. Seconds. */
  readonly refreshedAt: number
  readonly accessExpiresAt: number
  /** New for each, or racers with one token would hand out the same secrets for different scopes. */
  readonly nonce: string
}

export interface Successor {
  readonly accessId: string
  readonly accessSecret: string
  readonly refreshToken: string
  /** That of the row once these are handed out. */
  readonly state: string
}

/** What follows the presented token after this refresh. */
export function successorOf(
  { rotate }: Pick<RefreshTokenSettings, 'rotate'>,
  found: Credential,
  { token, stable, rotatingDigest }: PresentedRefreshToken,
  refresh: Refresh,
): Successor {
  const context = contextOf(found, refresh)
  const rotating = derivedSecret(token, 'refresh token', context)
  return {
    accessId: lookupId(grantIdOf(found.id), lookupSuffix.access_token[refresh.slot], sessionOf(found.id)),
    accessSecret: derivedSecret(token, 'access token', context),
    refreshToken: rotate ? `${found.id}.${stable}${rotating}` : token,
    state: rotate ? sha256(rotating) : `${rotatingDigest}#${sha256(rotating)}`,
  }
}

export function replayId(found: Credential): string {
  return lookupId(grantIdOf(found.id), lookupSuffix.refresh_replay, sessionOf(found.id))
}

/** The row that a replay is made of until `expiresAt`. One for each grant: the next refresh takes its place. */
export function replayRow(
  { accessTokens }: AuthorizationServer,
  accessToken: string,
  found: Credential,
  presented: PresentedRefreshToken,
  refresh: Refresh,
  expiresAt: number,
): Credential {
  const data = { ...refresh, ...sealedAccessToken(accessTokens, accessToken, found, presented, refresh) }
  // no digest: nobody presents it
  const kept = { id: replayId(found), kind: 'refresh_replay', state: 'made', digest: '' }
  return credentialOf(kept, { ...found, data }, { issuedAt: refresh.refreshedAt, expiresAt })
}

/** What must be kept of an access token that cannot be made again: itself, sealed under a key that only `token` yields. */
function sealedAccessToken(
  { tokenOf }: AccessTokenFormat,
  accessToken: string,
  found: Credential,
  { token }: PresentedRefreshToken,
  refresh: Refresh,
): { sealed?: string } {
  return tokenOf ? {} : { sealed: seal(accessToken, token, contextOf(found, refresh)) }
}

/** The access token that was handed out before; undefined where the rows are not what they were then. */
export function accessTokenAgain(
  { tokenOf }: AccessTokenFormat,
  { accessId, accessSecret, state }: Successor,
  found: Credential,
  { token }: PresentedRefreshToken,
  refresh: Refresh & { readonly sealed?: unknown },
): string | undefined {
  if (found.state !== state) return undefined
  const { sealed } = refresh
  return typeof sealed === 'string'
    ? unseal(sealed, token, contextOf(found, refresh))
    : tokenOf?.(accessId, accessSecret)
}

function contextOf({ id, clientId }: Credential, refresh: Refresh): string {
  const { slot, scope, resource, refreshedAt, accessExpiresAt, nonce } = refresh
  return JSON.stringify([id, clientId, slot, scope, resource, refreshedAt, accessExpiresAt, nonce])
}
