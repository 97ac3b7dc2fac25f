/** The users of the host: where they are found, who is signed in, and where the host's own pages are. Types only. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'

/** A page of the host: a path, which gets `?return_to=` with the path to come back to, or a function that makes the URL. */
export type HostPage = string | ((returnTo: string, req: Request) => Awaitable<string>)

/** The users of the host. */
export interface Users {
  /** The user with that `id` (a number is its text), or nothing: for who is gone, and for ids of clients, asked for, too. */
  find: (userId: string) => Awaitable<Express.User | null | undefined>
  /**
   * The user who is signed in in this browser: an id, or a value with an `id` and a name to show; undefined for nobody.
   * Used by `consentPage`, `approve` and `connectedAppsRouter`, and to tell whether an error of an authorization request
   * may be sent to the client. @default (req) => req.user
   */
  current?: (req: Request) => Awaitable<unknown>
  /** Where to send a browser that is not signed in. @default none: `consentPage` needs one */
  signIn?: HostPage
  /** Where a user goes who is not the one signed in. @default the consent page has no such link */
  switchUser?: HostPage
}

/** A signed-in user: the id, and the account as the host returned it. */
export interface SignedIn {
  readonly id: string
  readonly account: unknown
}

/** The users as one page sees them: its own options, else those of the server. */
export interface PageUsers {
  /** Who is signed in; undefined for nobody. Throws for a user without an id. */
  readonly signedIn: (req: Request) => Promise<SignedIn | undefined>
  readonly signIn: HostPage | undefined
  readonly switchUser: HostPage | undefined
}
