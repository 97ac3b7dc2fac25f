/** Step-up (RFC 9470): what an API asks of the sign-in behind a token, and how a challenge says so. */
import { OAuthError } from '../errors'
import { CLOCK_SKEW } from '../jwt/verify'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import type { AccessToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'

/** How the user must have signed in. */
export interface StepUp {
  /** The authentication context classes of which it must have one, best first. Empty: any will do. */
  readonly acr: readonly string[]
  /** Seconds since then, at most. */
  readonly maxAge: number | undefined
  /** The parameters of the challenge (RFC 9470 §3), as they stand in the header. */
  readonly challenge: readonly string[]
  readonly now: () => number
}

/** The server of this process; of one in another nothing is known but what its tokens say. */
type Issuer = Pick<AuthorizationServer, 'now'> & Partial<Pick<AuthorizationServer, 'storage' | 'openid'>>

/** The options `acr` and `maxAge` of `owner`, checked; undefined where it has neither. */
export function verifiedStepUp(
  owner: string,
  server: Issuer,
  { acr, maxAge }: { acr?: string | readonly string[]; maxAge?: number },
): StepUp | undefined {
  if (acr === undefined && maxAge === undefined) return undefined
  const named: unknown = typeof acr === 'string' ? acr.split(' ').filter((one) => one !== '') : (acr ?? [])
  const isName = (one: unknown) => typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)
  // a name that is not set would be no demand
  if (!Array.isArray(named) || !named.every(isName) || (acr !== undefined && named.length === 0)) {
    throw misuse(
      'wrong_list',
      `${owner}'s acr must name authentication context classes, such as 'mfa' or ['mfa', 'hwk']`,
    )
  }
  if (maxAge !== undefined) requireSeconds(`${owner}'s maxAge`, maxAge, Number.MAX_SAFE_INTEGER, 0)
  verifyKnown(owner, server, named)
  return {
    acr: Object.freeze([...named]),
    maxAge,
    challenge: [
      ...(named.length > 0 ? [`acr_values="${named.join(' ')}"`] : []),
      ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
    ],
    now: server.now,
  }
}

/** Throws where no user could ever be let in: nothing here says how they sign in, or none signs in so. */
function verifyKnown(owner: string, { storage, openid }: Issuer, named: readonly string[]): void {
  if (!storage) return
  if (!openid) {
    const fix = 'openid: openid({ keys, authentication, acrValues }) says how users sign in'
    throw misuse('missing_capability', `${owner}'s acr and maxAge need the option openid of the server: ${fix}`)
  }
  const unknown = named.find((one) => !openid.acrValues.includes(one))
  if (unknown === undefined) return
  throw misuse(
    'unknown_to_server',
    `${owner}'s acr ${unknown} is not in openid({ acrValues }): ${openid.acrValues.join(', ')}`,
  )
}

/**
 * What the sign-in behind a token lacks (RFC 9470 §3). A token that says nothing of it, as without the scope `openid`, and
 * that of a client itself, has none.
 */
export function missingSignIn({ acr, maxAge, now }: StepUp, token: AccessToken): OAuthError | undefined {
  const { acr: held, authTime } = token
  if (acr.length > 0 && (held === undefined || !acr.includes(held))) {
    return new OAuthError('insufficient_user_authentication', 'The user must sign in in another way.')
  }
  // a time that is still to come says nothing of how long ago it was
  const age = authTime === undefined ? Number.NaN : now() - authTime
  if (maxAge === undefined || (age <= maxAge && age >= -CLOCK_SKEW)) return undefined
  return new OAuthError('insufficient_user_authentication', 'The user signed in too long ago.')
}
