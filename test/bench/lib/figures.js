// What was measured: which figures belong together, which are set against each other, and in which order.
const { operations } = require('./operations')
const { servers } = require('./servers')
const { median } = require('./statistics')

/**
 * One server at one operation in one round.
 * @typedef {object} Figure
 * @property {string} server
 * @property {string} operation
 * @property {number} connections
 * @property {number} round
 * @property {number} cpu microseconds of processor time per request, all threads of the server
 * @property {number} quiet the same, of the least disturbed quarter of the measurement
 * @property {number} rate requests per second
 * @property {number} p50 microseconds
 * @property {number} p99 microseconds
 */

const operationNames = Object.keys(operations)

/** The figures of a server in a row. @param {readonly Figure[]} figures @param {string} server @param {string} row */
function cell(figures, server, row) {
  return figures.filter((figure) => figure.server === server && `${figure.operation}@${figure.connections}` === row)
}

/** Bare Express on the same engine: what an engine is faster at by itself is no merit of a server. @param {string} server */
function baseOf(server) {
  const engine = servers[server]?.engine
  return engine ? `bare-${engine}` : 'bare'
}

/** The median of the rounds' ratios: what disturbs a round disturbs both sides of it. @param {Figure[]} own @param {Figure[]} bare @param {'cpu' | 'quiet' | 'rate'} key */
function ratio(own, bare, key) {
  const ratios = own.flatMap((figure) => {
    const base = bare.find(({ round }) => round === figure.round)
    if (!base) return []
    return [key === 'rate' ? figure.rate / base.rate : base[key] / figure[key]]
  })
  return ratios.length === 0 ? '-' : median(ratios).toFixed(2)
}

/** @param {string} left @param {string} right */
function byOperation(left, right) {
  const place = (/** @type {string} */ row) =>
    operationNames.indexOf(row.split('@')[0] ?? '') * 1e6 + Number(row.split('@')[1])
  return place(left) - place(right)
}

/** @param {string} left @param {string} right */
function byServer(left, right) {
  return rankOf(left) - rankOf(right)
}

/** @param {string} server */
function rankOf(server) {
  const names = Object.keys(servers)
  // another tree of this project stands beside ours
  return server === 'ours-other' ? names.indexOf('ours') + 0.5 : names.indexOf(server)
}

/** @param {string} row */
function titleOf(row) {
  const [operation = '', connections] = row.split('@')
  const title = operations[operation]?.title ?? operation
  return connections === '64' ? title : `${title}, ${connections} connection${connections === '1' ? '' : 's'}`
}

module.exports = { baseOf, byOperation, byServer, cell, operationNames, ratio, titleOf }
