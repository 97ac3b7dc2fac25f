/** Token exchange (RFC 8693) as a host's `allow` sees it: who the new token is about, and who acts. Types only. */
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Client } from '../storage'
import type { Actor, Confirmation } from './authorization'

/** The subject or the actor of a token exchange: whom a token is about, and what it says. */
export interface ExchangeParty {
  /** The type of its token (RFC 8693 §3), such as `urn:ietf:params:oauth:token-type:access_token`. */
  readonly tokenType: string
  /** The issuer of its token: that of this server, or a trusted one. */
  readonly issuer: string
  /** Its id there: the `sub` of a JWT, the id of a user, or that of a client that acts for itself. */
  readonly sub: string
  /** Its user. Left out for a client that acts for itself, and for the actor in a JWT of another issuer. */
  readonly userId?: string
  /** The client that an access token of this server was issued to. */
  readonly clientId?: string
  /** The scope of its token. Left out where the token limits none. */
  readonly scope?: Scope
  /** The resources of its token (RFC 8707). Left out where the token limits none. */
  readonly audience?: Audience
  /** When its token expires. Seconds. Left out for a type of your own that does not say. */
  readonly expiresAt?: number
  /** Who acts for it already, by an exchange before this one. */
  readonly actor?: Actor
  /** The key that its token is bound to. */
  readonly confirmation?: Confirmation
  /** The claims of its token, where that is a JWT. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A request to exchange a token whose tokens are valid: what `allow` decides about. */
export interface TokenExchange {
  /** The client that asks, and gets the new token. */
  readonly client: Client
  /** Whom the new token is about. */
  readonly subject: ExchangeParty
  /** Who acts for the subject: delegation. Left out: the client gets a token as the subject, which is impersonation. */
  readonly actor?: ExchangeParty
  /** What the new token may have: the requested scope, within those of the subject token and the client. */
  readonly scope: Scope
  /** What the new token is for, within the audience of the subject token. Empty where the server has no `resources`. */
  readonly audience: Audience
}

/** The decision of `allow` that lets a token be exchanged. */
export interface AllowedExchange {
  /** The user of the new token: that of the subject. Undefined where the subject is a client that acts for itself. */
  userId: string | number | undefined
  /** The granted scope, at most that of the exchange. @default that of the exchange */
  scope?: string | Scope
  /**
   * Whether there is a refresh token, where the client's record allows that grant and the session of the subject token
   * has one. It outlives the subject token.
   * @default false
   */
  refreshToken?: boolean
}

/** What a token of a type of your own stands for. */
export interface ExchangedSubject {
  /** The user that it is about. */
  userId: string | number
  /** The scope that it allows at most. @default what the client may have */
  scope?: string | Scope
  /** When it expires. Seconds since the epoch. @default never */
  expiresAt?: number
  /** When the session that it is of began: what was revoked since stays revoked. Seconds. @default when the request arrived */
  startedAt?: number
}
