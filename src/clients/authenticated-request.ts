/** The one entry of every endpoint where clients authenticate: what was sent, and which client sent it. */
import type { Request } from 'express'
import { isFirstUse } from '../credentials/once'
import { requestParameters } from '../http/body'
import type { RequestParameters } from '../rules/params'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { OneTimeProof } from '../types/capability'
import { type AuthenticatedClient, authenticateClient, authenticationFailure } from './authentication'

export interface AuthenticatedRequest extends AuthenticatedClient {
  parameters: RequestParameters
}

/** In this order, for what can be used once only is used up last. `fromQuery`: whether parameters may stand in the URL. */
export async function authenticatedRequest(
  server: AuthorizationServer,
  req: Request,
  fromQuery = false,
): Promise<AuthenticatedRequest> {
  const parameters = await requestParameters(req, fromQuery)
  const proven = await authenticateClient(server, req, parameters)
  if (proven.once) await useUp(server, proven.client, proven.once)
  return { ...proven, parameters }
}

async function useUp(server: AuthorizationServer, { clientId }: Client, once: OneTimeProof): Promise<void> {
  if (await isFirstUse(server, clientId, [once])) return
  const problem = `This ${once.purpose} was used before. Its id must be new.`
  throw authenticationFailure(server, { clientId }, { reason: problem, problem })
}
