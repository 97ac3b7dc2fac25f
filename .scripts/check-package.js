// Packs the package as npm would publish it and checks the tarball: its files, its entry points (publint), its types
// under every module resolution (are-the-types-wrong), that its declarations compile with no other packages than those
// that package.json names, and that `import` and `require` load the same values.
const { execFileSync } = require('node:child_process')
const {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const { builtinModules } = require('node:module')
const { tmpdir } = require('node:os')
const { dirname, join, relative, resolve } = require('node:path')
const ts = require('typescript')
const { toolPath } = require('./tool')

const root = resolve(__dirname, '..')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'check-package-')))

/** @param {string} command @param {string[]} args */
const run = (command, args, cwd = root) =>
  execFileSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' })

/** @type {string[]} */
const problems = []

/** @param {string} what @param {() => void} check */
function attempt(what, check) {
  try {
    check()
  } catch (error) {
    problems.push(`${what}: ${error instanceof Error ? error.message : error}`)
  }
}

/** The declarations name only packages that whoever installs this one has, too. @param {string} installed */
function checkDeclaredTypes(installed, /** @type {Record<string, object>} */ manifest) {
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, node: '' }))
  for (const file of readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.d\.m?ts$/.test(file)) continue
    const found = ts.preProcessFile(readFileSync(join(installed, 'dist', file), 'utf8'))
    for (const { fileName } of [...found.importedFiles, ...found.typeReferenceDirectives]) {
      if (/^(\.|node:)/.test(fileName) || builtinModules.includes(fileName)) continue
      const name = fileName.split('/', fileName.startsWith('@') ? 2 : 1).join('/')
      if (!declared.has(name)) problems.push(`types: dist/${file} needs ${name}, which package.json does not name`)
    }
  }
}

/** Every entry point compiles without `skipLibCheck`, and loads both ways as the same values. */
function checkProject(
  /** @type {string} */ project,
  /** @type {string} */ installed,
  /** @type {{ name: string, exports: Record<string, unknown> }} */ manifest,
) {
  const entries = Object.keys(manifest.exports).filter((path) => path !== './package.json')
  const names = entries.map((path) => manifest.name + path.slice(1))
  const imports = names.map((name, i) => `import * as m${i} from '${name}'\nexport { m${i} }\n`).join('')
  for (const [extension, settings] of /** @type {[string, ts.CompilerOptions][]} */ ([
    ['cts', { module: ts.ModuleKind.Node16 }],
    ['mts', { module: ts.ModuleKind.NodeNext }],
    ['ts', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
  ])) {
    const file = join(project, `index.${extension}`)
    writeFileSync(file, imports)
    const options = { ...settings, target: ts.ScriptTarget.ES2022, strict: true, types: ['node'], noEmit: true }
    const program = ts.createProgram([file], options)
    for (const { file: source, messageText } of ts.getPreEmitDiagnostics(program)) {
      if (source && source.fileName !== file && !source.fileName.startsWith(installed)) continue
      const where = source ? relative(project, source.fileName) : 'project'
      problems.push(`types (.${extension}): ${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
    }
  }
  writeFileSync(
    join(project, 'index.mjs'),
    `import { createRequire } from 'node:module'
    const require = createRequire(import.meta.url)
    for (const name of ${JSON.stringify(names)}) {
      const [imported, required] = [await import(name), require(name)]
      for (const key of Object.keys(required)) {
        if (imported[key] !== required[key]) throw new Error(name + ' differs between import and require: ' + key)
      }
    }`,
  )
  attempt('import and require', () => run(process.execPath, [join(project, 'index.mjs')]))
}

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder])
  const tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? 'no tarball')
  run('tar', ['-xzf', tarball], folder)

  attempt('publint', () => run(toolPath('publint'), ['run', tarball, '--strict']))
  attempt('are-the-types-wrong', () => run(toolPath('attw'), [tarball]))

  const manifest = JSON.parse(readFileSync(join(folder, 'package', 'package.json'), 'utf8'))
  const top = readdirSync(join(folder, 'package')).sort()
  const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'examples', 'package.json']
  if (top.join() !== expected.join()) problems.push(`files: packed ${top.join(', ')}; expected ${expected.join(', ')}`)

  // A project that has installed the package, with the packages of this repository one folder further up
  const installed = join(folder, 'project', 'node_modules', manifest.name)
  mkdirSync(dirname(installed), { recursive: true })
  renameSync(join(folder, 'package'), installed)
  writeFileSync(join(folder, 'project', 'package.json'), '{}')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  checkDeclaredTypes(installed, manifest)
  checkProject(join(folder, 'project'), installed, manifest)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
