/** The members of a client record for certificates: RFC 8705 §2.1.2, §3.4. Types only. */

/** The client members that `mutualTls()` adds. */
export interface CertificateClientMembers {
  /**
   * Whether the client gets only tokens that are bound to its certificate. Its token requests without one are refused
   * (RFC 8705 §3.4).
   * @default false
   */
  readonly tlsClientCertificateBoundAccessTokens?: boolean
  /**
   * The subject of the client's certificate (RFC 4514), such as `'CN=client,O=Example,C=DE'`. A client with
   * `tls_client_auth` has exactly one of this and the following members (RFC 8705 §2.1.2).
   * @default none
   */
  readonly tlsClientAuthSubjectDn?: string
  /** A DNS name in the subject alternative names of the client's certificate. @default none */
  readonly tlsClientAuthSanDns?: string
  /** A URI in the subject alternative names of the client's certificate. @default none */
  readonly tlsClientAuthSanUri?: string
  /** An IP address in the subject alternative names of the client's certificate. @default none */
  readonly tlsClientAuthSanIp?: string
  /** An email address in the subject alternative names of the client's certificate. @default none */
  readonly tlsClientAuthSanEmail?: string
}
