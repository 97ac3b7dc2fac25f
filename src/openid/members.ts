/** What client records say of OpenID Connect: rows of the table of members (OpenID Connect Dynamic Client Registration §2). */
import { flag, invalid, list, text } from '../clients/member-checks'
import type { KeyRing } from '../jwt/key-ring'
import type { ClientMember } from '../types/capability'

const seconds = {
  words: 'a whole number of seconds, at least 0',
  is: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
}

/** The rows that `openid()` brings along. `ring` has the keys of the moment. */
export function openIdMembers(ring: () => KeyRing): readonly ClientMember[] {
  // §2: `none` is no algorithm here, for it would prove nothing
  const algorithm = (member: string, value: unknown) => {
    if (value === '') return undefined
    const known = [...ring().signers.keys()]
    if (known.includes(value as string)) return value
    throw invalid(`${member} must be one of ${known.join(', ')}`)
  }
  return [
    {
      name: 'idTokenSignedResponseAlg',
      wire: 'id_token_signed_response_alg',
      type: text,
      setBy: 'self',
      check: algorithm,
    },
    {
      name: 'userinfoSignedResponseAlg',
      wire: 'userinfo_signed_response_alg',
      type: text,
      setBy: 'self',
      check: algorithm,
    },
    { name: 'defaultMaxAge', wire: 'default_max_age', type: seconds, setBy: 'self' },
    { name: 'requireAuthTime', wire: 'require_auth_time', type: flag, setBy: 'self' },
    { name: 'defaultAcrValues', wire: 'default_acr_values', type: list, setBy: 'self' },
  ]
}
