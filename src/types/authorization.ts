/** What was authorized, as one value: it goes from the request to the code, to the tokens and to introspection. Types only. */
import type { AuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Scope } from '../rules/scope'

/**
 * An authorization: its client, user, scope and start. The digest of every credential covers all of it. A member that is
 * added here is bound, kept through every refresh, and stored in the grant's row, without a change anywhere else.
 */
export interface Authorization {
  readonly clientId: string
  /** The resource owner. Left out where the client acts for itself. */
  readonly userId?: string
  /** Its grant. Left out where no grant exists, or not yet. */
  readonly grantId?: string
  readonly scope: Scope
  /** When the request that began it arrived. Seconds. */
  readonly startedAt: number
  /** The resources that it is for (RFC 8707). Left out where the server has none. */
  readonly audience?: Audience
  /** What it is for in more words than the scope has (RFC 9396). Left out where the request named none. */
  readonly authorizationDetails?: AuthorizationDetails
  /** The key without which its tokens are of no use (RFC 7800). Left out for bearer tokens. */
  readonly confirmation?: Confirmation
  /** How its user signed in, where the scope is `openid`. Left out for everything else. */
  readonly authentication?: Authentication
  /** Who acts for the user (RFC 8693 §4.1). Left out where nobody else does, and where nobody should know. */
  readonly actor?: Actor
  /** How it came of another token (RFC 8693 §1.1). Left out for everything that was not exchanged. */
  readonly exchange?: Exchange
}

/** By delegation a token names who acts. By impersonation nothing in its claims of identity tells the two apart. */
export type Exchange = 'delegation' | 'impersonation'

/** A sign-in at the host, as id_tokens tell of it (OpenID Connect Core §2). */
export interface Authentication {
  readonly acr?: string
  readonly amr?: readonly string[]
  /** When the host was asked: a session that ends later ends what comes of it. Seconds. */
  readonly at?: number
  /** The claims that were asked for by name, beside those of the scope (OpenID Connect Core §5.5). */
  readonly claims?: { readonly id_token: readonly string[]; readonly userinfo: readonly string[] }
  /** The session at the host, by a name that is in storage alone. */
  readonly session?: string
  /** The session at the host, under a name that only its client has. */
  readonly sid?: string
  /** When it was. Seconds. */
  readonly time: number
  /** Until when the grant is known, whatever its tokens do. Seconds. */
  readonly until?: number
}

/** The key that a token is bound to, as `cnf` names it (RFC 7800 §3.1). */
export interface Confirmation {
  /** The thumbprint (RFC 7638, SHA-256) of the key that signs the DPoP proofs (RFC 9449 §6). */
  readonly jkt?: string
  /** The thumbprint (SHA-256) of the certificate of the TLS connection (RFC 8705 §3.1). */
  readonly 'x5t#S256'?: string
  /** Any other name of a key. A token with one that no sender constraint verifies is refused. */
  readonly [member: string]: unknown
}

/** A device that asks for an authorization, as its user is told of it (RFC 8628 §5.4). */
export interface DeviceRequest {
  /** The code that the device shows: `WDJB-MJHT`. */
  readonly userCode: string
  /** The network that the device asked from: an IPv4 address or an IPv6 /64. Empty where it is unknown. */
  readonly network: string
  /** When it asked. Seconds. */
  readonly startedAt: number
}

/** What of an authorization request the code of it is bound to. */
export interface RequestBinding {
  /** RFC 7636. */
  readonly codeChallenge?: string
  /** As it was sent: the token request repeats it (RFC 6749 §4.1.3). */
  readonly redirectUri?: string
  /** The thumbprint of the key that the client must prove (RFC 9449 §10). */
  readonly dpopJkt?: string
  /** Of a code: what the id_token repeats (OpenID Connect Core §3.1.2.1). */
  readonly nonce?: string
  /** Of a code that began with an access token: the session of that token, and when the token expires. */
  readonly source?: readonly [session: string, expiresAt: number]
  /** Of an exchanged token: the access token's row with which it ends, where its grant is not all that can end it. */
  readonly subject?: string
  /** Of a question on a page: the digest of the request that it is about. */
  readonly request?: string
  /** Of a pushed request: its parameters (RFC 9126). */
  readonly parameters?: readonly (readonly [name: string, value: string])[]
  /** When the question was asked, in seconds with their fraction; or that it was answered before, but too soon. */
  readonly askedAt?: number
  readonly again?: boolean
  /** Of the code of a device: the network that the device asked from (RFC 8628 §5.4). */
  readonly network?: string
  /** Of the code that the user of a device enters: the id of the device's own. */
  readonly device?: string
}

/** Who acts for the subject of a token, as `act` names it (RFC 8693 §4.1). */
export interface Actor {
  /** Who acted for the subject before. For information: it decides nothing. */
  readonly act?: Actor
  /** The client that the actor's own access token was issued to. With the same `sub`: that client itself acts. */
  readonly client_id?: string
  /** The issuer that knows it by `sub`. Left out: this server. */
  readonly iss?: string
  /** Its id: of a user, or of a client. */
  readonly sub: string
}
