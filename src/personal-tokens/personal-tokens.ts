/**
 * `personalTokens()`: access tokens that users make for their own scripts, beside those of every other form. A guard finds one
 * by its row, as an opaque token, and notes when it was used.
 */
import { whenReady } from '../awaitable'
import { authorizationOf, findCredential, hasSecret } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { toOAuthError } from '../errors'
import { verifiedFormat } from '../host/start-up'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { Credential, Grant } from '../storage'
import { opaque } from '../tokens/access-token'
import { grantOf } from '../tokens/issue'
import type { AccessTokenFormat } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import { partsOf, syntaxOf } from './text'

/** Options of `personalTokens`. */
export interface PersonalTokensOptions {
  /**
   * What each personal token begins with, by which people and secret scanners know it as yours: 3 to 24 letters, digits
   * and underscores, such as `'acme_pat_'`.
   */
  prefix: string
  /** The form of all other access tokens: `opaque()` or `jwt()`. @default opaque({ ttl: 3600 }) */
  format?: AccessTokenFormat
}

/** Seconds between two writes of when a token was used last. */
const PACE = 3600

/**
 * Personal access tokens beside all others, for the option `accessTokens`. `issuePersonalToken` makes them, and no
 * request of a client does. Each has a row, also where the others are stateless, so that its revocation holds at once
 * at `bearerGuard(server)` and at introspection.
 *
 * @throws TypeError for an option that is wrong, naming it and the fix.
 */
export function personalTokens(options: PersonalTokensOptions): AccessTokenFormat {
  requireNoMore('personalTokens', arguments, 1)
  requireKnown('personalTokens option', options ?? null, ['prefix', 'format'], ['prefix'])
  const { prefix, format = opaque() } = options
  if (typeof prefix !== 'string' || !/^(?=.{3,24}$)[A-Za-z][A-Za-z0-9_]*_$/.test(prefix)) {
    const rule = '3 to 24 letters, digits and underscores, with a letter first and an underscore last'
    throw misuse('wrong_text', `personalTokens({ prefix }) must be ${rule}, such as 'acme_pat_'`)
  }
  verifiedFormat(format)
  const syntax = syntaxOf(prefix)
  return Object.freeze({
    ...format,
    personalTokenPrefix: prefix,
    locate(server, token) {
      if (!syntax.test(token)) return format.locate(server, token)
      const parts = partsOf(prefix, token)
      if (!parts) return undefined
      const { grantId, secret } = parts
      return whenReady(findPersonalToken(server, grantId), (row) => {
        if (!row || !hasSecret(row, secret)) return undefined
        const located = { id: row.id, secret, row }
        return isUseDue(server, row) ? { ...located, used: () => void noteUse(server, row) } : located
      })
    },
  } satisfies AccessTokenFormat)
}

/** What a row says of a personal token beside what it is bound to. */
export interface PersonalData {
  readonly name: string
  /** When it was used last, but for the last hour. Seconds. */
  readonly lastUsedAt?: number
}

export function findPersonalToken(server: AuthorizationServer, grantId: string) {
  return findCredential(server, lookupId(grantId, lookupSuffix.personal_token), 'personal_token')
}

export function personalDataOf({ data }: Pick<Credential | Grant, 'data'>): PersonalData {
  return data.personalToken as PersonalData
}

/** The grant of a personal token, which lists show. */
export function personalGrantOf(row: Credential): Grant {
  const grant = grantOf(authorizationOf(row), [row])
  return { ...grant, data: { ...grant.data, personalToken: personalDataOf(row) } }
}

function isUseDue(server: AuthorizationServer, row: Credential): boolean {
  const { lastUsedAt } = personalDataOf(row)
  return lastUsedAt === undefined || server.now() >= lastUsedAt + PACE
}

/**
 * Writes down that a token was used. Of many requests at once, in whatever process, one does: the state that they all read
 * changes with it. A token that was revoked meanwhile stays so. A failure is an event: the request has its answer.
 */
async function noteUse(server: AuthorizationServer, row: Credential): Promise<void> {
  try {
    const lastUsedAt = server.now()
    const data = { ...row.data, personalToken: { ...personalDataOf(row), lastUsedAt } }
    const next = { ...row, state: `used.${lastUsedAt}`, data }
    await server.storage.grants.transition(row.id, row.state, next, [], personalGrantOf(next))
  } catch (error) {
    server.emit({ type: 'error', error: toOAuthError(error) })
  }
}
