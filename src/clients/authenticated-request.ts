/**
 * The one entry of every endpoint where clients authenticate: what was sent, which client sent it, and which key it proves.
 * It asks the values of `clientAuthentication`, one method a request (RFC 6749 §2.3).
 */
import type { Request } from 'express'
import { useUp } from '../credentials/once'
import { OAuthError } from '../errors'
import { sentParameters } from '../host/refusals'
import { requestParameters } from '../http/request'
import { misuse } from '../options/misuse'
import { takeAttempt } from '../passwords/throttle'
import { networkOf, siteOf } from '../rules/network'
import type { RequestParameters } from '../rules/params'
import { boundKeys } from '../sender-constraints/bound-keys'
import { provenKey } from '../sender-constraints/confirmation'
import { refusedProof } from '../sender-constraints/refusal'
import type { Client } from '../storage'
import type { TakenAttempt } from '../types/attempts'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type {
  ClientAuthentication,
  EndpointRequest,
  FailedProof,
  OneTimeProof,
  PresentedCredentials,
  ProvenKey,
} from '../types/capability'
import { findClient } from './client'
import { privateKeyJwt } from './client-assertion'
import { clientSecret } from './client-secret'
import { requireOwnOrigin } from './limits'

export interface AuthenticatedClient {
  client: Client
  /** Whether it proved who it is; false for a client that sent no proof because its record allows that. */
  authenticated: boolean
  /** Of the method that was tried, for an endpoint that refuses a client without a proof (RFC 6749 §5.2). */
  challenge: string | undefined
  /** What of its proof counts once. */
  once: OneTimeProof | undefined
}

export interface AuthenticatedRequest extends AuthenticatedClient {
  parameters: RequestParameters
  /** The key that tokens are bound to; undefined for bearer tokens, and at endpoints that issue none. */
  confirmation: Confirmation | undefined
  /** Where a proof of a public client was stored: to be given back once the request turns out to be right. */
  attempt: Required<TakenAttempt> | undefined
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
  if (server.explain) sentParameters.set(req, parameters)
  const takesProof = proofAt !== undefined && server.senderConstraints.length > 0
  const proven = takesProof ? await provenKey(server, req, proofAt) : undefined
  const found = await authenticateClient(server, req, parameters)
  const { client } = found
  if (client.corsOrigins) requireOwnOrigin(client, server, req)
  // whatever the server lists: a record that asks for bound tokens gets no others
  const asks = client.dpopBoundAccessTokens || client.tlsClientCertificateBoundAccessTokens
  const keys = asks && proofAt === 'token' ? await boundKeys(server, req, client, proven) : proven?.confirmation
  const attempt = proven && !found.authenticated ? await attemptOfPublicClient(server, client, req) : undefined
  if (found.once || proven) await useUpAll(server, client, found.once, proven)
  const { authenticated, challenge, once } = found
  return { client, authenticated, challenge, once, parameters, confirmation: keys, attempt }
}

/** Everybody knows the id of a public client, and may have rows stored in its name: so many for each network. */
export function attemptOfPublicClient(
  server: AuthorizationServer,
  { clientId }: Client,
  { ip }: Request,
): Promise<Required<TakenAttempt>> {
  const site = siteOf(networkOf(ip))
  return takeAttempt(server, { kind: 'public_client', account: site, network: site }, clientId)
}

async function useUpAll(
  server: AuthorizationServer,
  { clientId }: Client,
  once: OneTimeProof | undefined,
  proven: ProvenKey | undefined,
): Promise<void> {
  const used = await useUp(server, clientId, [...(once ? [once] : []), ...(proven?.once ? [proven.once] : [])])
  if (!used) return
  const problem = `This ${used.purpose} was used before. Its id must be new.`
  if (used !== once) throw refusedProof(server, problem, { clientId })
  throw authenticationFailure(server, { clientId }, { reason: problem, problem })
}

/** What may prove the client, and the value that verifies it; none for a `client_id` alone. */
type Candidate = readonly [presented: PresentedCredentials, value?: ClientAuthentication]

/** The client that sent the request. Throws `invalid_client`, with the challenge of the method that was tried. */
export async function authenticateClient(
  server: AuthorizationServer,
  req: Request,
  parameters: RequestParameters,
): Promise<AuthenticatedClient> {
  const candidates = candidatesOf(server, { req, parameters })
  let sought: string | undefined
  let found: Client | undefined
  for (const [presented, value] of candidates) {
    const { method, clientId, explicit } = presented
    if (clientId === undefined) continue
    // once for each id, whether it is there or not
    if (sought !== clientId) found = await findClient(server, clientId, req)
    sought = clientId
    const client = found?.tokenEndpointAuthMethods.includes(method) ? found : undefined
    if (client && method === 'none') {
      if (client.disabled) throw authenticationFailure(server, presented, disabled)
      return { client, authenticated: false, challenge: presented.challenge, once: undefined }
    }
    if (!value || method === 'none' || (!client && !explicit)) continue
    const proof = await value.verify(server, client, presented)
    if (proof && 'reason' in proof) throw authenticationFailure(server, presented, proof)
    // the record has the last word, whichever client was proved
    if (!proof?.client.tokenEndpointAuthMethods.includes(method)) continue
    // said to who has proved to be it, and to nobody who only knows the id
    if (proof.client.disabled) throw authenticationFailure(server, presented, disabled)
    // nobody is authenticated as one client and named as another
    if ((parameters.get('client_id') ?? proof.client.clientId) === proof.client.clientId) {
      return { client: proof.client, authenticated: true, challenge: undefined, once: proof.once }
    }
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client.')
  }
  throw authenticationFailure(server, candidates[0]?.[0])
}

const disabled: FailedProof = { reason: 'the client is disabled', problem: 'This client is disabled.' }

/** RFC 6749 §2.3: a client must not use more than one method. What is there anyway does not count beside one. */
function candidatesOf(server: AuthorizationServer, request: EndpointRequest): Candidate[] {
  const explicit: Candidate[] = []
  const there: Candidate[] = []
  for (const value of server.clientAuthentication) {
    // what a request cannot have is not looked for
    if (value.parameter !== undefined && !request.parameters.has(value.parameter)) continue
    for (const presented of value.presented(request)) {
      if (!presented.explicit) there.push([presented, value])
      else if ((explicit[0]?.[1] ?? value) === value) explicit.push([presented, value])
      else throw new OAuthError('invalid_request', 'The client uses more than one authentication method.')
    }
  }
  if (explicit.length > 0) return explicit
  const clientId = request.parameters.get('client_id')
  return clientId === undefined ? there : [...there, [{ method: 'none', clientId, explicit: false }]]
}

/** `invalid_client`, and the event of it. */
function authenticationFailure(
  server: AuthorizationServer,
  tried: Partial<PresentedCredentials> = {},
  failed?: FailedProof,
): OAuthError {
  const { clientId, problem, challenge } = tried
  const unknown = clientId === undefined ? (problem ?? 'no client credentials') : 'unknown client or wrong credentials'
  server.emit({
    type: 'client.authentication_failed',
    ...(clientId !== undefined && { clientId }),
    reason: failed?.reason ?? unknown,
  })
  return invalidClient(failed?.problem ?? problem ?? 'Client authentication failed.', challenge)
}

/**
 * RFC 6749 §5.2 wants the challenge where the client used the Authorization header. Without one elsewhere a browser
 * opens no password dialog over a web page: RFC 9110 §11.6.1 would have it on every 401.
 */
export function invalidClient(description: string, challenge: string | undefined): OAuthError {
  return new OAuthError(
    'invalid_client',
    description,
    challenge === undefined ? {} : { headers: { 'WWW-Authenticate': challenge } },
  )
}

/** The option of the server, checked, or its default. */
export function verifiedClientAuthentication(
  values: readonly ClientAuthentication[] = [clientSecret(), privateKeyJwt()],
): readonly ClientAuthentication[] {
  const fix = 'clientAuthentication must be a list such as [clientSecret()]'
  if (!Array.isArray(values) || values.length === 0) throw misuse('wrong_list', fix)
  const names = new Set<string>()
  for (const value of values as (ClientAuthentication | undefined)[]) {
    const isComplete = typeof value?.presented === 'function' && typeof value.verify === 'function'
    if (!isComplete || !Array.isArray(value.methods) || value.methods.length === 0) {
      throw misuse('wrong_capability', `${fix}; a value has methods, presented and verify`)
    }
    for (const method of value.methods) {
      if (method === 'none')
        throw misuse(
          'wrong_capability',
          "clientAuthentication: 'none' is not a method. Set it in a client's tokenEndpointAuthMethods",
        )
      if (names.has(method))
        throw misuse('duplicate_name', `clientAuthentication has ${method} more than once: name it once`)
      names.add(method)
    }
  }
  return Object.freeze([...values])
}
