// Builds the package: `tsc` emits the declarations, and esbuild one file for each entry point in the `exports` of package.json,
// with what they share in `dist/shared`. 40 files load in half the time of 350. TypeScript turns them into CommonJS: its
// exports are plain values, those of esbuild are getters, which cost a guarded request a tenth. Then every entry point gets an
// ES module (.mjs, .d.mts) that re-exports it. One copy of the code, so one OAuthError. The bcrypt worker becomes text with
// bcryptjs in it, so that it is in every bundle that a host makes of the package. Comments stay in the declarations, which
// editors show. Declarations that no entry point leads to are left out.
const { spawnSync } = require('node:child_process')
const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { basename, dirname, join, resolve } = require('node:path')
const { build, buildSync } = require('esbuild')
const ts = require('typescript')

const root = resolve(__dirname, '..')

/**
 * @typedef {{ import: { types: string, default: string }, require: { types: string, default: string } }} EntryPoint
 * @type {{ exports: Record<string, EntryPoint | string>, bin: Record<string, string> }}
 */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entryPoints = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry]))

async function main() {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const project = ['--project', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly']
  const { status } = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), ...project], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
  removeUnreachedDeclarations()
  await writeCode()
  for (const entry of entryPoints) {
    const values = Object.keys(require(join(root, entry.require.default))).sort()
    if (values.length === 0) throw new Error(`${entry.require.default} exports no values`)
    const from = `'./${basename(entry.require.default)}'`
    const names = values.map((value) => `  ${value},\n`).join('')
    writeFileSync(join(root, entry.import.default), `export {\n${names}} from ${from}\n`)
    writeFileSync(join(root, entry.import.types), `export * from ${from}\n`)
  }
}

async function writeCode() {
  const programs = [...entryPoints.map((entry) => entry.require.default), ...Object.values(manifest.bin)]
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: programs.map((file) => file.replace(/^(?:\.\/)?dist\/(.*)\.js$/, 'src/$1.ts')),
    outbase: 'src',
    outdir: 'dist',
    chunkNames: 'shared/[hash]',
    tsconfig: 'tsconfig.build.json',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // within a bundle, its terms stay where the worker is
    legalComments: 'inline',
    write: false,
    plugins: [
      {
        name: 'bcrypt worker',
        setup: ({ onLoad }) => onLoad({ filter: /bcrypt-worker-source\.ts$/ }, () => ({ contents: embeddedWorker() })),
      },
    ],
  })
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, commonJs(text))
  }
}

/** As the compiler writes it. A bundler of the host sees what `require` loads only by that name. @param {string} code */
function commonJs(code) {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true }
  return ts.transpileModule(code.replaceAll('__require(', 'require('), { compilerOptions }).outputText
}

/** Removes the declarations that a compiler never comes to from an entry point. */
function removeUnreachedDeclarations() {
  const reached = new Set(entryPoints.map((entry) => join(root, entry.require.types)))
  for (const file of reached) {
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )["'](\.[^"']*)["']/g)) {
      reached.add(join(dirname(file), `${path}.d.ts`))
    }
  }
  const names = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
  for (const name of names) {
    const file = join(root, 'dist', name)
    if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file)
  }
}

/** The module with the worker itself as text, instead of the one that loads the worker by its path. */
function embeddedWorker() {
  const { outputFiles } = buildSync({
    entryPoints: [join(root, 'src', 'passwords', 'bcrypt-worker.js')],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    write: false,
  })
  const licence = readFileSync(join(dirname(require.resolve('bcryptjs')), '..', 'LICENSE'), 'utf8')
  // its terms: they go where the code goes, into bundles, too
  const notice = `/*! bcryptjs\n${licence.trimEnd()}\n*/\n`
  return `${notice}export const workerSource = ${JSON.stringify(outputFiles[0]?.text)}\n`
}

main()
