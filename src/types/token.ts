/** The token request and its response, and what a host sees of them: RFC 6749 §5.1. Types only. */

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
  /** The parameters of the client; empty for tokens issued by the host's own code. */
  parameters: RequestParameters
}

/** A request at the token endpoint whose client is authenticated and may use the grant. */
export interface TokenRequest {
  readonly client: Client
  /** Whether the client authenticated. False for a client that sent no proof because its record allows that. */
  readonly authenticated: boolean
  readonly grantType: string
  readonly parameters: RequestParameters
  /** When the request arrived: the `startedAt` of a session that it begins. */
  readonly startedAt: number
  /** The request as Express received it. Its body may be read already. */
  readonly req: Request
  /** The key that the request proved, which its access token is bound to. Left out: a bearer token. */
  readonly confirmation?: Confirmation | undefined
}
