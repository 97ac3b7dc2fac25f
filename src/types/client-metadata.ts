/** Client metadata as hosts write it (RFC 7591 §2, with members of ours). */
import type { TokenEndpointAuthMethod } from '../storage'

/** The members of a record that its owner decides about. */
export interface ClientMetadata {
  /** Shown to users on the consent page. @default the client id */
  name?: string
  /** Shown below the name. @default nothing */
  description?: string
  /** The user who owns this record in the clients API; once they are gone, it gets no tokens of its own. @default nobody */
  username?: string
  /**
   * Where codes may be sent; compared as they are, but for the port of a loopback IP address (RFC 8252 §7.3).
   * @default none
   */
  redirectUris?: readonly string[]
  /** Which grants it may use. @default authorization_code and refresh_token */
  grantTypes?: readonly string[]
  /** What the client may ask for. @default nothing */
  scopes?: readonly string[]
  /** What it gets when it asks for nothing. @default all of `scopes` */
  defaultScopes?: readonly string[]
  /** Which resources of the server it may ask for (RFC 8707). @default all of them */
  resources?: readonly string[]
  /**
   * How it authenticates (RFC 7591 §2): `['none']` for a public client.
   * @default client_secret_basic and client_secret_post
   */
  tokenEndpointAuthMethods?: readonly TokenEndpointAuthMethod[]
  /** Whether it must use PKCE, whatever the server's `pkce` says. @default what that says */
  requirePkce?: boolean
  /**
   * Whether it may introspect access tokens of other clients (RFC 7662 §2.1): `true` for all of them, or the `resources` of the server
   * that it stands for, and then only tokens for these. @default false
   */
  resourceServer?: boolean | readonly string[]
}
