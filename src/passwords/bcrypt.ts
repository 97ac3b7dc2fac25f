/**
 * bcrypt for passwords and chosen client secrets, in worker threads: bcryptjs blocks the event loop, even its
 * asynchronous functions.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { siteOf } from '../rules/network'
import { workerSource } from './bcrypt-worker-source'
import { isAnyWaiting, type Job, leaveNext, type Task, wait } from './waiting'

/** bcrypt ignores all bytes (in UTF-8) after these: longer secrets with the same beginning would match. */
export const MAX_SECRET_BYTES = 72

const COST = 10
const IDLE_MILLISECONDS = 30_000

// cost 16 takes about five seconds of a core. A greater one is damaged data: 31 would occupy a worker for days
const usableHash = /^\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/

type Answer = { id: number; result: unknown } | { id: number; error: string }

interface Thread {
  worker: Worker
  /** Its current job. Undefined while it is idle. */
  job?: Job | undefined
  idleTimer?: NodeJS.Timeout
}

const threads = new Set<Thread>()
const idle: Thread[] = []
let lastId = 0

/**
 * Returns the bcrypt hash of `secret`: cost 10, a random salt. At most {@link MAX_SECRET_BYTES} bytes and no NUL
 * character, at which other bcrypt implementations stop reading. Networks take turns, as in {@link compareSecret}.
 *
 * @throws RangeError for such a secret; OAuthError `temporarily_unavailable` if too many are waiting.
 */
export async function hashSecret(secret: string, network = ''): Promise<string> {
  if (!isUsableSecret(secret)) {
    throw new RangeError(`A secret has at most ${MAX_SECRET_BYTES} bytes in UTF-8 and no NUL character`)
  }
  return (await run({ secret, cost: COST }, siteOf(network))) as string
}

/**
 * Whether `hash` (`$2a$`, `$2b$` or `$2y$`, cost 4 to 16) is the hash of `secret`. A malformed hash, more than {@link
 * MAX_SECRET_BYTES} bytes and a NUL character give false, and cost as much as a comparison. Networks take turns:
 * secrets of other networks do not delay `network`.
 *
 * @throws OAuthError `temporarily_unavailable` if too many are waiting.
 */
export async function compareSecret(secret: string, hash: string, network = ''): Promise<boolean> {
  const usable = isUsableSecret(secret)
  const cost = bcryptCost(hash)
  const task = { secret: usable ? secret : '', hash: cost === undefined ? dummyHash(COST) : hash }
  const result = await run(task, siteOf(network))
  return usable && cost !== undefined && result === true
}

/**
 * Returns false after as much work as a comparison: for unknown users and clients, so that the time does not reveal
 * which exist.
 */
export async function spendAsMuch(secret: string, cost: number = COST, network = ''): Promise<false> {
  await compareSecret(secret, dummyHash(cost), network)
  return false
}

/** The cost of a bcrypt hash. Undefined for a hash that {@link compareSecret} does not accept. */
export function bcryptCost(hash: unknown): number | undefined {
  const cost = typeof hash === 'string' ? usableHash.exec(hash)?.[1] : undefined
  return cost === undefined ? undefined : Number(cost)
}

function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
}

function isUsableSecret(secret: string): boolean {
  return Buffer.byteLength(secret) <= MAX_SECRET_BYTES && !secret.includes('\0')
}

function run(task: Task, site: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lastId += 1
    wait({ id: lastId, task, site, resolve, reject })
    startWaiting()
  })
}

/** Starts waiting jobs while threads are free. */
function startWaiting(): void {
  while (isAnyWaiting()) {
    let job: Job | undefined
    try {
      const thread = idle.pop() ?? startThread()
      if (!thread) return
      job = leaveNext() as Job
      give(thread, job)
    } catch (error) {
      job ??= leaveNext()
      job?.reject(stopped(error))
    }
  }
}

/** Creates a worker. Undefined if there are enough: one core stays free for the event loop. */
function startThread(): Thread | undefined {
  if (threads.size >= Math.max(1, Math.min(4, availableParallelism() - 1))) return undefined
  // at the first secret: the start of an app does not load it
  const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads')
  const worker = new Worker(workerSource, { eval: true, name: 'bcrypt' })
  const thread: Thread = { worker }
  threads.add(thread)
  worker.on('message', (answer: Answer) => finish(thread, answer))
  worker.on('error', (error) => lose(thread, error))
  worker.on('exit', (code) => lose(thread, `exit code ${code}`))
  return thread
}

function give(thread: Thread, job: Job): void {
  clearTimeout(thread.idleTimer)
  thread.job = job
  // keeps the process alive until this job ends
  thread.worker.ref()
  thread.worker.postMessage({ ...job.task, id: job.id })
}

function finish(thread: Thread, answer: Answer): void {
  const { job } = thread
  // a late result must not answer another job
  if (!job || answer.id !== job.id) return
  thread.job = undefined
  thread.worker.unref()
  thread.idleTimer = setTimeout(() => stop(thread), IDLE_MILLISECONDS).unref()
  idle.push(thread)
  if ('error' in answer) job.reject(new Error(`bcrypt: ${answer.error}`))
  else job.resolve(answer.result)
  startWaiting()
}

/** The worker died, or was stopped. Its job fails without a retry, because it may be the cause. */
function lose(thread: Thread, cause: unknown): void {
  if (!threads.has(thread)) return
  forget(thread)
  thread.job?.reject(stopped(cause))
  startWaiting()
}

function stop(thread: Thread): void {
  forget(thread)
  void thread.worker.terminate()
}

function forget(thread: Thread): void {
  clearTimeout(thread.idleTimer)
  threads.delete(thread)
  const place = idle.indexOf(thread)
  if (place >= 0) idle.splice(place, 1)
}

function stopped(cause: unknown): Error {
  return new Error('A bcrypt worker stopped before it returned a result', { cause })
}
