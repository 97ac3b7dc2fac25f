/** The format of the clients API: RFC 7591 in JSON, or the format of an existing API. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { grantTypesOf } from '../clients/client'
import { invalid, isAbsent, requireText } from '../clients/member-checks'
import { type BroughtMembers, membersOf } from '../clients/members'
import { metadataNames, readMembers, requireTypes, writeMembers } from '../clients/metadata'
import type { NewClient } from '../clients/records'
import { type OAuthError, toOAuthError } from '../errors'
import { reportError, sendError, sendJson } from '../http/endpoint'
import { jsonMembers } from '../http/request'
import type { RegisterClientOptions } from '../operations/clients'
import { requireFlags, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'

/** The format of the clients API, for an API with existing callers. It changes the format only, not the permissions. */
export interface ClientsFormat {
  /**
   * Reads a request to create or change a client. Returns the members of `registerClient`; null restores a default.
   * Called behind `protect`. The server validates the values afterwards. Throw an `OAuthError` to refuse the request.
   * @default a JSON object with the members of RFC 7591, of which an unknown one is refused
   */
  parse?: (req: Request) => Awaitable<{ readonly [Name in keyof RegisterClientOptions]?: unknown }>
  /**
   * Returns the response to a successful request. `clients` is the affected client, all clients for `list`, none for
   * `delete`. `clientSecret` is set if a secret was generated, or chosen for a new client. Records contain digests of
   * secrets: pick the members to send.
   * @default 201 with the new client, 204 for a deletion, 200 with the client or the list
   */
  present?: (result: {
    readonly action: 'list' | 'create' | 'read' | 'update' | 'delete' | 'secret'
    readonly clients: readonly Client[]
    readonly clientSecret?: string | undefined
  }) => { status: number; body?: unknown }
  /** Returns the response to a refused request. @default the status and the body of RFC 6749 §5.2 */
  presentError?: (error: OAuthError, req: Request) => { status: number; body: unknown }
  /** The HTTP method that changes the named members. @default 'PATCH' */
  updateMethod?: 'PATCH' | 'PUT'
  /** The last path segment of the POST that creates a new secret. @default 'secret' */
  secretPath?: string
  /** Whether lists are paged. @default true */
  paged?: boolean
}

/** The result of a request to the clients API. */
export type ClientsResult = Parameters<NonNullable<ClientsFormat['present']>>[0]

/** A parsed request, with the member names of records. `removed` are members to reset to their default. */
interface ClientRequest {
  readonly metadata: { -readonly [Name in keyof ClientMetadata]: ClientMetadata[Name] }
  readonly removed: readonly (keyof ClientMetadata)[]
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
}

export type CompleteFormat = Required<Omit<ClientsFormat, 'parse'>> & {
  readonly parse: (req: Request) => Awaitable<ClientRequest>
}

const rfc7591 = (rules: BroughtMembers): CompleteFormat => ({
  parse: (req) => parse(req, rules),
  present({ action, clients, clientSecret }) {
    if (action === 'delete') return { status: 204 }
    const described = clients.map((client) => describe(client, rules))
    if (action === 'list') return { status: 200, body: described }
    // RFC 7591 §3.2.1: required beside a secret; 0 means never
    const secret = clientSecret !== undefined && { client_secret: clientSecret, client_secret_expires_at: 0 }
    return { status: action === 'create' ? 201 : 200, body: { ...described[0], ...secret } }
  },
  presentError: (error) => ({ status: error.status, body: error }),
  updateMethod: 'PATCH',
  secretPath: 'secret',
  paged: true,
})

/** Completes the format of a host. Throws a TypeError for a wrong one. */
export function completeFormat(format: ClientsFormat = {}, rules: BroughtMembers = {}): CompleteFormat {
  const standard = rfc7591(rules)
  requireKnown("clientsRouter's format member", format, Object.keys(standard))
  requireFlags("clientsRouter's format", { paged: format.paged })
  const { parse, ...others } = format
  const complete: CompleteFormat = { ...standard, ...others, ...(parse && { parse: checkedParse(parse, rules) }) }
  for (const name of ['parse', 'present', 'presentError'] as const) {
    if (typeof (format[name] ?? complete[name]) !== 'function')
      throw misuse('not_a_function', `clientsRouter's format.${name} must be a function`)
  }
  if (!['PATCH', 'PUT'].includes(complete.updateMethod)) {
    throw misuse('wrong_choice', "clientsRouter's format.updateMethod must be 'PATCH' or 'PUT'")
  }
  if (!/^[\w.~-]+$/.test(complete.secretPath)) {
    throw misuse('wrong_text', "clientsRouter's format.secretPath must be one part of a path, such as 'secret'")
  }
  return complete
}

/** Checks the result of a host's `parse`: otherwise a misspelt member would be ignored silently. */
function checkedParse(parse: NonNullable<ClientsFormat['parse']>, rules: BroughtMembers): CompleteFormat['parse'] {
  const names = metadataNames(rules)
  return async (req) => {
    const { clientId, clientSecret, ...members } = await parse(req)
    requireKnown('client member from format.parse', members, names, names)
    const named = Object.entries(members).filter(([, value]) => value !== undefined && value !== null)
    const metadata: ClientMetadata = Object.fromEntries(named)
    requireTypes(metadata, rules)
    const removed = names.filter((name) => members[name] === null)
    return { metadata, removed, ...({ clientId, clientSecret } as Pick<NewClient, 'clientId' | 'clientSecret'>) }
  }
}

/**
 * A registration ignores unknown members (RFC 7591 §2). The clients API refuses them, so that none is lost silently.
 */
async function parse(req: Request, rules: BroughtMembers): Promise<ClientRequest> {
  const namesByWire = new Map(membersOf(rules).map(([name, { wire }]) => [wire, name]))
  const json = await jsonMembers(req)
  const { client_id: clientId, client_secret: clientSecret, ...members } = json
  const removed: (keyof ClientMetadata)[] = []
  for (const wire of Object.keys(members)) {
    const name = namesByWire.get(wire)
    // shortened: it may be a secret in the wrong place
    if (name === undefined) throw invalid(`${wire.slice(0, 40)} cannot be set here`)
    // as in a merge patch (RFC 7396): null or an empty value removes the member
    if (isAbsent(members[wire])) removed.push(name)
  }
  return {
    metadata: readMembers(members, 'owner', rules),
    removed,
    ...(!isAbsent(clientId) && { clientId: requireText('client_id', clientId) }),
    ...(!isAbsent(clientSecret) && { clientSecret: requireText('client_secret', clientSecret) }),
  }
}

function describe(client: Client, rules: BroughtMembers): Record<string, unknown> {
  const members = writeMembers({ ...client, grantTypes: grantTypesOf(client) }, 'owner', rules)
  return { client_id: client.clientId, client_id_issued_at: client.createdAt, ...members }
}

/** Sends an error in the format. If the format itself throws: 500, and an event that names the fix. */
export function sendFormatted(
  server: AuthorizationServer,
  format: CompleteFormat,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  try {
    const { status, body } = format.presentError(error, req)
    sendJson(res, status, body, error.headers)
  } catch (cause) {
    const fix = "clientsRouter's format.presentError must return { status, body }"
    const failure = toOAuthError(misuse('wrong_answer', fix, { cause }))
    reportError(server, failure)
    sendError(failure, req, res)
  }
}
