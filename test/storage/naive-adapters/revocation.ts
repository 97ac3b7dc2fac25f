// Mistakes with tombstones and marks.
import type { Credential, Grant, GrantStorage } from '../../../src/storage'
import { gap, type NaiveAdapter, naive, recorder, revoking } from './naive'

export const revocationMistakes: NaiveAdapter[] = [
  naive(
    'leaves no tombstone where the grant is not there',
    ({ grants }) => ({
      grants: {
        async revoke(target, now) {
          const isThere = async (id: string) => (await grants.list({ limit: 1000 })).some((row) => row.id === id)
          if (!('grantId' in target) || (await isThere(target.grantId))) await grants.revoke(target, now)
        },
      },
    }),
    'ends a grant whose row arrives later',
    'ends a credential that arrives later',
    'refuses a transition to a grant that was revoked before it arrived',
    'still refuses a revoked grant after deleteExpired',
  ),
  naive(
    'forgets that a grant is revoked when it is stored again',
    (memory) => {
      const revoked = new Set<string>()
      return {
        grants: {
          ...revoking(
            memory,
            async (target, now) => {
              if ('grantId' in target) revoked.add(target.grantId)
              else await memory.grants.revoke(target, now)
            },
            ({ grantId }) => grantId !== undefined && revoked.has(grantId),
          ),
          async transition(id, from, next, additions, grant) {
            await gap()
            const moved = await memory.grants.transition(id, from, next, additions, grant)
            if (moved && grant) revoked.delete(grant.id)
            return moved
          },
        },
      }
    },
    'is not undone by a transition that stores the grant again',
    'wins against parallel calls',
  ),
  naive(
    'revokes whatever the same user granted to the same client',
    ({ grants }) => ({
      grants: {
        async revoke(target, now) {
          const all = await grants.list({ limit: 1000 })
          const one = 'grantId' in target ? all.find((row) => row.id === target.grantId) : undefined
          await grants.revoke(target, now)
          const isSibling = (row: Grant) => one && row.clientId === one.clientId && row.userId === one.userId
          for (const row of all.filter(isSibling)) await grants.revoke({ grantId: row.id }, now)
        },
      },
    }),
    'leaves every other grant alone',
  ),
  naive(
    'compares the time of a revocation with that of the grant',
    ({ grants }) => ({
      grants: {
        async revoke(target, now) {
          const all = await grants.list({ limit: 1000 })
          const one = 'grantId' in target ? all.find((row) => row.id === target.grantId) : undefined
          if (!one || one.startedAt <= now) await grants.revoke(target, now)
        },
      },
    }),
    'holds at any time, however often it is repeated',
  ),
  ...(['user', 'client'] as const).map((kind) =>
    naive(
      `revokes the grants that a ${kind} has, and leaves no mark`,
      ({ grants }) => ({
        grants: {
          async revoke(target, now) {
            if (!(`${kind}Id` in target)) return await grants.revoke(target, now)
            for (const { id } of await grants.list({ ...target, limit: 1000 }))
              await grants.revoke({ grantId: id }, now)
          },
        },
      }),
      `ends rows under a ${kind} that began in that second or before, and no later row`,
      `ends rows under a ${kind} that began before and arrive later`,
      `keeps the newest mark of a ${kind}, in any order of arrival`,
      `refuses a transition to a grant that a mark of a ${kind} covers`,
      `lets a mark of a ${kind} win against parallel calls`,
      'still covers what a mark covers after deleteExpired',
      ...(kind === 'client' ? ['leaves the tokens of a client dead when its id is registered again'] : []),
    ),
  ),
  naive(
    'marks up to the second before',
    ({ grants }) => ({ grants: { revoke: (target, now) => grants.revoke(target, now - 1) } }),
    'ends rows under a user that began before and arrive later',
    'ends rows under a client that began before and arrive later',
  ),
  naive(
    'compares the clock of the process that revokes with that of the process where it began',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      const marks = new Map<string, number>()
      const isMarked = ({ userId, clientId, startedAt }: Pick<Credential, 'userId' | 'clientId' | 'startedAt'>) =>
        [{ userId }, { clientId }].some((target) => (marks.get(JSON.stringify(target)) ?? -1) >= startedAt)
      const revoke: GrantStorage['revoke'] = async (target, now) => {
        const key = JSON.stringify(target)
        if ('grantId' in target) await memory.grants.revoke(target, now)
        else marks.set(key, Math.max(marks.get(key) ?? now, now))
      }
      const dead = (row: Credential) => isMarked(row) || isMarked(grantsById.get(row.grantId ?? '') ?? row)
      return {
        grants: {
          ...recording,
          ...revoking(memory, revoke, dead),
          list: async (query) => (await memory.grants.list(query)).filter((grant) => !isMarked(grant)),
        },
      }
    },
    'ends stored rows under a user that began later by the clock of another process',
    'ends stored rows under a client that began later by the clock of another process',
  ),
  naive(
    'marks up to five seconds from now, because clocks differ',
    ({ grants }) => ({ grants: { revoke: (target, now) => grants.revoke(target, now + 5) } }),
    'ends rows under a user that began in that second or before, and no later row',
    'ends rows under a client that began in that second or before, and no later row',
  ),
  naive(
    'keeps the last mark, not the newest, and compares it with credentials only',
    (memory) => {
      const marks = new Map<string, number>()
      const covers = (key: string, row: Credential) => (marks.get(key) ?? -1) >= row.startedAt
      return {
        grants: revoking(
          memory,
          async (target, now) => {
            if ('grantId' in target) await memory.grants.revoke(target, now)
            else marks.set(JSON.stringify(target), now)
          },
          (row) =>
            covers(JSON.stringify({ userId: row.userId }), row) ||
            covers(JSON.stringify({ clientId: row.clientId }), row),
        ),
      }
    },
    'keeps the newest mark of a user, in any order of arrival',
    'keeps the newest mark of a client, in any order of arrival',
    'ends credentials of a grant that a mark of a user covers, and those it covers under a newer grant',
    'ends credentials of a grant that a mark of a client covers, and those it covers under a newer grant',
  ),
  naive(
    'looks at the marks of a credential and not of its grant before a transition',
    (memory) => {
      const { credentialsById, recording } = recorder(memory)
      const marks = new Map<string, number>()
      const isMarked = ({ userId, clientId, startedAt }: Credential) =>
        [{ userId }, { clientId }].some((target) => (marks.get(JSON.stringify(target)) ?? -1) >= startedAt)
      return {
        grants: {
          ...recording,
          async revoke(target, now) {
            if (!('grantId' in target)) marks.set(JSON.stringify(target), now)
            await memory.grants.revoke(target, now)
          },
          async transition(id, from, next, additions, grant) {
            const row = credentialsById.get(id)
            const moved = await memory.grants.transition(id, from, next, additions, grant)
            return moved || (grant === undefined && row?.state === from && marks.size > 0 && !isMarked(row))
          },
        },
      }
    },
    'refuses a transition of a credential whose grant a mark of a user covers',
    'refuses a transition of a credential whose grant a mark of a client covers',
  ),
  naive(
    'keeps the marks of users and of clients in one column',
    ({ grants }) => ({
      grants: {
        async revoke(target, now) {
          const id = Object.values(target)[0] as string
          await grants.revoke(target, now)
          if (!('grantId' in target))
            for (const both of [{ userId: id }, { clientId: id }]) await grants.revoke(both, now)
        },
      },
    }),
    'leaves other users and clients alone, and rows without a user',
  ),
  naive(
    'looks for revocations as it inserts, and ends what is there as it revokes',
    (memory) => {
      const { credentialsById, recording } = recorder(memory)
      const revoked = new Set<string>()
      const ended = new Set<string>()
      const isRevoked = ({ grantId, userId, clientId }: Credential) =>
        [{ grantId }, { userId }, { clientId }].some((target) => revoked.has(JSON.stringify(target)))
      return {
        grants: {
          ...recording,
          ...revoking(
            memory,
            (target) => {
              revoked.add(JSON.stringify(target))
              for (const row of credentialsById.values()) if (isRevoked(row)) ended.add(row.id)
            },
            ({ id }) => ended.has(id),
          ),
          async insert(added, grant) {
            if (added.some(isRevoked)) return true
            await gap()
            return (await recording.insert?.(added, grant)) ?? false
          },
        },
      }
    },
    'wins against parallel calls',
    'lets a mark of a user win against parallel calls',
    'lets a mark of a client win against parallel calls',
  ),
]
