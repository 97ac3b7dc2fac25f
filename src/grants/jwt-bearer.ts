/**
 * `jwtBearer()`: exchanges an assertion of a foreign issuer for an access token (RFC 7523 §2.1), for example of an
 * enterprise's identity provider (draft-ietf-oauth-identity-assertion-authz-grant, "ID-JAG").
 */
import type { Awaitable } from '../awaitable'
import { useUp } from '../credentials/once'
import { OAuthError } from '../errors'
import { type KnownIssuer, type TrustedIssuer, trustedIssuers } from '../jwt/trusted-issuers'
import { type JwtKind, readJwt } from '../jwt/verify'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireParameter } from '../rules/params'
import { type Audience, audienceMember, resolveAudience, usableScope } from '../rules/resource'
import { intersectScope, resolveScope, type Scope, scopesOfClient } from '../rules/scope'
import { userIdFrom } from '../rules/subject'
import { requireStanding } from '../tokens/code'
import { issue, prepareTokens } from '../tokens/issue'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireUser } from '../users'
import { audienceCeiling, type ForeignClaims, isForeignClaims, plainJwt, problemOf, scopeCeiling } from './foreign-jwt'

/** Options of `jwtBearer`. */
export interface JwtBearerOptions {
  /**
   * The issuers whose assertions are accepted: `{ issuer, jwksUri }` or `{ issuer, keys }`, with `profile: 'id-jag'`
   * for an enterprise's identity provider. Each issuer can sign in every user that `user` finds for it.
   */
  issuers: readonly TrustedIssuer[]
  /**
   * Returns the id of the user of an assertion, or an object with an `id`; undefined or null refuses. A `sub` is unique
   * only for its issuer: look up both together. A thrown error refuses.
   */
  user: (subject: {
    issuer: string
    sub: string
    claims: Readonly<Record<string, unknown>>
    clientId: string
  }) => Awaitable<unknown>
}

/** RFC 7523 §2.1. */
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** The longest lifetime of an assertion. Seconds. Longer ones would be worth stealing. */
const LONGEST_LIFE = 3600

const idJag: JwtKind<ForeignClaims> = { type: 'oauth-id-jag+jwt', isClaims: isForeignClaims }

/**
 * The JWT bearer grant (RFC 7523 §2.1): a trusted issuer identifies the user, who is not asked. It issues no refresh
 * token: the client asks the issuer again.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function jwtBearer(options: JwtBearerOptions): GrantType {
  requireNoMore('jwtBearer', arguments, 1)
  requireKnown('jwtBearer option', options, ['issuers', 'user'], ['issuers', 'user'])
  const { issuers, user } = options ?? {}
  const known = trustedIssuers('jwtBearer', issuers)
  if (typeof user !== 'function') {
    throw misuse('not_a_function', 'jwtBearer({ user }) must be a function: ({ issuer, sub }) => user id or undefined')
  }
  const hasIdJag = [...known.values()].some(({ profile }) => profile === 'id-jag')
  return Object.freeze({
    grantType: GRANT,
    handle: (server, request) => exchange(server, request, known, user),
    // of the draft: clients look for this before they ask their identity provider
    ...(hasIdJag && {
      metadata: () => ({ authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] }),
    }),
  } satisfies GrantType)
}

async function exchange(
  server: AuthorizationServer,
  request: TokenRequest,
  issuers: ReadonlyMap<string, KnownIssuer>,
  findUser: JwtBearerOptions['user'],
): Promise<TokenResponse> {
  const { client, parameters } = request
  const assertion = requireParameter(parameters, 'assertion')
  const { clientId } = client
  const claims = await verifiedClaims(server, request, assertion, issuers)
  const { iss: issuer, sub } = claims
  const audience = audienceWithin(server, request, claims)
  const scope = usableScope(server.resourceLimits, audience, scopeWithin(server, request, scopeCeiling(claims)))
  const named = 'jwtBearer({ user })'
  const userId = userIdFrom(named, await server.inTime(named, findUser({ issuer, sub, claims, clientId })))
  if (userId === undefined) throw refused(server, clientId, 'The subject of the assertion is unknown.')
  await requireUser(server, userId, true)
  // a revocation after the assertion was issued also covers its tokens
  const startedAt = Math.min(request.startedAt, Math.floor(claims.iat as number))
  const authorization = { clientId, userId, scope, startedAt, ...audienceMember(audience) }
  const prepared = await prepareTokens(server, authorization, { request })
  const { grant } = prepared
  // the user was not asked: the consent page must not take this for approval
  const tokens = grant ? { ...prepared, grant: { ...grant, data: { ...grant.data, asserted: true } } } : prepared
  const once = { purpose: 'assertion', id: claims.jti as string, expiresAt: claims.exp as number }
  return (await issue(server, request, tokens, undefined, {
    // across processes, and last: RFC 7523 §3, item 7
    async before() {
      if (await useUp(server, issuer, [once])) throw refused(server, clientId, 'The assertion was used before.')
    },
    async after() {
      await requireStanding(server, { authorization }, tokens.credentials[0]).catch((error: unknown) => {
        const isRevoked = error instanceof OAuthError && error.code === 'access_denied'
        throw isRevoked ? refused(server, clientId, 'The user was revoked after the assertion was made.') : error
      })
    },
  })) as TokenResponse
}

/** Returns the claims of a valid assertion. */
async function verifiedClaims(
  server: AuthorizationServer,
  { client, authenticated }: TokenRequest,
  assertion: string,
  issuers: ReadonlyMap<string, KnownIssuer>,
): Promise<ForeignClaims> {
  const { clientId } = client
  const jag = readJwt(assertion, idJag)
  const read = jag ?? readJwt(assertion, plainJwt)
  const issuer = read && issuers.get(read.claims.iss)
  // a JWT of the other profile was made for another purpose, whoever signed it
  if (!issuer || (issuer.profile === 'id-jag') !== (jag !== undefined)) {
    throw refused(server, clientId, 'The assertion is not a JWT of a trusted issuer, or not of its type.')
  }
  const problem = problemOf(server, read, 'assertion', LONGEST_LIFE)
  if (problem !== undefined) throw refused(server, clientId, problem)
  const { jti } = read.claims
  if (typeof jti !== 'string' || jti === '') throw refused(server, clientId, 'The assertion must have a jti.')
  if (!(await issuer.hasSigned(server, assertion, read))) {
    throw refused(server, clientId, 'The signature of the assertion is wrong, or its key is unknown.')
  }
  if (jag) {
    // of the draft: only for an authenticated client that the identity provider knows
    if (!authenticated) throw new OAuthError('unauthorized_client', 'This grant requires client authentication.')
    if (read.claims.client_id !== clientId) {
      throw refused(server, clientId, 'The client_id of the assertion is another one.')
    }
  }
  return read.claims
}

/**
 * The requested scope, or the client's whole scope, limited by the assertion. Clients request all that an API has, and
 * learn from the response what their identity provider allows (RFC 6749 §3.3).
 */
function scopeWithin(
  server: AuthorizationServer,
  { client, parameters }: TokenRequest,
  ceiling: Scope | undefined,
): Scope {
  const asked = parameters.get('scope')
  if (ceiling === undefined) return resolveScope(server, client, asked)
  const limit = asked === undefined ? scopesOfClient(server.scopes, client) : resolveScope(server, client, asked)
  const narrowed = intersectScope(limit, ceiling)
  // without `scope` the response would mean the whole requested scope (RFC 6749 §5.1)
  if (narrowed.length > 0 || (asked === undefined && ceiling.length === 0)) return narrowed
  throw new OAuthError('invalid_scope', 'The assertion allows none of the requested scope.')
}

/** The same for the resources of the tokens (RFC 8707). */
function audienceWithin(
  server: AuthorizationServer,
  { client, parameters }: TokenRequest,
  claims: ForeignClaims,
): Audience {
  const asked = resolveAudience(server, client, parameters.get('resource'))
  const ceiling = audienceCeiling(server, client, claims)
  if (ceiling === undefined) return asked
  if (!parameters.has('resource')) return ceiling
  if (asked.every((one) => ceiling.includes(one))) return asked
  throw new OAuthError('invalid_target', 'The resource is not one of those in the assertion.')
}

function refused(server: AuthorizationServer, clientId: string, reason: string): OAuthError {
  server.emit({ type: 'assertion.refused', clientId, reason })
  return new OAuthError('invalid_grant', reason)
}
