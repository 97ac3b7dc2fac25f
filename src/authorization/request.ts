/** The authorization request: RFC 6749 §4.1.1. The order of validation decides who receives an error. */
import type { Request } from 'express'
import { findClient, pkceRequired, requireGrantType } from '../clients/client'
import { OAuthError } from '../errors'
import { sentParameters } from '../host/refusals'
import { warnOfNoScopes, warnOfResource } from '../host/requests'
import { bodyParameters, queryParameters } from '../http/request'
import { misuse } from '../options/misuse'
import { DETAILS, invalidDetails } from '../rules/authorization-details'
import { networkOf, type Sender } from '../rules/network'
import {
  mergeParameters,
  noParameters,
  type ParsedParameters,
  type RequestParameters,
  requireParameter,
  requireUnrepeated,
} from '../rules/params'
import { requireCodeChallenge } from '../rules/pkce'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { matchesRedirectUri, unregistered } from '../rules/redirect-uri'
import { resolveAudience } from '../rules/resource'
import { type ResponseMode, responseModesAt } from '../rules/response-mode'
import { resolveScope } from '../rules/scope'
import { keyToBind } from '../sender-constraints/code-key'
import type { Client, Credential } from '../storage'
import { detailsMember, requestedDetails } from '../tokens/authorization-details'
import type { AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'
import type { SourcedRequest } from '../types/capability'

/** The client and its redirect URI. Both must be valid before anything is sent there. */
export interface AuthorizationTarget {
  client: Client
  redirectUri: string
  sentRedirectUri: string | undefined
  state: string | undefined
  responseMode: ResponseMode
  /** The effective parameters. */
  parsed: Pick<ParsedParameters, 'repeated'> & { parameters: RequestParameters }
  sent: RequestParameters
  uses: Credential | undefined
}

/** Query and body together: the form of the consent page is posted to the URL of its request. */
export async function authorizationParameters(server: AuthorizationServer, req: Request): Promise<ParsedParameters> {
  const query = queryParameters(req)
  const parsed = mergeParameters(query, req.method === 'POST' ? await bodyParameters(req) : noParameters())
  if (server.explain) sentParameters.set(req, parsed.parameters)
  return parsed
}

/**
 * RFC 6749 §4.1.2.1: while the client or the redirect URI is in doubt, the user sees the error, and the browser is not
 * redirected. `pushedBy` is the client that pushes the request (RFC 9126 §2.1).
 */
export async function requireTarget(
  server: AuthorizationServer,
  parsed: ParsedParameters,
  req: Sender,
  pushedBy?: Client,
): Promise<AuthorizationTarget> {
  const { parameters: sent, repeated } = parsed
  if (repeated.has('client_id') || repeated.has('redirect_uri')) requireUnrepeated(parsed)
  const client = pushedBy ?? (await findClient(server, requireParameter(sent, 'client_id'), req))
  if (!client) throw new OAuthError('invalid_client', 'No client has this id.', { status: 400 })
  // the redirect URIs of a disabled client are not trusted either: do not redirect
  if (client.disabled) throw new OAuthError('unauthorized_client', 'This client is disabled.')
  const isPushed = pushedBy !== undefined
  const source = server.requests.length > 0 ? await sourcedRequest(server, client, parsed, req, isPushed) : undefined
  const parameters = source?.parameters ?? sent
  const responseType = parameters.get('response_type') ?? ''
  const grant = server.responseTypes.get(responseType)
  if (client.redirectUris.length === 0) {
    const seen = `an authorization request came for the client ${client.clientId}, which has no redirect URI`
    server.warn('client_without_redirect_uris', `${seen}: set redirectUris in its record`)
  }
  const sentRedirectUri = parameters.get('redirect_uri')
  // FAPI 2.0 §5.3.2.2: a pushed request must name it, even if only one is registered
  const redirectUri = sentRedirectUri ?? (isPushed ? undefined : onlyRedirectUri(client))
  if (redirectUri === undefined || !matchesRedirectUri(client, redirectUri)) {
    // for example a service, which has no redirect URI
    requireGrantType(client, grant?.grantType ?? 'authorization_code')
    if (redirectUri === undefined && (parameters.has('request') || parameters.has('request_uri')))
      throw unsupported(parameters)
    const named = redirectUri ?? requireParameter(parameters, 'redirect_uri')
    throw new OAuthError('invalid_request', unregistered(client, 'redirect_uri', named))
  }
  const usual = grant?.responseMode ?? 'query'
  const asked = parameters.get('response_mode')
  const modes = asked === undefined ? [] : responseModesAt(redirectUri, usual)
  const responseMode = modes.find((mode) => mode === asked) ?? usual
  const state = repeated.has('state') ? undefined : parameters.get('state')
  const counts = source ? { parameters, repeated: new Set<string>() } : parsed
  return { client, redirectUri, sentRedirectUri, state, responseMode, parsed: counts, sent, uses: source?.uses }
}

// RFC 6749 §3.1.2.3: it may be omitted if only one is registered
function onlyRedirectUri({ redirectUris }: Client): string | undefined {
  return redirectUris.length === 1 ? redirectUris[0] : undefined
}

/**
 * Returns the request that a parameter refers to or contains. Other parameters are ignored: someone may have changed
 * them on the way (RFC 9101 §6.3, RFC 9126 §4).
 */
async function sourcedRequest(
  server: AuthorizationServer,
  client: Client,
  parsed: ParsedParameters,
  req: Sender,
  isPushed: boolean,
): Promise<SourcedRequest | undefined> {
  const { parameters } = parsed
  // RFC 9101 §5: one of them would have to be ignored
  if (parameters.has('request') && parameters.has('request_uri')) {
    throw new OAuthError('invalid_request', 'request and request_uri exclude each other.')
  }
  const source = server.requests.find((one) => parameters.has(one.parameter))
  // a pushed request passed this check when it was pushed
  const missing = server.requests.find(
    (one) => one !== source && !(isPushed && one.parameter === 'request_uri') && one.required?.(client),
  )
  if (missing && source?.parameter !== 'request_uri') {
    throw new OAuthError(
      'invalid_request',
      `Authorization requests of this client need the parameter ${missing.parameter}.`,
    )
  }
  if (!source) return undefined
  const value = requireUnrepeated(parsed).get(source.parameter) as string
  return source.parametersOf(server, client, value, networkOf(req.ip))
}

/** RFC 9101 §7: an unsupported parameter must be refused, not ignored. */
function unsupported(parameters: RequestParameters): OAuthError {
  const name = parameters.has('request') ? 'request' : 'request_uri'
  return new OAuthError(`${name}_not_supported`, `The parameter ${name} is not supported.`)
}

/** Validates the rest of the request. Errors go to the client, by redirect (RFC 6749 §4.1.2.1). */
export function parseAuthorizationRequest(
  server: AuthorizationServer,
  { client, redirectUri, sentRedirectUri, state, responseMode, parsed, sent, uses }: AuthorizationTarget,
  startedAt: number,
): AuthorizationRequest {
  const parameters = requireUnrepeated(parsed)
  if (parameters.has('request') || parameters.has('request_uri')) throw unsupported(parameters)
  const responseType = requireParameter(parameters, 'response_type')
  const grant = server.responseTypes.get(responseType)
  if (!grant) throw new OAuthError('unsupported_response_type', 'This response_type is not supported.')
  requireGrantType(client, grant.grantType)
  if ((parameters.get('response_mode') ?? responseMode) !== responseMode) {
    const modes = responseModesAt(redirectUri, grant.responseMode ?? 'query').join(', ')
    throw new OAuthError('invalid_request', `response_mode must be one of ${modes}.`)
  }
  if (server.scopes.size > 0 && !client.scopes?.length) warnOfNoScopes(server, client)
  if (server.resources.length === 0 && parameters.has('resource')) warnOfResource(server)
  const isDetailed = server.authorizationDetails && parameters.has(DETAILS)
  // RFC 9396 §3.1: details stand alone; a request with details and no scope does not get the default scope
  const isScoped = !isDetailed || parameters.has('scope')
  const audience = resolveAudience(server, client, parameters.get('resource'))
  const scope = isScoped ? resolveScope(server, client, parameters.get('scope'), audience) : []
  // a fragment cannot return them
  if (isDetailed && !grant.codes) throw invalidDetails('needs response_type code')
  // RFC 8252 §8.1: an old record, or an old policy, may have such a scheme
  const isRequired = pkceRequired(server.pkce, client) || schemeWithoutDot.test(redirectUri)
  const codeChallenge = requireCodeChallenge(parameters, grant.codes !== undefined && isRequired)
  // OpenID Connect Core §3.1.2.1: without this scope it is not an OpenID Connect request
  const openid =
    server.openid && scope.includes('openid')
      ? server.openid.request(server, client, { parameters, sentRedirectUri, scope })
      : undefined
  const dpopJkt = server.senderConstraints.length > 0 ? keyToBind(server, client, parameters) : undefined
  return {
    server,
    client: client.name === undefined ? { ...client, name: client.clientId } : client,
    responseType,
    redirectUri,
    scope,
    audience,
    parameters,
    sent,
    startedAt,
    ...{ ...(sentRedirectUri !== undefined && { sentRedirectUri }), ...(state !== undefined && { state }) },
    ...(codeChallenge !== undefined && { codeChallenge }),
    ...(dpopJkt !== undefined && { dpopJkt }),
    ...(uses && { uses }),
    ...(openid && { openid }),
  }
}

/** Adds the requested authorization details (RFC 9396 §3), checked by the host. Errors go to the client. */
export async function withDetails(request: AuthorizationRequest): Promise<AuthorizationRequest> {
  const { server, client, parameters, audience } = request
  return { ...request, ...detailsMember(await requestedDetails(server, client, parameters, audience)) }
}

/**
 * The start that a decision names, in whole seconds as stores keep them. Without a number no revocation would cover it.
 */
export function secondOf(startedAt: unknown): number {
  if (typeof startedAt === 'number' && Number.isFinite(startedAt)) return Math.floor(startedAt)
  throw misuse(
    'wrong_decision',
    `decide must return startedAt in seconds since the epoch, as a number, not ${String(startedAt)}`,
  )
}
