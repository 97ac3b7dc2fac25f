/** The rules for columns: wide enough, written by every update, and read completely. Schemas often get these wrong. */
import type { Credential, Grant } from '../../storage'
import { client, code, credential, DAY, grant, HOUR, MINUTE, NOW, used } from './rows'
import { answers, isAlive, isDead, isSame, onlyAlive, type Rule } from './rule'

/** The limit in the docs of `OAuthStorage`. */
const LONGEST = 128
const PAGE = 100
const ROWS = PAGE + 20

/** Two texts of this length that differ in the last character. */
const longest = (start: string, length: number) =>
  ['1', '2'].map((end) => `${start}${'x'.repeat(length - start.length - 1)}${end}`)

interface Session {
  stored: Grant
  row: Credential
}

export function columnRules(rule: Rule, nativeExpiry: boolean): void {
  rule('keeps ids and states of 128 characters apart by the last of them', async (storage) => {
    const because = `Ids and states have up to ${LONGEST} characters. A column that cuts them makes two of them one.`
    const [before, after] = longest('state-', LONGEST) as [string, string]
    const rows = longest('g', LONGEST - 2).map((id) => ({
      stored: grant({ id }),
      row: credential({ id: `${id}~a`, grantId: id, state: before }),
    })) as [Session, Session]
    for (const { row, stored } of rows) await answers(storage.grants.insert([row], stored), true, because)
    await onlyAlive(
      storage,
      rows.map(({ stored }) => stored),
      because,
    )
    const [{ row }, other] = rows
    await answers(storage.grants.transition(row.id, after, { ...row, state: 'wrong' }, []), false, because)
    await answers(storage.grants.transition(row.id, before, { ...row, state: after }, []), true, because)
    await isAlive(storage, { ...row, state: after }, because)
    await isAlive(storage, other.row, because)
    await storage.grants.revoke({ grantId: row.grantId as string }, NOW)
    await onlyAlive(storage, [other.stored], because)
  })

  rule('counts versions beyond 2^30', async (storage) => {
    const because = 'Versions start at random up to 2^30, so that no update meets another registration of its id.'
    const version = 2 ** 30
    await storage.clients.insert(client({ version }))
    const next = client({ version: version + 1, name: 'Next' })
    await answers(storage.clients.update(next, version - 2 ** 16), false, because)
    await answers(storage.clients.update(next, version), true, because)
    isSame(await storage.clients.find('client-1'), next, because)
  })

  rule('lists a client under the username of its last update', async (storage) => {
    const because = 'update changes every column that a list reads, or a user manages the clients of somebody else.'
    const owned = async (username: string) =>
      (await storage.clients.list({ username, limit: 10 })).map(({ clientId }) => clientId)
    await storage.clients.insert(client({ username: 'ada' }))
    await storage.clients.update(client({ username: 'bob', version: 2 }), 1)
    isSame([await owned('ada'), await owned('bob')], [[], ['client-1']], because)
    await storage.clients.update(client({ version: 3 }), 2)
    isSame([await owned('ada'), await owned('bob')], [[], []], `${because} This update has no username.`)
  })

  for (const owner of ['userId', 'clientId'] as const) {
    rule(`lists and revokes by the ${owner} of the last transition`, async (storage) => {
      const because = `transition changes every column that list and revoke read. Here another ${owner} is the owner.`
      const before = credential({ grantId: 'g1', [owner]: 'before' })
      const after = { ...before, [owner]: 'after', state: 'next' }
      const [old, fresh] = [grant({ [owner]: 'before' }), grant({ [owner]: 'after' })]
      await storage.grants.insert([before], old)
      await storage.grants.transition(before.id, 'valid', after, [], fresh)
      const listed = (id: string) =>
        storage.grants.list(owner === 'userId' ? { userId: id, limit: 10 } : { clientId: id, limit: 10 })
      isSame([await listed('before'), await listed('after')], [[], [fresh]], because)
      const revoke = (id: string) =>
        storage.grants.revoke(owner === 'userId' ? { userId: id } : { clientId: id }, NOW + 1)
      await revoke('before')
      await isAlive(storage, after, because)
      await revoke('after')
      await isDead(storage, after, because)
    })
  }

  rule('fills a page of a hundred clients and grants', async (storage) => {
    const because = 'A page shorter than `limit` is the last one: the library asks for a hundred rows and stops there.'
    const ids = Array.from({ length: ROWS }, (_, n) => `id-${1000 + n}`)
    for (const id of ids) {
      await storage.clients.insert(client({ clientId: id }))
      await storage.grants.insert([], grant({ id, userId: 'ada' }))
    }
    const after = ids[PAGE - 1] as string
    const clients = [await storage.clients.list({ limit: PAGE }), await storage.clients.list({ after, limit: PAGE })]
    const grants = [await storage.grants.list({ limit: PAGE }), await storage.grants.list({ after, limit: PAGE })]
    const owned = await storage.grants.list({ userId: 'ada', limit: PAGE })
    const found = [...clients.map((page) => page.map((row) => row.clientId)), ...grants.map((page) => page.map(idOf))]
    const pages = [ids.slice(0, PAGE), ids.slice(PAGE)]
    isSame(found, [...pages, ...pages], because)
    isSame(owned.map(idOf), pages[0], because)
  })

  rule('keeps a used credential until it expires', async (storage) => {
    const because = 'A used code stays until it expires, or nobody notices that it came twice (RFC 6749 §4.1.2).'
    const after = { ...used(code()), expiresAt: NOW + HOUR }
    await storage.grants.insert([code()])
    await storage.grants.transition('g1~code', 'fresh', after, [], grant())
    await storage.grants.deleteExpired(NOW + MINUTE, 1000)
    await isAlive(storage, after, because)
  })

  if (nativeExpiry) return

  rule('counts the credentials that it deletes, and no grant, tombstone or mark', async (storage) => {
    const because = 'deleteExpired returns the number of credentials: who calls it goes on while a batch was full.'
    for (const id of ['g1', 'g2']) {
      await storage.grants.insert([credential({ id: `${id}~access`, grantId: id })], grant({ id, expiresAt: NOW }))
    }
    await storage.grants.revoke({ grantId: 'g3' }, NOW)
    await storage.grants.revoke({ userId: 'ada' }, NOW)
    let removed = 0
    for (const days of [1, 40, 80]) removed += await storage.grants.deleteExpired(NOW + days * DAY, 1000)
    isSame(removed, 2, because)
  })
}

const idOf = ({ id }: { id: string }) => id
