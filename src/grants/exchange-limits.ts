/** The limits of a token exchange (RFC 8693): by its parameters, its tokens, and the keys that these are bound to. */
import { OAuthError } from '../errors'
import { requireParameter } from '../rules/params'
import { type Audience, narrowAudience, resolveAudience } from '../rules/resource'
import { intersectScope, resolveScope, type Scope, scopesOfClient, scopeWithin } from '../rules/scope'
import { requireKeys as requireSameKeys } from '../sender-constraints/bound-keys'
import { refusedProof } from '../sender-constraints/refusal'
import type { Actor } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import type { ExchangeParty } from '../types/token-exchange'
import { mayAct, withActor } from './actor'
import { ACCESS_TOKEN, JWT, type PresentedToken, refusedExchange } from './exchange-party'

/** Reads the parameters before any token is checked. Throws for a request that no token could satisfy. */
export function askedOf(
  server: AuthorizationServer,
  { client, parameters }: TokenRequest,
): { issuedType: string; target: string | undefined } {
  requireParameter(parameters, 'subject_token')
  requireParameter(parameters, 'subject_token_type')
  if (parameters.has('actor_token')) requireParameter(parameters, 'actor_token_type')
  else if (parameters.has('actor_token_type')) {
    throw new OAuthError('invalid_request', 'actor_token_type must not be sent without actor_token.')
  }
  const issuedType = parameters.get('requested_token_type') ?? ACCESS_TOKEN
  // only the format jwt() has public keys
  if (issuedType !== ACCESS_TOKEN && !(issuedType === JWT && server.accessTokens.jwks)) {
    throw new OAuthError('invalid_request', 'The requested_token_type is not issued here.')
  }
  // both are URIs of the server's resources; it knows no other names
  const named = ['resource', 'audience'].flatMap((name) => parameters.get(name) ?? [])
  const target = named.length > 0 ? named.join(' ') : undefined
  if (target !== undefined && server.resources.length === 0) {
    throw new OAuthError('invalid_target', 'This server issues no tokens for single resources.')
  }
  resolveScope(server, client, parameters.get('scope'))
  resolveAudience(server, client, target)
  return { issuedType, target }
}

/**
 * A bound token is never exchanged for an unbound one. Its own client proves the key. So does an unauthenticated
 * client: a thief of the token could send any client id with their own key (RFC 9449, RFC 8705).
 */
export function requireKeys(
  server: AuthorizationServer,
  { client: { clientId }, confirmation, authenticated }: TokenRequest,
  { party: { clientId: holder, confirmation: held } }: PresentedToken,
  actor: PresentedToken | undefined,
): void {
  if (held && (holder === clientId || !authenticated)) requireSameKeys(server, clientId, held, confirmation)
  if (held && !confirmation) {
    throw refusedProof(server, 'The subject_token is bound to a key: prove a key for the new token.', { clientId })
  }
  // the actor is the one who sends the request
  const { confirmation: bound } = actor?.party ?? {}
  if (bound) requireSameKeys(server, clientId, bound, confirmation)
}

/** The actor of the new token, with earlier actors. Without an actor token: the subject token's actor (RFC 8693 §1.1). */
export function actorOf(
  server: AuthorizationServer,
  { client: { clientId } }: TokenRequest,
  subject: PresentedToken,
  actor: PresentedToken | undefined,
): Actor | undefined {
  const { claims, issuer, actor: before } = subject.party
  // an actor that acts for someone else would be recorded as that person
  if (actor?.party.actor) {
    throw refusedExchange(server, clientId, 'The actor_token was exchanged: another party acts by it already.')
  }
  const itself = { client_id: clientId, iss: server.issuer, sub: clientId }
  const party = actor ? namedBy(actor) : itself
  // RFC 8693 §4.4: `may_act` in the subject token binds, whatever the host allows
  if (claims?.may_act !== undefined && !mayAct(claims.may_act, party, issuer)) {
    throw refusedExchange(server, clientId, 'may_act of the subject_token names another party.')
  }
  if (!actor) return before
  const { iss, ...identity } = party
  const named = withActor(iss === server.issuer ? identity : party, before)
  if (named) return named
  throw refusedExchange(server, clientId, 'Too many parties have acted by the subject_token already.')
}

function namedBy({ party: { clientId, issuer, sub } }: PresentedToken): Actor & { iss: string } {
  return { ...(clientId !== undefined && { client_id: clientId }), iss: issuer, sub }
}

/** The requested scope, or the client's whole scope, limited by the subject token. */
export function narrowScope(server: AuthorizationServer, { client, parameters }: TokenRequest, ceiling?: Scope): Scope {
  const asked = parameters.get('scope')
  if (ceiling === undefined) return resolveScope(server, client, asked)
  const limit = intersectScope(ceiling, scopesOfClient(server.scopes, client))
  const named = asked === undefined ? limit : (scopeWithin(server.scopes, client, asked, limit) ?? limit)
  // without `scope` the response would mean the whole requested scope (RFC 6749 §5.1)
  if (named.length > 0 || ceiling.length === 0) return named
  throw new OAuthError('invalid_scope', 'The client may have nothing of the scope of the subject_token.')
}

/** The same for the resources of the new token (RFC 8707). */
export function narrowTarget(
  server: AuthorizationServer,
  { client }: TokenRequest,
  ceiling: Audience | undefined,
  target: string | undefined,
): Audience {
  return ceiling ? narrowAudience(server, client, ceiling, target) : resolveAudience(server, client, target)
}

/** Whether the actor is the client itself. For another actor a session would outlive its token. */
export function isItself(actor: ExchangeParty | undefined, clientId: string): boolean {
  return actor === undefined || (actor.userId === undefined && actor.clientId === clientId)
}

/** Records the use of a personal access token after the response, as the guard does. */
export async function noted(
  response: Promise<TokenResponse>,
  tokens: readonly (PresentedToken | undefined)[],
): Promise<TokenResponse> {
  const made = await response
  for (const token of tokens) if (token?.used) setImmediate(token.used)
  return made
}
