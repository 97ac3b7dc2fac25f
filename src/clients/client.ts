/** Finds a client, and reads what its record allows and requires. */

import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import { networkOf, type Sender } from '../rules/network'
import type { PkcePolicy } from '../rules/pkce'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientAuthentication } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'

/**
 * @internal Finds a client: the one way for everything that a client does. An id that is the URL of a metadata document
 * is never looked up in storage, where another client could have it. `from` is the request, whose network limits the
 * fetches.
 */
export function findClient(
  { clientDocuments, storage }: AuthorizationServer,
  clientId: string,
  from?: Sender,
): Awaitable<Client | undefined> {
  if (!clientDocuments?.isDocumentUrl(clientId)) return storage.clients.find(clientId)
  return clientDocuments.find(clientId, from && networkOf(from.ip))
}

export async function requireClient(server: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await findClient(server, clientId)
  // 404: this is not a failed client authentication
  if (!client || isBeingDeleted(client))
    throw new OAuthError('invalid_client', 'No client has this id.', { status: 404 })
  if (client.disabled) throw new OAuthError('unauthorized_client', 'This client is disabled.')
  return client
}

/** Whether a deletion has begun: only then does a record have no method. */
export function isBeingDeleted({ tokenEndpointAuthMethods }: Pick<Client, 'tokenEndpointAuthMethods'>): boolean {
  return tokenEndpointAuthMethods.length === 0
}

/** Whether the record says what somebody else than the host has chosen: its client, or the user who owns it. */
export function isWrittenByOthers({ origin, username }: Pick<Client, 'origin' | 'username'>): boolean {
  return origin !== undefined || username !== undefined
}

/**
 * Whether the client of an access token still exists and is enabled. Rows end with their client; a stateless token has
 * no row, so this ends it. Guards do not check it, because stateless tokens save them every call to storage.
 */
export async function hasItsClient(server: AuthorizationServer, clientId: string): Promise<boolean> {
  if (!server.accessTokens.stateless || server.clientDocuments?.isDocumentUrl(clientId)) return true
  const client = await server.storage.clients.find(clientId)
  return client !== undefined && !client.disabled && !isBeingDeleted(client)
}

export const defaultGrantTypes = ['authorization_code', 'refresh_token']

/** The grants that a client may use. */
export function grantTypesOf(client: Pick<Client, 'grantTypes'>): readonly string[] {
  return client.grantTypes ?? defaultGrantTypes
}

/** RFC 6749 §4.1.2.1, §5.2: checked at every endpoint, and for the host's own code. */
export function requireGrantType(client: Client, grantType: string): void {
  if (grantTypesOf(client).includes(grantType)) return
  throw new OAuthError('unauthorized_client', `This client may not use the grant type ${grantType}.`)
}

/** A user's authorization includes a refresh token if the client may use the refresh token grant. */
export function getsRefreshToken(server: AuthorizationServer, client: Client): boolean {
  return server.refreshTokens !== undefined && grantTypesOf(client).includes('refresh_token')
}

type WithMethods = Pick<Client, 'tokenEndpointAuthMethods'>

/** Whether the client may introspect tokens of other clients. With an empty list it may not. */
export function isResourceServer({ resourceServer = false }: Client): boolean {
  return resourceServer === true || (resourceServer !== false && resourceServer.length > 0)
}

/** Whether the client is public (RFC 6749 §2.1): it cannot authenticate. */
export function isPublic({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.every((method) => method === 'none')
}

/** Whether the client may send requests without authentication. `isPublic` clients always do. */
export function mayOmitAuthentication({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.includes('none')
}

/** The methods of `clientSecret()`. A client with one of them has a secret. */
export const secretMethods: readonly TokenEndpointAuthMethod[] = ['client_secret_basic', 'client_secret_post']

export function hasClientSecret({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.some((method) => secretMethods.includes(method))
}

/** Whether the client must use PKCE (RFC 7636), by its record or by the server's policy. */
export function pkceRequired(
  policy: PkcePolicy,
  client: Pick<Client, 'requirePkce' | 'tokenEndpointAuthMethods'>,
): boolean {
  if (typeof client.requirePkce === 'boolean') return client.requirePkce
  if (policy === 'public-clients') return mayOmitAuthentication(client)
  return policy === 'all-clients'
}

/** The part of a server, or of its options, that these rules need. */
export interface AuthenticationRules {
  readonly clientAuthentication: readonly Pick<ClientAuthentication, 'methods' | 'verifyRecord'>[]
}

/** The methods of client authentication of the server: all that a record may name, except `none`. */
export function provingMethods({ clientAuthentication }: AuthenticationRules): TokenEndpointAuthMethod[] {
  return clientAuthentication.flatMap(({ methods }) => methods)
}

/** The options that decide about private-use schemes in redirect URIs. */
export interface SchemeRules {
  readonly privateUseSchemes: 'any' | 'with-dot'
  readonly pkce: PkcePolicy
  readonly grants: ReadonlyMap<string, { readonly responseType?: unknown; readonly codes?: unknown }>
}

/**
 * Returns why a client's private-use scheme needs a dot, or undefined if it does not. RFC 8252 §7.1 demands a domain
 * name of the app's maker, but apps in wide use have a plain word. Any program may claim a scheme, with or without a
 * dot; PKCE makes the code useless to it (§8.1). A token in a redirect URI has no such protection, and a device cannot
 * keep a secret. `record` is not validated yet.
 */
export function needsDot({ privateUseSchemes, pkce, grants }: SchemeRules, record: ClientMetadata): string | undefined {
  const rule = 'must have a dot in its scheme (RFC 8252 section 7.1)'
  if (privateUseSchemes === 'with-dot') return `${rule}, as the server option privateUseSchemes says`
  const { tokenEndpointAuthMethods = secretMethods, grantTypes = [] } = record
  const client = { ...record, tokenEndpointAuthMethods }
  if (!Array.isArray(tokenEndpointAuthMethods) || !isPublic(client)) {
    return `${rule}, unless the client is public: its token_endpoint_auth_method must be none`
  }
  const named = Array.isArray(grantTypes) ? grantTypes.map((name) => grants.get(name)) : []
  const onlyCodes = named.every((grant) => grant?.responseType === undefined || grant.codes !== undefined)
  return onlyCodes && pkceRequired(pkce, client) ? undefined : `${rule}, unless the client must use PKCE each time`
}
