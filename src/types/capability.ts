/** What a value in one of the server's lists (such as `grants`) may bring along, beside what the list is for. Types only. */
import type { Router } from 'express'
import type { JsonWebKey } from '../crypto'
import type { AuthorizationServer, Decide } from './authorization-server'
import type { CorsOptions } from './endpoints'

/** A member of client metadata (RFC 7591 §2), checked and kept in records: one row of the table of members. */
export interface ClientMember {
  /** Its name in records: that of its RFC in camelCase. */
  readonly name: string
  /** Its name in JSON: that of its RFC. */
  readonly wire: string
  /** Its type. */
  readonly type: {
    /** What an error says that it must be: 'a list of strings'. */
    readonly words: string
    /** Whether it may be that value. */
    readonly is: (value: unknown) => boolean
  }
  /** Returns the member as it is stored, or throws an `OAuthError` that names `member`. @default the value as it is */
  readonly check?: (member: string, value: unknown) => unknown
  /** Who may set it: the client itself too (RFC 7591, 7592), the owner of the record, or administrators alone. */
  readonly setBy: 'self' | 'owner' | 'admin'
}

/** What a value in a list of the server brings along. `oauthRouter` and `metadataRouter` merge it, and know none by name. */
export interface Capability {
  /**
   * Members of the authorization server metadata (RFC 8414). `urlOf` returns where an endpoint is, or undefined where
   * nobody has mounted it. A member that is there already throws at start-up.
   */
  readonly metadata?: (
    server: AuthorizationServer,
    urlOf: (endpoint: string) => string | undefined,
  ) => Readonly<Record<string, unknown>>
  /**
   * Endpoints by their name in the `endpoints` option: the conventional path, and the router that `oauthRouter` mounts there,
   * with its own `decide` and `cors`. The `endpoints` of the server that it is given say where everything is.
   */
  readonly endpoints?: Readonly<
    Record<
      string,
      {
        readonly path: string
        /** Makes the router. */
        readonly router: (server: AuthorizationServer, options: { decide?: Decide; cors?: CorsOptions }) => Router
      }
    >
  >
  /** Members of client metadata. */
  readonly clientMembers?: readonly ClientMember[]
  /**
   * Public keys for the server's JWKS (RFC 7517 §5): the same list until they change. Only keys of the server itself: an API
   * elsewhere believes every key in there, also for access tokens.
   */
  readonly jwks?: () => readonly JsonWebKey[]
}
