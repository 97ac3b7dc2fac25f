/** Token exchange (RFC 8693) as the host's `allow` sees it: the subject, the actor and the decision. Types only. */
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Client } from '../storage'
import type { Actor, Confirmation } from './authorization'

/** The subject or the actor of a token exchange, as its token describes it. */
export interface ExchangeParty {
  /** The token type (RFC 8693 §3), such as `urn:ietf:params:oauth:token-type:access_token`. */
  readonly tokenType: string
  /** The issuer of the token: this server or a trusted one. */
  readonly issuer: string
  /** The id at that issuer: the `sub` of a JWT, a user id, or the id of a client that acts for itself. */
  readonly sub: string
  /** The id of the user. Omitted for a client that acts for itself, and for an actor's JWT of another issuer. */
  readonly userId?: string
  /** The client that this server issued the access token to. */
  readonly clientId?: string
  /** The scope of the token. Omitted if the token does not limit the scope. */
  readonly scope?: Scope
  /** The resources of the token (RFC 8707). Omitted if the token does not limit the resources. */
  readonly audience?: Audience
  /** When the token expires. Seconds. Omitted if a token type of your own has no expiry. */
  readonly expiresAt?: number
  /** The party that acts for it already, from an earlier exchange. */
  readonly actor?: Actor
  /** The key that the token is bound to. */
  readonly confirmation?: Confirmation
  /** The claims of the token if it is a JWT. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A token exchange whose tokens are valid, for `allow` to decide about. */
export interface TokenExchange {
  /** The client that requests and receives the new token. */
  readonly client: Client
  /** The subject of the new token. */
  readonly subject: ExchangeParty
  /** The actor. Set for delegation. Omitted for impersonation: the client gets a token as the subject. */
  readonly actor?: ExchangeParty
  /** The scope of the new token: the requested one, limited by the subject token and the client. */
  readonly scope: Scope
  /** The resources of the new token, limited by the subject token. Empty if the server has no `resources`. */
  readonly audience: Audience
}

/** The decision of `allow` to permit the exchange. */
export interface AllowedExchange {
  /** The user of the new token: the user of the subject. Undefined if the subject is a client that acts for itself. */
  userId: string | number | undefined
  /** The granted scope, at most the scope of the exchange. @default the scope of the exchange */
  scope?: string | Scope
  /**
   * Whether to issue a refresh token, which outlives the subject token. It needs the grant type in the client's record,
   * and a refresh token in the session of the subject token.
   * @default false
   */
  refreshToken?: boolean
}

/** What a token of your own type means. */
export interface ExchangedSubject {
  /** The id of its user. */
  userId: string | number
  /** The maximum scope. @default the scope that the client may request */
  scope?: string | Scope
  /** When the token expires. Seconds since the epoch. @default never */
  expiresAt?: number
  /** When its session began. Revocations since then apply to it. Seconds. @default when the request arrived */
  startedAt?: number
}
