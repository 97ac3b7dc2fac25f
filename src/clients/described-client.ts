/** The client that a client metadata document describes (draft-ietf-oauth-client-id-metadata-document §4.1). */

import { OAuthError } from '../errors'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { parseClientMetadata } from './members'
import { type Permitted, parseSelfDescription } from './self-description'

export type DescriptionSource = Pick<
  AuthorizationServer,
  'scopes' | 'grants' | 'responseTypes' | 'allowHttpRedirectUris' | 'resources' | 'clientAuthentication' | 'now'
> &
  Partial<Pick<AuthorizationServer, 'clientMembers'>>

/** Throws `invalid_client_metadata` for a document that says what it must not. */
export function describedClient(
  url: string,
  members: Readonly<Record<string, unknown>>,
  permitted: Permitted,
  source: DescriptionSource,
): Client {
  verifyDocument(url, members)
  const { tokenEndpointAuthMethod: _, scopes, ...described } = parseSelfDescription(members, permitted, source)
  const metadata = {
    name: new URL(url).host,
    // as for a registration: what it names is what it begins with
    scopes: permitted.scopes,
    ...(scopes && { defaultScopes: scopes }),
    ...described,
    tokenEndpointAuthMethods: ['none'] as const,
    // anybody can use a public client's id: the verifier alone ties a code to who asked for it
    requirePkce: true,
  }
  const times = { createdAt: source.now(), updatedAt: source.now() }
  const origin = 'metadata_document'
  return { clientId: url, version: 1, ...parseClientMetadata(metadata, source), secrets: [], origin, ...times }
}

/** §4.1 of the draft: the document is about this very URL, and there is nobody to share a secret with. */
function verifyDocument(url: string, members: Readonly<Record<string, unknown>>): void {
  const { client_id: clientId, token_endpoint_auth_method: method = 'none' } = members
  if (clientId !== url) throw invalid('its client_id is not its URL')
  if (members.client_secret !== undefined || members.client_secret_expires_at !== undefined) {
    throw invalid('it has a client_secret')
  }
  if (method !== 'none') throw invalid('its token_endpoint_auth_method must be none')
}

function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}
