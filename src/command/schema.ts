/** `schema`: prints the tables as SQL, for hosts that run their own migrations. */
import { mysqlSchema } from '../storage/mysql/mysql'
import { postgresSchema } from '../storage/postgres/postgres'
import { sqliteSchema } from '../storage/sqlite/sqlite'
import { type Command, oneOf } from './call/call'
import { exit, misused } from './call/refusal'

const kinds = ['postgres', 'mysql', 'sqlite'] as const

export const schema: Command = {
  about: 'Print the tables as SQL, for a migration of your own.',
  details: [
    '`migrate` runs the same. For MySQL the statements are separated by DELIMITER, as the mysql client takes them;',
    'with --json they are a list of single statements. Redis has no tables.',
  ],
  values: ['postgres|mysql|sqlite'],
  options: {
    prefix: { type: 'string', value: 'NAME', words: 'the prefix of the tables. Without it oauth_' },
    schema: { type: 'string', value: 'NAME', words: 'the schema of the tables in PostgreSQL' },
    upgrade: { type: 'boolean', words: 'upgrade tables of version 1, which ends every session' },
  },
  examples: [
    ['schema postgres > migrations/001-oauth.sql', 'a migration'],
    ['schema mysql --prefix auth_', 'with names of your own'],
  ],
  async run({ values: [named = ''], text, flag, terminal }) {
    const kind = oneOf('The database', named, kinds)
    const [prefix, schemaName] = [text('prefix'), text('schema')]
    if (schemaName !== undefined && kind !== 'postgres') throw misused('--schema is for postgres alone.')
    if (flag('upgrade') && kind === 'mysql') throw misused('--upgrade: no release has made version 1 in MySQL.')
    const options = { ...(prefix !== undefined && { prefix }), ...(flag('upgrade') && { from: 1 as const }) }
    const sql =
      kind === 'postgres'
        ? postgresSchema({ ...options, ...(schemaName !== undefined && { schema: schemaName }) })
        : kind === 'sqlite'
          ? sqliteSchema(options)
          : mysqlSchema(prefix === undefined ? {} : { prefix })
    const script = typeof sql === 'string' ? sql : forClient(sql)
    if (terminal.json) await terminal.result('', { sql })
    else await terminal.exact(script)
    return exit.done
  },
}

/** Procedures contain semicolons, so the client needs another delimiter. */
function forClient(statements: readonly string[]): string {
  return [
    'DELIMITER $$',
    ...statements.map((statement) => `${statement.replace(/;\s*$/, '')}\n$$`),
    'DELIMITER ;',
  ].join('\n')
}
