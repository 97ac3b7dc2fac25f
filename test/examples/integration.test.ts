// examples/test-your-app/integration.ts: a test file for an app of one's own passes, and fails where the app is wrong.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(__dirname, '..', '..')
const file = join(root, 'examples/test-your-app/integration.ts')
const run = (...command: string[]) =>
  spawnSync(process.execPath, command, {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: '' },
  })

it('npm run example -- integration: every test passes', () => {
  const { status, stdout } = run(join(root, '.scripts/example.js'), 'integration')
  expect([status, stdout.match(/(?:not ok|fail [1-9]).*/g)]).toEqual([0, null])
  expect(Number(/pass (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(100)
})

it.each([
  ['a route without its guard', "bearerGuard(server, { scope: 'read', user: true }), ", '', 'needs a token'],
  ['consent without the user', 'decide: consentPage()', 'decide: () => ({ allow: true, userId: ada.id })', 'gets a'],
])('fails for %s', (_, right, wrong, failing) => {
  const broken = join(root, `examples/test-your-app/.broken-${process.pid}.ts`)
  const source = readFileSync(file, 'utf8')
  expect(source).toContain(right)
  writeFileSync(broken, source.replace(right, wrong).replace(/\n\/\/ Your storage[\s\S]*/, '\n'))
  try {
    const { status, stdout } = run('--import', 'tsx', broken)
    expect([status, stdout]).toEqual([1, expect.stringMatching(`(not ok|✖).*${failing}`)])
  } finally {
    rmSync(broken)
  }
})
