// Where the time of a server went: self time by function and by package, from a CPU profile of the measured window.
const { existsSync, readFileSync } = require('node:fs')
const { fileURLToPath } = require('node:url')

/** @typedef {{ callFrame: { functionName: string, url: string, lineNumber: number }, id: number }} Node */
/** @typedef {{ nodes: Node[], samples?: number[], timeDeltas?: number[] }} Profile */

/**
 * A Markdown list of the functions with the most self time, in microseconds per request.
 *
 * @param {Profile} profile @param {number} requests @param {number} rows
 */
function summarise({ nodes, samples = [], timeDeltas = [] }, requests, rows = 45) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  /** @type {Map<string, number>} */
  const functions = new Map()
  /** @type {Map<string, number>} */
  const owners = new Map()
  samples.forEach((id, i) => {
    const frame = /** @type {Node} */ (byId.get(id)).callFrame
    if (frame.functionName === '(idle)') return
    const time = timeDeltas[i] ?? 0
    const name = `${frame.functionName || '(anonymous)'}${frame.url ? ` ${placeOf(frame)}` : ''}`
    functions.set(name, (functions.get(name) ?? 0) + time)
    const owner = ownerOf(frame.url, frame.functionName)
    owners.set(owner, (owners.get(owner) ?? 0) + time)
  })
  const list = (/** @type {Map<string, number>} */ times, /** @type {number} */ most) =>
    [...times]
      .sort(([, left], [, right]) => right - left)
      .slice(0, most)
      .map(([name, time]) => `${(time / requests).toFixed(2).padStart(8)}  ${name}`)
  return ['µs per request, by owner:', ...list(owners, 20), '', 'by function (self):', ...list(functions, rows)].join(
    '\n',
  )
}

/** Ours by the file in src that the build names above its part; others by file and line. @param {Node['callFrame']} frame */
function placeOf({ url, lineNumber }) {
  const isOurs = url.startsWith('file:') && !url.includes('/node_modules/') && existsSync(fileURLToPath(url))
  const before = isOurs
    ? readFileSync(fileURLToPath(url), 'utf8')
        .split('\n')
        .slice(0, lineNumber + 1)
    : []
  const source = before.reverse().find((line) => /^\/\/ src\/\S+$/.test(line))
  return source?.slice(3) ?? `${url.replace(/^.*\/node_modules\//, '')}:${lineNumber + 1}`
}

/** @param {string} url @param {string} name */
function ownerOf(url, name) {
  if (url === '') return name.startsWith('(') ? name : '(native)'
  if (url.startsWith('node:'))
    return `node ${
      url
        .slice(5)
        .replace(/^internal\//, '')
        .split('/')[0]
    }`
  const module = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (module) return module
  return url.includes('/dist/') ? 'ours' : 'bench'
}

module.exports = { summarise }
