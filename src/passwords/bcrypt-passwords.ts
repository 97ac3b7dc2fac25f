/** Users' passwords as bcrypt hashes: the usual `verify` of the password grant (RFC 6749 §4.3.2). */

import type { Awaitable } from '../awaitable'
import { requireNoMore } from '../options/known'
import { bcryptCost, compareSecret, spendAsMuch } from './bcrypt'
import { requirePlace } from './waiting'

/** What is needed of a user: more members do not matter, so a database row may be returned as it is. */
export interface BcryptUser {
  /** Becomes the `userId` of tokens, as a string. */
  id: string | number
  /** `$2a$`, `$2b$` or `$2y$`, cost 4 to 16. A user without one never signs in by password. */
  passwordHash: string | null | undefined
}

/** Options of `bcryptPasswords`. */
export interface BcryptPasswordsOptions {
  /**
   * The user of this name, as `{ id, passwordHash }`, or nothing. The name arrives exactly as it was typed: whether case
   * and Unicode forms matter is for you to decide. Users who may not sign in are left out. Whatever it
   * throws is `server_error`, and no token.
   */
  findByUsername(username: string): Awaitable<BcryptUser | null | undefined>
}

/**
 * Verifies users' passwords against bcrypt hashes, off the event loop: `password({ verify: bcryptPasswords({ … }) })`.
 *
 * Answers the user's id as a string, or undefined, which the grant turns into `invalid_grant` (RFC 6749 §5.2). An
 * unknown user takes as long as a wrong password, so that nobody can ask which accounts exist: as long as the cost of
 * the hash seen last, before the first one as long as cost 10. Passwords over 72 bytes in UTF-8 are refused, because
 * bcrypt ignores the rest of them; a NUL character is, too.
 *
 * @throws TypeError at start-up, where `findByUsername` is missing. The function that it returns rejects with
 * OAuthError `temporarily_unavailable` (503, `Retry-After`) while too many are waiting.
 */
export function bcryptPasswords(options: BcryptPasswordsOptions): ((
  username: string,
  password: string,
  from?: { network?: string },
) => Promise<string | undefined>) & {
  /** Throws while there is no place for that network, before an attempt is counted. */
  requirePlace: (from?: { network?: string }) => void
} {
  requireNoMore('bcryptPasswords', arguments, 1)
  if (typeof options?.findByUsername !== 'function') {
    throw new TypeError('bcryptPasswords: findByUsername must be a function that returns { id, passwordHash }')
  }
  let costSeen: number | undefined

  const verify = async (username: string, password: string, { network = '' } = {}) => {
    const user = await options.findByUsername(username)
    const cost = bcryptCost(user?.passwordHash)
    if (!user?.passwordHash || cost === undefined) {
      await spendAsMuch(password, costSeen, network)
      return undefined
    }
    costSeen = cost
    return (await compareSecret(password, user.passwordHash, network)) ? userId(user) : undefined
  }
  return Object.assign(verify, { requirePlace })
}

/** The id as a string. Anything else than the documented types would make one user, `undefined`, of many. */
function userId({ id }: BcryptUser): string {
  if ((typeof id === 'string' && id !== '') || Number.isSafeInteger(id)) return String(id)
  throw new TypeError('bcryptPasswords: findByUsername must return a user whose id is an integer or a non-empty string')
}
