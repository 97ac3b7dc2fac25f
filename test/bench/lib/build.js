// Builds a tree of this project in a temporary folder, as it would be published, without touching that tree.
const { spawnSync } = require('node:child_process')
const {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join, resolve } = require('node:path')

const root = resolve(__dirname, '..', '..', '..')
const benchModules = resolve(__dirname, '..', 'node_modules')
const copied = [
  'src',
  'examples',
  '.scripts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'LICENSE',
  'README.md',
]

/**
 * The folder of the built package. Its Express is the one of the peers, so that no server measured has a copy of its own.
 *
 * @param {string} [source] the tree to build; left out: the one this file is in
 */
function buildPackage(source = root) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eas-bench-')))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const name of [...copied, 'CHANGELOG.md']) {
    if (existsSync(join(source, name))) cpSync(join(source, name), join(folder, name), { recursive: true })
  }
  const modules = existsSync(join(source, 'node_modules')) ? join(source, 'node_modules') : join(root, 'node_modules')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(modules)) {
    const from = name === 'express' ? benchModules : modules
    symlinkSync(realpathSync(join(from, name)), join(folder, 'node_modules', name))
  }
  const build = run(folder, ['.scripts/build.js'])
  if (build.status === 0) return folder
  // somebody may be in the middle of a change: types that do not agree yet change nothing about speed
  console.error(`${build.stdout}${build.stderr}\nThe build failed; measuring what the compiler made all the same.`)
  const tsc = ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json', '--noEmitOnError', 'false']
  run(folder, tsc)
  return folder
}

/** @param {string} cwd @param {string[]} args */
function run(cwd, args) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
}

module.exports = { buildPackage, root }
