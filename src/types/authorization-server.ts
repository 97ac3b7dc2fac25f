/** The types that the whole house shares: the server value, grants, requests, decisions, events. Types only. */
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
  /** The client; its `name` is its id where the record has none. */
  readonly client: Client
  readonly responseType: string
  /** Where the response goes: the redirect URI that was sent, or the only registered one. A device has none. */
  readonly redirectUri?: string
  /** Set where a device asks, which polls for the answer (RFC 8628). */
  readonly device?: DeviceRequest
  /** The `redirect_uri` parameter; the token request must repeat it (RFC 6749 §4.1.3). */
  readonly sentRedirectUri?: string
  /** The resources that the tokens will be for (RFC 8707). Empty where the server has none. */
  readonly audience: Audience
  readonly state?: string
  readonly codeChallenge?: string
  /** The thumbprint of the key that the code is bound to (RFC 9449 §10). */
  readonly dpopJkt?: string
  /** What the request says of OpenID Connect. Left out where its scope is not `openid`. */
  readonly openid?: OpenIdRequest
  /** The parameters that count: those of a pushed request or a request object, where there is one. */
  readonly parameters: RequestParameters
  /** The parameters that the browser sent. Pages read their own fields here, and link back by these. */
  readonly sent: RequestParameters
  /** @internal The pushed request, which the answer uses up (RFC 9126). */
  readonly uses?: Credential
}

/** A user's decision, ready to become an authorization response. */
export interface ApprovedAuthorization
  extends Pick<AuthorizationRequest, 'client' | 'parameters' | 'sentRedirectUri' | 'codeChallenge' | 'dpopJkt'> {
  /** The approved authorization. */
  readonly authorization: Authorization & { readonly userId: string }
  /** The `nonce` of the request (OpenID Connect Core §3.1.2.1). */
  readonly nonce?: string
  /** Set where an access token in front identifies the user. */
  readonly source?: SourceToken
  /** @internal The row to use up in the step that stores the code. */
  readonly uses?: Credential
}

/**
 * A grant: it handles a `grant_type` at the token endpoint and a `response_type` at the authorization endpoint. A
 * host's own grant is a value of this shape.
 */
export interface GrantType extends Capability {
  /** The `grant_type`, and the name of the grant in client records. */
  readonly grantType: string
  /** Handles a token request: returns the response, or throws an `OAuthError`. */
  readonly handle?: (server: AuthorizationServer, request: TokenRequest) => Awaitable<TokenResponse>
  readonly responseType?: string
  /** Where the authorization response goes in the redirect URI. @default 'query' */
  readonly responseMode?: 'query' | 'fragment'
  /** The parameters of the authorization response, beside `state` and `iss`. */
  readonly authorize?: (
    server: AuthorizationServer,
    approved: ApprovedAuthorization,
  ) => Awaitable<Record<string, unknown>>
  /**
   * Whether `authorize` keeps its result within `approved.source`, as `authorizationCode()` and `implicit()` do. Left
   * out, requests that a guard admitted are refused here: their session would outlive the token.
   * @default false
   */
  readonly fromAccessTokens?: boolean
  /** @internal Set by `authorizationCode()`. */
  readonly codes?: { readonly ttl: number }
  /** @internal Set by `refreshToken()`: how each issue of tokens makes a refresh token. */
  readonly refreshTokens?: RefreshTokenSettings
}

/** The options of `refreshToken()`, in seconds. */
export interface RefreshTokenSettings {
  readonly ttl: number
  readonly maxAge: number | undefined
  readonly rotate: boolean | 'public-clients'
  readonly replayWindow: number
}

/** The decision of a user, or of the host in the user's name, about an authorization request. */
export type Decision =
  | {
      allow: true
      userId: string
      /** The granted scope, at most the requested one. @default the requested scope */
      scope?: string | Scope
      /** When the authorization began, if before this request. Seconds. @default when this request arrived */
      startedAt?: number
      /**
       * The other clients whose access tokens in front may identify the user, beside the requesting client's own.
       * @default no other client
       */
      fromTokensOf?: readonly string[]
    }
  | { allow: false }

/**
 * Decides about an authorization request. Returns `{ allow: true, userId }` or `{ allow: false }`. Returns nothing
 * after it sent the response itself, such as a sign-in page. The request is validated afresh when the browser comes
 * back. A thrown error refuses.
 */
export interface Decide {
  // biome-ignore lint/suspicious/noConfusingVoidType: a decider that answered `res` itself returns nothing
  (request: AuthorizationRequest, req: Request, res: Response): Awaitable<Decision | undefined | void>
  /**
   * @internal Set by our deciders: their users at this server. Throws a TypeError where neither names a required one.
   */
  readonly usersAt?: (server: AuthorizationServer) => PageUsers
  /** @internal Set by `approve`: no user is asked. */
  readonly silent?: boolean
  /** @internal Set by `consentPage` without `render`: the form that is posted here is on a page of ours. */
  readonly ownForm?: boolean
}

/** The access token to make: its lookup id and its authorization. */
export interface UnsignedToken {
  readonly id: string
  readonly authorization: Authorization
  /** Seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/**
 * The result of `createAuthorizationServer`: the validated options, frozen. It is the first argument of every function.
 */
export interface AuthorizationServer extends ResourceRules {
  readonly issuer: string
  /** The host's storage behind checks: errors and impossible rows become a 503. */
  readonly storage: OAuthStorage
  /** What the host's functions answer, where they answer within `storageTimeout`. */
  readonly inTime: InTime
  /** Scope tokens and their meaning in words. */
  readonly scopes: ReadonlyMap<string, string>
  /** By `grant_type`, and by `response_type`. */
  readonly grants: ReadonlyMap<string, GrantType>
  readonly responseTypes: ReadonlyMap<string, GrantType>
  readonly clientAuthentication: readonly ClientAuthentication[]
  /** How tokens are bound to a key of their client. */
  readonly senderConstraints: readonly SenderConstraint[]
  readonly requests: readonly RequestSource[]
  /** @internal */
  readonly authorizationDetails: AuthorizationDetailTypes | undefined
  /** OpenID Connect. */
  readonly openid: OpenIdProvider | undefined
  /** @internal */
  readonly codes: { readonly ttl: number } | undefined
  /** @internal */
  readonly refreshTokens: RefreshTokenSettings | undefined
  readonly accessTokens: AccessTokenFormat
  /** @internal Undefined where nothing is said of single resources. */
  readonly resourceLimits: ResourceLimits | undefined
  readonly users: Users | undefined
  readonly pkce: PkcePolicy
  readonly allowHttpRedirectUris: boolean
  readonly privateUseSchemes: 'any' | 'with-dot'
  readonly endpoints: Endpoints
  /** The path that a proxy takes off each request. */
  readonly proxyPrefix: string | undefined
  /** The additions of the values in the lists, including their members of client metadata. */
  readonly capabilities: readonly Capability[]
  /** @internal */
  readonly clientMembers: readonly ClientMember[]
  /** @internal */
  readonly clientDocuments: ClientDocuments | undefined
  /** Shapes each token response. */
  readonly tokenResponse?: (body: TokenResponse, context: TokenResponseContext) => Awaitable<Record<string, unknown>>
  /** @internal */
  readonly verifiedSecrets: VerifiedSecrets
  readonly throttle: Throttle | undefined
  /** @internal */
  readonly pages: Pages
  /** Sends an event with the time to `onEvent`. A thrown error is ignored. */
  readonly emit: (event: WithoutTime<AuthorizationServerEvent>) => void
  /** @internal In development, prints why a request was refused. */
  readonly explain: ((error: OAuthError, req: Request) => void) | undefined
  /** Warns the host of a mistake, once per code. */
  readonly warn: (code: WarningCode, message: string) => void
  /** Whole seconds since the epoch. */
  readonly now: () => number
  /** @internal Seconds since the epoch, with a fraction where the clock has one. */
  readonly exactNow: () => number
}
