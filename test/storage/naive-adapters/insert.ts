// Mistakes with insert and find.
import { gap, type NaiveAdapter, naive, recorder, upsert } from './naive'

export const insertMistakes: NaiveAdapter[] = [
  naive(
    'stores one credential of an insert and one addition of a transition',
    ({ grants }) => ({
      grants: {
        insert: (added, grant) => grants.insert(added.slice(0, 1), grant),
        transition: (id, from, next, additions, grant) =>
          grants.transition(id, from, next, additions.slice(0, 1), grant),
      },
    }),
    'finds each inserted credential, and returns undefined for an unknown id',
    'moves a credential to its next state and stores additions and grant with it',
  ),
  naive(
    'leaves the grant of an insert for later',
    ({ grants }) => ({ grants: { insert: (added) => grants.insert(added) } }),
    'inserts credentials together with their grant',
  ),
  naive(
    'finds a credential without looking at its grant and marks',
    (memory) => {
      const { credentialsById, recording } = recorder(memory)
      return { grants: { ...recording, find: (id) => credentialsById.get(id) } }
    },
    'does not find a credential whose grant is absent',
    'ends everything that names the grant',
    'ends credentials of a grant that a mark of a user covers, and those it covers under a newer grant',
    'ends credentials of a grant that a mark of a client covers, and those it covers under a newer grant',
  ),
  naive(
    'inserts row by row, the grant last',
    ({ grants }) => ({
      grants: {
        async insert(added, grant) {
          for (const row of added) if (!(await grants.insert([row]))) return false
          return !grant || (await grants.insert([], grant))
        },
      },
    }),
    'refuses an insert when a credential id exists, and stores nothing of it',
    'refuses an insert when the grant id exists, and stores nothing of it',
    'refuses an insert that names one id twice, and stores nothing of it',
    'lets one of many parallel inserts of a credential id win, with its own rows only',
    'lets one of many parallel inserts of a grant win, with its own rows only',
  ),
  naive(
    'inserts after looking whether the ids are taken',
    (memory) => ({
      grants: {
        async insert(added, grant) {
          for (const { id } of added) if (await memory.grants.find(id)) return false
          await gap()
          return await upsert(memory, added, grant)
        },
      },
    }),
    'lets one of many parallel inserts of a credential id win, with its own rows only',
    'lets one of many parallel inserts of a grant win, with its own rows only',
  ),
  naive(
    'shares one connection and its transaction among requests',
    ({ grants }) => {
      let insert = () => grants.insert([])
      let transition = insert
      return {
        grants: {
          async insert(...parameters) {
            insert = () => grants.insert(...parameters)
            await gap()
            return await insert()
          },
          async transition(...parameters) {
            transition = () => grants.transition(...parameters)
            await gap()
            return await transition()
          },
        },
      }
    },
    'keeps parallel inserts of different rows apart',
    'keeps parallel transitions of different credentials apart',
  ),
]
