/** Introspection at a remote server: RFC 7662. */
import { createLRU } from 'lru.min'
import { type Awaitable, whenReady } from '../awaitable'
import { sha256 } from '../crypto'
import { invalidToken } from '../errors'
import { fetchJson } from '../fetch/json'
import { DETAILS, isAuthorizationDetails } from '../rules/authorization-details'
import { accessTokenOfClaims } from '../tokens/claims'
import type { AccessToken } from '../types/access-token'

const MAX_REMEMBERED = 10_000

/** The client that an API uses to introspect tokens. */
export interface IntrospectionClient {
  /** The client id. The server's record has `resourceServer`: `true`, or a list with the `resource` of this API. */
  clientId: string
  /** The client secret, sent by Basic (RFC 6749 §2.3.1). */
  clientSecret: string
}

export interface IntrospectionOptions {
  issuer: string
  client: IntrospectionClient
  /** Returns the URL of the endpoint. */
  endpoint: () => Awaitable<unknown>
  allowHttp?: boolean
  /** Seconds that a response is cached. */
  cache: number
  now: () => number
}

const tokenTypes: readonly string[] = ['bearer', 'dpop']

/** Introspects a token. Throws `invalid_token` if it is not active, and another error without a response. */
export function remoteIntrospection(options: IntrospectionOptions): (token: string) => Awaitable<AccessToken> {
  const { cache, now } = options
  // only active tokens: others are endless, and would evict these
  const remembered = createLRU<string, { accessToken: AccessToken; at: number }>({ max: MAX_REMEMBERED })
  return (token) => {
    const digest = cache > 0 ? sha256(token) : ''
    const known = cache > 0 ? remembered.get(digest) : undefined
    if (known && Math.abs(now() - known.at) < cache && !isOver(known.accessToken, now())) return known.accessToken
    const at = now()
    return whenReady(ask(options, token), (accessToken) => {
      if (cache > 0) remembered.set(digest, { accessToken, at })
      return accessToken
    })
  }
}

function isOver({ expiresAt }: AccessToken, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

async function ask(
  { issuer, client, endpoint, allowHttp = false, now }: IntrospectionOptions,
  token: string,
): Promise<AccessToken> {
  const answer = await fetchJson(await endpoint(), allowHttp, {
    method: 'POST',
    headers: { authorization: basic(client) },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  })
  if (answer.active !== true) throw invalidToken()
  const { iss = issuer, nbf = 0, token_type: type } = answer
  // a refresh token of this client is active too
  if (iss !== issuer || Number(nbf) > now() || !tokenTypes.includes(String(type).toLowerCase())) throw invalidToken()
  const accessToken = parseAnswer(answer)
  // RFC 9449 §6.2: without its key it would pass as a bearer token
  if (String(type).toLowerCase() === 'dpop' && accessToken.confirmation?.jkt === undefined) throw invalidToken()
  if (isOver(accessToken, now())) throw invalidToken()
  return accessToken
}

/** RFC 6749 §2.3.1: both parts are form-encoded. */
function basic({ clientId, clientSecret }: IntrospectionClient): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`
}

/** RFC 7662 §2.2. */
function parseAnswer(answer: Record<string, unknown>): AccessToken {
  const { client_id: clientId, sub, scope = '', exp, aud = [], [DETAILS]: details, auth_time, acr, cnf } = answer
  const { act, token_exchange } = answer
  const audience: unknown = typeof aud === 'string' ? [aud] : aud
  if (
    typeof clientId !== 'string' ||
    typeof scope !== 'string' ||
    (sub !== undefined && typeof sub !== 'string') ||
    (exp !== undefined && !Number.isFinite(exp)) ||
    !(Array.isArray(audience) && audience.every((one) => typeof one === 'string')) ||
    (details !== undefined && !isAuthorizationDetails(details))
  ) {
    throw new Error('The introspection response has members of wrong types, or no client_id')
  }
  return accessTokenOfClaims({
    client_id: clientId,
    ...(sub !== undefined && { sub }),
    scope,
    ...(exp !== undefined && { exp: exp as number }),
    aud: audience as string[],
    ...{ auth_time, acr },
    ...(details !== undefined && { [DETAILS]: details }),
    ...(cnf !== undefined && { cnf }),
    ...(act !== undefined && { act }),
    ...(token_exchange !== undefined && { token_exchange }),
  })
}
