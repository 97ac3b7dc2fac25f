/** What happened, as a typed union: for logs, metrics and audits. Types only. */
import type { OAuthError } from '../errors'
import type { Scope } from '../rules/scope'
import type { Actor, Confirmation, Exchange } from './authorization'

interface EventSubject {
  clientId: string
  userId?: string | undefined
  grantId?: string | undefined
}

type AttemptKind = 'password' | 'client_secret' | 'registration' | 'document' | 'public_client' | 'user_code'

/** A warning about a mistake of the host. `examples/symptoms/README.md` has the fix of each. */
export type WarningCode =
  | 'memory_storage_in_production'
  | 'http_issuer_in_production'
  | 'package_loaded_twice'
  | 'replay_window_exceeds_access_token'
  | 'router_mounted_elsewhere'
  | 'proxy_not_trusted'
  | 'every_proxy_trusted'
  | 'body_read_before'
  | 'session_missing'
  | 'user_not_found'
  | 'consent_answer_missing'
  | 'consent_form_incomplete'
  | 'issuer_host_differs'
  | 'guard_before_endpoint'
  | 'client_without_redirect_uris'
  | 'client_without_scopes'
  | 'resource_ignored'
  | 'loopback_documents_in_production'
  | 'guard_after_route'

/**
 * Events for logs, metrics and audits. Never contains a secret, a token or a password. Each concurrent reuse of a code
 * or refresh token is one `code.replayed` or `refresh.reused`, and one `grant.revoked`. The end of a session that began
 * with an access token, without its grant, is `token.revoked`.
 */
export type AuthorizationServerEvent = { at: number } & (
  | ({ type: 'code.issued'; scope: Scope; authorizationDetailsTypes?: readonly string[] } & EventSubject)
  | ({ type: 'code.replayed' } & EventSubject)
  /**
   * `authorizationDetailsTypes` has the types of its details (RFC 9396), and not what they say. `confirmation` names the key
   * that the access token is bound to; left out for a bearer token.
   */
  | ({ type: 'token.issued'; grantType: string; scope: Scope } & {
      authorizationDetailsTypes?: readonly string[]
      confirmation?: Confirmation
    } & EventSubject)
  | ({ type: 'token.revoked' } & EventSubject)
  | ({ type: 'refresh.replayed' } & EventSubject)
  | ({ type: 'refresh.reused' } & EventSubject)
  | ({ type: 'grant.revoked' } & Partial<EventSubject>)
  /** A client pushed an authorization request (RFC 9126). */
  | { type: 'request.pushed'; clientId: string; scope: Scope }
  /** A request object was refused (RFC 9101). */
  | { type: 'request.refused'; clientId: string; reason: string }
  /** A device asks for an authorization (RFC 8628). */
  | { type: 'device.requested'; clientId: string; scope: Scope }
  /** A user allowed what a device asked. Its tokens are `token.issued`, once it has polled. */
  | ({ type: 'device.approved'; scope: Scope } & EventSubject)
  /** An assertion of another issuer was refused (RFC 7523). */
  | { type: 'assertion.refused'; clientId: string; reason: string }
  /**
   * A token was exchanged (RFC 8693) for the token of a `token.issued` before. `actor` acts by delegation; without one the
   * client has a token as the subject itself. `subjectClientId` had the subject token, where that was one of this server.
   */
  | ({
      type: 'token.exchanged'
      exchange: Exchange
      scope: Scope
      actor?: Actor
      subjectClientId?: string
    } & EventSubject)
  /** The exchange of a token was refused, because of one of the tokens or by `allow`. */
  | { type: 'exchange.refused'; clientId: string; reason: string }
  | ({ type: 'authorization.denied' } & EventSubject)
  /** A client was told that a session ended (OpenID Connect Back-Channel Logout 1.0), or could not be told. */
  | ({ type: 'logout.sent' } & EventSubject)
  | ({ type: 'logout.failed'; reason: string } & EventSubject)
  /** `origin` says that the client registered itself, where anybody may or by your leave. */
  | { type: 'client.created'; clientId: string; origin?: 'registration' | 'admitted_registration' }
  | { type: 'client.updated' | 'client.deleted' | 'client.secret_rotated'; clientId: string }
  /** An administrator disabled a client, which ended all that was issued to it, or enabled it again. */
  | { type: 'client.disabled' | 'client.enabled'; clientId: string }
  /** The client metadata document could not be fetched or used. */
  | { type: 'client.document_refused'; clientId: string; reason: string }
  | { type: 'client.authentication_failed'; clientId?: string; reason: string }
  /** A proof of a key (DPoP), or a certificate, was refused. At an endpoint its client is not known yet. */
  | { type: 'proof.refused'; clientId?: string; reason: string }
  | { type: 'password.failed'; clientId: string }
  /** A signed-in user entered the code of a device that is unknown, expired or answered. */
  | { type: 'user_code.failed'; userId: string }
  /** Too many failures, registrations, document fetches or requests of public clients: one more was refused. */
  | { type: 'attempt.throttled'; kind: AttemptKind; clientId?: string; retryAfter: number }
  /**
   * Too many requests at once: one was refused with 503. At most one event a second; `untold` is the number of refusals
   * without an event since the last one.
   */
  | { type: 'server.overloaded'; untold: number }
  /** A mistake of the host, once per code. */
  | { type: 'warning'; code: WarningCode; message: string }
  /** An unexpected failure: `error.cause` is the error of the host or the storage. */
  | { type: 'error'; error: OAuthError }
)

export type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never
