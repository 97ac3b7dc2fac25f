import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { begunOnce, deadline } from '../src/deadline'
import type { OAuthError } from '../src/errors'

const never = () => new Promise<never>(() => {})
const refusal = (waited: unknown): Promise<OAuthError> =>
  Promise.resolve(waited).then(
    () => Promise.reject(new Error('it came')),
    (error) => error,
  )

it('gives a value that is there as it is, in the same turn', () => {
  const inTime = deadline(1)
  const user = { id: 'alice' }
  expect(inTime('users.find', user)).toBe(user)
  expect(inTime('users.find', undefined)).toBeUndefined()
})

it('gives what arrives in time, and throws what fails in time, also for thenables of another making', async () => {
  const inTime = deadline(1)
  const failure = new Error('away')
  // biome-ignore lint/suspicious/noThenProperty: what a query builder returns
  const thenable = { then: (done: (value: string) => void) => void done('yes') } as never
  expect(await inTime('a', Promise.resolve('yes'))).toBe('yes')
  expect(await inTime('a', thenable)).toBe('yes')
  expect(await refusal(inTime('a', Promise.reject(failure)))).toBe(failure)
})

it('is 503 with the name of the call for what never comes, and drops what comes too late', async () => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', listener)
  const inTime = deadline(1)
  let tooLate = (_error: Error): void => {}
  const late = new Promise<never>((_resolve, reject) => {
    tooLate = reject
  })
  const error = await refusal(inTime('storage.grants.find', late))
  expect(error).toMatchObject({ code: 'server_error', status: 503 })
  expect(error.description).not.toContain('grants')
  expect(String(error.cause)).toContain('storage.grants.find did not answer within 1 second')
  tooLate(new Error('the connection broke'))
  await new Promise(setImmediate)
  process.off('unhandledRejection', listener)
  expect(unhandled).toEqual([])
})

it('sets one timer for all who wait, which keeps no process alive, and none while nobody waits', async () => {
  const timers = jest.spyOn(global, 'setTimeout')
  // all begin at one time, however slow the machine is: those who came later would wake it again
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now())
  const inTime = deadline(1)
  const answers = Array.from({ length: 1000 }, (_, n) => inTime('a', Promise.resolve(n)))
  expect(await Promise.all(answers)).toHaveLength(1000)
  const refusals = Array.from({ length: 1000 }, () => refusal(inTime('b', never())))
  clock.mockRestore()
  expect(await Promise.all(refusals)).toHaveLength(1000)
  const ours = timers.mock.results.map(({ value }) => value as NodeJS.Timeout)
  const keeping = ours.filter((timer) => timer.hasRef())
  const [set] = [ours.length]
  timers.mockRestore()
  expect(keeping).toEqual([])
  // a timer may wake a millisecond early, and is set again
  expect(set).toBeLessThan(5)
})

it('gives each the whole time, whoever has come before', async () => {
  const inTime = deadline(1)
  const began = performance.now()
  const first = refusal(inTime('first', never()))
  await new Promise((resolve) => setTimeout(resolve, 500))
  const second = refusal(inTime('second', never())).then(() => performance.now())
  await first
  expect((await second) - began).toBeGreaterThanOrEqual(1500)
})

it('refuses nothing that has arrived while the process itself stood still', async () => {
  const inTime = deadline(1)
  const bytes = inTime('a', promisify(randomBytes)(8))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
  expect(await bytes).toHaveLength(8)
})

describe('what is begun once for all who ask', () => {
  const counted = (answers: (() => Promise<boolean>)[]) => {
    let count = 0
    const begin = () => (answers[count++] ?? answers.at(-1) ?? never)()
    return { begin, count: () => count }
  }
  const yes = () => Promise.resolve(true)
  const no = () => Promise.resolve(false)

  it('is begun once, also by those who come while it is under way', async () => {
    const { begin, count } = counted([yes])
    const get = begunOnce(begin)
    expect(await Promise.all([get(), get()])).toEqual([true, true])
    await get()
    expect(count()).toBe(1)
  })

  it('is begun again after a failure, and after an answer that is not kept', async () => {
    const { begin, count } = counted([() => Promise.reject(new Error('away')), no, yes])
    const get = begunOnce(begin, (value) => value)
    await expect(get()).rejects.toThrow('away')
    expect([await get(), await get(), await get()]).toEqual([false, true, true])
    expect(count()).toBe(3)
  })

  it('that hangs is in the way of nobody who comes later', async () => {
    const { begin, count } = counted([never, yes])
    const get = begunOnce(begin)
    void get()
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 6000)
    expect(await get()).toBe(true)
    clock.mockRestore()
    expect(await get()).toBe(true)
    expect(count()).toBe(2)
  })
})
