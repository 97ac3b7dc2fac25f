/** Client authentication at the token, revocation and introspection endpoints: RFC 6749 §2.3.1. */
import type { Request } from 'express'
import { equalDigests, sha256 } from '../crypto'
import { OAuthError } from '../errors'
import { authorizationHeader } from '../http/header'
import { spendAsMuch } from '../passwords/bcrypt'
import { checkChosenSecret } from '../passwords/chosen-secret'
import { requirePlace } from '../passwords/waiting'
import { networkOf } from '../rules/network'
import { decodeUtf8, type RequestParameters, tryDecodeComponent } from '../rules/params'
import type { Client, ClientSecret, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { findClient } from './find'

export interface AuthenticatedClient {
  client: Client
  /** Whether it proved who it is; false for a client that sent no secret because its record allows that. */
  authenticated: boolean
}

interface PresentedCredentials {
  method: TokenEndpointAuthMethod
  clientId: string
  clientSecret: string | undefined
}

/** The client that sent the request. Throws `invalid_client`, with a `Basic` challenge when Basic was tried. */
export async function authenticateClient(
  server: AuthorizationServer,
  req: Request,
  parameters: RequestParameters,
): Promise<AuthenticatedClient> {
  const basic = basicCredentials(req)
  const candidates = basic === undefined ? fromParameters(parameters) : fromBasic(basic, parameters)
  const costly: [Client, string][] = []
  for (const { method, clientId, clientSecret } of candidates) {
    const client = await findClient(server, clientId, networkOf(req.ip))
    if (!client?.tokenEndpointAuthMethods.includes(method)) continue
    if (clientSecret === undefined) return { client, authenticated: false }
    if (isKnownSecret(server, client, clientSecret)) return { client, authenticated: true }
    costly.push([client, clientSecret])
  }
  const client = await findBySlowSecret(server, req, costly, candidates)
  if (client) return { client, authenticated: true }
  const clientId = candidates[0]?.clientId
  server.emit({
    type: 'client.authentication_failed',
    ...(clientId !== undefined && { clientId }),
    reason: candidates.length === 0 ? 'no client credentials' : 'unknown client or wrong credentials',
  })
  // RFC 6749 §5.2 wants the challenge where the client used the Authorization header. Without one elsewhere a browser
  // opens no password dialog over a web page: RFC 9110 §11.6.1 would have it on every 401.
  const headers = basic === undefined ? {} : { 'WWW-Authenticate': 'Basic realm="OAuth", charset="UTF-8"' }
  throw new OAuthError('invalid_client', 'Client authentication failed.', { headers })
}

/** Generated secrets cannot be guessed, and chosen ones that were right before are known: neither is throttled. */
function isKnownSecret(server: AuthorizationServer, client: Client, secret: string): boolean {
  const digest = sha256(secret)
  return validSecrets(server, client).some((kept) => {
    if (kept.digest !== undefined) return equalDigests(kept.digest, digest)
    return server.verifiedSecrets.isKnown(client.clientId, secret, kept.bcrypt)
  })
}

/**
 * Every secret that is not known costs one attempt, and one bcrypt at least: the time must not tell which ids exist. Both
 * readings of Basic are one failure, of the client that is there; where both ids are, each has been guessed at.
 */
async function findBySlowSecret(
  server: AuthorizationServer,
  req: Request,
  costly: readonly [Client, string][],
  candidates: readonly PresentedCredentials[],
): Promise<Client | undefined> {
  const tried = candidates.find(({ clientSecret }) => clientSecret !== undefined)
  if (tried?.clientSecret === undefined) return undefined
  const network = networkOf(req.ip)
  const isRight = (clientId: string, secret: string, hashes: readonly string[]) => {
    const parts = [secret, ...hashes]
    const guess = { kind: 'client_secret', account: clientId, clientId, network, parts, requirePlace } as const
    return checkChosenSecret(server, guess, async () => {
      if (hashes.length === 0) await spendAsMuch(secret, undefined, network)
      for (const hash of hashes) {
        if (await server.verifiedSecrets.verify(clientId, secret, hash, network)) return true
      }
      return undefined
    })
  }
  const chosen = costly.filter(([client]) => chosenHashes(server, client).length > 0)
  if (chosen.length === 0) await isRight(tried.clientId, tried.clientSecret, [])
  for (const [client, secret] of chosen) {
    if (await isRight(client.clientId, secret, chosenHashes(server, client))) return client
  }
  return undefined
}

function chosenHashes(server: AuthorizationServer, client: Client): string[] {
  return validSecrets(server, client).flatMap(({ bcrypt }) => bcrypt ?? [])
}

function validSecrets(server: AuthorizationServer, { secrets }: Client): ClientSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > server.now())
}

/** What follows `Basic ` in the Authorization header; undefined where another scheme or none was used. */
function basicCredentials(req: Request): string | undefined {
  return /^basic(?: +|$)(.*)$/i.exec(authorizationHeader(req))?.[1]
}

/**
 * RFC 6749 §2.3.1 has id and secret form-encoded inside Basic, and half of the libraries do so: decoded first, then as
 * they are. Both tries are one failure.
 */
function fromBasic(basic: string, parameters: RequestParameters): PresentedCredentials[] {
  // RFC 6749 §2.3: a client must not use more than one method in one request
  if (parameters.has('client_secret')) {
    throw new OAuthError('invalid_request', 'Client credentials are both in the Authorization header and in the body.')
  }
  const raw = decodeBasic(basic)
  if (!raw) return []
  const [rawId, rawSecret] = raw
  const id = tryDecodeComponent(rawId)
  const secret = tryDecodeComponent(rawSecret)
  const pairs: [string, string][] = []
  if (id !== undefined && secret !== undefined) pairs.push([id, secret])
  if (id !== rawId || secret !== rawSecret) pairs.push([rawId, rawSecret])
  const named = parameters.get('client_id')
  const same = named === undefined ? pairs : pairs.filter(([clientId]) => clientId === named)
  if (same.length === 0) throw new OAuthError('invalid_request', 'client_id differs from the Authorization header.')
  return (
    same
      // no client has such an id, and no store keeps NUL alike
      .filter(([clientId]) => clientId !== '' && !clientId.includes('\0'))
      .map(([clientId, clientSecret]) => presented(clientId, clientSecret))
  )
}

function presented(clientId: string, clientSecret: string): PresentedCredentials {
  if (clientSecret === '') return { method: 'none', clientId, clientSecret: undefined }
  return { method: 'client_secret_basic', clientId, clientSecret }
}

function decodeBasic(basic: string): [string, string] | undefined {
  const text = /^[A-Za-z0-9+/_-]+={0,2} *$/.test(basic) ? decodeUtf8(Buffer.from(basic, 'base64')) : undefined
  if (text === undefined || text.includes('\0')) return undefined
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

function fromParameters(parameters: RequestParameters): PresentedCredentials[] {
  const clientId = parameters.get('client_id')
  if (clientId === undefined) return []
  const clientSecret = parameters.get('client_secret')
  return [{ method: clientSecret === undefined ? 'none' : 'client_secret_post', clientId, clientSecret }]
}
