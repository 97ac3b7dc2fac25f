// How much of a storage call is the driver's: its client in front of the adapter, with a clock. The statements are the very same,
// against the same rows, as they are when the adapter sends them.

/** @param {unknown} value @returns {value is Promise<unknown>} */
const isPromise = (value) => typeof (/** @type {any} */ (value)?.then) === 'function'

/**
 * @template {object} Driver
 * @param {Driver} driver the client that the adapter gets: a pool, a connection or a database
 * @returns {{ driver: Driver, take: () => number }} `take`: its milliseconds since the last one. Calls at once count once
 */
function clocked(driver) {
  let spent = 0n
  let running = 0
  let since = 0n
  const begin = () => {
    if (running++ === 0) since = process.hrtime.bigint()
  }
  const end = () => {
    if (--running === 0) spent += process.hrtime.bigint() - since
  }
  /** @param {any} target @returns {any} */
  const inFrontOf = (target) => {
    /** @type {Map<string | symbol, unknown>} */
    const methods = new Map()
    return new Proxy(target, {
      get(on, name) {
        const value = on[name]
        if (typeof value !== 'function' || name === 'constructor') return value
        if (!methods.has(name)) methods.set(name, timed(on, name, value))
        return methods.get(name)
      },
    })
  }
  const timed =
    (/** @type {any} */ on, /** @type {string | symbol} */ name, /** @type {Function} */ method) =>
    (/** @type {unknown[]} */ ...args) => {
      begin()
      let answer
      try {
        answer = method.apply(on, args)
      } finally {
        if (!isPromise(answer)) end()
      }
      // what a statement does is the driver's, too
      if (name === 'prepare') return inFrontOf(answer)
      return isPromise(answer) ? answer.finally(end) : answer
    }
  return {
    driver: inFrontOf(driver),
    take() {
      const taken = Number(spent) / 1e6
      spent = 0n
      return taken
    },
  }
}

module.exports = { clocked }
