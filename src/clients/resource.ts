/** Client records on the wire of the clients API: snake_case members, dates as ISO 8601, never a secret. */

import { OAuthError } from '../errors'
import type { Client } from '../storage'
import { grantTypesOf } from './client'
import type { ClientMetadata } from './members'

export interface ClientArguments {
  clientId?: string
  clientSecret?: string
  metadata: ClientMetadata
}

export function describeClient(client: Client): Record<string, unknown> {
  return {
    client_id: client.clientId,
    username: client.username,
    created: isoDate(client.createdAt),
    modified: isoDate(client.updatedAt),
    permissions: client.scopes ?? [],
    default_permissions: client.defaultScopes,
    client_name: client.name,
    client_description: client.description,
    resources: client.resources,
    redirect_uris: client.redirectUris,
    grant_types: grantTypesOf(client),
    token_endpoint_auth_methods: client.tokenEndpointAuthMethods,
    require_pkce: client.requirePkce,
    resource_server: client.resourceServer,
  }
}

function isoDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

const stringMembers = { client_name: 'name', client_description: 'description', username: 'username' } as const
const listMembers = {
  permissions: 'scopes',
  default_permissions: 'defaultScopes',
  resources: 'resources',
  redirect_uris: 'redirectUris',
  grant_types: 'grantTypes',
  token_endpoint_auth_methods: 'tokenEndpointAuthMethods',
} as const
const flagMembers = { require_pkce: 'requirePkce' } as const
const flagOrListMembers = { resource_server: 'resourceServer' } as const

/** The arguments of a request by the names of the record. Unknown members are ignored (RFC 7591 §2), empty ones absent. */
export function parseClientArguments(members: Readonly<Record<string, unknown>>): ClientArguments {
  const metadata: Record<string, unknown> = {}
  const take = <T>(names: Readonly<Record<string, string>>, parse: (name: string, value: unknown) => T) => {
    for (const [name, member] of Object.entries(names)) {
      if (isPresent(members[name])) metadata[member] = parse(name, members[name])
    }
  }
  take(stringMembers, asString)
  take(listMembers, asList)
  take(flagMembers, asFlag)
  take(flagOrListMembers, asFlagOrList)
  const { client_id: clientId, client_secret: clientSecret } = members
  return {
    ...(isPresent(clientId) && { clientId: asString('client_id', clientId) }),
    ...(isPresent(clientSecret) && { clientSecret: asString('client_secret', clientSecret) }),
    metadata,
  }
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function asString(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw invalid(`${name} must be a string`)
}

/** A JSON list; in a URI or a form it may also be words between commas or spaces. */
function asList(name: string, value: unknown): string[] {
  const list: unknown = typeof value === 'string' ? parseList(value) : value
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list as string[]
  throw invalid(`${name} must be a list of strings`)
}

function parseList(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text.split(/[\s,]/).filter(Boolean)
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asFlag(name: string, value: unknown): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw invalid(`${name} must be true or false`)
}

function asFlagOrList(name: string, value: unknown): boolean | string[] {
  const isList = Array.isArray(value) || (typeof value === 'string' && value !== 'true' && value !== 'false')
  return isList ? asList(name, value) : asFlag(name, value)
}

function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}
