/** The rules for lists: every row once, in one order, page by page. */

import type { Client } from '../../storage'
import { client, credential, grant, NOW } from './rows'
import { answers, isSame, type Rule } from './rule'

/** Twenty-five ids in byte order. Some differ only in case, some begin with another id. */
const ids = 'A A-1 AA Aa B Z _a a a-1 a.b aA aB a_b aa ab b b~1 b~2 c0 c00 c01 c1 c10 c2 z'.split(' ')
/** The same ids in the order of insertion. */
const shuffled = ids.map((_, n) => ids[(n * 7) % ids.length] as string)
const because =
  'list returns every row once, ordered by the bytes of its id (COLLATE "C"). Only its last page is shorter than `limit`.'

/** The ids of all pages of ten. */
async function pages(list: (page: { after?: string; limit: number }) => Promise<string[]>): Promise<string[][]> {
  const found: string[][] = []
  for (let after: string | undefined; found.length < 10; ) {
    const page = await list(after === undefined ? { limit: 10 } : { after, limit: 10 })
    found.push(page)
    after = page.at(-1)
    if (after === undefined) break
  }
  return found
}

const pagesOf = (expected: string[]): string[][] => {
  const cut = [0, 10, 20].map((start) => expected.slice(start, start + 10)).filter((page) => page.length > 0)
  return [...cut, []]
}

export function listRules(rule: Rule): void {
  rule('lists clients in pages, without gaps or repeats', async (storage) => {
    for (const clientId of shuffled) await storage.clients.insert(client({ clientId }))
    const list = (page: { after?: string; limit: number }) => Promise.resolve(storage.clients.list(page))
    isSame(await pages(async (page) => (await list(page)).map((found) => found.clientId)), pagesOf(ids), because)
    isSame(
      (await list({ after: 'a-0', limit: 1 }))[0]?.clientId,
      'a-1',
      '`after` need not be an id that exists: it may have been deleted meanwhile.',
    )
  })

  rule('lists clients by the beginning of their names, where it can, page by page', async (storage) => {
    if (!storage.clients.listByName) return
    const list = async (prefix: string, limit: number, after?: Client) =>
      (await storage.clients.listByName?.({
        prefix,
        limit,
        ...(after && { after: { name: after.name as string, clientId: after.clientId } }),
      })) as Client[]
    const names = ['Notes', 'notes', 'Notes for Ada', 'NOTEBOOK', 'Note "x\\y"', 'Other notes', 'Nötig', '日記']
    names.push('50% *', 'Cafe ', 'Cafe', 'Café', 'Last\u{10ffff}')
    for (const [n, name] of names.entries()) await storage.clients.insert(client({ clientId: `n${n}`, name }))
    for (const clientId of shuffled) await storage.clients.insert(client({ clientId, name: 'Many' }))
    await storage.clients.insert(client({ clientId: 'nameless' }))
    const found = async (prefix: string) => (await list(prefix, 100)).map(({ name }) => name)
    const caseless = 'listByName finds names that begin so, A to Z like a to z, ordered by name and then by id.'
    isSame(await found('nOtEs'), ['Notes', 'notes', 'Notes for Ada'], caseless)
    isSame(await found('note "X\\'), ['Note "x\\y"'], 'Quotes and backslashes of a name are characters like others.')
    isSame(
      [await found('Nöt'), await found('日'), await found('%'), await found('notes_')],
      [['Nötig'], ['日記'], [], []],
      caseless,
    )
    const exact = 'But for the case of A to Z, every character is itself: accents, blanks, signs and the last of all.'
    isSame(
      [await found('cafe'), await found('cafe '), await found('CAFÉ'), await found('Café')],
      [['Cafe', 'Cafe '], ['Cafe '], [], ['Café']],
      exact,
    )
    isSame(
      [await found('50% *'), await found('5*'), await found('5?'), await found('last')],
      [['50% *'], [], [], ['Last\u{10ffff}']],
      exact,
    )
    const walked: string[][] = []
    for (let last: Client | undefined; walked.length < 10; ) {
      const page = await list('many', 10, last)
      walked.push(page.map(({ clientId }) => clientId))
      last = page.at(-1)
      if (!last) break
    }
    isSame(walked, pagesOf(ids), 'Clients of one name come each once, by the bytes of their ids.')
    await storage.clients.update(client({ clientId: 'n0', name: 'Renamed', version: 2 }), 1)
    await storage.clients.update(client({ clientId: 'n1', version: 2 }), 1)
    await storage.clients.delete('n2')
    const current = 'A client is found by the name of its last update, and a deleted one not at all.'
    isSame([await found('notes'), await found('renamed')], [[], ['Renamed']], current)
    isSame(
      (await list('many', 2, client({ clientId: 'a-0', name: 'Many' }))).map((c) => c.clientId),
      ['a-1', 'a.b'],
      because,
    )
  })

  rule('keeps names of two thousand characters, and lists them by the first two hundred', async (storage) => {
    const kept = 'A name may have 2000 characters of any kind. An index need not: it has no room for them.'
    // without repetition, because an index may compress
    const characters = Array.from({ length: 1993 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)))
    const longest = client({ clientId: 'longest', name: `日本語"\\😀${characters.join('')}` })
    await answers(storage.clients.insert(longest), true, kept)
    isSame(await storage.clients.find('longest'), longest, kept)
    if (!storage.clients.listByName) return
    const list = async (prefix: string, limit: number, after?: { name: string; clientId: string }) =>
      (await storage.clients.listByName?.({ prefix, limit, ...(after && { after }) })) as Client[]
    isSame(await list('日本', 10), [longest], kept)
    isSame(await list(longest.name as string, 10), [longest], 'Of what is looked for, 200 characters count, too.')
    // ordered by the rest, they would be in another order
    const because =
      'Names that are equal in their first 200 characters (code points) are ordered by id, and come each once.'
    for (const start of ['z'.repeat(200), '😀'.repeat(200), '"'.repeat(200)]) {
      const alike = ['3', '2', '1'].map((end, n) => client({ clientId: `alike-${n}`, name: start + end }))
      for (const one of alike) await storage.clients.insert(one)
      for (const nameOf of [({ name }: Client) => name as string, () => start]) {
        const walked: Client[] = []
        for (let last: Client | undefined; walked.length < 10; walked.push(last)) {
          const [next] = await list(start, 1, last && { name: nameOf(last), clientId: last.clientId })
          if (!next) break
          last = next
        }
        isSame(walked, alike, because)
      }
      for (const one of alike) await storage.clients.delete(one.clientId)
    }
  })

  rule('lists the clients of one username, whole', async (storage) => {
    const own = (clientId: string) => client({ clientId, username: 'ada', secrets: [{ digest: 'x', createdAt: NOW }] })
    for (const clientId of shuffled) {
      await storage.clients.insert(own(clientId))
      await storage.clients.insert(client({ clientId: `${clientId}-other`, username: 'Ada' }))
      await storage.clients.insert(client({ clientId: `${clientId}-unowned` }))
    }
    const found = await pages(async (page) =>
      (await storage.clients.list({ username: 'ada', ...page })).map((c) => c.clientId),
    )
    isSame(found, pagesOf(ids), `${because} With a username it has only that user's clients, compared exactly.`)
    isSame(await storage.clients.list({ username: 'ada', limit: 1 }), [own('A')], 'list returns whole records.')
    isSame(
      await storage.clients.list({ username: 'unknown', limit: 10 }),
      [],
      'list returns an empty array when nothing matches.',
    )
  })

  rule('lists grants in pages, without gaps or repeats', async (storage) => {
    for (const id of shuffled)
      await storage.grants.insert([credential({ id: `${id}~access`, grantId: id })], grant({ id }))
    isSame(await pages(async (page) => (await storage.grants.list(page)).map(({ id }) => id)), pagesOf(ids), because)
    const [next] = await storage.grants.list({ after: 'a-0', limit: 1 })
    isSame(next?.id, 'a-1', '`after` need not be an id that exists: its grant may have been revoked meanwhile.')
  })

  rule('lists the grants of a user, of a client, and of both', async (storage) => {
    const [ada, bob] = [{ userId: 'ada' }, { userId: 'bob' }]
    const rows = [
      grant({ id: 'g1', ...ada, clientId: 'app' }),
      grant({ id: 'g2', ...ada, clientId: 'cli' }),
      grant({ id: 'g3', ...bob, clientId: 'app' }),
      grant({ id: 'g4', clientId: 'app' }),
    ]
    for (const row of rows) await storage.grants.insert([], row)
    const listed = async (query: { userId?: string; clientId?: string }) =>
      await storage.grants.list({ ...query, limit: 10 })
    const only = 'A filter leaves out all other grants: a page of connected apps shows and revokes this list.'
    isSame(await listed({}), rows, 'A list without a filter has every grant.')
    isSame(await listed(ada), rows.slice(0, 2), only)
    isSame(await listed({ clientId: 'app' }), [rows[0], rows[2], rows[3]], only)
    isSame(await listed({ ...bob, clientId: 'app' }), [rows[2]], only)
    isSame(await listed({ ...bob, clientId: 'cli' }), [], only)
    isSame(await listed({ userId: 'ADA' }), [], only)
  })

  rule('fills its pages although some grants are dead', async (storage) => {
    const dead = shuffled.flatMap((id) => [`${id}!1`, `${id}!2`].map((name) => name.replace('!', '-dead-')))
    for (const id of dead) await storage.grants.insert([], grant({ id, userId: 'ada' }))
    for (const [n, grantId] of dead.entries()) if (n % 2) await storage.grants.revoke({ grantId }, NOW)
    await storage.grants.revoke({ userId: 'ada' }, NOW)
    for (const id of shuffled) await storage.grants.insert([], grant({ id, userId: 'ada', startedAt: NOW + 1 }))
    const found = await pages(async (page) =>
      (await storage.grants.list({ userId: 'ada', ...page })).map(({ id }) => id),
    )
    isSame(found, pagesOf(ids), `${because} Dead grants are left out before the page is cut, not after.`)
  })
}
