/**
 * Rotation of refresh tokens and detection of their reuse: RFC 9700 §4.14.2. A refresh token's secret has two halves. The
 * stable half lives as long as the grant; its digest is `digest`. The rotating half changes with each refresh; its digest
 * is `state`. The lookup id and the stable half prove that a token belongs to the grant; the rotating half shows its age.
 *
 * | stable half | rotating half                       | within the replay window | later              |
 * | ----------- | ----------------------------------- | ------------------------ | ------------------ |
 * | right       | current: its digest is `state`      | refresh                  | refresh            |
 * | right       | the one before: `rotation.previous` | the same response again  | reuse: grant ends  |
 * | right       | any other                           | reuse: grant ends        | reuse: grant ends  |
 * | wrong       | any                                 | `invalid_grant`          | `invalid_grant`    |
 */
import { authorizationOf, credentialOf, hasSecret } from '../credentials/bound'
import { parseSplitToken, SECRET_LENGTH } from '../credentials/split-token'
import { equalDigests, newSecret, sha256 } from '../crypto'
import { type Audience, formatResource } from '../rules/resource'
import type { Credential } from '../storage'
import type { ClientLimits } from '../storage/client-limits'
import type { Authorization, Confirmation } from '../types/authorization'
import type { AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'

/** The settings for one client. */
export interface RefreshSettings extends RefreshTokenSettings {
  readonly rotate: boolean
  readonly accessTokenTtl: number
}

/** A refresh token, as presented. */
export interface PresentedRefreshToken {
  readonly id: string
  readonly token: string
  readonly stable: string
  readonly rotatingDigest: string
}

/**
 * Creates the first refresh token of a grant. Its secret has two halves: one for the life of the grant, one that
 * rotates.
 */
export function prepareRefreshToken(
  id: string,
  authorization: Authorization,
  lifetime: Pick<Credential, 'issuedAt' | 'expiresAt'>,
  accessAudience: Audience | undefined,
): { token: string; credential: Credential } {
  const stable = newSecret()
  const rotating = newSecret()
  const made = { id, kind: 'refresh_token', secret: stable, state: sha256(rotating) }
  const rotation = firstRotation(accessAudience ?? authorization.audience)
  const credential = credentialOf(made, authorization, lifetime, undefined, { rotation })
  return { token: `${id}.${stable}${rotating}`, credential }
}

export function parseRefreshToken(token: string): PresentedRefreshToken | undefined {
  const parsed = parseSplitToken(token)
  if (!parsed || parsed.secret.length !== 2 * SECRET_LENGTH) return undefined
  const stable = parsed.secret.slice(0, SECRET_LENGTH)
  const rotatingDigest = sha256(parsed.secret.slice(SECRET_LENGTH))
  return { id: parsed.id, token, stable, rotatingDigest }
}

/** Whether the token has the row's stable half, and the row is unaltered. */
export function hasStableHalf(found: Credential, { stable }: PresentedRefreshToken): boolean {
  return hasSecret(found, stable)
}

/** Binds the row to a key as well (RFC 7800). The secret stays. */
export function boundTo(found: Credential, { stable }: PresentedRefreshToken, confirmation: Confirmation): Credential {
  const { id, kind, state, data } = found
  const made = { id, kind, secret: stable, state }
  return credentialOf(made, { ...authorizationOf(found), confirmation }, found, undefined, { rotation: data.rotation })
}

/** The part of a refresh token's row that changes with each refresh: `data.rotation`. */
export interface Rotation {
  /** The digest of the previous rotating half. Omitted before the first refresh. */
  readonly previous?: string
  /** When the last refresh was. Seconds. */
  readonly refreshedAt?: number
  /** The places of the access tokens, one for each set of resources. */
  readonly places: readonly Place[]
}

export function rotationOf({ data }: Credential): Rotation {
  return data.rotation as Rotation
}

/**
 * Two alternating rows for one set of resources: the previous token survives, and APIs do not end each other's tokens.
 */
interface Place {
  /** Digest of the resources. */
  readonly set: string
  /** The row of the newest access token. */
  readonly slot: 0 | 1
  /** Counts the refreshes: the place with the lowest number is the oldest. */
  readonly turn: number
}

/** Without resources there is only one set. */
const setOf = (audience: Audience = []): string => (audience.length === 0 ? '' : sha256(formatResource(audience)))

/** The most instances of a client, each with its own key, that share a refresh token without rotation. */
const MOST_KEYS = 8

function firstRotation(audience: Audience = []): Rotation {
  return audience.length === 0 ? unused : { places: [{ set: setOf(audience), slot: 0, turn: 0 }] }
}

const unused: Rotation = Object.freeze({ places: Object.freeze([Object.freeze({ set: '', slot: 0, turn: 0 })]) })

/**
 * The row of the next access token for these resources, and the places afterwards. There are as many places as the
 * server has resources, or with `jkt` resources and keys. A further set replaces the oldest place.
 */
export function nextPlace(
  { resources }: Pick<AuthorizationServer, 'resources'>,
  { places }: Rotation,
  audience: Audience,
  jkt?: string,
): { at: number; slot: 0 | 1; places: readonly Place[] } {
  const set = jkt === undefined ? setOf(audience) : sha256(`${setOf(audience)} ${jkt}`)
  const most = jkt === undefined ? resources.length : Math.max(1, resources.length) * MOST_KEYS
  const [first] = places
  // one set of resources: the usual case
  if (first && places.length === 1 && first.set === set) {
    const slot = first.slot === 0 ? 1 : 0
    return { at: 0, slot, places: Object.freeze([Object.freeze({ set, slot, turn: first.turn + 1 })]) }
  }
  const turn = Math.max(...places.map((place) => place.turn)) + 1
  const known = places.findIndex((place) => place.set === set)
  const oldest = places.reduce((least, place, at) => (place.turn < (places[least] as Place).turn ? at : least), 0)
  const at = known >= 0 ? known : places.length < most ? places.length : oldest
  const slot = places[at]?.slot === 0 ? 1 : 0
  return { at, slot, places: Object.assign([...places], { [at]: { set, slot, turn } }) }
}

/** Seconds in which a used refresh token gets the same response. */
export function windowOf({ rotate, replayWindow, accessTokenTtl }: RefreshSettings): number {
  // without rotation there is no next token, so the repeated access token must still be valid
  return rotate ? replayWindow : Math.min(replayWindow, accessTokenTtl)
}

/** The standing of the presented token in the table above. */
export function standingOf(
  server: AuthorizationServer,
  settings: RefreshSettings,
  found: Credential,
  presented: PresentedRefreshToken,
): 'current' | 'replayable' | 'reused' {
  const { previous, refreshedAt } = rotationOf(found)
  const age = typeof refreshedAt === 'number' ? Math.max(0, server.now() - refreshedAt) : Number.POSITIVE_INFINITY
  const replayable = typeof previous === 'string' && equalDigests(previous, presented.rotatingDigest)
  const window = windowOf(settings)
  // one more, because times are whole seconds and the window would otherwise be shorter
  if (replayable && window > 0 && age <= window) return 'replayable'
  return isCurrent(found, presented) ? 'current' : 'reused'
}

/** `state` is the digest of the rotating half. Without rotation a suffix changes with each refresh. */
export function isCurrent({ state }: Credential, { rotatingDigest }: PresentedRefreshToken): boolean {
  return equalDigests(state.slice(0, SECRET_LENGTH), rotatingDigest)
}

/** @internal When `maxAge` ends the session, even if it was configured later. */
export function sessionEnd(
  { refreshTokens }: AuthorizationServer,
  startedAt: number,
  { refreshToken }: ClientLimits = {},
): number {
  const endless = Number.POSITIVE_INFINITY
  return startedAt + Math.min(refreshTokens?.maxAge ?? endless, refreshToken?.maxAge ?? endless)
}

/** `ttl` restarts with each refresh. `maxAge` counts from the authorization, and `until` is fixed. */
export function refreshTokenExpiry(
  { ttl, maxAge = Number.POSITIVE_INFINITY }: RefreshTokenSettings,
  startedAt: number,
  now: number,
  until = Number.POSITIVE_INFINITY,
  limits: ClientLimits['refreshToken'] = {},
): number {
  return Math.min(now + Math.min(ttl, limits.ttl ?? ttl), startedAt + Math.min(maxAge, limits.maxAge ?? maxAge), until)
}

/** The settings, with the stricter ones of a client's record. */
export function limitedRefresh(
  server: RefreshTokenSettings,
  limits: NonNullable<ClientLimits['refreshToken']>,
): RefreshTokenSettings {
  const least = (one: number | undefined, other: number | undefined) =>
    one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
  return {
    ttl: least(server.ttl, limits.ttl) as number,
    maxAge: least(server.maxAge, limits.maxAge),
    rotate: limits.rotate || server.rotate,
    replayWindow: least(server.replayWindow, limits.replayWindow) as number,
  }
}
