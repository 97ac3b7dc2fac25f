// What bcrypt answers, and what it costs: malformed hashes, the 72 bytes, NUL, equal work (ATTACKS rows 18 and 19).
import { Worker } from 'node:worker_threads'
import { compareSync, hashSync } from 'bcryptjs'
import { compareSecret, hashSecret, MAX_SECRET_BYTES, spendAsMuch } from '../../src/passwords/bcrypt'
import { allJobs, costOf } from './recorded-workers'

jest.mock('node:worker_threads', () =>
  jest.requireActual<typeof import('./recorded-workers')>('./recorded-workers').workerThreads(),
)

/** What `attempt` gives, and the bcrypt costs that were paid for it. */
async function paid<T>(attempt: () => Promise<T>): Promise<{ answer: T; costs: number[] }> {
  const before = allJobs().length
  const answer = await attempt()
  return { answer, costs: allJobs().slice(before).map(costOf) }
}

describe('a hash of a secret', () => {
  it('is bcrypt at cost 10 with a salt of its own, and matches that secret alone', async () => {
    const { answer, costs } = await paid(() => Promise.all([hashSecret('correct horse'), hashSecret('correct horse')]))
    const [hash, another] = answer

    // In workers, both
    expect(costs).toEqual([10, 10])
    expect(hash).toMatch(/^\$2b\$10\$[./A-Za-z0-9]{53}$/)
    expect(another).not.toBe(hash)
    expect(await compareSecret('correct horse', hash)).toBe(true)
    expect(await compareSecret('correct horsf', hash)).toBe(false)
    expect(await compareSecret('', hash)).toBe(false)
  })

  it.each([
    ['crypt_blowfish, $2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['OpenBSD, $2b$', 'U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['PHP, $2a$', 'rasmuslerdorf', '$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi'],
    ['libxcrypt, $2y$', 'pässwörd 🔑', '$2y$05$abcdefghijklmnopqrstuuJle.iZ0HydI0pt1p.fYQNcC2ygoDkde'],
  ])('made elsewhere (%s) verifies', async (_, secret, hash) => {
    expect(await compareSecret(secret, hash)).toBe(true)
    expect(await compareSecret(`${secret}!`, hash)).toBe(false)
  })
})

const salted = 'CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

describe('a malformed hash', () => {
  it.each([
    ['empty', ''],
    ['the secret itself', 'U*U'],
    ['null', null as unknown as string],
    ['an object', { length: 60 } as unknown as string],
    ['another algorithm', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b1dWRWJTmaaJObG'],
    ['an unknown prefix', `$2x$05$${salted}`],
    ['no prefix', `$2$05$${salted}.`],
    ['cost 3, which bcrypt does not have', `$2a$03$${salted}`],
    ['a cost that is no number', `$2a$1:$${salted}`],
    ['cost 31, which would hold a worker for days', `$2a$31$${salted}`],
    ['truncated', `$2a$05$${salted}`.slice(0, -1)],
    ['too long', `$2a$05$${salted}W`],
    ['with a line feed', `$2a$05$${salted}\n`],
    ['with something in front', `x$2a$05$${salted}`],
    ['with a character that is not in the alphabet', `$2a$05$${salted}`.replace('E5', 'E*')],
  ])('(%s) is false, for the work of a real one', async (_, hash) => {
    expect(await paid(() => compareSecret('U*U', hash))).toEqual({ answer: false, costs: [10] })
  })
})

describe('secrets that bcrypt would cut off', () => {
  // 36 characters, 72 bytes: a limit that counts characters would let twice as much through
  const longest = 'é'.repeat(36)

  it('has 72 bytes as its limit, and all of them count', async () => {
    expect(Buffer.byteLength(longest)).toBe(MAX_SECRET_BYTES)
    const hash = hashSync(longest, 4)
    expect(await compareSecret(longest, hash)).toBe(true)
    expect(await compareSecret(`${'é'.repeat(35)}è`, hash)).toBe(false)
  })

  it.each([
    ['73 bytes in ASCII', 'a'.repeat(72), 'a'.repeat(73)],
    ['73 bytes in 37 characters', longest, `${longest}x`],
    ['76 bytes in 19 emoji', '🔑'.repeat(18), '🔑'.repeat(19)],
  ])('refuses %s, which bcrypt itself takes for the 72 bytes before', async (_, secret, longer) => {
    const hash = hashSync(secret, 4)
    expect(compareSync(longer, hash)).toBe(true)
    expect(await paid(() => compareSecret(longer, hash))).toEqual({ answer: false, costs: [4] })
  })

  it('does not send 64 KiB of password to a worker', async () => {
    await compareSecret('x'.repeat(65_536), hashSync('x', 4))
    expect(allJobs().at(-1)?.secret.length).toBeLessThanOrEqual(MAX_SECRET_BYTES)
  })

  it('does not hash more than 72 bytes, whose end would not matter', async () => {
    const attempt = hashSecret(`${longest}x`)
    await expect(attempt).rejects.toThrow(RangeError)
    await expect(attempt).rejects.not.toThrow(longest)
  })

  it('neither hashes nor accepts a NUL character, where bcrypt in C stops reading', async () => {
    const hash = hashSync('open\0sesame', 4)
    expect(compareSync('open\0sesame', hash)).toBe(true)
    expect(await paid(() => compareSecret('open\0sesame', hash))).toEqual({ answer: false, costs: [4] })
    await expect(hashSecret('open\0sesame')).rejects.toThrow('no NUL character')
  })

  it('is not fooled by a hash of the empty secret, which it computes instead', async () => {
    const hash = hashSync('', 4)
    expect(await compareSecret('a'.repeat(73), hash)).toBe(false)
    expect(await compareSecret('\0', hash)).toBe(false)
  })
})

describe('someone who does not exist', () => {
  it('costs one bcrypt computation, as a wrong secret does', async () => {
    const wrong = await paid(() => compareSecret('secret', hashSync('another', 10)))
    expect(await paid(() => spendAsMuch('secret'))).toEqual(wrong)
    expect(wrong).toEqual({ answer: false, costs: [10] })
  })

  it('costs as much as hashes of another cost when asked to', async () => {
    expect(await paid(() => spendAsMuch('secret', 5))).toEqual({ answer: false, costs: [5] })
  })

  it('costs no less with a secret that is too long or contains NUL', async () => {
    expect((await paid(() => spendAsMuch('a'.repeat(73)))).costs).toEqual([10])
    expect((await paid(() => spendAsMuch('\0'))).costs).toEqual([10])
  })
})

it('networks take turns: who sends many secrets waits for them, and nobody else does', async () => {
  const hash = await hashSecret('right')
  const finished: string[] = []
  const compare = async (network: string) => {
    await compareSecret('wrong', hash, network)
    finished.push(network)
  }
  const many = Array.from({ length: 24 }, (_, index) => compare(`2001:db8:1:${index}::/64`))
  await Promise.all([compare('192.0.2.1'), compare('192.0.2.2')])
  // but for those that were there, and as many as there are threads for its own turn
  expect(finished.filter((network) => network.startsWith('2001')).length).toBeLessThanOrEqual(12)
  await Promise.all(many)
})

it('and so do those whose secrets are hashed, beside those whose secrets are compared', async () => {
  const finished: string[] = []
  const hash = async (network: string) => {
    await hashSecret('chosen', network)
    finished.push(network)
  }
  const many = Array.from({ length: 24 }, () => hash('192.0.2.1'))
  await hash('192.0.2.2')
  expect(finished.length).toBeLessThanOrEqual(12)
  await Promise.all(many)
})

describe('the worker', () => {
  it('answers a failure with a message that carries no secret', async () => {
    const worker = new Worker(require.resolve('../../src/passwords/bcrypt-worker.js'))
    const answer = new Promise((resolve) => worker.once('message', resolve))
    worker.postMessage({ id: 7, secret: 'hunter2', hash: `$2q$05$${salted}` })

    expect(await answer).toEqual({ id: 7, error: expect.stringContaining('Invalid salt revision') })
    expect(JSON.stringify(await answer)).not.toContain('hunter2')
    await worker.terminate()
  })
})
