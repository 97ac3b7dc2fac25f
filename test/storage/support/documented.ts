/** A store that is called as examples/storage-adapter/README.md says, or fails: what is really handed over is watched. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credential, Grant, OAuthStorage } from '../../../src/index'

export const page = readFileSync(join(__dirname, '../../../examples/storage-adapter/README.md'), 'utf8')

export interface Bound {
  least: number
  most: number
  /** A class of characters, as in a regular expression. */
  characters: string
}

/** The table of columns: by `Client.clientId` and so on. */
export const bounds: Readonly<Record<string, Bound>> = Object.fromEntries(
  [...page.matchAll(/^\| (`\w+\.\w+`(?:, `\w+\.\w+`)*) \| (\d+) to (\d+) \| `(\[.+\])` \|$/gm)].flatMap(
    ([, names = '', least, most, characters = '']) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => [
        name,
        { least: Number(least), most: Number(most), characters },
      ]),
  ),
)

const KIBIBYTES_OF_JSON = Number(/at most (\d+) KiB/.exec(page)?.[1])

/** What a text is that the page does not allow, or undefined. */
function fault(name: string, value: unknown): string | undefined {
  const { least, most, characters } = bounds[name] as Bound
  const isRight = typeof value === 'string' && new RegExp(`^${characters}{${least},${most}}$`).test(value)
  return isRight ? undefined : `${name} is ${JSON.stringify(value)}`
}
const faultOfText = (name: string, value: unknown) =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\0') ? undefined : `${name} is odd text`
const faultOfTimes = (row: object) =>
  Object.entries(row).find(([name, value]) => /At$/.test(name) && !(Number.isSafeInteger(value) && value >= 0))?.[0]
const faultOfJson = (name: string, value: unknown) =>
  Buffer.byteLength(JSON.stringify(value)) <= KIBIBYTES_OF_JSON * 1024 ? undefined : `${name} is too long`
const faultOfScope = ({ scope }: { scope: readonly string[] }) =>
  scope.find((word) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word))

function faultsOfCredential(row: Credential): (string | undefined)[] {
  return [
    ...(['id', 'kind', 'state', 'digest', 'clientId'] as const).map((name) => fault(`Credential.${name}`, row[name])),
    row.grantId === undefined ? undefined : fault('Credential.grantId', row.grantId),
    row.userId === undefined ? undefined : faultOfText('Credential.userId', row.userId),
    faultOfTimes(row),
    faultOfScope(row),
    faultOfJson('Credential.data', row.data),
  ]
}
function faultsOfGrant(row: Grant): (string | undefined)[] {
  return [
    fault('Grant.id', row.id),
    fault('Grant.clientId', row.clientId),
    row.userId === undefined ? undefined : faultOfText('Grant.userId', row.userId),
    faultOfTimes(row),
    faultOfScope(row),
    faultOfJson('Grant.data', row.data),
  ]
}

/** `faults` gets a line for each value that the page does not allow, and `kinds` the kinds of credentials that came. */
export function documented({ clients, grants }: OAuthStorage) {
  const faults: string[] = []
  const kinds = new Set<string>()
  const look = (found: readonly (string | undefined)[]) => faults.push(...found.filter((line) => line !== undefined))
  const lookAt = (rows: readonly Credential[], grant: Grant | undefined) => {
    for (const row of rows) {
      kinds.add(row.kind)
      look(faultsOfCredential(row))
    }
    if (new Set(rows.map(({ id }) => id.split('~')[0])).size > 1) look([`ids of ${rows.map(({ id }) => id)}`])
    if (grant) look(faultsOfGrant(grant))
  }
  const lookAtClient: OAuthStorage['clients']['insert'] & OAuthStorage['clients']['update'] = (client) => {
    look([fault('Client.clientId', client.clientId), faultOfTimes(client), faultOfJson('Client', client)])
    if (client.username !== undefined) look([faultOfText('Client.username', client.username)])
    return true
  }
  const storage: OAuthStorage = {
    clients: {
      find(clientId) {
        look([faultOfText('clients.find', clientId)])
        return clients.find(clientId)
      },
      list: (query) => clients.list(query),
      insert(client) {
        lookAtClient(client)
        return clients.insert(client)
      },
      update(client, version) {
        lookAtClient(client)
        return clients.update(client, version)
      },
      delete: (clientId) => clients.delete(clientId),
    },
    grants: {
      insert(credentials, grant) {
        lookAt(credentials, grant)
        return grants.insert(credentials, grant)
      },
      find(id) {
        look([fault('Credential.id', id)])
        return grants.find(id)
      },
      transition(id, from, next, additions, grant) {
        look([fault('Credential.id', id), fault('Credential.state', from)])
        lookAt([next, ...additions], grant)
        return grants.transition(id, from, next, additions, grant)
      },
      list: (query) => grants.list(query),
      revoke: (target, now) => grants.revoke(target, now),
      deleteExpired: (now, limit) => grants.deleteExpired(now, limit),
    },
  }
  return { storage, faults, kinds }
}
