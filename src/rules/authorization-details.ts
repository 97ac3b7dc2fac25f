/** Authorization details (RFC 9396): a list of typed objects that say more than a scope. */
import { isDeepStrictEqual } from 'node:util'
import { OAuthError } from '../errors'
import { frozenCopy } from '../storage/frozen'
import { isKeepable, unshowable } from './keepable'
import { type Audience, findResource } from './resource'

/** One authorization detail (RFC 9396 §2), frozen. Its type defines the other members. */
export interface AuthorizationDetail {
  readonly type: string
  /** The APIs where it applies, as URIs (RFC 9396 §2.2). */
  readonly locations?: readonly string[]
  readonly [member: string]: unknown
}

/** The value of one `authorization_details` parameter. */
export type AuthorizationDetails = readonly AuthorizationDetail[]

/** The name of the parameter and the response member. */
export const DETAILS = 'authorization_details'

/** A JWT that contains them must fit in a request header. */
const MAX_BYTES = 4096
const MAX_DETAILS = 16
/** The deepest nesting of lists and objects, including the list of details. */
const MAX_DEPTH = 8

export function invalidDetails(problem: string): OAuthError {
  return new OAuthError('invalid_authorization_details', `${DETAILS} ${problem}.`)
}

/**
 * Parses the parameter `authorization_details` (RFC 9396 §2), without its types' rules. JSON that readers understand in
 * two ways is refused: the user must see what the API will read.
 */
export function parseAuthorizationDetails(text: string): AuthorizationDetails {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalidDetails(`must have at most ${MAX_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalidDetails('must be JSON')
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_DETAILS) {
    throw invalidDetails(`must be a list of 1 to ${MAX_DETAILS} objects`)
  }
  const kept = textsIn(value, 1)
  // JSON.parse keeps the last of two members with one name: then the text has more strings
  const written = text.match(/"(?:[^"\\]|\\.)*"/g)?.length ?? 0
  if (written !== kept) throw invalidDetails('must not have a member more than once')
  for (const [at, detail] of value.entries()) {
    const problem = problemOf(detail)
    if (problem !== undefined) throw new OAuthError('invalid_authorization_details', `${DETAILS}[${at}] ${problem}.`)
  }
  return frozenCopy(value) as AuthorizationDetails
}

/** Counts the strings of a value, including member names. Throws for values that stores or readers would change. */
function textsIn(value: unknown, depth: number): number {
  if (typeof value === 'string') return textIn(value)
  if (typeof value === 'number' && !isExact(value))
    throw invalidDetails('must have no number that is beyond 2^53, and no -0')
  if (typeof value !== 'object' || value === null) return 0
  if (depth > MAX_DEPTH) throw invalidDetails(`must not be nested more than ${MAX_DEPTH} deep`)
  let texts = 0
  if (Array.isArray(value)) for (const one of value) texts += textsIn(one, depth + 1)
  else for (const [name, one] of Object.entries(value)) texts += nameIn(name) + textsIn(one, depth + 1)
  return texts
}

/** JSON.parse loses digits of greater integers; 1e999 becomes Infinity, and -0 would be stored as 0. */
const isExact = (value: number) => Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0)

function textIn(text: string): number {
  // on a page it would change the text around it
  if (isKeepable(text) && !unshowable.test(text)) return 1
  throw invalidDetails('must have no control characters, and none that turn the text around them')
}

/** Every object inherits `constructor`, and `__proto__` would change the object. */
function nameIn(name: string): number {
  if (!(name in Object.prototype)) return textIn(name)
  throw invalidDetails('has a member with a name that is not allowed')
}

/** RFC 9396 §2.2: members with one meaning in every type. */
const listMembers: readonly string[] = ['locations', 'actions', 'datatypes', 'privileges']

function problemOf(detail: unknown): string | undefined {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return 'must be an object'
  const members = detail as Readonly<Record<string, unknown>>
  if (typeof members.type !== 'string' || members.type === '') return 'must have a type'
  const isText = (value: unknown) => typeof value === 'string'
  const isList = (value: unknown) => Array.isArray(value) && value.every(isText)
  const wrong = listMembers.find((name) => members[name] !== undefined && !isList(members[name]))
  if (wrong !== undefined) return `must have ${wrong} as a list of strings`
  if (members.identifier !== undefined && !isText(members.identifier)) return 'must have identifier as a string'
  return undefined
}

/** Whether a value from another server, in a JWT or an introspection response, can be details. */
export function isAuthorizationDetails(value: unknown): value is AuthorizationDetails {
  return Array.isArray(value) && value.every((one) => problemOf(one) === undefined)
}

/**
 * Returns the requested ones of `granted`, in their order. Each request must equal a granted detail: only the API knows
 * which of two payments is less (RFC 9396 §6.1). Members may be in any order; strings must be equal byte by byte (§12).
 */
export function narrowDetails(granted: AuthorizationDetails, asked: AuthorizationDetails): AuthorizationDetails {
  const isSame = (one: AuthorizationDetail) => (other: AuthorizationDetail) => isDeepStrictEqual(one, other)
  if (!asked.every((one) => granted.some(isSame(one)))) throw invalidDetails('must be within what was granted')
  return granted.filter((one) => asked.some(isSame(one)))
}

/**
 * RFC 9396 §9.1: the details for this audience. A detail whose `locations` name no resource of the server is for every
 * one.
 */
export function detailsFor(
  details: AuthorizationDetails,
  resources: Audience,
  audience: Audience,
): AuthorizationDetails {
  if (resources.length === 0) return details
  return details.filter(({ locations = [] }) => {
    const known = locations.flatMap((location) => findResource(resources, location) ?? [])
    return known.length === 0 || known.some((resource) => audience.includes(resource))
  })
}

/** The types, without repetition. */
export function typesOf(details: AuthorizationDetails): readonly string[] {
  return [...new Set(details.map(({ type }) => type))]
}
