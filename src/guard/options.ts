/** The options of the guard and the strategy, checked once. */
import type { Request } from 'express'
import { type Awaitable, whenReady } from '../awaitable'
import { isBeingDeleted } from '../clients/client'
import { requireSource } from '../http/endpoint'
import { queryParameters } from '../http/request'
import { requireFlags, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import type { RemoteServer } from '../remote/remote-server'
import { acceptedScope, knownResource } from '../rules/resource'
import { neededScope, type Scope } from '../rules/scope'
import { PROTECTED_RESOURCE, requireResourceUrl, wellKnownUrl } from '../rules/well-known'
import { type ProofPlace, proofPlace } from '../sender-constraints/confirmation'
import type { AuthenticatedToken } from '../tokens/access-token'
import { type StepUp, verifiedStepUp } from '../tokens/step-up'
import type { AuthorizationServer } from '../types/authorization-server'
import { missingToken } from './challenge'
import { type Challenge, type TokenPlace, tokenPlaces } from './presented-token'

/** The issuer of the tokens: a server in this process or in another one. */
export type TokenSource = AuthorizationServer | RemoteServer

/** Options of `bearerGuard` and `bearerStrategy`. */
export interface BearerGuardOptions {
  /** The scope that the token must have: `'read'`, `'read write'` or a list. @default no particular scope */
  scope?: string | Scope
  /**
   * This API's URI, one of the `resources` of the server: a token for another resource is refused (RFC 8707, RFC 9068
   * §4). @default the audience of tokens whose request names no resource
   */
  resource?: string
  /**
   * Whether challenges name the metadata of the resource (RFC 9728 §5.1) and the required scope. Clients that discover
   * the server need both. Requires `protectedResourceRouter`.
   * @default false
   */
  resourceMetadata?: boolean
  /** The `realm` of challenges (RFC 6750 §3). @default 'api' */
  realm?: string
  /**
   * Where clients may send a token: `'header'`, `'body'`, `'query'`. RFC 6750 §2.3 advises against the query, which
   * puts tokens into logs and histories. The body needs a parser in front.
   * @default ['header']
   */
  tokenFrom?: readonly TokenPlace[]
  /**
   * Admits requests without a token that have `?client_id=` of a registered client ("app authorization"). They have no
   * user and the empty scope. A client id is public: this identifies apps and protects nothing.
   * @default false
   */
  clientIdQuery?: boolean
  /**
   * Whether the token must have a user, whom `resourceOwner(req)` returns. If so, a client's own token (client
   * credentials) is refused with 403.
   * @default true where the server has `users`, unless `clientIdQuery` admits apps
   */
  user?: boolean
  /**
   * Whether to refuse tokens that are not bound to a key (RFC 9449, RFC 8705). The key of a bound token is always
   * checked.
   * @default false
   */
  senderConstrained?: boolean
  /**
   * The accepted authentication context classes of the sign-in (RFC 9470), from the `acrValues` of `openid()`. The
   * challenge names them. The client then requests a new sign-in with them and the scope `openid`.
   * @default any sign-in is accepted
   */
  acr?: string | readonly string[]
  /** The maximum age of the sign-in, in seconds (RFC 9470). @default no limit */
  maxAge?: number
}

const optionNames: readonly string[] = [
  'scope',
  'resource',
  'resourceMetadata',
  'realm',
  'tokenFrom',
  'clientIdQuery',
  'user',
  'senderConstrained',
  'acr',
  'maxAge',
] satisfies (keyof BearerGuardOptions)[]

/** The requirements for a request. */
export interface Entrance {
  readonly scope: Scope
  readonly resource: string | undefined
  readonly tokenFrom: readonly TokenPlace[]
  readonly challenge: Challenge
  /** Where proofs of a key are accepted. Undefined if the server binds no tokens. */
  readonly proofs: ProofPlace | undefined
  /** The required sign-in of the user. */
  readonly stepUp: StepUp | undefined
  /** Whether a token without a user is refused. */
  readonly needsUser: boolean
  /** Handles a request without a token. */
  readonly withoutToken: (req: Request) => Awaitable<AuthenticatedToken>
}

/** Checks the options of `owner`. Throws a TypeError for a wrong one. */
export function verifiedEntrance(owner: string, server: TokenSource, options: BearerGuardOptions): Entrance {
  requireSource(server)
  // a misspelt `scope` would require no scope
  requireKnown(`${owner} option`, options, optionNames, ['scope'])
  const { realm = 'api', tokenFrom = ['header'], clientIdQuery = false } = options
  if (typeof realm !== 'string') throw misuse('wrong_text', `${owner}'s realm must be a string`)
  const { senderConstrained, resourceMetadata, user } = options
  requireFlags(owner, { clientIdQuery, resourceMetadata, user, senderConstrained })
  if (clientIdQuery && options.user) {
    throw misuse('conflicting_options', `${owner}'s clientIdQuery admits apps without a user: leave it or user out`)
  }
  const scope = knownScope(owner, server, neededScope(owner, options))
  const resource = knownResource(server, options.resource)
  verifyAccepted(owner, server, resource, scope)
  for (const place of tokenFrom) {
    if (!tokenPlaces.includes(place)) {
      throw misuse('wrong_choice', `${owner}'s tokenFrom may hold 'header', 'body' and 'query', not ${place}`)
    }
  }
  const stepUp = verifiedStepUp(owner, server, options)
  const proofs = proofPlace(owner, server, resource, senderConstrained)
  return {
    scope,
    resource,
    tokenFrom: [...new Set(tokenFrom)],
    proofs,
    stepUp,
    challenge: {
      realm,
      ...(stepUp && { stepUp: stepUp.challenge }),
      ...(proofs && { bound: proofs }),
      resourceMetadata: options.resourceMetadata
        ? metadataOf(owner, resource ?? onlyResource(owner, server))
        : undefined,
    },
    // a host with `users` has handlers that read `req.user.id`: if it were undefined, a query might match every row
    needsUser: options.user ?? (server.users !== undefined && !clientIdQuery),
    withoutToken: clientIdQuery ? appAuthorization(owner, server) : missingToken,
  }
}

function knownScope(owner: string, server: TokenSource, required: Scope): Scope {
  // the scopes of a remote server are unknown here
  if (!('scopes' in server)) return required
  for (const token of required) {
    if (!server.scopes.has(token)) {
      throw misuse(
        'unknown_to_server',
        `${owner}'s scope ${token} is not in the server's scopes: ${[...server.scopes.keys()].join(', ')}`,
      )
    }
  }
  return required
}

/** Throws if no token could ever pass. */
function verifyAccepted(owner: string, server: TokenSource, resource: string | undefined, required: Scope): void {
  const limits = 'resourceLimits' in server ? server.resourceLimits : undefined
  const called = resource === undefined ? server.audience : [resource]
  const accepted = limits ? acceptedScope(limits, called, required) : required
  const beyond = required.find((token) => !accepted.includes(token))
  if (beyond === undefined) return
  throw misuse(
    'unknown_to_server',
    `${owner}'s scope ${beyond} is not among the scopes of ${called.join(', ')} in the server's resources`,
  )
}

function onlyResource(owner: string, { audience }: TokenSource): string {
  if (audience.length === 1) return audience[0] as string
  throw misuse('missing_option', `${owner}'s resourceMetadata needs resource: the URI of the API that it protects`)
}

function metadataOf(owner: string, resource: string): string {
  requireResourceUrl(owner, resource)
  return wellKnownUrl(PROTECTED_RESOURCE, resource)
}

function appAuthorization(owner: string, server: TokenSource): (req: Request) => Awaitable<AuthenticatedToken> {
  if (!('storage' in server)) throw misuse('not_a_server', `${owner}'s clientIdQuery needs a server of this process`)
  return (req) => {
    const { parameters, repeated } = queryParameters(req)
    const clientId = parameters.get('client_id')
    if (clientId === undefined || repeated.has('client_id')) return missingToken()
    // registered clients only: anyone can publish a metadata document
    return whenReady(server.storage.clients.find(clientId), (client) => {
      if (!client || client.disabled || isBeingDeleted(client)) return missingToken()
      return { accessToken: Object.freeze({ clientId, scope: Object.freeze([]) }), user: undefined }
    })
  }
}
