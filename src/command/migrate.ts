/** `migrate`: creates the tables, or upgrades those of an older release. */
import { messageOf } from '../errors'
import type { Command } from './call/call'
import { finished } from './call/interruption'
import { exit } from './call/refusal'
import { databaseOptions, type OpenDatabase, withDatabase } from './database/database'

export const migrate: Command = {
  about: 'Create missing tables, or upgrade those of an older release.',
  details: [
    'Changes nothing where all is there, and may run in any number of processes at once. An upgrade that ends every',
    'session asks first. Redis has no tables: its server is checked.',
  ],
  options: databaseOptions,
  examples: [
    ['migrate', 'the database of DATABASE_URL'],
    ['migrate --database sqlite:oauth.db', 'a file, which is made'],
  ],
  run: (call) =>
    withDatabase(
      call,
      async (database) => {
        const { terminal } = call
        if (await isOlder(database)) {
          await terminal.confirm(`Upgrade ${database.name}? It ends every session, and cannot be undone.`)
        }
        terminal.progress('Migrating…')
        await finished(async () => {
          const made = await database.migrate()
          if (!made) return terminal.result(`${database.name} is ready.`, { ready: true })
          const { from, to, sessionsEnded } = made
          const done =
            from === 0 ? `made, version ${to}` : from === to ? `there, version ${to}` : `upgraded, ${from} to ${to}`
          const ended = sessionsEnded ? ' Every session has ended.' : ''
          return terminal.result(`The tables are ${done}.${ended}`, { from, to, sessionsEnded })
        })
        return exit.done
      },
      { mayCreate: true },
    ),
}

/** Whether an older release created the tables: then every command but `migrate` is refused. */
async function isOlder({ storage }: OpenDatabase): Promise<boolean> {
  try {
    await storage.clients.list({ limit: 1 })
    return false
  } catch (error) {
    return / has version \d+, and this release of \S+ needs /.test(messageOf(error))
  }
}
