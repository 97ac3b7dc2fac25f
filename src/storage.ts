/**
 * The storage contract: the types that a host implements. It has eleven methods. One of them, `transition`, is atomic
 * and carries all the safety. `express-authorization-server/storage-contract` is the suite that proves an implementation.
 * `examples/storage-adapter/README.md` explains the contract and what a schema needs.
 *
 * The states of a credential or grant. The suite uses the same words.
 *
 * | word            | what is stored                                                    | `find`    | `transition` |
 * | --------------- | ----------------------------------------------------------------- | --------- | ------------ |
 * | alive           | the row; its grant, if it names one, is alive                      | the row   | by its state |
 * | absent          | no row, or the grant that it names has no row                      | undefined | false        |
 * | revoked         | its grant has a tombstone with `revokedAt`                         | undefined | false        |
 * | covered         | a mark of its user or client is at its `startedAt` or later        | undefined | false        |
 * | dead on arrival | revoked or covered before it was stored: need not be kept          | undefined | false        |
 * | expired, used   | the row, unchanged: the library judges it by its own clock         | the row   | by its state |
 *
 * The timeline of a revocation. `revoke({ userId }, now)` writes one mark, however many rows the user has:
 *
 *     startedAt of a session:    990         1000 = now       1001
 *     row stored before revoke   covered     covered          covered: its clock was ahead, so the mark moves
 *     row stored after it        covered     covered          alive: the user signed in again
 *
 * `startedAt` is when the request arrived, before its password was verified: a password reset meanwhile covers the
 * session. A session that begins with an access token has the `startedAt` of that token's session: the same
 * revocations cover both.
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

/** A registered client: a plain object with a version. */
export interface Client extends OpenIdClientMembers, CertificateClientMembers, RequestClientMembers, ClientLimits {
  /** The `client_id`: 1 to 255 characters of `[\x20-\x7e]`. */
  readonly clientId: string
  /** A random number from 1 to 2^30 at first. Each `update` stores the expected version plus one. */
  readonly version: number
  readonly name?: string
  readonly description?: string
  /** The id of the user who owns this record in the clients API. */
  readonly username?: string
  /** Newest first. Empty for a public client. */
  readonly secrets: readonly ClientSecret[]
  /** The redirect URIs for codes (RFC 6749 §3.1.2). */
  readonly redirectUris: readonly string[]
  /** If omitted: `authorization_code` and `refresh_token`. */
  readonly grantTypes?: readonly string[]
  /** The scope that the client may request. If omitted: empty. */
  readonly scopes?: readonly string[]
  /** The scope of a request that names no scope. If omitted: all of `scopes`. */
  readonly defaultScopes?: readonly string[]
  /** The resources that the client may request (RFC 8707). If omitted: all resources of the server. */
  readonly resources?: readonly string[]
  /** How the client authenticates at the token endpoint. */
  readonly tokenEndpointAuthMethods: readonly TokenEndpointAuthMethod[]
  /** The client's public keys (RFC 7517 §5), for `private_key_jwt` and `self_signed_tls_client_auth`. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** The URL of the client's public keys, in place of `jwks`. */
  readonly jwksUri?: string
  /** The only algorithm of the client's assertions. If omitted: every algorithm of its keys. */
  readonly tokenEndpointAuthSigningAlg?: string
  /** The client gets only tokens that are bound to its key (RFC 9449 §5.2). */
  readonly dpopBoundAccessTokens?: boolean
  /** The client may introspect access tokens of other clients (RFC 7662): all, or those for these resources. */
  readonly resourceServer?: boolean | readonly string[]
  /** The algorithm of signed introspection responses (RFC 9701 §6). If omitted: RS256 if the server has such a key. */
  readonly introspectionSignedResponseAlg?: string
  /** Set if the metadata is unverified: it came from a registration (RFC 7591) or a metadata document. */
  readonly origin?: 'registration' | 'admitted_registration' | 'metadata_document'
  /** SHA-256 of the registration access token (RFC 7592) and the client id. */
  readonly registrationTokenDigest?: string
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** One authorization and all credentials issued under it. They are revoked together. */
export interface Grant {
  /** 1 to 126 characters of `[A-Za-z0-9_-]`. */
  readonly id: string
  /** 1 to 255 characters of `[\x20-\x7e]`. */
  readonly clientId: string
  /** The host's user id, of any length: well-formed Unicode without NUL. */
  readonly userId?: string
  readonly scope: readonly string[]
  /** When its first request arrived, before any password was verified. Seconds. */
  readonly startedAt: number
  /** When its last credential expires. Seconds. */
  readonly expiresAt: number
  /** Omitted while the grant is not revoked. */
  readonly revokedAt?: number
  /** JSON values. Stored unchanged. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Any secret that the server issues and later accepts. New protocol features add kinds, not methods. */
export interface Credential {
  /**
   * The lookup id: 1 to 128 characters of `[A-Za-z0-9._~-]`. The part before the first `~` is the same for all rows of
   * one grant: use it as the shard key.
   */
  readonly id: string
  /** 1 to 128 characters of `[\x21-\x7e]`. */
  readonly kind: string
  /** The state that `transition` compares: 1 to 128 characters of `[\x21-\x7e]`. */
  readonly state: string
  /** SHA-256 of the secret half of the token and of the values bound to it: 0 to 128 characters of `[\x21-\x7e]`. */
  readonly digest: string
  /**
   * 1 to 126 characters of `[A-Za-z0-9_-]`. Omitted if there is no grant (yet): before a code exchange, for client
   * credentials, for consent. The grant may belong to another client.
   */
  readonly grantId?: string
  /** 1 to 255 characters of `[\x20-\x7e\n]`. A line break at the end means that the credential belongs to no client. */
  readonly clientId: string
  /** The host's user id, of any length: well-formed Unicode without NUL. */
  readonly userId?: string
  readonly scope: readonly string[]
  readonly startedAt: number
  readonly issuedAt: number
  /** Seconds since the epoch, like every time here. */
  readonly expiresAt: number
  /** JSON values. Stored unchanged. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The storage of clients. */
export interface ClientStorage {
  /** Returns the client, or undefined. The id may be any text of a request: well-formed Unicode without NUL. */
  find(clientId: string): Awaitable<Client | undefined>
  /**
   * Returns at most `limit` clients whose id comes after `after`, ordered by the bytes of their ids. With `username`,
   * only clients of this owner. Fewer than `limit` means that no more follow.
   */
  list(query: { username?: string; after?: string; limit: number }): Awaitable<Client[]>
  /** Returns clients whose name begins with a text. Optional: without it administrators find clients by id and owner. */
  listByName?(query: NameQuery): Awaitable<Client[]>
  /** Adds a client. False: the id already exists, and nothing changed. */
  insert(client: Client): Awaitable<boolean>
  /**
   * ATOMIC. Replaces the record if its version is `expectedVersion`. False: deleted or changed meanwhile. Never
   * inserts.
   */
  update(client: Client, expectedVersion: number): Awaitable<boolean>
  /** Removes the client. False: no such client. */
  delete(clientId: string): Awaitable<boolean>
}

/** The authorizations to end: one grant, or all of a user or a client that began until now. */
export type RevocationTarget = { grantId: string } | { userId: string } | { clientId: string }

/** The storage of grants, credentials and revocations. */
export interface GrantStorage {
  /**
   * Adds credentials and, if given, their grant: all or nothing. False: one of the ids exists, or occurs twice in the
   * call. A row that a tombstone or a mark already covers is dead and need not be kept. The part before `~` is the same
   * in all ids of one call.
   */
  insert(credentials: readonly Credential[], grant?: Grant): Awaitable<boolean>
  /**
   * Returns a live credential. Returns undefined if it is absent, if its grant is absent or revoked, or if a mark covers
   * it. Returns used and expired credentials unchanged. The library asks only for ids with the syntax of `Credential.id`.
   */
  find(id: string): Awaitable<Credential | undefined>
  /**
   * ATOMIC. Applies if the credential is alive (as for `find`) and in state `from`. It becomes `next`; `additions` and
   * `grant` are stored, replacing rows with the same id. Otherwise, or if that grant is revoked or covered by a mark,
   * nothing changes and the result is false. Of N callers with the same `from`, one gets true. `next.id` is `id`.
   */
  transition(
    id: string,
    from: string,
    next: Credential,
    additions: readonly Credential[],
    grant?: Grant,
  ): Awaitable<boolean>
  /**
   * Returns at most `limit` grants that are neither revoked nor covered by a mark. Their ids come after `after`,
   * ordered by bytes. Fewer than `limit` means that no more follow.
   */
  list(query: { userId?: string; clientId?: string; after?: string; limit: number }): Awaitable<Grant[]>
  /**
   * Constant work. For a grant, stores its tombstone, even before the grant arrives. For a user or client, stores a mark:
   * it covers every credential and grant whose `startedAt` is `now` or before, whenever its row arrives. It also covers
   * every row already stored, whatever its `startedAt`: a process with a fast clock may have stored it. So the mark is the
   * later of `now` and the latest `startedAt` of that user or client. Rows that begin later are alive.
   */
  revoke(target: RevocationTarget, now: number): Awaitable<void>
  /**
   * Removes at most `limit` credentials that expired at or before `now`, and the rows that only they needed: grants and
   * tombstones after their last credential, marks after the longest token life. Returns the number of credentials.
   */
  deleteExpired(now: number, limit: number): Awaitable<number>
}

/** The host's storage: two parts. Every method may return a value or a promise. */
export interface OAuthStorage {
  /** Registered clients. */
  clients: ClientStorage
  /** Grants and the credentials issued under them. */
  grants: GrantStorage
  /** Closes connections that the adapter itself opened. `storageContract` calls it; the library does not. */
  close?(): Awaitable<void>
}

/** A row under construction. */
export type Writable<Row> = { -readonly [Member in keyof Row]: Row[Member] }
