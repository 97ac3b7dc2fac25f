/** The options of `openid()`, checked, as its parts see them. Types only. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import type { KeyRing } from '../jwt/key-ring'
import type { UserClaims } from './claims'
import type { Subjects } from './subject'

/** How the user of a browser signed in at the host. */
export interface SignIn {
  /** When. A Date, or seconds since the epoch. */
  time: Date | number
  /** The authentication context class (OpenID Connect Core §2), one of `acrValues` where you have any. @default none */
  acr?: string
  /** The authentication methods, such as `['pwd', 'otp']` (RFC 8176). @default none */
  amr?: readonly string[]
  /** The id of the session at your app, for logout. Clients never see it. @default none: such a session is not ended */
  sessionId?: string
}

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
}
