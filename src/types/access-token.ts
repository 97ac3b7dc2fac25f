/** Access tokens: what they mean, their format, and where Passport puts them on the request. Types only. */

import type { Awaitable } from '../awaitable'
import type { AuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Credential } from '../storage'
import type { Actor, Confirmation, Exchange } from './authorization'
import type { AuthorizationServer, UnsignedToken } from './authorization-server'

/** What an access token means: the guard sets it as `req.authInfo`. */
export interface AccessToken {
  readonly clientId: string
  /** The resource owner. Omitted for client credentials and app authorization, which have no user. */
  readonly userId?: string
  readonly scope: Scope
  /** Seconds since the epoch. Omitted for app authorization by `client_id`, which sends no token. */
  readonly expiresAt?: number
  readonly grantId?: string
  /** The resources that the token is for (RFC 8707). Omitted if the server has no `resources` and issues no JWTs. */
  readonly audience?: readonly string[]
  /**
   * The token's authorization details (RFC 9396), frozen. Omitted if the authorization has none. Empty if none remain.
   */
  readonly authorizationDetails?: AuthorizationDetails
  /** When the user signed in (RFC 9470 §6). Seconds. Omitted if unknown, for example without the scope `openid`. */
  readonly authTime?: number
  /** The authentication context class of that sign-in. Omitted if the host reports none. */
  readonly acr?: string
  /**
   * The key that the token is bound to (RFC 7800): `{ jkt }` with DPoP, `{ 'x5t#S256' }` with a certificate. Omitted
   * for bearer tokens.
   */
  readonly confirmation?: Confirmation
  /** The party that acts for the user, as in the claim `act` (RFC 8693 §4.1). Omitted if the user acts alone. */
  readonly actor?: Actor
  /** How the token was exchanged for another one (RFC 8693). Omitted if it was not exchanged. */
  readonly exchange?: Exchange
  /** The claims of a JWT (RFC 9068). Omitted for opaque tokens. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** The row of a token, and the part of the token that the row's digest covers. A stateless token contains its row. */
export interface LocatedToken {
  readonly id: string
  readonly secret: string
  readonly claims?: AccessToken['claims']
  readonly row?: Credential
  /**
   * Called after the response. Set for personal access tokens only: it records when the token was used. Never throws.
   */
  readonly used?: () => void
}

/**
 * The access token that identified the user of an authorization. The new authorization belongs to the token's grant and
 * never exceeds it.
 */
export interface SourceToken {
  readonly grantId: string
  /** Identifies the session within its grant. Empty for the session that began the grant. */
  readonly session: string
  /** When the access token expires. Seconds. */
  readonly expiresAt: number
}

// declared as @types/passport declares them, so that both declarations merge
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

/** The format of access tokens: `opaque()` or `jwt()`. */
export interface AccessTokenFormat {
  /** Lifetime in seconds. */
  readonly ttl: number
  /** Creates a token. `secret` is the part of it that the digest of its row covers. */
  readonly create: (server: AuthorizationServer, token: UnsignedToken) => Awaitable<{ token: string; secret: string }>
  /** @internal Set by `opaque()`: rebuilds the token from its lookup id and its secret. */
  readonly tokenOf?: (id: string, secret: string) => string
  /** Finds the row of a token. Returns undefined for a token of another format. */
  readonly locate: (server: AuthorizationServer, token: string) => Awaitable<LocatedToken | undefined>
  /** @internal Set by `jwt()`: the audience of a token if the request names no resource. */
  readonly audience?: Audience
  /** @internal Set by `jwt()`: the public keys (RFC 7517 §5). */
  readonly jwks?: () => { readonly keys: readonly object[] }
  /** Set by `jwt()`: the signing keys by algorithm. */
  readonly signers?: () => ReadonlyMap<string, unknown>
  /** @internal Set by `jwt({ stateless: true })`: its tokens have no row. */
  readonly stateless?: boolean
  /** @internal Set by `personalTokens()`: the prefix of personal access tokens. */
  readonly personalTokenPrefix?: string
}
