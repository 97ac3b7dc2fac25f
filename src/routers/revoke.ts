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
  /** Which web pages of other origins may call (CORS). @default none */
  cors?: CorsOptions
}

/**
 * The revocation endpoint (RFC 7009). It returns 200 and `{}` for every token of an authenticated client, known or not
 * (§2.2).
 */
export function revokeRouter(server: AuthorizationServer, options: RevokeRouterOptions = {}): Router {
  requireNoMore('revokeRouter', arguments, 2)
  requireServer(server)
  requireKnown('revokeRouter option', options, ['cors'])
  const { cors } = options
  const handler: Handler = async (req, res) => {
    const { client, parameters } = await authenticatedRequest(server, req)
    const token = requireParameter(parameters, 'token')
    // RFC 7009 §2.1: the hint only says where to look first; a token tells by itself what it is
    if (!(await revokeRefreshToken(server, client, token))) await revokeAccessToken(server, client, token)
    sendJson(res, 200, {})
  }
  const check = requestChecks(server, 'revoke')
  return endpointRouter(server, { methods: { POST: handler }, check, cors })
}

/** True when the token has the form of a refresh token. The right stable half is enough: any generation logs out. */
async function revokeRefreshToken(server: AuthorizationServer, client: Client, token: string): Promise<boolean> {
  const presented = parseRefreshToken(token)
  if (!presented) return false
  const found = await findCredential(server, presented.id, 'refresh_token')
  // RFC 7009 §2.1: another client's token is none of its business
  if (found?.clientId !== client.clientId || !hasStableHalf(found, presented)) return true
  await endSessionOf(server, found)
  return true
}

async function revokeAccessToken(server: AuthorizationServer, client: Client, token: string): Promise<void> {
  const found = (await findAccessToken(server, token))?.row
  if (found?.clientId !== client.clientId) return
  if (found.kind === 'personal_token') return revoke(server, { grantId: grantIdOf(found.id) })
  // RFC 7009 §2.2.1: said aloud, because a 200 would be taken for a revocation
  if (server.accessTokens.stateless) {
    throw new OAuthError('unsupported_token_type', 'Access tokens of this server cannot be revoked before they expire.')
  }
  // false: refreshed or revoked meanwhile, and in either case this token is already no more
  if (!(await server.storage.grants.transition(found.id, found.state, { ...found, state: 'revoked' }, []))) return
  const { clientId, userId, grantId } = found
  server.emit({ type: 'token.revoked', clientId, userId, grantId })
}
