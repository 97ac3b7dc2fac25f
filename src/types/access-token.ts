/** What an access token stands for and looks like, and Passport's places on the request, typed. Types only. */

import type { Awaitable } from '../awaitable'
import type { AuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Credential } from '../storage'
import type { Actor, Confirmation, Exchange } from './authorization'
import type { AuthorizationServer, UnsignedToken } from './authorization-server'

/** The meaning of an access token: the guard's `req.authInfo`. */
export interface AccessToken {
  readonly clientId: string
  /** The resource owner. Left out for client credentials and app authorization, which have no user. */
  readonly userId?: string
  readonly scope: Scope
  /** Seconds since the epoch. Left out for app authorization by `client_id`, where no token was sent. */
  readonly expiresAt?: number
  readonly grantId?: string
  /** The resources that it is for (RFC 8707). Left out where the server has no `resources` and no JWTs. */
  readonly audience?: readonly string[]
  /**
   * Its authorization details (RFC 9396), frozen. Left out where the authorization has none; empty where none is left.
   */
  readonly authorizationDetails?: AuthorizationDetails
  /** When its user signed in, in seconds (RFC 9470 §6). Left out where that is not known, as without the scope `openid`. */
  readonly authTime?: number
  /** The authentication context class of that sign-in. Left out where the host names none. */
  readonly acr?: string
  /** The key that it is bound to (RFC 7800): `{ jkt }` with DPoP, `{ 'x5t#S256' }` with a certificate. Left out for a bearer token. */
  readonly confirmation?: Confirmation
  /** The party that acts for the user (RFC 8693 §4.1), named as in `act`. Left out where the user acts alone. */
  readonly actor?: Actor
  /** How it came of another token (RFC 8693). Left out for a token that was not exchanged. */
  readonly exchange?: Exchange
  /** The claims of a JWT (RFC 9068). Left out for opaque tokens. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** The row that a token names, and the part of the token that its digest covers; a stateless token carries its row. */
export interface LocatedToken {
  readonly id: string
  readonly secret: string
  readonly claims?: AccessToken['claims']
  readonly row?: Credential
  /** Called once the token has let a request in, and the answer is sent. Never throws. Left out: nothing is noted. */
  readonly used?: () => void
}

/**
 * The access token with which an authorization begins. That authorization belongs to the token's grant and never
 * exceeds it.
 */
export interface SourceToken {
  readonly grantId: string
  /** Identifies the session within its grant: '' for the one that began the grant. */
  readonly session: string
  /** When the access token expires. Seconds. */
  readonly expiresAt: number
}

// Passport's own places, declared as @types/passport does, so that both merge
declare global {
  namespace Express {
    // hosts and @types/passport add the members
    interface User {}
    interface AuthInfo extends Partial<AccessToken> {}
    interface Request {
      authInfo?: AuthInfo | undefined
      user?: User | undefined
    }
  }
}

/** The form of access tokens: `opaque()` or `jwt()`. */
export interface AccessTokenFormat {
  /** Lifetime in seconds. */
  readonly ttl: number
  /** Makes a token, and the part of it that the digest of its row covers. */
  readonly create: (server: AuthorizationServer, token: UnsignedToken) => Awaitable<{ token: string; secret: string }>
  /** @internal Set by `opaque()`: rebuilds the token of a lookup id and a secret. */
  readonly tokenOf?: (id: string, secret: string) => string
  /** The row that a token names; undefined for a token of another form. */
  readonly locate: (server: AuthorizationServer, token: string) => Awaitable<LocatedToken | undefined>
  /** @internal Set by `jwt()`: the audience of a token whose request names no resource. */
  readonly audience?: Audience
  /** @internal Set by `jwt()`: the public keys (RFC 7517 §5). */
  readonly jwks?: () => { readonly keys: readonly object[] }
  /** Set by `jwt()`: what signs, by algorithm. */
  readonly signers?: () => ReadonlyMap<string, unknown>
  /** @internal Set by `jwt({ stateless: true })`: its tokens have no row. */
  readonly stateless?: boolean
  /** @internal Set by `personalTokens()`: what a personal token begins with. */
  readonly personalTokenPrefix?: string
}
