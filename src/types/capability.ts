/** The values that the lists of a server take, and what each may add to the server. Types only. */
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

/** One member of client metadata (RFC 7591 §2): its names, its type and its check. */
export interface ClientMember {
  /** Its name in records: the name in its RFC, in camelCase. */
  readonly name: string
  /** Its name in JSON: the name in its RFC. */
  readonly wire: string
  /** Its type. */
  readonly type: {
    /** The type in words, for errors: 'a list of strings'. */
    readonly words: string
    /** Whether the value has this type. */
    readonly is: (value: unknown) => boolean
  }
  /**
   * Returns the value to store, or throws an `OAuthError` that names `member`. `record` has the other members.
   * @default the value is stored unchanged
   */
  readonly check?: (member: string, value: unknown, record: ClientMetadata) => unknown
  /** Who may set it: also the client itself (RFC 7591, 7592), the owner of the record, or administrators only. */
  readonly setBy: 'self' | 'owner' | 'admin'
}

/** What a value in a list of the server adds. `oauthRouter` and `metadataRouter` merge the additions of all values. */
export interface Capability {
  /**
   * Members of the authorization server metadata (RFC 8414). `urlOf` returns the URL of an endpoint, or undefined if
   * the endpoint is not mounted. A duplicate member throws a TypeError at start-up.
   * @default none
   */
  readonly metadata?: (
    server: AuthorizationServer,
    urlOf: (endpoint: string) => string | undefined,
  ) => Readonly<Record<string, unknown>>
  /**
   * Endpoints by their name in the option `endpoints`. `oauthRouter` mounts each router at its conventional path, with
   * its own `decide` and `cors`. The `endpoints` of the server have the actual paths. The host mounts an endpoint that
   * has no router.
   * @default none
   */
  readonly endpoints?: Readonly<
    Record<
      string,
      {
        readonly path: string
        /** Creates the router. */
        readonly router?: (server: AuthorizationServer, options: { decide?: Decide; cors?: CorsOptions }) => Router
      }
    >
  >
  /** Another origin of the endpoints, for `mtls_endpoint_aliases` (RFC 8705 §5). @default none */
  readonly aliases?: string | undefined
  /** Members of client metadata. @default none */
  readonly clientMembers?: readonly ClientMember[]
  /**
   * Public keys for the server's JWKS (RFC 7517 §5). Returns the same list until the keys change. Add only keys of this
   * server: APIs accept access tokens signed with any of them.
   * @default none
   */
  readonly jwks?: () => readonly JsonWebKey[]
}

/** A request at an endpoint that authenticates clients, as a `ClientAuthentication` receives it. */
export interface EndpointRequest {
  readonly req: Request
  readonly parameters: RequestParameters
}

/** The client credentials of a request. An authentication method may add members for its own `verify`. */
export interface PresentedCredentials {
  /** The method. `'none'` for a client id without a proof: only a client without authentication may send that. */
  readonly method: TokenEndpointAuthMethod
  /** The client id. Undefined for credentials that no client can have: they fail, and no other method is tried. */
  readonly clientId: string | undefined
  /**
   * Whether the client chose to send them. False for a certificate, which every request has. Such credentials count
   * only without explicit ones, and only if the client's record names the method.
   */
  readonly explicit: boolean
  /** The `WWW-Authenticate` header of a failure (RFC 6749 §5.2). @default none */
  readonly challenge?: string
  /** The error description for credentials without a `clientId`. @default 'Client authentication failed.' */
  readonly problem?: string
}

/** A proof that may be used once. Its id is remembered until it expires. */
export interface OneTimeProof {
  /** The kind of proof, such as `'client_assertion'`. Each kind has ids of its own. */
  readonly purpose: string
  /** The id, unique for this client and purpose: the `jti`. */
  readonly id: string
  /** When the proof expires. Seconds since the epoch. */
  readonly expiresAt: number
}

/** A proof that failed. */
export interface FailedProof {
  /** The reason, for the host's events. */
  readonly reason: string
  /** The error description, if it reveals nothing about clients. @default 'Client authentication failed.' */
  readonly problem?: string
}

/**
 * A method of client authentication at the token, revocation and introspection endpoints: `clientSecret()`,
 * `privateKeyJwt()` or `mutualTls()`. Write an object of this shape for a method of your own.
 */
export interface ClientAuthentication<Presented extends PresentedCredentials = PresentedCredentials>
  extends Capability {
  /** The names of the methods in client records and metadata. Never `'none'`: only a client record can allow that. */
  readonly methods: readonly TokenEndpointAuthMethod[]
  /**
   * The request parameter that contains the credentials. `presented` is called only if the request has it.
   * @default `presented` is called for every request
   */
  readonly parameter?: string
  /** Checks a client record that names one of the methods. Throws an `OAuthError`. @default every record is accepted */
  readonly verifyRecord?: (record: ClientMetadata) => void
  /** Returns the credentials in the request, or `[]` if it has none. It must not use the storage. */
  presented(request: EndpointRequest): readonly Presented[]
  /**
   * Returns the authenticated client. For a wrong proof it returns undefined or the reason. `client` is the client with
   * `presented.clientId` if its record names the method. If it is undefined, do the same work and fail: otherwise the
   * time reveals which ids exist. `once` is stored last; a second use fails.
   */
  verify(
    server: AuthorizationServer,
    client: Client | undefined,
    presented: Presented,
  ): Awaitable<{ readonly client: Client; readonly once?: OneTimeProof } | FailedProof | undefined>
}

/** A request that may prove a key: Express's, or Node's for a WebSocket upgrade. */
export type ProvingRequest = Pick<IncomingMessage, 'method' | 'headers' | 'rawHeaders' | 'url'> & {
  readonly originalUrl?: string
  /** The connection. Its client certificate may be the proof. */
  readonly socket?: IncomingMessage['socket']
}

/** A request, as a `SenderConstraint` receives it. */
export interface ProofRequest {
  readonly req: ProvingRequest
  /** The public URL of the request, which the proof must name. */
  readonly url: string
  /** The same URL at the other origin of the endpoints (RFC 8705 §5). @default none */
  readonly alias?: string | undefined
  /** Set at an API only: the access token of the request, its client and its key. */
  readonly token?: { readonly value: string; readonly clientId: string; readonly confirmation: Confirmation }
}

/** The key that a request proved to possess. */
export interface ProvenKey {
  readonly confirmation: Confirmation
  /** The proof's id, which the endpoints accept once. @default the proof may be repeated */
  readonly once?: OneTimeProof
  /** Response headers, such as `DPoP-Nonce`. */
  readonly headers: Readonly<Record<string, string>>
}

/** A way to bind tokens to a key of their client: `dpop()` or `mutualTls()`. */
export interface SenderConstraint extends Capability {
  /** The member of `cnf` that it sets (RFC 7800 §3.1). */
  readonly member: 'jkt' | 'x5t#S256'
  /** The authentication scheme and `token_type` of bound tokens. Proofs of a scheme other than Bearer name a URL. */
  readonly scheme: 'DPoP' | 'Bearer'
  /** The parameters of its own challenge, as the header contains them. */
  readonly challenge: string
  /** The signing algorithms of its proofs (RFC 9449 §5.1). @default none */
  readonly algorithms?: readonly string[]
  /** Returns the URL of a request to an API. @default the URL of the resource or issuer, with its path */
  readonly url?: ((req: ProvingRequest) => string) | undefined
  /**
   * Returns the proven key. Returns undefined for a request at an endpoint without a proof. Throws an `OAuthError` for
   * an invalid proof. At an API it also throws for a proof of another token or a repeated one.
   */
  readonly confirm: (
    source: Pick<AuthorizationServer, 'emit' | 'now'>,
    request: ProofRequest,
  ) => Awaitable<ProvenKey | undefined>
}

/** The parameters that replace those of the browser. */
export interface SourcedRequest {
  readonly parameters: RequestParameters
  /** The row that the decision uses up in the step that stores the code. */
  readonly uses?: Credential
}

/**
 * Another source of authorization request parameters: `pushedAuthorizationRequests()` or `requestObjects()`. Its
 * parameters replace those of the request. They are never merged (RFC 9101 §6.3).
 */
export interface RequestSource extends Capability {
  /** The parameter that refers to the request or contains it. */
  readonly parameter: 'request_uri' | 'request'
  /** Whether the requests of this client must use it. @default no */
  readonly required?: (client: Client) => boolean
  /** Checks the server at start-up. Throws a TypeError if it lacks a requirement. @default no requirement */
  readonly verifyServer?: (server: Pick<AuthorizationServer, 'clientAuthentication'>) => void
  /** Returns the request parameters, or throws an `OAuthError`. `network` is the sender's. */
  parametersOf(server: AuthorizationServer, client: Client, value: string, network: string): Awaitable<SourcedRequest>
}
