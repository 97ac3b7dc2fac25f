// A process of its own that migrates the SQLite file it is told, when a line arrives: see sqlite.test.ts.
import Database from 'better-sqlite3'
import { sqliteStorage } from '../../../src/storage/sqlite'

process.stdout.write('ready\n')
process.stdin.once('data', () => {
  const database = new Database(process.argv[2])
  const storage = sqliteStorage(database)
  storage.migrate()
  storage.grants.list({ limit: 1 })
  database.close()
  process.exit(0)
})
