/** The server value, grants, authorization requests and decisions. Types only. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import type { InTime } from '../deadline'
import type { OAuthError } from '../errors'
import type { Pages } from '../pages/page'
import type { RequestParameters } from '../rules/params'
import type { PkcePolicy } from '../rules/pkce'
import type { Audience, ResourceLimits, ResourceRules } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Client, Credential, OAuthStorage } from '../storage'
import type { AccessTokenFormat, SourceToken } from './access-token'
import type { Throttle, VerifiedSecrets } from './attempts'
import type { Authorization, DeviceRequest } from './authorization'
import type { AuthorizationDetailTypes } from './authorization-details'
import type { Capability, ClientAuthentication, ClientMember, RequestSource, SenderConstraint } from './capability'
import type { ClientDocuments } from './client-metadata'
import type { Endpoints } from './endpoints'
import type { AuthorizationServerEvent, WarningCode, WithoutTime } from './events'
import type { OpenIdProvider, OpenIdRequest } from './openid'
import type { TokenRequest, TokenResponse, TokenResponseContext } from './token'
import type { PageUsers, Users } from './users'

/** A validated authorization request: RFC 6749 §4.1.1. */
export interface AuthorizationRequest
  extends Omit<Authorization, 'clientId' | 'userId' | 'grantId' | 'audience' | 'confirmation' | 'authentication'> {
  readonly server: AuthorizationServer
  /** The client. Its `name` is its id if the record has no name. */
  readonly client: Client
  readonly responseType: string
  /** Where the response goes: the redirect URI of the request, or the only registered one. Omitted for devices. */
  readonly redirectUri?: string
  /** Set for the request of a device, which polls for the decision (RFC 8628). */
  readonly device?: DeviceRequest
  /** The `redirect_uri` parameter; the token request must repeat it (RFC 6749 §4.1.3). */
  readonly sentRedirectUri?: string
  /** The resources that the tokens will be for (RFC 8707). Empty if the server has no `resources`. */
  readonly audience: Audience
  readonly state?: string
  readonly codeChallenge?: string
  /** The thumbprint of the key that the code is bound to (RFC 9449 §10). */
  readonly dpopJkt?: string
  /** The OpenID Connect part of the request. Omitted without the scope `openid`. */
  readonly openid?: OpenIdRequest
  /** The effective parameters: those of the pushed request or request object if there is one, else those sent. */
  readonly parameters: RequestParameters
  /** The parameters that the browser sent. Pages read their own fields here and build links from them. */
  readonly sent: RequestParameters
  /** @internal The pushed request that the decision uses up (RFC 9126). */
  readonly uses?: Credential
}

/** A user's decision, ready to become an authorization response. */
export interface ApprovedAuthorization
  extends Pick<AuthorizationRequest, 'client' | 'parameters' | 'sentRedirectUri' | 'codeChallenge' | 'dpopJkt'> {
  /** The approved authorization. */
  readonly authorization: Authorization & { readonly userId: string }
  /** The `nonce` of the request (OpenID Connect Core §3.1.2.1). */
  readonly nonce?: string
  /** Set if an access token in the request identifies the user. */
  readonly source?: SourceToken
  /** @internal The row to use up in the same step that stores the code. */
  readonly uses?: Credential
}

/**
 * A grant type: it handles a `grant_type` at the token endpoint and a `response_type` at the authorization endpoint.
 * Write an object of this shape for a grant of your own.
 */
export interface GrantType extends Capability {
  /** The `grant_type` parameter, and the name of the grant type in client records. */
  readonly grantType: string
  /** Handles a token request: returns the response, or throws an `OAuthError`. */
  readonly handle?: (server: AuthorizationServer, request: TokenRequest) => Awaitable<TokenResponse>
  readonly responseType?: string
  /** Where the authorization response goes in the redirect URI. @default 'query' */
  readonly responseMode?: 'query' | 'fragment'
  /** Returns the parameters of the authorization response, except `state` and `iss`. */
  readonly authorize?: (
    server: AuthorizationServer,
    approved: ApprovedAuthorization,
  ) => Awaitable<Record<string, unknown>>
  /**
   * Whether `authorize` limits its result to `approved.source`, as `authorizationCode()` and `implicit()` do. If false,
   * requests with an access token are refused: the new session would outlive the token.
   * @default false
   */
  readonly fromAccessTokens?: boolean
  /** @internal Set by `authorizationCode()`. */
  readonly codes?: { readonly ttl: number }
  /** @internal Set by `refreshToken()`: the settings of every refresh token that the server issues. */
  readonly refreshTokens?: RefreshTokenSettings
}

/** The validated options of `refreshToken()`. Times are in seconds. */
export interface RefreshTokenSettings {
  readonly ttl: number
  readonly maxAge: number | undefined
  readonly rotate: boolean | 'public-clients'
  readonly replayWindow: number
}

/** The decision about an authorization request, made by the user or by the host for the user. */
export type Decision =
  | {
      allow: true
      userId: string
      /** The granted scope, at most the requested one. @default the requested scope */
      scope?: string | Scope
      /** When the authorization began, if before this request. Seconds. @default when the request arrived */
      startedAt?: number
      /**
       * The ids of other clients whose access tokens may identify the user. The requesting client's own tokens always
       * may.
       * @default no other client
       */
      fromTokensOf?: readonly string[]
    }
  | { allow: false }

/**
 * Decides about an authorization request. Returns `{ allow: true, userId }` or `{ allow: false }`. Returns nothing if
 * it sent the response itself, for example a sign-in page. The request is validated again when the browser returns. If
 * it throws, the request fails.
 */
export interface Decide {
  // biome-ignore lint/suspicious/noConfusingVoidType: a decider that answered `res` itself returns nothing
  (request: AuthorizationRequest, req: Request, res: Response): Awaitable<Decision | undefined | void>
  /**
   * @internal Set by built-in deciders: returns their users at this server. Throws a TypeError if a required user
   * function is missing.
   */
  readonly usersAt?: (server: AuthorizationServer) => PageUsers
  /** @internal Set by `approve`: the user is not asked. */
  readonly silent?: boolean
  /** @internal Set by `consentPage` without `render`: the posted form is on a built-in page. */
  readonly ownForm?: boolean
}

/** The access token to create: its lookup id and its authorization. */
export interface UnsignedToken {
  readonly id: string
  readonly authorization: Authorization
  /** Seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The frozen result of `createAuthorizationServer`. Pass it as the first argument to every other function. */
export interface AuthorizationServer extends ResourceRules {
  readonly issuer: string
  /** The host's storage, checked. Errors and invalid rows become a 503. */
  readonly storage: OAuthStorage
  /** Waits at most `storageTimeout` for a function of the host. */
  readonly inTime: InTime
  /** The scopes, each with its meaning in words. */
  readonly scopes: ReadonlyMap<string, string>
  /** The grant types by `grant_type`. `responseTypes` has them by `response_type`. */
  readonly grants: ReadonlyMap<string, GrantType>
  readonly responseTypes: ReadonlyMap<string, GrantType>
  readonly clientAuthentication: readonly ClientAuthentication[]
  /** The ways to bind tokens to a key of their client. */
  readonly senderConstraints: readonly SenderConstraint[]
  readonly requests: readonly RequestSource[]
  /** @internal */
  readonly authorizationDetails: AuthorizationDetailTypes | undefined
  /** The value of `openid()`. */
  readonly openid: OpenIdProvider | undefined
  /** @internal */
  readonly codes: { readonly ttl: number } | undefined
  /** @internal */
  readonly refreshTokens: RefreshTokenSettings | undefined
  readonly accessTokens: AccessTokenFormat
  /** @internal Undefined if no resource has limits of its own. */
  readonly resourceLimits: ResourceLimits | undefined
  readonly users: Users | undefined
  readonly pkce: PkcePolicy
  readonly allowHttpRedirectUris: boolean
  readonly privateUseSchemes: 'any' | 'with-dot'
  readonly endpoints: Endpoints
  /** The path that a proxy removes from each request. */
  readonly proxyPrefix: string | undefined
  /** All values that add endpoints, metadata or client members. */
  readonly capabilities: readonly Capability[]
  /** @internal */
  readonly clientMembers: readonly ClientMember[]
  /** @internal */
  readonly clientDocuments: ClientDocuments | undefined
  /** Changes each token response before it is sent. */
  readonly tokenResponse?: (body: TokenResponse, context: TokenResponseContext) => Awaitable<Record<string, unknown>>
  /** @internal */
  readonly verifiedSecrets: VerifiedSecrets
  readonly throttle: Throttle | undefined
  /** @internal */
  readonly pages: Pages
  /** Adds the time to an event and passes it to `onEvent`. Ignores what `onEvent` throws. */
  readonly emit: (event: WithoutTime<AuthorizationServerEvent>) => void
  /** @internal In development, prints why a request was refused. */
  readonly explain: ((error: OAuthError, req: Request) => void) | undefined
  /** Warns the host of a mistake, once for each code. */
  readonly warn: (code: WarningCode, message: string) => void
  /** Whole seconds since the epoch. */
  readonly now: () => number
  /** @internal Seconds since the epoch. They have a fraction if the clock has one. */
  readonly exactNow: () => number
}
