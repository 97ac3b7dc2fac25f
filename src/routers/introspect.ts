/** The introspection endpoint: RFC 7662. */
import { Router } from 'express'
import { findAccessToken, findCredential, findUser, isExpired } from '../credentials'
import { OAuthError } from '../errors'
import { hasStableHalf, isCurrent, parseRefreshToken } from '../grants/presented-refresh-token'
import { requestParameters } from '../http/body'
import { authenticateClient } from '../http/client-authentication'
import { type CorsOptions, endpoint, type Handler, sendJson } from '../http/endpoint'
import { requestChecks } from '../http/request-checks'
import { requireParameter } from '../rules/params'
import { storedAudience } from '../rules/resource'
import { formatScope } from '../rules/scope'
import type { Client, Credential } from '../storage'
import type { AuthorizationServer } from '../types'

export interface IntrospectRouterOptions {
  /** @default no web page of another origin may call */
  cors?: CorsOptions
}

/**
 * The introspection endpoint, for clients that authenticate with a secret. A client sees its own tokens, a client
 * registered as `resourceServer` every access token; everything else is `{"active":false}` (§2.2, §4).
 */
export function introspectRouter(server: AuthorizationServer, { cors }: IntrospectRouterOptions = {}): Router {
  const handler: Handler = async (req, res) => {
    const parameters = await requestParameters(req)
    const { client, authenticated } = await authenticateClient(server, req, parameters)
    // RFC 7662 §2.1: without authorization anybody could try tokens here
    if (!authenticated) throw new OAuthError('invalid_client', 'Introspection is for clients with a secret.')
    const token = requireParameter(parameters, 'token')
    const found = (await findAccessToken(server, token))?.row ?? (await findRefreshToken(server, token))
    const active = found && maySee(client, found) && (await hasItsUser(server, found))
    sendJson(res, 200, active ? describe(server, found) : { active: false })
  }
  const router = Router()
  const check = requestChecks(server, 'introspect')
  return router.use(endpoint(server, { router, methods: { POST: handler }, check, cors }))
}

function maySee(client: Client, found: Credential): boolean {
  return found.clientId === client.clientId || (client.resourceServer === true && found.kind === 'access_token')
}

async function hasItsUser(server: AuthorizationServer, { userId }: Credential): Promise<boolean> {
  return userId === undefined || Boolean(await findUser(server, userId))
}

/** A refresh token is active while it is the current one of its grant. */
async function findRefreshToken(server: AuthorizationServer, token: string): Promise<Credential | undefined> {
  const presented = parseRefreshToken(token)
  const found = presented && (await findCredential(server, presented.id, 'refresh_token'))
  if (!found || !hasStableHalf(found, presented) || isExpired(server, found)) return undefined
  return isCurrent(found, presented) ? found : undefined
}

/** RFC 7662 §2.2. */
function describe(server: AuthorizationServer, found: Credential): Record<string, unknown> {
  const audience = storedAudience(server, found.data)
  return {
    active: true,
    ...(found.scope.length > 0 && { scope: formatScope(found.scope) }),
    client_id: found.clientId,
    ...(found.kind === 'access_token' && { token_type: 'Bearer' }),
    exp: found.expiresAt,
    iat: found.issuedAt,
    ...(found.userId !== undefined && { sub: found.userId }),
    ...(audience.length > 0 && { aud: audience.length === 1 ? audience[0] : audience }),
    iss: server.issuer,
  }
}
