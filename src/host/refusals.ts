/**
 * In development, prints a line for each refused request: the client, the reason, and what to check. Never a secret.
 */
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

/** Also for refresh tokens and passwords. */
const codeFix = 'a code is good once and for a minute, with the same client, redirect_uri and code_verifier'

/** The parameters that were read here, because the request does not keep them. Filled only if the line is printed. */
export const sentParameters: WeakMap<Request, RequestParameters> = new WeakMap()

/** Prints the line if the host has no listener. Undefined in production, and with a listener. */
export function refusalLog(hasListener: boolean): ((error: OAuthError, req: Request) => void) | undefined {
  if (hasListener || process.env.NODE_ENV === 'production') return undefined
  return ({ code, status, description }, req) => {
    // a device that polls is refused every few seconds as expected
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

/** The client id in the query, header or body. Anything that does not look like an id is not printed. */
function clientOf(req: Request): string | undefined {
  const named = new URLSearchParams(req.originalUrl.split('?')[1] ?? '').get('client_id')
  const [, basic = ''] = /^basic +(\S+)$/i.exec(req.headers.authorization ?? '') ?? []
  // without a colon it may be only a secret
  const [, sent = ''] = /^([^:]*):/.exec(Buffer.from(basic, 'base64').toString()) ?? []
  const { client_id: parsed } = (req.body ?? {}) as { client_id?: unknown }
  const id = named ?? (sent === '' ? (parsed ?? sentParameters.get(req)?.get('client_id')) : sent)
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(id)) return undefined
  // a secret in place of the id, as after a mix-up
  return id.length === SECRET_LENGTH && /^[\w-]+$/.test(id) ? undefined : id
}
