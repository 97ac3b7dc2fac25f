/**
 * The Lua scripts, which Redis runs atomically. A row has two lines: a header, and the rest of the row. Scripts decode
 * only the header, because Lua would turn empty lists into objects. The header of a grant is
 * `[user or false, client, startedAt]`. The header of a credential also has the key of its grant (the part after `=`, or
 * false) and its state. A grant that is an empty string is a tombstone.
 */
import { GRACE, REVOCATION_MEMORY } from '../retention'
import { ROWS } from './rows'

/** Expired index entries that one write removes. More than it adds, so that no index outgrows the live rows. */
const SWEEP = 4

const prelude = `
local call = redis.call

local function header(value)
  return cjson.decode(string.match(value, '^[^\\n]+'))
end

local function extend(key, life)
  if call('PTTL', key) < life then call('PEXPIRE', key, life) end
end

-- Adds to the index of a subject: its ids in order, and again by expiry. The keys live as long as anything of it.
local function touch(base, id, expiresAt, clock, life)
  local ids, expiries = base .. 'i', base .. 'e'
  call('ZADD', ids, 0, id)
  call('ZADD', expiries, 'GT', expiresAt, id)
  for _, expired in ipairs(call('ZRANGE', expiries, '-inf', clock - ${GRACE}, 'BYSCORE', 'LIMIT', 0, ${SWEEP})) do
    call('ZREM', ids, expired)
    call('ZREM', expiries, expired)
  end
  extend(ids, life)
  extend(expiries, life)
end

-- Remembers when the latest of a subject began, for a mark by a clock that is behind; as long as clocks may differ
local function started(base, at)
  local key = base .. 's'
  if at <= (tonumber(call('GET', key)) or at - 1) then return end
  call('SET', key, string.format('%.0f', at), 'PX', ${GRACE * 1000})
end
`

/** KEYS: the rows and the grant; then other grants of the rows. ARGV: the job, the rows, the grant. Returns 1, 0, or subjects whose marks it lacks. */
const store = `${prelude}
local job = cjson.decode(ARGV[1])
local lacking = {}

local function covers(kind, name, startedAt)
  if not name then return false end
  local subject = kind .. name
  if job.marks[subject] == nil then
    -- Another slot of a cluster, out of reach from here
    if job.cluster then
      lacking[#lacking + 1] = subject
      return false
    end
    job.marks[subject] = tonumber(call('GET', job.prefix .. '{' .. subject .. '}m')) or false
  end
  return job.marks[subject] and job.marks[subject] >= startedAt
end

local function covered(row)
  return covers('u:', row[1], row[3]) or covers('c:', row[2], row[3])
end

local function standing(grant)
  local value = call('GET', job.base .. '=' .. grant)
  if not value then return 'absent' end
  return (value == '' or covered(header(value))) and 'dead' or 'alive'
end

if job.from then
  local value = call('GET', KEYS[1])
  local current = value and header(value)
  if not current or current[5] ~= job.from or covered(current) then return 0 end
  if current[4] and standing(current[4]) ~= 'alive' then return 0 end
elseif call('EXISTS', unpack(KEYS, 1, job.own)) > 0 then
  return 0
end

local stands = false
if job.grant then
  stands = not job.revoked and not covered(header(ARGV[#ARGV])) and standing(job.grant) ~= 'dead'
  if job.from and not stands then return 0 end
end

-- Dead is more than not alive: a grant that is merely absent may still arrive
local rows, dead = {}, {}
for i = 1, #job.lives do
  rows[i] = header(ARGV[i + 1])
  local grant = rows[i][4]
  if grant and grant == job.grant then dead[i] = not stands
  elseif grant then dead[i] = standing(grant) == 'dead' end
  dead[i] = dead[i] or covered(rows[i])
end
if #lacking > 0 then return lacking end

-- Nothing was written so far, and from here on everything is
if job.grant then
  local key = job.base .. '=' .. job.grant
  call('SET', key, stands and ARGV[#ARGV] or '', 'PX', math.max(job.life, call('PTTL', key)))
end
for i, row in ipairs(rows) do
  -- What is dead on arrival is not kept, or it would come to life when the mark that covers it is forgotten
  if dead[i] then
    call('DEL', KEYS[i])
  else
    call('SET', KEYS[i], ARGV[i + 1], 'PX', job.lives[i])
    if row[4] then extend(job.base .. '=' .. row[4], job.lives[i]) end
  end
end
if not job.cluster then
  for _, it in ipairs(job.touches) do
    local base = job.prefix .. '{' .. it.subject .. '}'
    if it.startedAt then started(base, it.startedAt) end
    if it.indexed then touch(base, it.id, it.expiresAt, job.clock, it.life) end
  end
end
return 1
`

/** Collects the marks of the rows' subjects: subject, mark, subject, mark. */
const reading = `${prelude}
local marks, seen = {}, {}
local function addMark(prefix, kind, name)
  if not name or seen[kind .. name] then return end
  seen[kind .. name] = true
  marks[#marks + 1] = kind .. name
  marks[#marks + 1] = call('GET', prefix .. '{' .. kind .. name .. '}m') or ''
end
local function addMarks(prefix, value)
  local row = header(value)
  addMark(prefix, 'u:', row[1])
  addMark(prefix, 'c:', row[2])
end
`

/** For a single node. KEYS: a credential. ARGV: the key prefix of its shard; the prefix. */
const find = `${reading}
local value = call('GET', KEYS[1])
if not value then return {} end
local grant = header(value)[4]
local granted = grant and call('GET', ARGV[1] .. '=' .. grant)
if grant and (not granted or granted == '') then return {} end
addMarks(ARGV[2], value)
if granted then addMarks(ARGV[2], granted) end
return { value, granted or '', marks }
`

/** KEYS: an index. ARGV: where to begin, how many. */
const page = `return redis.call('ZRANGE', KEYS[1], ARGV[1], '+', 'BYLEX', 'LIMIT', 0, ARGV[2])`

/** KEYS: an index. ARGV: the prefix, where to begin, how many. Returns ids with their rows, and the marks. */
const list = `${reading}
local ids = call('ZRANGE', KEYS[1], ARGV[2], '+', 'BYLEX', 'LIMIT', 0, ARGV[3])
local values = {}
for i, id in ipairs(ids) do
  local shard, rest = string.match(id, '^([^~]*)(.*)$')
  values[i] = call('GET', ARGV[1] .. '{' .. shard .. '}${ROWS}=' .. rest)
  if values[i] and values[i] ~= '' then addMarks(ARGV[1], values[i]) end
end
return { ids, values, marks }
`

/** KEYS: the two sets of an index. ARGV: dead ids. */
const forget = `
for _, id in ipairs(ARGV) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return #ARGV
`

const get = `return redis.call('GET', KEYS[1])`

/** KEYS: all of a subject, its mark first. ARGV: their common part; the change, as JSON; the clock. Returns the mark. */
const join = `${prelude}
local it = cjson.decode(ARGV[2])
if it.startedAt then started(ARGV[1], it.startedAt) end
if it.indexed then touch(ARGV[1], it.id, it.expiresAt, tonumber(ARGV[3]), it.life) end
return call('GET', KEYS[1])
`

/** KEYS: a grant. */
const bury = `
local life = redis.call('PTTL', KEYS[1])
return redis.call('SET', KEYS[1], '', 'PX', life > 0 and life or ${REVOCATION_MEMORY * 1000})
`

/** KEYS: a mark, the index of its subject, whose lifetime it gets, and its latest start. ARGV: now. */
const mark = `
local call, now = redis.call, tonumber(ARGV[1])
local at = math.max(now, tonumber(call('GET', KEYS[1])) or now, tonumber(call('GET', KEYS[3])) or now)
local life = math.max(${REVOCATION_MEMORY * 1000}, call('PTTL', KEYS[1]), call('PTTL', KEYS[2]))
return call('SET', KEYS[1], string.format('%.0f', at), 'PX', life)
`

/** The first call to a server: its description, and the digests of the scripts. */
export const greeting = `
local digests = {}
for i, source in ipairs(ARGV) do digests[i] = redis.sha1hex(source) end
local info = redis.pcall('INFO')
return { type(info) == 'string' and info or '', digests }
`

/**
 * KEYS: the version, the index of all clients. ARGV: the version of this code. Returns the previous version: 0 without
 * data, 1 for clients without a version.
 */
export const upgrade = `
local version = tonumber(redis.call('GET', KEYS[1])) or redis.call('EXISTS', KEYS[2])
if version < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return version
`

export const grantScripts = { store, find, page, list, forget, get, join, bury, mark }
