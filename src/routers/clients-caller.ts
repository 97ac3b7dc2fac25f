/** Who calls the clients API, and what they may do with a record: nothing that they could not do without it. */
import type { Request } from 'express'
import { OAuthError } from '../errors'
import { guardedToken } from '../guard'
import { sentAuthorization } from '../http/bearer-token'
import type { MayReplace } from '../operations/clients'
import type { ClientMetadata } from '../rules/client-metadata'
import { includesScope, type Scope } from '../rules/scope'
import { describedName, hasUnseen, MAX_NAME } from '../rules/self-description'
import { subjectId } from '../rules/subject'
import type { Client } from '../storage'

const MAX_DESCRIPTION = 500

/** Who calls the clients API. */
export interface ClientsCaller {
  /** The user: owner of the clients whose `username` this is. */
  userId?: string
  /** What the caller may hand on to a client. */
  scopes: Scope
  /** Whether every client is theirs to see and change. @default false */
  admin?: boolean
}

export function verifyOwner(who: ClientsCaller, client: Client | undefined): Client {
  if (client && (who.admin || client.username === who.userId)) return client
  throw new OAuthError('invalid_request', 'There is no such client.', { status: 404 })
}

/** Asked once more of the record that is replaced: it may have got another owner, or more scopes, since it was read. */
export function mayWrite(who: ClientsCaller, changes: ClientMetadata): MayReplace {
  return (current) => verifyMayWrite(who, changes, verifyOwner(who, current))
}

export function callerByToken(admin: string | undefined) {
  return (req: Request): ClientsCaller | undefined => {
    const token = guardedToken(req)
    if (!token)
      throw new Error('clientsRouter: protect let in no access token, so the option caller must say who calls')
    const isAdmin = admin !== undefined && token.scope.includes(admin)
    return { scopes: token.scope, admin: isAdmin, ...(token.userId !== undefined && { userId: token.userId }) }
  }
}

/**
 * A browser adds the host's session to the forms of every origin (CSRF). What a form cannot send is not looked at: JSON,
 * other methods, and an access token in the header. `byToken`: the caller is whom the token says, wherever it was sent.
 */
export function refuseForeignForm(issuer: string, req: Request & { originalMethod?: string }, byToken: boolean): void {
  const { 'content-type': type = '', 'sec-fetch-site': site, origin, host, authorization } = req.headers
  // as it was sent: hosts that use method-override let a form, or a link, name another one
  const { originalMethod = req.method } = req
  if (originalMethod !== 'POST' && originalMethod === req.method) return
  // as it was sent: not one that the host has made of a cookie
  const [sent] = sentAuthorization(req)
  const isProof = authorization === sent && (sent === undefined ? byToken : /^bearer /i.test(sent))
  // admitted: a proxy may add a token of another issuer to every request
  if (/^application\/json\b/i.test(type) || (isProof && guardedToken(req))) return
  // older browsers, and pages without TLS, say where they come from in `Origin` alone; who says nothing is no browser, or a
  // very old one
  const isOurs =
    site === undefined
      ? origin === undefined || isOurOrigin(origin, [host, new URL(issuer).host], new URL(issuer).protocol)
      : site === 'same-origin' || site === 'none'
  if (!isOurs) throw new OAuthError('access_denied', 'A form of another origin may not administer clients.')
}

function isOurOrigin(origin: string, hosts: readonly (string | undefined)[], protocol: string): boolean {
  if (!URL.canParse(origin)) return false
  const sent = new URL(origin)
  return sent.protocol === protocol && hosts.includes(sent.host)
}

/** A caller without a user owns nothing: without this, `undefined` would own every client that has no `username`. */
export function requireCaller(caller: ClientsCaller | undefined): ClientsCaller {
  const userId = subjectId(caller?.userId)
  if (!caller || !Array.isArray(caller.scopes) || (userId === undefined && caller.admin !== true)) {
    throw new OAuthError('access_denied', 'The caller may not administer clients.')
  }
  return { scopes: caller.scopes, admin: caller.admin === true, ...(userId !== undefined && { userId }) }
}

/** Nobody grants what they do not hold, gives away their clients, or makes exceptions to the server's rules but admins. */
export function verifyMayWrite(who: ClientsCaller, changes: ClientMetadata, current?: Client): void {
  // for others than admins also what it holds already: a new secret or redirect URI would hand all of that to the caller
  const granted = who.admin ? (changes.scopes ?? []) : (changes.scopes ?? current?.scopes ?? [])
  const added = who.admin ? granted.filter((scope) => !current?.scopes?.includes(scope)) : granted
  if (!includesScope(who.scopes, added)) {
    throw new OAuthError('insufficient_scope', 'A client cannot be given a scope that the caller does not hold.')
  }
  if (who.admin) return
  if (changes.username !== undefined && changes.username !== who.userId) {
    throw new OAuthError('access_denied', 'Only an administrator may name another user.')
  }
  if ((changes.resourceServer ?? false) !== false || changes.requirePkce === false) {
    throw new OAuthError('access_denied', 'Only an administrator may set resource_server or lift PKCE.')
  }
  verifyWords(changes, current)
}

/** What others read on the consent page is written by the caller, whom nobody has checked. The id stands where there is no name. */
export function verifyWords(
  { name, description, clientId }: Pick<ClientMetadata, 'name' | 'description'> & { clientId?: string | undefined },
  current?: Client,
): void {
  for (const [member, words] of [
    ['client_name', name === current?.name ? undefined : name],
    ['client_id', clientId],
  ]) {
    // the same, because what is stored here is not trimmed
    if (words === undefined || describedName(words) === words) continue
    const rule = `must have a letter or digit, at most ${MAX_NAME} characters, no space around it, and nothing that is not seen.`
    throw new OAuthError('invalid_client_metadata', `${member} ${rule}`)
  }
  if (description === undefined || description === current?.description) return
  if (description.length <= MAX_DESCRIPTION && !hasUnseen(description.replace(/[\t\r\n]/g, ''))) return
  const rule = `must have at most ${MAX_DESCRIPTION} characters, and nothing that is not seen.`
  throw new OAuthError('invalid_client_metadata', `client_description ${rule}`)
}
