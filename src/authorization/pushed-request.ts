/** The row of a pushed authorization request (RFC 9126 §2.2): its `request_uri`, and who may open it. */

import { boundBy, boundOf, credentialOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId, parseSplitToken } from '../credentials/split-token'
import { newGrantId, newSecret } from '../crypto'
import { OAuthError } from '../errors'
import type { RequestParameters } from '../rules/params'
import type { Client, Credential } from '../storage'
import { store } from '../tokens/issue'
import type { AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'

const PREFIX = 'urn:ietf:params:oauth:request_uri:'
/** Seconds to sign in and decide, after a browser opened the request. */
const SECONDS_TO_ANSWER = 1200

/** Stores a valid request and returns its `request_uri`. Its grant will have the same id. */
export async function storePushedRequest(
  { server, client, scope, parameters, startedAt }: AuthorizationRequest,
  ttl: number,
): Promise<string> {
  const authorization = { clientId: client.clientId, scope, startedAt }
  const bound = boundBy({ ...authorization, parameters: [...parameters] })
  const id = lookupId(newGrantId(), lookupSuffix.pushed_request)
  const secret = newSecret()
  const issuedAt = server.now()
  const lifetime = { issuedAt, expiresAt: issuedAt + ttl }
  const made = { id, kind: 'pushed_request', secret, state: 'pushed' }
  await store(server, [credentialOf(made, authorization, lifetime, bound)])
  return `${PREFIX}${id}.${secret}`
}

/**
 * Opens the request that a browser brings, within the time that the client was told. The request then lives long enough
 * to sign in and decide, and may be opened again until it is decided.
 */
export async function openPushedRequest(
  server: AuthorizationServer,
  client: Client,
  requestUri: string,
): Promise<Credential> {
  const presented = requestUri.startsWith(PREFIX) ? parseSplitToken(requestUri.slice(PREFIX.length)) : undefined
  const found = presented && (await findCredential(server, presented.id, 'pushed_request'))
  if (!found || !hasSecret(found, presented.secret) || found.state === 'used') throw unknownRequest()
  // RFC 9126 §2.2: it is bound to the client that pushed it
  if (found.clientId !== client.clientId || isExpired(server, found)) throw unknownRequest()
  if (found.state === 'opened') return found
  const opened = { ...found, state: 'opened', expiresAt: server.now() + SECONDS_TO_ANSWER }
  if (await server.storage.grants.transition(found.id, 'pushed', opened, [])) return opened
  // another tab has opened or even decided it meanwhile
  const again = await findCredential(server, found.id, 'pushed_request')
  if (again?.state === 'opened' && hasSecret(again, presented.secret)) return again
  throw unknownRequest()
}

/** The parameters as pushed. */
export function pushedParameters(row: Credential): RequestParameters {
  return new Map(boundOf(row).parameters)
}

function unknownRequest(): OAuthError {
  return new OAuthError('invalid_request_uri', 'request_uri is unknown, expired, already used or of another client.')
}
