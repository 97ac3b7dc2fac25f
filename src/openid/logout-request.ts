/**
 * A logout request: the client, the session, and where the browser goes afterwards (RP-Initiated Logout 1.0 §2, §3).
 */

import type { Request } from 'express'
import { findClient } from '../clients/client'
import { sha256 } from '../crypto'
import { OAuthError } from '../errors'
import { signJwt } from '../jwt/sign'
import type { JwtKind } from '../jwt/verify'
import type { RequestParameters } from '../rules/params'
import { withParameters } from '../rules/redirect-uri'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { type IdTokenClaims, readIdToken, readOwnJwt } from './id-token'
import { sidOf } from './sessions'
import type { Settings } from './settings'

/** The signed-in user and session of a browser. */
export interface Browser {
  readonly userId: string
  readonly name: string
  readonly sessionId?: string
}

/** Where the browser goes afterwards: a URI that the client registered. */
export interface Onward {
  readonly client: Client
  readonly uri: string
  readonly state?: string
}

export interface LogoutRequest {
  readonly client: Client | undefined
  readonly hint: IdTokenClaims | undefined
  readonly onward: Onward | undefined
}

/** Reads and checks the parameters. Throws before anything ends. */
export async function readLogoutRequest(
  { ring }: Settings,
  server: AuthorizationServer,
  parameters: RequestParameters,
  req: Request,
): Promise<LogoutRequest> {
  const sent = parameters.get('id_token_hint')
  // an invalid hint counts as none: its key may be gone, and the user wants to sign out anyway
  const hint = sent === undefined ? undefined : readIdToken(ring(), server.issuer, sent)
  const client = await clientOf(server, parameters, hint, req)
  return { client, hint, onward: onwardOf(client, parameters) }
}

/** §2: the client of the request. `client_id` and the hint must agree. */
async function clientOf(
  server: AuthorizationServer,
  parameters: RequestParameters,
  hint: IdTokenClaims | undefined,
  req: Request,
): Promise<Client | undefined> {
  const clientId = parameters.get('client_id') ?? hint?.aud
  if (clientId === undefined) return undefined
  if (hint && hint.aud !== clientId) throw wrong('id_token_hint is an id_token of another client than client_id.')
  const client = await findClient(server, clientId, req)
  if (client && !client.disabled) return client
  throw wrong('The client of the request is unknown.')
}

/** §3: must equal a registered URI, or the endpoint would be an open redirector. */
function onwardOf(client: Client | undefined, parameters: RequestParameters): Onward | undefined {
  const uri = parameters.get('post_logout_redirect_uri')
  if (uri === undefined) return undefined
  if (!client) {
    if (parameters.has('id_token_hint')) return undefined
    throw wrong('post_logout_redirect_uri needs id_token_hint or client_id beside it.')
  }
  const onward = onwardTo(client, uri, parameters.get('state'))
  if (onward) return onward
  throw wrong('post_logout_redirect_uri is not registered for this client.')
}

/** The URI to redirect to. Undefined if the client has not registered it. */
export function onwardTo(client: Client, uri: string, state: string | undefined): Onward | undefined {
  if (!client.postLogoutRedirectUris?.includes(uri)) return undefined
  return { client, uri, ...(state !== undefined && { state }) }
}

export function locationOf({ uri, state }: Onward): string {
  return state === undefined ? uri : withParameters(uri, [['state', state]], 'query')
}

function wrong(description: string): OAuthError {
  return new OAuthError('invalid_request', description)
}

/** Whether the hint belongs to this browser's user and session: then its client may end it without a question. */
export async function isOfSession(
  { subjects }: Settings,
  server: AuthorizationServer,
  { client, hint }: LogoutRequest,
  { userId, sessionId }: Browser,
): Promise<boolean> {
  if (!client || !hint || (await subjects.subjectOf(server, client, userId)) !== hint.sub) return false
  const { sid } = hint
  return sid === undefined || (sessionId !== undefined && sid === sidOf(server, client.clientId, sessionId))
}

/**
 * The hidden field of the question: the signed question, and who was asked. It needs no row, and a stranger's form
 * cannot contain this session's value.
 */
export const TRANSACTION = 'sign_out_transaction'
/** The name of the buttons. */
export const ANSWER = 'sign_out'
const SECONDS_TO_ANSWER = 600

interface AskedClaims {
  readonly iss: string
  readonly exp: number
  /** The digest of the user and session that were asked. */
  readonly browser: string
  readonly client?: string
  readonly uri?: string
  readonly state?: string
}

const askedJwt: JwtKind<AskedClaims> = {
  type: 'sign-out+jwt',
  isClaims(claims): claims is AskedClaims {
    if (typeof claims !== 'object' || claims === null) return false
    const { iss, exp, browser } = claims as Record<string, unknown>
    return [iss, browser].every((claim) => typeof claim === 'string') && Number.isFinite(exp)
  },
}

/** Returns the field's value for this browser. */
export function signQuestion(
  { ring }: Settings,
  { issuer, now }: AuthorizationServer,
  browser: Browser,
  onward: Onward | undefined,
): string {
  const { client, uri, state } = onward ?? {}
  const asked = { browser: digestOf(browser), client: client?.clientId, uri, state }
  return signJwt(askedJwt.type, { ...asked, iss: issuer, exp: now() + SECONDS_TO_ANSWER }, ring().signing)
}

/** Returns the question to this browser. Undefined if it is too old, forged, or of another session. */
export function readQuestion(
  { ring }: Settings,
  { issuer, now }: AuthorizationServer,
  browser: Browser,
  value: string,
): AskedClaims | undefined {
  const asked = readOwnJwt(ring(), issuer, value, askedJwt)
  return asked && asked.exp > now() && asked.browser === digestOf(browser) ? asked : undefined
}

function digestOf({ userId, sessionId }: Browser): string {
  return sha256(JSON.stringify([userId, sessionId ?? null]))
}
