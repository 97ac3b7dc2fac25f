// What stores keep of proofs that count once: two rows a token request, which nothing reads once they have expired.
import { useUp } from '../../src/credentials/once'
import { memoryStorage, type OAuthStorage } from '../../src/index'
import { credential, HOUR, MINUTE, NOW } from '../../src/storage/contract/rows'
import { mysql, postgres, redis, sqlite } from './support/backends'
import { loadDriver } from './support/stores'

/** Seconds between two token requests: more in a second change no share of the rows. */
const EVERY = 2
/** An access token lives an hour; what comes after it shows what is left of the beginning. */
const END = NOW + HOUR + 10 * MINUTE

/** A client's assertion and its proof, as they come with a token request. */
const proofsAt = (now: number) => [
  { purpose: 'client_assertion', id: `assertion ${now}`, expiresAt: now + MINUTE },
  { purpose: 'DPoP proof', id: `proof ${now}`, expiresAt: now + MINUTE + 1 },
]
const useUpAt = (storage: OAuthStorage, now: number) => useUp({ storage, now: () => now }, 'robot', proofsAt(now))
/** The ids of the rows that `useUp` stored at that time. */
async function idsOf(now: number): Promise<string[]> {
  const ids: string[] = []
  const store = memoryStorage()
  const insert: typeof store.grants.insert = (rows) => {
    ids.push(...rows.map(({ id }) => id))
    return true
  }
  await useUpAt({ ...store, grants: { ...store.grants, insert } }, now)
  return ids
}

/** The rows of proofs after so long of token requests: those that count still, and those that nobody has removed yet. */
async function rowsAtTheEnd(storage: OAuthStorage) {
  for (let now = NOW; now < END; now += EVERY) {
    expect(await useUpAt(storage, now)).toBeUndefined()
    const token = credential({ id: `g${now}~access`, startedAt: now, issuedAt: now, expiresAt: now + HOUR })
    await storage.grants.insert([token])
  }
  const rows = { live: 0, kept: 0, tokens: 0 }
  for (let now = NOW; now < END; now += EVERY) {
    for (const id of await idsOf(now)) {
      const row = await storage.grants.find(id)
      if (row) rows[row.expiresAt > END ? 'live' : 'kept']++
    }
    if (now + HOUR > END) rows.tokens += (await storage.grants.find(`g${now}~access`)) ? 1 : 0
  }
  return rows
}

const backends = [
  { name: 'memoryStorage', describe, open: async () => ({ storage: memoryStorage(), close: async () => {} }) },
  ...[sqlite, postgres, mysql].map(({ name, describe, start }) => ({
    name,
    describe,
    async open() {
      const { store, stop } = await start()
      const { storage, close } = await (await loadDriver(store.kind))(store)
      return { storage, close: () => close().then(stop) }
    },
  })),
]

describe.each(backends)('$name', (backend) => {
  backend.describe('', () => {
    let opened: Awaited<ReturnType<typeof backend.open>>
    beforeAll(async () => {
      opened = await backend.open()
    })
    afterAll(() => opened.close())

    it('has fewer rows of proofs than a tenth of its live tokens, without being asked', async () => {
      const { live, kept, tokens } = await rowsAtTheEnd(opened.storage)
      expect(tokens).toBe(HOUR / EVERY - 1)
      expect(live).toBeGreaterThan((2 * MINUTE) / EVERY)
      expect(live + kept).toBeLessThan(tokens / 10)
    }, 300_000)

    it('keeps each of them until a minute after its proof has expired: no replay is let in where clocks differ', async () => {
      const { storage } = opened
      const began = END + 10 * HOUR
      await useUpAt(storage, began)
      const [assertion = ''] = await idsOf(began)
      const { expiresAt = 0 } = (await storage.grants.find(assertion)) ?? {}
      expect(expiresAt).toBe(began + 2 * MINUTE)
      const write = async (now: number) => {
        for (let n = 0; n < 100; n++) {
          await storage.grants.insert([credential({ id: `g${now}-${n}~access`, issuedAt: now, expiresAt: now + HOUR })])
        }
      }
      await write(expiresAt - 1)
      expect(await storage.grants.find(assertion)).toBeDefined()
      expect(await useUpAt(storage, began)).toBeDefined()
      await write(expiresAt)
      expect(await storage.grants.find(assertion)).toBeUndefined()
    })
  })
})

redis.describe('one Redis', () => {
  it('is told to forget each of them a minute after its proof has expired', async () => {
    const { store, stop } = await redis.start()
    const { storage, close } = await (await loadDriver(store.kind))(store)
    await useUpAt(storage, NOW)
    const { createClient } = await import('redis')
    const client = await createClient({ url: (store as { url: string }).url }).connect()
    const [assertion = '', proof = ''] = await idsOf(NOW)
    const keys = (await client.keys('*')).filter((key) =>
      [assertion, proof].some((id) => key.includes(id.split('~')[1] ?? '?')),
    )
    const lives = await Promise.all(keys.map((key) => client.pTTL(key)))
    expect(lives.map((life) => Math.ceil(life / 1000)).sort()).toEqual([2 * MINUTE, 2 * MINUTE + 1])
    client.destroy()
    await close()
    await stop()
  })
})
