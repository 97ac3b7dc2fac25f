// What is undone of Express on every request must be undone for its own objects alone, and be noticed by nobody.
import { settle } from '../../src/http/request'

type Part = Record<string, unknown>

/** A request and a response of Express, as far as their members name each other. */
function pair(): { req: Part; res: Part } {
  const req: Part = {}
  const res: Part = {}
  return { req: Object.assign(req, { res, url: '/' }), res: Object.assign(res, { req, statusCode: 200 }) }
}
const isSettled = ({ req, res }: ReturnType<typeof pair>) => {
  settle(req as never, res as never)
  // what was taken out and put back is the last
  return [Object.keys(req).at(-1) === 'res', Object.keys(res).at(-1) === 'req']
}
const define = (part: Part, name: string, descriptor: PropertyDescriptor) =>
  Object.defineProperty(part, name, { ...Object.getOwnPropertyDescriptor(part, name), ...descriptor })

// the engine of Node 24 has no need of it
const itWhereSlow = Number.parseInt(process.versions.v8, 10) < 13 ? it : it.skip

itWhereSlow('members that Express has set are taken out and put back', () => {
  const made = pair()
  expect(isSettled(made)).toEqual([true, true])
  expect([made.req.res, made.res.req]).toEqual([made.res, made.req])
})

it.each<[string, (made: ReturnType<typeof pair>) => unknown]>([
  ['a response of another request', ({ req }) => Object.assign(req, { res: {} })],
  ['a request of another response', ({ res }) => Object.assign(res, { req: {} })],
  ['a request without its response', ({ req }) => Reflect.deleteProperty(req, 'res')],
  ['a response without its request', ({ res }) => Reflect.deleteProperty(res, 'req')],
  ['a response that cannot be taken out', ({ req }) => define(req, 'res', { configurable: false })],
  ['a request that cannot be taken out', ({ res }) => define(res, 'req', { configurable: false })],
  ['a response that must not change', ({ req }) => define(req, 'res', { writable: false })],
  ['a request that must not change', ({ res }) => define(res, 'req', { writable: false })],
  ['a frozen request', ({ req }) => Object.freeze(req)],
])('nothing is touched of %s', (_, change) => {
  const made = pair()
  change(made)
  const before = [made.req, made.res].map((part) => Object.getOwnPropertyDescriptors(part))
  expect(isSettled(made)).toEqual([false, false])
  expect([made.req, made.res].map((part) => Object.getOwnPropertyDescriptors(part))).toEqual(before)
})
