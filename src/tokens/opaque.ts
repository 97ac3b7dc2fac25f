/** Opaque access tokens: `<lookup id>.<secret>`, looked up at each use, so that a revocation holds at once. */

import { parseSplitToken } from '../credentials/split-token'
import { newSecret } from '../crypto'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import type { AccessTokenFormat } from '../types/authorization-server'

/** Options of `opaque`. */
export interface OpaqueOptions {
  /** Lifetime of an access token in seconds. @default 3600 */
  ttl?: number
}

/**
 * Access tokens without a readable meaning: the default form.
 *
 * @throws TypeError when `ttl` is not a positive whole number.
 */
export function opaque(options: OpaqueOptions = {}): AccessTokenFormat {
  requireNoMore('opaque', arguments, 1)
  requireKnown('opaque option', options, ['ttl'])
  const { ttl = 3600 } = options
  requireSeconds('opaque({ ttl })', ttl)
  return Object.freeze({
    ttl,
    create(_server, { id }) {
      const secret = newSecret()
      return { token: tokenOf(id, secret), secret }
    },
    tokenOf,
    locate(_server, token) {
      return parseSplitToken(token)
    },
  } satisfies AccessTokenFormat)
}

function tokenOf(id: string, secret: string): string {
  return `${id}.${secret}`
}
