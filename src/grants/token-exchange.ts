/** `tokenExchange()`: exchanges a token for another one, by delegation or impersonation (RFC 8693). */
import type { Awaitable } from '../awaitable'
import { getsRefreshToken } from '../clients/client'
import { OAuthError } from '../errors'
import { type TrustedIssuer, trustedIssuers } from '../jwt/trusted-issuers'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { usableScope } from '../rules/resource'
import { requireScopeWithin, type Scope } from '../rules/scope'
import { subjectId } from '../rules/subject'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import type { AllowedExchange, ExchangedSubject, TokenExchange } from '../types/token-exchange'
import { requireOwner } from '../users'
import { type Exchanged, issueExchanged } from './exchange-issue'
import { actorOf, askedOf, isItself, narrowScope, narrowTarget, noted, requireKeys } from './exchange-limits'
import {
  ACCESS_TOKEN,
  type FindOwnToken,
  JWT,
  presentedToken,
  refusedExchange,
  scopeOfHost,
  type TokenSources,
} from './exchange-party'

/** Options of `tokenExchange`. */
export interface TokenExchangeOptions {
  /**
   * Decides about each exchange, after the tokens are verified: `({ client, subject, actor, scope, audience }) => ({
   * userId: subject.userId })`, or undefined to refuse. `scope` grants less, `refreshToken: true` adds a refresh token.
   * A thrown error refuses.
   */
  allow: (exchange: TokenExchange) => Awaitable<AllowedExchange | undefined | null | false>
  /**
   * The foreign issuers whose JWTs are accepted: `{ issuer, jwksUri }` or `{ issuer, keys }`.
   * @default none: only tokens of this server
   */
  issuers?: readonly TrustedIssuer[]
  /**
   * Returns the id of the user of a JWT of the `issuers`, or an object with an `id`; undefined or null refuses.
   * Required with `issuers`.
   * @default none
   */
  user?: (subject: {
    issuer: string
    sub: string
    claims: Readonly<Record<string, unknown>>
    clientId: string
  }) => Awaitable<unknown>
  /**
   * Your own token types: a function for each type URI, which returns `{ userId }`, with `scope`, `expiresAt` and
   * `startedAt` if known. Undefined refuses.
   * @default none
   */
  tokenTypes?: Readonly<
    Record<
      string,
      (
        token: string,
        context: { role: 'subject' | 'actor'; clientId: string },
      ) => Awaitable<ExchangedSubject | undefined | null>
    >
  >
  /**
   * The clients that may exchange tokens without authentication: anyone with a stolen token can send their id.
   * @default none
   */
  publicClients?: readonly string[]
}

const optionNames: readonly string[] = [
  'allow',
  'issuers',
  'user',
  'tokenTypes',
  'publicClients',
] satisfies (keyof TokenExchangeOptions)[]

interface Settings extends TokenSources {
  readonly allow: TokenExchangeOptions['allow']
  readonly publicClients: readonly string[]
}

/**
 * Token exchange (RFC 8693). The new token never exceeds the subject token in scope, audience or lifetime. With an
 * actor token it names the acting party (delegation). `allow` must permit each exchange.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function tokenExchange(options: TokenExchangeOptions): GrantType {
  requireNoMore('tokenExchange', arguments, 1)
  requireKnown('tokenExchange option', options, optionNames, ['allow'])
  const settings = settingsOf(options ?? {})
  return Object.freeze({
    grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
    handle: (server, request) => exchange(server, request, settings),
  } satisfies GrantType)
}

function settingsOf({ allow, issuers, user, tokenTypes = {}, publicClients = [] }: TokenExchangeOptions): Settings {
  if (typeof allow !== 'function') {
    throw misuse(
      'missing_option',
      'tokenExchange needs allow: ({ client, subject, actor, scope }) => ({ userId: subject.userId }), or undefined for no',
    )
  }
  if ((issuers === undefined) !== (user === undefined) || (user !== undefined && typeof user !== 'function')) {
    throw misuse(
      'missing_option',
      'tokenExchange needs issuers and user: ({ issuer, sub }) => user id or undefined, both or neither',
    )
  }
  const known = issuers === undefined ? new Map() : trustedIssuers('tokenExchange', issuers)
  const withProfile = issuers?.find(({ profile }) => profile !== undefined)
  if (withProfile) {
    const fix = `leave the profile of ${withProfile.issuer} out; it is for jwtBearer`
    throw misuse('conflicting_options', `tokenExchange({ issuers }): ${fix}`)
  }
  requireKnown('tokenExchange({ tokenTypes }) type', tokenTypes, Object.keys(tokenTypes ?? {}))
  for (const [type, find] of Object.entries(tokenTypes)) {
    if (!URL.canParse(type) || type === ACCESS_TOKEN || type === JWT || typeof find !== 'function') {
      const example = "{ 'urn:example:token-type:session': (token) => ({ userId }) }"
      const fix = `must be functions by URIs of your own, such as ${example}`
      throw misuse('not_a_function', `tokenExchange({ tokenTypes }) ${fix}`)
    }
  }
  if (!Array.isArray(publicClients) || !publicClients.every((id) => typeof id === 'string' && id !== '')) {
    throw misuse('wrong_list', "tokenExchange({ publicClients }) must be a list of client ids, such as ['spa']")
  }
  return Object.freeze({
    allow,
    issuers: known,
    user: user ?? (() => undefined),
    tokenTypes: new Map<string, FindOwnToken>(Object.entries(tokenTypes)),
    publicClients: Object.freeze([...publicClients]),
  })
}

async function exchange(
  server: AuthorizationServer,
  request: TokenRequest,
  settings: Settings,
): Promise<TokenResponse> {
  const { client, parameters, authenticated } = request
  const { clientId } = client
  // RFC 8693 §2.1: otherwise a stolen token can be exchanged for others
  if (!authenticated && !settings.publicClients.includes(clientId)) {
    throw new OAuthError('unauthorized_client', 'This grant requires client authentication.')
  }
  const asked = askedOf(server, request)
  const subject = await presentedToken(server, request, settings, 'subject')
  const actor = parameters.has('actor_token') ? await presentedToken(server, request, settings, 'actor') : undefined
  requireKeys(server, request, subject, actor)
  const chain = actorOf(server, request, subject, actor)
  const { userId } = subject.party
  if (userId === undefined) {
    // without a user the token belongs to the client itself
    if (subject.party.clientId !== clientId || chain) {
      throw refusedExchange(
        server,
        clientId,
        'The subject_token is of no user: only its own client may exchange it, without an actor.',
      )
    }
    if (client.username !== undefined) await requireOwner(server, client.username)
  }
  const audience = narrowTarget(server, request, subject.party.audience, asked.target)
  const scope = usableScope(server.resourceLimits, audience, narrowScope(server, request, subject.party.scope))
  const offered: TokenExchange = {
    client,
    subject: subject.party,
    ...(actor && { actor: actor.party }),
    scope,
    audience,
  }
  const allowed: unknown = await server.inTime('tokenExchange({ allow })', settings.allow(Object.freeze(offered)))
  if (allowed === undefined || allowed === null || allowed === false) {
    throw refusedExchange(server, clientId, 'This exchange is not allowed.')
  }
  const granted = grantedOf(offered, allowed)
  const exchanged: Exchanged = {
    ...{ subject, scope: granted.scope, audience, issuedType: asked.issuedType },
    ...(chain && { actor: chain }),
    refreshToken: granted.refreshToken && isItself(actor?.party, clientId) && getsRefreshToken(server, client),
    until: Math.min(...[subject, actor].map((one) => one?.party.expiresAt ?? Number.POSITIVE_INFINITY)),
  }
  return noted(issueExchanged(server, request, exchanged), [subject, actor])
}

/** Checks the result of `allow`. Its mistakes are errors of the host, not of the client. */
function grantedOf(offered: TokenExchange, allowed: unknown): { scope: Scope; refreshToken: boolean } {
  const option = 'tokenExchange({ allow })'
  if (typeof allowed !== 'object') {
    throw misuse(
      'wrong_answer',
      `${option} must return { userId: subject.userId } or undefined, not ${kindOf(allowed)}`,
    )
  }
  const said = allowed as Partial<AllowedExchange>
  const names = ['userId', 'scope', 'refreshToken'] satisfies (keyof AllowedExchange)[]
  requireKnown(`${option} member`, said, names, names)
  const { userId, scope, refreshToken = false } = said
  if ((userId === undefined ? undefined : subjectId(userId)) !== offered.subject.userId) {
    throw misuse('wrong_user', `${option} must return the userId of the subject, as { userId: subject.userId }`)
  }
  if (typeof refreshToken !== 'boolean')
    throw misuse('wrong_answer', `${option} must return refreshToken as true or false`)
  if (scope === undefined) return { scope: offered.scope, refreshToken }
  const named = scopeOfHost(option, scope)
  if (named.length === 0 && offered.scope.length > 0) {
    throw new OAuthError('invalid_scope', 'None of the requested scope was granted.')
  }
  try {
    return { scope: requireScopeWithin(named, offered.scope), refreshToken }
  } catch (cause) {
    throw misuse('wrong_answer', `${option} must return a scope within that of the exchange`, { cause })
  }
}
