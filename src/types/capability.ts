/** What the values in the lists of a server are asked about, and what they return. Types only. */
import type { Request } from 'express'
import type { RequestParameters } from '../rules/params'
import type { TokenEndpointAuthMethod } from '../storage'

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
