/** Authorization details: RFC 9396. What a client asks for in more words than a scope has: a list of objects, each of a type. */
import { isDeepStrictEqual } from 'node:util'
import { OAuthError } from '../errors'
import { frozenCopy } from '../storage/frozen'
import { isKeepable, unshowable } from './keepable'
import { type Audience, findResource } from './resource'

/** One of the authorization details (RFC 9396 §2), frozen. Its type says what else it has. */
export interface AuthorizationDetail {
  readonly type: string
  /** Where it counts: URIs of APIs (RFC 9396 §2.2). */
  readonly locations?: readonly string[]
  readonly [member: string]: unknown
}

/** What stands in one `authorization_details`. */
export type AuthorizationDetails = readonly AuthorizationDetail[]

/** The parameter, and the member of every answer. */
export const DETAILS = 'authorization_details'

/** A JWT with all of it must still fit into the header of a request. */
const MAX_BYTES = 4096
const MAX_DETAILS = 16
/** Lists and objects in each other, from the list of details on. */
const MAX_DEPTH = 8

export function invalidDetails(problem: string): OAuthError {
  return new OAuthError('invalid_authorization_details', `${DETAILS} ${problem}.`)
}

/**
 * The parameter `authorization_details` (RFC 9396 §2), without a look at what its types say. What JSON readers understand
 * in two ways is refused: the user must have seen what the API will read.
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
  // JSON.parse keeps the last of two members with one name: the text has more strings then
  const written = text.match(/"(?:[^"\\]|\\.)*"/g)?.length ?? 0
  if (written !== kept) throw invalidDetails('must not have a member more than once')
  for (const [at, detail] of value.entries()) {
    const problem = problemOf(detail)
    if (problem !== undefined) throw new OAuthError('invalid_authorization_details', `${DETAILS}[${at}] ${problem}.`)
  }
  return frozenCopy(value) as AuthorizationDetails
}

/** How many strings a value has, names of members among them. Throws for what stores or readers would change. */
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

/** Integers beyond lose digits on their way through JSON.parse; 1e999 is no number any more, and -0 would be kept as 0. */
const isExact = (value: number) => Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0)

function textIn(text: string): number {
  // on a page it would change the text around it
  if (isKeepable(text) && !unshowable.test(text)) return 1
  throw invalidDetails('must have no control characters, and none that turn the text around them')
}

/** Every object has `constructor` already, and one with `__proto__` would be another object. */
function nameIn(name: string): number {
  if (!(name in Object.prototype)) return textIn(name)
  throw invalidDetails('has a member with a name that is not allowed')
}

/** RFC 9396 §2.2: members that mean the same in every type. */
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

/** Whether a value of another server, in a JWT or an answer of introspection, can be details. */
export function isAuthorizationDetails(value: unknown): value is AuthorizationDetails {
  return Array.isArray(value) && value.every((one) => problemOf(one) === undefined)
}

/**
 * Those of `granted` that are asked for, in their order. What is asked must be among them as a whole: only the API knows
 * which one of two payments is less (RFC 9396 §6.1). Members may stand in any order, strings are the same byte by byte (§12).
 */
export function narrowDetails(granted: AuthorizationDetails, asked: AuthorizationDetails): AuthorizationDetails {
  const isSame = (one: AuthorizationDetail) => (other: AuthorizationDetail) => isDeepStrictEqual(one, other)
  if (!asked.every((one) => granted.some(isSame(one)))) throw invalidDetails('must be within what was granted')
  return granted.filter((one) => asked.some(isSame(one)))
}

/** RFC 9396 §9.1: those for this audience. One whose `locations` name none of the server's resources is for each. */
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

/** Each type once. */
export function typesOf(details: AuthorizationDetails): readonly string[] {
  return [...new Set(details.map(({ type }) => type))]
}
