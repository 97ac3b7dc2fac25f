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
   * Whether only resource servers may introspect. Other clients then cannot introspect their own tokens, and resource
   * servers cannot introspect refresh tokens.
   * @default false
   */
  resourceServersOnly?: boolean
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

/**
 * The introspection endpoint (RFC 7662), for authenticated clients. A client can introspect its own tokens. A
 * `resourceServer` can introspect all access tokens, or those for its resources. Other tokens are `{"active":false}`
 * (§2.2, §4). The response is a signed JWT (RFC 9701) if the request accepts one and the server has a key for the
 * client's algorithm.
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
    // RFC 7662 §2.1: without authentication anyone could try tokens here
    if (!authenticated) return refuse(invalidClient('Introspection requires client authentication.', challenge))
    const token = requireParameter(parameters, 'token')
    const access = await findAccessToken(server, token)
    const found = access?.row ?? (await findRefreshToken(server, token, client))
    const seen = found && audienceSeenBy(server, client, found, resourceServersOnly)
    const active = seen && (await hasItsUser(server, found)) && (await hasItsClient(server, found.clientId))
    // a request of the token's own client is not a use of the token
    if (active && access?.used && found.clientId !== client.clientId) res.once('close', access.used)
    // OpenID Connect Core §8.1: clients do not learn the user's id; the host's own APIs do
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

/** The part of a token's audience that the caller may see. Undefined if the caller may not see the token. */
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
  // RFC 7662 §2.2: the caller does not learn the other resources of the token
  const own = audience.filter((resource) => resourceServer.includes(resource))
  return own.length > 0 ? own : undefined
}

/** RFC 9068 §5: a client's own token must not have a `sub` that is also the id of a user. */
async function hasItsUser(server: AuthorizationServer, { userId, clientId }: Credential): Promise<boolean> {
  if (userId === clientId) return false
  return userId === undefined || Boolean(await findUser(server, userId))
}

/** A refresh token is active while it is the current one of its session, and its source has not ended. */
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
  // RFC 9396 §9.2: only details for the caller's resources, like the audience
  const seen = details && detailsFor(details, server.resources, audience)
  // RFC 7662 §2.2: likewise for the scope
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
