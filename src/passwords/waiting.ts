/**
 * The bcrypt queue, by the sender's site. Sites take turns. If the queue is full, the site with the most jobs loses
 * one: fewer sites than places cannot block another site.
 */
import { OAuthError } from '../errors'
import { siteOf } from '../rules/network'

/**
 * A check costs the server a tenth of a second, and the sender nothing: an endless queue would serve no one in time.
 */
const MAX_WAITING = 1024

/** A bcrypt job: compare a secret with a hash, or make a hash of this cost. */
export type Task = { secret: string; hash: string } | { secret: string; cost: number }

export interface Job {
  readonly id: number
  readonly task: Task
  /** The site of the sender. */
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

/** Adds a job, behind those of its site. Throws like {@link requirePlace}. */
export function wait(job: Job): void {
  const { site } = job
  if (count >= MAX_WAITING) displaceFor(site)
  count += 1
  const ofSite = waiting.get(site)
  if (ofSite) ofSite.push(job)
  else waiting.set(site, [job])
}

/** Removes the next job. Sites take turns: a site that sends a hundred secrets delays only itself. */
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
 * Throws `temporarily_unavailable` if this network has no place, before any work: the queue is full, and no other
 * network has more places than this one would have.
 */
export function requirePlace({ network = '' }: { network?: string } = {}): void {
  if (count >= MAX_WAITING) heaviestBeside(siteOf(network))
}

export function tooManyAtOnce(): OAuthError {
  const headers = { 'Retry-After': '1' }
  return new OAuthError('temporarily_unavailable', 'Too many sign-ins at once.', { status: 503, headers })
}

/** Removes the site's latest job, which has waited the shortest time. */
function displaceFor(site: string): void {
  const jobs = heaviestBeside(site)
  count -= 1
  jobs.pop()?.reject(tooManyAtOnce())
}

/** The jobs of the site with the most. Throws if it would then have fewer than `site`. */
function heaviestBeside(site: string): Job[] {
  let heaviest: Job[] = []
  for (const jobs of waiting.values()) if (jobs.length > heaviest.length) heaviest = jobs
  const own = waiting.get(site)?.length ?? 0
  if (heaviest.length <= own + 1) throw tooManyAtOnce()
  return heaviest
}
