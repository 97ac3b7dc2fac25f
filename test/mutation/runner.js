// Jest's runner while Stryker works: of the tests that come across the mutant it runs file after file, and stops at the
// first that fails. By itself Jest would load every test file for every mutant. MUTATION_SECONDS ends the search after so
// many seconds, the most promising files first: what survives then may still be noticed by the others.
const { readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { basename, join } = require('node:path')
const { default: TestRunner } = require('jest-runner')
const { covered, selected } = require('./environment')

/** Mutant to test files to the names of the tests that come across it. @type {Map<string, Map<string, string[]>> | undefined} */
let coverage
/** Milliseconds that a test file took without mutants. @type {Record<string, number>} */
let durations = {}
/** The mutants of each source file. @type {Map<string, string[]> | undefined} */
let neighbours
/** Milliseconds that the tests may take to notice a mutant. */
const patience = 1000 * Number(process.env.MUTATION_SECONDS ?? Number.POSITIVE_INFINITY)
/** How many of the last mutants a test file killed: neighbours are often killed by the same one. @type {Map<string, Map<string, number>>} */
const killsOf = new Map()

class MutationRunner extends TestRunner {
  /** @param {any} globalConfig @param {any} context */
  constructor(globalConfig, context) {
    // Stryker's pattern of thousands of names takes seconds to match: the environment skips the others
    super({ ...globalConfig, testNamePattern: undefined }, context)
    this.folder = globalConfig.rootDir
    this.failed = false
    this.on('test-file-success', ([{ path }, result]) => {
      durations[path] ??= result.perfStats.runtime
      if (result.numFailingTests > 0 || result.testExecError) this.failed = true
    })
    this.on('test-file-failure', () => {
      this.failed = true
    })
  }

  /** @override @type {TestRunner['runTests']} */
  async runTests(tests, watcher, options) {
    const file = join(this.folder, '.mutants-of-tests.json')
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__
    if (mutant === undefined) {
      await super.runTests(tests, watcher, options)
      const ofFiles = [...covered].map(([path, ofTests]) => [path, [...ofTests]])
      writeFileSync(file, JSON.stringify({ ofFiles, durations }))
      return
    }
    coverage ??= readCoverage(file)
    neighbours ??= mutantsOfFiles(join(this.folder, 'src'))
    const [source = '', ids = []] = [...neighbours].find(([, ids]) => ids.includes(mutant)) ?? []
    const namesOf = testsOf(mutant, ids, coverage)
    const kills = killsOf.get(source) ?? new Map()
    killsOf.set(source, kills)
    const breadth = breadthOf(source, ids, coverage)
    const worth = (/** @type {string} */ path) => {
      const isItsOwn = basename(path).startsWith(basename(source, '.ts'))
      // who comes across much of a file is about it, and not only on the way through. 300: what it costs to load any file
      const likely = (kills.get(path) ?? 0) + (isItsOwn ? 1 : 0) + (breadth.get(path) ?? 0) ** 4 + 0.01
      return likely / (300 + (durations[path] ?? 0))
    }
    const started = Date.now()
    const concerned = tests.filter(({ path }) => namesOf.has(path))
    for (const test of concerned.sort((one, other) => worth(other.path) - worth(one.path))) {
      if (Date.now() - started > patience) return
      selected.names = new Set(namesOf.get(test.path))
      await super.runTests([test], watcher, { ...options, serial: true })
      if (!this.failed) continue
      for (const [path, count] of kills) kills.set(path, count * 0.8)
      kills.set(test.path, (kills.get(test.path) ?? 0) + 1)
      return
    }
  }
}

/**
 * The tests by their files: those that come across the mutant, and where none does, because it is in a constant of its
 * module, those that come across another one of its file.
 * @param {string} mutant
 * @param {string[]} neighbours
 * @param {Map<string, Map<string, string[]>>} coverage
 */
function testsOf(mutant, neighbours, coverage) {
  const direct = coverage.get(mutant)
  if (direct) return direct
  /** @type {Map<string, string[]>} */
  const all = new Map()
  for (const id of neighbours) {
    for (const [path, names] of coverage.get(id) ?? [])
      all.set(path, [...new Set([...(all.get(path) ?? []), ...names])])
  }
  return all
}

/** @type {Map<string, Map<string, number>>} */
const breadths = new Map()

/**
 * Which part of the mutants of a source file the tests of each file come across.
 * @param {string} source
 * @param {string[]} ids
 * @param {Map<string, Map<string, string[]>>} coverage
 */
function breadthOf(source, ids, coverage) {
  const known = breadths.get(source)
  if (known) return known
  /** @type {Map<string, number>} */
  const breadth = new Map()
  for (const id of ids) {
    for (const path of coverage.get(id)?.keys() ?? []) breadth.set(path, (breadth.get(path) ?? 0) + 1 / ids.length)
  }
  breadths.set(source, breadth)
  return breadth
}

/** @param {string} file */
function readCoverage(file) {
  /** @type {{ ofFiles: [string, [string, string[]][]][], durations: Record<string, number> }} */
  const found = JSON.parse(readFileSync(file, 'utf8'))
  durations = found.durations
  /** @type {Map<string, Map<string, string[]>>} */
  const byMutant = new Map()
  for (const [path, ofTests] of found.ofFiles) {
    for (const [name, ids] of ofTests) {
      for (const id of ids) {
        const files = byMutant.get(id) ?? new Map()
        if (!files.has(path)) files.set(path, [])
        files.get(path).push(name)
        byMutant.set(id, files)
      }
    }
  }
  return byMutant
}

/** @param {string} folder */
function mutantsOfFiles(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const idsIn = (/** @type {string} */ source) =>
    [...source.matchAll(/stryMutAct_\w+\("(\d+)"\)/g)].map((match) => String(match[1]))
  return new Map(files.map((name) => [name, idsIn(readFileSync(join(folder, name), 'utf8'))]))
}

module.exports = MutationRunner
