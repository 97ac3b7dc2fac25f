// The package, installed from its tarball, runs on the runtime of this test: test/runtimes/jest.config.js.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { asCommonJs, asModule, entryPoints, installedPackage, withoutTypes, works } from '../support/installed'

describe('the package, installed from its tarball', () => {
  const { host, run } = installedPackage()

  it('runs as an ES module on Express 5, without a build', () => {
    const project = host('esm', ['express@5'], { 'app.mjs': asModule + withoutTypes })
    expect(run(project, 'app.mjs')).toBe(works)
  }, 120_000)

  it('runs as CommonJS on Express 4', () => {
    const project = host('cjs', ['express@4'], { 'app.cjs': asCommonJs + withoutTypes })
    expect(run(project, 'app.cjs')).toBe(works)
  }, 120_000)

  it('loads every entry point where no driver is installed, both ways', () => {
    const project = host('entries', ['express@5'], {
      'all.cjs': `for (const name of ${JSON.stringify(entryPoints)}) console.log(Object.keys(require(name)).length > 0)`,
      'all.mjs': `for (const name of ${JSON.stringify(entryPoints)}) console.log(Object.keys(await import(name)).length > 0)`,
    })
    const installed = readdirSync(join(project, 'node_modules'))
    for (const driver of ['better-sqlite3', 'mysql2', 'pg', 'redis', 'passport'])
      expect(installed).not.toContain(driver)
    for (const file of ['all.cjs', 'all.mjs']) {
      expect(run(project, file).split('\n')).toEqual(entryPoints.map(() => 'true'))
    }
  }, 120_000)
})
