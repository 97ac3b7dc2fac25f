// The figures as Markdown.
const { describeEngine, engineNames } = require('./engines')
const { baseOf, byOperation, byServer, cell, operationNames, ratio, titleOf } = require('./figures')
const { describeMachine, versionOf } = require('./machine')
const { operations } = require('./operations')
const { median } = require('./statistics')

/** @typedef {import('./figures').Figure} Figure */

const packages = {
  express: 'express',
  'node-oauth': '@node-oauth/express-oauth-server',
  jmondi: '@jmondi/oauth2-server',
  oauth2orize: 'oauth2orize',
  'oidc-provider': 'oidc-provider',
  'mcp-sdk': '@modelcontextprotocol/sdk',
  'jwt-bearer': 'express-oauth2-jwt-bearer',
}

/** @param {readonly string[]} header @param {readonly (readonly string[])[]} rows */
function table(header, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** @param {readonly Figure[]} figures @param {string[]} notes @param {{ seconds: number }} options */
function report(figures, notes, { seconds }) {
  const servers = [...new Set(figures.map(({ server }) => server))].sort(byServer)
  const rows = [...new Set(figures.map(({ operation, connections }) => `${operation}@${connections}`))].sort(
    byOperation,
  )
  const of = (/** @type {string} */ row, /** @type {string} */ server) => cell(figures, server, row)
  const compared = servers.filter((server) => baseOf(server) === 'bare' && server !== 'bare')
  const ratios = (/** @type {'cpu' | 'quiet'} */ key) =>
    table(
      ['operation', ...compared],
      rows.map((row) => [titleOf(row), ...compared.map((server) => ratio(of(row, server), of(row, 'bare'), key))]),
    )
  const rounds = Math.max(...figures.map(({ round }) => round)) + 1
  const lines = [
    `Each figure is the median of ${rounds} rounds, each of ${seconds} s in a fresh process, in random order. The server`,
    'has one core, wrk another. CPU is the processor time of the whole server process per request.',
    '',
    describeMachine(),
    '',
    Object.values(packages)
      .map((name) => `${name} ${versionOf(name)}`)
      .join(', '),
    '',
    '### CPU per request, as a ratio to bare Express (more is better)',
    '',
    ratios('cpu'),
    '',
    '### The same, of the least disturbed quarter of each measurement',
    '',
    'For a look on a busy machine: it leaves out what other processes cost us, and most of the garbage collection.',
    '',
    ratios('quiet'),
    '',
    '### All figures',
    '',
    table(
      [
        'operation',
        'server',
        'CPU µs/request',
        'least to most',
        'quiet quarter',
        'requests/s',
        'ratio',
        'p50 ms',
        'p99 ms',
      ],
      rows.flatMap((row) =>
        servers
          .filter((server) => of(row, server).length > 0)
          .map((server) => detail(titleOf(row), server, of(row, server), of(row, baseOf(server)))),
      ),
    ),
    ...engines(figures, rows),
    ...comparisons(figures),
    ...proofs(figures),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${note}`)] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** Ours and bare Express on each engine. @param {readonly Figure[]} figures @param {readonly string[]} rows */
function engines(figures, rows) {
  if (figures.every(({ server }) => baseOf(server) === 'bare')) return []
  const middle = (/** @type {Figure[]} */ list, /** @type {'cpu' | 'rate'} */ key, /** @type {number} */ digits) =>
    list.length > 0 ? median(list.map((figure) => figure[key])).toFixed(digits) : '-'
  const lines = rows.flatMap((row) =>
    engineNames.flatMap((engine) => {
      const suffix = engine === 'node' ? '' : `-${engine}`
      const [own, bare] = [cell(figures, `ours${suffix}`, row), cell(figures, `bare${suffix}`, row)]
      if (own.length + bare.length === 0) return []
      const ratios = [ratio(own, bare, 'cpu'), ratio(own, bare, 'quiet'), ratio(own, bare, 'rate')]
      const absolute = [middle(own, 'cpu', 1), middle(bare, 'cpu', 1), middle(own, 'rate', 0), middle(bare, 'rate', 0)]
      return [[titleOf(row), describeEngine(engine), ...ratios, ...absolute]]
    }),
  )
  const header = [
    ...['operation', 'engine', 'ratio of CPU', 'of its quiet quarter', 'of requests/s'],
    ...['CPU µs: ours', 'bare', 'requests/s: ours', 'bare'],
  ]
  const title = '### Engines: ours, as a ratio to bare Express on the same one (more is better)'
  return ['', title, '', table(header, lines)]
}

/** Our adapters beside their drivers alone. @param {readonly Figure[]} figures */
function comparisons(figures) {
  const at = (/** @type {string} */ server, /** @type {string} */ operation) => cell(figures, server, `${operation}@64`)
  const rows = ['postgres', 'redis'].flatMap((store) =>
    operationNames
      .filter((operation) => at(`driver-${store}`, operation).length > 0)
      .map((operation) => {
        const [own, driver] = [at(`ours-${store}`, operation), at(`driver-${store}`, operation)]
        return [`${store}, ${operations[operation]?.title}`, ratio(own, driver, 'rate'), ratio(own, driver, 'cpu')]
      }),
  )
  if (rows.length === 0) return []
  const header = ['ours, beside the driver alone with the same statements', 'requests/s', 'CPU']
  return ['', '### Adapters', '', table(header, rows)]
}

/** What a proof costs that is checked in every way, beside a look at its signature alone. @param {readonly Figure[]} figures */
function proofs(figures) {
  const at = (/** @type {string} */ server, /** @type {string} */ operation) => cell(figures, server, `${operation}@64`)
  const rows = ['par', 'code_dpop', 'guard_dpop']
    .filter((operation) => at('ours-plain-proof', operation).length > 0)
    .map((operation) => {
      const [plain, own] = [at('ours-plain-proof', operation), at('ours', operation)]
      return [String(operations[operation]?.title), ratio(plain, own, 'cpu'), ratio(plain, own, 'quiet')]
    })
  if (rows.length === 0) return []
  const header = ['CPU of ours, as a multiple of ours without DPoP and a plain crypto.verify', 'all', 'quiet quarter']
  return ['', '### Proofs (less is better)', '', table(header, rows)]
}

/** @param {string} title @param {string} server @param {Figure[]} own @param {Figure[]} bare */
function detail(title, server, own, bare) {
  const all = (/** @type {keyof Figure} */ key) => own.map((figure) => Number(figure[key]))
  const cpu = all('cpu')
  return [
    title,
    server,
    median(cpu).toFixed(1),
    `${Math.min(...cpu).toFixed(0)} to ${Math.max(...cpu).toFixed(0)}`,
    median(all('quiet')).toFixed(1),
    median(all('rate')).toFixed(0),
    ratio(own, bare, 'rate'),
    (median(all('p50')) / 1000).toFixed(2),
    (median(all('p99')) / 1000).toFixed(2),
  ]
}

/** What makes these figures unfit to be quoted. @param {readonly Figure[]} figures @param {number} rounds @param {number} seconds */
function doubts(figures, rounds, seconds) {
  const found = []
  const same = figures.filter(({ server }) => server === 'bare-again')
  const keys = [...new Set(same.map(({ operation, connections }) => `${operation}@${connections}`))]
  for (const key of keys) {
    const at = (/** @type {string} */ server) =>
      figures.filter((figure) => figure.server === server && `${figure.operation}@${figure.connections}` === key)
    const value = Number(ratio(at('bare-again'), at('bare'), 'cpu'))
    if (Math.abs(value - 1) > 0.05)
      found.push(`bare against bare gives ${value} at ${titleOf(key)}: do not quote its ratios.`)
  }
  if (rounds < 5 || seconds < 2) found.push('Too few or too short rounds: do not quote any of this.')
  return found
}

module.exports = { doubts, report, table }
