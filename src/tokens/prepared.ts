/** What the last step of a grant takes: the settings of new tokens, the tokens, and the credential that they replace. */
import type { AuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Credential, Grant } from '../storage'
import type { Authorization } from '../types/authorization'
import type { TokenRequest, TokenResponse } from '../types/token'

/** The settings of new tokens, beside the authorization. */
export interface TokenOptions {
  /** The client, and the key that it proved. */
  readonly request: Pick<TokenRequest, 'client' | 'confirmation'>
  /** Whether to issue a refresh token. @default false */
  readonly refreshToken?: boolean
  /** The resources of the access token, if fewer than those of the authorization. */
  readonly accessAudience?: Audience
  /** The details of the access token, if they differ from those of the authorization. */
  readonly accessDetails?: AuthorizationDetails | undefined
  /** Lifetime of the access token in seconds, if shorter than the server's. */
  readonly ttl?: number | undefined
  /** A session within an existing grant, and its latest end. Omitted for the grant's own session. */
  readonly derived?: { readonly session: string; readonly until: number } | undefined
}

/** Tokens that are created but not stored yet. */
export interface PreparedTokens {
  /** The authorization of the access token. */
  readonly authorization: Authorization
  readonly body: TokenResponse
  readonly credentials: readonly Credential[]
  /** The new or changed grant. */
  readonly grant?: Grant | undefined
}

/** The credential that is exchanged for tokens, and its next row. */
export interface Use {
  readonly id: string
  readonly from: string
  readonly next: Credential
}

/** The parts of a token request that the host's own code can provide. */
export type IssueRequest = Omit<TokenRequest, 'authenticated' | 'req'>
