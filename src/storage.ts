/**
 * The storage contract: the types that a host implements. Eleven methods; one of them, `transition`, is atomic and
 * carries all the safety. `express-authorization-server/storage-contract` is the suite that proves an implementation.
 * What a schema needs, with this in more words: `examples/storage-adapter/README.md`.
 *
 * The state of a credential or grant at a call. The words are those of the suite.
 *
 * | word            | what is stored                                                    | `find`    | `transition` |
 * | --------------- | ----------------------------------------------------------------- | --------- | ------------ |
 * | alive           | the row; its grant, where it names one, is alive                   | the row   | by its state |
 * | absent          | no row, or the grant that it names has no row                      | undefined | false        |
 * | revoked         | its grant has a tombstone with `revokedAt`                         | undefined | false        |
 * | covered         | a mark of its user or client is at its `startedAt` or later        | undefined | false        |
 * | dead on arrival | revoked or covered before it arrived: it need not be kept          | undefined | false        |
 * | expired, used   | the row, unchanged: the library judges it by its own clock         | the row   | by its state |
 *
 * The timeline of a revocation. `revoke({ userId }, now)` writes one mark, whatever the user has:
 *
 *     startedAt of a session:    990         1000 = now       1001
 *     row stored before revoke   covered     covered          covered: its clock was ahead, so the mark moves
 *     row stored after it        covered     covered          alive: the user signed in again
 *
 * `startedAt` is when the request arrived, before its password was verified: a reset meanwhile covers the session. One
 * that begins with an access token has the `startedAt` of that token's session, and so the same revocations.
 */
import type { Awaitable } from './awaitable'
import type { CertificateClientMembers } from './storage/certificate-client'
import type { ClientLimits } from './storage/client-limits'
import type { NameQuery } from './storage/client-names'
import type { OpenIdClientMembers } from './storage/openid-client'
import type { RequestClientMembers } from './storage/request-client'

/** How a client authenticates at the token endpoint (RFC 7591 §2). */
export type TokenEndpointAuthMethod =
  | ('none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt')
  | ('tls_client_auth' | 'self_signed_tls_client_auth')

/** A stored client secret: the SHA-256 of a generated one, or the bcrypt hash of a chosen one. */
export type ClientSecret = { readonly createdAt: number; readonly expiresAt?: number } & (
  | { readonly digest: string; readonly bcrypt?: never }
  | { readonly bcrypt: string; readonly digest?: never }
)

/** A registered client: a plain value with a version. */
export interface Client extends OpenIdClientMembers, CertificateClientMembers, RequestClientMembers, ClientLimits {
  /** The `client_id`: 1 to 255 characters of `[\x20-\x7e]`. */
  readonly clientId: string
  /** Starts from 1 to 2^30, at random for each registration; each `update` stores the expected version plus one. */
  readonly version: number
  readonly name?: string
  readonly description?: string
  /** The user who owns this record in the clients API. */
  readonly username?: string
  /** Newest first. Empty: a public client. */
  readonly secrets: readonly ClientSecret[]
  /** The redirect URIs for codes (RFC 6749 §3.1.2). */
  readonly redirectUris: readonly string[]
  /** Left out: `authorization_code` and `refresh_token`. */
  readonly grantTypes?: readonly string[]
  /** The scope that the client may ask for. Left out: empty. */
  readonly scopes?: readonly string[]
  /** The scope of a request that names none. Left out: all of `scopes`. */
  readonly defaultScopes?: readonly string[]
  /** The resources that it may ask for (RFC 8707). Left out: all that the server has. */
  readonly resources?: readonly string[]
  /** How it authenticates at the token endpoint. */
  readonly tokenEndpointAuthMethods: readonly TokenEndpointAuthMethod[]
  /** Its public keys (RFC 7517 §5), for `private_key_jwt` and `self_signed_tls_client_auth`. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** The URL of its public keys, where the record does not have them. */
  readonly jwksUri?: string
  /** The only algorithm of its assertions. Left out: every one that its keys are good for. */
  readonly tokenEndpointAuthSigningAlg?: string
  /** Gets tokens that are bound to its key only (RFC 9449 §5.2). */
  readonly dpopBoundAccessTokens?: boolean
  /** May introspect access tokens of other clients (RFC 7662): all of them, or those for the resources named. */
  readonly resourceServer?: boolean | readonly string[]
  /** How introspection responses to it are signed, where it asks for that (RFC 9701 §6). Left out: RS256, with such a key. */
  readonly introspectionSignedResponseAlg?: string
  /** Its metadata is unverified: it came by a registration (RFC 7591), open or admitted by the host, or by a document. */
  readonly origin?: 'registration' | 'admitted_registration' | 'metadata_document'
  /** SHA-256 of the registration access token (RFC 7592), bound to the id of the client. */
  readonly registrationTokenDigest?: string
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** One authorization and everything issued under it, which is revoked together. */
export interface Grant {
  /** 1 to 126 characters of `[A-Za-z0-9_-]`. */
  readonly id: string
  /** 1 to 255 characters of `[\x20-\x7e]`. */
  readonly clientId: string
  /** The host's id of the user, of any length: well-formed Unicode without NUL. */
  readonly userId?: string
  readonly scope: readonly string[]
  /** When the request that began it arrived, before any password was verified. Seconds. */
  readonly startedAt: number
  /** When its last credential expires. Seconds. */
  readonly expiresAt: number
  /** Left out: it is not revoked. */
  readonly revokedAt?: number
  /** JSON values. Stored unchanged. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Any secret that the server issues and later accepts. New protocol features add kinds, never methods. */
export interface Credential {
  /**
   * The lookup id: 1 to 128 characters of `[A-Za-z0-9._~-]`. The part before the first `~` is the same for all of one
   * grant: the key to shard by.
   */
  readonly id: string
  /** 1 to 128 characters of `[\x21-\x7e]`. */
  readonly kind: string
  /** The state that `transition` compares: 1 to 128 characters of `[\x21-\x7e]`. */
  readonly state: string
  /** SHA-256 of the token's secret half and of the values bound to it: 0 to 128 characters of `[\x21-\x7e]`. */
  readonly digest: string
  /**
   * 1 to 126 characters of `[A-Za-z0-9_-]`. Left out where no authorization exists (yet): before a code's exchange,
   * client credentials, consent. It may be a grant of another client.
   */
  readonly grantId?: string
  /** 1 to 255 characters of `[\x20-\x7e\n]`. With a line break at its end the credential is of no client. */
  readonly clientId: string
  /** The host's id of the user, of any length: well-formed Unicode without NUL. */
  readonly userId?: string
  readonly scope: readonly string[]
  readonly startedAt: number
  readonly issuedAt: number
  /** Seconds since the epoch, as every time here. */
  readonly expiresAt: number
  /** JSON values. Stored unchanged. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The collection of clients. */
export interface ClientStorage {
  /** The client with that id, or undefined. A request may name any text: well-formed Unicode without NUL. */
  find(clientId: string): Awaitable<Client | undefined>
  /**
   * At most `limit` clients with an id after `after`, ordered by the bytes of their ids. With `username`, only those of
   * that user. Fewer than `limit` means that no more follow.
   */
  list(query: { username?: string; after?: string; limit: number }): Awaitable<Client[]>
  /** Clients by the beginning of their names, for administrators. Optional: without it they are found by id and by owner. */
  listByName?(query: NameQuery): Awaitable<Client[]>
  /** Adds a client. False: that id already exists, nothing changed. */
  insert(client: Client): Awaitable<boolean>
  /** ATOMIC. Replaces the record of version `expectedVersion`. False: deleted, or changed meanwhile; never inserts. */
  update(client: Client, expectedVersion: number): Awaitable<boolean>
  /** Removes the client. False: unknown client. */
  delete(clientId: string): Awaitable<boolean>
}

/** Selects the authorizations to end: one grant, or everything of a user or of a client that began until now. */
export type RevocationTarget = { grantId: string } | { userId: string } | { clientId: string }

/** The collection of grants and credentials, and of their revocations. */
export interface GrantStorage {
  /**
   * Adds credentials and, when given, their grant: all or nothing. False: one of the ids exists, or occurs twice in the
   * call. A row that a tombstone or a mark covers on arrival is dead and stays so: it need not be kept. The part before
   * `~` is the same in all the ids of one call.
   */
  insert(credentials: readonly Credential[], grant?: Grant): Awaitable<boolean>
  /**
   * Only a live credential. Undefined if absent, if it names a grant that is absent or revoked, or if a mark covers it.
   * Used and expired ones are returned unchanged. The library asks for ids of its own syntax only, that of
   * `Credential.id`: whatever else a request has is refused before.
   */
  find(id: string): Awaitable<Credential | undefined>
  /**
   * ATOMIC. Applies if the credential is alive (as for `find`) and in state `from`. It becomes `next`; `additions` are
   * stored (replacing those with the same id), and so is `grant` when given. Otherwise, or when that grant is itself
   * revoked or covered by a mark, nothing happens and the result is false. Of N callers with the same `from`, one gets
   * true. `next.id` is `id`.
   */
  transition(
    id: string,
    from: string,
    next: Credential,
    additions: readonly Credential[],
    grant?: Grant,
  ): Awaitable<boolean>
  /**
   * At most `limit` grants that are not revoked and not covered by a mark. Their ids come after `after`, ordered by
   * bytes. Fewer than `limit` means that no more follow.
   */
  list(query: { userId?: string; clientId?: string; after?: string; limit: number }): Awaitable<Grant[]>
  /**
   * Constant work. A grant: its tombstone, also before the grant arrives. A user or client: a mark that covers every
   * credential and grant whose `startedAt` is `now` or before, whenever its row arrives. It also covers every row
   * already stored, whatever its `startedAt`: a process whose clock is ahead has begun them. So a mark is at `now`, or
   * at the latest `startedAt` seen of that user or client where this is later. Rows that begin after that are alive.
   */
  revoke(target: RevocationTarget, now: number): Awaitable<void>
  /**
   * Removes at most `limit` credentials that expired at or before `now`, and rows that only they needed. Grants and
   * tombstones go after their last credential, marks after the longest token life. Returns the number of removed
   * credentials.
   */
  deleteExpired(now: number, limit: number): Awaitable<number>
}

/** The host's storage: two collections. Every method may return a promise or the value itself. */
export interface OAuthStorage {
  /** Registered clients. */
  clients: ClientStorage
  /** Grants, and the codes and tokens issued under them. */
  grants: GrantStorage
  /** Closes the connections that the adapter itself opened. The library never calls it; `storageContract` does. */
  close?(): Awaitable<void>
}

/** A row while it is being made. */
export type Writable<Row> = { -readonly [Member in keyof Row]: Row[Member] }
