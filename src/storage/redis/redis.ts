/** Storage in Redis 6.2 or newer (or Valkey), a single node or a cluster, for servers of several processes. */

import { requireKnown } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { OAuthStorage } from '../../storage'
import { announced, refuseNewer, SCHEMA_VERSION } from '../schema-version'
import { greet, type RedisClient, requireRedisClient, scriptRunner, surviveLostConnections } from './client'
import { clientScripts, redisClients } from './clients'
import { redisGrants } from './grants'
import { grantScripts, upgrade } from './scripts'

export type { RedisClient }

/** Options of `redisStorage`. */
export interface RedisStorageOptions {
  /** The prefix of every key. It must not contain braces, which select the cluster slot of a key. @default 'oauth:' */
  prefix?: string
}

/**
 * Keeps clients, grants and credentials in Redis. `client` is the host's own, of the `redis` package; the host connects
 * and closes it. Requires `maxmemory-policy noeviction` and persistence (`appendonly yes`). With `appendfsync everysec`
 * a crash of the machine loses the last second of writes, including revocations; with `always` it loses nothing.
 * Replication is asynchronous: a failover may lose the latest writes, so a token that was just revoked may become valid
 * again. The first call upgrades the keys of an older release, and refuses those of a newer one.
 *
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL, disableOfflineQueue: true }).connect()
 * await checkRedis(client)
 * const server = createAuthorizationServer({ storage: redisStorage(client), … })
 *
 * @throws TypeError when `client` is not a client of the redis package.
 */
export function redisStorage(client: RedisClient, options: RedisStorageOptions = {}): OAuthStorage {
  requireKnown('redisStorage option', options, ['prefix'])
  const { prefix = 'oauth:' } = options
  requireRedisClient(client)
  if (typeof prefix !== 'string' || /[{}]/.test(prefix)) {
    throw misuse('wrong_text', 'redisStorage({ prefix }) must be a string without braces')
  }
  surviveLostConnections(client)
  const run = scriptRunner(client, prefix, { ...grantScripts, ...clientScripts }, () => upgradeStore(client, prefix))
  return Object.freeze({ clients: redisClients(run, prefix), grants: redisGrants(client, run, prefix) })
}

/** The version is one key, on the slot of the clients. The script returns 1 to only one process, which upgrades. */
async function upgradeStore(client: RedisClient, prefix: string): Promise<void> {
  const keys = ['v', 'i'].map((name) => `${prefix}{:clients}${name}`)
  const from = Number(await client.eval(upgrade, { keys, arguments: [String(SCHEMA_VERSION)] }))
  refuseNewer('redisStorage', from)
  announced('redisStorage', { from, to: SCHEMA_VERSION, sessionsEnded: from === 1 })
}

/**
 * Rejects at start-up if the server is too old, may evict keys, or is a cluster node behind a single node's client. The
 * message names the fix. Warns (`process.emitWarning`) if the server has no append-only file. The first call of the
 * storage checks the same.
 */
export async function checkRedis(client: RedisClient): Promise<void> {
  requireRedisClient(client)
  await greet(client, '', [])
}
