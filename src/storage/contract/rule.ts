/** Checks a rule of the storage contract, and reports violations. */
import { strict as assert } from 'node:assert'
import type { Awaitable } from '../../awaitable'
import type { Credential, Grant, OAuthStorage } from '../../storage'

/** Adds a test with the rule as its name. `check` gets an empty store and throws if the rule is broken. */
export type Rule = (name: string, check: (storage: OAuthStorage) => Promise<void>) => void

/** Fails unless the result is exactly this boolean, not 1 or undefined. `because` is the rule and its reason. */
export async function answers(answer: Awaitable<boolean>, expected: boolean, because: string): Promise<void> {
  const given: unknown = await answer
  if (given !== expected) assert.fail(`${because}\n  It must return ${expected}. It returned ${show(given)}.`)
}

/** Fails unless the credential is found, exactly as stored. */
export async function isAlive(storage: OAuthStorage, stored: Credential, because: string): Promise<void> {
  isSame(await storage.grants.find(stored.id), stored, because)
}

/** Fails unless `find` returns undefined, as for a row that never existed. */
export async function isDead(storage: OAuthStorage, { id }: Credential, because: string): Promise<void> {
  const found: unknown = await storage.grants.find(id)
  if (found !== undefined) assert.fail(`${because}\n  find('${id}') must return undefined. It returned ${show(found)}.`)
}

/** Fails unless exactly these grants are listed as alive. */
export async function onlyAlive(storage: OAuthStorage, expected: readonly Grant[], because: string): Promise<void> {
  isSame(await storage.grants.list({ limit: 1000 }), expected, because)
}

/** Fails unless both are the same as JSON: an omitted member may be undefined, but not null. */
export function isSame(found: unknown, expected: unknown, because: string): void {
  const [is, should] = [canonical(found), canonical(expected)]
  if (is === should) return
  let start = 0
  while (is[start] === should[start]) start++
  const part = (json: string) => (start > 60 ? '…' : '') + show(json, Math.max(0, start - 60))
  assert.fail(`${because}\n  Expected: ${part(should)}\n  But it is: ${part(is)}`)
}

/** Fails unless exactly one of the parallel calls of `method` with `same` succeeded. Returns its index. */
export function oneWinner(answered: readonly boolean[], method: string, same: string, because: string): number {
  const [winner, ...others] = answered.flatMap((answer, racer) => (answer === true ? [racer] : []))
  if (winner !== undefined && others.length === 0) return winner
  const times = winner === undefined ? 0 : 1 + others.length
  assert.fail(
    `${method} must be atomic: of ${answered.length} parallel calls with ${same}, ${times} returned true. ${because}`,
  )
}

/** The results of parallel calls. All start before the first is awaited. */
export async function race<T>(racers: number, call: (racer: number) => Awaitable<T>): Promise<T[]> {
  const started = Array.from({ length: racers }, async (_, racer) => call(racer))
  const settled = await Promise.allSettled(started)
  return settled.map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value
    const why = 'A call that loses a race returns false: retry when the database refuses it as busy or in conflict.'
    throw new Error(`One of ${racers} parallel calls threw: ${String(outcome.reason)}. ${why}`, {
      cause: outcome.reason,
    })
  })
}

/** JSON with sorted members. It shows a BigInt, which JSON cannot contain. */
function canonical(value: unknown): string {
  const sorted = (_: string, member: unknown) => {
    if (typeof member === 'bigint') return `BigInt ${member}`
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)))
  }
  return JSON.stringify(value, sorted) ?? 'undefined'
}

function show(value: unknown, from = 0): string {
  const text = typeof value === 'string' ? value : canonical(value)
  return text.length > from + 240 ? `${text.slice(from, from + 240)}…` : text.slice(from)
}
