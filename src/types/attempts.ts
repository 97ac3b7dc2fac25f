/** Rate limits for chosen secrets, registrations and fetches, and a memory of verified secrets. Types only. */
import type { Awaitable } from '../awaitable'

/**
 * One attempt that a throttle counts: a chosen secret, a device's user code, or an open registration. It may also be a
 * document fetch for an unverified client, or a stored request of a public client.
 */
export interface Attempt {
  readonly kind: 'password' | 'client_secret' | 'registration' | 'document' | 'public_client' | 'user_code'
  /**
   * The username or client id, exactly as sent. For a document fetch, the host of the document; for a public client's
   * request, the network. Empty for a registration and for a user code.
   */
  readonly account: string
  /**
   * The sender's network: an IPv4 address or an IPv6 /64. For all attempts but secrets an IPv6 /48, so that all of a
   * customer's networks count together.
   */
  readonly network: string
}

/** An admitted attempt. It counts as a failure until `succeed` or `giveBack` is called. */
export interface TakenAttempt {
  /** Call it if the secret was right. The attempt no longer counts, and this network becomes known for the account. */
  readonly succeed: () => Awaitable<void>
  /** Call it if the secret was not verified. The attempt no longer counts. @default the attempt counts */
  readonly giveBack?: () => Awaitable<void>
}

/** Limits attempts: `memoryThrottle()` or `limiterThrottle()`. If it throws, the attempt is refused. */
export interface Throttle {
  /** Counts one attempt before the secret is verified. Returns the seconds to wait if no attempt is left. */
  readonly take: (attempt: Attempt) => Awaitable<{ retryAfter: number } | TakenAttempt>
}

/** Remembers verified chosen client secrets, so that a busy client pays for bcrypt once. */
export interface VerifiedSecrets {
  /** Whether this secret was verified before against exactly this hash. */
  readonly isKnown: (clientId: string, secret: string, bcryptHash: string) => boolean
  readonly verify: (clientId: string, secret: string, bcryptHash: string, network?: string) => Awaitable<boolean>
}
