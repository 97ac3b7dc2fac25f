/** Client metadata as hosts write it (RFC 7591 §2, with members of ours), and as documents have it. Types only. */
import type { Awaitable } from '../awaitable'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { CertificateClientMembers } from '../storage/certificate-client'
import type { ClientLimits } from '../storage/client-limits'
import type { OpenIdClientMembers } from '../storage/openid-client'

/** The members that `privateKeyJwt()` and `mutualTls()` bring along. */
export interface ClientKeyMetadata {
  /**
   * Its public keys (RFC 7517 §5), `{ keys: [jwk] }`, for `private_key_jwt`, and with `x5c` for
   * `self_signed_tls_client_auth`. A key that is taken out stops working at once. An empty list removes the member.
   * @default none
   */
  jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /**
   * The https URL of its public keys, in the place of `jwks`. A key that is taken out there stops working within five
   * minutes. An empty string removes the member.
   * @default none
   */
  jwksUri?: string
  /**
   * The only algorithm of its assertions (RFC 7591 §2), such as `'ES256'`.
   * @default every algorithm of its keys
   */
  tokenEndpointAuthSigningAlg?: string
}

/** The member that `dpop()` brings along. */
export interface ClientProofMetadata {
  /**
   * Whether it gets tokens that are bound to its key only: token requests without a DPoP proof are refused (RFC 9449
   * §5.2).
   * @default false
   */
  dpopBoundAccessTokens?: boolean
}

/** The members that `pushedAuthorizationRequests()` and `requestObjects()` bring along. */
export interface ClientRequestMetadata {
  /**
   * Whether it must push its authorization requests (RFC 9126 §6).
   * @default the server's `pushedAuthorizationRequests({ required })` applies
   */
  requirePushedAuthorizationRequests?: boolean
  /**
   * Whether it must sign its authorization requests (RFC 9101 §10.5).
   * @default the server's `requestObjects({ required })` applies
   */
  requireSignedRequestObject?: boolean
  /**
   * The only algorithm of its request objects, such as `'ES256'`.
   * @default every algorithm of its keys
   */
  requestObjectSigningAlg?: string
}

/** The member that the option `authorizationDetails` brings along. */
export interface ClientDetailsMetadata {
  /**
   * The types of authorization details that it may ask for (RFC 9396 §10).
   * @default every type of the server
   */
  authorizationDetailsTypes?: readonly string[]
}

/** The built-in grants by their letters alone, for a misspelt one differs in the rest. */
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

/** The name as it must be written: `'authorizationCode'` is `'authorization_code'`, and a grant of the host as it is. */
type GrantName<Name extends string> = Letters<Name> extends keyof GrantOfLetters ? GrantOfLetters[Letters<Name>] : Name

/** The members of a record that its owner may set. `Grants` is inferred, so that a misspelt grant does not compile. */
export interface ClientMetadata<Grants extends string = string>
  extends ClientKeyMetadata,
    ClientProofMetadata,
    CertificateClientMembers,
    ClientRequestMetadata,
    ClientDetailsMetadata,
    ClientLimits,
    OpenIdClientMembers {
  /** Shown to users on the consent page. @default the client id */
  name?: string
  /** Shown below the name. @default nothing */
  description?: string
  /**
   * The user who owns this record in the clients API. A client of a deleted user gets no tokens of its own.
   * @default no owner
   */
  username?: string
  /**
   * The redirect URIs; compared exactly, except for the port of a loopback IP address (RFC 8252 §7.3). An error names the
   * one that is refused, with the reason.
   * @default none
   */
  redirectUris?: readonly string[]
  /** Which grants it may use. @default authorization_code and refresh_token */
  grantTypes?: readonly GrantName<Grants>[]
  /** The scope that the client may ask for. @default empty */
  scopes?: readonly string[]
  /** The scope of a request that names none. @default all of `scopes` */
  defaultScopes?: readonly string[]
  /** Which resources of the server it may ask for (RFC 8707). @default all of them */
  resources?: readonly string[]
  /**
   * How it authenticates (RFC 7591 §2): `['none']` for a public client, `['private_key_jwt']` for one with keys.
   * @default client_secret_basic and client_secret_post
   */
  tokenEndpointAuthMethods?: readonly TokenEndpointAuthMethod[]
  /** Whether it must use PKCE, whatever the server's `pkce` says. @default the server's `pkce` applies */
  requirePkce?: boolean
  /**
   * Whether it may introspect access tokens of other clients (RFC 7662 §2.1): `true` for all of them, or a list of
   * `resources`. With a list, only tokens for these.
   * @default false
   */
  resourceServer?: boolean | readonly string[]
  /**
   * The algorithm of signed introspection responses (RFC 9701 §6), one of those of `jwt({ keys })` or `openid({ keys })`.
   * A request then receives a JWT where its `Accept` asks for one.
   * @default RS256 for a `resourceServer`, where the server has such a key; otherwise plain JSON
   */
  introspectionSignedResponseAlg?: string
}

/** Set by `clientIdMetadataDocuments`: clients whose id is the URL of their metadata document. */
export interface ClientDocuments {
  /** Whether to fetch that id instead of looking it up in storage. */
  readonly isDocumentUrl: (clientId: string) => boolean
  /**
   * Fetches the client that the document describes, at the pace of the sender's `network`. Throws without a valid
   * document.
   */
  readonly find: (url: string, network?: string) => Awaitable<Client>
}
