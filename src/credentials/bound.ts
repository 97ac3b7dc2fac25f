/**
 * Rows of credentials: what a secret is bound to when it is made, and the digest that covers both. Columns are there for
 * look-ups and revocations; where they differ from what was bound, the credential is dead.
 */
import { type Awaitable, whenReady } from '../awaitable'
import { equalDigests, sha256 } from '../crypto'
import type { Credential, Writable } from '../storage'
import type { Authorization, RequestBinding } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { CredentialKind } from './kinds'
import { grantIdOf } from './split-token'

/** What a secret stands for. It never changes afterwards. */
export type Bound = Omit<Authorization, 'clientId'> & RequestBinding

/** The formula by which `digest` is made. A later one gets the next number, and rows of this one are still read. */
const FORMAT = 1

type Lifetime = Pick<Credential, 'issuedAt' | 'expiresAt'>

/** What of an authorization has a column of its own. */
type Columns = Pick<Authorization, 'clientId' | 'userId' | 'grantId' | 'scope' | 'startedAt'>

/** How a row is named, and its secret. Without `state` it is in that of its digest: no two secrets have the same. */
type Made = Pick<Credential, 'id' | 'kind'> & { readonly secret: string; readonly state?: string }

/** The row of a secret that stands for an authorization. `data` is what is not bound. */
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

// written out, without members that have no value: not every database keeps an undefined one apart from null
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

/** What was bound when the secret of the row was made. */
export function boundOf({ data }: Pick<Credential, 'data'>): Bound {
  return data.bound as Bound
}

/** What the row stands for. */
export function authorizationOf(row: Credential): Authorization {
  const {
    codeChallenge,
    redirectUri,
    dpopJkt,
    nonce,
    source,
    request,
    parameters,
    askedAt,
    again,
    network,
    subject,
    ...authorization
  } = boundOf(row)
  return { clientId: row.clientId, ...authorization }
}

/** Whether this is the secret of the row, and the row what it was when it was made. */
export function hasSecret(row: Credential, secret: string): boolean {
  return row.data.format === FORMAT && equalDigests(row.digest, digestOf(row, secret)) && isAsBound(row)
}

/**
 * The digest of a secret of 256 bits and of what it is bound to. If an adapter drops or alters one of these, the token
 * stops working; it never becomes broader, unbound or irrevocable. `format` 1.
 */
function digestOf({ id, clientId, data }: Credential, secret: string): string {
  const members = [FORMAT, grantIdOf(id), clientId, secret, data.bound]
  // the same text, sooner: rows are made in this order, and most stores keep it
  return sha256(isInOrder(data.bound) ? JSON.stringify(members) : canonical(members))
}

/**
 * A code gets its grant when it is used, and that of a device what its user has answered; every other column stays what was
 * bound.
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

/** JSON with sorted names: a database may have its own order for them. */
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
 * What the rows of an authorization have in common, with sorted names and frozen: they may share it. The client has its
 * column, and stands in the digest by itself.
 */
export function boundBy(authorization: Authorization & RequestBinding): Bound {
  if (authorization === latest?.authorization) return latest.bound
  // sorted by hand: `sort` takes longer than all that is made of half a dozen names
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

/** The rows of one authorization are made one after the other, and share this. */
let latest: { authorization: Authorization; bound: Bound } | undefined

/** The list, or a frozen copy: what came from a host's storage stays the host's. */
export function frozenList<T>(list: readonly T[]): readonly T[] {
  return Object.isFrozen(list) ? list : Object.freeze([...list])
}

/** Whether JSON would write it with sorted names, all the way down. */
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

/** The credential of that id if it is of that kind: a refresh token is no access token, whatever its secret. */
export function findCredential(
  server: AuthorizationServer,
  id: string,
  kind: CredentialKind,
): Awaitable<Credential | undefined> {
  return whenReady(server.storage.grants.find(id), (found) => (found?.kind === kind ? found : undefined))
}

/** The clock of a server whose host gives none, in whole seconds. */
export const systemClock = (): number => Math.floor(Date.now() / 1000)
