// Remembered client secrets: what is right is asked of bcrypt once, what is wrong or changed never gets in.
import { hashSync } from 'bcryptjs'
import * as bcrypt from '../../src/passwords/bcrypt'
import { verifiedSecrets } from '../../src/passwords/verified-secrets'

jest.mock('../../src/passwords/bcrypt', () => {
  const real = jest.requireActual<typeof bcrypt>('../../src/passwords/bcrypt')
  return { ...real, compareSecret: jest.fn(real.compareSecret) }
})

const compareSecret = jest.mocked(bcrypt.compareSecret)
const real = jest.requireActual<typeof bcrypt>('../../src/passwords/bcrypt')
const hash = hashSync('correct horse', 4)

beforeEach(() => {
  compareSecret.mockReset().mockImplementation(real.compareSecret)
})

describe('verifiedSecrets', () => {
  it('asks bcrypt once, and answers in the same turn from then on', async () => {
    const secrets = verifiedSecrets()
    const first = secrets.verify('app', 'correct horse', hash)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toBe(true)
    expect(secrets.verify('app', 'correct horse', hash)).toBe(true)
    expect(compareSecret).toHaveBeenCalledTimes(1)
  })

  it('never remembers a wrong secret', async () => {
    const secrets = verifiedSecrets()
    expect(await secrets.verify('app', 'wrong', hash)).toBe(false)
    expect(await secrets.verify('app', 'wrong', hash)).toBe(false)
    expect(compareSecret).toHaveBeenCalledTimes(2)
  })

  it('refuses an old secret at once when the hash has changed', async () => {
    const secrets = verifiedSecrets()
    await secrets.verify('app', 'correct horse', hash)
    expect(await secrets.verify('app', 'correct horse', hashSync('battery staple', 4))).toBe(false)
  })

  it('does not let a remembered secret stand for another secret or another client', async () => {
    const secrets = verifiedSecrets()
    await secrets.verify('app', 'correct horse', hash)
    expect(await secrets.verify('app', 'correct hors', hash)).toBe(false)
    // The same parts, cut elsewhere
    expect(await secrets.verify('appcorrect', ' horse', hash)).toBe(false)
    expect(secrets.verify('other', 'correct horse', hash)).toBeInstanceOf(Promise)
  })

  it('shares one computation among 50 first requests that carry the same secret', async () => {
    const secrets = verifiedSecrets()
    const answers = await Promise.all(Array.from({ length: 50 }, () => secrets.verify('app', 'correct horse', hash)))
    expect(answers).toEqual(Array(50).fill(true))
    expect(compareSecret).toHaveBeenCalledTimes(1)
  })

  it('shares no computation between a right and a wrong secret under way together', async () => {
    const secrets = verifiedSecrets()
    const answers = ['correct horse', 'wrong', 'correct horse'].map((secret) => secrets.verify('app', secret, hash))
    expect(await Promise.all(answers)).toEqual([true, false, true])
    expect(compareSecret).toHaveBeenCalledTimes(2)
  })

  it('passes a failure on to all who wait for it, and tries again afterwards', async () => {
    const secrets = verifiedSecrets()
    compareSecret.mockRejectedValueOnce(new Error('a worker died'))
    const attempts = await Promise.allSettled([1, 2].map(() => secrets.verify('app', 'correct horse', hash)))
    expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await secrets.verify('app', 'correct horse', hash)).toBe(true)
  })

  it('remembers 10,000 and forgets those that were not used for longest', async () => {
    compareSecret.mockResolvedValue(true)
    const secrets = verifiedSecrets()
    for (let i = 0; i < 10_000; i += 1) await secrets.verify(`app-${i}`, 'correct horse', hash)
    expect(secrets.verify('app-0', 'correct horse', hash)).toBe(true)

    await secrets.verify('one-more', 'correct horse', hash)
    expect(secrets.verify('app-0', 'correct horse', hash)).toBe(true)
    expect(secrets.verify('app-1', 'correct horse', hash)).toBeInstanceOf(Promise)
  })
})
