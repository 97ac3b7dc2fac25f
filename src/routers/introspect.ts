/** The introspection endpoint: RFC 7662. */
import type { Router } from 'express'
import { authenticatedRequest, invalidClient } from '../clients/authenticated-request'
import { hasItsClient, isResourceServer } from '../clients/client'
import { authorizationOf, boundOf, findCredential, isExpired } from '../credentials/bound'
import { requestChecks } from '../host/requests'
import { type CorsOptions, type Handler, requireServer, sendJson, sendJwt } from '../http/endpoint'
import { endpointRouter } from '../http/router'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { detailsFor } from '../rules/authorization-details'
import { requireParameter } from '../rules/params'
import { type Audience, acceptedScope, heldAudience } from '../rules/resource'
import type { Client, Credential } from '../storage'
import { findAccessToken } from '../tokens/access-token'
import { detailsMember } from '../tokens/authorization-details'
import { hiddenActor, sharedClaims, tokenTypeOf } from '../tokens/claims'
import { latestEnd } from '../tokens/derived-session'
import { hasStableHalf, isCurrent, parseRefreshToken, sessionEnd } from '../tokens/rotation'
import { asksForJwt, MEDIA_TYPE, refusalOf, signIntrospection } from '../tokens/signed-introspection'
import type { AuthorizationServer } from '../types/authorization-server'
import { findUser } from '../users'

/** Options of `introspectRouter`. */
export interface IntrospectRouterOptions {
  /**
   * Whether only resource servers may introspect. Another client then sees not even its own tokens, and a resource
   * server sees no refresh token.
   * @default false
   */
  resourceServersOnly?: boolean
  /** Which web pages of other origins may call (CORS). @default none */
  cors?: CorsOptions
}

/**
 * The introspection endpoint (RFC 7662), for clients that authenticate. A client sees its own tokens. A client
 * registered as `resourceServer` sees every access token, or those for its resources. Every other token is
 * `{"active":false}` (§2.2, §4). Responses are signed JWTs (RFC 9701) where the request accepts them, and the server has a key
 * for the algorithm that the record of the client names.
 */
export function introspectRouter(server: AuthorizationServer, options: IntrospectRouterOptions = {}): Router {
  requireNoMore('introspectRouter', arguments, 2)
  requireServer(server)
  requireKnown('introspectRouter option', options, ['resourceServersOnly', 'cors'])
  const { resourceServersOnly = false, cors } = options
  requireFlags('introspectRouter', { resourceServersOnly })
  const handler: Handler = async (req, res) => {
    const refuse = (error: unknown) => Promise.reject(refusalOf(error, req.headers))
    const { client, authenticated, challenge, parameters } = await authenticatedRequest(server, req).catch(refuse)
    // RFC 7662 §2.1: without authorization anybody could try tokens here
    if (!authenticated) return refuse(invalidClient('Introspection requires client authentication.', challenge))
    const token = requireParameter(parameters, 'token')
    const access = await findAccessToken(server, token)
    const found = access?.row ?? (await findRefreshToken(server, token, client))
    const seen = found && audienceSeenBy(server, client, found, resourceServersOnly)
    const active = seen && (await hasItsUser(server, found)) && (await hasItsClient(server, found.clientId))
    // asked by its own client, it was used nowhere
    if (active && access?.used && found.clientId !== client.clientId) res.once('close', access.used)
    // OpenID Connect Core §8.1: no client learns the id of a user; the host's own APIs do
    const hides = isResourceServer(client) ? undefined : server.openid?.subjectFor
    const sub =
      active && hides && found.userId !== undefined ? await hides(server, client, found.userId) : found?.userId
    const actor = active ? boundOf(found).actor : undefined
    const act = hides && actor && (await hiddenActor(async (id) => hides(server, client, id), actor))
    const answer = active ? { ...describe(server, found, seen, sub), ...(act && { act }) } : { active: false }
    const signed = asksForJwt(req.headers.accept) ? signIntrospection(server, client, answer) : undefined
    if (signed === undefined) sendJson(res, 200, answer)
    else sendJwt(res, MEDIA_TYPE, signed)
  }
  const check = requestChecks(server, 'introspect')
  return endpointRouter(server, { methods: { POST: handler }, check, cors })
}

/** What of a token's audience is the caller's business; undefined when the token is not. */
function audienceSeenBy(
  server: AuthorizationServer,
  { clientId, resourceServer = false }: Client,
  found: Credential,
  resourceServersOnly: boolean,
): Audience | undefined {
  const audience = heldAudience(server, boundOf(found).audience)
  if (!resourceServersOnly && found.clientId === clientId) return audience
  if (resourceServer === false || found.kind === 'refresh_token') return undefined
  if (resourceServer === true) return audience
  // RFC 7662 §2.2: what a token is good for elsewhere is nobody's business here
  const own = audience.filter((resource) => resourceServer.includes(resource))
  return own.length > 0 ? own : undefined
}

/** RFC 9068 §5: whose `sub` is that of the client's own tokens elsewhere is nobody, or a user would choose to be the client. */
async function hasItsUser(server: AuthorizationServer, { userId, clientId }: Credential): Promise<boolean> {
  if (userId === clientId) return false
  return userId === undefined || Boolean(await findUser(server, userId))
}

/** A refresh token is active while it is the current one of its session, and what that goes back to has not ended. */
async function findRefreshToken(
  server: AuthorizationServer,
  token: string,
  client: Client,
): Promise<Credential | undefined> {
  const presented = parseRefreshToken(token)
  const found = presented && (await findCredential(server, presented.id, 'refresh_token'))
  if (!found || !hasStableHalf(found, presented) || !isCurrent(found, presented)) return undefined
  const end = Math.min(sessionEnd(server, found.startedAt, client), await latestEnd(server, found))
  const row = { ...found, expiresAt: Math.min(found.expiresAt, end) }
  return isExpired(server, row) ? undefined : row
}

/** RFC 7662 §2.2. */
function describe(
  server: AuthorizationServer,
  found: Credential,
  audience: Audience,
  sub: string | undefined,
): Record<string, unknown> {
  const { authorizationDetails: details, ...others } = authorizationOf(found)
  // RFC 9396 §9.2: as the audience, those that are the caller's business
  const seen = details && detailsFor(details, server.resources, audience)
  // RFC 7662 §2.2: of the scope, too
  const { resourceLimits: limits } = server
  const scope = limits ? acceptedScope(limits, audience, others.scope) : others.scope
  const authorization = { ...others, scope, ...detailsMember(seen) }
  const { confirmation } = authorization
  return {
    active: true,
    ...sharedClaims(server, authorization, found, audience),
    ...(found.kind !== 'refresh_token' && { token_type: confirmation ? tokenTypeOf(confirmation) : 'Bearer' }),
    ...(sub !== undefined && { sub }),
  }
}
