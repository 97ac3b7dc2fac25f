// The threads behind bcrypt: the event loop stays free, the queue is bounded, and whatever dies takes only its job with it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { OAuthError } from '../../src/errors'
import { compareSecret } from '../../src/passwords/bcrypt'
import { broken, type RecordedWorker, workers } from './recorded-workers'

jest.mock('node:worker_threads', () =>
  jest.requireActual<typeof import('./recorded-workers')>('./recorded-workers').workerThreads(),
)
jest.mock('node:os', () => ({
  ...jest.requireActual<typeof import('node:os')>('node:os'),
  availableParallelism: jest.fn(() => 2),
}))

const root = join(__dirname, '..', '..')
const cheap = hashSync('secret', 4)
const costly = hashSync('secret', 12)

afterEach(async () => {
  jest.useRealTimers()
  jest.mocked(availableParallelism).mockReturnValue(2)
  broken.reason = undefined
  // Each test begins without workers, as a process does
  await Promise.all(workers.map((worker) => worker.terminate()))
  workers.length = 0
})

const theWorker = (): RecordedWorker => {
  const [worker] = workers
  if (!worker) throw new Error('no worker was started')
  return worker
}

describe('the event loop', () => {
  it('keeps turning while eight comparisons are under way', async () => {
    const hash = hashSync('secret', 10)
    let turns = 0
    let comparing = true
    const turn = () => {
      turns += 1
      if (comparing) setImmediate(turn)
    }
    setImmediate(turn)
    await Promise.all(Array.from({ length: 8 }, () => compareSecret('secret', hash)))
    comparing = false

    // bcryptjs on the loop gives it back every 100 ms at best: less than 20 turns
    expect(turns).toBeGreaterThan(1000)
  })
})

describe('the workers', () => {
  it('start with the first comparison and not before', async () => {
    expect(workers).toHaveLength(0)
    await compareSecret('secret', cheap)
    expect(workers).toHaveLength(1)
  })

  it.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [64, 4],
  ])('on %i cores are %i at most, each with one job at a time', async (cores, most) => {
    jest.mocked(availableParallelism).mockReturnValue(cores)
    const answers = await Promise.all(Array.from({ length: 12 }, () => compareSecret('secret', cheap)))

    expect(answers).toEqual(Array(12).fill(true))
    expect(workers).toHaveLength(most)
    expect(workers.map((worker) => worker.mostAtOnce)).toEqual(Array(most).fill(1))
  })

  it('are used again, not started anew', async () => {
    jest.mocked(availableParallelism).mockReturnValue(4)
    await compareSecret('secret', cheap)
    await compareSecret('secret', cheap)
    expect(workers).toHaveLength(1)
    expect(theWorker().jobs).toHaveLength(2)
  })

  it('stop after 30 seconds without work, and start again when there is some', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
    await compareSecret('secret', cheap)
    jest.advanceTimersByTime(29_999)
    await compareSecret('secret', cheap)
    jest.advanceTimersByTime(29_999)
    expect(await compareSecret('secret', cheap)).toBe(true)
    expect(workers).toHaveLength(1)

    const stopped = once(theWorker(), 'exit')
    jest.advanceTimersByTime(30_000)
    await stopped
    expect(await compareSecret('secret', cheap)).toBe(true)
    expect(workers).toHaveLength(2)
  })

  it('are not stopped in the middle of a comparison that lasts longer', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
    await compareSecret('secret', cheap)
    const answer = compareSecret('secret', cheap)
    jest.advanceTimersByTime(60_000)
    expect(await answer).toBe(true)
  })

  it('give each caller the answer to its own question, ignoring answers to another', async () => {
    const answer = compareSecret('wrong', cheap)
    theWorker().emit('message', { id: -1, result: true })
    expect(await answer).toBe(false)
  })
})

describe('the queue', () => {
  it('answers in the order of arrival', async () => {
    const order: number[] = []
    const compares = Array.from({ length: 20 }, (_, i) => compareSecret('secret', cheap).then(() => order.push(i)))
    await Promise.all(compares)
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('refuses with 503 and Retry-After when 1024 are waiting, and recovers', async () => {
    // One is under way
    const admitted = Array.from({ length: 1025 }, () => compareSecret('secret', cheap))
    const refused: unknown = await compareSecret('secret', cheap).catch((error: unknown) => error)

    expect(refused).toBeInstanceOf(OAuthError)
    expect(refused).toMatchObject({ code: 'temporarily_unavailable', status: 503, headers: { 'Retry-After': '1' } })
    expect(await Promise.all(admitted)).toEqual(Array(1025).fill(true))
    expect(await compareSecret('secret', cheap)).toBe(true)
  })
})

describe('a worker that dies', () => {
  it('takes its own job with it; those that wait are answered by the next worker', async () => {
    const lost = compareSecret('secret', costly)
    const waiting = [compareSecret('secret', cheap), compareSecret('wrong', cheap)]
    void theWorker().terminate()

    await expect(lost).rejects.toThrow('A bcrypt worker stopped before it returned a result')
    expect(await Promise.all(waiting)).toEqual([true, false])
    expect(workers).toHaveLength(2)
  })

  it('of an exception takes its own job with it, and not the process', async () => {
    await compareSecret('secret', cheap)
    // Nothing that can be taken apart: thrown before the worker catches anything
    theWorker().postMessage(null as never)
    const lost: unknown = await compareSecret('secret', cheap).catch((error: unknown) => error)

    expect(lost).toMatchObject({ message: expect.stringContaining('stopped'), cause: { name: 'TypeError' } })
    expect(await compareSecret('secret', cheap)).toBe(true)
    expect(workers).toHaveLength(2)
  })

  it('while it is idle is replaced at the next call', async () => {
    await compareSecret('secret', cheap)
    await theWorker().terminate()
    expect(await compareSecret('secret', cheap)).toBe(true)
    expect(workers).toHaveLength(2)
  })

  it('or cannot even start is an error, and no endless wait', async () => {
    broken.reason = new Error('ERR_ACCESS_DENIED')
    const attempts = await Promise.allSettled([compareSecret('secret', cheap), compareSecret('secret', cheap)])
    expect(attempts).toEqual(
      Array(2).fill({ status: 'rejected', reason: expect.objectContaining({ cause: broken.reason }) }),
    )
    broken.reason = undefined
    expect(await compareSecret('secret', cheap)).toBe(true)
  })
})

describe('a process with nothing else to do', () => {
  // Killed long before the 30 seconds after which idle workers stop
  const run = async (program: string): Promise<{ output: string; code: unknown }> => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--eval', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    return { output, code }
  }

  it('waits for a comparison, also of a worker that was idle before, and then exits by itself', async () => {
    const program = `
      const { compareSecret } = require('./src/passwords/bcrypt.ts')
      const compare = () => compareSecret('secret', '${cheap}').then((right) => console.log(right))
      compare().then(() => new Promise(setImmediate)).then(compare)
    `
    expect(await run(program)).toEqual({ output: 'true\ntrue\n', code: 0 })
  }, 30_000)
})
