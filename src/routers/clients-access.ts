/** The clients API's callers: who they are, which records they may change, and how many they may have. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { grantTypesOf } from '../clients/client'
import { verifyWithin } from '../clients/metadata'
import { OAuthError } from '../errors'
import { guardedToken } from '../guard/guard'
import { sentHeader } from '../http/request'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { findResource } from '../rules/resource'
import { includesScope, OFFLINE_ACCESS, type Scope } from '../rules/scope'
import { userIdFrom } from '../rules/subject'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'

/** The caller of the clients API. */
export interface ClientsCaller {
  /** The id of the user, who owns the clients with this `username`. */
  userId?: string
  /** The scopes that the caller may give to a client. */
  scopes: Scope
  /** The resources that the caller may give to a client (RFC 8707). @default all resources of the server */
  audience?: readonly string[]
  /** Whether the caller may see and change every client. @default false */
  admin?: boolean
}

export function verifyOwner(who: ClientsCaller, client: Client | undefined): Client {
  if (client && (who.admin || client.username === who.userId)) return client
  throw noSuchClient()
}

export function noSuchClient(): OAuthError {
  return new OAuthError('invalid_request', 'No client has this id.', { status: 404 })
}

/** The caller from the option, or else from the access token. */
export function callerFrom(
  { inTime }: AuthorizationServer,
  caller: ((req: Request) => Awaitable<ClientsCaller | undefined>) | undefined,
  admin: string | undefined,
): (req: Request) => Awaitable<ClientsCaller | undefined> {
  if (caller) return (req) => inTime("clientsRouter's caller", caller(req))
  return (req) => {
    const token = guardedToken(req)
    if (!token)
      throw new Error('clientsRouter: protect admitted a request without an access token: set the option caller')
    const isAdmin = admin !== undefined && token.scope.includes(admin)
    const { userId, scope: scopes, audience = [] } = token
    return { scopes, audience, admin: isAdmin, ...(userId !== undefined && { userId }) }
  }
}

/**
 * CSRF: a browser adds the host's session cookie to forms of every origin. Checks only requests that a form can send,
 * which excludes JSON, other methods, and an access token in the header. `byToken`: the token identifies the caller.
 */
export function refuseForeignForm(issuer: string, req: Request & { originalMethod?: string }, byToken: boolean): void {
  const { 'content-type': type = '', 'sec-fetch-site': site, origin, host, authorization } = req.headers
  // as sent: method-override lets a form or a link claim another method
  const { originalMethod = req.method } = req
  if (originalMethod !== 'POST' && originalMethod === req.method) return
  // as sent: the host may have built one from a cookie
  const [sent] = sentHeader(req, 'authorization')
  const isProof = authorization === sent && (sent === undefined ? byToken : /^(?:bearer|dpop) /i.test(sent))
  // the token must be admitted: a proxy may add a token of another issuer to every request
  if (/^application\/json\b/i.test(type) || (isProof && guardedToken(req))) return
  // older browsers, and pages without TLS, send only `Origin`; a client that sends neither header is no browser, or a
  // very old one
  const isOurs =
    site === undefined
      ? origin === undefined || isOurOrigin(origin, [host, new URL(issuer).host], new URL(issuer).protocol)
      : site === 'same-origin' || site === 'none'
  if (!isOurs) throw new OAuthError('access_denied', 'Cross-origin form submissions are refused.')
}

function isOurOrigin(origin: string, hosts: readonly (string | undefined)[], protocol: string): boolean {
  if (!URL.canParse(origin)) return false
  const sent = new URL(origin)
  return sent.protocol === protocol && hosts.includes(sent.host)
}

/** A caller without a user owns nothing: otherwise `undefined` would own every client without a `username`. */
export function requireCaller({ resources }: AuthorizationServer, caller: ClientsCaller | undefined): ClientsCaller {
  if (!caller) throw noCaller()
  const userId = userIdFrom("clientsRouter's caller as userId", caller.userId)
  const { scopes, audience, admin } = caller
  if (!Array.isArray(scopes) || !Array.isArray(audience ?? [])) {
    const fix = "clientsRouter's caller must return { userId, scopes } with scopes as a list, or undefined"
    throw misuse('wrong_answer', `${fix}, not ${kindOf(caller)}`)
  }
  if (userId === undefined && admin !== true) throw noCaller()
  const spelled = audience?.map((uri) => findResource(resources, uri) ?? uri)
  return {
    scopes,
    admin: admin === true,
    ...(spelled && { audience: spelled }),
    ...(userId !== undefined && { userId }),
  }
}

function noCaller(): OAuthError {
  return new OAuthError('access_denied', 'The caller may not administer clients.')
}

/**
 * Limits changes of a record. An administrator gives only scopes that they hold. Other callers change only records that
 * they could create as they are.
 */
export function mayWrite(server: AuthorizationServer, who: ClientsCaller, grantTypes: readonly string[]) {
  const { resources: known } = server
  const { userId, audience: resources = known } = who
  // a scope that the server does not have cannot be given: it is removed from the record
  const scopes = server.scopes.has(OFFLINE_ACCESS) ? who.scopes : [...who.scopes, OFFLINE_ACCESS]
  const authority = { userId, scopes, grantTypes, resources, known }
  return (current: Client | undefined, next: ClientMetadata | undefined): void => {
    if (current) verifyOwner(who, current)
    if (!who.admin) {
      if (current) verifyWithin(authority, current, server, current)
      if (next) verifyWithin(authority, next, server, current)
    } else if (!includesScope(scopes, next?.scopes?.filter((scope) => !current?.scopes?.includes(scope)) ?? [])) {
      throw new OAuthError('insufficient_scope', 'A client cannot be given a scope that the caller does not hold.')
    }
  }
}

/**
 * The grants that users without `admin` may give to clients. Throws at start-up if every new client has another grant.
 */
export function ownGrantTypes(
  server: AuthorizationServer,
  grantTypes: readonly string[] | undefined,
  defaults: readonly string[] | undefined,
  owner = 'clientsRouter',
): readonly string[] {
  const usual = grantTypesOf({}).filter((grantType) => server.grants.has(grantType))
  const allowed = grantTypes ?? [...usual, ...(defaults ?? [])]
  if (!Array.isArray(allowed))
    throw misuse('wrong_list', `${owner}'s grantTypes must be a list such as ['refresh_token']`)
  const unknown = allowed.find((grantType) => !server.grants.has(grantType))
  if (unknown !== undefined)
    throw misuse(
      'unknown_to_server',
      `${owner}: the server has no grant type ${unknown}: add it to grants, or leave it out`,
    )
  const beyond = defaults?.find((grantType) => !allowed.includes(grantType))
  if (beyond === undefined) return allowed
  throw misuse(
    'conflicting_options',
    `clientsRouter's defaults give every client ${beyond}: add it to grantTypes, or remove it from defaults`,
  )
}

/** Creates a client for a user who has fewer than `most`. */
export function clientQuota(server: AuthorizationServer, most: number, owner = 'clientsRouter') {
  if (!Number.isSafeInteger(most) || most < 0) {
    throw misuse('wrong_number', `${owner}'s clientsPerUser must be a whole number such as 100`)
  }
  return userQuota(most, server.storage.clients, `A user may have at most ${most} clients: delete one first.`)
}

interface Owned {
  list(query: { username: string; limit: number }): Awaitable<readonly unknown[]>
}

/** Creates a record for a user who has fewer than `most`. */
export function userQuota(most: number, all: Owned, refusal: string) {
  const underWay = new Map<string, number>()
  return async <T>(userId: string, make: () => Promise<T>): Promise<T> => {
    const before = underWay.get(userId) ?? 0
    underWay.set(userId, before + 1)
    try {
      // pending ones count, or many parallel requests would pass together
      const owned = before < most ? (await all.list({ username: userId, limit: most })).length : 0
      if (owned + before < most) return await make()
      throw new OAuthError('access_denied', refusal)
    } finally {
      const left = (underWay.get(userId) as number) - 1
      if (left === 0) underWay.delete(userId)
      else underWay.set(userId, left)
    }
  }
}
