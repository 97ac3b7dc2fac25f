/** The revocation endpoint: RFC 7009. */

import type { Router } from 'express'
import { authenticatedRequest } from '../clients/authenticated-request'
import { findCredential } from '../credentials/bound'
import { grantIdOf } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requestChecks } from '../host/requests'
import { type CorsOptions, type Handler, requireServer, sendJson } from '../http/endpoint'
import { endpointRouter } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { requireParameter } from '../rules/params'
import type { Client } from '../storage'
import { findAccessToken } from '../tokens/access-token'
import { endSessionOf, revoke } from '../tokens/revocation'
import { hasStableHalf, parseRefreshToken } from '../tokens/rotation'
import type { AuthorizationServer } from '../types/authorization-server'

/** Options of `revokeRouter`. */
export interface RevokeRouterOptions {
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

/**
 * The revocation endpoint (RFC 7009). It returns 200 and `{}` for every token of an authenticated client, known or
 * unknown (§2.2).
 */
export function revokeRouter(server: AuthorizationServer, options: RevokeRouterOptions = {}): Router {
  requireNoMore('revokeRouter', arguments, 2)
  requireServer(server)
  requireKnown('revokeRouter option', options, ['cors'])
  const { cors } = options
  const handler: Handler = async (req, res) => {
    const { client, parameters } = await authenticatedRequest(server, req)
    const token = requireParameter(parameters, 'token')
    // RFC 7009 §2.1: the hint only speeds up the search; the token itself shows its kind
    if (!(await revokeRefreshToken(server, client, token))) await revokeAccessToken(server, client, token)
    sendJson(res, 200, {})
  }
  const check = requestChecks(server, 'revoke')
  return endpointRouter(server, { methods: { POST: handler }, check, cors })
}

/**
 * Returns true if the token has the form of a refresh token. The stable half suffices: any generation ends the session.
 */
async function revokeRefreshToken(server: AuthorizationServer, client: Client, token: string): Promise<boolean> {
  const presented = parseRefreshToken(token)
  if (!presented) return false
  const found = await findCredential(server, presented.id, 'refresh_token')
  // RFC 7009 §2.1: a client cannot revoke another client's token
  if (found?.clientId !== client.clientId || !hasStableHalf(found, presented)) return true
  await endSessionOf(server, found)
  return true
}

async function revokeAccessToken(server: AuthorizationServer, client: Client, token: string): Promise<void> {
  const found = (await findAccessToken(server, token))?.row
  if (found?.clientId !== client.clientId) return
  if (found.kind === 'personal_token') return revoke(server, { grantId: grantIdOf(found.id) })
  // RFC 7009 §2.2.1: an error, because a 200 would mean that the token is revoked
  if (server.accessTokens.stateless) {
    throw new OAuthError('unsupported_token_type', 'Access tokens of this server cannot be revoked before they expire.')
  }
  // false: refreshed or revoked meanwhile; either way this token is invalid
  if (!(await server.storage.grants.transition(found.id, found.state, { ...found, state: 'revoked' }, []))) return
  const { clientId, userId, grantId } = found
  server.emit({ type: 'token.revoked', clientId, userId, grantId })
}
