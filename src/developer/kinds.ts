/** The kinds of app, and their members in client records. */
import { grantTypesOf, isPublic, provingMethods, secretMethods } from '../clients/client'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'

export type AppKind = 'web' | 'spa' | 'mobile' | 'machine'

export const KEYS = 'private_key_jwt'

/** The kinds that users can create, by the grants that they may give to an app. */
export function kindsFor(server: AuthorizationServer, grantTypes: readonly string[]): AppKind[] {
  const canProve = secretsOf(server).length > 0 || hasKeys(server)
  return [
    ...(grantTypes.includes('authorization_code')
      ? ([...(canProve ? ['web'] : []), 'spa', 'mobile'] as AppKind[])
      : []),
    ...(grantTypes.includes('client_credentials') && canProve ? (['machine'] as AppKind[]) : []),
  ]
}

export function isKind(text: string | undefined, kinds: readonly AppKind[]): text is AppKind {
  return (kinds as readonly (string | undefined)[]).includes(text)
}

/** Whether apps can sign with their own keys (RFC 7523 §2.2). */
export function hasKeys(server: AuthorizationServer): boolean {
  return provingMethods(server).includes(KEYS)
}

export function secretsOf(server: AuthorizationServer): TokenEndpointAuthMethod[] {
  return provingMethods(server).filter((method) => secretMethods.includes(method))
}

/** Whether users are redirected to it from the authorization endpoint. */
export const redirects = (kind: AppKind) => kind !== 'machine'
/** Whether it can keep a secret or a key. */
export const proves = (kind: AppKind) => kind === 'web' || kind === 'machine'

/** The members that a new app of this kind has. */
export function membersOf(
  kind: AppKind,
  server: AuthorizationServer,
  grantTypes: readonly string[],
  withKeys: boolean,
): ClientMetadata {
  const methods = withKeys ? ([KEYS] as const) : secretsOf(server)
  const refresh = grantTypes.includes('refresh_token') ? ['refresh_token'] : []
  return {
    tokenEndpointAuthMethods: proves(kind) ? methods : ['none'],
    grantTypes: redirects(kind) ? ['authorization_code', ...refresh] : ['client_credentials'],
  }
}

/** The kind of a record. A public app whose responses go to a device is for devices. */
export function kindOfClient(client: Client): AppKind {
  if (!grantTypesOf(client).includes('authorization_code') && client.redirectUris.length === 0) return 'machine'
  if (!isPublic(client)) return 'web'
  return client.redirectUris.some((uri) => !uri.startsWith('https:')) ? 'mobile' : 'spa'
}
