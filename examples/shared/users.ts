/** The users of an example: in a real app a table, here a map. Passwords are kept as bcrypt hashes. */
import { hash } from 'bcryptjs'

/** What the rest of the app may see of a user: never the hash of the password. */
export interface User {
  id: string
  username: string
  name: string
}

export interface Users<Row = User> {
  find(id: string): Row | undefined
  findByUsername(username: string): (Row & { passwordHash: string }) | undefined
}

/** Any members beside those of `User` are kept as they are. */
export async function createUsers<Person extends User & { password: string }>(people: readonly Person[]) {
  const rows = await Promise.all(
    people.map(async ({ password, ...user }) => ({ user, passwordHash: await hash(password, 10) })),
  )
  return {
    find: (id) => rows.find(({ user }) => user.id === id)?.user,
    findByUsername(username) {
      const row = rows.find(({ user }) => user.username === username)
      return row && { ...row.user, passwordHash: row.passwordHash }
    },
  } satisfies Users<Omit<Person, 'password'>>
}
