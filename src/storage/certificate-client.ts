/** What a client record says of certificates: RFC 8705 §2.1.2, §3.4. Types only. */

/** The members that `mutualTls()` brings along. */
export interface CertificateClientMembers {
  /**
   * Whether it gets tokens that are bound to its certificate only: token requests without one are refused (RFC 8705
   * §3.4).
   * @default false
   */
  readonly tlsClientCertificateBoundAccessTokens?: boolean
  /**
   * The subject of its certificate (RFC 4514), such as `'CN=client,O=Example,C=DE'`. A client with `tls_client_auth` has
   * this or one of the following, and no two of them (RFC 8705 §2.1.2).
   * @default none
   */
  readonly tlsClientAuthSubjectDn?: string
  /** A DNS name among the subject alternative names of its certificate. @default none */
  readonly tlsClientAuthSanDns?: string
  /** A URI among them. @default none */
  readonly tlsClientAuthSanUri?: string
  /** An IP address among them. @default none */
  readonly tlsClientAuthSanIp?: string
  /** An email address among them. @default none */
  readonly tlsClientAuthSanEmail?: string
}
