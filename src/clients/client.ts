/** The one way to a client, and what its record says: what it may do, and what it has to prove. */

import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import type { PkcePolicy } from '../rules/pkce'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/**
 * @internal The client of that id: the one way to it for everything that a client does. An id that is a document's URL is
 * never looked up in storage, where another client could be stored under it. `network` is the sender's, where a request
 * asks: fetches for strangers have a pace.
 */
export function findClient(
  { clientDocuments, storage }: AuthorizationServer,
  clientId: string,
  network?: string,
): Awaitable<Client | undefined> {
  if (!clientDocuments?.isDocumentUrl(clientId)) return storage.clients.find(clientId)
  return clientDocuments.find(clientId, network)
}

export async function requireClient(server: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await findClient(server, clientId)
  // 404: it is no client that failed to authenticate
  if (!client || isBeingDeleted(client))
    throw new OAuthError('invalid_client', 'No client has this id.', { status: 404 })
  return client
}

/** Whether a deletion has begun: no other record is without a method. */
export function isBeingDeleted({ tokenEndpointAuthMethods }: Pick<Client, 'tokenEndpointAuthMethods'>): boolean {
  return tokenEndpointAuthMethods.length === 0
}

export const defaultGrantTypes = ['authorization_code', 'refresh_token']

/** The grants that a client may use. */
export function grantTypesOf(client: Pick<Client, 'grantTypes'>): readonly string[] {
  return client.grantTypes ?? defaultGrantTypes
}

/** RFC 6749 §4.1.2.1, §5.2: at every endpoint, and in the host's own code. */
export function requireGrantType(client: Client, grantType: string): void {
  if (grantTypesOf(client).includes(grantType)) return
  throw new OAuthError('unauthorized_client', `This client may not use the grant type ${grantType}.`)
}

/** A refresh token comes with every user's authorization whose client may use the refresh token grant. */
export function getsRefreshToken(server: AuthorizationServer, client: Client): boolean {
  return server.refreshTokens !== undefined && grantTypesOf(client).includes('refresh_token')
}

type WithMethods = Pick<Client, 'tokenEndpointAuthMethods'>

/** A public client (RFC 6749 §2.1): it cannot prove who it is. */
export function isPublic({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.every((method) => method === 'none')
}

/** Whether a request in its name may come without a proof; `isPublic` clients have no other way. */
export function mayOmitAuthentication({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.includes('none')
}

/** The methods of `clientSecret()`: who may use one of them has a secret. */
export const secretMethods: readonly TokenEndpointAuthMethod[] = ['client_secret_basic', 'client_secret_post']

export function hasClientSecret({ tokenEndpointAuthMethods }: WithMethods): boolean {
  return tokenEndpointAuthMethods.some((method) => secretMethods.includes(method))
}

/** Whether it must use PKCE (RFC 7636): by its record, or by the policy of the server. */
export function pkceRequired(policy: PkcePolicy, client: Client): boolean {
  if (typeof client.requirePkce === 'boolean') return client.requirePkce
  if (policy === 'public-clients') return mayOmitAuthentication(client)
  return policy === 'all-clients'
}

/** What is asked of a server, or of the options that become one. */
export interface AuthenticationRules {
  readonly clientAuthentication: readonly { readonly methods: readonly TokenEndpointAuthMethod[] }[]
}

/** The methods by which clients of the server prove who they are: all that a record may name, but for `none`. */
export function provingMethods({ clientAuthentication }: AuthenticationRules): TokenEndpointAuthMethod[] {
  return clientAuthentication.flatMap(({ methods }) => methods)
}
