/** The checked options of `openid()`, for its parts to find by their server. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import type { KeyRing } from '../jwt/key-ring'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { OpenIdProvider, SignIn, Subjects } from '../types/openid'
import type { UserClaims } from './claims'

/** Returns how the user of this browser signed in; undefined or null if nobody is signed in. */
export type AuthenticationOf = (req: Request) => Awaitable<SignIn | undefined | null>

export interface Settings {
  readonly ring: () => KeyRing
  readonly authentication: AuthenticationOf
  readonly claims: UserClaims
  readonly subjects: Subjects
  readonly acrValues: readonly string[]
  /** Seconds. */
  readonly sessionTtl: number
  /** Whether URLs of clients may be on loopback with http. */
  readonly withLoopback: boolean
}

/** The settings, by the value of `openid()`. */
const known = new WeakMap<OpenIdProvider, Settings>()

/** Remembers the settings of a value. */
export function withSettings(provider: OpenIdProvider, settings: Settings): OpenIdProvider {
  known.set(provider, settings)
  return provider
}

/** Returns the settings. @throws TypeError for a server without `openid`, naming `owner`. */
export function requireSettings(owner: string, { openid }: AuthorizationServer): Settings {
  const settings = openid && known.get(openid)
  if (settings) return settings
  throw misuse('missing_capability', `${owner} needs the option openid of the server: openid({ keys, authentication })`)
}
