/** Nonces for DPoP proofs (RFC 9449 §8 and §9), without storage: each is the HMAC of a time slot. */
import { fingerprint, sharedKey } from '../crypto'
import { requireFlags, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'

/** The option `nonce` of `dpop()`. */
export interface DpopNonceOptions {
  /** At least 32 characters, from your configuration: the same in every process. */
  secret: string
  /**
   * Whether to refuse proofs without a nonce. With `false` clients receive nonces but need not use them, for a
   * transition. RFC 9449 §11.3 says to refuse a proof without a nonce from a client that received one.
   * @default true
   */
  required?: boolean
}

/** Seconds of one slot. A nonce is accepted in its own slot and the next one. */
const SLOT = 120
const LEAST_SECRET = 32

export interface Nonces {
  readonly required: boolean
  /** The current nonce. */
  readonly current: (now: number) => string
  /** Whether it is the nonce of this slot or the previous one. */
  readonly isAccepted: (nonce: unknown, now: number) => boolean
}

/** Checks the option. Undefined if it is off. */
export function noncesOf(option: false | DpopNonceOptions): Nonces | undefined {
  if (option === false) return undefined
  if (typeof option !== 'object' || option === null)
    throw misuse('wrong_choice', 'dpop({ nonce }) must be false or { secret }')
  requireKnown('dpop nonce option', option, ['secret', 'required'])
  const { secret, required = true } = option
  requireFlags('dpop({ nonce })', { required })
  if (typeof secret !== 'string' || secret.length < LEAST_SECRET) {
    throw misuse('weak_secret', `dpop({ nonce: { secret } }) must have at least ${LEAST_SECRET} random characters`)
  }
  const key = sharedKey(secret)
  const nonceOf = (slot: number) => fingerprint(key, ['dpop nonce', String(slot)])
  const slotAt = (now: number) => Math.floor(now / SLOT)
  return {
    required,
    current: (now) => nonceOf(slotAt(now)),
    // not a secret, so the comparison need not be constant-time
    isAccepted: (nonce, now) => nonce === nonceOf(slotAt(now)) || nonce === nonceOf(slotAt(now) - 1),
  }
}
