/** Users' passwords as bcrypt hashes: the usual `verify` of the password grant (RFC 6749 §4.3.2). */

import type { Awaitable } from '../awaitable'
import { deadline } from '../deadline'
import { requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { bcryptCost, compareSecret, spendAsMuch } from './bcrypt'
import { requirePlace } from './waiting'

/** The required members of a user. A database row may have more. */
export interface BcryptUser {
  /** Becomes the `userId` of tokens, as a string. */
  id: string | number
  /** A hash with `$2a$`, `$2b$` or `$2y$` and cost 4 to 16. A user without a hash cannot sign in by password. */
  passwordHash: string | null | undefined
}

/** Options of `bcryptPasswords`. */
export interface BcryptPasswordsOptions {
  /**
   * Returns the user with this name, as `{ id, passwordHash }`; undefined or null for an unknown name. The name arrives
   * exactly as typed: you decide whether case and Unicode forms matter. Return nothing for users who may not sign in. A
   * thrown error, or no result within 5 seconds, gives `server_error` and no token.
   */
  findByUsername(username: string): Awaitable<BcryptUser | null | undefined>
}

/**
 * Verifies users' passwords against bcrypt hashes, off the event loop: `password({ verify: bcryptPasswords({ … }) })`.
 * Returns the user's id as a string, or undefined, which the grant turns into `invalid_grant` (RFC 6749 §5.2). An
 * unknown user takes as long as a wrong password, so that the time does not reveal accounts: it has the cost of the
 * last hash seen, or 10. Passwords over 72 bytes in UTF-8 are refused, because bcrypt ignores the rest. A NUL character
 * is refused too.
 *
 * @throws TypeError at start-up if `findByUsername` is missing. The returned function rejects with OAuthError
 * `temporarily_unavailable` (503, `Retry-After`) while too many are waiting.
 */
export function bcryptPasswords(options: BcryptPasswordsOptions): ((
  username: string,
  password: string,
  from?: { network?: string },
) => Promise<string | undefined>) & {
  /** Throws while this network has no place in the queue, before an attempt is counted. */
  requirePlace: (from?: { network?: string }) => void
} {
  requireNoMore('bcryptPasswords', arguments, 1)
  if (typeof options?.findByUsername !== 'function') {
    throw misuse(
      'not_a_function',
      'bcryptPasswords: findByUsername must be a function that returns { id, passwordHash }',
    )
  }
  const inTime = deadline()
  let costSeen: number | undefined

  const verify = async (username: string, password: string, { network = '' } = {}) => {
    const user = await inTime('bcryptPasswords({ findByUsername })', options.findByUsername(username))
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

/** The id as a string. Another type would turn many users into one, `undefined`. */
function userId({ id }: BcryptUser): string {
  if ((typeof id === 'string' && id !== '') || Number.isSafeInteger(id)) return String(id)
  throw misuse(
    'wrong_user',
    'bcryptPasswords: findByUsername must return a user whose id is an integer or a non-empty string',
  )
}
