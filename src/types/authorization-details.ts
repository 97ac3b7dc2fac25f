/** The types of authorization details that a server supports (RFC 9396). Types only. */
import type { Awaitable } from '../awaitable'
import type { AuthorizationDetail } from '../rules/authorization-details'
import type { Client } from '../storage'
import type { Capability } from './capability'

/** One type of authorization details (RFC 9396 §2), under its name in the option `authorizationDetails`. */
export interface AuthorizationDetailsOptions {
  /**
   * The members that a detail of this type may have in addition to `type`: `['amount', 'creditor']`. A detail with
   * another member is refused.
   * @default none
   */
  members?: readonly string[]
  /**
   * Validates a detail: throws an `OAuthError` with `invalid_authorization_details` to refuse it, or returns nothing. The
   * server limits size and number and refuses control characters; check everything else here. Called again with each
   * request of the browser while the user decides.
   */
  check: (detail: AuthorizationDetail, client: Client) => Awaitable<void>
  /**
   * Returns the detail as one sentence of plain text for the consent page and the connected apps: `'Pay 10 € to Ada'`.
   * `language` is the language of the page: `'de'`.
   */
  describe: (detail: AuthorizationDetail, language: string) => string
  /**
   * The ids of clients that may get such details by client credentials, without a user (RFC 9396 §6).
   * @default no client
   */
  withoutUser?: readonly string[]
}

/** The validated value of the option `authorizationDetails`. */
export interface AuthorizationDetailTypes extends Capability {
  readonly types: ReadonlyMap<string, Readonly<AuthorizationDetailsOptions>>
}
