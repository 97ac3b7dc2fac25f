// Builds the package: `tsc` emits CommonJS and its declarations, then every entry point in the `exports` of
// package.json gets an ES module (.mjs, .d.mts) that re-exports it. One copy of the code, so one OAuthError. The bcrypt worker
// becomes text with bcryptjs in it, so that it is in every bundle that a host makes of the package.
const { spawnSync } = require('node:child_process')
const { readFileSync, rmSync, writeFileSync } = require('node:fs')
const { basename, dirname, join, resolve } = require('node:path')
const { buildSync } = require('esbuild')

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
embedWorker()

for (const [name, entry] of Object.entries(manifest.exports)) {
  if (typeof entry === 'string') continue
  const values = Object.keys(require(join(root, entry.require.default))).sort()
  if (values.length === 0) throw new Error(`"${name}" exports no values: ${entry.require.default}`)
  const from = `'./${basename(entry.require.default)}'`
  const names = values.map((value) => `  ${value},\n`).join('')
  writeFileSync(join(root, entry.import.default), `export {\n${names}} from ${from}\n`)
  writeFileSync(join(root, entry.import.types), `export * from ${from}\n`)
}

/** Replaces the text of `bcrypt-worker-source.js`, which loads the worker by its path, by the worker itself. */
function embedWorker() {
  const worker = join(root, 'dist', 'passwords', 'bcrypt-worker.js')
  const { outputFiles } = buildSync({
    entryPoints: [worker],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    write: false,
  })
  const licence = readFileSync(join(dirname(require.resolve('bcryptjs')), '..', 'LICENSE'), 'utf8')
  // its terms: they go where the code goes, into bundles, too
  const notice = `/*! bcryptjs\n${licence.trimEnd()}\n*/\n`
  const text = JSON.stringify(outputFiles[0]?.text)
  writeFileSync(join(root, 'dist', 'passwords', 'bcrypt-worker-source.js'), `${notice}exports.workerSource = ${text}\n`)
  for (const file of [worker, worker.replace(/\.js$/, '.d.ts')]) rmSync(file)
}
