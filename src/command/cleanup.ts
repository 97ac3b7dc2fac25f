/** `cleanup`: deletes expired rows from the database. */
import { deleteInBatches } from '../storage/paging'
import type { Command } from './call/call'
import { finished, wasInterrupted } from './call/interruption'
import { exit } from './call/refusal'
import { databaseOptions, withDatabase } from './database/database'
import { operatorServer } from './database/operator'

export const cleanup: Command = {
  about: 'Delete expired codes and tokens.',
  details: [
    'In batches of a thousand, beside a running server. Ctrl-C stops after the batch that is under way. A host that',
    'calls startCleanup() needs no such command, and Redis expires by itself.',
  ],
  options: databaseOptions,
  examples: [['cleanup', 'for example each night, by cron']],
  run: (call) =>
    withDatabase(call, async (database) => {
      const { terminal } = call
      const server = operatorServer(database)
      let deleted = 0
      const counted = {
        async deleteExpired(now: number, limit: number) {
          const batch = await server.storage.grants.deleteExpired(now, limit)
          deleted += batch
          terminal.progress(`Deleted ${deleted}…`)
          return batch
        },
      }
      await finished(async () => {
        await deleteInBatches(counted, server.now, wasInterrupted)
        const done = !wasInterrupted()
        await terminal.result(`Deleted ${deleted} expired codes and tokens${done ? '' : '. Stopped: run it again'}.`, {
          deleted,
          done,
        })
      })
      return exit.done
    }),
}
