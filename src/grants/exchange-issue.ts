/**
 * The result of a token exchange (RFC 8693 §2.2): an access token within the grant of the subject token, or with its
 * own grant.
 */
import { EXCHANGED } from '../credentials/kinds'
import { isDerived, lookupId, newSession, sessionOf } from '../credentials/split-token'
import { newGrantId } from '../crypto'
import { OAuthError } from '../errors'
import { type Audience, audienceMember } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { Credential } from '../storage'
import { requireStanding } from '../tokens/code'
import { sessionBelow } from '../tokens/derived-session'
import { issue, prepareAccessToken, prepareTokens } from '../tokens/issue'
import type { PreparedTokens } from '../tokens/prepared'
import { ttlFor } from '../tokens/resource-limits'
import type { Actor, Authorization, RequestBinding } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { type PresentedToken, refusedExchange } from './exchange-party'

/** A permitted exchange. */
export interface Exchanged {
  readonly subject: PresentedToken
  readonly actor?: Actor
  readonly scope: Scope
  readonly audience: Audience
  /** The type of the new token (RFC 8693 §3). */
  readonly issuedType: string
  readonly refreshToken: boolean
  /** The latest expiry of the new token. Seconds. */
  readonly until: number
}

type Bound = Authorization & Pick<RequestBinding, 'subject'>

/** Issues the token and emits its events. No token is used up. */
export async function issueExchanged(
  server: AuthorizationServer,
  request: TokenRequest,
  exchanged: Exchanged,
): Promise<TokenResponse> {
  const { clientId } = request.client
  const { subject, actor, scope, audience, issuedType, until } = exchanged
  // `allow` may take its time
  if (until <= server.now()) throw refusedExchange(server, clientId, 'The subject_token or actor_token has expired.')
  const { userId, clientId: subjectClientId } = subject.party
  const exchange = actor ? 'delegation' : 'impersonation'
  const authorization: Authorization = {
    clientId,
    ...(userId !== undefined && { userId }),
    scope,
    startedAt: subject.startedAt,
    ...audienceMember(audience),
    ...(actor && { actor }),
    exchange,
  }
  const { row } = subject
  const tokens = row
    ? await belowGrant(server, request, authorization, exchanged, row)
    : await ofOwnGrant(server, request, authorization, exchanged)
  tokens.body.issued_token_type = issuedType
  const after = row ? undefined : () => requireUnrevoked(server, authorization, tokens)
  const response = (await issue(server, request, tokens, undefined, after && { after })) as TokenResponse
  const { grantId } = tokens.authorization
  server.emit({
    type: 'token.exchanged',
    exchange,
    clientId,
    ...(userId !== undefined && { userId }),
    ...(grantId !== undefined && { grantId }),
    scope,
    ...(actor && { actor }),
    ...(subjectClientId !== undefined && { subjectClientId }),
  })
  return response
}

/** Within the grant of the subject token: revoking that grant also ends the new token. */
async function belowGrant(
  server: AuthorizationServer,
  request: TokenRequest,
  authorization: Authorization,
  { subject: { party }, refreshToken, until }: Exchanged,
  row: Credential,
): Promise<PreparedTokens> {
  const { grantId } = row
  const { confirmation } = request
  if (refreshToken && grantId !== undefined && !isDerived(row.id)) {
    const source = sessionOf(row.id)
    const below = await sessionBelow(server, grantId, source, until)
    if (below.refreshable && Math.min(below.until, until) > server.now()) {
      const derived = { session: newSession(source), until: below.until }
      const options = { request, refreshToken, ttl: until - server.now(), derived }
      // what was bound stays bound: the refresh token too, if the subject token is bound
      const held = party.confirmation && confirmation && { confirmation }
      return prepareTokens(server, { ...authorization, ...held, grantId }, options)
    }
  }
  const { accessTokens, resourceLimits } = server
  const { stateless, ttl: most } = accessTokens
  const ofResource = resourceLimits ? ttlFor(resourceLimits, authorization.audience ?? []) : most
  const ttl = Math.min(request.client.accessTokenTtl ?? most, ofResource, most)
  const subject = stateless ? undefined : subjectRowOf(row)
  const bound: Bound = {
    ...authorization,
    ...(confirmation && { confirmation }),
    ...(grantId !== undefined && { grantId }),
    ...(subject !== undefined && { subject }),
  }
  const id = lookupId(grantId ?? newGrantId(), EXCHANGED, newSession(''))
  const issuedAt = server.now()
  const lifetime = { issuedAt, expiresAt: Math.min(issuedAt + ttl, until) }
  const { credential, body } = await prepareAccessToken(server, id, bound, lifetime)
  return { authorization: bound, body, credentials: stateless ? [] : [credential] }
}

/**
 * The row with which the new token ends. A session that began with an access token, and a client's own token, can end
 * without a grant. For a subject token that was exchanged itself, the first row of the chain.
 */
function subjectRowOf({ id, grantId, data }: Credential): string | undefined {
  const { subject } = data.bound as { subject?: string }
  const isExchanged = id.includes(`~${EXCHANGED}.`)
  return subject ?? (grantId === undefined || (isDerived(id) && !isExchanged) ? id : undefined)
}

/** A foreign subject begins a grant here, as with `jwtBearer()`. */
function ofOwnGrant(
  server: AuthorizationServer,
  request: TokenRequest,
  authorization: Authorization,
  { refreshToken, until }: Exchanged,
): Promise<PreparedTokens> {
  const ttl = until === Number.POSITIVE_INFINITY ? undefined : until - server.now()
  return prepareTokens(server, authorization, { request, refreshToken, ttl })
}

/** A revocation after the subject token was issued also covers the new token. */
async function requireUnrevoked(
  server: AuthorizationServer,
  authorization: Authorization,
  { credentials }: PreparedTokens,
): Promise<void> {
  const { clientId, userId = '' } = authorization
  await requireStanding(server, { authorization: { ...authorization, userId } }, credentials[0]).catch(
    (error: unknown) => {
      const isRevoked = error instanceof OAuthError && error.code === 'access_denied'
      if (!isRevoked) throw error
      throw refusedExchange(server, clientId, 'The user was revoked after the subject_token was made.')
    },
  )
}
