/** OpenID Connect as the core sees it: the request, and what `openid()` adds. Types only. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import type { ScopesAndClaims } from '../pages/page'
import type { RequestParameters } from '../rules/params'
import type { Scope } from '../rules/scope'
import type { Client, Credential } from '../storage'
import type { Authentication, Authorization } from './authorization'
import type { ApprovedAuthorization, AuthorizationRequest, AuthorizationServer, Decide } from './authorization-server'
import type { Capability } from './capability'
import type { TokenResponse } from './token'

/** How the `sub` of a user is made: `pairwise({ salt })`. */
export interface Subjects {
  /** The name in the metadata and in client records. */
  readonly type: 'public' | 'pairwise'
  /** Returns the `sub` of the user for the client. */
  readonly subjectOf: (server: AuthorizationServer, client: Client, userId: string) => Awaitable<string>
}

/** How the user of this browser signed in at the host. */
export interface SignIn {
  /** When the user signed in: a Date, or seconds since the epoch. */
  time: Date | number
  /**
   * The authentication context class (OpenID Connect Core §2). One of `acrValues` if `openid()` has that option.
   * @default none
   */
  acr?: string
  /** The authentication methods, such as `['pwd', 'otp']` (RFC 8176). @default none */
  amr?: readonly string[]
  /**
   * The id of the session at your app, for logout. Clients never see it.
   * @default none: logout cannot end this session
   */
  sessionId?: string
}

/** A value of `prompt` (OpenID Connect Core §3.1.2.1). */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account'

/** How a claim is requested (OpenID Connect Core §5.5.1). */
export interface ClaimAsked {
  readonly essential: boolean
  /** The requested values, preferred first. Omitted: any value. */
  readonly values?: readonly unknown[]
}

/** The claims that the parameter `claims` requests, by name (OpenID Connect Core §5.5). Unknown claims are ignored. */
export interface ClaimsAsked {
  readonly userinfo: Readonly<Record<string, ClaimAsked>>
  readonly id_token: Readonly<Record<string, ClaimAsked>>
}

/** The OpenID Connect parameters of an authorization request (OpenID Connect Core §3.1.2.1). */
export interface OpenIdRequest {
  readonly prompt: readonly Prompt[]
  /** The maximum age of the sign-in. Seconds. If the request names none, the client's `default_max_age`. */
  readonly maxAge?: number
  readonly loginHint?: string
  /**
   * The requested authentication context classes, preferred first. If the request names none, those of the client's
   * record.
   */
  readonly acrValues: readonly string[]
  readonly claims: ClaimsAsked
  readonly display?: string
  readonly uiLocales: readonly string[]
  readonly claimsLocales: readonly string[]
  readonly nonce?: string
  /** The claims that `claims` requests and the scope does not include. The consent page shows them. */
  readonly namedClaims: readonly string[]
  /** The `sub` that must be signed in, from `id_token_hint` or `claims`. */
  readonly subject?: string
}

/** The part of an authorization request that is known when the OpenID Connect parameters are read. */
export interface SentRequest {
  readonly parameters: RequestParameters
  readonly sentRedirectUri: string | undefined
  readonly scope: Scope
}

/** A token response, and the authorization that its id_token reports. */
export interface MadeResponse {
  readonly client: Client
  readonly authorization: Authorization
  readonly body: TokenResponse
  /** The code or refresh token that was exchanged for the response. */
  readonly uses?: Credential | undefined
  /** When the response was first made. Seconds. @default now */
  readonly issuedAt?: number
}

/** The value of `openid()`: what OpenID Connect does in each step. */
export interface OpenIdProvider extends Capability {
  /** The authentication context classes that the sign-in page supports. */
  readonly acrValues: readonly string[]
  /** @internal The meaning of its scopes, in English. */
  readonly scopes: ReadonlyMap<string, string>
  /** @internal The meaning of its scopes and claims by language, for the pages. */
  readonly words: Readonly<Record<string, Required<ScopesAndClaims>>>
  /** @internal Parses the OpenID Connect parameters. Throws an `OAuthError`. */
  readonly request: (server: AuthorizationServer, client: Client, request: SentRequest) => OpenIdRequest
  /**
   * @internal Sends the browser to the sign-in page if that is needed, and returns undefined. Otherwise returns the
   * request to continue with. Throws an `OAuthError` if sign-in is needed and `prompt=none`.
   */
  readonly admit: (
    request: AuthorizationRequest,
    decider: { readonly decide: Decide; readonly isRedirect: boolean },
    req: Request,
    res: Response,
  ) => Promise<AuthorizationRequest | undefined>
  /** @internal Adds the sign-in of the user to an approved authorization. Throws if it does not meet the request. */
  readonly authorize: (
    approved: ApprovedAuthorization,
    request: AuthorizationRequest,
    req: Request,
  ) => Promise<ApprovedAuthorization>
  /** @internal The same for an authorization that the host's own code makes, with the sign-in that the host names. */
  readonly signedIn: (
    server: AuthorizationServer,
    client: Client,
    authorization: Authorization & { readonly userId: string },
    signIn: SignIn,
  ) => Promise<Authentication>
  /** @internal Returns the `sub` of a user for a client. Undefined if clients get the user's own id. */
  readonly subjectFor?: Subjects['subjectOf']
  /** @internal The signing keys by algorithm. */
  readonly signers: () => ReadonlyMap<string, unknown>
  /** @internal Adds an id_token to the response if the scope has `openid`. */
  readonly respond: (server: AuthorizationServer, made: MadeResponse) => Awaitable<TokenResponse>
  /** @internal Throws if the session of a new token has ended, and revokes the token. */
  readonly requireSession: (server: AuthorizationServer, made: MadeResponse) => Promise<void>
  /** Checks what a client record says of other sites before it is stored. Throws an `OAuthError`. */
  readonly verifyRecord: (client: Pick<Client, 'redirectUris' | 'sectorIdentifierUri'>) => Promise<void>
}
