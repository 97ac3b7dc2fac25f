/** The rules for revoking a grant: it stays dead, in whatever order the revocation and its rows arrive. */

import { code, credential, grant, NOW, used } from './rows'
import { answers, isAlive, isDead, onlyAlive, type Rule, race } from './rule'

const ROUNDS = 20

export function tombstoneRules(rule: Rule): void {
  rule('ends everything that names the grant', async (storage) => {
    const rows = [credential({ grantId: 'g1' }), credential({ id: 'g1~refresh', grantId: 'g1' }), used(code())]
    await storage.grants.insert(rows, grant())
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    for (const row of rows) {
      await isDead(
        storage,
        row,
        'Revoking a grant ends at once every credential issued under it (RFC 7009 §2.1, RFC 6749 §4.1.2).',
      )
    }
    await onlyAlive(
      storage,
      [],
      'list returns only grants that are alive: a revoked grant is no longer a connected app.',
    )
  })

  rule('leaves every other grant alone', async (storage) => {
    const others = [
      credential({ id: 'g2~access', grantId: 'g2', userId: 'ada' }),
      credential({ id: 'G1~access', grantId: 'G1', userId: 'ada' }),
      credential({ id: 'g1~code', userId: 'ada' }),
    ]
    const [second, upper, ungranted] = others as [(typeof others)[0], (typeof others)[0], (typeof others)[0]]
    const [g2, G1] = [grant({ id: 'g2', userId: 'ada' }), grant({ id: 'G1', userId: 'ada' })]
    await storage.grants.insert([credential({ grantId: 'g1', userId: 'ada' })], grant({ userId: 'ada' }))
    await storage.grants.insert([second], g2)
    await storage.grants.insert([upper], G1)
    await storage.grants.insert([ungranted])
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    const because =
      'Revoking one grant must not touch another one of the same user and client: it is another installation.'
    for (const other of others) await isAlive(storage, other, because)
    await onlyAlive(storage, [G1, g2], because)
  })

  rule('ends a grant whose row arrives later', async (storage) => {
    const token = credential({ grantId: 'g1' })
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    await storage.grants.insert([token], grant())
    const because =
      'revoke stores a tombstone when the grant is not stored yet: a slower request may insert it a moment later.'
    await isDead(storage, token, because)
    await onlyAlive(storage, [], because)
  })

  rule('ends a credential that arrives later', async (storage) => {
    const [token, orphan] = [credential({ grantId: 'g1' }), credential({ id: 'g2~access', grantId: 'g2' })]
    await storage.grants.insert([], grant())
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    await storage.grants.revoke({ grantId: 'g2' }, NOW)
    await storage.grants.insert([token])
    await storage.grants.insert([orphan])
    await storage.grants.insert([], grant({ id: 'g2' }))
    const because = 'A credential that names a revoked grant is dead, also when it arrives after the revocation.'
    await isDead(storage, token, because)
    await isDead(storage, orphan, `${because} Here its grant arrives even later.`)
    await onlyAlive(storage, [], because)
  })

  rule('holds at any time, however often it is repeated', async (storage) => {
    const token = credential({ grantId: 'g1', startedAt: NOW + 100, issuedAt: NOW + 100 })
    await storage.grants.insert([token], grant({ startedAt: NOW + 100 }))
    for (const now of [NOW, NOW + 200, NOW]) {
      await storage.grants.revoke({ grantId: 'g1' }, now)
      await isDead(storage, token, 'A revoked grant is dead at any time: only marks are compared with `startedAt`.')
    }
  })

  rule('refuses a transition to a grant that was revoked before it arrived', async (storage) => {
    await storage.grants.insert([code()])
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    const token = credential({ id: 'g1~access' })
    const because = 'A transition to a revoked grant must do nothing: it was revoked because a thief has its code.'
    await answers(storage.grants.transition('g1~code', 'fresh', used(code()), [token], grant()), false, because)
    await isAlive(storage, code(), `${because} The credential was changed.`)
    await isDead(storage, token, `${because} Its additions were stored.`)
    await onlyAlive(storage, [], because)
  })

  rule('is not undone by a transition that stores the grant again', async (storage) => {
    const before = credential({ grantId: 'g1' })
    await storage.grants.insert([code()])
    await storage.grants.insert([before], grant())
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    const again = grant({ startedAt: NOW + 1, scope: ['write'] })
    const because = 'Storing a grant again must never bring it back from its revocation.'
    await answers(storage.grants.transition('g1~code', 'fresh', used(code()), [], again), false, because)
    await isDead(storage, before, because)
    await onlyAlive(storage, [], because)
  })

  rule('wins against parallel calls', async (storage) => {
    for (let round = 0; round < ROUNDS; round++) {
      const [id, extended] = [`g${round}`, grant({ id: `g${round}`, scope: ['write'] })]
      const refresh = credential({ id: `${id}~refresh`, grantId: id, state: 'one' })
      const access = credential({ id: `${id}~access`, grantId: id })
      const late = credential({ id: `${id}~late`, grantId: id })
      await storage.grants.insert([refresh], grant({ id }))
      const calls = [
        () => storage.grants.transition(refresh.id, 'one', { ...refresh, state: 'two' }, [access], extended),
        () => storage.grants.revoke({ grantId: id }, NOW),
        () => storage.grants.insert([late]),
      ]
      if (round % 2) calls.reverse()
      await race(calls.length, (racer) => calls[racer]?.())
      const because = 'Once revoke has returned, everything under the grant is dead, whatever ran in parallel.'
      for (const row of [refresh, access, late]) await isDead(storage, row, because)
      await onlyAlive(storage, [], because)
    }
  })
}
