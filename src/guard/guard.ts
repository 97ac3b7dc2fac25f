/** The guard of protected resources: RFC 6750, on Passport's bearer strategy. */
import type { Request, RequestHandler, Response } from 'express'
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { isBeingDeleted } from '../clients/client'
import { OAuthError, toOAuthError } from '../errors'
import { checkGuards, rememberGuard } from '../host/guards'
import { queryParameters } from '../http/body'
import { answerFailure, reportError, requireSource, settle } from '../http/endpoint'
import { sendError } from '../http/json'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { knownResource } from '../rules/resource'
import { formatScope, includesScope, neededScope, type Scope } from '../rules/scope'
import { PROTECTED_RESOURCE, requireResourceUrl, wellKnownUrl } from '../rules/well-known'
import type { AuthenticatedToken } from '../tokens/find'
import type { AccessToken } from '../types/access-token'
import { missingToken, withChallenge } from './challenge'
import {
  type Admission,
  admissionOf,
  type Challenge,
  presentedToken,
  setAdmission,
  type TokenPlace,
  tokenPlaces,
} from './presented-token'
import { type TokenSource, tokenAuthenticator } from './strategy'

/** Options of `bearerGuard`. */
export interface BearerGuardOptions {
  /** The scope that the token must have: `'read'`, `'read write'` or a list. @default no particular scope */
  scope?: string | Scope
  /**
   * This API's URI, one of the `resources` of the server: a token for any other resource is refused (RFC 8707, RFC 9068
   * §4). @default the audience of tokens whose request names no resource
   */
  resource?: string
  /**
   * Whether challenges name the metadata of the resource (RFC 9728 §5.1) and the required scope. Clients that discover
   * the server by themselves need both. Requires `protectedResourceRouter`. @default false
   */
  resourceMetadata?: boolean
  /** The `realm` of challenges (RFC 6750 §3). @default 'api' */
  realm?: string
  /**
   * Where a token may be sent: `'header'`, `'body'`, `'query'`. A query puts tokens into logs and histories (RFC 6750
   * §2.3 advises against it). A body needs a parser in front. @default ['header']
   */
  tokenFrom?: readonly TokenPlace[]
  /**
   * Admits calls without a token that carry `?client_id=` of a registered client, as "app authorization": with no user
   * and the empty scope. A client id is not a secret: this identifies apps and protects nothing. @default false
   */
  clientIdQuery?: boolean
}

const optionNames: readonly string[] = [
  'scope',
  'resource',
  'resourceMetadata',
  'realm',
  'tokenFrom',
  'clientIdQuery',
] satisfies (keyof BearerGuardOptions)[]

/**
 * Admits a request with a valid access token of `server`, which may run in another process: `remoteServer`. Sets
 * `req.user`, the resource owner as `users.find` returned it (undefined for client credentials), and `req.authInfo`.
 * Failures follow RFC 6750 §3; a storage failure is a 503.
 *
 * @throws TypeError at start-up for a scope or a resource that the server does not have, and for an unknown option.
 */
export function bearerGuard(server: TokenSource, options: BearerGuardOptions = {}): RequestHandler {
  requireNoMore('bearerGuard', arguments, 2)
  requireSource(server)
  // a misspelt scope would be no scope
  requireKnown('bearerGuard option', options, optionNames)
  const { realm = 'api', tokenFrom = ['header'], clientIdQuery = false } = options
  if (typeof realm !== 'string') throw new TypeError("bearerGuard's realm must be a string")
  requireFlags('bearerGuard', { clientIdQuery, resourceMetadata: options.resourceMetadata })
  const scope = knownScope(server, neededScope('bearerGuard', options))
  const resource = knownResource(server, options.resource)
  const resourceMetadata = options.resourceMetadata ? metadataOf(resource ?? onlyResource(server)) : undefined
  for (const place of tokenFrom) {
    if (!tokenPlaces.includes(place)) {
      throw new TypeError(`bearerGuard's tokenFrom may hold 'header', 'body' and 'query', not ${place}`)
    }
  }
  const app = clientIdQuery ? appAuthorization(server) : missingToken
  const authenticate = tokenAuthenticator(server, resource)
  const challenge = { realm, resourceMetadata }
  const inQuery = tokenFrom.includes('query')
  let placed = false
  const guard: RequestHandler = (req, res, next) => {
    settle(req, res)
    if (!placed) {
      placed = true
      checkGuards(req)
    }
    const settled = orElse<AuthenticatedToken | OAuthError>(() => {
      const token = presentedToken(req, tokenFrom)
      return token === undefined ? app(req) : authenticate(token)
    }, toOAuthError)
    void whenReady(settled, (found) => {
      // a timeout of the host may have answered while storage was slow: there is nothing left to admit or to refuse
      if (res.headersSent) return
      const failure = found instanceof OAuthError ? found : missingScope(found.accessToken.scope, scope)
      if (failure) return refuse(server, failure, challenge, scope, req, res)
      try {
        admit(req, { ...(found as AuthenticatedToken), challenge })
        // RFC 6750 §2.3: a cache on the way would go on answering to this URL after the token is revoked
        if (inQuery && queryParameters(req).parameters.has('access_token')) res.setHeader('Cache-Control', 'private')
      } catch (error) {
        // such as a `req.user` that only the host can set: after a promise nobody else would hear of it
        return next(error)
      }
      next()
    })
  }
  rememberGuard(guard, server.warn)
  return guard
}

/**
 * Admits a request that a guard in front admitted with this scope, for routes behind `router.use(bearerGuard(server))`.
 */
export function requireScope(scope: string | Scope): RequestHandler {
  requireNoMore('requireScope', arguments, 1)
  const required = neededScope('requireScope', { scope })
  if (required.length === 0) throw new TypeError("requireScope needs a scope, such as 'read'")
  return (req, res, next) => {
    const found = admissionOf(req)
    if (!found?.challenge) return next(new Error('requireScope needs bearerGuard in front of it'))
    const failure = missingScope(found.accessToken.scope, required)
    if (!failure) return next()
    const { realm, resourceMetadata } = found.challenge
    sendError(withChallenge(failure, realm, required, resourceMetadata), req, res)
  }
}

/**
 * The access token with which the guard, or `bearerStrategy`, admitted the request. Throws where neither has admitted
 * it.
 */
export function accessToken(req: Request): AccessToken {
  const found = guardedToken(req)
  if (!found) throw new Error('accessToken(req) needs bearerGuard or bearerStrategy in front of it')
  return found
}

/** As `accessToken`, or undefined where neither a guard nor our strategy has admitted the request. */
export function guardedToken(req: Request): AccessToken | undefined {
  return admissionOf(req)?.accessToken
}

function knownScope(server: TokenSource, required: Scope): Scope {
  // what scopes a server in another process has is not known here
  if (!('scopes' in server)) return required
  for (const token of required) {
    if (!server.scopes.has(token)) {
      throw new TypeError(
        `bearerGuard's scope ${token} is not in the server's scopes: ${[...server.scopes.keys()].join(', ')}`,
      )
    }
  }
  return required
}

function onlyResource({ audience }: TokenSource): string {
  if (audience.length === 1) return audience[0] as string
  throw new TypeError("bearerGuard's resourceMetadata needs resource: the URI of the API that it protects")
}

function metadataOf(resource: string): string {
  requireResourceUrl('bearerGuard', resource)
  return wellKnownUrl(PROTECTED_RESOURCE, resource)
}

function appAuthorization(server: TokenSource): (req: Request) => Awaitable<AuthenticatedToken> {
  if (!('storage' in server)) throw new TypeError("bearerGuard's clientIdQuery needs a server of this process")
  return (req) => {
    const { parameters, repeated } = queryParameters(req)
    const clientId = parameters.get('client_id')
    if (clientId === undefined || repeated.has('client_id')) return missingToken()
    // a registered client: anybody can publish a document
    return whenReady(server.storage.clients.find(clientId), (client) => {
      if (!client || isBeingDeleted(client)) return missingToken()
      return { accessToken: Object.freeze({ clientId, scope: Object.freeze([]) }), user: undefined }
    })
  }
}

function admit(req: Request, found: Admission): void {
  setAdmission(req, found)
  // a copy, which a host may add to: what is trusted is the other one
  req.authInfo = { ...found.accessToken }
  // also when there is none: a session's user in front must not stand in for a client's own token
  req.user = found.user
}

function missingScope(held: Scope, required: Scope): OAuthError | undefined {
  if (includesScope(held, required)) return undefined
  return new OAuthError('insufficient_scope', `The request needs the scope ${formatScope(required)}.`)
}

function refuse(
  server: TokenSource,
  failure: OAuthError,
  { realm, resourceMetadata }: Challenge,
  scope: Scope,
  req: Request,
  res: Response,
): void {
  reportError(server, failure)
  const answer = (error: OAuthError) => {
    sendError(error.status >= 500 ? error : withChallenge(error, realm, scope, resourceMetadata), req, res)
  }
  answerFailure(answer, failure, req, res)
}
