/** The userinfo endpoint: claims about the user of an access token (OpenID Connect Core §5.3). */
import type { Request, Response, Router } from 'express'
import { findClient } from '../clients/client'
import { requireOwnOrigin } from '../clients/limits'
import { boundOf } from '../credentials/bound'
import { invalidToken, OAuthError } from '../errors'
import { clientsOwnToken, missingToken, withChallenge } from '../guard/challenge'
import { type Challenge, presentedToken } from '../guard/presented-token'
import { requestChecks } from '../host/requests'
import { type CorsOptions, type Handler, requireServer, sendError, sendJson, sendJwt } from '../http/endpoint'
import { bodyParameters } from '../http/request'
import { endpointRouter } from '../http/router'
import { listGrants } from '../operations/grants'
import { requireKnown, requireNoMore } from '../options/known'
import { requireUnrepeated } from '../rules/params'
import { proofPlace, schemeOf, verifyConfirmation } from '../sender-constraints/confirmation'
import type { Client, Credential } from '../storage'
import { findAccessToken } from '../tokens/access-token'

import type { Authentication } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import { findUser } from '../users'
import { claimsOfClient, claimsOfScope, valuesOf } from './claims'
import { signerOf, signUserinfo } from './id-token'
import { requireSettings, type Settings } from './settings'

/** Options of `userinfoRouter`. */
export interface UserinfoRouterOptions {
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

/** The name in the option `endpoints`. */
export const USERINFO = 'userinfo'

/**
 * The userinfo endpoint (OpenID Connect Core §5.3), for GET and POST with an access token of the scope `openid`.
 * `oauthRouter` mounts it at `endpoints.userinfo`.
 *
 * @throws TypeError at start-up for a server without `openid`.
 */
export function userinfoRouter(server: AuthorizationServer, options: UserinfoRouterOptions = {}): Router {
  requireNoMore('userinfoRouter', arguments, 2)
  requireServer(server)
  requireKnown('userinfoRouter option', options, ['cors'])
  return routerOf(requireSettings('userinfoRouter', server), server, options.cors)
}

/** Creates the router with the settings of `openid()`. */
export function routerOf(settings: Settings, server: AuthorizationServer, cors: CorsOptions | undefined): Router {
  const proofs = proofPlace('userinfoRouter', server, undefined)
  const challenge: Challenge = {
    realm: 'userinfo',
    ...(proofs && { bound: proofs }),
  }
  const handler: Handler = async (req, res) => {
    const token = await sentToken(req, proofs !== undefined && proofs.schemes.length > 0)
    const found = await findAccessToken(server, token)
    if (!found) throw invalidToken()
    const { row } = found
    const { confirmation } = boundOf(row)
    const bound = { clientId: row.clientId, scope: row.scope, ...(confirmation && { confirmation }) }
    await verifyConfirmation(server, token, bound, proofs && { ...proofs, req })
    if (found.used) res.once('close', found.used)
    await answer(settings, server, row, res)
  }
  const onError = (error: OAuthError, req: Request, res: Response) =>
    sendError(error.status >= 500 ? error : withChallenge(error, challenge, ['openid'], schemeOf(req)), req, res)
  const methods = { GET: handler, POST: handler }
  return endpointRouter(server, { methods, check: requestChecks(server, USERINFO), cors, onError })
}

/** Core §5.3.1: the token in the header or in a form (RFC 6750 §2.2), but not in both. */
async function sentToken(req: Request, mayBeBound: boolean): Promise<string> {
  const inHeader = presentedToken(req, ['header'], mayBeBound)
  const inForm = req.method === 'POST' ? requireUnrepeated(await bodyParameters(req)).get('access_token') : undefined
  if (inHeader !== undefined && inForm !== undefined) {
    throw new OAuthError('invalid_request', 'The request has more than one access token.')
  }
  return inHeader ?? inForm ?? missingToken()
}

async function answer(settings: Settings, server: AuthorizationServer, row: Credential, res: Response): Promise<void> {
  const { userId, clientId, scope } = row
  if (!scope.includes('openid')) {
    throw new OAuthError('insufficient_scope', 'The request needs the scope openid.')
  }
  if (userId === undefined) throw clientsOwnToken()
  const user = await findUser(server, userId)
  const client = user && (await findClient(server, clientId))
  if (!user || !client || client.disabled) throw invalidToken()
  if (client.corsOrigins) requireOwnOrigin(client, server, res.req)
  const asked = (await authenticationOf(server, row))?.claims?.userinfo ?? []
  const { all } = claimsOfClient(settings.claims, server, client)
  const named = asked.filter((name) => all.includes(name))
  const values = await valuesOf(server, user, [...claimsOfScope(settings.claims, scope), ...named])
  // Core §5.3.2: must equal the `sub` of the id_token, or the client must not use the response
  const claims = { ...values, sub: await settings.subjects.subjectOf(server, client, userId) }
  const { userinfoSignedResponseAlg: algorithm } = client
  if (algorithm === undefined) sendJson(res, 200, claims)
  else sendSigned(settings, server, client, claims, res)
}

/** The sign-in of the session. For a stateless token, from its grant. */
async function authenticationOf(server: AuthorizationServer, row: Credential): Promise<Authentication | undefined> {
  const { grantId, userId, clientId } = row
  if (!server.accessTokens.stateless || grantId === undefined) return boundOf(row).authentication
  const grants = await listGrants(server, { userId: userId as string, clientId })
  return grants.find(({ id }) => id === grantId)?.data.authentication as Authentication | undefined
}

/** Core §5.3.2: with `iss` and `aud`, so that only this client can use it. */
function sendSigned(
  { ring }: Settings,
  { issuer }: AuthorizationServer,
  { clientId, userinfoSignedResponseAlg }: Client,
  claims: object,
  res: Response,
): void {
  const signer = signerOf(ring(), userinfoSignedResponseAlg, clientId)
  const text = signUserinfo(signer, { ...claims, iss: issuer, aud: clientId })
  sendJwt(res, 'application/jwt', text)
}
