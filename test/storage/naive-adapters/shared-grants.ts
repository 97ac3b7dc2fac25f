// Mistakes with credentials of one client under the grant of another.
import type { Credential } from '../../../src/storage'
import { type NaiveAdapter, naive, recorder, revoking, upsert } from './naive'

const [theGrant, owner, guest] = ['the grant', 'the client of the grant', 'the other client']
const ends = (name: string) =>
  `ends another client's credentials under a grant when ${name} is revoked, early and late ones`
const refuses = (name: string) =>
  `refuses a transition of another client's credential under a grant once ${name} is revoked`
const wins = (name: string) => `lets the end of ${name} win against another client's parallel calls under a grant`

export const sharedGrantMistakes: NaiveAdapter[] = [
  naive(
    'ends with a grant what its own client has of it',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      const revoked = new Set<string>()
      const isOver = ({ grantId, clientId }: Credential) =>
        grantId !== undefined && revoked.has(grantId) && grantsById.get(grantId)?.clientId === clientId
      const revoke = async (target: Parameters<typeof memory.grants.revoke>[0], now: number) => {
        if ('grantId' in target) revoked.add(target.grantId)
        else await memory.grants.revoke(target, now)
      }
      return { grants: { ...recording, ...revoking(memory, revoke, isOver) } }
    },
    ends(theGrant),
    refuses(theGrant),
    wins(theGrant),
    "keeps a grant, its tombstone and the marks for another client's credentials under it",
  ),
  ...(['owner', 'guest'] as const).map((believed) =>
    naive(
      `judges what names a grant by the marks of ${believed === 'owner' ? "the grant's client" : 'its own client'} alone`,
      (memory) => {
        const { credentialsById, grantsById, recording } = recorder(memory)
        const marks = new Map<string, number>()
        const isMarked = (row: Credential) => {
          const judged = believed === 'owner' ? (grantsById.get(row.grantId ?? '') ?? row) : row
          return (marks.get(judged.clientId) ?? -1) >= judged.startedAt
        }
        const revoke = async (target: Parameters<typeof memory.grants.revoke>[0], now: number) => {
          if ('clientId' in target) marks.set(target.clientId, Math.max(now, marks.get(target.clientId) ?? -1))
          else await memory.grants.revoke(target, now)
        }
        return {
          grants: {
            ...recording,
            ...revoking(memory, revoke, isMarked),
            async transition(id, from, next, additions, grant) {
              const current = credentialsById.get(id)
              if (current && isMarked(current)) return false
              return (await recording.transition?.(id, from, next, additions, grant)) ?? false
            },
          },
        }
      },
      ...(believed === 'owner'
        ? [ends(guest), refuses(guest), wins(guest)]
        : [
            ends(owner),
            refuses(owner),
            wins(owner),
            "ends another client's credentials under a grant that a mark covers, even if they began later",
          ]),
    ),
  ),
  naive(
    'writes the client of a credential on the row of its grant',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      return {
        grants: {
          ...recording,
          async transition(id, from, next, additions, grant) {
            const moved = await recording.transition?.(id, from, next, additions, grant)
            const stored = grantsById.get(next.grantId ?? '')
            if (moved && stored) await upsert(memory, [], { ...stored, clientId: next.clientId })
            return moved ?? false
          },
        },
      }
    },
    "stores another client's credentials under a grant, and does not change the row of the grant",
  ),
]
