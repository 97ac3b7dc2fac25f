/** The types that the whole house shares: the server value, grants, requests, decisions, events. Types only. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import type { Pages } from '../pages/page'
import type { RequestParameters } from '../rules/params'
import type { PkcePolicy } from '../rules/pkce'
import type { Audience, ResourceRules } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Client, OAuthStorage } from '../storage'
import type { LocatedToken, SourceToken } from './access-token'
import type { Throttle, VerifiedSecrets } from './attempts'
import type { Authorization } from './authorization'
import type { Capability, ClientAuthentication, ClientMember } from './capability'
import type { Endpoints } from './endpoints'
import type { AuthorizationServerEvent, WarningCode, WithoutTime } from './events'
import type { TokenRequest, TokenResponse, TokenResponseContext } from './token'
import type { PageUsers, Users } from './users'

/** A validated authorization request: RFC 6749 §4.1.1. */
export interface AuthorizationRequest extends Omit<Authorization, 'clientId' | 'userId' | 'grantId' | 'audience'> {
  readonly server: AuthorizationServer
  readonly client: Client
  readonly responseType: string
  /** Where the answer goes: the one that was sent, or the only one registered. */
  readonly redirectUri: string
  /** As it was sent; the token request must repeat it (RFC 6749 §4.1.3). */
  readonly sentRedirectUri?: string
  /** The resources that the tokens will be for (RFC 8707). Empty where the server has none. */
  readonly audience: Audience
  readonly state?: string
  readonly codeChallenge?: string
  readonly parameters: RequestParameters
}

/** A user's decision, ready to become an authorization response. */
export interface ApprovedAuthorization
  extends Pick<AuthorizationRequest, 'client' | 'parameters' | 'sentRedirectUri' | 'codeChallenge'> {
  /** What was approved. */
  readonly authorization: Authorization & { readonly userId: string }
  /** Set where an access token in front says who the user is. */
  readonly source?: SourceToken
}

/**
 * A grant: what a `grant_type` does at the token endpoint and a `response_type` at the authorization endpoint. A host's own
 * grant is a value of this shape.
 */
export interface GrantType extends Capability {
  /** The `grant_type`, and the name of the grant in client records. */
  readonly grantType: string
  /** Answers a token request, or throws an `OAuthError`. */
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
   * Whether `authorize` keeps what it makes within `approved.source`, as `authorizationCode()` and `implicit()` do. Left out,
   * no request that a guard has admitted gets there: a session would begin that outlives the token.
   */
  readonly fromAccessTokens?: boolean
  /** Set by `authorizationCode()`. */
  readonly codes?: { readonly ttl: number }
  /** Set by `refreshToken()`: how every issue of tokens makes a refresh token. */
  readonly refreshTokens?: RefreshTokenSettings
}

/** What `refreshToken()` was given, in seconds. */
export interface RefreshTokenSettings {
  readonly ttl: number
  readonly maxAge: number | undefined
  readonly rotate: boolean
  readonly replayWindow: number
}

/** What a user, or the host in their name, answers to an authorization request. */
export type Decision =
  | {
      allow: true
      userId: string
      /** Left out: what was asked. Never more than that. */
      scope?: string | Scope
      /** When the authorization began, where that was before this request. Seconds. */
      startedAt?: number
      /** Whose access tokens in front may say who the user is, beside the client's own. @default nobody else's */
      fromTokensOf?: readonly string[]
    }
  | { allow: false }

/**
 * Decides about an authorization request: `{ allow: true, userId }`, `{ allow: false }`, or nothing after answering
 * `res` itself (with a sign-in or consent page; the request is validated afresh when the browser comes back).
 * Whatever it throws means no.
 */
export interface Decide {
  // biome-ignore lint/suspicious/noConfusingVoidType: a decider that answered `res` itself returns nothing
  (request: AuthorizationRequest, req: Request, res: Response): Awaitable<Decision | undefined | void>
  /** @internal Set by our deciders: their users at this server. Throws a TypeError for what neither of them says. */
  readonly usersAt?: (server: AuthorizationServer) => PageUsers
}

/** An access token that is about to be made: its lookup id, and what it stands for. */
export interface UnsignedToken {
  readonly id: string
  readonly authorization: Authorization
  /** Seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The form of access tokens: `opaque()` or `jwt()`. */
export interface AccessTokenFormat {
  /** Lifetime in seconds. */
  readonly ttl: number
  /** Makes a token, and what of it the digest of its row is to cover. */
  readonly create: (server: AuthorizationServer, token: UnsignedToken) => Awaitable<{ token: string; secret: string }>
  /** Set by `opaque()`: the token of a lookup id and a secret, which can be made again. */
  readonly tokenOf?: (id: string, secret: string) => string
  /** What a token names; undefined for what cannot be one of ours. */
  readonly locate: (server: AuthorizationServer, token: string) => Awaitable<LocatedToken | undefined>
  /** Set by `jwt()`: who a token is for when its request names no resource. */
  readonly audience?: Audience
  /** Set by `jwt()`: the public keys (RFC 7517 §5). */
  readonly jwks?: () => { readonly keys: readonly object[] }
  /** Set by `jwt({ stateless: true })`: its tokens have no row. */
  readonly stateless?: boolean
}

/** Set by `clientIdMetadataDocuments`: clients whose id is the URL of a document about them. */
export interface ClientDocuments {
  /** Whether that id is one to fetch, and none to look for in storage. */
  readonly isDocumentUrl: (clientId: string) => boolean
  /** The client that the document describes, fetched at the pace of the sender's `network`. Throws where there is none. */
  readonly find: (url: string, network?: string) => Awaitable<Client>
}

/** What `createAuthorizationServer` returns: the validated options, frozen. Every function of the library takes it first. */
export interface AuthorizationServer extends ResourceRules {
  readonly issuer: string
  /** The host's storage behind checks: what it throws or makes up becomes a 503. */
  readonly storage: OAuthStorage
  /** Scope tokens and what they mean in words. */
  readonly scopes: ReadonlyMap<string, string>
  /** By `grant_type`, and by `response_type`. */
  readonly grants: ReadonlyMap<string, GrantType>
  readonly responseTypes: ReadonlyMap<string, GrantType>
  readonly clientAuthentication: readonly ClientAuthentication[]
  readonly codes: { readonly ttl: number } | undefined
  readonly refreshTokens: RefreshTokenSettings | undefined
  readonly accessTokens: AccessTokenFormat
  readonly users: Users | undefined
  readonly pkce: PkcePolicy
  readonly allowHttpRedirectUris: boolean
  readonly endpoints: Endpoints
  /** What the values in the lists bring along, and the members of client metadata among it. */
  readonly capabilities: readonly Capability[]
  readonly clientMembers: readonly ClientMember[]
  readonly clientDocuments: ClientDocuments | undefined
  /** Shapes each token response. */
  readonly tokenResponse?: (body: TokenResponse, context: TokenResponseContext) => Awaitable<Record<string, unknown>>
  readonly verifiedSecrets: VerifiedSecrets
  readonly throttle: Throttle | undefined
  readonly pages: Pages
  /** Tells `onEvent`, with the time. What that throws is dropped. */
  readonly emit: (event: WithoutTime<AuthorizationServerEvent>) => void
  /** Tells the host of a mistake, each code once. */
  readonly warn: (code: WarningCode, message: string) => void
  /** Whole seconds since the epoch. */
  readonly now: () => number
  /** The same with their fraction, where the clock has one. */
  readonly exactNow: () => number
}
