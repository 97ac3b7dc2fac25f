/** Attempts at secrets that people choose, registrations and fetches: who may make how many, and which were right. Types only. */
import type { Awaitable } from '../awaitable'

/**
 * One attempt at a chosen secret or the code of a device, one open registration, one document fetch for an unverified
 * client, or one request of a public client that is stored.
 */
export interface Attempt {
  readonly kind: 'password' | 'client_secret' | 'registration' | 'document' | 'public_client' | 'user_code'
  /**
   * The username or client id, exactly as it was sent. Empty for a registration and for the code of a device; the host
   * of a client metadata document; the network for a request of a public client.
   */
  readonly account: string
  /**
   * The sender's network: an IPv4 address or an IPv6 /64; for all but secrets a /48, to count a whole
   * customer.
   */
  readonly network: string
}

/** An admitted attempt. Until one of the two is called it counts as a failure. */
export interface TakenAttempt {
  /** The secret was right: the attempt does not count, and the account now knows this network. */
  readonly succeed: () => Awaitable<void>
  /** The secret was not verified: the attempt does not count. @default it counts */
  readonly giveBack?: () => Awaitable<void>
}

/** Limits attempts: `memoryThrottle()` or `limiterThrottle()`. A thrown error refuses. */
export interface Throttle {
  /** Counts one attempt, before the secret is verified; or returns the seconds to wait when no attempt is left. */
  readonly take: (attempt: Attempt) => Awaitable<{ retryAfter: number } | TakenAttempt>
}

/** Chosen client secrets that were right before, so that a busy client pays for bcrypt once. */
export interface VerifiedSecrets {
  /** Whether this secret was right before against exactly this hash. */
  readonly isKnown: (clientId: string, secret: string, bcryptHash: string) => boolean
  readonly verify: (clientId: string, secret: string, bcryptHash: string, network?: string) => Awaitable<boolean>
}
