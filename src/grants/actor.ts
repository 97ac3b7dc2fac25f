/** Who acts for whom: the claims `act` and `may_act` (RFC 8693 §4.1, §4.4). */
import { isKeepable } from '../rules/keepable'
import type { Actor } from '../types/authorization'

/** The maximum length of a foreign name, which every row of the token contains. */
const LONGEST_NAME = 255
/** The longest chain of actors: each exchange may add one, and the token must fit in a header. */
const MOST_ACTORS = 8

/** Whether a text can name a party or an issuer. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST_NAME && isKeepable(text)
}

/** Puts the current actor before the earlier ones. Undefined if the chain is too long. */
export function withActor(actor: Actor, before: Actor | undefined): Actor | undefined {
  let actors = 1
  for (let one = before; one; one = one.act) actors++
  if (actors > MOST_ACTORS) return undefined
  return before ? { act: before, ...actor } : actor
}

/**
 * Reads the `act` of a foreign JWT: a `sub` without `iss` belongs to its issuer. Undefined if it names no one. Keeps
 * only the name of the actor; a `client_id` would look like a client of this server.
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
 * Whether `may_act` of a token of `issuer` names this party. A `sub` without `iss` belongs to that issuer. Unknown
 * claims of the party refuse: they could name another party.
 */
export function mayAct(claim: unknown, party: Actor & { readonly iss: string }, issuer: string): boolean {
  if (typeof claim !== 'object' || claim === null) return false
  const named = { ...('sub' in claim && { iss: issuer }), ...claim } as Record<string, unknown>
  const known: Readonly<Record<string, unknown>> = { client_id: party.client_id, iss: party.iss, sub: party.sub }
  if (named.sub === undefined && named.client_id === undefined) return false
  return Object.keys(named).every((name) => named[name] === known[name] && named[name] !== undefined)
}
