// What a fresh clone installs: each package has its reason in CONTRIBUTING, and none has to be compiled.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json'

const root = join(__dirname, '..')
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
const page = readFileSync(join(root, '.github/CONTRIBUTING.md'), 'utf8')
const [, section = ''] = /\n## What is installed, and why\n([\s\S]*?)\n## /.exec(page) ?? []
const rowsOf = (header: string) =>
  (section.split(`| ${header} |`)[1]?.split('\n\n')[0] ?? '').split('\n').flatMap((line) => {
    const [, first = ''] = /^\| (`.+?) \|/.exec(line) ?? []
    return [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  })
const packages: Record<
  string,
  { version?: string; hasInstallScript?: boolean; engines?: { node?: string } | string[] }
> = lock.packages as never

it('every dependency has a reason in CONTRIBUTING, and no other', () => {
  const { dependencies, devDependencies } = manifest
  expect(rowsOf('dependency | why').sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort())
})

it('every package of its own is named there, and has its lock', () => {
  const folders = rowsOf('package | what is in it')
  expect(folders.length).toBeGreaterThan(3)
  for (const folder of folders) {
    const { dependencies } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    expect(existsSync(join(root, folder, 'package-lock.json'))).toBe(true)
    const locked = JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8'))
    expect(locked.packages[''].dependencies).toEqual(dependencies)
  }
})

it('the lock is that of package.json', () => {
  const { dependencies, devDependencies, engines } = manifest
  expect(lock.packages['']).toMatchObject({ dependencies, devDependencies, engines })
})

it('no package of a fresh clone runs a script of its own: nothing is compiled', () => {
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript)
  const allowed: Record<string, boolean> = manifest.allowScripts
  for (const [path] of withScript) expect([path, allowed[path.replace(/^.*node_modules\//, '')]]).toEqual([path, false])
  expect(Object.keys(packages).filter((path) => /better-sqlite3|node-gyp|prebuild-install/.test(path))).toEqual([
    'node_modules/@types/better-sqlite3',
  ])
})

it('no package of a fresh clone wants a newer Node than 20.19, of which npm would warn', () => {
  const newer = Object.entries(packages).filter(([path, { engines }]) => {
    if (path === '' || engines === undefined || Array.isArray(engines) || engines.node === undefined) return false
    return !engines.node.split('||').some((range) => admits(range.trim()))
  })
  expect(newer.map(([path, { engines }]) => [path, engines])).toEqual([])
})

/** Whether one range of `engines` admits 20.19.0: those that packages write. */
function admits(range: string): boolean {
  const [, operator, major = '', minor = '0'] = /^(>=|\^|~|=|>)?\s*v?(\d+)(?:\.(\d+|x))?/.exec(range) ?? []
  if (range === '*' || range === '') return true
  const at = Number(major) - 20 || Number(minor === 'x' ? 0 : minor) - 19
  if (operator === '>=' || operator === '>') return at <= 0
  return Number(major) === 20 && at <= 0
}
