/** What an access token stands for, and the claims that say so: RFC 9068 §2.2. */

import { type AccessTokenClaims, audienceOf } from '../jwt/verify'
import { frozenList } from '../rules/frozen'
import type { AccessToken } from '../types/access-token'

/** What a token stands for. RFC 9068 §2.2: where no user is involved, `sub` is the client. */
export function accessTokenOf(claims: AccessTokenClaims): AccessToken {
  const { client_id: clientId, sub, scope = '', exp, aud } = claims
  return Object.freeze({
    clientId,
    ...(sub !== clientId && { userId: sub }),
    scope: Object.freeze(scope.split(' ').filter((token) => token !== '')),
    expiresAt: exp,
    audience: frozenList(audienceOf(aud)),
    claims,
  })
}
