/** Step-up authentication (RFC 9470): the sign-in that an API requires, and its challenge. */
import { OAuthError } from '../errors'
import { CLOCK_SKEW } from '../jwt/verify'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import type { AccessToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'

/** The required sign-in. */
export interface StepUp {
  /** The accepted authentication context classes, preferred first. Empty: any. */
  readonly acr: readonly string[]
  /** The maximum age of the sign-in. Seconds. */
  readonly maxAge: number | undefined
  /** The parameters of the challenge (RFC 9470 §3), as the header contains them. */
  readonly challenge: readonly string[]
  readonly now: () => number
}

/** The server of this process. For a remote server only the clock is known. */
type Issuer = Pick<AuthorizationServer, 'now'> & Partial<Pick<AuthorizationServer, 'storage' | 'openid'>>

/** Checks the options `acr` and `maxAge` of `owner`. Undefined if both are omitted. */
export function verifiedStepUp(
  owner: string,
  server: Issuer,
  { acr, maxAge }: { acr?: string | readonly string[]; maxAge?: number },
): StepUp | undefined {
  if (acr === undefined && maxAge === undefined) return undefined
  const named: unknown = typeof acr === 'string' ? acr.split(' ').filter((one) => one !== '') : (acr ?? [])
  const isName = (one: unknown) => typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)
  // an empty or undefined name would require nothing
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

/** Throws if no user could meet the requirement: the server has no `openid`, or not these classes. */
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
 * Returns the error if the sign-in does not meet the requirement (RFC 9470 §3). A token without sign-in data, as
 * without the scope `openid`, and a client's own token never meet it.
 */
export function missingSignIn({ acr, maxAge, now }: StepUp, token: AccessToken): OAuthError | undefined {
  const { acr: held, authTime } = token
  if (acr.length > 0 && (held === undefined || !acr.includes(held))) {
    return new OAuthError('insufficient_user_authentication', 'The user must sign in in another way.')
  }
  // a time in the future says nothing about the age
  const age = authTime === undefined ? Number.NaN : now() - authTime
  if (maxAge === undefined || (age <= maxAge && age >= -CLOCK_SKEW)) return undefined
  return new OAuthError('insufficient_user_authentication', 'The user signed in too long ago.')
}
