/** In development, one line for each request that is refused: which client, why, and what to look at. Never a secret. */
import type { Request } from 'express'
import { SECRET_LENGTH } from '../credentials/split-token'
import type { OAuthError } from '../errors'
import { pathOf } from '../http/request-target'
import type { RequestParameters } from '../rules/params'

const fixes: Readonly<Record<string, string>> = {
  invalid_client: 'compare client_id, secret and tokenEndpointAuthMethods with the record (registerClient)',
  unauthorized_client: 'add the grant to grantTypes in the record of the client',
  unsupported_grant_type: 'add the grant to grants of the server',
  unsupported_response_type: 'add the grant to grants of the server',
  invalid_scope: 'add the scope to scopes in the record of the client, and of the server',
  invalid_target: 'add the resource to resources of the server, or of the record',
  invalid_authorization_details: 'compare the detail with authorizationDetails of the server, and of the record',
  request_not_supported: 'add requestObjects() to requests of the server',
  request_uri_not_supported: 'add pushedAuthorizationRequests() to requests of the server',
  access_denied: 'look at what decide returned, and at who is signed in',
  slow_down: 'the device must wait for interval, and five seconds longer each time that it hears this',
  expired_token: 'the user took longer than deviceCode({ ttl }): the device must ask again',
}

/** A refresh token or a password may be wrong, too. */
const codeFix = 'a code is good once and for a minute, with the same client, redirect_uri and code_verifier'

/** Where a body was read here, nothing on the request says what was in it. Filled where the line is printed, alone. */
export const sentParameters: WeakMap<Request, RequestParameters> = new WeakMap()

/** Prints the line, where nobody listens to events. Undefined in production, and where a host listens. */
export function refusalLog(hasListener: boolean): ((error: OAuthError, req: Request) => void) | undefined {
  if (hasListener || process.env.NODE_ENV === 'production') return undefined
  return ({ code, status, description }, req) => {
    // a device that waits for its user is refused every few seconds, and nothing is wrong
    if (status < 400 || status >= 500 || code === 'authorization_pending') return
    const client = clientOf(req)
    const by = client === undefined ? '' : ` of the client ${client}`
    const ofCode = code === 'invalid_grant' && /\bcode/.test(description) ? codeFix : undefined
    const fix = ofCode ?? fixes[code] ?? 'the description says which part of the request is wrong'
    console.info(
      `express-authorization-server: ${req.method} ${pathOf(req.originalUrl)}${by}: ${code}: ${description} Fix: ${fix}`,
    )
  }
}

/** The id that the request names: in its query, its header or its body. What looks like anything else is not printed. */
function clientOf(req: Request): string | undefined {
  const named = new URLSearchParams(req.originalUrl.split('?')[1] ?? '').get('client_id')
  const [, basic = ''] = /^basic +(\S+)$/i.exec(req.headers.authorization ?? '') ?? []
  // without a colon it may be a secret alone
  const [, sent = ''] = /^([^:]*):/.exec(Buffer.from(basic, 'base64').toString()) ?? []
  const { client_id: parsed } = (req.body ?? {}) as { client_id?: unknown }
  const id = named ?? (sent === '' ? (parsed ?? sentParameters.get(req)?.get('client_id')) : sent)
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(id)) return undefined
  // a secret of ours in the place of an id, as where the two were mixed up
  return id.length === SECRET_LENGTH && /^[\w-]+$/.test(id) ? undefined : id
}
