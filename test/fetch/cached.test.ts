// What another server has said is kept for a while, and asked for again no more often than it must be.
import { kept } from '../../src/fetch/cached'

const clock = { now: 0 }
let loads: { answer: (value: string) => void; fail: () => void }[]
let failures: unknown[]
let value: ReturnType<typeof kept<string>>
beforeEach(() => {
  clock.now = 1_000_000
  loads = []
  failures = []
  const load = () =>
    new Promise<string>((resolve, reject) => loads.push({ answer: resolve, fail: () => reject(new Error('down')) }))
  value = kept(
    load,
    () => clock.now,
    (error) => failures.push(error),
  )
})
const settled = () => new Promise(setImmediate)
const loaded = async (text: string) => {
  const got = value.get()
  loads.at(-1)?.answer(text)
  expect(await got).toBe(text)
}

it('it is fetched once, and renewed after ten minutes while it is still used', async () => {
  await loaded('a')
  clock.now += 599
  expect([await value.get(), loads.length]).toEqual(['a', 1])
  clock.now += 1
  expect([await value.get(), await value.get(), loads.length]).toEqual(['a', 'a', 2])
  loads[1]?.answer('b')
  await settled()
  expect([await value.get(), loads.length]).toEqual(['b', 2])
})

it('a renewal that fails is heard of once, and tried again after ten seconds', async () => {
  await loaded('a')
  clock.now += 600
  for (let times = 0; times < 3; times++) expect(await value.get()).toBe('a')
  loads[1]?.fail()
  await settled()
  clock.now += 9
  expect([await value.get(), loads.length, failures.length]).toEqual(['a', 2, 1])
  clock.now += 1
  expect([await value.get(), loads.length, failures.length]).toEqual(['a', 3, 1])
})

it('after an hour it is used no more, and whoever asks waits or is refused', async () => {
  await loaded('a')
  clock.now += 3600
  const late = Promise.resolve(value.get())
  loads[1]?.fail()
  await expect(late).rejects.toThrow('down')
  // for two seconds nobody else is asked
  clock.now += 1
  await expect(Promise.resolve(value.get())).rejects.toThrow('down')
  expect(loads).toHaveLength(2)
  clock.now += 1
  await loaded('b')
  expect(failures).toEqual([])
})
