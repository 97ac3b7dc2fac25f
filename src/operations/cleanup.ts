/** Deletes expired rows from the storage at regular intervals. */
import { toOAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { deleteInBatches } from '../storage/paging'
import type { AuthorizationServer } from '../types/authorization-server'

/** The longest delay of a Node timer is slightly less than 25 days. */
const LONGEST = 24 * 86_400

/** Options of `startCleanup`. */
export interface CleanupOptions {
  /** Seconds before the first run, and between the end of one run and the next. @default 3600 */
  every?: number
}

/**
 * Deletes expired rows every `every` seconds, in batches with pauses for other work. Runs never overlap, and the timer
 * does not keep the process alive. A failure is an `error` event, and the next run tries again. Several processes may
 * clean one store. Redis expires rows itself and needs no clean-up. Returns a function that stops the clean-up; its
 * promise resolves when the running batch has ended.
 *
 * @throws TypeError when `every` is not a whole number of seconds up to 24 days.
 */
export function startCleanup(server: AuthorizationServer, options: CleanupOptions = {}): () => Promise<void> {
  requireNoMore('startCleanup', arguments, 2)
  requireServer(server)
  requireKnown('startCleanup option', options, ['every'])
  const { every = 3600 } = options
  requireSeconds('startCleanup({ every })', every, LONGEST)
  let stopped = false
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout

  async function run(): Promise<void> {
    try {
      await deleteInBatches(server.storage.grants, server.now, () => stopped)
    } catch (error) {
      server.emit({ type: 'error', error: toOAuthError(error) })
    }
  }
  function schedule(): void {
    timer = setTimeout(() => {
      running = run().then(() => {
        if (!stopped) schedule()
      })
    }, every * 1000).unref()
  }

  schedule()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}
