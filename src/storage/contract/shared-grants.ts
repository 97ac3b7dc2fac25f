/**
 * The rules for a session that one client has in another client's grant, begun with an access token of that grant. It
 * ends with the grant, with its own client, and with the owner of the grant. It never changes the grant's row.
 */
import type { Credential, OAuthStorage, RevocationTarget } from '../../storage'
import { credential, DAY, grant, HOUR, MINUTE, NOW } from './rows'
import { answers, isAlive, isDead, isSame, onlyAlive, type Rule, race } from './rule'

const ROUNDS = 20

const [owner, guest] = ['owner', 'guest']
const ofOwner = (members: Partial<Credential> = {}) => credential({ clientId: owner, grantId: 'g1', ...members })
const ofGuest = (id: string, members: Partial<Credential> = {}) =>
  credential({ clientId: guest, grantId: 'g1', id: `g1~${id}.session`, ...members })
const shared = grant({ clientId: owner })
const waiting = () => ofGuest('code', { kind: 'authorization_code', state: 'fresh', expiresAt: NOW + MINUTE })

/** Revocations that end the guest's credentials, and whether the owner's stay alive. */
const endings: readonly (readonly [name: string, target: RevocationTarget, ownerLives: boolean])[] = [
  ['the grant', { grantId: 'g1' }, false],
  ['the client of the grant', { clientId: owner }, false],
  ['the other client', { clientId: guest }, true],
]

/** The exchange of the guest's code. The code names the grant from the beginning, so no grant is stored. */
function exchange(storage: OAuthStorage, additions: readonly Credential[]) {
  return storage.grants.transition(waiting().id, 'fresh', { ...waiting(), state: 'used' }, additions)
}

export function sharedGrantRules(rule: Rule): void {
  for (const [name, target, ownerLives] of endings) {
    rule(
      `ends another client's credentials under a grant when ${name} is revoked, early and late ones`,
      async (storage) => {
        const [own, early, late] = [ofOwner(), ofGuest('access'), ofGuest('late')]
        await storage.grants.insert([own], shared)
        await storage.grants.insert([early])
        const because = `Another client's credentials under a grant end with ${name}.`
        for (const row of [own, early]) await isAlive(storage, row, 'A grant may have credentials of several clients.')
        await storage.grants.revoke(target, NOW)
        await storage.grants.insert([late])
        for (const row of [early, late]) await isDead(storage, row, because)
        if (ownerLives)
          await isAlive(storage, own, 'A mark of one client ends no credential of another client under the grant.')
        else await isDead(storage, own, because)
        await onlyAlive(storage, ownerLives ? [shared] : [], 'A grant ends with its own client only.')
      },
    )

    rule(
      `refuses a transition of another client's credential under a grant once ${name} is revoked`,
      async (storage) => {
        const token = ofGuest('access')
        await storage.grants.insert([ofOwner()], shared)
        await storage.grants.insert([waiting()])
        await storage.grants.revoke(target, NOW)
        const because = `Another client's code under a grant no longer works once ${name} is revoked.`
        await answers(exchange(storage, [token]), false, because)
        for (const row of [waiting(), token]) await isDead(storage, row, because)
      },
    )

    rule(`lets the end of ${name} win against another client's parallel calls under a grant`, async (storage) => {
      for (let round = 0; round < ROUNDS; round++) {
        const [id, startedAt] = [`g${round}`, NOW + round]
        const members = { grantId: id, startedAt }
        const token = ofGuest('access', { ...members, id: `${id}~access.session` })
        const late = ofGuest('late', { ...members, id: `${id}~late.session` })
        const code = { ...waiting(), ...members, id: `${id}~code.session` }
        await storage.grants.insert([], grant({ id, clientId: owner, startedAt }))
        await storage.grants.insert([code])
        const calls = [
          () => storage.grants.transition(code.id, 'fresh', { ...code, state: 'used' }, [token]),
          () => storage.grants.revoke('grantId' in target ? { grantId: id } : target, startedAt),
          () => storage.grants.insert([late]),
        ]
        if (round % 2) calls.reverse()
        await race(calls.length, (racer) => calls[racer]?.())
        const because = `Once revoke of ${name} has returned, another client's credentials under the grant are dead.`
        for (const row of [code, token, late]) await isDead(storage, row, because)
      }
    })
  }

  rule(
    "ends another client's credentials under a grant that a mark covers, even if they began later",
    async (storage) => {
      const later = ofGuest('access', { startedAt: NOW + 1, issuedAt: NOW + 1 })
      await storage.grants.insert([], shared)
      await storage.grants.insert([later])
      await storage.grants.revoke({ clientId: owner }, NOW)
      await isDead(
        storage,
        later,
        'A grant that a mark of its client covers is dead, and so is every credential that names it.',
      )
    },
  )

  rule(
    "stores another client's credentials under a grant, and does not change the row of the grant",
    async (storage) => {
      const [access, refresh] = [ofGuest('access'), ofGuest('refresh', { expiresAt: NOW + DAY })]
      await storage.grants.insert([ofOwner()], shared)
      await storage.grants.insert([waiting()])
      await answers(
        exchange(storage, [access, refresh]),
        true,
        'A transition needs no grant argument when the grant is stored.',
      )
      for (const row of [access, refresh]) await isAlive(storage, row, 'A transition stores its additions.')
      await isAlive(storage, ofOwner(), "Another client's credentials replace no credential of the grant.")
      const because = 'A grant belongs to the client that began it, also when another client has credentials under it.'
      await onlyAlive(storage, [shared], because)
      isSame(await storage.grants.list({ clientId: owner, limit: 10 }), [shared], because)
      isSame(await storage.grants.list({ clientId: guest, limit: 10 }), [], because)
    },
  )

  rule("keeps a grant, its tombstone and the marks for another client's credentials under it", async (storage) => {
    const [kept, over, marked] = ['g1', 'g2', 'g3'].map((id) => {
      const clientId = id === 'g3' ? 'marked' : guest
      return ofGuest('access', { id: `${id}~access.session`, grantId: id, clientId, expiresAt: NOW + 60 * DAY })
    }) as [Credential, Credential, Credential]
    for (const row of [kept, over, marked]) {
      await storage.grants.insert([], grant({ id: row.grantId as string, clientId: owner, expiresAt: NOW + MINUTE }))
      await storage.grants.insert([row])
    }
    await storage.grants.revoke({ grantId: 'g2' }, NOW)
    await storage.grants.revoke({ clientId: 'marked' }, NOW)
    for (const time of [NOW + HOUR, NOW + 31 * DAY, NOW + 59 * DAY]) {
      await storage.grants.deleteExpired(time, 1000)
      await isAlive(storage, kept, 'A grant is deleted after its last credential, whichever client has it.')
      await isDead(storage, over, 'A tombstone stays until the last credential has expired, whichever client has it.')
      await isDead(storage, marked, 'A mark stays until the last credential under it has expired, of whichever grant.')
    }
  })
}
