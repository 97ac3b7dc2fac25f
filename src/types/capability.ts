/** The kinds of values in the lists of a server, and what each may bring along. Types only. */
import type { IncomingMessage } from 'node:http'
import type { Request, Router } from 'express'
import type { Awaitable } from '../awaitable'
import type { JsonWebKey } from '../crypto'
import type { RequestParameters } from '../rules/params'
import type { Client, Credential, TokenEndpointAuthMethod } from '../storage'
import type { Confirmation } from './authorization'
import type { AuthorizationServer, Decide } from './authorization-server'
import type { ClientMetadata } from './client-metadata'
import type { CorsOptions } from './endpoints'

/** A member of client metadata (RFC 7591 §2), checked and kept in records: one row of the table of members. */
export interface ClientMember {
  /** Its name in records: that of its RFC in camelCase. */
  readonly name: string
  /** Its name in JSON: that of its RFC. */
  readonly wire: string
  /** Its type. */
  readonly type: {
    /** The type in words, for errors: 'a list of strings'. */
    readonly words: string
    /** Whether the value has this type. */
    readonly is: (value: unknown) => boolean
  }
  /**
   * Returns the member as it is stored, or throws an `OAuthError` that names `member`. `record` has the other members.
   * @default the value as it is
   */
  readonly check?: (member: string, value: unknown, record: ClientMetadata) => unknown
  /** Who may set it: the client itself too (RFC 7591, 7592), the owner of the record, or administrators alone. */
  readonly setBy: 'self' | 'owner' | 'admin'
}

/**
 * The additions of a value in a list of the server. `oauthRouter` and `metadataRouter` merge them without knowing the
 * value.
 */
export interface Capability {
  /**
   * Members of the authorization server metadata (RFC 8414). `urlOf` returns an endpoint's URL, or undefined where it
   * is not mounted. A member that exists already throws at start-up.
   * @default none
   */
  readonly metadata?: (
    server: AuthorizationServer,
    urlOf: (endpoint: string) => string | undefined,
  ) => Readonly<Record<string, unknown>>
  /**
   * Endpoints by their name in the `endpoints` option. Each has a conventional path and the router that `oauthRouter`
   * mounts there, with its own `decide` and `cors`. The `endpoints` of its server argument have the real paths. One
   * without a router is mounted by the host.
   * @default none
   */
  readonly endpoints?: Readonly<
    Record<
      string,
      {
        readonly path: string
        /** Makes the router. */
        readonly router?: (server: AuthorizationServer, options: { decide?: Decide; cors?: CorsOptions }) => Router
      }
    >
  >
  /** Another origin of the endpoints: that of `mtls_endpoint_aliases` (RFC 8705 §5). @default none */
  readonly aliases?: string | undefined
  /** Members of client metadata. @default none */
  readonly clientMembers?: readonly ClientMember[]
  /**
   * Public keys for the server's JWKS (RFC 7517 §5): the same list until they change. Only keys of the server itself:
   * an API elsewhere trusts every key in it, also for access tokens.
   * @default none
   */
  readonly jwks?: () => readonly JsonWebKey[]
}

/** A request at an endpoint where clients authenticate, as a `ClientAuthentication` sees it. */
export interface EndpointRequest {
  readonly req: Request
  readonly parameters: RequestParameters
}

/** The credentials in a request, which prove the client. A value adds members of its own, for its `verify`. */
export interface PresentedCredentials {
  /** The method. `'none'` for an id with an empty proof: valid only for a client that may authenticate with nothing. */
  readonly method: TokenEndpointAuthMethod
  /** Undefined: credentials that no client can have. They fail, and no other method is tried. */
  readonly clientId: string | undefined
  /**
   * Whether the client chose to send them. False for implicit ones, such as a certificate: these count only without
   * explicit credentials, and where the client's record names the method.
   */
  readonly explicit: boolean
  /** The `WWW-Authenticate` header of a failure (RFC 6749 §5.2). @default none */
  readonly challenge?: string
  /** The problem of credentials without a `clientId`, for the response. @default 'Client authentication failed.' */
  readonly problem?: string
}

/** A proof that counts once: its id, for as long as it would be accepted. */
export interface OneTimeProof {
  /** The kind of proof, for which ids are counted apart: `'client_assertion'`. */
  readonly purpose: string
  /** Its id, unique for this client and purpose: a `jti`. */
  readonly id: string
  /** When it is no longer accepted. Seconds since the epoch. */
  readonly expiresAt: number
}

/** A proof that failed. */
export interface FailedProof {
  /** The reason, for the host's events. */
  readonly reason: string
  /**
   * The problem, for the response, where it reveals nothing about clients.
   * @default 'Client authentication failed.'
   */
  readonly problem?: string
}

/**
 * A method of client authentication at the token, revocation and introspection endpoints: `clientSecret()`,
 * `privateKeyJwt()` or `mutualTls()`. A host's own is a value of this shape.
 */
export interface ClientAuthentication<Presented extends PresentedCredentials = PresentedCredentials>
  extends Capability {
  /** Their names in client records and metadata. Never `'none'`: only a record allows a client to send nothing. */
  readonly methods: readonly TokenEndpointAuthMethod[]
  /**
   * The parameter that carries the credentials. `presented` is called only for requests that have it.
   * @default `presented` is called for every request
   */
  readonly parameter?: string
  /** Checks a client record that names one of the methods; throws an `OAuthError`. @default every record may */
  readonly verifyRecord?: (record: ClientMetadata) => void
  /** Reads the credentials of these methods from the request; `[]` without any. It reads the request alone. */
  presented(request: EndpointRequest): readonly Presented[]
  /**
   * Returns the proven client, or undefined or a reason for a wrong proof. `client` is the one of
   * `presented.clientId`, whose record names the method. Without that client the proof must fail after the same work,
   * or its time reveals which ids exist. `once` is stored last; a second use fails.
   */
  verify(
    server: AuthorizationServer,
    client: Client | undefined,
    presented: Presented,
  ): Awaitable<{ readonly client: Client; readonly once?: OneTimeProof } | FailedProof | undefined>
}

/** A request that may prove a key: that of Express, or one of Node that becomes a WebSocket. */
export type ProvingRequest = Pick<IncomingMessage, 'method' | 'headers' | 'rawHeaders' | 'url'> & {
  readonly originalUrl?: string
  /** The connection, whose certificate may be the proof. */
  readonly socket?: IncomingMessage['socket']
}

/** A request as a `SenderConstraint` sees it. */
export interface ProofRequest {
  readonly req: ProvingRequest
  /** The URL of the request as clients know it, which a proof must name. */
  readonly url: string
  /** The same by the other origin of the endpoints (RFC 8705 §5). @default none */
  readonly alias?: string | undefined
  /** At an API: the access token of the request, whose client and key are known. Left out at an endpoint. */
  readonly token?: { readonly value: string; readonly clientId: string; readonly confirmation: Confirmation }
}

/** The key that a request proved to hold. */
export interface ProvenKey {
  readonly confirmation: Confirmation
  /** What of the proof counts once at the endpoints of a server. @default nothing */
  readonly once?: OneTimeProof
  /** Headers of the response, such as `DPoP-Nonce`. */
  readonly headers: Readonly<Record<string, string>>
}

/** A way to bind tokens to a key of their client: `dpop()` or `mutualTls()`. */
export interface SenderConstraint extends Capability {
  /** Its member of `cnf` (RFC 7800 §3.1). */
  readonly member: 'jkt' | 'x5t#S256'
  /** The scheme with which bound tokens are sent, and their `token_type`. Proofs of another one than Bearer name a URL. */
  readonly scheme: 'DPoP' | 'Bearer'
  /** The parameters of the challenge of its own scheme, as they stand in the header. */
  readonly challenge: string
  /** The algorithms of its proofs (RFC 9449 §5.1). @default it has none */
  readonly algorithms?: readonly string[]
  /** The URL of a request to an API, where the host says it. @default by the resource or the issuer */
  readonly url?: ((req: ProvingRequest) => string) | undefined
  /**
   * Returns the proven key, or undefined for a request at an endpoint without a proof. Throws an `OAuthError` for a wrong
   * proof, and at an API for one that is not of the token, or was used before.
   */
  readonly confirm: (
    source: Pick<AuthorizationServer, 'emit' | 'now'>,
    request: ProofRequest,
  ) => Awaitable<ProvenKey | undefined>
}

/** What a request by reference or by value says in the place of what the browser sent. */
export interface SourcedRequest {
  readonly parameters: RequestParameters
  /** The row that the answer uses up, in the step that stores the code. */
  readonly uses?: Credential
}

/**
 * Another place where the parameters of an authorization request may be: `pushedAuthorizationRequests()` or
 * `requestObjects()`. What stands there replaces the parameters of the request; nothing is mixed (RFC 9101 §6.3).
 */
export interface RequestSource extends Capability {
  /** The parameter that names the request, or carries it. */
  readonly parameter: 'request_uri' | 'request'
  /** Whether the requests of this client must have the parameter. @default they need not */
  readonly required?: (client: Client) => boolean
  /** Checks at start-up that the server has what this needs; throws a TypeError. @default it needs nothing */
  readonly verifyServer?: (server: Pick<AuthorizationServer, 'clientAuthentication'>) => void
  /** Returns the request of the value, or throws an `OAuthError`. `network` is the sender's. */
  parametersOf(server: AuthorizationServer, client: Client, value: string, network: string): Awaitable<SourcedRequest>
}
