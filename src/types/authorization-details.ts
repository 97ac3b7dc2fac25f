/** The kinds of authorization details that a server knows (RFC 9396): the option of the host, and what is made of it. Types only. */
import type { Awaitable } from '../awaitable'
import type { AuthorizationDetail } from '../rules/authorization-details'
import type { Client } from '../storage'
import type { Capability } from './capability'

/** A type of authorization details (RFC 9396 §2), by its name in `authorizationDetails` of the server. */
export interface AuthorizationDetailsOptions {
  /**
   * The members that a detail of this type may have beside `type`: `['amount', 'creditor']`. One with any other is refused.
   * @default none
   */
  members?: readonly string[]
  /**
   * Throws an `OAuthError` with `invalid_authorization_details` for a detail that is wrong; returns nothing for a right
   * one. The details of a client are bounded in size and number, and their strings have no control characters; what its
   * members may be is yours to check. Called at each request that asks a user, so also again while they answer.
   */
  check: (detail: AuthorizationDetail, client: Client) => Awaitable<void>
  /**
   * Returns the detail as one sentence of plain text, for the consent page and the connected apps:
   * `'Pay 10 € to Ada'`. `language` is that of the page, such as `'de'`.
   */
  describe: (detail: AuthorizationDetail, language: string) => string
  /**
   * The ids of clients that get it without a user, by client credentials (RFC 9396 §6).
   * @default no client
   */
  withoutUser?: readonly string[]
}

/** Set by the option `authorizationDetails`: its types, checked. */
export interface AuthorizationDetailTypes extends Capability {
  readonly types: ReadonlyMap<string, Readonly<AuthorizationDetailsOptions>>
}
