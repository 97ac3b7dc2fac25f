/**
 * Clients by name in Redis. A sorted set contains an entry for each name. A hash contains the entry of each client. The
 * script that changes a record changes both.
 *
 * Processes of an older release change neither. If the number of clients and of entries differ, a search first adds and
 * removes entries. A client that such a process renamed is corrected when a search finds its old name.
 */
import { begunOnce } from '../../deadline'
import type { Client, ClientStorage } from '../../storage'
import { comparedName, endOfPrefix } from '../client-names'
import type { Run } from './client'

/** The entry of a client without a name, in the hash alone. All others have NUL in them. */
const NAMELESS = '-'

/** `KEYS[3]`: entries in their order. `KEYS[4]`: the entry of each client. */
export const entering = `
local function enter(id, entry)
  local before = call('HGET', KEYS[4], id)
  if before and before ~= entry then call('ZREM', KEYS[3], before) end
  if not entry then return call('HDEL', KEYS[4], id) end
  call('HSET', KEYS[4], id, entry)
  if entry ~= '${NAMELESS}' then call('ZADD', KEYS[3], 0, entry) end
end
`

/** KEYS: a key of the slot, index of all, entries in order, entries by id. ARGV: what the keys begin with, and as each says. */
export const clientNameScripts = {
  /** ARGV: from, to, limit, and whether the numbers are not compared. Returns entries and their records. */
  listEntries: `
local call = redis.call
if ARGV[5] == '' and call('ZCARD', KEYS[2]) ~= call('HLEN', KEYS[4]) then return 0 end
local entries, keys = call('ZRANGE', KEYS[3], ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[4]), {}
if #entries == 0 then return { {}, {} } end
for i, entry in ipairs(entries) do keys[i] = ARGV[1] .. 'r:' .. string.match(entry, '^.*%z(.*)$') end
return { entries, call('MGET', unpack(keys)) }
`,
  /** ARGV: place in the index of all, limit. Returns the last id, and the records of clients without an entry. */
  listUnentered: `
local call = redis.call
local ids, keys = call('ZRANGE', KEYS[2], ARGV[2], '+', 'BYLEX', 'LIMIT', 0, ARGV[3]), {}
if #ids == 0 then return {} end
for i, entry in ipairs(call('HMGET', KEYS[4], unpack(ids))) do
  if not entry then keys[#keys + 1] = ARGV[1] .. 'r:' .. ids[i] end
end
return { ids[#ids], #keys > 0 and call('MGET', unpack(keys)) or {} }
`,
  /** ARGV: cursor of the hash, approximate count. Returns the next cursor, and ids with entries that have no record. */
  listEnded: `
local call = redis.call
local next, found = unpack(call('HSCAN', KEYS[4], ARGV[2], 'COUNT', ARGV[3]))
local ended = {}
for i = 1, #found, 2 do
  if call('EXISTS', ARGV[1] .. 'r:' .. found[i]) == 0 then
    ended[#ended + 1] = found[i]
    ended[#ended + 1] = found[i + 1]
  end
end
return { next, ended }
`,
  /** ARGV: for each client its id, its entry and record version as they were read, and the right entry. Skips clients that changed since. */
  correctEntries: `
local call = redis.call
${entering}
for n = 2, #ARGV, 4 do
  local id, seen, version, entry = unpack(ARGV, n, n + 3)
  local value = call('GET', ARGV[1] .. 'r:' .. id)
  local current = value and cjson.decode(string.match(value, '^[^\\n]+'))[1]
  if (call('HGET', KEYS[4], id) or '') == seen and current == (tonumber(version) or false) then
    enter(id, value and entry)
  end
end
return 1
`,
}

type Script = keyof typeof clientNameScripts

/** Clients that one script corrects. The server does nothing else meanwhile. */
const BATCH = '200'

/** A client whose entry must follow its record: its id, its entry and its record as they were read. */
type Seen = readonly [clientId: string, entry: string, client: Client | undefined]

/** `listByName`. `keys` are those of the scripts, `base` what they begin with; `decode` reads a record. */
export function redisClientNames(
  run: Run<Script>,
  { keys, base, decode }: { keys: string[]; base: string; decode: (value: unknown) => Client },
): Required<ClientStorage>['listByName'] {
  const ask = (script: Script, ...args: string[]) => run(script, keys, [base, ...args])
  const read = (value: unknown) => (value === null ? undefined : decode(value))

  async function correct(all: readonly Seen[]): Promise<void> {
    if (all.length === 0) return
    const told = all.flatMap(([clientId, entry, client]) => [
      ...[clientId, entry],
      ...(client ? [String(client.version), entryOf(client)] : ['', '']),
    ])
    await ask('correctEntries', ...told)
  }

  async function catchUp(): Promise<void> {
    for (let from: string | undefined = '-'; from !== undefined; ) {
      const [last, values = []] = (await ask('listUnentered', from, BATCH)) as [string?, unknown[]?]
      const clients = values.map(read).filter((client) => client !== undefined)
      await correct(clients.map((client) => [client.clientId, '', client]))
      from = last === undefined ? undefined : `(${last}`
    }
    for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
      const [next, ended] = (await ask('listEnded', cursor, BATCH)) as [unknown, string[]]
      const ids = ended.filter((_, n) => n % 2 === 0)
      await correct(ids.map((clientId, n) => [clientId, ended[2 * n + 1] as string, undefined]))
      cursor = String(next) === '0' ? undefined : String(next)
    }
  }
  /** Concurrent searches wait for the same run. */
  const caughtUp = begunOnce(catchUp, () => false)

  async function listEntries(from: string, to: string, limit: number): Promise<[string[], unknown[]]> {
    const reply = await ask('listEntries', from, to, String(limit), '')
    if (Array.isArray(reply)) return reply as [string[], unknown[]]
    await caughtUp()
    return (await ask('listEntries', from, to, String(limit), '1')) as [string[], unknown[]]
  }

  return async ({ prefix, after, limit }) => {
    const [begin, found] = [asKept(prefix), [] as Client[]]
    const to = `(${endOfPrefix(begin)}`
    let from = after && isBefore(begin, entryOf(after)) ? `(${entryOf(after)}` : `[${begin}`
    while (found.length < limit) {
      const asked = limit - found.length
      const [entries, values] = await listEntries(from, to, asked)
      const seen = entries.map((entry, n): Seen => [idOf(entry), entry, read(values[n])])
      const isRight = ([, entry, client]: Seen) => client !== undefined && entryOf(client) === entry
      found.push(...seen.filter(isRight).flatMap(([, , client]) => client ?? []))
      await correct(seen.filter((one) => !isRight(one)))
      if (entries.length < asked) break
      from = `(${entries.at(-1)}`
    }
    return found
  }
}

/** Half of a surrogate pair has no UTF-8. */
function asKept(name: string): string {
  return comparedName(name).toWellFormed()
}

/** The entry of a client in the order of names. Ids contain no NUL. */
export function entryOf({ name, clientId }: { name?: string; clientId: string }): string {
  return name === undefined ? NAMELESS : `${asKept(name)}\0${clientId}`
}

function idOf(entry: string): string {
  return entry.slice(entry.lastIndexOf('\0') + 1)
}

/** Compares as Redis does, by bytes. */
function isBefore(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0
}
