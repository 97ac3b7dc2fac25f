/**
 * The entry of every endpoint where clients authenticate: finds the parameters, the client and the key that it proves.
 * The values of `clientAuthentication` decide, one method per request (RFC 6749 §2.3).
 */
import type { Request } from 'express'
import { isPromise } from '../awaitable'
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
  /** Whether the client authenticated. False if it sent no proof and its record allows that. */
  authenticated: boolean
  /** The challenge of the method, for an endpoint that refuses clients without authentication (RFC 6749 §5.2). */
  challenge: string | undefined
  /** The proof's id, to be used up. */
  once: OneTimeProof | undefined
}

export interface AuthenticatedRequest extends AuthenticatedClient {
  parameters: RequestParameters
  /** The key that tokens are bound to. Undefined for bearer tokens, and at endpoints that issue none. */
  confirmation: Confirmation | undefined
  /** The attempt that a stored proof of a public client cost. It is given back if the request succeeds. */
  attempt: Required<TakenAttempt> | undefined
}

interface RequestPlaces {
  /** Whether parameters may be in the URL. @default false */
  readonly fromQuery?: boolean
  /** The path of the endpoint, if requests may prove a key (RFC 9449 §5, §10.1). @default proofs are ignored */
  readonly proofAt?: string
}

/** The order matters: proofs that count once are used up last, and a request for a nonce costs nothing. */
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
  // whatever the server supports: a record with this member gets only bound tokens
  const asks = client.dpopBoundAccessTokens || client.tlsClientCertificateBoundAccessTokens
  const keys = asks && proofAt === 'token' ? await boundKeys(server, req, client, proven) : proven?.confirmation
  const attempt = proven && !found.authenticated ? await attemptOfPublicClient(server, client, req) : undefined
  if (found.once || proven) await useUpAll(server, client, found.once, proven)
  const { authenticated, challenge, once } = found
  return { client, authenticated, challenge, once, parameters, confirmation: keys, attempt }
}

/** Anyone knows the id of a public client and can cause rows to be stored. Limits them for each network. */
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

/** Possible client authentication, and the method that verifies it. None for a `client_id` alone. */
type Candidate = readonly [presented: PresentedCredentials, value?: ClientAuthentication]

/** Finds the client that sent the request. Throws `invalid_client` with the challenge of the method that it tried. */
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
    // once for each id, whether it exists or not
    const answer = sought === clientId ? found : findClient(server, clientId, req)
    found = isPromise(answer) ? await answer : answer
    sought = clientId
    const client = found?.tokenEndpointAuthMethods.includes(method) ? found : undefined
    if (client && method === 'none') {
      if (client.disabled) throw authenticationFailure(server, presented, disabled)
      return { client, authenticated: false, challenge: presented.challenge, once: undefined }
    }
    if (!value || method === 'none' || (!client && !explicit)) continue
    const verified = value.verify(server, client, presented)
    const proof = isPromise(verified) ? await verified : verified
    if (proof && 'reason' in proof) throw authenticationFailure(server, presented, proof)
    // the record decides, whichever client was proved
    if (!proof?.client.tokenEndpointAuthMethods.includes(method)) continue
    // only the authenticated client learns that it is disabled
    if (proof.client.disabled) throw authenticationFailure(server, presented, disabled)
    // a request must not authenticate one client and name another
    if ((parameters.get('client_id') ?? proof.client.clientId) === proof.client.clientId) {
      return { client: proof.client, authenticated: true, challenge: undefined, once: proof.once }
    }
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client.')
  }
  throw authenticationFailure(server, candidates[0]?.[0])
}

const disabled: FailedProof = { reason: 'the client is disabled', problem: 'This client is disabled.' }

/**
 * RFC 6749 §2.3: a client must not use more than one method. Implicit credentials do not count beside explicit ones.
 */
function candidatesOf(server: AuthorizationServer, request: EndpointRequest): Candidate[] {
  const explicit: Candidate[] = []
  const there: Candidate[] = []
  for (const value of server.clientAuthentication) {
    // skip methods whose parameter is missing
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

/** Returns `invalid_client` and emits its event. */
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
 * RFC 6749 §5.2 requires the challenge if the client used the Authorization header. Other requests get none, although
 * RFC 9110 §11.6.1 requires one on every 401, because a browser would open a password dialog.
 */
export function invalidClient(description: string, challenge: string | undefined): OAuthError {
  return new OAuthError(
    'invalid_client',
    description,
    challenge === undefined ? {} : { headers: { 'WWW-Authenticate': challenge } },
  )
}

/** Checks the option of the server, or returns its default. */
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
