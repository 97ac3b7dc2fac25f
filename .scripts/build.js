// Builds the package: `tsc` emits CommonJS and its declarations, then every entry point in the `exports` of
// package.json gets an ES module (.mjs, .d.mts) that re-exports it. One copy of the code, so one OAuthError.
const { spawnSync } = require('node:child_process')
const { readFileSync, rmSync, writeFileSync } = require('node:fs')
const { basename, join, resolve } = require('node:path')

const root = resolve(__dirname, '..')

/**
 * @typedef {{ import: { types: string, default: string }, require: { types: string, default: string } }} EntryPoint
 * @type {{ exports: Record<string, EntryPoint | string> }}
 */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

rmSync(join(root, 'dist'), { recursive: true, force: true })
const tsc = [require.resolve('typescript/bin/tsc'), '--project', join(root, 'tsconfig.build.json')]
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })
if (status !== 0) process.exit(1)

for (const [name, entry] of Object.entries(manifest.exports)) {
  if (typeof entry === 'string') continue
  const values = Object.keys(require(join(root, entry.require.default))).sort()
  if (values.length === 0) throw new Error(`"${name}" exports no values: ${entry.require.default}`)
  const from = `'./${basename(entry.require.default)}'`
  const names = values.map((value) => `  ${value},\n`).join('')
  writeFileSync(join(root, entry.import.default), `export {\n${names}} from ${from}\n`)
  writeFileSync(join(root, entry.import.types), `export * from ${from}\n`)
}
