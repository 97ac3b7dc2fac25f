/** What one warm request enters of the built package, for a host that uses no capability: who does not use them does not pay. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeHops, type Hops } from './support/hops'

/** At most so many files, functions and storage calls: Node 20 and 22 reach them, Node 24 enters one function less. */
const ceilings: [flow: string, files: number, functions: number, calls: number][] = [
  ['code exchange', 23, 99, 3], // aim: 14, 70, 3
  ['refresh', 22, 108, 3], // aim: 15, 75, 3
  ['authorize', 26, 79, 2], // aim: 16, 70, 2
  ['client credentials', 19, 76, 2], // aim: 13, 60, 2
  ['client create', 27, 160, 3], // aim: 18, 90, 2
  ['guard', 12, 60, 1], // aim: 9, 40, 1
]

const root = join(__dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'hops-'))
let measured: Record<string, Hops>

beforeAll(() => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const dist = join(folder, 'dist')
  const project = ['--project', join(root, 'tsconfig.build.json')]
  run(join(root, 'node_modules/typescript/bin/tsc'), ...project, '--outDir', dist, '--declaration', 'false')
  measured = JSON.parse(run(join(root, 'test/support/hops.js'), dist, '--json'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each(ceilings)(
  'one warm request of %s enters at most %i files and %i functions, and storage %i times',
  (flow, ...most) => {
    const hops = measured[flow] as Hops
    const reached = [new Set(hops.entered.map(({ file }) => file)).size, hops.entered.length, hops.calls.length]
    if (reached.some((count, at) => count > (most[at] as number))) throw new Error(describeHops(flow, hops))
  },
)

// in the default list, or in none, and used by none of these clients
it.each([
  ...['clients/client-assertion.js', 'clients/keys.js', 'credentials/once.js'],
  ...['grants/jwt-bearer.js', 'jwt/trusted-issuers.js', 'grants/foreign-jwt.js', 'grants/actor.js'],
  ...['token-exchange', 'exchange-party', 'exchange-limits', 'exchange-issue'].map((name) => `grants/${name}.js`),
  ...['pushed-authorization', 'pushed-request', 'request-object'].map((name) => `authorization/${name}.js`),
  ...['answer', 'approval', 'device-authorization', 'device-code', 'user-code', 'verification'].map(
    (name) => `device/${name}.js`,
  ),
])('none of them enters %s', (unused) => {
  const entered = Object.values(measured).flatMap((hops) => hops.entered.map(({ file }) => file))
  expect(entered).not.toContain(unused)
})

it('every flow that is measured has its ceilings', () => {
  expect(Object.keys(measured)).toEqual(ceilings.map(([flow]) => flow))
})

/** Runs a script in Node alone: no transform, no coverage of the test run, no other environment. */
function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: {},
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  if (status !== 0) throw new Error(`${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}
