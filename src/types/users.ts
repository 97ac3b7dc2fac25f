/** The users of the host: how to find one, who is signed in, and the host's own pages. Types only. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'

/**
 * A page of the host: a path, or a function that returns the URL. A path receives `?return_to=` with the path to return
 * to.
 */
export type HostPage = string | ((returnTo: string, req: Request) => Awaitable<string>)

/** An object that is not a list or a promise. Needed because an empty `Express.User` accepts any value. */
type FoundUser = Express.User & object & { readonly [Symbol.iterator]?: never; readonly then?: never }

/** The return value of `users.find`. */
export type FindAnswer = Awaitable<FoundUser | null | undefined>

/** The users of the host. `Found` is inferred from `find`, so that a forgotten `return` does not compile. */
export interface Users<Found extends FindAnswer = FindAnswer> {
  /**
   * Returns the user with this id, which is always a string. Returns undefined or null for a deleted user. Some calls
   * pass the id of a client.
   */
  find: (userId: string) => Found
  /**
   * Returns the signed-in user of this browser: an id, or an object with an `id` and a display name. Returns undefined
   * if no user is signed in. `consentPage`, `approve` and `connectedAppsRouter` use it. Without a signed-in user the
   * server does not redirect errors to the client.
   * @default (req) => req.user
   */
  current?: (req: Request) => Awaitable<unknown>
  /** The sign-in page. @default none: `consentPage` needs one */
  signIn?: HostPage
  /**
   * Returns the user's claims for `openid()`, by claim name: `{ name, email, email_verified }`. It receives what `find`
   * returned.
   * @default the user itself
   */
  claims?: (user: Express.User) => Awaitable<object>
  /** The page where another user can sign in. @default the consent page has no such link */
  switchUser?: HostPage
}

/** A signed-in user: the id, and the account as the host returned it. */
export interface SignedIn {
  readonly id: string
  readonly account: unknown
}

/** The users as one page sees them: the page's own options, or else the server's. */
export interface PageUsers {
  /** Returns the signed-in user, or undefined if none is. Throws for a user without an id. */
  readonly signedIn: (req: Request) => Promise<SignedIn | undefined>
  readonly signIn: HostPage | undefined
  readonly switchUser: HostPage | undefined
}
