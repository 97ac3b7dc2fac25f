/** OpenID Connect as the rest of the house sees it: what a request says, and what `openid()` does at which place. Types only. */
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

/** A way to make the `sub` of users: `pairwise({ salt })`. */
export interface Subjects {
  /** Its name in the metadata and in client records. */
  readonly type: 'public' | 'pairwise'
  /** The `sub` of that user for that client. */
  readonly subjectOf: (server: AuthorizationServer, client: Client, userId: string) => Awaitable<string>
}

/** How the user of a browser signed in at the host. */
export interface SignIn {
  /** When. A Date, or seconds since the epoch. */
  time: Date | number
  /** The authentication context class (OpenID Connect Core §2), one of `acrValues` where you have any. @default none */
  acr?: string
  /** The authentication methods, such as `['pwd', 'otp']` (RFC 8176). @default none */
  amr?: readonly string[]
  /** The id of the session at your app, for logout. Clients never see it. @default none: such a session is not ended */
  sessionId?: string
}

/** A value of `prompt` (OpenID Connect Core §3.1.2.1). */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account'

/** How a claim is asked for (OpenID Connect Core §5.5.1). */
export interface ClaimAsked {
  readonly essential: boolean
  /** The wanted values, best first. Left out: any. */
  readonly values?: readonly unknown[]
}

/** What the parameter `claims` asks for (OpenID Connect Core §5.5), by name. Unknown claims are left out. */
export interface ClaimsAsked {
  readonly userinfo: Readonly<Record<string, ClaimAsked>>
  readonly id_token: Readonly<Record<string, ClaimAsked>>
}

/** What an authorization request with the scope `openid` says beyond OAuth (OpenID Connect Core §3.1.2.1). */
export interface OpenIdRequest {
  readonly prompt: readonly Prompt[]
  /** Seconds since the user signed in, at most. That of the client's record where the request names none. */
  readonly maxAge?: number
  readonly loginHint?: string
  /** The wanted authentication context classes, best first. Those of the client's record where the request names none. */
  readonly acrValues: readonly string[]
  readonly claims: ClaimsAsked
  readonly display?: string
  readonly uiLocales: readonly string[]
  readonly claimsLocales: readonly string[]
  readonly nonce?: string
  /** The claims that `claims` names, beside those that the scope stands for: what users are shown. */
  readonly namedClaims: readonly string[]
  /** The `sub` that must be signed in: that of `id_token_hint`, or the one that `claims` names. */
  readonly subject?: string
}

/** What of an authorization request is known when that is read. */
export interface SentRequest {
  readonly parameters: RequestParameters
  readonly sentRedirectUri: string | undefined
  readonly scope: Scope
}

/** A token response that is made, and what an id_token with it says. */
export interface MadeResponse {
  readonly client: Client
  readonly authorization: Authorization
  readonly body: TokenResponse
  /** The code or refresh token that it is made for. */
  readonly uses?: Credential | undefined
  /** When it was made first. Seconds. @default now */
  readonly issuedAt?: number
}

/** Set by `openid()`: OpenID Connect, at the places where it has a part. */
export interface OpenIdProvider extends Capability {
  /** The authentication context classes that its sign-in page has. */
  readonly acrValues: readonly string[]
  /** @internal Its scopes, in English. */
  readonly scopes: ReadonlyMap<string, string>
  /** @internal The same by language, for the pages, and its claims. */
  readonly words: Readonly<Record<string, Required<ScopesAndClaims>>>
  /** @internal Parses what a request says beyond OAuth. Throws an `OAuthError`. */
  readonly request: (server: AuthorizationServer, client: Client, request: SentRequest) => OpenIdRequest
  /**
   * @internal Sends the browser to sign in where that is asked for, or nobody is signed in: then returns undefined. Otherwise the
   * request as it may go on. Throws where nobody may be asked.
   */
  readonly admit: (
    request: AuthorizationRequest,
    decider: { readonly decide: Decide; readonly isRedirect: boolean },
    req: Request,
    res: Response,
  ) => Promise<AuthorizationRequest | undefined>
  /** @internal Adds to an approved authorization how its user signed in. Throws where that is not what was asked. */
  readonly authorize: (
    approved: ApprovedAuthorization,
    request: AuthorizationRequest,
    req: Request,
  ) => Promise<ApprovedAuthorization>
  /** @internal The same for an authorization of the host's own code, which says how its user signed in. */
  readonly signedIn: (
    server: AuthorizationServer,
    client: Client,
    authorization: Authorization & { readonly userId: string },
    signIn: SignIn,
  ) => Promise<Authentication>
  /** @internal Who a user is to a client, where no client may learn the id of the user. */
  readonly subjectFor?: Subjects['subjectOf']
  /** @internal What signs, by algorithm. */
  readonly signers: () => ReadonlyMap<string, unknown>
  /** @internal The response with its id_token, where the scope is `openid`. */
  readonly respond: (server: AuthorizationServer, made: MadeResponse) => Awaitable<TokenResponse>
  /** @internal Throws where what was just stored is of a session that has ended, and ends it. */
  readonly requireSession: (server: AuthorizationServer, made: MadeResponse) => Promise<void>
  /** Looks at what a record says of other places, before it is stored. Throws an `OAuthError`. */
  readonly verifyRecord: (client: Pick<Client, 'redirectUris' | 'sectorIdentifierUri'>) => Promise<void>
}
