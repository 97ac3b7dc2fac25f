/** What the record of a client says of its authorization requests. Types only. */

export interface RequestClientMembers {
  /** Left out: the server's `pkce` applies. */
  readonly requirePkce?: boolean
  /** Must push its authorization requests (RFC 9126 §6). */
  readonly requirePushedAuthorizationRequests?: boolean
  /** Must sign its authorization requests (RFC 9101 §10.5), with this algorithm alone. */
  readonly requireSignedRequestObject?: boolean
  readonly requestObjectSigningAlg?: string
  /** The types of authorization details that it may ask for (RFC 9396 §10). Left out: all that the server has. */
  readonly authorizationDetailsTypes?: readonly string[]
}
