/**
 * Rotation of refresh tokens and detection of their reuse: RFC 9700 §4.14.2. A refresh token's secret has two halves: the
 * stable one lives as long as the grant (its digest is `digest`), the rotating one is new with each refresh (its digest is
 * `state`). The lookup id and the stable half prove that a token is of this grant; the rotating half says how old it is.
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

/** The settings as they are for one client. */
export interface RefreshSettings extends RefreshTokenSettings {
  readonly rotate: boolean
  readonly accessTokenTtl: number
}

/** A refresh token as a client presents it. */
export interface PresentedRefreshToken {
  readonly id: string
  readonly token: string
  readonly stable: string
  readonly rotatingDigest: string
}

/** The first refresh token of a grant. Its secret has two halves: one for the life of the grant, one that rotates. */
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

/** Whether the stable half is that of the row, and the row what it was when it was made. */
export function hasStableHalf(found: Credential, { stable }: PresentedRefreshToken): boolean {
  return hasSecret(found, stable)
}

/** The row bound to a key, too (RFC 7800). Its secret stays, and stands for less than before. */
export function boundTo(found: Credential, { stable }: PresentedRefreshToken, confirmation: Confirmation): Credential {
  const { id, kind, state, data } = found
  const made = { id, kind, secret: stable, state }
  return credentialOf(made, { ...authorizationOf(found), confirmation }, found, undefined, { rotation: data.rotation })
}

/** What changes with each refresh, in `data.rotation` of the refresh token's row. */
export interface Rotation {
  /** The digest of the rotating half before the current one. Left out: there was no refresh yet. */
  readonly previous?: string
  /** When the last refresh was. Seconds. */
  readonly refreshedAt?: number
  /** Where the access tokens of each set of resources are. */
  readonly places: readonly Place[]
}

export function rotationOf({ data }: Credential): Rotation {
  return data.rotation as Rotation
}

/** Two rows in turn for one set of resources, so that the token before survives, and one API's never ends another's. */
interface Place {
  /** Digest of the resources. */
  readonly set: string
  /** Which of its two rows has the newest access token. */
  readonly slot: 0 | 1
  /** Counts the refreshes: the place with the lowest was used longest ago. */
  readonly turn: number
}

/** Without resources there is one set alone. */
const setOf = (audience: Audience = []): string => (audience.length === 0 ? '' : sha256(formatResource(audience)))

/** Instances of a client, each with a key of its own, that share a refresh token which does not rotate. */
const MOST_KEYS = 8

function firstRotation(audience: Audience = []): Rotation {
  return audience.length === 0 ? unused : { places: [{ set: setOf(audience), slot: 0, turn: 0 }] }
}

const unused: Rotation = Object.freeze({ places: Object.freeze([Object.freeze({ set: '', slot: 0, turn: 0 })]) })

/**
 * The row of the next access token for these resources, and the places after it. There are no more places than the server
 * has resources, or with `jkt` resources and keys: one more set takes the place that was used longest ago.
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
  // one set of resources, as almost everywhere
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

/** Seconds in which a token that was just used gets the same response. */
export function windowOf({ rotate, replayWindow, accessTokenTtl }: RefreshSettings): number {
  // without rotation there is no successor to come back with, so what is replayed must still be good for something
  return rotate ? replayWindow : Math.min(replayWindow, accessTokenTtl)
}

/** Where the presented token stands: see the table above. */
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
  // both times are whole seconds: without the last one the window would be shorter than it is called
  if (replayable && window > 0 && age <= window) return 'replayable'
  return isCurrent(found, presented) ? 'current' : 'reused'
}

/** `state` is the digest of the rotating half, and where it does not rotate, something new behind it at each refresh. */
export function isCurrent({ state }: Credential, { rotatingDigest }: PresentedRefreshToken): boolean {
  return equalDigests(state.slice(0, SECRET_LENGTH), rotatingDigest)
}

/** @internal When a `maxAge` ends the session, even if it was configured after the session began. */
export function sessionEnd(
  { refreshTokens }: AuthorizationServer,
  startedAt: number,
  { refreshToken }: ClientLimits = {},
): number {
  const endless = Number.POSITIVE_INFINITY
  return startedAt + Math.min(refreshTokens?.maxAge ?? endless, refreshToken?.maxAge ?? endless)
}

/** `ttl` slides with each refresh, `maxAge` counts from the authorization and does not; nor does `until`, where there is one. */
export function refreshTokenExpiry(
  { ttl, maxAge = Number.POSITIVE_INFINITY }: RefreshTokenSettings,
  startedAt: number,
  now: number,
  until = Number.POSITIVE_INFINITY,
  limits: ClientLimits['refreshToken'] = {},
): number {
  return Math.min(now + Math.min(ttl, limits.ttl ?? ttl), startedAt + Math.min(maxAge, limits.maxAge ?? maxAge), until)
}

/** What the record of a client says, where it is stricter than the server. */
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
