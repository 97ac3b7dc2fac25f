/**
 * The members of a record that restrict one client further than the server's options: token lifetimes and CORS origins.
 * Each use takes the stricter of both, also if the options change later.
 */
import type { Request } from 'express'
import { OAuthError } from '../errors'
import { isOrigin } from '../http/endpoint'
import type { ClientLimits } from '../storage/client-limits'
import type { ClientMetadata } from '../types/client-metadata'
import { mayOmitAuthentication, secretMethods } from './client'
import { type ClientMetadataRules, invalid, type MemberType, requireType } from './member-checks'

type RefreshLimits = NonNullable<ClientLimits['refreshToken']>

const isSeconds = (value: unknown, least = 1) => Number.isSafeInteger(value) && (value as number) >= least

export const seconds: MemberType = { words: 'a whole number of seconds of at least 1', is: (value) => isSeconds(value) }

/** The members' names in JSON, in the order of the record's. */
const wireNames = { ttl: 'ttl', maxAge: 'max_age', rotate: 'rotate', replayWindow: 'replay_window' } as const

const isLimit: { readonly [N in keyof RefreshLimits]-?: (value: unknown) => boolean } = {
  ttl: isSeconds,
  maxAge: isSeconds,
  rotate: (value) => typeof value === 'boolean',
  replayWindow: (value) => isSeconds(value, 0),
}

export const refreshToken: MemberType = {
  words: 'an object with ttl, max_age and replay_window in whole seconds, and rotate as true or false',
  is(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const limits = Object.entries(value)
    return limits.length > 0 && limits.every(([name, limit]) => Object.hasOwn(isLimit, name) && isLimitOf(name, limit))
  },
  read(member, value) {
    if (typeof value !== 'object' || value === null) return value
    const names = Object.entries(wireNames)
    return Object.fromEntries(
      Object.entries(value).map(([wire, limit]) => {
        const name = names.find(([, one]) => one === wire)?.[0]
        if (name === undefined) requireType(refreshToken, member, undefined)
        return [name, limit]
      }),
    )
  },
  write: (limits: RefreshLimits) =>
    Object.fromEntries(Object.entries(limits).map(([name, limit]) => [wireNames[name as keyof RefreshLimits], limit])),
}

function isLimitOf(name: string, limit: unknown): boolean {
  return isLimit[name as keyof RefreshLimits](limit)
}

export function accessTokenTtl(member: string, ttl: number, { accessTokens }: ClientMetadataRules): number {
  if (ttl <= accessTokens.ttl) return ttl
  throw invalid(`${member} must be at most that of the server, ${accessTokens.ttl} seconds`)
}

export function refreshTokenLimits(
  member: string,
  limits: RefreshLimits,
  { refreshTokens: allowed }: ClientMetadataRules,
  record: ClientMetadata,
): RefreshLimits {
  if (!allowed) throw invalid(`${member} needs refreshToken() in the grants of the server`)
  for (const name of ['ttl', 'maxAge', 'replayWindow'] as const) {
    const [limit = 0, most = Number.POSITIVE_INFINITY] = [limits[name], allowed[name]]
    if (limit > most) throw invalid(`${name} of ${member} must be at most that of the server, ${most} seconds`)
  }
  const { tokenEndpointAuthMethods = secretMethods } = record
  const rotates =
    allowed.rotate === 'public-clients' ? mayOmitAuthentication({ tokenEndpointAuthMethods }) : allowed.rotate
  if (rotates && limits.rotate === false) throw invalid(`rotate of ${member} must be true, as that of the server`)
  if (!rotates && !limits.rotate && limits.replayWindow === 0) {
    throw invalid(`replayWindow of ${member} must be above 0 without rotation`)
  }
  return limits
}

/** Whether a limit is looser than before, or removed. */
export function isLooser(next: RefreshLimits, before: RefreshLimits = {}): boolean {
  const isLonger = (name: 'ttl' | 'maxAge' | 'replayWindow') => {
    const [limit = Number.POSITIVE_INFINITY, old = Number.POSITIVE_INFINITY] = [next[name], before[name]]
    return limit > old
  }
  return isLonger('ttl') || isLonger('maxAge') || isLonger('replayWindow') || (before.rotate === true && !next.rotate)
}

export function corsOrigins(member: string, origins: readonly string[]): readonly string[] {
  if (origins.every(isOrigin)) return [...new Set(origins)]
  throw invalid(`${member} must be origins as a browser sends them, such as https://app.example.com`)
}

/**
 * A preflight names no client, so it admitted every origin that the router allows. Now the client is known: a script of
 * another origin gets no response, and nothing is used up.
 */
export function requireOwnOrigin(
  { corsOrigins: own = [] }: ClientLimits,
  { issuer }: { readonly issuer: string },
  req: Request,
): void {
  const { origin } = req.headers
  // pages of the server itself need no CORS
  if (origin === undefined || own.includes(origin) || origin === new URL(issuer).origin) return
  req.res?.removeHeader('Access-Control-Allow-Origin')
  throw new OAuthError('unauthorized_client', 'This client may not be used by scripts of this origin.')
}
