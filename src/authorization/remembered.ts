/** Whether a user has said yes to a request before, so that nobody asks again. */
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

/** Which clients are remembered: none, all but public ones, or these public ones too. */
export type Remember = boolean | { publicClients: readonly string[] }

/** Throws at start-up for what is none of these: in a string every part of it would be named. */
export function verifyRemember(remember: Remember): void {
  if (typeof remember === 'boolean' || Array.isArray(remember?.publicClients)) return
  throw misuse('wrong_choice', 'consentPage({ remember }) must be true, false, or { publicClients: [their ids] }')
}

/**
 * Whether the user need not be asked: a live authorization covers all that is asked, and the request does not want the
 * question (OpenID Connect Core §3.1.2.1). Throws where it has to be asked and must not be.
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

/** Whether a live authorization covers all that is asked. */
async function isRemembered(remember: Remember, request: AuthorizationRequest, userId: string): Promise<boolean> {
  const { server, client, redirectUri } = request
  // RFC 8628 §5.4: a device that asks now may be a stranger's, whatever the user has let in before
  if (remember === false || redirectUri === undefined) return false
  // RFC 8252 §8.6: the yes was to a program that nothing tells from the one that asks now
  if (schemeWithoutDot.test(redirectUri)) return false
  if (mayOmitAuthentication(client) && !(remember !== true && remember.publicClients.includes(client.clientId)))
    return false
  const grants = await listGrants(server, { userId, clientId: client.clientId })
  // what was exchanged or asserted was allowed by the host, and its user was asked nothing
  const answered = grants.filter(({ data }) => data.exchange === undefined && data.asserted === undefined)
  return answered.some((grant) => sessionEnd(server, grant.startedAt, client) > server.now() && covers(request, grant))
}

/** What is asked. */
export type Asked = Pick<AuthorizationRequest, 'server' | 'scope' | 'audience' | 'authorizationDetails' | 'openid'>

/**
 * Whether a yes of before was to all of this: its scope, its resources and the claims that it names. A yes to details was to
 * those of that time: a payment that was agreed to is no second one (RFC 9396).
 */
export function covers({ server, scope, audience, authorizationDetails, openid }: Asked, grant: Grant): boolean {
  if (authorizationDetails) return false
  if (!includesScope(grant.scope, scope) || !coversAudience(server, grant, audience)) return false
  const { claims } = (grant.data.authentication ?? {}) as Partial<Authentication>
  const held = claims ? [...claims.id_token, ...claims.userinfo] : []
  return openid === undefined || openid.namedClaims.every((claim) => held.includes(claim))
}

/** Yes to one API is no yes to another (RFC 8707 §3). */
function coversAudience(server: AuthorizationServer, { data }: Grant, audience: Audience): boolean {
  const covered = heldAudience(server, data.audience as Audience | undefined)
  return audience.every((resource) => covered.includes(resource))
}
