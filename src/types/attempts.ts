/** Attempts at secrets that people choose, registrations and fetches: who may make how many, and which were right. Types only. */
import type { Awaitable } from '../awaitable'

/** One try at a secret that people choose, one registration that is open to everybody, or one fetch for a stranger. */
export interface Attempt {
  readonly kind: 'password' | 'client_secret' | 'registration' | 'document'
  /** Whose secret, exactly as it was sent: a username or a client id. Empty for a registration; of a client metadata document the host it is at. */
  readonly account: string
  /** Where it comes from: an IPv4 address or an IPv6 /64; of the last two, which count for a whole customer, a /48. */
  readonly network: string
}

/** An attempt that may be made. Until one of the two is called it counts as a failure. */
export interface TakenAttempt {
  /** The secret was right: the attempt does not count, and the network is one that this account is used from. */
  readonly succeed: () => Awaitable<void>
  /** Nobody looked at the secret: the attempt does not count. @default it counts */
  readonly giveBack?: () => Awaitable<void>
}

/** Who may try how often. `memoryThrottle()` and `limiterThrottle()` make one. What it throws means no. */
export interface Throttle {
  /** Takes one attempt, before the secret is looked at; or the seconds to wait when there is none left. */
  readonly take: (attempt: Attempt) => Awaitable<{ retryAfter: number } | TakenAttempt>
}

/** Chosen client secrets that were right before, so that a busy client pays for bcrypt once. */
export interface VerifiedSecrets {
  /** Whether this secret was right before against exactly this hash. */
  readonly isKnown: (clientId: string, secret: string, bcryptHash: string) => boolean
  readonly verify: (clientId: string, secret: string, bcryptHash: string, network?: string) => Awaitable<boolean>
}
