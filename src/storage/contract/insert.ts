/** The rules for `insert` and `find`: all or nothing, and nothing is alive without its grant. */

import { code, credential, grant } from './rows'
import { answers, isAlive, isDead, oneWinner, onlyAlive, type Rule, race } from './rule'

const RACERS = 50

export function insertRules(rule: Rule): void {
  rule('finds each inserted credential, and returns undefined for an unknown id', async (storage) => {
    const [first, second] = [code(), credential()]
    await answers(storage.grants.insert([first, second]), true, 'insert adds credentials whose ids are free.')
    await isAlive(storage, first, 'A credential that names no grant is alive from its insert on.')
    await isAlive(storage, second, 'insert stores every credential that it is given, not only the first.')
    await isDead(storage, credential({ id: 'g1~other' }), 'find returns undefined, not null, for an unknown id.')
    await isDead(storage, credential({ id: 'G1~ACCESS' }), 'Credential ids are compared exactly, case included.')
  })

  rule('inserts credentials together with their grant', async (storage) => {
    const [token, stored] = [credential({ grantId: 'g1' }), grant()]
    await answers(storage.grants.insert([token], stored), true, 'insert adds credentials and their grant.')
    await isAlive(storage, token, 'A credential is alive when its grant is there and not revoked.')
    await onlyAlive(storage, [stored], 'insert stores the grant that it is given, as it is.')
  })

  rule('does not find a credential whose grant is absent', async (storage) => {
    const token = credential({ grantId: 'g1' })
    await storage.grants.insert([token])
    await isDead(
      storage,
      token,
      'A credential whose grant is absent is not alive: its grant may be revoked and deleted.',
    )
  })

  rule('refuses an insert when a credential id exists, and stores nothing of it', async (storage) => {
    const stored = code()
    await storage.grants.insert([stored])
    const fresh = credential({ grantId: 'g1' })
    const because = 'insert is all or nothing: an id that exists must not be replaced, and the rest must not be stored.'
    await answers(storage.grants.insert([fresh, code({ state: 'other' })], grant()), false, because)
    await isAlive(storage, stored, `${because} A replaced code could be redeemed again.`)
    await onlyAlive(storage, [], `${because} The grant was stored.`)
    await storage.grants.insert([], grant())
    await isDead(storage, fresh, `${because} The other credential was stored.`)
  })

  rule('refuses an insert when the grant id exists, and stores nothing of it', async (storage) => {
    const stored = grant({ userId: 'ada' })
    await storage.grants.insert([], stored)
    const because =
      'insert is all or nothing: a grant that exists is not replaced, and gets no tokens that its user never approved.'
    await answers(storage.grants.insert([credential({ grantId: 'g1' })], grant({ userId: 'bob' })), false, because)
    await onlyAlive(storage, [stored], because)
    await isDead(storage, credential(), because)
  })

  rule('refuses an insert that names one id twice, and stores nothing of it', async (storage) => {
    const twins = [code(), credential({ state: 'first' }), credential({ state: 'second' })]
    const because = 'Two credentials of one call must not share an id: one of the two tokens would not be stored.'
    await answers(storage.grants.insert(twins, grant()), false, because)
    for (const twin of twins) await isDead(storage, twin, because)
    await onlyAlive(storage, [], because)
  })

  rule('lets one of many parallel inserts of a credential id win, with its own rows only', async (storage) => {
    const shared = (racer: number) => code({ state: `racer ${racer}` })
    const own = (racer: number) => credential({ id: `g1~access-${racer}` })
    const answered = await race(RACERS, (racer) => storage.grants.insert([own(racer), shared(racer)]))
    const winner = oneWinner(
      answered,
      'grants.insert',
      'one credential id',
      'An id is used once: this stops the replay of a client assertion (RFC 7523 §3, jti).',
    )
    await isAlive(storage, shared(winner), 'The stored row must be the one of the insert that returned true.')
    for (let racer = 0; racer < RACERS; racer++) {
      if (racer === winner) await isAlive(storage, own(racer), 'The winner of a race has all its rows stored.')
      else await isDead(storage, own(racer), 'insert is all or nothing: a call that returned false stored a row.')
    }
  })

  rule('lets one of many parallel inserts of a grant win, with its own rows only', async (storage) => {
    const shared = (racer: number) => grant({ userId: `user-${racer}` })
    const own = (racer: number) => credential({ id: `g1~access-${racer}`, grantId: 'g1', userId: `user-${racer}` })
    const answered = await race(RACERS, (racer) => storage.grants.insert([own(racer)], shared(racer)))
    const winner = oneWinner(answered, 'grants.insert', 'one grant id', 'Two users would share one grant.')
    await onlyAlive(storage, [shared(winner)], 'The stored grant must be the one of the insert that returned true.')
    for (let racer = 0; racer < RACERS; racer++) {
      if (racer === winner) await isAlive(storage, own(racer), 'The winner of a race has all its rows stored.')
      else await isDead(storage, own(racer), 'insert is all or nothing: a call that returned false stored a row.')
    }
  })

  rule('keeps parallel inserts of different rows apart', async (storage) => {
    const row = (racer: number) => credential({ id: `g${racer}~access`, grantId: `g${racer}` })
    const answered = await race(RACERS, (racer) => storage.grants.insert([row(racer)], grant({ id: `g${racer}` })))
    for (const answer of answered) {
      await answers(answer, true, 'Inserts that have no id in common must not hinder each other.')
    }
    for (let racer = 0; racer < RACERS; racer++) {
      await isAlive(storage, row(racer), 'A row is stored when insert returns true, also while others insert.')
    }
  })
}
