/** Events for logs, metrics and audits, as a typed union. Types only. */
import type { OAuthError } from '../errors'
import type { Scope } from '../rules/scope'
import type { Actor, Confirmation, Exchange } from './authorization'

interface EventSubject {
  clientId: string
  userId?: string | undefined
  grantId?: string | undefined
}

type AttemptKind = 'password' | 'client_secret' | 'registration' | 'document' | 'public_client' | 'user_code'

/** The code of a warning about a mistake of the host. `examples/symptoms/README.md` has the fix of each. */
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
 * Events for logs, metrics and audits. They contain no secrets, tokens or passwords. Each concurrent reuse of a code or
 * refresh token is one `code.replayed` or `refresh.reused`, and one `grant.revoked`. `token.revoked` also reports the
 * end of a session that began with an access token, if its grant continues.
 */
export type AuthorizationServerEvent = { at: number } & (
  | ({ type: 'code.issued'; scope: Scope; authorizationDetailsTypes?: readonly string[] } & EventSubject)
  | ({ type: 'code.replayed' } & EventSubject)
  /**
   * `authorizationDetailsTypes` lists the types of the authorization details (RFC 9396) without their content.
   * `confirmation` names the key that the access token is bound to. Omitted for a bearer token.
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
  /** A device requested an authorization (RFC 8628). */
  | { type: 'device.requested'; clientId: string; scope: Scope }
  /** A user approved the request of a device. `token.issued` follows when the device polls. */
  | ({ type: 'device.approved'; scope: Scope } & EventSubject)
  /** An assertion of another issuer was refused (RFC 7523). */
  | { type: 'assertion.refused'; clientId: string; reason: string }
  /**
   * A token was exchanged (RFC 8693). `token.issued` came before it. With delegation `actor` acts for the subject;
   * without it the client acts as the subject. `subjectClientId` is the client of a subject token of this server.
   */
  | ({
      type: 'token.exchanged'
      exchange: Exchange
      scope: Scope
      actor?: Actor
      subjectClientId?: string
    } & EventSubject)
  /** A token exchange was refused, because of a token or by `allow`. */
  | { type: 'exchange.refused'; clientId: string; reason: string }
  | ({ type: 'authorization.denied' } & EventSubject)
  /**
   * A client was notified that a session ended, or the notification failed (OpenID Connect Back-Channel Logout 1.0).
   */
  | ({ type: 'logout.sent' } & EventSubject)
  | ({ type: 'logout.failed'; reason: string } & EventSubject)
  /** `origin` is set if the client registered itself: openly, or admitted by the host. */
  | { type: 'client.created'; clientId: string; origin?: 'registration' | 'admitted_registration' }
  | { type: 'client.updated' | 'client.deleted' | 'client.secret_rotated'; clientId: string }
  /** An administrator disabled a client, which ended all its authorizations, or enabled it again. */
  | { type: 'client.disabled' | 'client.enabled'; clientId: string }
  /** A client metadata document could not be fetched or used. */
  | { type: 'client.document_refused'; clientId: string; reason: string }
  | { type: 'client.authentication_failed'; clientId?: string; reason: string }
  /** A DPoP proof or a certificate was refused. `clientId` is omitted if the client is not known yet. */
  | { type: 'proof.refused'; clientId?: string; reason: string }
  | { type: 'password.failed'; clientId: string }
  /** A signed-in user entered an unknown, expired or used user code. */
  | { type: 'user_code.failed'; userId: string }
  /** An attempt was refused because there were too many. */
  | { type: 'attempt.throttled'; kind: AttemptKind; clientId?: string; retryAfter: number }
  /**
   * A request was refused with 503 because there were too many at once. At most one event a second: `untold` counts the
   * refusals without an event since the last one.
   */
  | { type: 'server.overloaded'; untold: number }
  /** A mistake of the host. Once for each code. */
  | { type: 'warning'; code: WarningCode; message: string }
  /** An unexpected failure. `error.cause` is the error of the host or the storage. */
  | { type: 'error'; error: OAuthError }
)

export type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never
