/** `grants`: lists and ends authorizations. */
import { isExpired } from '../credentials/bound'
import { revokeGrants } from '../operations/grants'
import type { Grant, RevocationTarget } from '../storage'
import { pages } from '../storage/paging'
import type { Call, Command, Group } from './call/call'
import { finished } from './call/interruption'
import { exit, misused } from './call/refusal'
import { shown } from './call/shown'
import { databaseOptions, withDatabase } from './database/database'
import { operatorServer } from './database/operator'

const user = { type: 'string', value: 'ID', words: "the host's id of the user" } as const
const client = { type: 'string', value: 'ID', words: 'the client_id' } as const

const list: Command = {
  about: 'List the live authorizations of a user or client.',
  details: ['Page by page, however many there are. With --json each is one line. Personal tokens are not among them.'],
  options: { user, client, ...databaseOptions },
  examples: [
    ['grants list --user 42', 'which apps a user has let in'],
    ['grants list --client shop --json | wc -l', 'how many authorizations an app has'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const [userId, clientId] = [call.text('user'), call.text('client')]
      if (!userId && !clientId) throw misused('--user or --client is missing.')
      const filter = { ...(userId && { userId }), ...(clientId && { clientId }) }
      const server = operatorServer(database)
      const found = pages(
        (page) => server.storage.grants.list({ ...filter, ...page }),
        ({ id }) => id,
      )
      for await (const page of found) {
        // as in listGrants: a personal access token gives no app access
        const live = page.filter((grant) => grant.data.personalToken === undefined && !isExpired(server, grant))
        for (const grant of live) await call.terminal.result(lineOf(grant), jsonOf(grant))
      }
      return exit.done
    }),
}

const revoke: Command = {
  about: 'End one authorization, or all of a user or client.',
  details: ['Its codes and tokens stop at once, except JWT access tokens, which live until they expire.'],
  options: { grant: { type: 'string', value: 'ID', words: 'one, by its id' }, user, client, ...databaseOptions },
  examples: [
    ['grants revoke --user 42', 'signed out of every app, as after a theft'],
    ['grants revoke --grant Hc4… --yes', 'one, without a question'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const { terminal } = call
      const [target, what] = targetOf(call)
      const server = operatorServer(database)
      await terminal.confirm(`End ${shown(what)}? This cannot be undone.`)
      await finished(async () => {
        await revokeGrants(server, target)
        await terminal.result(`Ended ${shown(what)}.`, { revoked: target })
      })
      return exit.done
    }),
}

export const grants: Group = {
  about: 'What users have authorized: list, revoke.',
  commands: { list, revoke },
}

function targetOf(call: Call): [target: RevocationTarget, what: string] {
  const named = ['grant', 'user', 'client'].flatMap((name) => {
    const id = call.text(name)
    return id ? [[name, id] as const] : []
  })
  const [[name, id] = ['', ''], ...more] = named
  if (more.length > 0 || id === '') throw misused('Exactly one of --grant, --user and --client is needed.')
  if (name === 'grant') return [{ grantId: id }, `the authorization ${id}`]
  if (name === 'user') return [{ userId: id }, `every authorization of the user ${id}`]
  return [{ clientId: id }, `every authorization of the client ${id}`]
}

function lineOf({ id, clientId, userId = '-', scope, startedAt }: Grant): string {
  return [id, clientId, userId, scope.join(' '), timeOf(startedAt)].map((part) => shown(part)).join('\t')
}

function jsonOf({ id, clientId, userId, scope, startedAt, expiresAt }: Grant) {
  return { id, clientId, userId, scope: scope.join(' '), startedAt, expiresAt }
}

/** Formats seconds since the epoch. */
export function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.valueOf()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z')
}
