/** Client metadata, as hosts and documents write it (RFC 7591 §2). Types only. */
import type { Awaitable } from '../awaitable'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { CertificateClientMembers } from '../storage/certificate-client'
import type { ClientLimits } from '../storage/client-limits'
import type { OpenIdClientMembers } from '../storage/openid-client'

/** The client members that `privateKeyJwt()` and `mutualTls()` add. */
export interface ClientKeyMetadata {
  /**
   * The client's public keys (RFC 7517 §5), `{ keys: [jwk] }`. `self_signed_tls_client_auth` needs `x5c` in a key. A
   * removed key stops working at once. An empty list removes the member.
   * @default none
   */
  jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /**
   * The https URL of the client's public keys, in place of `jwks`. A key removed there stops working within five
   * minutes. An empty string removes the member.
   * @default none
   */
  jwksUri?: string
  /**
   * The only algorithm of the client's assertions (RFC 7591 §2), such as `'ES256'`.
   * @default every algorithm of its keys
   */
  tokenEndpointAuthSigningAlg?: string
}

/** The client member that `dpop()` adds. */
export interface ClientProofMetadata {
  /**
   * Whether the client gets only tokens that are bound to its key. Its token requests without a DPoP proof are refused
   * (RFC 9449 §5.2).
   * @default false
   */
  dpopBoundAccessTokens?: boolean
}

/** The client members that `pushedAuthorizationRequests()` and `requestObjects()` add. */
export interface ClientRequestMetadata {
  /**
   * Whether the client must push its authorization requests (RFC 9126 §6).
   * @default the server's `pushedAuthorizationRequests({ required })` applies
   */
  requirePushedAuthorizationRequests?: boolean
  /**
   * Whether the client must sign its authorization requests (RFC 9101 §10.5).
   * @default the server's `requestObjects({ required })` applies
   */
  requireSignedRequestObject?: boolean
  /** The only algorithm of the client's request objects, such as `'ES256'`. @default every algorithm of its keys */
  requestObjectSigningAlg?: string
}

/** The client member that the option `authorizationDetails` adds. */
export interface ClientDetailsMetadata {
  /**
   * The types of authorization details that the client may request (RFC 9396 §10).
   * @default every type of the server
   */
  authorizationDetailsTypes?: readonly string[]
}

/** The built-in grant types by their letters alone, to find one that is written with other signs or capitals. */
interface GrantOfLetters {
  authorizationcode: 'authorization_code'
  clientcredentials: 'client_credentials'
  refreshtoken: 'refresh_token'
  password: 'password'
  implicit: 'implicit'
}

type Letters<Text extends string> = Text extends `${infer Head}${'_' | '-' | ' '}${infer Tail}`
  ? `${Lowercase<Head>}${Letters<Tail>}`
  : Lowercase<Text>

/**
 * The correct name of a grant type: `'authorizationCode'` gives `'authorization_code'`. A name of the host stays as it
 * is.
 */
type GrantName<Name extends string> = Letters<Name> extends keyof GrantOfLetters ? GrantOfLetters[Letters<Name>] : Name

/**
 * The members of a client record that its owner may set. `Grants` is inferred, so that a misspelt grant does not
 * compile.
 */
export interface ClientMetadata<Grants extends string = string>
  extends ClientKeyMetadata,
    ClientProofMetadata,
    CertificateClientMembers,
    ClientRequestMetadata,
    ClientDetailsMetadata,
    ClientLimits,
    OpenIdClientMembers {
  /** The name, which the consent page shows. @default the client id */
  name?: string
  /** The description, which the consent page shows below the name. @default none */
  description?: string
  /**
   * The id of the user who owns this record in the clients API. If the user is deleted, the client gets no tokens.
   * @default no owner
   */
  username?: string
  /**
   * The redirect URIs. They are compared exactly, except for the port of a loopback IP address (RFC 8252 §7.3).
   * @default none
   */
  redirectUris?: readonly string[]
  /** The grant types that the client may use. @default authorization_code and refresh_token */
  grantTypes?: readonly GrantName<Grants>[]
  /** The scope that the client may request. @default empty */
  scopes?: readonly string[]
  /** The scope of a request that names no scope. @default all of `scopes` */
  defaultScopes?: readonly string[]
  /** The resources of the server that the client may request (RFC 8707). @default all of them */
  resources?: readonly string[]
  /**
   * How the client authenticates (RFC 7591 §2): `['none']` for a public client, `['private_key_jwt']` for one with
   * keys.
   * @default client_secret_basic and client_secret_post
   */
  tokenEndpointAuthMethods?: readonly TokenEndpointAuthMethod[]
  /** Whether the client must use PKCE. Overrides the server's `pkce`. @default the server's `pkce` applies */
  requirePkce?: boolean
  /**
   * Whether the client may introspect access tokens of other clients (RFC 7662 §2.1): `true` for all tokens, or a list
   * of `resources` for the tokens of these.
   * @default false
   */
  resourceServer?: boolean | readonly string[]
  /**
   * The algorithm of signed introspection responses (RFC 9701 §6), one of those of `jwt({ keys })` or `openid({ keys
   * })`. The client receives a JWT if its `Accept` header requests one.
   * @default RS256 for a `resourceServer` if the server has such a key, otherwise plain JSON
   */
  introspectionSignedResponseAlg?: string
}

/** Set by `clientIdMetadataDocuments`: finds clients whose id is the URL of their metadata document. */
export interface ClientDocuments {
  /** Whether to fetch this client id instead of reading it from storage. */
  readonly isDocumentUrl: (clientId: string) => boolean
  /**
   * Fetches the document and returns the client that it describes. Throws if the document is missing or invalid.
   * Fetches are throttled by `network`, the sender's.
   */
  readonly find: (url: string, network?: string) => Awaitable<Client>
}
