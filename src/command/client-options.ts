/** The arguments of `clients add` as a client to register. */
import type { RegisterClientOptions } from '../operations/clients'
import type { TokenEndpointAuthMethod } from '../storage'
import type { Call, Options } from './call/call'
import { misused } from './call/refusal'
import { readSecret, SOURCES } from './call/secret'

export const addOptions: Options = {
  id: { type: 'string', value: 'ID', words: 'the client_id. Without it a generated one' },
  name: { type: 'string', value: 'TEXT', words: 'what users read on the consent page' },
  description: { type: 'string', value: 'TEXT', words: 'what users read below it' },
  owner: { type: 'string', value: 'ID', words: "the host's id of the user who owns the record" },
  'redirect-uri': { type: 'string', multiple: true, value: 'URI', words: 'where codes are sent. May be repeated' },
  scope: { type: 'string', value: "'A B'", words: 'the scope that it may ask for' },
  'grant-type': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    words: 'may be repeated. Without it authorization_code and refresh_token',
  },
  public: { type: 'boolean', words: 'it can keep no secret: a mobile app, a single page, a program' },
  method: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    words: 'how it authenticates (RFC 7591 §2). May be repeated. Without it with a secret',
  },
  'secret-from': { type: 'string', value: 'SOURCE', words: `a chosen secret: ${SOURCES}` },
  'jwks-uri': { type: 'string', value: 'URL', words: 'where its public keys are, for --method private_key_jwt' },
  resource: { type: 'string', multiple: true, value: 'URI', words: 'an API that it may ask for (RFC 8707)' },
  'cors-origin': { type: 'string', multiple: true, value: 'ORIGIN', words: 'where its scripts run' },
}

/** The client to register, and the server options that it needs. */
export function newClient(call: Call) {
  const methods = call.list('method')
  if (call.flag('public') && methods.length > 0) throw misused('--public and --method exclude each other.')
  const tokenEndpointAuthMethods = (call.flag('public') ? ['none'] : methods) as TokenEndpointAuthMethod[]
  const scopes = call.text('scope')?.split(' ').filter(Boolean) ?? []
  const [redirectUris, grantTypes] = [call.list('redirect-uri'), call.list('grant-type')]
  const [resources, corsOrigins] = [call.list('resource'), call.list('cors-origin')]
  const source = call.text('secret-from')
  const members = {
    clientId: call.text('id'),
    clientSecret: source === undefined ? undefined : readSecret('secret-from', source),
    name: call.text('name'),
    description: call.text('description'),
    username: call.text('owner'),
    redirectUris,
    scopes,
    grantTypes: orUndefined(grantTypes),
    tokenEndpointAuthMethods: orUndefined(tokenEndpointAuthMethods),
    jwksUri: call.text('jwks-uri'),
    resources: orUndefined(resources),
    corsOrigins: orUndefined(corsOrigins),
  }
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return {
    options: Object.fromEntries(given) as RegisterClientOptions,
    known: { scopes, grantTypes, resources },
  }
}

const orUndefined = <Item>(list: readonly Item[]) => (list.length > 0 ? list : undefined)
