/** Checks the server at start-up, and warns of likely mistakes. */

import { kindOf, requireCalled, requireFlags } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { limiterThrottle, memoryThrottle } from '../passwords/throttle'
import { isLoopbackHost } from '../rules/loopback'
import type { PkcePolicy } from '../rules/pkce'
import { isMemoryStorage } from '../storage/memory/memory'
import type { AccessTokenFormat } from '../types/access-token'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { WarningCode } from '../types/events'

/** Warns once for each code: through `onEvent`, and on the console for hosts without a listener. */
export function warner(emit: AuthorizationServer['emit']): AuthorizationServer['warn'] {
  const warned = new Set<WarningCode>()
  return (code, message) => {
    if (warned.has(code)) return
    warned.add(code)
    emit({ type: 'warning', code, message })
    console.warn(`express-authorization-server: ${code}: ${message}`)
  }
}

/** Warns of an http URL in production, even if the host allowed it for development. */
export function checkHttps(warn: AuthorizationServer['warn'], option: string, url: string): void {
  if (process.env.NODE_ENV !== 'production' || !url.startsWith('http:')) return
  const effect = 'codes and tokens travel unencrypted, or keys can be exchanged on the way'
  warn('http_issuer_in_production', `the ${option} is ${url}: set ${option} to an https URL, or ${effect}`)
}

/** The checks that need no request. */
export function checkServer(server: AuthorizationServer, storage: unknown): void {
  const { issuer, refreshTokens, accessTokens, warn } = server
  checkHttps(warn, 'issuer', issuer)
  checkCopies(warn)
  const { NODE_ENV: environment = '' } = process.env
  // an https issuer beyond loopback is not an experiment on one's own machine
  const { protocol, hostname } = new URL(issuer)
  const isServing = environment === '' && protocol === 'https:' && !isLoopbackHost(hostname)
  if ((environment === 'production' || isServing) && isMemoryStorage(storage)) {
    warn(
      'memory_storage_in_production',
      'memoryStorage() loses every client and token when the process ends: set storage to a database adapter',
    )
  }
  if (environment === 'production') {
    if (server.clientDocuments?.isDocumentUrl('http://127.0.0.1/client.json') || takesLoopbackUrls(server)) {
      const effect = 'anyone can make this process send requests to local services. Leave the option out'
      warn('loopback_documents_in_production', `dangerouslyAllowLoopback is on: ${effect}`)
    }
  }
  const ttls = [...(server.resourceLimits?.byResource.values() ?? [])].map((limit) => limit.ttl ?? accessTokens.ttl)
  const shortest = Math.min(accessTokens.ttl, ...ttls)
  if (refreshTokens?.rotate && refreshTokens.replayWindow > shortest) {
    const { replayWindow } = refreshTokens
    const message = `replayWindow (${replayWindow} s) is longer than an access token lives (${shortest} s)`
    const fix = 'Lower refreshToken({ replayWindow }), or raise ttl'
    warn('replay_window_exceeds_access_token', `${message}: a repeated response can hold an expired token. ${fix}`)
  }
}

/**
 * The mark of the first copy of this package in the process. All copies use the same symbol, each with its own mark.
 */
const FIRST = Symbol.for('express-authorization-server: the first copy')
const mark = Symbol('copy')

/** Warns of several copies of this package: they do not recognise each other's servers, errors and admissions. */
function checkCopies(warn: AuthorizationServer['warn']): void {
  // test runners load every module again
  if (process.env.NODE_ENV === 'test') return
  const places = globalThis as { [FIRST]?: symbol }
  places[FIRST] ??= mark
  if (places[FIRST] === mark) return
  const effect = 'requireScope and accessToken of one do not see what a guard of the other admitted'
  const fix = 'Install one copy alone (see npm ls express-authorization-server)'
  warn('package_loaded_twice', `two copies of express-authorization-server run in this process: ${effect}. ${fix}`)
}

/** Whether a record may have a loopback URL that this process requests. */
function takesLoopbackUrls({ clientMembers }: AuthorizationServer): boolean {
  const asked = ['jwksUri', 'backchannelLogoutUri', 'sectorIdentifierUri']
  return clientMembers.some(({ name, wire, check }) => {
    try {
      return asked.includes(name) && check?.(wire, 'http://127.0.0.1/x', {}) !== undefined
    } catch {
      return false
    }
  })
}

/** Throws a TypeError if it is not a list of grants, or two have the same name. */
export function verifiedGrants(grants: readonly GrantType[]): readonly GrantType[] {
  const fix = 'grants must be a list such as [authorizationCode(), refreshToken()]'
  if (!Array.isArray(grants) || grants.length === 0) throw misuse('wrong_list', fix)
  const names = new Set<string>()
  const types = new Set<string>()
  for (const grant of grants as (GrantType | undefined)[]) {
    if (typeof grant?.grantType !== 'string' || !(grant.handle || (grant.responseType && grant.authorize))) {
      throw misuse('wrong_capability', `${fix}; a grant has a grantType with handle, or a responseType with authorize`)
    }
    if (names.has(grant.grantType))
      throw misuse('duplicate_name', `grants has ${grant.grantType} more than once: name it once`)
    names.add(grant.grantType)
    if (grant.responseType === undefined) continue
    if (types.has(grant.responseType))
      throw misuse('duplicate_name', `grants has two for response_type ${grant.responseType}: name one`)
    types.add(grant.responseType)
  }
  return grants
}

const pkcePolicies: readonly unknown[] = ['all-clients', 'public-clients', 'optional'] satisfies PkcePolicy[]

/** Options that can be checked alone, as hosts in JavaScript may write them. */
interface PlainOptions {
  pkce?: unknown
  storageTimeout?: unknown
  tokenResponse?: unknown
  onEvent?: unknown
  now?: unknown
  throttle?: { take?: unknown } | false
  allowHttpRedirectUris?: unknown
  dangerouslyAllowHttp?: unknown
  privateUseSchemes?: unknown
}

/** Throws a TypeError for a wrong one. */
export function verifyPlain(options: PlainOptions): void {
  verifyPkce(options.pkce)
  if (options.storageTimeout !== undefined) requireSeconds('storageTimeout', options.storageTimeout, 300)
  for (const name of ['tokenResponse', 'onEvent', 'now'] as const) requireFunction(name, options[name])
  requireCalled('throttle', options.throttle, { memoryThrottle, limiterThrottle })
  if (options.throttle) requireFunction('throttle.take', options.throttle.take ?? null)
  const { allowHttpRedirectUris, dangerouslyAllowHttp } = options
  requireFlags('createAuthorizationServer', { allowHttpRedirectUris, dangerouslyAllowHttp })
  if (!(['any', 'with-dot', undefined] as unknown[]).includes(options.privateUseSchemes)) {
    throw misuse('wrong_choice', "privateUseSchemes must be 'any' or 'with-dot'")
  }
}

function verifyPkce(pkce: unknown): void {
  if (pkce === undefined || pkcePolicies.includes(pkce)) return
  throw misuse('wrong_choice', `pkce must be one of ${pkcePolicies.join(', ')}`)
}

function requireFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw misuse('not_a_function', `${name} must be a function`)
}

/** The grants of the authorization endpoint, by response type. */
export function byResponseType(grants: readonly GrantType[]): ReadonlyMap<string, GrantType> {
  const responses = grants.filter((grant) => grant.authorize)
  return new Map(responses.map((grant) => [grant.responseType as string, grant]))
}

/** Throws a TypeError if it is not an access token format. */
export function verifiedFormat(accessTokens: AccessTokenFormat): AccessTokenFormat {
  if (typeof accessTokens.create === 'function' && typeof accessTokens.locate === 'function') return accessTokens
  throw misuse('wrong_capability', `accessTokens must be opaque() or jwt(), not ${kindOf(accessTokens)}`)
}
