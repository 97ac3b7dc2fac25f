/**
 * Rows of credentials: the values that a secret is bound to, and the digest that covers both. Columns serve lookups and
 * revocations. If they differ from the bound values, the credential is dead.
 */
import { type Awaitable, whenReady } from '../awaitable'
import { equalDigests, sha256 } from '../crypto'
import type { Credential, Writable } from '../storage'
import type { Authorization, RequestBinding } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { CredentialKind } from './kinds'
import { grantIdOf } from './split-token'

/** The values that a secret is bound to. They never change. */
export type Bound = Omit<Authorization, 'clientId'> & RequestBinding

/** The version of the formula for `digest`. A new formula gets the next number; rows of this one stay readable. */
const FORMAT = 1

type Lifetime = Pick<Credential, 'issuedAt' | 'expiresAt'>

/** The members of an authorization that have a column. */
type Columns = Pick<Authorization, 'clientId' | 'userId' | 'grantId' | 'scope' | 'startedAt'>

/** The names of a row, and its secret. `state` defaults to the digest, which is unique. */
type Made = Pick<Credential, 'id' | 'kind'> & { readonly secret: string; readonly state?: string }

/** The row of a secret for an authorization. `data` has the values that are not bound. */
export function credentialOf(
  made: Made,
  authorization: Authorization,
  lifetime: Lifetime,
  bound: Bound = boundBy(authorization),
  data?: Readonly<Record<string, unknown>>,
): Credential {
  const row = rowOf(made, authorization, lifetime, Object.freeze({ format: FORMAT, bound, ...data }))
  row.digest = digestOf(row, made.secret)
  row.state = made.state ?? row.digest
  return row
}

/** A row that no secret opens. */
export function lockedRow(
  made: Pick<Credential, 'id' | 'kind' | 'state'>,
  authorization: Columns,
  lifetime: Lifetime,
  data: Readonly<Record<string, unknown>> = {},
): Credential {
  const row = rowOf(made, authorization, lifetime, data)
  row.state = made.state
  return row
}

// written out, without undefined members, which some databases cannot distinguish from null
function rowOf(
  { id, kind }: Pick<Credential, 'id' | 'kind'>,
  { clientId, userId, grantId, scope, startedAt }: Columns,
  { issuedAt, expiresAt }: Lifetime,
  data: Readonly<Record<string, unknown>>,
): Writable<Credential> {
  const row: Writable<Credential> = {
    id,
    kind,
    state: '',
    digest: '',
    clientId,
    scope,
    startedAt,
    issuedAt,
    expiresAt,
    data,
  }
  if (userId !== undefined) row.userId = userId
  if (grantId !== undefined) row.grantId = grantId
  return row
}

/** The values that the row's secret is bound to. */
export function boundOf({ data }: Pick<Credential, 'data'>): Bound {
  return data.bound as Bound
}

/** The authorization of a row. */
export function authorizationOf(row: Credential): Authorization {
  const bound = boundOf(row)
  const authorization: Record<string, unknown> = { clientId: row.clientId }
  // a loop takes half the time of a rest pattern
  for (const name of Object.keys(bound)) {
    if (!Object.hasOwn(ofRequest, name)) authorization[name] = bound[name as keyof Bound]
  }
  return authorization as unknown as Authorization
}

/** What a row is bound to beside its authorization. */
const ofRequest: { readonly [Name in keyof RequestBinding]-?: true } = {
  codeChallenge: true,
  redirectUri: true,
  dpopJkt: true,
  nonce: true,
  source: true,
  request: true,
  parameters: true,
  askedAt: true,
  again: true,
  network: true,
  device: true,
  subject: true,
}

/** Whether this is the row's secret, and the row is unaltered. */
export function hasSecret(row: Credential, secret: string): boolean {
  return row.data.format === FORMAT && equalDigests(row.digest, digestOf(row, secret)) && isAsBound(row)
}

/**
 * The digest of a secret of 256 bits and the bound values. If an adapter drops or alters one of these, the token stops
 * working; it never becomes broader, unbound or irrevocable. `format` 1.
 */
function digestOf({ id, clientId, data }: Credential, secret: string): string {
  const members = [FORMAT, grantIdOf(id), clientId, secret, data.bound]
  // the same text, faster: rows are created in this order, and most stores keep it
  return sha256(isInOrder(data.bound) ? JSON.stringify(members) : canonical(members))
}

/**
 * Whether the columns match the bound values. A code gets its grant when it is used, and a device code gets the user's
 * answer.
 */
function isAsBound({ id, kind, state, userId, grantId, scope, startedAt, data }: Credential): boolean {
  const bound = ((kind === 'device_code' && data.answer) || data.bound) as Bound
  return (
    userId === bound.userId &&
    startedAt === bound.startedAt &&
    (grantId === bound.grantId || (state === 'used' && grantId === grantIdOf(id))) &&
    isSameList(scope, bound.scope)
  )
}

function isSameList(list: readonly string[], other: readonly string[]): boolean {
  if (list.length !== other.length) return false
  for (let at = 0; at < list.length; at++) if (list[at] !== other[at]) return false
  return true
}

/** JSON with sorted names, because a database may reorder them. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members: string[] = []
  for (const name of Object.keys(value).sort()) {
    const member: unknown = (value as Record<string, unknown>)[name]
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonical(member)}`)
  }
  return `{${members.join()}}`
}

/**
 * The bound values of an authorization, with sorted names and frozen, so that its rows can share them. The client has a
 * column, and is part of the digest separately.
 */
export function boundBy(authorization: Authorization & RequestBinding): Bound {
  if (authorization === latest?.authorization) return latest.bound
  // sorted by hand: for half a dozen names `sort` takes longer than everything else here
  const names = Object.keys(authorization) as (keyof Authorization)[]
  for (let next = 1; next < names.length; next++) {
    const name = names[next] as keyof Authorization
    let at = next
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as keyof Authorization
    names[at] = name
  }
  const made: Record<string, unknown> = {}
  for (const name of names) {
    const value = authorization[name]
    if (name === 'clientId' || value === undefined) continue
    made[name] = Array.isArray(value) ? frozenList(value) : value
  }
  const bound = Object.freeze(made) as unknown as Bound
  latest = { authorization, bound }
  return bound
}

/** Rows of one authorization are created consecutively, and share this. */
let latest: { authorization: Authorization; bound: Bound } | undefined

/** Returns the list if frozen, or else a frozen copy: an object from the host's storage is not changed. */
export function frozenList<T>(list: readonly T[]): readonly T[] {
  return Object.isFrozen(list) ? list : Object.freeze([...list])
}

/** Whether JSON would write it with sorted names at every level. */
function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) {
    for (const member of value) if (!isInOrder(member)) return false
    return true
  }
  let before = ''
  for (const name in value) {
    if (name < before || !isInOrder((value as Record<string, unknown>)[name])) return false
    before = name
  }
  return true
}

/** A credential is dead in the second named by `expiresAt`. */
export function isExpired(server: Pick<AuthorizationServer, 'now'>, row: { expiresAt: number }): boolean {
  return row.expiresAt <= server.now()
}

/** Finds a credential of this id and kind: a refresh token is never accepted as an access token. */
export function findCredential(
  server: AuthorizationServer,
  id: string,
  kind: CredentialKind,
): Awaitable<Credential | undefined> {
  return whenReady(server.storage.grants.find(id), (found) => (found?.kind === kind ? found : undefined))
}

/** The default clock, in whole seconds. */
export const systemClock = (): number => Math.floor(Date.now() / 1000)
