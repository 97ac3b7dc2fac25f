// Mistakes with clocks and with what deleteExpired may take.
import { type NaiveAdapter, naive, recorder, revoking } from './naive'

const realNow = () => Date.now() / 1000

export const expiryMistakes: NaiveAdapter[] = [
  naive(
    'judges by its own clock',
    ({ grants }) => ({
      grants: {
        async find(id) {
          const found = await grants.find(id)
          return found && found.expiresAt > realNow() && found.issuedAt <= realNow() + 10 * 365 * 86_400
            ? found
            : undefined
        },
      },
    }),
    'never decides expiry by its own clock: finds and moves rows of the distant past',
    'never decides expiry by its own clock: finds and moves rows of the distant future',
  ),
  naive(
    'keeps times in 32 bits',
    ({ grants }) => ({
      grants: {
        insert: (added, grant) =>
          grants.insert(
            added.map((row) => ({ ...row, expiresAt: Math.min(row.expiresAt, 2 ** 31 - 1) })),
            grant,
          ),
      },
    }),
    'keeps what expires in the distant future',
  ),
  naive(
    'deletes a second early',
    ({ grants }) => ({ grants: { deleteExpired: (now, limit) => grants.deleteExpired(now + 1, limit) } }),
    'deletes what expired by `now` and nothing else',
  ),
  naive(
    'deletes a second late',
    ({ grants }) => ({ grants: { deleteExpired: (now, limit) => grants.deleteExpired(now - 1, limit) } }),
    'deletes what expired by `now` and nothing else',
  ),
  naive(
    'deletes a grant with all its credentials as soon as the grant has expired',
    ({ grants }) => ({
      grants: {
        async deleteExpired(now, limit) {
          for (const row of await grants.list({ limit: 1000 })) {
            if (row.expiresAt <= now) await grants.revoke({ grantId: row.id }, now)
          }
          return await grants.deleteExpired(now, limit)
        },
      },
    }),
    'expires each credential at its own time, not at that of its grant',
    'keeps a grant for a credential that a transition added or extended',
    'keeps a grant while one of its credentials is left',
  ),
  naive(
    'forgets revocations when it deletes',
    (memory) => {
      const revoked = new Set<string>()
      return {
        grants: {
          ...revoking(
            memory,
            (target) => void revoked.add(JSON.stringify(target)),
            ({ grantId, userId, clientId }) =>
              [{ grantId }, { userId }, { clientId }].some((target) => revoked.has(JSON.stringify(target))),
          ),
          deleteExpired(now, limit) {
            revoked.clear()
            return memory.grants.deleteExpired(now, limit)
          },
        },
      }
    },
    'still refuses a revoked grant after deleteExpired',
    'still covers what a mark covers after deleteExpired',
  ),
  naive(
    'deletes everything at once',
    ({ grants }) => ({ grants: { deleteExpired: (now) => grants.deleteExpired(now, 1_000_000) } }),
    'deletes at most `limit` credentials in one call',
  ),
  naive(
    'never deletes a grant',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      return { grants: { ...recording, list: () => [...grantsById.values()] } }
    },
    'deletes a grant after its last credential',
  ),
]
