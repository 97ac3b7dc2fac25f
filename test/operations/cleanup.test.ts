import { createAuthorizationServer, memoryStorage, type OAuthStorage } from '../../src/index'
import { startCleanup } from '../../src/operations/cleanup'

const turns = async () => {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate)
}

/** A server whose storage answers each `deleteExpired` with the next of `answers`, and 0 after the last. */
function cleaned(answers: (number | Error | Promise<number>)[]) {
  const calls: number[] = []
  const memory = memoryStorage()
  const deleteExpired = (_now: number, limit: number) => {
    calls.push(limit)
    const answer = answers.shift() ?? 0
    if (answer instanceof Error) throw answer
    return answer
  }
  const storage: OAuthStorage = { ...memory, grants: { ...memory.grants, deleteExpired } }
  const errors: unknown[] = []
  const server = createAuthorizationServer({
    issuer: 'https://auth.example.com',
    storage,
    scopes: [],
    onEvent: (event) => event.type === 'error' && errors.push(event.error.cause),
  })
  return { server, calls, errors }
}

describe('startCleanup', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] }))
  afterEach(() => void jest.useRealTimers())

  it('removes what has expired every so many seconds, in batches until nothing is left', async () => {
    const { server, calls } = cleaned([1000, 1000, 3])
    const stop = startCleanup(server, { every: 60 })
    jest.advanceTimersByTime(59_999)
    expect(calls).toEqual([])
    jest.advanceTimersByTime(1)
    await turns()
    expect(calls).toEqual([1000, 1000, 1000])
    jest.advanceTimersByTime(60_000)
    await turns()
    expect(calls).toHaveLength(4)
    await stop()
    jest.advanceTimersByTime(600_000)
    expect(calls).toHaveLength(4)
  })

  it('begins no other run where it was stopped in the middle of one', async () => {
    let finish: (removed: number) => void = () => {}
    const { server, calls } = cleaned([new Promise((resolve) => (finish = resolve))])
    const stop = startCleanup(server, { every: 60 })
    jest.advanceTimersByTime(60_000)
    await turns()
    const stopped = stop()
    finish(1000)
    await stopped
    jest.advanceTimersByTime(600_000)
    await turns()
    expect(calls).toHaveLength(1)
  })

  it('lets the process end', () => {
    jest.useRealTimers()
    const timeouts = jest.spyOn(global, 'setTimeout')
    void startCleanup(cleaned([]).server, { every: 60 })
    const timer = timeouts.mock.results.at(-1)?.value as NodeJS.Timeout
    expect(timer.hasRef()).toBe(false)
    clearTimeout(timer)
    timeouts.mockRestore()
  })

  it('never begins a run while one is under way', async () => {
    let finish: (removed: number) => void = () => {}
    const { server, calls } = cleaned([new Promise((resolve) => (finish = resolve))])
    const stop = startCleanup(server, { every: 1 })
    jest.advanceTimersByTime(10_000)
    await turns()
    expect(calls).toHaveLength(1)
    finish(0)
    await turns()
    jest.advanceTimersByTime(1000)
    await turns()
    expect(calls).toHaveLength(2)
    await stop()
  })

  it('reports a failure as an error event and tries again at the next run', async () => {
    const down = new Error('down')
    const { server, calls, errors } = cleaned([down, Promise.reject(down)])
    const stop = startCleanup(server, { every: 1 })
    for (let run = 0; run < 3; run++) {
      jest.advanceTimersByTime(1000)
      await turns()
    }
    expect(calls).toHaveLength(3)
    expect(errors).toEqual([down, down])
    await stop()
  })

  it('stops after the batch under way, and says when that has ended', async () => {
    let finish: (removed: number) => void = () => {}
    const { server, calls } = cleaned([new Promise((resolve) => (finish = resolve))])
    const stop = startCleanup(server, { every: 1 })
    jest.advanceTimersByTime(1000)
    let stopped = false
    const ended = stop().then(() => (stopped = true))
    await turns()
    expect(stopped).toBe(false)
    finish(1000)
    await ended
    jest.advanceTimersByTime(10_000)
    await turns()
    expect(calls).toHaveLength(1)
  })

  it.each([0, -1, 1.5, 25 * 86_400, '60', Number.NaN])('refuses to run every %p seconds', (every) => {
    expect(() => startCleanup(cleaned([]).server, { every: every as number })).toThrow('startCleanup({ every })')
  })
})
