/** The rules for expiry: the server's clock decides, and rows that a revocation needs stay long enough. */

import { client, code, credential, DAY, grant, HOUR, MINUTE, NOW, used } from './rows'
import { answers, isAlive, isDead, isSame, onlyAlive, type Rule } from './rule'

export function expiryRules(rule: Rule, nativeExpiry: boolean): void {
  for (const [era, at] of [
    ['the distant past', 0],
    ['the distant future', 9_999_990_000],
  ] as const) {
    rule(`never decides expiry by its own clock: finds and moves rows of ${era}`, async (storage) => {
      const times = { startedAt: at, issuedAt: at, expiresAt: at + 1 }
      const stored = grant({ startedAt: at, expiresAt: at + 1 })
      const [waiting, token] = [code(times), credential({ ...times, grantId: 'g1' })]
      const because =
        'The server decides expiry, by its own clock: a store also returns expired rows. ' +
        'A native TTL is counted from the write: expiresAt - issuedAt + 1 hour.'
      await storage.grants.insert([waiting])
      await isAlive(storage, waiting, because)
      const moved = storage.grants.transition('g1~code', 'fresh', used(waiting), [token], stored)
      await answers(moved, true, because)
      for (const row of [used(waiting), token]) await isAlive(storage, row, because)
      await onlyAlive(storage, [stored], because)
    })
  }

  rule('keeps what expires in the distant future', async (storage) => {
    const token = credential({ grantId: 'g1', expiresAt: 9_999_999_999 })
    const stored = grant({ expiresAt: 9_999_999_999 })
    await storage.grants.insert([token], stored)
    await storage.grants.deleteExpired(9_999_999_998, 1000)
    await isAlive(storage, token, 'Times are numbers beyond 32 bits: a token for a hundred years is kept for as long.')
    await onlyAlive(storage, [stored], 'Times are numbers beyond 32 bits.')
  })

  rule('deletes what expired by `now` and nothing else', async (storage) => {
    const alive = credential({ id: 'g1~next', expiresAt: NOW + MINUTE + 1 })
    await storage.clients.insert(client())
    await storage.grants.insert([credential({ expiresAt: NOW + MINUTE }), alive])
    const removed = await storage.grants.deleteExpired(NOW + MINUTE, 1000)
    const because = 'A credential is expired when expiresAt <= now, and not a second earlier.'
    await isAlive(storage, alive, because)
    isSame(await storage.clients.find('client-1'), client(), 'deleteExpired never deletes a client.')
    if (nativeExpiry) return
    await isDead(storage, credential(), because)
    isSame(removed, 1, 'deleteExpired returns how many credentials it removed.')
    isSame(
      await storage.grants.deleteExpired(NOW + MINUTE, 1000),
      0,
      'deleteExpired returns 0 when it removed nothing.',
    )
  })

  rule('expires each credential at its own time, not at that of its grant', async (storage) => {
    const access = credential({ grantId: 'g1', expiresAt: NOW + MINUTE })
    const refresh = credential({ id: 'g1~refresh', grantId: 'g1', expiresAt: NOW + HOUR })
    const stored = grant({ expiresAt: NOW + MINUTE })
    await storage.grants.insert([access, refresh], stored)
    await storage.grants.deleteExpired(NOW + HOUR - 1, 1000)
    const because =
      'A grant is deleted after its last credential, or a refresh token would stop working before it expires.'
    await isAlive(storage, refresh, because)
    if (!nativeExpiry)
      await isDead(storage, access, 'An expired access token is deleted although its refresh token stays.')
  })

  rule('keeps a grant for a credential that a transition added or extended', async (storage) => {
    const refresh = credential({ id: 'g1~refresh', grantId: 'g1', expiresAt: NOW + MINUTE })
    const access = credential({ grantId: 'g1', expiresAt: NOW + HOUR })
    const extended = { ...refresh, state: 'two', expiresAt: NOW + DAY }
    await storage.grants.insert([refresh], grant({ expiresAt: NOW + MINUTE }))
    await storage.grants.transition(refresh.id, 'valid', refresh, [access])
    await storage.grants.deleteExpired(NOW + MINUTE - 1, 1000)
    await storage.grants.transition(refresh.id, 'valid', extended, [])
    await storage.grants.deleteExpired(NOW + DAY - 1, 1000)
    await isAlive(
      storage,
      extended,
      'A grant is deleted after its last credential, at the time to which that was last extended.',
    )
  })

  rule('still refuses a revoked grant after deleteExpired', async (storage) => {
    const token = credential({ grantId: 'g1', expiresAt: NOW + HOUR })
    const late = credential({ id: 'g1~late', grantId: 'g1', expiresAt: NOW + HOUR })
    await storage.grants.insert([token], grant({ expiresAt: NOW + MINUTE }))
    await storage.grants.revoke({ grantId: 'g1' }, NOW)
    await storage.grants.revoke({ grantId: 'g2' }, NOW)
    await storage.grants.deleteExpired(NOW + HOUR - 1, 1000)
    const because = 'A tombstone stays until the last credential of its grant has expired.'
    await isDead(storage, token, because)
    await storage.grants.insert([late], grant())
    for (const row of [token, late]) await isDead(storage, row, because)
    await storage.grants.insert([], grant({ id: 'g2' }))
    await onlyAlive(storage, [], 'The tombstone of a grant that is not stored yet stays as long as a token can live.')
  })

  rule('still covers what a mark covers after deleteExpired', async (storage) => {
    const [byUser, byClient] = [{ userId: 'ada' }, { clientId: 'app' }]
    const existing = credential({ ...byUser, expiresAt: NOW + 90 * DAY })
    const late = credential({ ...byClient, id: 'g2~access', expiresAt: NOW + 60 * DAY })
    await storage.grants.revoke(byClient, NOW)
    await storage.grants.insert([late])
    await storage.grants.insert([existing])
    await storage.grants.revoke(byUser, NOW)
    for (const days of [1, 31, 59, 89]) {
      await storage.grants.deleteExpired(NOW + days * DAY, 1000)
      const because = `A mark stays until the longest-lived token under it has expired: also after ${days} days.`
      await isDead(storage, existing, because)
      await isDead(storage, late, `${because} This token arrived after it.`)
    }
  })

  if (nativeExpiry) return

  rule('deletes at most `limit` credentials in one call', async (storage) => {
    for (let n = 0; n < 25; n++) await storage.grants.insert([credential({ id: `g${n}~access` })])
    for (const expected of [10, 10, 5, 0]) {
      const removed = await storage.grants.deleteExpired(NOW + HOUR, 10)
      isSame(
        removed,
        expected,
        'deleteExpired removes at most `limit` credentials, so that no call takes long, and counts them.',
      )
    }
  })

  rule('keeps a grant while one of its credentials is left', async (storage) => {
    const rows = [1, 2, 3].map((n) => credential({ id: `g1~access-${n}`, grantId: 'g1' }))
    await storage.grants.insert(rows, grant({ expiresAt: NOW + MINUTE }))
    for (const left of [2, 1]) {
      await storage.grants.deleteExpired(NOW + HOUR, 1)
      const found = await Promise.all(rows.map((row) => storage.grants.find(row.id)))
      const because = 'A grant is deleted after its last credential, also when `limit` leaves some for the next call.'
      isSame(found.filter((row) => row !== undefined).length, left, because)
    }
  })

  rule('deletes a grant after its last credential', async (storage) => {
    await storage.grants.insert([credential({ grantId: 'g1' })], grant({ expiresAt: NOW + MINUTE }))
    const other = credential({ id: 'g2~access', grantId: 'g2', expiresAt: NOW + DAY })
    await storage.grants.insert([other], grant({ id: 'g2' }))
    for (let call = 0; call < 3; call++) await storage.grants.deleteExpired(NOW + HOUR, 10)
    const because = 'A grant is deleted once it and all its credentials have expired, or the table grows for ever.'
    await onlyAlive(storage, [grant({ id: 'g2' })], because)
  })
}
