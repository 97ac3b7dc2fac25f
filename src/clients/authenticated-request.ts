/** The one entry of every endpoint where clients authenticate: what was sent, which client sent it, and which key it proves. */
import type { Request } from 'express'
import { useUp } from '../credentials/once'
import { requestParameters } from '../http/request'
import type { RequestParameters } from '../rules/params'
import { missingProof, provenKey } from '../sender-constraints/confirmation'
import { refusedProof } from '../sender-constraints/refusal'
import type { Client } from '../storage'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { OneTimeProof, ProvenKey } from '../types/capability'
import { type AuthenticatedClient, authenticateClient, authenticationFailure } from './authentication'

export interface AuthenticatedRequest extends AuthenticatedClient {
  parameters: RequestParameters
  /** The key that tokens are bound to; undefined for bearer tokens, and at endpoints that issue none. */
  confirmation: Confirmation | undefined
}

interface RequestPlaces {
  /** Whether parameters may stand in the URL. @default false */
  readonly fromQuery?: boolean
  /** The endpoint, where requests may prove a key (RFC 9449 §5, §10.1). @default proofs are not looked at */
  readonly proofAt?: string
}

/** In this order, for what can be used once only is used up last, and a nonce that is asked for costs nothing. */
export async function authenticatedRequest(
  server: AuthorizationServer,
  req: Request,
  { fromQuery, proofAt }: RequestPlaces = {},
): Promise<AuthenticatedRequest> {
  const parameters = await requestParameters(req, fromQuery)
  const takesProof = proofAt !== undefined && server.senderConstraints.length > 0
  const proven = takesProof ? await provenKey(server, req, proofAt) : undefined
  const found = await authenticateClient(server, req, parameters)
  const { client } = found
  // whatever the server lists: a record that asks for bound tokens gets no others
  if (proofAt === 'token' && client.dpopBoundAccessTokens && !proven) throw missingProof(server, client.clientId)
  if (found.once || proven) await useUpAll(server, client, found.once, proven)
  return { ...found, parameters, confirmation: proven?.confirmation }
}

async function useUpAll(
  server: AuthorizationServer,
  { clientId }: Client,
  once: OneTimeProof | undefined,
  proven: ProvenKey | undefined,
): Promise<void> {
  const used = await useUp(server, clientId, [...(once ? [once] : []), ...(proven ? [proven.once] : [])])
  if (!used) return
  const problem = `This ${used.purpose} was used before. Its id must be new.`
  if (used !== once) throw refusedProof(server, problem, { clientId })
  throw authenticationFailure(server, { clientId }, { reason: problem, problem })
}
