// Builds the package: `tsc` emits CommonJS and its declarations, then every entry point in the `exports` of
// package.json gets an ES module (.mjs, .d.mts) that re-exports it. One copy of the code, so one OAuthError. The bcrypt worker
// becomes text with bcryptjs in it, so that it is in every bundle that a host makes of the package. Comments stay in the
// declarations, which editors show, and leave the code, of which they are a quarter. Declarations that no entry point leads to
// are left out.
const { spawnSync } = require('node:child_process')
const { readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { basename, dirname, join, resolve } = require('node:path')
const { buildSync, transformSync } = require('esbuild')

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
for (const file of distFiles('.js')) removeComments(file)
removeUnreachedDeclarations()
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

/** Removes the declarations that a compiler never comes to from an entry point. */
function removeUnreachedDeclarations() {
  const entries = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [entry.require.types],
  )
  const reached = new Set(entries.map((file) => join(root, file)))
  for (const file of reached) {
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )["'](\.[^"']*)["']/g)) {
      reached.add(join(dirname(file), `${path}.d.ts`))
    }
  }
  for (const file of distFiles('.d.ts')) if (!reached.has(file)) rmSync(file)
}

/** @param {string} ending */
function distFiles(ending) {
  const dist = join(root, 'dist')
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
  return names.map((name) => join(dist, name))
}

/** @param {string} file */
function removeComments(file) {
  writeFileSync(file, transformSync(readFileSync(file, 'utf8'), { target: 'node20' }).code)
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
  rmSync(worker)
}
