/** Whether a user approved such a request before, so that the question can be skipped. */
import { mayOmitAuthentication } from '../clients/client'
import { OAuthError } from '../errors'
import { listGrants } from '../operations/grants'
import { misuse } from '../options/misuse'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { type Audience, heldAudience } from '../rules/resource'
import { includesScope } from '../rules/scope'
import type { Grant } from '../storage'
import { sessionEnd } from '../tokens/rotation'
import type { Authentication } from '../types/authorization'
import type { AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'

/** The clients to remember: none, all but public ones, or also these public ones. */
export type Remember = boolean | { publicClients: readonly string[] }

/** Throws a TypeError at start-up for another value. In a string, `includes` would match any part. */
export function verifyRemember(remember: Remember): void {
  if (typeof remember === 'boolean' || Array.isArray(remember?.publicClients)) return
  throw misuse('wrong_choice', 'consentPage({ remember }) must be true, false, or { publicClients: [their ids] }')
}

/**
 * Whether the question can be skipped: a live authorization covers the request, and the request does not demand the
 * question (OpenID Connect Core §3.1.2.1). Throws if the question is needed and `prompt=none`.
 */
export async function needsNoAnswer(
  remember: Remember,
  request: AuthorizationRequest,
  userId: string,
): Promise<boolean> {
  const prompt = request.openid?.prompt ?? []
  if (!prompt.includes('consent') && (await isRemembered(remember, request, userId))) return true
  if (prompt.includes('none')) throw new OAuthError('consent_required', 'The user must be asked.')
  return false
}

/** Whether a live authorization covers the request. */
async function isRemembered(remember: Remember, request: AuthorizationRequest, userId: string): Promise<boolean> {
  const { server, client, redirectUri } = request
  // RFC 8628 §5.4: the device may be a stranger's, whatever the user approved before
  if (remember === false || redirectUri === undefined) return false
  // RFC 8252 §8.6: the user approved a program that may not be the one that asks now
  if (schemeWithoutDot.test(redirectUri)) return false
  if (mayOmitAuthentication(client) && !(remember !== true && remember.publicClients.includes(client.clientId)))
    return false
  const grants = await listGrants(server, { userId, clientId: client.clientId })
  // exchanged and asserted tokens were allowed by the host; their user was not asked
  const answered = grants.filter(({ data }) => data.exchange === undefined && data.asserted === undefined)
  return answered.some((grant) => sessionEnd(server, grant.startedAt, client) > server.now() && covers(request, grant))
}

/** The requested access. */
export type Asked = Pick<AuthorizationRequest, 'server' | 'scope' | 'audience' | 'authorizationDetails' | 'openid'>

/**
 * Whether an earlier approval covers the requested scope, resources and named claims. Authorization details are never
 * covered: an approved payment does not approve a second one (RFC 9396).
 */
export function covers({ server, scope, audience, authorizationDetails, openid }: Asked, grant: Grant): boolean {
  if (authorizationDetails) return false
  if (!includesScope(grant.scope, scope) || !coversAudience(server, grant, audience)) return false
  const { claims } = (grant.data.authentication ?? {}) as Partial<Authentication>
  const held = claims ? [...claims.id_token, ...claims.userinfo] : []
  return openid === undefined || openid.namedClaims.every((claim) => held.includes(claim))
}

/** Approval for one API does not cover another (RFC 8707 §3). */
function coversAudience(server: AuthorizationServer, { data }: Grant, audience: Audience): boolean {
  const covered = heldAudience(server, data.audience as Audience | undefined)
  return audience.every((resource) => covered.includes(resource))
}
