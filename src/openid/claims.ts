/**
 * The claims that clients get about users: by scope (OpenID Connect Core §5.4) and by the parameter `claims` (§5.5).
 */
import { OAuthError } from '../errors'
import { jsonOfClaim } from '../jwt/claim-value'
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { isScopeToken, type Scope, scopesOfClient } from '../rules/scope'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClaimAsked, ClaimsAsked } from '../types/openid'

/** OpenID Connect Core §5.4. */
const standardScopes: Readonly<Record<string, readonly string[]>> = {
  profile: [
    ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
    ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

/** Claims about the token itself (RFC 7519 §4.1, OpenID Connect Core §2), which a host cannot set. */
const ofTokens: readonly string[] = [
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'c_hash'],
  ...['sid', 'events', 'cnf', 'scope', 'client_id'],
]

/** The claims of each scope, and all claims that may be requested by name. */
export interface UserClaims {
  readonly byScope: ReadonlyMap<string, readonly string[]>
  readonly all: readonly string[]
}

/** Checks the option `claims`. Its entry for a scope replaces the standard one. */
export function verifiedClaims(option: Readonly<Record<string, readonly string[]>> = {}): UserClaims {
  const own = Object.keys(option ?? {})
  requireKnown('openid({ claims }) scope', option, own)
  const byScope = Object.entries({ ...standardScopes, ...option }).filter(([scope, names]) => {
    const fix = `openid({ claims }): ${scope} must be a list of claims, such as ['department']`
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
      throw misuse('wrong_list', `${fix}, not ${kindOf(names)}`)
    }
    if (!isScopeToken(scope) || scope === 'openid' || scope === 'offline_access') {
      throw misuse(
        'wrong_scope',
        `openid({ claims }): ${scope} cannot be the scope of claims: name a scope of your own`,
      )
    }
    const wrong = names.find((name) => ofTokens.includes(name) || !/^[\x21-\x7e]{1,200}$/.test(name) || name in {})
    if (wrong !== undefined)
      throw misuse('wrong_list', `openid({ claims }): ${scope} cannot have the claim ${wrong}: use another name`)
    return names.length > 0
  })
  return Object.freeze({
    byScope: new Map(byScope),
    all: Object.freeze([...new Set(byScope.flatMap(([, names]) => names))]),
  })
}

/** The claims of a scope. */
export function claimsOfScope({ byScope }: Pick<UserClaims, 'byScope'>, scope: Scope): readonly string[] {
  return [...new Set(scope.flatMap((token) => byScope.get(token) ?? []))]
}

/**
 * The claims that a client may request by name: those of the scopes that it may have. A name is no way around its
 * record.
 */
export function claimsOfClient(
  { byScope }: UserClaims,
  { scopes }: Pick<AuthorizationServer, 'scopes'>,
  client: Client,
): UserClaims {
  const all = claimsOfScope({ byScope }, scopesOfClient(scopes, client))
  return { byScope, all }
}

/** Returns these claims of a user. Claims without a value are omitted, never null or empty (Core §5.3.2). */
export async function valuesOf(
  { users, inTime }: Pick<AuthorizationServer, 'users' | 'inTime'>,
  user: Express.User,
  names: readonly string[],
): Promise<Record<string, unknown>> {
  if (names.length === 0) return {}
  const known: unknown = users?.claims ? await inTime('users.claims', users.claims(user)) : user
  if (typeof known !== 'object' || known === null || Array.isArray(known)) {
    throw misuse('wrong_answer', `users.claims must return an object, such as { name, email }, not ${kindOf(known)}`)
  }
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const value = (known as Readonly<Record<string, unknown>>)[name]
    // Core §5.1: `updated_at` is seconds since the epoch, and databases have dates
    const said = value instanceof Date && name === 'updated_at' ? Math.floor(value.getTime() / 1000) : value
    // as it will be sent: a date that is none, and NaN, are null there
    const json = jsonOfClaim('users.claims', name, said)
    if (json !== undefined && json !== 'null' && json !== '""') values[name] = said
  }
  return values
}

const MAX_CLAIMS_TEXT = 10_000

/** Claims that may also be requested by name. */
const alsoAsked: readonly string[] = ['sub', 'acr', 'auth_time']

/** Parses the parameter `claims` (Core §5.5). Unknown parts are ignored. */
export function parseClaims(text: string | undefined, { all }: UserClaims): ClaimsAsked {
  if (text === undefined) return none
  const asked = text.length > MAX_CLAIMS_TEXT ? undefined : parsedObject(text)
  if (!asked) throw wrongClaims(`a JSON object of at most ${MAX_CLAIMS_TEXT} characters`)
  return Object.freeze({ userinfo: section(asked, 'userinfo', all), id_token: section(asked, 'id_token', all) })
}

const none: ClaimsAsked = Object.freeze({ userinfo: Object.freeze({}), id_token: Object.freeze({}) })

type Json = Readonly<Record<string, unknown>>

function parsedObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function section(asked: Json, part: keyof ClaimsAsked, known: readonly string[]): Readonly<Record<string, ClaimAsked>> {
  const members = Object.hasOwn(asked, part) ? asked[part] : undefined
  if (members === undefined || members === null) return none[part]
  if (!isObject(members)) throw wrongClaims(`a JSON object whose ${part} is an object`)
  const all = Object.entries(members).flatMap(([name, how]): [string, ClaimAsked][] => {
    if (!known.includes(name) && !alsoAsked.includes(name)) return []
    if (how !== null && !isObject(how)) throw wrongClaims(`a JSON object whose ${part} has null or an object by claim`)
    return [[name, claimAsked(how ?? {}, part)]]
  })
  return Object.freeze(Object.fromEntries(all))
}

function claimAsked({ essential, value, values }: Json, part: string): ClaimAsked {
  if (values !== undefined && !Array.isArray(values))
    throw wrongClaims(`a JSON object whose ${part} has lists as values`)
  const wanted: readonly unknown[] | undefined = value === undefined ? values : [value]
  return Object.freeze({ essential: essential === true, ...(wanted && { values: Object.freeze([...wanted]) }) })
}

function wrongClaims(form: string): OAuthError {
  return new OAuthError('invalid_request', `claims must be ${form}.`)
}

/** The claims requested by name that the scope does not include: users see them, and approve them. */
export function namedClaims(
  claims: UserClaims,
  { userinfo, id_token }: ClaimsAsked,
): { userinfo: string[]; id_token: string[] } {
  const ofUser = (asked: object) => Object.keys(asked).filter((name) => claims.all.includes(name))
  return { id_token: ofUser(id_token).sort(), userinfo: ofUser(userinfo).sort() }
}
