/** The authentication request: its OpenID Connect parameters (OpenID Connect Core §3.1.2.1). */
import { OAuthError } from '../errors'
import type { Client } from '../storage'
import type { ClaimsAsked, OpenIdRequest, Prompt, SentRequest } from '../types/openid'
import { claimsOfScope, namedClaims, parseClaims, type UserClaims } from './claims'

export const prompts: readonly Prompt[] = ['none', 'login', 'consent', 'select_account']

const displays: readonly string[] = ['page', 'popup', 'touch', 'wap']

/** The `sub` of an `id_token_hint`. */
export type SubjectOfHint = (hint: string) => string

/** Reads and checks the parameters. An unknown value is refused if ignoring it would weaken the request. */
export function parseOpenIdRequest(
  { defaultMaxAge, defaultAcrValues }: Client,
  { parameters, sentRedirectUri, scope }: SentRequest,
  userClaims: UserClaims,
  subjectOfHint: SubjectOfHint,
): OpenIdRequest {
  // §3.1.2.1: required even if only one is registered
  if (sentRedirectUri === undefined) {
    throw new OAuthError('invalid_request', 'redirect_uri is required with the scope openid.')
  }
  const claims = parseClaims(parameters.get('claims'), userClaims)
  const maxAge = parseMaxAge(parameters.get('max_age')) ?? defaultMaxAge
  const acrValues = words(parameters.get('acr_values'))
  const hint = parameters.get('id_token_hint')
  const subject = oneSubject(hint === undefined ? undefined : subjectOfHint(hint), claims)
  const display = parameters.get('display')
  const loginHint = parameters.get('login_hint')
  const nonce = parameters.get('nonce')
  return Object.freeze({
    prompt: parsePrompt(parameters.get('prompt')),
    acrValues: acrValues.length > 0 ? acrValues : Object.freeze([...(defaultAcrValues ?? [])]),
    claims,
    namedClaims: Object.freeze(beyond(namedClaims(userClaims, claims), claimsOfScope(userClaims, scope))),
    uiLocales: words(parameters.get('ui_locales')),
    claimsLocales: words(parameters.get('claims_locales')),
    ...(maxAge !== undefined && { maxAge }),
    ...(loginHint !== undefined && { loginHint }),
    ...(display !== undefined && displays.includes(display) && { display }),
    ...(nonce !== undefined && { nonce }),
    ...(subject !== undefined && { subject }),
  })
}

function beyond({ id_token, userinfo }: ReturnType<typeof namedClaims>, ofScope: readonly string[]): string[] {
  return [...new Set([...userinfo, ...id_token])].filter((name) => !ofScope.includes(name))
}

function words(text = ''): readonly string[] {
  return Object.freeze([...new Set(text.split(' ').filter((word) => word !== ''))])
}

function parsePrompt(text: string | undefined): readonly Prompt[] {
  const all = words(text)
  if (!all.every((word): word is Prompt => (prompts as readonly string[]).includes(word))) {
    throw new OAuthError('invalid_request', `prompt must be one or more of ${prompts.join(', ')}.`)
  }
  // §3.1.2.1: `none` excludes all other values
  if (all.includes('none') && all.length > 1) {
    throw new OAuthError('invalid_request', 'prompt none excludes every other value.')
  }
  return all
}

function parseMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  // a number beyond all limits only requests `auth_time`
  if (/^\d+$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
  throw new OAuthError('invalid_request', 'max_age must be a whole number of seconds, at least 0.')
}

/** §5.5.1: `claims` may name the `sub` that must be signed in, as a hint does. */
function oneSubject(hinted: string | undefined, { id_token, userinfo }: ClaimsAsked): string | undefined {
  const named = [id_token, userinfo].flatMap(({ sub }) => sub?.values ?? [])
  const all = new Set([...(hinted === undefined ? [] : [hinted]), ...named])
  if (all.size === 0) return undefined
  const [subject] = all
  if (all.size === 1 && typeof subject === 'string') return subject
  throw new OAuthError('invalid_request', 'id_token_hint and claims must name one sub.')
}
