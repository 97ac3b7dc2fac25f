// Clients by name on every durable store: names that strangers choose, looks of every kind, and changes in between.
import { findClients } from '../../src/admin'
import type { Client, OAuthStorage } from '../../src/storage'
import { beginsWith, comparedName, type NameQuery } from '../../src/storage/client-names'
import { client } from '../../src/storage/contract/rows'
import { adminHost, namesIn, nextIn } from '../support/admin'
import { type Backend, mysql, postgres, type RunningBackend, redis, sqlite } from './support/backends'
import { loadDriver, type OpenStore } from './support/stores'

jest.setTimeout(60_000)

/** What a stranger may call a client, and what only the host's own code may. */
const names = [
  ...[
    'Photo',
    'photo',
    'PHOTO ',
    'Photo*',
    'Photo?',
    'Photo[a-z]',
    'Photo%',
    'Photo_',
    'Photo\\',
    'Photo\\%',
    "Photo'); --",
  ],
  ...['Phöto', 'Pho\u0308to', 'ÄÖ', 'äö', 'straße', 'STRASSE', 'İstanbul', 'istanbul', 'ﬁx', 'fix', 'K', 'K', 'k'],
  ...[
    'صور',
    '\u202eotohp',
    'ph\u200doto',
    '日本',
    '日本語',
    '😀',
    '😀😀',
    'Photo\u{10ffff}',
    'Photo\u{10ffff}\u{10ffff}',
    '\uffff',
  ],
  ...[
    '',
    ' ',
    '-',
    '"',
    '"name":"Photo"',
    '{"name":"Photo',
    '\\"name\\":\\"Photo',
    'a\tb\nc',
    'a\\tb',
    'a\u0001b',
    'a\u007fb',
  ],
  ...[
    'z'.repeat(199),
    'z'.repeat(200),
    'z'.repeat(201),
    `${'z'.repeat(199)}Z`,
    '😀'.repeat(200),
    `${'"'.repeat(200)}x`,
    '日'.repeat(2000),
  ],
]
const prefixes = [
  ...[
    'p',
    'PHOTO',
    'photo%',
    'photo_',
    'photo\\',
    'photo\\\\',
    'photo*',
    'photo?',
    'photo[',
    "photo'",
    'phö',
    'PHÖ',
    'pho\u0308',
    'ä',
    'Ä',
  ],
  ...[
    's',
    'st',
    'i',
    'İ',
    'fi',
    'k',
    'K',
    'ص',
    '\u202e',
    '日',
    '日本',
    '😀',
    '\u{10ffff}',
    'photo\u{10ffff}',
    '\uffff',
  ],
  ...[
    '',
    ' ',
    '-',
    '"',
    '"name"',
    '{',
    '\\',
    '\\"',
    'a\t',
    'a\\',
    'a\u0001',
    'z'.repeat(200),
    'z'.repeat(500),
    '"'.repeat(201),
    '日'.repeat(300),
  ],
]
/** Other than a store need keep: some of them refuse it, and none of them may answer with what does not begin so. */
const odd = ['a\0', '\0', 'half \ud83d', '\udc00', '\ud83d', 'nobody is called so']

const listed = async ({ clients }: OAuthStorage, query: NameQuery) => (await clients.listByName?.(query)) as Client[]

/** Each page of `limit`, and what happens between two of them. */
async function walked(
  storage: OAuthStorage,
  prefix: string,
  limit: number,
  between = async () => {},
): Promise<Client[]> {
  const found: Client[] = []
  for (let last: Client | undefined; ; await between()) {
    const after = last && { name: last.name as string, clientId: last.clientId }
    const page = await listed(storage, { prefix, limit, ...(after && { after }) })
    found.push(...page)
    last = page.at(-1)
    if (last === undefined || page.length < limit) return found
  }
}

describe.each<Backend>([sqlite, postgres, mysql, redis])('$name', (backend) => {
  backend.describe('with clients of many names', () => {
    let running: RunningBackend
    let open: OpenStore
    let storage: OAuthStorage
    const rows = names.map((name, n) => client({ clientId: `c${String(n).padStart(3, '0')}`, name }))
    beforeAll(async () => {
      running = await backend.start()
      open = await (await loadDriver(running.store.kind))(running.store)
      storage = open.storage
      // in another order than that of their names and ids
      for (const [n] of rows.entries()) await storage.clients.insert(rows[(n * 37) % rows.length] as Client)
      for (const clientId of ['nameless-1', 'nameless-2']) await storage.clients.insert(client({ clientId }))
    })
    afterAll(async () => {
      await open?.close()
      await running?.stop()
    })
    afterEach(async () => {
      for (const { clientId } of await storage.clients.list({ after: 'd', limit: 1000 })) {
        if (!clientId.startsWith('nameless')) await storage.clients.delete(clientId)
      }
    })

    it('is a number of rows that no two of them share an id in', () => {
      expect(new Set(rows.map((_, n) => (n * 37) % rows.length)).size).toBe(rows.length)
    })

    it.each(prefixes.map((prefix) => [prefix]))(
      'finds what begins with %j and nothing else, once, in one order',
      async (prefix) => {
        const expected = rows.filter(({ name }) => beginsWith(name, prefix))
        for (const limit of [100, 1, 3]) {
          // a control character may look like a backslash and a letter, as JSON has it: who asks compares once more
          const found = (await walked(storage, prefix, limit)).filter(({ name }) => beginsWith(name, prefix))
          expect(found.map(({ clientId }) => clientId).sort()).toEqual(expected.map(({ clientId }) => clientId))
          const keys = found.map(({ name = '', clientId }) => [comparedName(name), clientId] as const)
          const plain = keys.filter(([name]) => !/[\p{Cc}"\\]/u.test(name))
          const inOrder = [...plain].sort(
            ([one, id], [other, otherId]) =>
              Buffer.compare(Buffer.from(one), Buffer.from(other)) || (id < otherId ? -1 : 1),
          )
          expect(plain).toEqual(inOrder)
        }
      },
    )

    it.each(odd.map((prefix) => [prefix]))('answers a look for %j with nothing, or refuses it', async (prefix) => {
      const found = await listed(storage, { prefix, limit: 100 }).catch(() => [])
      expect(found.filter(({ name }) => beginsWith(name, prefix))).toEqual([])
    })

    it('is not led astray by a place that nobody was given', async () => {
      const places = ['', 'a', 'photo', 'q', 'photo\u{10ffff}', '\u{10ffff}'.repeat(300), '\\', '"', '-', '('].flatMap(
        (name) => ['', 'c000', 'c999', '\n', '(', '['].map((clientId) => ({ name, clientId })),
      )
      const all = rows.filter(({ name }) => beginsWith(name, 'photo'))
      for (const after of places) {
        const found = (await listed(storage, { prefix: 'photo', after, limit: 100 })).filter(({ name }) =>
          beginsWith(name, 'photo'),
        )
        const behind = all.filter(({ name = '', clientId }) => {
          const [one, other] = [Buffer.from(comparedName(name)), Buffer.from(comparedName(after.name))]
          return (Buffer.compare(one, other) || Buffer.compare(Buffer.from(clientId), Buffer.from(after.clientId))) > 0
        })
        expect(found.map(({ clientId }) => clientId).sort()).toEqual(behind.map(({ clientId }) => clientId))
      }
    })

    it('comes to an end, with each that stays once, while others are renamed, deleted and added', async () => {
      const id = (n: number) => `race-${String(n).padStart(3, '0')}`
      const name = (n: number) => `Race ${String((n * 7) % 60).padStart(2, '0')}`
      for (let n = 0; n < 60; n++) await storage.clients.insert(client({ clientId: id(n), name: name(n) }))
      const [gone, moved] = [new Set<string>(), new Set<string>()]
      let step = 0
      const found = await walked(storage, 'race', 5, async () => {
        const n = step++ * 3
        if (n > 57) return
        moved.add(id(n))
        gone.add(id(n + 1))
        await Promise.all([
          storage.clients.update(client({ clientId: id(n), name: `Race ${step % 2 ? '00' : '99'}`, version: 2 }), 1),
          storage.clients.delete(id(n + 1)),
          storage.clients.insert(client({ clientId: `race-new-${n}`, name: 'Race 30' })),
        ])
      })
      const stays = found.map(({ clientId }) => clientId).filter((clientId) => Number(clientId.slice(5)) % 3 === 2)
      expect(stays.sort()).toEqual(Array.from({ length: 20 }, (_, n) => id(n * 3 + 2)))
      expect(moved.size).toBeGreaterThan(10)
      const rest = await walked(storage, 'race', 100)
      expect(rest.filter(({ clientId }) => moved.has(clientId) || gone.has(clientId))).toEqual(
        rest.filter(({ version, clientId }) => version === 2 && moved.has(clientId)),
      )
      expect(new Set(rest.map(({ clientId }) => clientId))).toEqual(
        new Set((await storage.clients.list({ after: 'race', limit: 1000 })).map(({ clientId }) => clientId)),
      )
    })

    it('a name that changes to and fro at once is found as the record has it in the end', async () => {
      await storage.clients.insert(client({ clientId: 'swap', name: 'Swap 0' }))
      const rename = async (n: number) => {
        for (let tries = 0; tries < 20; tries++) {
          const { version } = (await storage.clients.find('swap')) as Client
          if (
            await storage.clients.update(client({ clientId: 'swap', name: `Swap ${n}`, version: version + 1 }), version)
          )
            return
        }
      }
      await Promise.all(Array.from({ length: 10 }, (_, n) => rename(n)))
      expect(await listed(storage, { prefix: 'swap', limit: 100 })).toEqual([await storage.clients.find('swap')])
    })

    it('is what an administrator searches, page by page', async () => {
      const host = await adminHost({}, { storage })
      for (let n = 0; n < 45; n++) {
        await storage.clients.insert(client({ clientId: `shown-${10 + n}`, name: `${'"'.repeat(250)}${99 - n}` }))
      }
      const walked: string[][] = []
      for (let next: string | undefined = `?find=${'%22'.repeat(3)}&by=name`; next && walked.length < 6; ) {
        const page = await host.get(next).expect(200)
        walked.push([...page.text.matchAll(/<code>shown-(\d+)/g)].map(([, id]) => id as string))
        next = nextIn(page)
      }
      expect(walked.flat()).toEqual(Array.from({ length: 45 }, (_, n) => String(10 + n)))
      expect(namesIn(await host.get('?find=PHO%CC%88&by=name').expect(200))).toEqual(['Pho\u0308to'])
      const { clients } = await findClients(host.server, { name: 'Photo\u{10ffff}', limit: 10 })
      expect(clients.map(({ name }) => name)).toEqual(['Photo\u{10ffff}', 'Photo\u{10ffff}\u{10ffff}'])
    })
  })
})
