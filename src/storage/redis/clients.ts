/**
 * Client records in Redis. They are few and small, so they share one slot, and each call is one script with its index.
 */
import { misuse } from '../../options/misuse'
import type { Client, ClientStorage } from '../../storage'
import type { Run } from './client'
import { clientNameScripts, entering, entryOf, redisClientNames } from './client-names'

// A record is two lines: the header `[version, username or false]`, and the client
const prelude = `
local call = redis.call
local function header(value)
  return cjson.decode(string.match(value, '^[^\\n]+'))
end
local function index(command, username, ...)
  if username then call(command, ARGV[1] .. 'u:' .. username, ...) end
end
-- While a cluster moves the slot, what is named by no key of the call is refused where it is not: before anything is written
local function beHere(...)
  for _, username in ipairs({...}) do index('EXISTS', username) end
end
${entering}`

/** KEYS: record, index of all, entries in order, entries by id. ARGV: what the keys begin with, id, record, entry, expected version. */
export const clientScripts = {
  ...clientNameScripts,
  findClient: `return redis.call('GET', KEYS[1])`,
  listClients: `
local ids = redis.call('ZRANGE', KEYS[1], ARGV[2], '+', 'BYLEX', 'LIMIT', 0, ARGV[3])
if #ids == 0 then return {} end
for i, id in ipairs(ids) do ids[i] = ARGV[1] .. 'r:' .. id end
return redis.call('MGET', unpack(ids))
`,
  insertClient: `${prelude}
if call('EXISTS', KEYS[1]) > 0 then return 0 end
beHere(header(ARGV[3])[2])
call('SET', KEYS[1], ARGV[3])
call('ZADD', KEYS[2], 0, ARGV[2])
index('ZADD', header(ARGV[3])[2], 0, ARGV[2])
enter(ARGV[2], ARGV[4])
return 1
`,
  updateClient: `${prelude}
local current = call('GET', KEYS[1])
if not current then return 0 end
local version, username = unpack(header(current))
if version ~= tonumber(ARGV[5]) then return 0 end
beHere(username, header(ARGV[3])[2])
call('SET', KEYS[1], ARGV[3])
index('ZREM', username, ARGV[2])
index('ZADD', header(ARGV[3])[2], 0, ARGV[2])
enter(ARGV[2], ARGV[4])
return 1
`,
  deleteClient: `${prelude}
local current = call('GET', KEYS[1])
if not current then return 0 end
beHere(header(current)[2])
call('DEL', KEYS[1])
call('ZREM', KEYS[2], ARGV[2])
index('ZREM', header(current)[2], ARGV[2])
enter(ARGV[2], false)
return 1
`,
}

type Script = keyof typeof clientScripts

export function redisClients(run: Run<Script>, prefix: string): ClientStorage {
  const base = `${prefix}{:clients}`
  const [record, index] = [(clientId: string) => `${base}r:${clientId}`, `${base}i`]
  const indexes = [index, `${base}n`, `${base}e`]

  async function write(script: Script, clientId: string, ...args: string[]): Promise<boolean> {
    return Number(await run(script, [record(clientId), ...indexes], [base, clientId, ...args])) === 1
  }

  return {
    async find(clientId) {
      const value = await run('findClient', [record(clientId)], [])
      return value === null || value === undefined ? undefined : decode(value)
    },
    async list({ username, after, limit }) {
      const key = username === undefined ? index : `${base}u:${username}`
      const values = (await run(
        'listClients',
        [key],
        [base, after === undefined ? '-' : `(${after}`, String(limit)],
      )) as unknown[]
      return values.flatMap((value) => (value === null ? [] : [decode(value)]))
    },
    listByName: redisClientNames(run, { keys: [index, ...indexes], base, decode }),
    insert: (added) => write('insertClient', added.clientId, encode(added), entryOf(added)),
    update: (changed, expectedVersion) =>
      write('updateClient', changed.clientId, encode(changed), entryOf(changed), String(expectedVersion)),
    delete: (clientId) => write('deleteClient', clientId),
  }
}

function encode(client: Client): string {
  if (!client.clientId.isWellFormed() || client.username?.isWellFormed() === false) {
    throw misuse(
      'unstorable_value',
      'redisStorage keeps well-formed text only: clientId or username has half of a surrogate pair',
    )
  }
  return `${JSON.stringify([client.version, client.username ?? false])}\n${JSON.stringify(client)}`
}

function decode(value: unknown): Client {
  const text = String(value)
  return JSON.parse(text.slice(text.indexOf('\n') + 1))
}
