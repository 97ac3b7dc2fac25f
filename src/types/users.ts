/** The users of the host: where they are found, who is signed in, and where the host's own pages are. Types only. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'

/**
 * A page of the host: a path, or a function that returns the URL. A path receives `?return_to=` with the path to return
 * to.
 */
export type HostPage = string | ((returnTo: string, req: Request) => Awaitable<string>)

/** A user, and no rows: a list is nobody. Where the host declares no `Express.User`, everything would be one. */
type FoundUser = Express.User & object & { readonly [Symbol.iterator]?: never; readonly then?: never }

/** The answer of `users.find`. */
export type FindAnswer = Awaitable<FoundUser | null | undefined>

/** The users of the host. `Found` is inferred from `find`, so that a forgotten `return` does not compile. */
export interface Users<Found extends FindAnswer = FindAnswer> {
  /**
   * Finds the user with that `id` (a number as text); undefined or null for a deleted user. It also receives ids of
   * clients.
   */
  find: (userId: string) => Found
  /**
   * The signed-in user of this browser: an id, or a value with an `id` and a name to show. Undefined if signed out.
   * Used by `consentPage`, `approve` and `connectedAppsRouter`. An error of an authorization request goes to the client
   * only for a signed-in user.
   * @default (req) => req.user
   */
  current?: (req: Request) => Awaitable<unknown>
  /** Where to send a browser that is not signed in. @default none: `consentPage` needs one */
  signIn?: HostPage
  /**
   * What `openid()` tells clients of a user, by the names of claims: `{ name, email, email_verified }`. Called with what
   * `find` returned.
   * @default the user itself
   */
  claims?: (user: Express.User) => Awaitable<object>
  /** Where another user can sign in. @default the consent page has no such link */
  switchUser?: HostPage
}

/** A signed-in user: the id, and the account as the host returned it. */
export interface SignedIn {
  readonly id: string
  readonly account: unknown
}

/** The users as one page sees them: its own options, else those of the server. */
export interface PageUsers {
  /** The signed-in user; undefined if signed out. Throws for a user without an id. */
  readonly signedIn: (req: Request) => Promise<SignedIn | undefined>
  readonly signIn: HostPage | undefined
  readonly switchUser: HostPage | undefined
}
