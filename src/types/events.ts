/** What happened, as a typed union: for logs, metrics and audits. Types only. */
import type { OAuthError } from '../errors'
import type { Scope } from '../rules/scope'

interface EventSubject {
  clientId: string
  userId?: string | undefined
  grantId?: string | undefined
}

type AttemptKind = 'password' | 'client_secret' | 'registration' | 'document'

/** What a host is warned of. README says how each is mended. */
export type WarningCode =
  | 'memory_storage_in_production'
  | 'http_issuer_in_production'
  | 'replay_window_exceeds_access_token'
  | 'router_mounted_elsewhere'
  | 'proxy_not_trusted'
  | 'every_proxy_trusted'
  | 'body_read_before'
  | 'session_missing'
  | 'loopback_documents_in_production'
  | 'guard_after_route'

/**
 * What happened, for logs, metrics and audits. Never contains a secret, a token or a password. A code or refresh token that
 * comes several times at once is `code.replayed` or `refresh.reused`, and `grant.revoked`, as often; what ends a session that
 * began with an access token, and not its grant, is `token.revoked`.
 */
export type AuthorizationServerEvent = { at: number } & (
  | ({ type: 'code.issued'; scope: Scope } & EventSubject)
  | ({ type: 'code.replayed' } & EventSubject)
  | ({ type: 'token.issued'; grantType: string; scope: Scope } & EventSubject)
  | ({ type: 'token.revoked' } & EventSubject)
  | ({ type: 'refresh.replayed' } & EventSubject)
  | ({ type: 'refresh.reused' } & EventSubject)
  | ({ type: 'grant.revoked' } & Partial<EventSubject>)
  | ({ type: 'authorization.denied' } & EventSubject)
  /** `origin` says that the client registered itself. */
  | { type: 'client.created'; clientId: string; origin?: 'registration' }
  | { type: 'client.updated' | 'client.deleted' | 'client.secret_rotated'; clientId: string }
  /** The document that a client id is the URL of cannot be had, or used. */
  | { type: 'client.document_refused'; clientId: string; reason: string }
  | { type: 'client.authentication_failed'; clientId?: string; reason: string }
  | { type: 'password.failed'; clientId: string }
  /** Too many failures, open registrations, or fetches for strangers: the attempt was refused unseen. */
  | { type: 'attempt.throttled'; kind: AttemptKind; clientId?: string; retryAfter: number }
  /**
   * More was asked for at once than there is: the request was refused with 503. At most one a second; `untold` is how many
   * there were since the last one that are not told.
   */
  | { type: 'server.overloaded'; untold: number }
  /** A mistake of the host, seen from inside: once for each code. */
  | { type: 'warning'; code: WarningCode; message: string }
  /** Something unexpected: `error.cause` is what the host or the storage threw. */
  | { type: 'error'; error: OAuthError }
)

export type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never
