/** The client of the `redis` package: the methods that the adapter uses, and the requirements for its server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { begunOnce } from '../../deadline'
import { messageOf } from '../../errors'
import { misuse } from '../../options/misuse'
import { greeting } from './scripts'

/**
 * The part of `createClient()`, `createCluster()`, `createClientPool()` or `createSentinel()` of the `redis` package,
 * version 4.6 or newer, that the adapter uses. Scripts always run on the primary, also with `useReplicas`.
 */
export interface RedisClient {
  /** Runs a script (EVAL). */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  /** Runs a cached script by its SHA-1 (EVALSHA). */
  evalSha(digest: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

export type Run<Name extends string> = (script: Name, keys: string[], args: string[]) => Promise<unknown>

/** Throws a TypeError at start-up if it is not a client of the `redis` package. The message names the fix. */
export function requireRedisClient(client: RedisClient): void {
  const given = (client ?? {}) as Partial<RedisClient> & { evalsha?: unknown; withCommandOptions?: unknown }
  if (typeof given.eval !== 'function' || typeof given.evalSha !== 'function') {
    const other = typeof given.evalsha === 'function' ? '. This is the client of another package' : ''
    throw misuse(
      'wrong_storage',
      `redisStorage needs a client of the redis package (npm install redis), as createClient() returns it${other}`,
    )
  }
  if (isCluster(client) && typeof given.withCommandOptions !== 'function') {
    throw misuse(
      'wrong_storage',
      'redisStorage on a cluster needs redis 5 or newer: version 4 sends scripts to the wrong nodes',
    )
  }
}

const listening = new WeakSet<object>()

/** Without a listener for `error` events, a lost connection ends the process. */
export function surviveLostConnections(client: RedisClient): void {
  const { on } = client as { on?: unknown }
  if (typeof on !== 'function' || listening.has(client)) return
  listening.add(client)
  on.call(client, 'error', () => {})
}

/**
 * Whether it is a cluster's client, which routes each call by its first key. A script then only reaches keys of one
 * slot.
 */
export function isCluster(client: RedisClient): boolean {
  return typeof (client as { nodeClient?: unknown }).nodeClient === 'function'
}

/**
 * Runs scripts by digest, and `atFirst` before the first one. Sends a script in full if the server does not know it, as
 * after a restart.
 */
export function scriptRunner<Name extends string>(
  client: RedisClient,
  prefix: string,
  scripts: Readonly<Record<Name, string>>,
  atFirst: () => Promise<void>,
): Run<Name> {
  const names = Object.keys(scripts) as Name[]

  async function prepare(): Promise<Map<Name, string>> {
    const digests = await greet(client, prefix, Object.values(scripts))
    await atFirst()
    return new Map(names.map((name, n) => [name, digests[n] as string]))
  }

  const ready = begunOnce(prepare)

  return async (name, keys, args) => {
    const digest = (await ready()).get(name) as string
    const options = { keys, arguments: args }
    try {
      return await client.evalSha(digest, options)
    } catch (error) {
      // with its text, because the slot's new node may not have the script
      if (isNamed(error, 'NOSCRIPT') || isMoving(error)) return whileMoving(() => client.eval(scripts[name], options))
      throw error
    }
  }
}

/** Milliseconds. */
const MOVES_FOR = 5000
const SHORTEST_PAUSE = 5
const LONGEST_PAUSE = 100

/** While a slot moves, its keys are on two nodes, and a script that needs some of both is refused before it runs. */
async function whileMoving(call: () => Promise<unknown>): Promise<unknown> {
  const until = performance.now() + MOVES_FOR
  for (let pause = SHORTEST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await call()
    } catch (error) {
      if (!isMoving(error) || performance.now() > until) throw error
      await sleep(pause)
    }
  }
}

/** Scripts read all unnamed keys before they write, so a refusal there has no effects either. */
function isMoving(error: unknown): boolean {
  return isNamed(error, 'TRYAGAIN') || messageOf(error).includes('attempted to access a non local key')
}

/** Whether the error has this name. */
function isNamed(error: unknown, name: string): boolean {
  return messageOf(error).startsWith(name)
}

/** Checks the server and loads the digests of the scripts. Throws if the server could lose data. */
export async function greet(client: RedisClient, prefix: string, sources: string[]): Promise<string[]> {
  const reply = client.eval(greeting, { keys: [`${prefix}{:greeting}`], arguments: sources })
  const [info, digests] = (await reply.catch((error) => {
    throw isNamed(error, 'MOVED') ? needsCluster() : error
  })) as [unknown, unknown[]]
  verifyServer(String(info), isCluster(client))
  return digests.map(String)
}

let warned = false

/** `info` is the server's description, or nothing if the user of the connection may not ask for it. */
function verifyServer(info: string, clusterClient: boolean): void {
  const member = (name: string) => new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1]
  const version = member('redis_version')
  const [major = 0, minor = 0] = version?.split('.').map(Number) ?? [Number.POSITIVE_INFINITY]
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new Error(`redisStorage needs Redis 6.2 or newer (or Valkey). This server is ${version}: upgrade it`)
  }
  const policy = member('maxmemory_policy') ?? 'noeviction'
  if (policy !== 'noeviction') {
    throw new Error(
      `redisStorage needs a server that never evicts: an evicted revocation is undone. This one has ` +
        `maxmemory-policy ${policy}. Fix: CONFIG SET maxmemory-policy noeviction, and the same in redis.conf`,
    )
  }
  if (member('cluster_enabled') === '1' && !clusterClient) {
    throw needsCluster()
  }
  if (member('aof_enabled') === '0' && !warned) {
    warned = true
    process.emitWarning(
      'This Redis has no append-only file: a restart loses tokens and revocations. Fix: appendonly yes',
      { code: 'EAS_REDIS_PERSISTENCE' },
    )
  }
}

function needsCluster(): Error {
  return new Error('This server is a node of a Redis Cluster: give redisStorage the client of createCluster()')
}
