/** What an exchange may be at most (RFC 8693): by its parameters, by its tokens, and by the keys that these are bound to. */
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

/** What a request asks for, before any token is looked at. Throws for what no token could be exchanged for. */
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
  // of the formats jwt() alone has public keys
  if (issuedType !== ACCESS_TOKEN && !(issuedType === JWT && server.accessTokens.jwks)) {
    throw new OAuthError('invalid_request', 'The requested_token_type is not issued here.')
  }
  // both are URIs of the server's resources: it knows no other names of them
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
 * A token that is bound to a key does not become one that is bound to none. Its own client proves that key, and so does one
 * that nobody has authenticated: a thief of the token could be that client with a key of their own (RFC 9449, RFC 8705).
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
  // who acts is who sends the request
  const { confirmation: bound } = actor?.party ?? {}
  if (bound) requireSameKeys(server, clientId, bound, confirmation)
}

/** Who acts for the subject by the new token; undefined where nobody but the subject is named (RFC 8693 §1.1). */
export function actorOf(
  server: AuthorizationServer,
  { client: { clientId } }: TokenRequest,
  subject: PresentedToken,
  actor: PresentedToken | undefined,
): Actor | undefined {
  const { claims, issuer, actor: before } = subject.party
  // who acts as somebody else by that token would be named as that one
  if (actor?.party.actor) {
    throw refusedExchange(server, clientId, 'The actor_token was exchanged: another party acts by it already.')
  }
  const itself = { client_id: clientId, iss: server.issuer, sub: clientId }
  const party = actor ? namedBy(actor) : itself
  // RFC 8693 §4.4: what the subject token says of it is not for the host alone to decide
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

/** What was asked, or all that the client may have, as far as the subject token goes. */
export function narrowScope(server: AuthorizationServer, { client, parameters }: TokenRequest, ceiling?: Scope): Scope {
  const asked = parameters.get('scope')
  if (ceiling === undefined) return resolveScope(server, client, asked)
  const limit = intersectScope(ceiling, scopesOfClient(server.scopes, client))
  const named = asked === undefined ? limit : (scopeWithin(server.scopes, client, asked, limit) ?? limit)
  // without `scope` the answer would mean all that was asked (RFC 6749 §5.1)
  if (named.length > 0 || ceiling.length === 0) return named
  throw new OAuthError('invalid_scope', 'The client may have nothing of the scope of the subject_token.')
}

/** The same for the APIs that the new token is for (RFC 8707). */
export function narrowTarget(
  server: AuthorizationServer,
  { client }: TokenRequest,
  ceiling: Audience | undefined,
  target: string | undefined,
): Audience {
  return ceiling ? narrowAudience(server, client, ceiling, target) : resolveAudience(server, client, target)
}

/** A session would go on when an actor who is somebody else, or a token of theirs, has ended. */
export function isItself(actor: ExchangeParty | undefined, clientId: string): boolean {
  return actor === undefined || (actor.userId === undefined && actor.clientId === clientId)
}

/** A personal token says when it was used. After the answer, as behind a guard. */
export async function noted(
  response: Promise<TokenResponse>,
  tokens: readonly (PresentedToken | undefined)[],
): Promise<TokenResponse> {
  const made = await response
  for (const token of tokens) if (token?.used) setImmediate(token.used)
  return made
}
