/** Who acts for whom: the claims `act` and `may_act` (RFC 8693 §4.1, §4.4). */
import { isKeepable } from '../rules/keepable'
import type { Actor } from '../types/authorization'

/** Characters of a name of somebody elsewhere: it is kept in each row of the token. */
const LONGEST_NAME = 255
/** Each exchange may add one: a token has to stay small enough for a header. */
const MOST_ACTORS = 8

/** Whether it can be the name of somebody, or of an issuer. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST_NAME && isKeepable(text)
}

/** Who acts now, before those who acted earlier. Undefined where these are too many. */
export function withActor(actor: Actor, before: Actor | undefined): Actor | undefined {
  let actors = 1
  for (let one = before; one; one = one.act) actors++
  if (actors > MOST_ACTORS) return undefined
  return before ? { act: before, ...actor } : actor
}

/**
 * The `act` of a JWT of another issuer: a `sub` without an `iss` is one of that issuer. Undefined for what names nobody. Only
 * what names the actor is kept; a `client_id` would look like one of this server.
 */
export function actorElsewhere(act: unknown, issuer: string, most = MOST_ACTORS): Actor | undefined {
  if (typeof act !== 'object' || act === null || most === 0) return undefined
  const { iss = issuer, sub, act: earlier } = act as Record<string, unknown>
  if (!isName(iss) || !isName(sub)) return undefined
  if (earlier === undefined) return { iss, sub }
  const before = actorElsewhere(earlier, issuer, most - 1)
  return before && { act: before, iss, sub }
}

/**
 * Whether `may_act` of a token of `issuer` names this party. A `sub` without an `iss` is one of that issuer: the same `sub`
 * elsewhere is somebody else. A claim of the party that is not known here could name another one.
 */
export function mayAct(claim: unknown, party: Actor & { readonly iss: string }, issuer: string): boolean {
  if (typeof claim !== 'object' || claim === null) return false
  const named = { ...('sub' in claim && { iss: issuer }), ...claim } as Record<string, unknown>
  const known: Readonly<Record<string, unknown>> = { client_id: party.client_id, iss: party.iss, sub: party.sub }
  if (named.sub === undefined && named.client_id === undefined) return false
  return Object.keys(named).every((name) => named[name] === known[name] && named[name] !== undefined)
}
