/**
 * The contract suite: the rules of a storage adapter, as tests. An adapter that passes them cannot issue two sets of
 * tokens for one code, and cannot restore what was revoked. Runs under Jest, Vitest and node:test.
 */
import type { Awaitable } from '../awaitable'
import { requireFlags } from '../options/known'
import type { OAuthStorage } from '../storage'
import { clientRules } from './contract/clients'
import { columnRules } from './contract/columns'
import { expiryRules } from './contract/expiry'
import { insertRules } from './contract/insert'
import { listRules } from './contract/lists'
import { markRules } from './contract/marks'
import type { Rule } from './contract/rule'
import { sharedGrantRules } from './contract/shared-grants'
import { tombstoneRules } from './contract/tombstones'
import { transitionRules } from './contract/transition'
import { valueRules } from './contract/values'

/** Options of `storageContract`: a test framework, and a function that creates the store to test. */
export interface StorageContractOptions {
  /** `describe` of Jest, Vitest or node:test. */
  describe: (name: string, body: () => void) => unknown
  /** `test` of the same framework. */
  test: (name: string, body: () => Promise<void>) => unknown
  /**
   * Creates an empty store. Called before each test; its `close`, if any, is called afterwards. Return several adapters
   * for several connections to one store: the calls of each test, and its races, alternate between them. Return two if
   * several processes will use the store.
   */
  create: () => Awaitable<OAuthStorage | readonly OAuthStorage[]>
  /**
   * Whether the store itself removes expired rows (Redis). Then `deleteExpired` may do nothing and return 0.
   * @default false
   */
  nativeExpiry?: boolean
}

/**
 * Defines the tests of the storage contract. They are deterministic and pass their own clock: numbers around 2027, and
 * deliberately some far from it. A failure says which rule was broken and why it matters.
 *
 * @example
 * describe('my storage', () => {
 *   storageContract({
 *     describe,
 *     test,
 *     async create() {
 *       await pool.query('TRUNCATE oauth_clients, oauth_grants, oauth_credentials, oauth_marks')
 *       return [myStorage(pool), myStorage(otherPool)]
 *     },
 *   })
 * })
 */
export function storageContract({ describe, test, create, nativeExpiry = false }: StorageContractOptions): void {
  requireFlags('storageContract', { nativeExpiry })
  const rule: Rule = (name, check) => {
    test(name, async () => {
      const connections = [await create()].flat()
      try {
        await check(inTurn(connections))
      } finally {
        for (const connection of connections) await connection.close?.()
      }
    })
  }

  describe('clients', () => clientRules(rule))
  describe('insert and find', () => insertRules(rule))
  describe('transition', () => transitionRules(rule))
  describe('revoking a grant', () => tombstoneRules(rule))
  describe('revoking a user or a client', () => markRules(rule))
  describe('credentials of one client under the grant of another', () => sharedGrantRules(rule))
  describe('expiry', () => expiryRules(rule, nativeExpiry))
  describe('lists', () => listRules(rule))
  describe('values', () => valueRules(rule))
  describe('columns', () => columnRules(rule, nativeExpiry))
}

/** One storage over several connections: each access to `clients` or `grants` uses the next one. */
function inTurn(connections: readonly OAuthStorage[]): OAuthStorage {
  let turn = 0
  const next = () => connections[turn++ % connections.length] as OAuthStorage
  return {
    get clients() {
      return next().clients
    },
    get grants() {
      return next().grants
    },
  }
}
