/** Functions for hosts to issue, list and revoke personal access tokens. No endpoint does this. */
import { isWrittenByOthers, requireClient } from '../clients/client'
import { shownName } from '../clients/member-checks'
import { credentialOf, hasSecret, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { unshowable } from '../rules/keepable'
import { type Audience, audienceMember, resolveAudience, resourceParameter } from '../rules/resource'
import { resolveScope, type Scope, scopeParameter } from '../rules/scope'
import { filterBy, requireId } from '../rules/subject'
import { requireBound } from '../sender-constraints/bound-keys'
import type { Client, Credential } from '../storage'
import { allPages } from '../storage/paging'
import { store } from '../tokens/issue'
import { ttlFor } from '../tokens/resource-limits'
import { revoke } from '../tokens/revocation'
import type { AuthorizationServer } from '../types/authorization-server'
import { requireUser } from '../users'
import { describe, type PersonalToken } from './listed'
import { findPersonalToken, personalDataOf, personalGrantOf } from './personal-tokens'
import { isPersonalId, newParts, partsOf, syntaxOf, textOf } from './text'

/** Options of `issuePersonalToken`. */
export interface IssuePersonalTokenOptions {
  /** The client for personal access tokens: registered by your own code, without an owner. */
  clientId: string
  /** The id of the user who creates the token, and for whom it acts. */
  userId: string | number
  /** The name that the user gives it: at most 60 characters, with at least one letter or digit. */
  name: string
  /** The scope: `'read write'` or a list. The client must be allowed all of it. @default the client's default scope */
  scope?: string | Scope | undefined
  /** The resources of the token (RFC 8707), from the `resources` of the server. @default the server's default */
  resource?: string | readonly string[] | undefined
  /** Lifetime in seconds. */
  expiresIn: number
}

const optionNames: readonly string[] = [
  'clientId',
  'userId',
  'name',
  'scope',
  'resource',
  'expiresIn',
] satisfies (keyof IssuePersonalTokenOptions)[]

/**
 * Issues a personal access token for a user whom the host has authenticated. Show `token` to that user once: storage
 * has only its digest. Call it behind your session and never behind a guard: a token must not create another one.
 *
 * @throws TypeError for a wrong option, and an `OAuthError` for an invalid name, scope, resource, client or user.
 */
export async function issuePersonalToken(
  server: AuthorizationServer,
  options: IssuePersonalTokenOptions,
): Promise<PersonalToken & { readonly token: string }> {
  requireNoMore('issuePersonalToken', arguments, 2)
  requireServer(server)
  requireKnown('issuePersonalToken option', options ?? null, optionNames, optionNames)
  const prefix = prefixOf('issuePersonalToken', server)
  const { clientId, scope, resource, expiresIn } = options
  const userId = requireId('issuePersonalToken: userId', options.userId)
  requireSeconds('issuePersonalToken: expiresIn', expiresIn)
  const name = verifiedName(options.name)
  const issuedAt = server.now()
  const client = verifiedClient(server, await requireClient(server, clientId))
  const audience = resolveAudience(server, client, resourceParameter(resource))
  verifyLifetime(server, audience, expiresIn)
  const granted = resolveScope(server, client, scopeParameter(scope), audience)
  await requireUser(server, userId, true)
  const parts = newParts()
  const { grantId, secret } = parts
  const authorization = { clientId, userId, grantId, scope: granted, startedAt: issuedAt, ...audienceMember(audience) }
  const row = credentialOf(
    { id: lookupId(grantId, lookupSuffix.personal_token), kind: 'personal_token', secret, state: 'issued' },
    authorization,
    { issuedAt, expiresAt: issuedAt + expiresIn },
    undefined,
    { personalToken: { name } },
  )
  const grant = personalGrantOf(row)
  await store(server, [row], grant)
  // a revocation in this second may cover it: do not show a dead token
  if (!(await findPersonalToken(server, grantId))) {
    throw new OAuthError('access_denied', 'The user or client was revoked a moment ago. Try again.')
  }
  server.emit({ type: 'token.issued', grantType: 'personal_token', clientId, userId, grantId, scope: granted })
  return { ...describe(grant), token: textOf(prefix, parts) }
}

/**
 * Returns the live personal access tokens of a user, of a client, or of a user at one client. The newest is first.
 *
 * @throws TypeError for a member that is not an id, so that an unknown user never lists the tokens of all users.
 */
export async function listPersonalTokens(
  server: AuthorizationServer,
  query: { userId?: string | number; clientId?: string },
): Promise<PersonalToken[]> {
  requireNoMore('listPersonalTokens', arguments, 2)
  requireServer(server)
  const filter = filterBy('listPersonalTokens', query ?? null, ['userId', 'clientId'])
  if (Object.keys(filter).length === 0)
    throw misuse('missing_option', 'listPersonalTokens needs { userId }, { clientId } or both')
  const grants = await allPages(
    (page) => server.storage.grants.list({ ...filter, ...page }),
    (grant) => grant.id,
  )
  const tokens = grants.filter((grant) => personalDataOf(grant) !== undefined && !isExpired(server, grant))
  return tokens.map(describe).sort((a, b) => b.createdAt - a.createdAt)
}

/**
 * Revokes a personal access token: by the `id` and user, or by the token itself, as a secret scanner reports it. The
 * token is dead when this returns. Returns false if it does not exist or belongs to another user.
 *
 * @throws TypeError for another target.
 */
export async function revokePersonalToken(
  server: AuthorizationServer,
  target: { userId: string | number; id: string } | { token: string },
): Promise<boolean> {
  requireNoMore('revokePersonalToken', arguments, 2)
  requireServer(server)
  const prefix = prefixOf('revokePersonalToken', server)
  const names = ['userId', 'id', 'token']
  requireKnown('revokePersonalToken member', target ?? null, names, names)
  const row = await ('token' in target ? findByText(server, prefix, target) : findOfUser(server, target))
  if (!row) return false
  await revoke(server, { grantId: row.grantId as string })
  return true
}

async function findOfUser(
  server: AuthorizationServer,
  target: { userId: string | number; id: string },
): Promise<Credential | undefined> {
  const userId = requireId('revokePersonalToken: userId', target.userId)
  const id = requireId('revokePersonalToken: id', target.id)
  const row = isPersonalId(id) ? await findPersonalToken(server, id) : undefined
  return row?.userId === userId ? row : undefined
}

async function findByText(
  server: AuthorizationServer,
  prefix: string,
  target: { token: string },
): Promise<Credential | undefined> {
  const { token } = target
  if ('userId' in target || 'id' in target || typeof token !== 'string') {
    throw misuse('conflicting_options', 'revokePersonalToken needs either { userId, id } or { token }, a string')
  }
  const parts = syntaxOf(prefix).test(token) ? partsOf(prefix, token) : undefined
  const row = parts && (await findPersonalToken(server, parts.grantId))
  return row && hasSecret(row, parts.secret) ? row : undefined
}

function prefixOf(operation: string, { accessTokens }: AuthorizationServer): string {
  const { personalTokenPrefix } = accessTokens
  if (personalTokenPrefix !== undefined) return personalTokenPrefix
  throw misuse(
    'missing_capability',
    `${operation} needs accessTokens: personalTokens({ prefix }) in the options of the server`,
  )
}

function verifiedName(given: unknown): string {
  const isLabel = typeof given === 'string' && !unshowable.test(given) && given.isWellFormed()
  const name = isLabel ? shownName(given) : undefined
  if (name !== undefined) return name
  const rule = 'at most 60 characters, one of them a letter or digit, and none of them invisible'
  throw new OAuthError('invalid_request', `The name of a personal token must have ${rule}.`)
}

/** A user-chosen lifetime must not exceed the limits of its API. */
function verifyLifetime({ resourceLimits }: AuthorizationServer, audience: Audience, expiresIn: number): void {
  const most = resourceLimits ? ttlFor(resourceLimits, audience) : expiresIn
  if (expiresIn <= most) return
  throw new OAuthError('invalid_request', `A token for this resource lives for at most ${most} seconds.`)
}

/**
 * The client must have no owner, and must not have registered itself: others could change its record or introspect with
 * it.
 */
function verifiedClient(server: AuthorizationServer, client: Client): Client {
  if (isWrittenByOthers(client)) {
    throw new OAuthError('unauthorized_client', 'Personal tokens need a client that the host has registered for them.')
  }
  // also here, where no proof is possible
  requireBound(server, client)
  return client
}
