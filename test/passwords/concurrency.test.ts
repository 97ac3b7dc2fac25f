// One network cannot shut out all others from sign-ins that cost a tenth of a second each.
import { inTurn } from '../../src/passwords/concurrency'

const full = { code: 'temporarily_unavailable', status: 503, headers: { 'Retry-After': '1' } }

it('looks at 128 secrets of one network at once, and at those of others all the same', async () => {
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const begun = Array.from({ length: 128 }, () => inTurn('192.0.2.1', () => finished))
  await expect(inTurn('192.0.2.1', () => 'looked at')).rejects.toMatchObject(full)
  expect(await inTurn('192.0.2.2', () => 'looked at')).toBe('looked at')
  finish()
  await Promise.all(begun)
  expect(await inTurn('192.0.2.1', () => 'looked at')).toBe('looked at')
})

it('takes all networks of one site together, which are one customer', async () => {
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const networks = Array.from({ length: 128 }, (_, index) => `2001:db8:7:${index.toString(16)}::/64`)
  const begun = networks.map((network) => inTurn(network, () => finished))
  await expect(inTurn('2001:db8:7:ffff::/64', () => 'looked at')).rejects.toMatchObject(full)
  expect(await inTurn('2001:db8:8:0::/64', () => 'looked at')).toBe('looked at')
  finish()
  await Promise.all(begun)
})

it('gives the place back after a minute to which a user store gave no answer, and once only', async () => {
  jest.useFakeTimers()
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const begun = Array.from({ length: 128 }, () => inTurn('192.0.2.4', () => finished))
  jest.advanceTimersByTime(59_999)
  await expect(inTurn('192.0.2.4', () => 'looked at')).rejects.toMatchObject(full)
  jest.advanceTimersByTime(1)
  expect(await inTurn('192.0.2.4', () => 'looked at')).toBe('looked at')
  const others = Array.from({ length: 128 }, () => inTurn('192.0.2.4', () => new Promise(() => {})))
  finish()
  await Promise.all(begun)
  await expect(inTurn('192.0.2.4', () => 'looked at')).rejects.toMatchObject(full)
  expect(others).toHaveLength(128)
  jest.useRealTimers()
})

it('gives the place back when a look fails', async () => {
  const failing = Array.from({ length: 128 }, () => inTurn('192.0.2.3', () => Promise.reject(new Error('no'))))
  await Promise.allSettled(failing)
  expect(await inTurn('192.0.2.3', () => 'looked at')).toBe('looked at')
})
