/** Authorization details (RFC 9396): the host's types, and which details a request may get. */
import { invalid, list } from '../clients/member-checks'
import { OAuthError } from '../errors'
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import {
  type AuthorizationDetail,
  type AuthorizationDetails,
  DETAILS,
  detailsFor,
  invalidDetails,
  narrowDetails,
  parseAuthorizationDetails,
} from '../rules/authorization-details'
import type { RequestParameters } from '../rules/params'
import type { Audience } from '../rules/resource'
import type { Client } from '../storage'
import { frozenCopy } from '../storage/frozen'
import type { AuthorizationDetailsOptions, AuthorizationDetailTypes } from '../types/authorization-details'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMember } from '../types/capability'

const optionNames: readonly string[] = [
  'members',
  'check',
  'describe',
  'withoutUser',
] satisfies (keyof AuthorizationDetailsOptions)[]

/** Checks the option `authorizationDetails` and makes it a capability of the server. */
export function verifiedDetails(
  option: Readonly<Record<string, AuthorizationDetailsOptions>> | undefined,
): readonly AuthorizationDetailTypes[] {
  if (option === undefined) return []
  requireKnown('authorizationDetails type', option, Object.keys(option ?? {}))
  const types = new Map(Object.entries(option).map(([name, type]) => [name, verifiedType(name, type)]))
  if (types.size === 0)
    throw misuse('missing_option', 'authorizationDetails has no type: name one, or leave the option out')
  const value: AuthorizationDetailTypes = {
    types,
    clientMembers: [memberOf([...types.keys()])],
    // RFC 9396 §10
    metadata: () => ({ authorization_details_types_supported: [...types.keys()] }),
  }
  return [Object.freeze(value)]
}

function verifiedType(name: string, type: AuthorizationDetailsOptions): Readonly<AuthorizationDetailsOptions> {
  const option = `authorizationDetails.${name}`
  requireKnown(`${option} option`, type ?? null, optionNames)
  const { members = [], check, describe, withoutUser = [] } = type
  for (const [member, value] of Object.entries({ check, describe })) {
    if (typeof value === 'function') continue
    const fix = `${option} needs check: (detail) => …, and describe: (detail, language) => 'Pay 10 € to Ada'`
    throw misuse('not_a_function', `${fix}; ${member} is ${kindOf(value)}`)
  }
  for (const [member, value] of Object.entries({ members, withoutUser })) {
    if (!list.is(value))
      throw misuse('wrong_list', `${option}.${member} must be a list of strings, not ${kindOf(value)}`)
  }
  return Object.freeze({ members: [...members], check, describe, withoutUser: [...withoutUser] })
}

/** RFC 9396 §10: the types that a client may request. It then gets no others. */
function memberOf(known: readonly string[]): ClientMember {
  return {
    name: 'authorizationDetailsTypes',
    wire: 'authorization_details_types',
    type: list,
    setBy: 'self',
    check(member, value) {
      const named = value as readonly string[]
      if (named.every((one) => known.includes(one))) return [...new Set(named)]
      throw invalid(`${member} must be types that the server has: ${known.join(', ')}`)
    },
  }
}

type Server = Pick<AuthorizationServer, 'authorizationDetails' | 'resources' | 'inTime'>

/** Finds the type with this name, if the server has it and this client may request it. */
function typeFor(
  { authorizationDetails }: Server,
  { authorizationDetailsTypes: named }: Client,
  name: string,
): Readonly<AuthorizationDetailsOptions> | undefined {
  return named === undefined || named.includes(name) ? authorizationDetails?.types.get(name) : undefined
}

/**
 * Returns the details that a request asks for, checked by the host (RFC 9396 §5). Undefined if it asks for none.
 * `withoutUser`: the client acts for itself, and no user is asked.
 */
export async function requestedDetails(
  server: Server,
  client: Client,
  parameters: RequestParameters,
  audience: Audience,
  withoutUser = false,
): Promise<AuthorizationDetails | undefined> {
  const text = server.authorizationDetails && parameters.get(DETAILS)
  if (text === undefined) return undefined
  const details = parseAuthorizationDetails(text)
  for (const [at, detail] of details.entries()) {
    const type = typeFor(server, client, detail.type)
    const isAllowed = type && (!withoutUser || type.withoutUser?.includes(client.clientId))
    if (!isAllowed) throw invalidDetails('has a type that is unknown or not allowed for this client')
    const unknown = Object.keys(detail).find((name) => name !== 'type' && !type.members?.includes(name))
    if (unknown !== undefined) {
      // shortened: a long name may be a secret in the wrong place, and errors are logged
      const named = unknown.length > 32 ? 'an unknown member' : `the unknown member ${unknown}`
      throw new OAuthError('invalid_authorization_details', `${DETAILS}[${at}] has ${named}.`)
    }
    const said: unknown = await server.inTime(`authorizationDetails.${detail.type}.check`, type.check(detail, client))
    // a check that returns false, instead of throwing, would let everything pass
    if (said !== undefined) {
      const fix = "throw new OAuthError('invalid_authorization_details', …) for a detail that is wrong"
      throw misuse(
        'wrong_answer',
        `authorizationDetails.${detail.type}.check must return nothing, not ${kindOf(said)}: ${fix}`,
      )
    }
  }
  return requireFor(details, server, audience)
}

/** The granted details whose type the server still has and the client may still request. */
export function remainingDetails(server: Server, client: Client, granted: AuthorizationDetails): AuthorizationDetails {
  return granted.filter(({ type }) => typeFor(server, client, type))
}

/**
 * Returns the details of an access token for its audience: the granted ones, or those of them that the token request
 * names (RFC 9396 §6). Undefined if there are none.
 */
export function accessDetails(
  server: Server,
  { client, parameters }: { readonly client: Client; readonly parameters: RequestParameters },
  granted: AuthorizationDetails | undefined,
  audience: Audience,
): AuthorizationDetails | undefined {
  const text = server.authorizationDetails && parameters.get(DETAILS)
  if (granted === undefined && text === undefined) return undefined
  // `isDeepStrictEqual` needs objects of this realm, and stores may return others
  const held = remainingDetails(server, client, frozenCopy(granted ?? []))
  if (text === undefined) return detailsFor(held, server.resources, audience)
  return requireFor(narrowDetails(held, parseAuthorizationDetails(text)), server, audience)
}

/** Refuses a detail that no token of the request could contain: the user would approve it for nothing. */
function requireFor(details: AuthorizationDetails, { resources }: Server, audience: Audience): AuthorizationDetails {
  if (detailsFor(details, resources, audience).length === details.length) return details
  throw invalidDetails('has locations that are not among the resources of the request')
}

/** The grants that support details. Others must not ignore them (RFC 9396 §5). */
const withDetails: readonly string[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
]

/**
 * Refuses a token request with details if its grant does not support them, or if they are invalid. Before any secret is
 * checked.
 */
export function verifyTokenRequest(grantType: string, parameters: RequestParameters): void {
  parseAuthorizationDetails(parameters.get(DETAILS) ?? '')
  if (!withDetails.includes(grantType)) throw invalidDetails('cannot be asked for by this grant_type')
}

/** Describes a detail in the host's words. If the server no longer has its type: the name of the type. */
export function detailInWords({ authorizationDetails }: Server, detail: AuthorizationDetail, language: string): string {
  const type = authorizationDetails?.types.get(detail.type)
  if (!type) return detail.type
  const words: unknown = type.describe(detail, language)
  if (typeof words === 'string' && words.trim() !== '') return words
  const fix = 'must return the detail as a sentence of plain text'
  throw misuse('wrong_answer', `authorizationDetails.${detail.type}.describe ${fix}, not ${kindOf(words)}`)
}

/** The detail, as the consent page shows it. */
export function detailView(
  server: Server,
  detail: AuthorizationDetail,
  { language }: { readonly language: string },
): { detail: AuthorizationDetail; description: string } {
  return { detail, description: detailInWords(server, detail, language) }
}

/** The member of an authorization for its details. */
export function detailsMember(details: AuthorizationDetails | undefined): {
  authorizationDetails?: AuthorizationDetails
} {
  return details === undefined ? {} : { authorizationDetails: details }
}
