// Mistakes with the one step that must be atomic.
import type { Credential } from '../../../src/storage'
import { gap, type NaiveAdapter, naive, upsert } from './naive'

export const transitionMistakes: NaiveAdapter[] = [
  naive(
    'looks at the state and then writes',
    (memory) => ({
      grants: {
        async transition(id, from, next, additions, grant) {
          if ((await memory.grants.find(id))?.state !== from) return false
          await gap()
          return await upsert(memory, [next, ...additions], grant)
        },
      },
    }),
    'is atomic: of many parallel transitions from one state, one wins',
    "stores the credential, additions and grant of a race's winner, and nothing of the losers",
  ),
  naive(
    'stores the additions before it knows who won',
    (memory) => ({
      grants: {
        async transition(id, from, next, additions, grant) {
          if (additions.length > 0) await upsert(memory, additions, grant)
          await gap()
          return await memory.grants.transition(id, from, next, [])
        },
      },
    }),
    'does nothing when the credential is in another state than `from`',
    'does nothing to a credential that is not alive',
    "stores the credential, additions and grant of a race's winner, and nothing of the losers",
  ),
  naive(
    'loses the additions',
    ({ grants }) => ({
      grants: { transition: (id, from, next, _, grant) => grants.transition(id, from, next, [], grant) },
    }),
    'moves a credential to its next state and stores additions and grant with it',
    'keeps parallel transitions of different credentials apart',
  ),
  naive(
    'compares states without case and trailing spaces',
    ({ grants }) => ({
      grants: {
        async transition(id, from, ...rest) {
          const state = (await grants.find(id))?.state
          const isEqual = state?.trim().toLowerCase() === from.trim().toLowerCase()
          return await grants.transition(id, isEqual ? (state ?? '') : from, ...rest)
        },
      },
    }),
    'does nothing when the credential is in another state than `from`',
  ),
  naive(
    'upserts on transition',
    (memory) => ({
      grants: {
        async transition(id, from, next, additions, grant) {
          const found = await memory.grants.find(id)
          if (found && found.state !== from) return false
          return await upsert(memory, [next, ...additions], grant)
        },
      },
    }),
    'does nothing for an unknown credential: a transition never inserts',
    'does nothing to a credential that is not alive',
  ),
  naive(
    'takes an older state, too',
    ({ grants }) => ({
      grants: {
        transition: async (id, _, ...rest) =>
          await grants.transition(id, (await grants.find(id))?.state ?? '', ...rest),
      },
    }),
    'accepts each state of a rotating credential once, generation after generation',
  ),
  naive(
    'merges on transition',
    ({ grants }) => ({
      grants: {
        transition: async (id, from, next, additions, grant) =>
          await grants.transition(id, from, { ...(await grants.find(id)), ...next }, additions, grant),
      },
    }),
    'replaces the credential whole',
  ),
  naive(
    'does nothing on conflict: keeps an addition that is there',
    ({ grants }) => ({
      grants: {
        async transition(id, from, next, additions, grant) {
          const fresh: Credential[] = []
          for (const row of additions) if (!(await grants.find(row.id))) fresh.push(row)
          return await grants.transition(id, from, next, fresh, grant)
        },
      },
    }),
    'replaces additions of the same id whole',
  ),
  naive(
    'does nothing on conflict: keeps a grant that is there',
    ({ grants }) => ({
      grants: {
        async transition(id, from, next, additions, grant) {
          const stored = (await grants.list({ limit: 1000 })).find((row) => row.id === grant?.id)
          return await grants.transition(id, from, next, additions, stored ?? grant)
        },
      },
    }),
    'replaces the grant that it is given',
  ),
]
