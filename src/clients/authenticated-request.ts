/** The one entry of every endpoint where clients authenticate: what was sent, and which client sent it. */
import type { Request } from 'express'
import { requestParameters } from '../http/body'
import type { RequestParameters } from '../rules/params'
import type { AuthorizationServer } from '../types/authorization-server'
import { type AuthenticatedClient, authenticateClient } from './authentication'

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
  return { ...(await authenticateClient(server, req, parameters)), parameters }
}
