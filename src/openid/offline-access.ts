/** Access that outlives the session (OpenID Connect Core §11): only with a yes to it, and otherwise left out of the scope. */
import { listGrants } from '../operations/grants'
import { OFFLINE_ACCESS } from '../rules/scope'
import type { AuthorizationRequest } from '../types/authorization-server'

/** §11: it needs `prompt=consent`, or a yes of before that still holds. Without, it is ignored and never an error. */
export async function withoutOfflineUnlessAgreed(
  request: AuthorizationRequest,
  userId: string | undefined,
): Promise<AuthorizationRequest> {
  const { server, client, scope, openid } = request
  if (!scope.includes(OFFLINE_ACCESS) || openid?.prompt.includes('consent')) return request
  const grants = userId === undefined ? [] : await listGrants(server, { userId, clientId: client.clientId })
  if (grants.some((grant) => grant.scope.includes(OFFLINE_ACCESS))) return request
  return Object.freeze({ ...request, scope: scope.filter((token) => token !== OFFLINE_ACCESS) })
}
