/** The kinds of values in the lists of a server, and what each may bring along. Types only. */
import type { Request, Router } from 'express'
import type { Awaitable } from '../awaitable'
import type { JsonWebKey } from '../crypto'
import type { RequestParameters } from '../rules/params'
import type { Client, TokenEndpointAuthMethod } from '../storage'
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

/** A request at an endpoint where clients authenticate, as a `ClientAuthentication` sees it. */
export interface EndpointRequest {
  readonly req: Request
  readonly parameters: RequestParameters
  /** Where it came from, by which failures are counted: an IPv4 address or an IPv6 network. */
  readonly network: string
}

/** What a request presents to prove which client sent it. A value adds members of its own, for its `verify`. */
export interface PresentedCredentials {
  /** `'none'` for an id with an empty proof: only a client that may send nothing gets through with it. */
  readonly method: TokenEndpointAuthMethod
  /** Undefined: credentials that no client can have. They fail, and no other way in is looked for. */
  readonly clientId: string | undefined
  /**
   * Whether the client chose to send them. False for what is there anyway, as a certificate is: it counts only beside
   * nothing explicit, and where the record of the client names the method.
   */
  readonly explicit: boolean
  /** The `WWW-Authenticate` header of a failure (RFC 6749 §5.2). @default none */
  readonly challenge?: string
}

/**
 * A way for clients to authenticate at the token, revocation and introspection endpoints: `clientSecret()`. A host's own is
 * a value of this shape.
 */
export interface ClientAuthentication<Presented extends PresentedCredentials = PresentedCredentials>
  extends Capability {
  /** Their names in client records and metadata. `'none'` is not among them: a record alone allows to send nothing. */
  readonly methods: readonly TokenEndpointAuthMethod[]
  /** What the request presents by these methods; `[]` for nothing. It looks at the request alone. */
  presented(request: EndpointRequest): readonly Presented[]
  /**
   * The client that is proved, or undefined for a wrong proof. `client` is the one of `presented.clientId`, whose record
   * names the method. Undefined: there is none, and the proof fails after the same work, or its time tells which ids exist.
   */
  verify(
    server: AuthorizationServer,
    client: Client | undefined,
    presented: Presented,
  ): Awaitable<{ readonly client: Client } | undefined>
}
