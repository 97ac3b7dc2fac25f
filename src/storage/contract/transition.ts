/** The rules for `transition`, the atomic step under codes and refresh tokens (RFC 6749 §4.1.2, RFC 9700 §4.14.2). */
import type { Credential, Grant, OAuthStorage } from '../../storage'
import { code, credential, DAY, grant, HOUR, NOW, used } from './rows'
import { answers, isAlive, isDead, isSame, oneWinner, onlyAlive, type Rule, race } from './rule'

const RACERS = 50
const GENERATIONS = 20

/** Exchanges the code for an access token in a grant, as the token endpoint does. */
function exchange(storage: OAuthStorage, token: Credential, stored: Grant = grant()) {
  return storage.grants.transition('g1~code', 'fresh', used(code()), [token], stored)
}

export function transitionRules(rule: Rule): void {
  rule('moves a credential to its next state and stores additions and grant with it', async (storage) => {
    const [first, second] = [credential({ grantId: 'g1' }), credential({ id: 'g1~refresh', grantId: 'g1' })]
    await storage.grants.insert([code()])
    const moved = storage.grants.transition('g1~code', 'fresh', used(code()), [first, second], grant())
    await answers(moved, true, 'transition returns true when the credential is alive and in the state `from`.')
    await isAlive(storage, used(code()), 'After a transition the credential is `next`.')
    await isAlive(storage, first, 'A transition stores its additions.')
    await isAlive(storage, second, 'A transition stores all its additions, not only the first.')
    await onlyAlive(storage, [grant()], 'A transition stores the grant that it is given.')
  })

  rule('does nothing when the credential is in another state than `from`', async (storage) => {
    await storage.grants.insert([code({ state: 'Fresh' })])
    for (const from of ['used', 'fresh', 'FRESH', 'Fresh ', 'Fres', '']) {
      const because = `A state is compared exactly: 'Fresh' is not '${from}', or a used code would be accepted again.`
      const moved = storage.grants.transition('g1~code', from, used(code()), [credential()], grant())
      await answers(moved, false, because)
      await isAlive(storage, code({ state: 'Fresh' }), `${because} It was changed.`)
      await isDead(storage, credential(), `${because} Its additions were stored.`)
      await onlyAlive(storage, [], `${because} Its grant was stored.`)
    }
  })

  rule('does nothing for an unknown credential: a transition never inserts', async (storage) => {
    const because =
      'A transition of an unknown credential must do nothing: a code that was never issued would return tokens.'
    await answers(exchange(storage, credential()), false, because)
    for (const row of [used(code()), credential()]) await isDead(storage, row, because)
    await onlyAlive(storage, [], because)
  })

  rule('does nothing to a credential that is not alive', async (storage) => {
    const refresh = (id: string) =>
      credential({ id: `${id}~refresh`, grantId: id, clientId: id, userId: id, state: 'one' })
    const ids = ['absent', 'revoked', 'user', 'client']
    for (const id of ids) {
      await storage.grants.insert([refresh(id)], id === 'absent' ? undefined : grant({ id, clientId: id, userId: id }))
    }
    await storage.grants.revoke({ grantId: 'revoked' }, NOW)
    await storage.grants.revoke({ userId: 'user' }, NOW)
    await storage.grants.revoke({ clientId: 'client' }, NOW)
    for (const id of ids) {
      const addition = credential({ id: `${id}~access` })
      const next = credential({ id: `${id}~refresh`, state: 'two' })
      const because = `transition must refuse a dead credential (${id}): a refresh token would outlive its revocation.`
      await answers(storage.grants.transition(`${id}~refresh`, 'one', next, [addition]), false, because)
      await isDead(storage, addition, `${because} Its additions were stored.`)
      await isDead(storage, refresh(id), because)
    }
  })

  rule('is atomic: of many parallel transitions from one state, one wins', async (storage) => {
    await storage.grants.insert([code()])
    const answered = await race(RACERS, () => exchange(storage, credential({ grantId: 'g1' })))
    oneWinner(
      answered,
      'transition',
      'the same `from`',
      'Each of these callers would get tokens for one code (RFC 6749 §4.1.2).',
    )
  })

  rule("stores the credential, additions and grant of a race's winner, and nothing of the losers", async (storage) => {
    await storage.grants.insert([code()])
    const next = (racer: number) => ({ ...used(code()), data: { racer } })
    const addition = (racer: number) => credential({ id: `g1~access-${racer}` })
    const shared = (racer: number) => credential({ id: 'g1~shared', data: { racer } })
    const own = (racer: number) => grant({ scope: [`racer-${racer}`] })
    const answered = await race(RACERS, (racer) =>
      storage.grants.transition('g1~code', 'fresh', next(racer), [addition(racer), shared(racer)], own(racer)),
    )
    const winner = oneWinner(
      answered,
      'transition',
      'the same `from`',
      'Each of these callers would get its own tokens.',
    )
    await isAlive(storage, next(winner), 'After a race the credential must be `next` of the call that returned true.')
    await isAlive(storage, shared(winner), 'An addition with an id that every racer has must be that of the winner.')
    await onlyAlive(storage, [own(winner)], 'The grant must be that of the winner.')
    for (let racer = 0; racer < RACERS; racer++) {
      if (racer === winner)
        await isAlive(storage, addition(racer), 'The winner of a race has all its additions stored.')
      else await isDead(storage, addition(racer), 'A transition that returned false stored a token.')
    }
  })

  rule('keeps parallel transitions of different credentials apart', async (storage) => {
    const codeOf = (racer: number) => code({ id: `g${racer}~code` })
    const tokenOf = (racer: number) => credential({ id: `g${racer}~access`, grantId: `g${racer}` })
    for (let racer = 0; racer < RACERS; racer++) await storage.grants.insert([codeOf(racer)])
    const answered = await race(RACERS, (racer) => {
      const [own, id] = [codeOf(racer), `g${racer}`]
      return storage.grants.transition(own.id, 'fresh', used(own, id), [tokenOf(racer)], grant({ id }))
    })
    for (const answer of answered)
      await answers(answer, true, 'Transitions of different credentials must not hinder each other.')
    for (let racer = 0; racer < RACERS; racer++) {
      await isAlive(
        storage,
        tokenOf(racer),
        'An addition is stored when transition returns true, also while others write.',
      )
    }
  })

  rule('accepts each state of a rotating credential once, generation after generation', async (storage) => {
    const generation = (n: number) => credential({ id: 'g1~refresh', grantId: 'g1', state: `generation ${n}` })
    await storage.grants.insert([generation(0)], grant())
    for (let n = 0; n < GENERATIONS; n++) {
      const rotate = () => storage.grants.transition('g1~refresh', `generation ${n}`, generation(n + 1), [])
      await answers(rotate(), true, `Generation ${n} of a refresh token is current and must be accepted.`)
      await answers(rotate(), false, `Generation ${n} was used: accepting it twice hides theft (RFC 9700 §4.14.2).`)
    }
    await isAlive(storage, generation(GENERATIONS), 'After the last rotation, the last generation is stored.')
  })

  rule('replaces the credential whole', async (storage) => {
    await storage.grants.insert([code({ userId: 'ada', data: { codeChallenge: 'x', nested: { a: 1 } } })])
    const next = credential({
      id: 'g1~code',
      kind: 'other',
      state: 'two',
      digest: 'other',
      clientId: 'client-2',
      scope: [],
    })
    const moved = { ...next, startedAt: NOW + 1, issuedAt: NOW + 2, expiresAt: NOW + DAY, data: { b: 2 } }
    await storage.grants.transition('g1~code', 'fresh', moved, [])
    await isAlive(storage, moved, 'transition replaces every member, and removes members that `next` leaves out.')
  })

  rule('replaces additions of the same id whole', async (storage) => {
    const before = credential({ userId: 'ada', expiresAt: NOW + DAY, data: { old: true } })
    const after = credential({ digest: 'new', expiresAt: NOW + HOUR, data: { new: true } })
    await storage.grants.insert([code(), before])
    const because =
      'An addition replaces the row with its id: access tokens for the same resources alternate between two ids.'
    await answers(storage.grants.transition('g1~code', 'fresh', used(code()), [after], grant()), true, because)
    await isAlive(storage, after, because)
  })

  rule('replaces the grant that it is given', async (storage) => {
    const extended = grant({ scope: ['read', 'write'], expiresAt: NOW + 30 * DAY })
    await storage.grants.insert([code(), credential({ grantId: 'g1' })], grant({ userId: 'ada' }))
    const because =
      'transition replaces an existing grant with the one that it is given: this extends a sliding session.'
    await answers(exchange(storage, credential({ grantId: 'g1', state: 'new' }), extended), true, because)
    await onlyAlive(storage, [extended], because)
    isSame(await storage.grants.list({ userId: 'ada', limit: 10 }), [], `${because} Its user is replaced with it.`)
  })
}
