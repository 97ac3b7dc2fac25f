/** The rules for revoking a user or a client: a mark covers rows that began before, whenever they arrive. */
import type { RevocationTarget } from '../../storage'
import { client, code, credential, grant, HOUR, NOW, used } from './rows'
import { answers, isAlive, isDead, onlyAlive, type Rule, race } from './rule'

const ROUNDS = 20
const beganBefore = [NOW - HOUR, NOW - 1, NOW]
const beganLater = [NOW + 1, NOW + HOUR]

/** A mark, and the members of the rows that it covers. */
const subjects: readonly (readonly [
  name: string,
  target: RevocationTarget,
  owner: { userId?: string; clientId?: string },
])[] = [
  ['a user', { userId: 'ada' }, { userId: 'ada' }],
  ['a client', { clientId: 'app' }, { clientId: 'app' }],
]

export function markRules(rule: Rule): void {
  for (const [name, target, owner] of subjects) {
    /** A token with its grant and one without, which began at this time. */
    const began = (startedAt: number, id = `g${startedAt}`) => ({
      stored: grant({ ...owner, id, startedAt }),
      granted: credential({ ...owner, id: `${id}~access`, grantId: id, startedAt }),
      ungranted: credential({ ...owner, id: `${id}~code`, startedAt }),
    })
    const all = [...beganBefore, ...beganLater].map((startedAt) => began(startedAt))
    const before = all.slice(0, beganBefore.length)
    const later = all.slice(beganBefore.length)

    rule(`ends rows under ${name} that began in that second or before, and no later row`, async (storage) => {
      for (const { stored, granted, ungranted } of before) await storage.grants.insert([granted, ungranted], stored)
      await storage.grants.revoke(target, NOW)
      for (const { stored, granted, ungranted } of later) await storage.grants.insert([granted, ungranted], stored)
      for (const { granted, ungranted } of all) {
        for (const row of [granted, ungranted]) {
          const because = `A mark of ${name} covers rows with startedAt <= ${NOW}. This row began at ${row.startedAt}.`
          if (row.startedAt <= NOW) await isDead(storage, row, `${because} It must be dead: "sign out everywhere".`)
          else await isAlive(storage, row, `${because} It must be alive: a later sign-in works.`)
        }
      }
      await onlyAlive(
        storage,
        later.map(({ stored }) => stored),
        `list leaves out grants that a mark of ${name} covers.`,
      )
    })

    rule(`ends stored rows under ${name} that began later by the clock of another process`, async (storage) => {
      const { stored, granted } = began(NOW + 2, 'ahead')
      const { ungranted } = began(NOW + 5, 'further')
      const owner = { clientId: 'another', userId: 'bob', startedAt: NOW + HOUR }
      const [others, other] = [grant({ ...owner, id: 'o1' }), credential({ ...owner, id: 'o1~access', grantId: 'o1' })]
      await storage.grants.insert([granted], stored)
      await storage.grants.insert([ungranted])
      await storage.grants.insert([other], others)
      await storage.grants.revoke(target, NOW)
      const because = `A mark of ${name} covers every row stored when it is set, also one from a clock that is ahead.`
      for (const row of [granted, ungranted]) await isDead(storage, row, because)
      await onlyAlive(storage, [others], because)
      await isAlive(storage, other, `${because} Rows of other users and clients stay alive.`)
      const next = began(NOW + 6, 'next')
      await storage.grants.insert([next.granted, next.ungranted], next.stored)
      for (const row of [next.granted, next.ungranted]) {
        await isAlive(
          storage,
          row,
          `A mark of ${name} covers no row that began after the latest row stored when it was set.`,
        )
      }
    })

    rule(`ends rows under ${name} that began before and arrive later`, async (storage) => {
      await storage.grants.revoke(target, NOW)
      for (const { stored, granted, ungranted } of all) await storage.grants.insert([granted, ungranted], stored)
      for (const { granted, ungranted } of all) {
        for (const row of [granted, ungranted]) {
          const because = `A mark of ${name} covers rows with startedAt <= ${NOW} that arrive later. This row began at ${row.startedAt}.`
          if (row.startedAt <= NOW)
            await isDead(
              storage,
              row,
              `${because} The password was reset after it was checked and before the row arrived.`,
            )
          else await isAlive(storage, row, because)
        }
      }
      await onlyAlive(
        storage,
        later.map(({ stored }) => stored),
        `list leaves out grants that a mark of ${name} covers.`,
      )
    })

    rule(
      `ends credentials of a grant that a mark of ${name} covers, and those it covers under a newer grant`,
      async (storage) => {
        const [older, newer] = [
          grant({ ...owner, startedAt: NOW - 1 }),
          grant({ ...owner, id: 'g2', startedAt: NOW + 1 }),
        ]
        const underOlder = credential({ ...owner, grantId: 'g1', startedAt: NOW + 1 })
        const underNewer = credential({ ...owner, id: 'g2~access', grantId: 'g2', startedAt: NOW - 1 })
        await storage.grants.revoke(target, NOW)
        await storage.grants.insert([underOlder], older)
        await storage.grants.insert([underNewer], newer)
        await isDead(
          storage,
          underOlder,
          `A grant that a mark of ${name} covers is dead, and so is every credential that names it.`,
        )
        await isDead(storage, underNewer, `A mark of ${name} covers a credential by its own startedAt, too.`)
      },
    )

    rule(`keeps the newest mark of ${name}, in any order of arrival`, async (storage) => {
      const before = began(NOW)
      await storage.grants.insert([before.granted, before.ungranted], before.stored)
      for (const now of [NOW - HOUR, NOW, NOW - HOUR]) await storage.grants.revoke(target, now)
      await race(ROUNDS, (racer) => storage.grants.revoke(target, NOW - racer))
      const because = `An older mark of ${name} must not replace a newer one: servers' clocks differ by seconds.`
      for (const row of [before.granted, before.ungranted]) await isDead(storage, row, because)
      const next = began(NOW + 1)
      await storage.grants.insert([next.granted], next.stored)
      await isAlive(storage, next.granted, `Several marks of ${name} cover exactly what the newest one covers.`)
    })

    rule(`refuses a transition to a grant that a mark of ${name} covers`, async (storage) => {
      const token = credential({ id: 'g1~access' })
      await storage.grants.insert([code({ startedAt: NOW + 1 })])
      await storage.grants.revoke(target, NOW)
      const stored = grant({ ...owner, startedAt: NOW })
      const moved = storage.grants.transition('g1~code', 'fresh', used(code()), [token], stored)
      const because = `A transition to a grant that a mark of ${name} covers must do nothing: its tokens would be dead.`
      await answers(moved, false, because)
      await isAlive(storage, code({ startedAt: NOW + 1 }), `${because} The credential was changed.`)
      await isDead(storage, token, `${because} Its additions were stored.`)
      await onlyAlive(storage, [], because)
    })

    rule(`refuses a transition of a credential whose grant a mark of ${name} covers`, async (storage) => {
      const later = credential({ ...owner, id: 'g1~refresh', grantId: 'g1', startedAt: NOW + 1 })
      await storage.grants.insert([later], grant({ ...owner, startedAt: NOW }))
      await storage.grants.revoke(target, NOW)
      const because = `A credential of a grant that a mark of ${name} covers is dead, even if it began later: its transition must do nothing.`
      const additions = [credential({ ...owner, startedAt: NOW + 1 })]
      await answers(
        storage.grants.transition(later.id, 'valid', { ...later, state: 'next' }, additions),
        false,
        because,
      )
      for (const row of [later, ...additions]) await isDead(storage, row, because)
    })

    rule(`lets a mark of ${name} win against parallel calls`, async (storage) => {
      for (let round = 0; round < ROUNDS; round++) {
        const [waiting, { stored, granted, ungranted }] = [
          code({ ...owner, id: `g${round}~wait` }),
          began(NOW, `g${round}`),
        ]
        await storage.grants.insert([waiting])
        const calls = [
          () => storage.grants.insert([ungranted]),
          () => storage.grants.revoke(target, NOW),
          () => storage.grants.transition(waiting.id, 'fresh', used(waiting, stored.id), [granted], stored),
        ]
        if (round % 2) calls.reverse()
        await race(calls.length, (racer) => calls[racer]?.())
        const because = `Once revoke has returned, everything that began under ${name} is dead, whatever ran in parallel.`
        for (const row of [waiting, granted, ungranted]) await isDead(storage, row, because)
        await onlyAlive(storage, [], because)
      }
    })
  }

  rule('leaves other users and clients alone, and rows without a user', async (storage) => {
    const owners = [
      {},
      { userId: 'bob' },
      { userId: 'Ada' },
      { userId: 'app' },
      { clientId: 'ada' },
      { clientId: 'App' },
    ]
    const rows = owners.map((owner, n) => credential({ ...owner, id: `g${n}~access`, grantId: `g${n}` }))
    for (const [n, row] of rows.entries()) await storage.grants.insert([row], grant({ ...owners[n], id: `g${n}` }))
    for (const userId of ['ada', 'undefined', 'null', '', '%']) await storage.grants.revoke({ userId }, NOW)
    for (const clientId of ['app', 'undefined', 'null', '', '%']) await storage.grants.revoke({ clientId }, NOW)
    for (const row of rows) {
      await isAlive(storage, row, 'A mark covers exactly its user or its client, and a user id is not a client id.')
    }
  })

  rule('leaves the tokens of a client dead when its id is registered again', async (storage) => {
    const [old, fresh] = [credential(), credential({ id: 'g2~access', startedAt: NOW + 1 })]
    await storage.clients.insert(client())
    await storage.grants.insert([old])
    await storage.grants.revoke({ clientId: 'client-1' }, NOW)
    await storage.clients.delete('client-1')
    await storage.clients.insert(client({ name: 'Another app' }))
    await isDead(storage, old, 'Tokens of a deleted client must stay dead when its id is registered again.')
    await storage.grants.insert([fresh])
    await isAlive(
      storage,
      fresh,
      'A token that began after the mark is alive: the client that was registered again works.',
    )
  })
}
