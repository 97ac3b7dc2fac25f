/** Whom a guard or a strategy admits: their options, checked once. */
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

/** The issuer of the tokens: the server of this process, or one in another. */
export type TokenSource = AuthorizationServer | RemoteServer

/** Options of `bearerGuard`, and of `bearerStrategy`. */
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
  /**
   * Whether the token must have a user, whom `resourceOwner(req)` then returns. A client's own token (client
   * credentials) is refused with 403.
   * @default true where the server has `users`, unless `clientIdQuery` admits apps
   */
  user?: boolean
  /**
   * Whether tokens that are bound to no key are refused (RFC 9449, RFC 8705). A bound token is always checked.
   * @default false
   */
  senderConstrained?: boolean
  /**
   * How the user must have signed in (RFC 9470): one of these authentication context classes, of the `acrValues` of
   * `openid()`. The challenge names them, and a client asks for a new sign-in with them and the scope `openid`.
   * @default any sign-in will do
   */
  acr?: string | readonly string[]
  /** Seconds since the user signed in, at most (RFC 9470). @default no limit */
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

/** What is asked of a request. */
export interface Entrance {
  readonly scope: Scope
  readonly resource: string | undefined
  readonly tokenFrom: readonly TokenPlace[]
  readonly challenge: Challenge
  /** Where proofs of a key are taken; undefined where tokens are bound to none. */
  readonly proofs: ProofPlace | undefined
  /** How the user must have signed in. */
  readonly stepUp: StepUp | undefined
  /** Whether a token without a user is refused. */
  readonly needsUser: boolean
  /** Answers a request that has no token. */
  readonly withoutToken: (req: Request) => Awaitable<AuthenticatedToken>
}

/** The options of `owner`, checked. Throws a TypeError for a wrong one. */
export function verifiedEntrance(owner: string, server: TokenSource, options: BearerGuardOptions): Entrance {
  requireSource(server)
  // a misspelt scope would be no scope
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
    tokenFrom,
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
    // a host that looks users up has handlers that read the id of one: without it a query may match every row
    needsUser: options.user ?? (server.users !== undefined && !clientIdQuery),
    withoutToken: clientIdQuery ? appAuthorization(owner, server) : missingToken,
  }
}

function knownScope(owner: string, server: TokenSource, required: Scope): Scope {
  // what scopes a server in another process has is not known here
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

/** No token would ever pass. */
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
    // a registered client: anybody can publish a document
    return whenReady(server.storage.clients.find(clientId), (client) => {
      if (!client || client.disabled || isBeingDeleted(client)) return missingToken()
      return { accessToken: Object.freeze({ clientId, scope: Object.freeze([]) }), user: undefined }
    })
  }
}
