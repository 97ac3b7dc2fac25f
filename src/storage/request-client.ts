/** The members of a client record for authorization requests. Types only. */

export interface RequestClientMembers {
  /** If omitted, the server's `pkce` applies. */
  readonly requirePkce?: boolean
  /** The client must push its authorization requests (RFC 9126 §6). */
  readonly requirePushedAuthorizationRequests?: boolean
  /** The client must sign its authorization requests (RFC 9101 §10.5), with this algorithm only. */
  readonly requireSignedRequestObject?: boolean
  readonly requestObjectSigningAlg?: string
  /**
   * The types of authorization details that the client may request (RFC 9396 §10). If omitted: all types of the server.
   */
  readonly authorizationDetailsTypes?: readonly string[]
}
