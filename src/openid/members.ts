/** What client records say of OpenID Connect: rows of the table of members (OpenID Connect Dynamic Client Registration §2). */
import { flag, invalid, list, text } from '../clients/member-checks'
import { isPublicUrl } from '../fetch/public-address'
import type { KeyRing } from '../jwt/key-ring'
import { redirectUriProblem } from '../rules/redirect-uri'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'

const seconds = {
  words: 'a whole number of seconds, at least 0',
  is: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
}

/** The rows that `openid()` brings along. `ring` has the keys of the moment. */
export function openIdMembers(ring: () => KeyRing, withLoopback: boolean): readonly ClientMember[] {
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
    ...logoutMembers(withLoopback),
  ]
}

/** RP-Initiated Logout 1.0 §3.1, Back-Channel Logout 1.0 §2.2. */
function logoutMembers(withLoopback: boolean): readonly ClientMember[] {
  return [
    {
      name: 'postLogoutRedirectUris',
      wire: 'post_logout_redirect_uris',
      type: list,
      setBy: 'self',
      check: postLogoutUris,
    },
    {
      name: 'backchannelLogoutUri',
      wire: 'backchannel_logout_uri',
      type: text,
      setBy: 'self',
      // this server sends requests there
      check: (member, value) => publicUrl(member, value, withLoopback),
    },
    {
      name: 'backchannelLogoutSessionRequired',
      wire: 'backchannel_logout_session_required',
      type: flag,
      setBy: 'self',
    },
  ]
}

const MAX_URIS = 100

/** As redirect URIs; http beyond loopback only on a host that a redirect URI of this record has, which the server allows. */
function postLogoutUris(member: string, value: unknown, { redirectUris = [] }: ClientMetadata): readonly string[] {
  const uris = value as readonly string[]
  if (uris.length > MAX_URIS) throw invalid(`${member} must have at most ${MAX_URIS} entries`)
  const origins = redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).origin)
  for (const [at, uri] of uris.entries()) {
    const allowHttp = URL.canParse(uri) && origins.includes(new URL(uri).origin)
    const problem = redirectUriProblem(uri, { allowHttp, needsDot: () => undefined })
    if (problem !== undefined) throw invalid(`${member}[${at}] ${problem}`)
  }
  return [...new Set(uris)]
}

/** An empty string removes the member. */
function publicUrl(member: string, value: unknown, withLoopback: boolean): unknown {
  if (value === '') return undefined
  if (isPublicUrl(value as string, withLoopback)) return value
  throw invalid(`${member} must be an https URL of a public host`)
}
