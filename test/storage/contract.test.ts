// The contract suite itself: correct adapters of every kind pass it, and each mistake fails the rule that it breaks.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type StorageContractOptions, storageContract } from 'express-authorization-server/storage-contract'
import type { OAuthStorage } from '../../src/storage'
import { memoryStorage } from '../../src/storage/memory/memory'
import { naiveAdapters } from './naive-adapters'

type Create = StorageContractOptions['create']

/** The rules of the suite, by name. */
function rulesFor(create: Create, nativeExpiry = false): Map<string, () => Promise<void>> {
  const rules = new Map<string, () => Promise<void>>()
  const test = (name: string, body: () => Promise<void>) => {
    if (rules.has(name)) throw new Error(`two rules are named: ${name}`)
    rules.set(name, body)
  }
  storageContract({ describe: (_, body) => body(), test, create, nativeExpiry })
  return rules
}

/** What the suite says to this store: the broken rules, by name, with their messages. */
async function brokenRules(create: Create): Promise<Map<string, string>> {
  const broken = new Map<string, string>()
  for (const [name, check] of rulesFor(create)) {
    await check().catch((error: Error) => broken.set(name, error.message))
  }
  return broken
}

/** Every method answers later, as over a network. */
function remote({ clients, grants }: OAuthStorage): OAuthStorage {
  const later = <A extends unknown[], R>(method: (...parameters: A) => R | Promise<R>) => {
    return async (...parameters: A): Promise<R> => {
      await new Promise((resolve) => setImmediate(resolve))
      return await method(...parameters)
    }
  }
  const all = <T extends object>(methods: T): T =>
    Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, later(method)])) as T
  return { clients: all(clients), grants: all(grants) }
}

describe('the contract suite passes', () => {
  describe('an adapter that answers later', () => {
    storageContract({ describe, test, create: () => remote(memoryStorage()) })
  })

  describe('two connections to one store', () => {
    storageContract({
      describe,
      test,
      async create() {
        const storage = memoryStorage()
        return [storage, remote(storage)]
      },
    })
  })

  describe('a store that removes what has expired by itself', () => {
    const create = () => {
      const { clients, grants } = memoryStorage()
      return { clients, grants: { ...grants, deleteExpired: () => 0 } }
    }
    storageContract({ describe, test, create, nativeExpiry: true })
  })
})

describe('the contract suite fails', () => {
  const brokenBy = new Map<string, Map<string, string>>()
  beforeAll(async () => {
    for (const { mistake, create } of naiveAdapters) brokenBy.set(mistake, await brokenRules(create))
  })
  const said = (mistake: string, rule: string) => brokenBy.get(mistake)?.get(rule)

  it.each(naiveAdapters)('an adapter that $mistake', ({ mistake, breaks }) => {
    expect([...(brokenBy.get(mistake)?.keys() ?? [])]).toEqual(expect.arrayContaining(breaks))
  })

  it('one of them on purpose for each of its rules', () => {
    const broken = new Set(naiveAdapters.flatMap(({ breaks }) => breaks))
    expect([...rulesFor(memoryStorage).keys()].filter((rule) => !broken.has(rule))).toEqual([])
  })

  it('a race in transition, and says how many won and what that means', () => {
    expect(
      said('looks at the state and then writes', 'is atomic: of many parallel transitions from one state, one wins'),
    ).toBe(
      'transition must be atomic: of 50 parallel calls with the same `from`, 50 returned true. ' +
        'Each of these callers would get tokens for one code (RFC 6749 §4.1.2).',
    )
  })

  it('a missing tombstone, and says what is alive that should not be', () => {
    expect(said('leaves no tombstone where the grant is not there', 'ends a grant whose row arrives later')).toMatch(
      /^revoke stores a tombstone when the grant is not stored yet: .+\n {2}find\('g1~access'\) must return undefined\. It returned \{"clientId"/,
    )
  })

  it('lost additions, and says what is not there', () => {
    expect(
      said('loses the additions', 'moves a credential to its next state and stores additions and grant with it'),
    ).toMatch(/^A transition stores its additions\.\n {2}Expected: \{.+\n {2}But it is: undefined$/)
  })

  it('an adapter that throws where it lost a race, and shows what was thrown', async () => {
    const busy = () => {
      const { clients, grants } = memoryStorage()
      let calls = 0
      const transition: typeof grants.transition = (...parameters) => {
        if (calls++ === 7) throw new Error('SQLITE_BUSY: database is locked')
        return grants.transition(...parameters)
      }
      return { clients, grants: { ...grants, transition } }
    }
    const broken = await brokenRules(busy)
    expect(broken.get('is atomic: of many parallel transitions from one state, one wins')).toMatch(
      /^One of 50 parallel calls threw: Error: SQLITE_BUSY: database is locked\. A call that loses a race returns false/,
    )
  })
})

describe('the contract suite', () => {
  const firstRule = (create: Create) => {
    const [rule] = rulesFor(create).values()
    return rule as () => Promise<void>
  }

  it('asks for a store before each test, uses every connection, and closes them all', async () => {
    const calls: string[] = []
    const connection = (name: string, { clients, grants }: OAuthStorage): OAuthStorage => ({
      clients: {
        ...clients,
        find(id) {
          calls.push(`${name} find`)
          return clients.find(id)
        },
      },
      grants,
      close: async () => void calls.push(`${name} close`),
    })
    const create = () => {
      const storage = memoryStorage()
      return [connection('first', storage), connection('second', storage)]
    }
    await firstRule(create)()
    expect(calls).toEqual(expect.arrayContaining(['first find', 'second find']))
    expect(calls.slice(-2)).toEqual(['first close', 'second close'])
  })

  it('refuses nativeExpiry as text, of which "false" would leave out rules', () => {
    expect(() => rulesFor(memoryStorage, 'false' as never)).toThrow(/nativeExpiry must be true or false/)
  })

  it('closes the store of a test that fails, too', async () => {
    const close = jest.fn()
    const { clients, grants } = memoryStorage()
    const create = () => ({ clients: { ...clients, insert: () => false }, grants, close })
    await expect(firstRule(create)()).rejects.toThrow('insert adds a client whose id is free.')
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('runs under node:test, too', () => {
    const { NODE_OPTIONS: _, ...env } = process.env
    const script = `
      const { describe, test } = require('node:test')
      const { storageContract } = require('./src/storage/contract.ts')
      const { memoryStorage } = require('./src/storage/memory/memory.ts')
      storageContract({ describe, test, create: memoryStorage })`
    const options = { cwd: join(__dirname, '..', '..'), env, encoding: 'utf8' } as const
    const run = spawnSync(process.execPath, ['--import', 'tsx', '--test-reporter', 'tap', '--eval', script], options)
    expect(run.stdout).toContain(`# tests ${rulesFor(memoryStorage).size}`)
    expect(run.stdout).toContain('# fail 0')
    expect(run.status).toBe(0)
  })
})
