/**
 * `personalTokens()`: access tokens that users create for their own scripts, beside those of another format. The guard
 * finds one by its row, like an opaque token, and records when it was used.
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
   * The prefix of every personal access token, by which people and secret scanners recognise it: 3 to 24 letters,
   * digits and underscores, such as `'acme_pat_'`.
   */
  prefix: string
  /** The format of all other access tokens: `opaque()` or `jwt()`. @default opaque({ ttl: 3600 }) */
  format?: AccessTokenFormat
}

/** Seconds between two writes of the last use of a token. */
const PACE = 3600

/**
 * Adds personal access tokens, for the option `accessTokens`. Only `issuePersonalToken` creates them, never a request
 * of a client. Each has a row, even if other tokens are stateless, so that a revocation takes effect at once at
 * `bearerGuard(server)` and at introspection.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
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

/** The data of a personal token's row, beside what it is bound to. */
export interface PersonalData {
  readonly name: string
  /** When it was last used, accurate to one hour. Seconds. */
  readonly lastUsedAt?: number
}

export function findPersonalToken(server: AuthorizationServer, grantId: string) {
  return findCredential(server, lookupId(grantId, lookupSuffix.personal_token), 'personal_token')
}

export function personalDataOf({ data }: Pick<Credential | Grant, 'data'>): PersonalData {
  return data.personalToken as PersonalData
}

/** The grant of a personal token, for lists. */
export function personalGrantOf(row: Credential): Grant {
  const grant = grantOf(authorizationOf(row), [row])
  return { ...grant, data: { ...grant.data, personalToken: personalDataOf(row) } }
}

function isUseDue(server: AuthorizationServer, row: Credential): boolean {
  const { lastUsedAt } = personalDataOf(row)
  return lastUsedAt === undefined || server.now() >= lastUsedAt + PACE
}

/**
 * Records that a token was used. Of many concurrent requests, in any process, one succeeds, because all read the same
 * state. A token that was revoked meanwhile stays revoked. A failure is an event, because the response is already sent.
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
