/** The client metadata members of OpenID Connect (OpenID Connect Dynamic Client Registration §2). */
import { flag, invalid, list, text } from '../clients/member-checks'
import { isPublicUrl, isThisMachine } from '../fetch/public-address'
import type { KeyRing } from '../jwt/key-ring'
import { redirectUriProblem } from '../rules/redirect-uri'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'

const seconds = {
  words: 'a whole number of seconds, at least 0',
  is: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
}

/** The members that `openid()` adds. `ring` has the current keys. */
export function openIdMembers(
  ring: () => KeyRing,
  subjectType: 'public' | 'pairwise',
  withLoopback: boolean,
): readonly ClientMember[] {
  // §2: `none` is not accepted, because it proves nothing
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
    ...describingMembers(subjectType, withLoopback),
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
      // the server sends requests to this URL
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

/** OpenID Connect Dynamic Client Registration §2: the client's type, and its pages. */
function describingMembers(subjectType: string, withLoopback: boolean): readonly ClientMember[] {
  // nothing is fetched from these pages: an app under development has them on loopback
  const page = (name: string, wire: string): ClientMember => ({
    ...{ name, wire, type: text, setBy: 'self' },
    check: (member, value) => publicUrl(member, value, true),
  })
  return [
    { name: 'applicationType', wire: 'application_type', type: text, setBy: 'self', check: applicationType },
    {
      name: 'subjectType',
      wire: 'subject_type',
      type: text,
      setBy: 'self',
      check(member, value) {
        // a client that could choose the other type would bypass `pairwise`
        if (value === '' || value === subjectType) return value || undefined
        throw invalid(`${member} must be ${subjectType}, as that of every client here`)
      },
    },
    {
      name: 'sectorIdentifierUri',
      wire: 'sector_identifier_uri',
      type: text,
      setBy: 'self',
      check: (member, value) => publicUrl(member, value, withLoopback),
    },
    {
      name: 'initiateLoginUri',
      wire: 'initiate_login_uri',
      type: text,
      setBy: 'self',
      check: (member, value) => publicUrl(member, value, withLoopback),
    },
    { name: 'contacts', wire: 'contacts', type: list, setBy: 'self', check: contacts },
    page('clientUri', 'client_uri'),
    page('logoUri', 'logo_uri'),
    page('policyUri', 'policy_uri'),
    page('tosUri', 'tos_uri'),
  ]
}

/**
 * §2, for requests that name it: a web app with the implicit grant needs https and no `localhost`; a native app may use
 * http only on loopback. An https URI that an app claimed is native too (RFC 8252 §7.2).
 */
function applicationType(
  member: string,
  value: unknown,
  { redirectUris = [], grantTypes = [] }: ClientMetadata,
): unknown {
  if (value === '') return undefined
  const urls = redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri))
  if (value === 'web') {
    const isWeb = urls.every(({ protocol, hostname }) => protocol === 'https:' && hostname !== 'localhost')
    if (isWeb || !grantTypes.includes('implicit')) return value
    throw invalid('redirect_uris of a web client with the grant implicit must be https, and not on localhost')
  }
  if (value !== 'native') throw invalid(`${member} must be web or native`)
  if (urls.every(({ protocol, hostname }) => protocol !== 'http:' || isThisMachine(hostname))) return value
  throw invalid('redirect_uris of a native client must not be http, except on loopback')
}

function contacts(member: string, value: unknown): readonly string[] {
  const all = value as readonly string[]
  if (all.length <= 20 && all.every((one) => /^[^\p{Cc}\p{Cf}]{1,255}$/u.test(one))) return all
  throw invalid(`${member} must have at most 20 entries of 1 to 255 characters`)
}

const MAX_URIS = 100

/** The same rules as for redirect URIs. http beyond loopback only on the host of a redirect URI of this record. */
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
