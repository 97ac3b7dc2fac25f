/** The kinds of values in the lists of a server, and what they are asked about. Types only. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import type { RequestParameters } from '../rules/params'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from './authorization-server'

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
export interface ClientAuthentication<Presented extends PresentedCredentials = PresentedCredentials> {
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
