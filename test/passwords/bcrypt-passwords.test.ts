// Users' passwords: who is signed in, and that nothing tells who exists (RFC 6749 §4.3.2, ATTACKS row 19).
import { hashSync } from 'bcryptjs'
import { type BcryptPasswordsOptions, type BcryptUser, bcryptPasswords } from '../../src/passwords/bcrypt-passwords'
import { allJobs, costOf } from './recorded-workers'

jest.mock('node:worker_threads', () =>
  jest.requireActual<typeof import('./recorded-workers')>('./recorded-workers').workerThreads(),
)

const longPassword = 'ü'.repeat(36)
const users: Record<string, BcryptUser> = {
  ann: { id: 'u-1', passwordHash: hashSync('open sesame', 10) },
  bob: { id: 42, passwordHash: hashSync('open sesame', 10) },
  zero: { id: 0, passwordHash: hashSync('open sesame', 10) },
  long: { id: 'u-3', passwordHash: hashSync(longPassword, 10) },
  empty: { id: 'u-4', passwordHash: '' },
  none: { id: 'u-5', passwordHash: null },
  missing: { id: 'u-6', passwordHash: undefined },
  plain: { id: 'u-7', passwordHash: 'open sesame' },
  md5: { id: 'u-8', passwordHash: '1a1dc91c907325c69271ddf0c944bc72' },
}
const verify = bcryptPasswords({ findByUsername: (username) => users[username] })

async function costsOf(attempt: Promise<unknown>): Promise<number[]> {
  const before = allJobs().length
  await attempt
  return allJobs().slice(before).map(costOf)
}

describe('bcryptPasswords', () => {
  it("answers the user's id as a string when the password is right", async () => {
    expect(await verify('ann', 'open sesame')).toBe('u-1')
    expect(await verify('bob', 'open sesame')).toBe('42')
    expect(await verify('zero', 'open sesame')).toBe('0')
  })

  it('answers undefined for a wrong password, an empty one, and an unknown user', async () => {
    expect(await verify('ann', 'open sesame!')).toBeUndefined()
    expect(await verify('ann', '')).toBeUndefined()
    expect(await verify('eve', 'open sesame')).toBeUndefined()
  })

  it('takes users from a promise, null as nobody, and a method of an object with its `this`', async () => {
    const repository = {
      users,
      async findByUsername(username: string) {
        return this.users[username] ?? null
      },
    }
    expect(await bcryptPasswords(repository)('ann', 'open sesame')).toBe('u-1')
    expect(await bcryptPasswords(repository)('eve', 'open sesame')).toBeUndefined()
  })

  it.each(['empty', 'none', 'missing', 'plain', 'md5'])(
    'never signs in a user whose hash is unusable (%s), with their hash as the password either',
    async (username) => {
      expect(await verify(username, 'open sesame')).toBeUndefined()
      expect(await verify(username, users[username]?.passwordHash ?? '')).toBeUndefined()
    },
  )

  it('refuses a password of more than 72 bytes whose beginning is right', async () => {
    expect(await verify('long', longPassword)).toBe('u-3')
    expect(await verify('long', `${longPassword}!`)).toBeUndefined()
  })

  it.each(['eve', 'empty', 'none', 'missing', 'plain', 'md5', '__proto__', ''])(
    'does the same work for %p as for a wrong password, so that nobody learns who exists',
    async (username) => {
      const wrong = await costsOf(verify('ann', 'wrong'))
      expect(wrong).toEqual([10])
      expect(await costsOf(verify(username, 'wrong'))).toEqual(wrong)
      expect(await costsOf(verify(username, 'a'.repeat(73)))).toEqual(wrong)
    },
  )

  it.each([5, 11])('does the same work for an unknown user where hashes have cost %i', async (cost) => {
    const passwordHash = hashSync('open sesame', cost)
    const verify = bcryptPasswords({
      findByUsername: (name) => (name === 'ann' ? { id: 1, passwordHash } : name === 'none' ? users.none : undefined),
    })
    expect(await costsOf(verify('eve', 'wrong'))).toEqual([10])
    expect(await costsOf(verify('ann', 'wrong'))).toEqual([cost])
    expect(await costsOf(verify('eve', 'wrong'))).toEqual([cost])
    expect(await costsOf(verify('none', 'wrong'))).toEqual([cost])
  })

  it('signs nobody in when findByUsername throws', async () => {
    const failure = new Error('the database is down')
    const throwing = bcryptPasswords({
      findByUsername() {
        throw failure
      },
    })
    await expect(throwing('ann', 'open sesame')).rejects.toBe(failure)
    const rejecting = bcryptPasswords({ findByUsername: () => Promise.reject(failure) })
    await expect(rejecting('ann', 'open sesame')).rejects.toBe(failure)
  })

  it.each([undefined, null, '', Number.NaN, 1.5, 2 ** 53, {}])(
    'throws for the id %p, instead of signing many users in as one',
    async (id) => {
      const passwordHash = users.ann?.passwordHash
      const verify = bcryptPasswords({ findByUsername: () => ({ id, passwordHash }) as BcryptUser })
      await expect(verify('ann', 'open sesame')).rejects.toThrow('findByUsername must return a user whose id')
    },
  )

  it('throws at start-up without findByUsername, and names it', () => {
    for (const wrong of [undefined, {}, { findByUsername: 'users' }]) {
      expect(() => bcryptPasswords(wrong as unknown as BcryptPasswordsOptions)).toThrow(/findByUsername must be/)
    }
  })
})
