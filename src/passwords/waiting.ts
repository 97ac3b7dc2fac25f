/**
 * Those that wait for bcrypt, by the site that they come from. Sites take turns, and when all places are taken the one
 * that has most of them gives one up: fewer sites than there are places cannot shut out another one.
 */
import { OAuthError } from '../errors'
import { siteOf } from '../rules/network'

/** A login costs us a tenth of a second and the sender nothing: an endless queue would answer nobody in time. */
const MAX_WAITING = 1024

/** What bcrypt is to do: compare a secret with a hash, or make one of that cost. */
export type Task = { secret: string; hash: string } | { secret: string; cost: number }

export interface Job {
  readonly id: number
  readonly task: Task
  /** Where the secret comes from. */
  readonly site: string
  resolve(result: unknown): void
  reject(error: Error): void
}

/** The first site has the next turn. */
const waiting = new Map<string, Job[]>()
let count = 0

export function isAnyWaiting(): boolean {
  return count > 0
}

/** Adds one, at the end of those of its site. Throws as {@link requirePlace} does. */
export function wait(job: Job): void {
  const { site } = job
  if (count >= MAX_WAITING) displaceFor(site)
  count += 1
  const ofSite = waiting.get(site)
  if (ofSite) ofSite.push(job)
  else waiting.set(site, [job])
}

/** The next one, site by site in turn: who sends a hundred secrets waits for them, and nobody else does. */
export function leaveNext(): Job | undefined {
  const [next] = waiting
  if (!next) return undefined
  const [site, jobs] = next
  waiting.delete(site)
  const job = jobs.shift()
  if (jobs.length > 0) waiting.set(site, jobs)
  count -= 1
  return job
}

/**
 * Throws `temporarily_unavailable` where there is no place for one more of that network, before anything is spent on it:
 * all are taken, and no other network has more of them than this one would have.
 */
export function requirePlace({ network = '' }: { network?: string } = {}): void {
  if (count >= MAX_WAITING) heaviestBeside(siteOf(network))
}

export function tooManyAtOnce(): OAuthError {
  const headers = { 'Retry-After': '1' }
  return new OAuthError('temporarily_unavailable', 'Too many sign-ins at once.', { status: 503, headers })
}

/** The last to come is the first to go: it has waited for the shortest time. */
function displaceFor(site: string): void {
  const jobs = heaviestBeside(site)
  count -= 1
  jobs.pop()?.reject(tooManyAtOnce())
}

/** Those of the site that has most of them; throws where that would have fewer than `site` then. */
function heaviestBeside(site: string): Job[] {
  let heaviest: Job[] = []
  for (const jobs of waiting.values()) if (jobs.length > heaviest.length) heaviest = jobs
  const own = waiting.get(site)?.length ?? 0
  if (heaviest.length <= own + 1) throw tooManyAtOnce()
  return heaviest
}
