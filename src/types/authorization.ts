/** The authorization: one value that goes from the request to the code, the tokens and introspection. Types only. */
import type { AuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'

/**
 * An authorization: its client, user, scope and start. The digest of every credential covers all members. A new member
 * is bound, kept through every refresh and stored in the grant without another change.
 */
export interface Authorization {
  readonly clientId: string
  /** The resource owner. Omitted if the client acts for itself. */
  readonly userId?: string
  /** The grant. Omitted if there is none, or none yet. */
  readonly grantId?: string
  readonly scope: Scope
  /** When the first request of the authorization arrived. Seconds. */
  readonly startedAt: number
  /** The resources (RFC 8707). Omitted if the server has none. */
  readonly audience?: Audience
  /** The authorization details (RFC 9396), which say more than a scope. Omitted if the request had none. */
  readonly authorizationDetails?: AuthorizationDetails
  /** The key that the tokens are bound to (RFC 7800). Omitted for bearer tokens. */
  readonly confirmation?: Confirmation
  /** How the user signed in. Omitted without the scope `openid`. */
  readonly authentication?: Authentication
  /** The party that acts for the user (RFC 8693 §4.1). Omitted without a party, and if it is not to be disclosed. */
  readonly actor?: Actor
  /** How the token was exchanged for another one (RFC 8693 §1.1). Omitted if it was not exchanged. */
  readonly exchange?: Exchange
}

/** With delegation the token names the acting party. With impersonation its claims do not. */
export type Exchange = 'delegation' | 'impersonation'

/** A sign-in at the host, as id_tokens report it (OpenID Connect Core §2). */
export interface Authentication {
  readonly acr?: string
  readonly amr?: readonly string[]
  /** When the server asked the host for the sign-in. Seconds. If the session ends later, its code is refused. */
  readonly at?: number
  /** The claims requested by name, in addition to the claims of the scope (OpenID Connect Core §5.5). */
  readonly claims?: { readonly id_token: readonly string[]; readonly userinfo: readonly string[] }
  /** The session at the host, under a name that only the storage contains. */
  readonly session?: string
  /** The session at the host, under a name that only this client gets. */
  readonly sid?: string
  /** When the user signed in. Seconds. */
  readonly time: number
  /** Keeps the grant until this time, even if its tokens expire before. Seconds. */
  readonly until?: number
}

/** The key that a token is bound to, as `cnf` names it (RFC 7800 §3.1). */
export interface Confirmation {
  /** The thumbprint (RFC 7638, SHA-256) of the key that signs the DPoP proofs (RFC 9449 §6). */
  readonly jkt?: string
  /** The thumbprint (SHA-256) of the certificate of the TLS connection (RFC 8705 §3.1). */
  readonly 'x5t#S256'?: string
  /** Any other confirmation member. A token is refused if no sender constraint verifies its member. */
  readonly [member: string]: unknown
}

/** A device that requests an authorization, as the user sees it (RFC 8628 §5.4). */
export interface DeviceRequest {
  /** The code that the device shows: `WDJB-MJHT`. */
  readonly userCode: string
  /** The network of the device: an IPv4 address or an IPv6 /64. Empty if unknown. */
  readonly network: string
  /** When the device asked. Seconds. */
  readonly startedAt: number
}

/** The part of an authorization request that its credentials are bound to. */
export interface RequestBinding {
  /** RFC 7636. */
  readonly codeChallenge?: string
  /** As sent. The token request must repeat it (RFC 6749 §4.1.3). */
  readonly redirectUri?: string
  /** The thumbprint of the key that the client must prove (RFC 9449 §10). */
  readonly dpopJkt?: string
  /** For a code: the `nonce` that the id_token repeats (OpenID Connect Core §3.1.2.1). */
  readonly nonce?: string
  /** For a code whose user an access token identified: the session and the expiry of that token. */
  readonly source?: readonly [session: string, expiresAt: number]
  /** For an exchanged token: the row of the subject token, if that token can end without its grant. */
  readonly subject?: string
  /** For a question on a page: the digest of its authorization request. */
  readonly request?: string
  /** For a pushed request: its parameters (RFC 9126). */
  readonly parameters?: readonly (readonly [name: string, value: string])[]
  /**
   * For a question on a page: when it was asked, in seconds with a fraction. `again` replaces it after an answer that
   * came too soon.
   */
  readonly askedAt?: number
  readonly again?: boolean
  /** For a device code: the network of the device (RFC 8628 §5.4). */
  readonly network?: string
  /** For a user code: the id of the device code. */
  readonly device?: string
}

/** The party that acts for the subject of a token, as in the claim `act` (RFC 8693 §4.1). */
export interface Actor {
  /** The party that acted before. For information only: no decision uses it. */
  readonly act?: Actor
  /** The client that the actor's access token was issued to. If `sub` is the same, the client itself acts. */
  readonly client_id?: string
  /** The issuer of `sub`. Omitted for this server. */
  readonly iss?: string
  /** The id of a user or a client. */
  readonly sub: string
}
