/** `clientSecret()`: client secrets in the Authorization header and in the body, RFC 6749 §2.3.1. */

import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { equalDigests, sha256 } from '../crypto'
import { OAuthError } from '../errors'
import { authorizationHeader } from '../http/request'
import { requireNoMore } from '../options/known'
import { spendAsMuch } from '../passwords/bcrypt'
import { checkChosenSecret } from '../passwords/chosen-secret'
import { requirePlace } from '../passwords/waiting'
import { networkOf } from '../rules/network'
import { decodeUtf8, tryDecodeComponent } from '../rules/params'
import type { Client, ClientSecret } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientAuthentication, EndpointRequest, PresentedCredentials } from '../types/capability'
import { findClient, secretMethods } from './client'

type Pair = readonly [clientId: string, secret: string]

interface PresentedSecret extends PresentedCredentials {
  /** Every way to read the credentials. Together they are one attempt. */
  readonly readings: readonly Pair[]
  readonly req: Request
}

/**
 * Authenticates clients by a secret: `client_secret_basic` and `client_secret_post`. Generated secrets are compared by
 * digest. Chosen secrets are throttled, verified with bcrypt, and remembered after a success. An unknown client costs
 * the same time as a known one.
 */
export function clientSecret(): ClientAuthentication {
  requireNoMore('clientSecret', arguments, 0)
  return Object.freeze({ methods: secretMethods, presented, verify } satisfies ClientAuthentication<PresentedSecret>)
}

function presented(request: EndpointRequest): PresentedSecret[] {
  const { req, parameters } = request
  const basic = /^basic(?: +|$)(.*)$/i.exec(authorizationHeader(req))?.[1]
  if (basic !== undefined) return fromBasic(basic, request)
  const [clientId, secret] = [parameters.get('client_id'), parameters.get('client_secret')]
  if (secret === undefined) return []
  const readings: Pair[] = clientId === undefined ? [] : [[clientId, secret]]
  return [{ method: 'client_secret_post', clientId, explicit: true, readings, req }]
}

function fromBasic(basic: string, { req, parameters }: EndpointRequest): PresentedSecret[] {
  // RFC 6749 §2.3: a client must not use more than one method in one request
  if (parameters.has('client_secret')) {
    throw new OAuthError('invalid_request', 'Client credentials are both in the Authorization header and in the body.')
  }
  const named = parameters.get('client_id')
  const pairs = pairsOf(basic)
  const readings: Pair[] = []
  for (const pair of pairs) {
    const [clientId] = pair
    // no client has such an id, and stores treat NUL differently
    const isUsable = clientId !== '' && !clientId.includes('\0')
    if (isUsable && clientId === (named ?? clientId)) readings.push(pair)
  }
  if (named !== undefined && pairs.length > 0 && readings.length === 0) {
    throw new OAuthError('invalid_request', 'client_id differs from the Authorization header.')
  }
  const challenge = 'Basic realm="OAuth", charset="UTF-8"'
  const [first] = readings
  // an empty secret counts as no secret, in each reading
  if (first?.[1] === '') {
    return readings.map(([clientId]) => ({ method: 'none', clientId, explicit: true, challenge, readings: [], req }))
  }
  return [{ method: 'client_secret_basic', clientId: first?.[0], explicit: true, challenge, readings, req }]
}

/**
 * RFC 6749 §2.3.1 form-encodes id and secret inside Basic. Half of the libraries do: try decoded first, then as sent.
 */
function pairsOf(basic: string): Pair[] {
  const text = /^[A-Za-z0-9+/_-]+={0,2} *$/.test(basic) ? decodeUtf8(Buffer.from(basic, 'base64')) : undefined
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || text.includes('\0') || colon < 0) return []
  const [rawId, rawSecret] = [text.slice(0, colon), text.slice(colon + 1)]
  const [id, secret] = [tryDecodeComponent(rawId), tryDecodeComponent(rawSecret)]
  // no client id contains NUL, which some stores refuse
  if (id === undefined || secret === undefined || id.includes('\0')) return [[rawId, rawSecret]]
  const isPlain = id === rawId && secret === rawSecret
  return isPlain
    ? [[id, secret]]
    : [
        [id, secret],
        [rawId, rawSecret],
      ]
}

function verify(
  server: AuthorizationServer,
  client: Client | undefined,
  presented: PresentedSecret,
): Awaitable<{ client: Client } | undefined> {
  const [first] = presented.readings
  // the usual case, without a promise
  if (client && first && isKnownSecret(server, client, first[1])) return { client }
  return verifyReadings(server, client, presented)
}

async function verifyReadings(
  server: AuthorizationServer,
  client: Client | undefined,
  { method, clientId: first, readings, req }: PresentedSecret,
): Promise<{ client: Client } | undefined> {
  const costly: [Client, string][] = []
  for (const [clientId, secret] of readings) {
    const found = clientId === first ? client : await findClient(server, clientId, req)
    if (!found?.tokenEndpointAuthMethods.includes(method)) continue
    if (isKnownSecret(server, found, secret)) return { client: found }
    costly.push([found, secret])
  }
  return findBySlowSecret(server, networkOf(req.ip), costly, readings)
}

/** Generated secrets cannot be guessed, and verified secrets are known: neither is throttled. */
function isKnownSecret(server: AuthorizationServer, client: Client, secret: string): boolean {
  const digest = sha256(secret)
  for (const kept of client.secrets) {
    if (!isValid(server, kept)) continue
    const isKnown =
      kept.digest === undefined
        ? server.verifiedSecrets.isKnown(client.clientId, secret, kept.bcrypt)
        : equalDigests(kept.digest, digest)
    if (isKnown) return true
  }
  return false
}

/**
 * Every unknown secret costs one attempt and at least one bcrypt per reading, so that the time does not reveal which
 * ids exist. Both readings of Basic are one failure of the client that exists. If both ids exist, each counts a
 * failure: only then does the count reveal an id with `+` or `%`, which only hosts choose.
 */
async function findBySlowSecret(
  server: AuthorizationServer,
  network: string,
  costly: readonly (readonly [Client, string])[],
  readings: readonly Pair[],
): Promise<{ client: Client } | undefined> {
  const chosen = new Map<string, Client>()
  for (const [client] of costly) if (chosenHashes(server, client).length > 0) chosen.set(client.clientId, client)
  const [first] = readings
  const accounts = chosen.size > 0 ? [...chosen.keys()] : first ? [first[0]] : []
  for (const [at, account] of accounts.entries()) {
    const client = chosen.get(account)
    const hashes = client ? chosenHashes(server, client) : []
    // a reading with an unknown id shares the attempt of the first account
    const tried = readings.filter(([id]) => id === account || (at === 0 && !chosen.has(id)))
    const parts = [...tried.flat(), ...hashes]
    const guess = { kind: 'client_secret', account, clientId: account, network, parts, requirePlace } as const
    const isRight = await checkChosenSecret(server, guess, async () => {
      let found: true | undefined
      for (const [id, secret] of tried) {
        if (id !== account || hashes.length === 0) await spendAsMuch(secret, undefined, network)
        for (const hash of id === account ? hashes : []) {
          if (await server.verifiedSecrets.verify(account, secret, hash, network)) found = true
        }
        if (found) return found
      }
      return found
    })
    if (isRight && client) return { client }
  }
  return undefined
}

function chosenHashes(server: AuthorizationServer, client: Client): string[] {
  return client.secrets.filter((kept) => isValid(server, kept)).flatMap(({ bcrypt }) => bcrypt ?? [])
}

function isValid({ now }: AuthorizationServer, { expiresAt }: ClientSecret): boolean {
  return expiresAt === undefined || expiresAt > now()
}
