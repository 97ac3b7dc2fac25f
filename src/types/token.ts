/** The token request and the token response (RFC 6749 §5.1). Types only. */

import type { Request } from 'express'
import type { RequestParameters } from '../rules/params'
import type { Scope } from '../rules/scope'
import type { Client } from '../storage'
import type { Confirmation } from './authorization'

/** A successful token response: RFC 6749 §5.1. */
export interface TokenResponse {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token?: string
  scope?: string
  [member: string]: unknown
}

/** The context of a token response: the second argument of `tokenResponse`. */
export interface TokenResponseContext {
  client: Client
  grantType: string
  userId?: string | undefined
  scope: Scope
  /** The parameters that the client sent. Empty for tokens that the host's own code issues. */
  parameters: RequestParameters
}

/** A request at the token endpoint whose client is authenticated and may use the grant. */
export interface TokenRequest {
  readonly client: Client
  /** Whether the client authenticated. False if its record allows requests without authentication. */
  readonly authenticated: boolean
  readonly grantType: string
  readonly parameters: RequestParameters
  /** When the request arrived. Seconds. A new session has this `startedAt`. */
  readonly startedAt: number
  /** The Express request. Its body may already be parsed. */
  readonly req: Request
  /** The key that the request proved. The access token is bound to it. Omitted for a bearer token. */
  readonly confirmation?: Confirmation | undefined
}
