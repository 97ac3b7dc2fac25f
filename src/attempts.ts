/** Attempts at secrets that people choose, registrations and fetches: who may make how many, and which were right. Types only. */
import type { Awaitable } from './awaitable'

/** One try at a secret that people choose, one registration that is open to everybody, or one fetch for a stranger. */
export interface Attempt {
  readonly kind: 'password' | 'client_secret' | 'registration' | 'document'
  /** Whose secret: a username or a client id. Empty for a registration; of a client metadata document the host it is at. */
  readonly account: string
  /** Where it comes from: an IPv4 address or an IPv6 /64; of the last two, which count for a whole customer, a /48. */
  readonly network: string
}

/** Who may try how often. `memoryThrottle()` and `limiterThrottle()` make one. What it throws means no. */
export interface Throttle {
  /**
   * Takes one attempt, before the secret is looked at: the seconds to wait when there is none left, or what to call when
   * the secret was right, so that the attempt does not count.
   */
  readonly take: (attempt: Attempt) => Awaitable<
    | { retryAfter: number }
    | {
        /** Takes the attempt back. */
        succeed: () => Awaitable<void>
      }
  >
}

/** Chosen client secrets that were right before, so that a busy client pays for bcrypt once. */
export interface VerifiedSecrets {
  /** Whether this secret was right before against exactly this hash. */
  readonly isKnown: (clientId: string, secret: string, bcryptHash: string) => boolean
  readonly verify: (clientId: string, secret: string, bcryptHash: string, network?: string) => Awaitable<boolean>
}
