// Jest's environment while Stryker works: after the first failure a file is over; the run without mutants notes which
// mutants each test comes across, and with one only those tests run.
const { TestEnvironment } = require('jest-environment-node')

/**
 * Test file to the names of its tests to the mutants that they run, or beforeAll for them. Loading does not count.
 * @type {Map<string, Map<string, string[]>>}
 */
const covered = new Map()
/** The tests to run, of those of the file; undefined for all. @type {{ names?: Set<string> }} */
const selected = {}

class MutationEnvironment extends TestEnvironment {
  /** @param {any} config @param {any} context */
  constructor(config, context) {
    super(config, context)
    this.testPath = context.testPath
    this.failed = false
    /** @type {Record<string, number> | undefined} */
    this.loaded = undefined
    /** @type {Set<string>} */
    this.testNames = new Set()
  }

  /** @param {any} event @param {any} state */
  handleTestEvent(event, state) {
    if (event.name === 'run_start') {
      if (selected.names) skipOthers(state.rootDescribeBlock, selected.names)
      this.loaded = { ...this.coverage()?.static }
    }
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.failed = true
    if (event.name === 'test_start' && this.failed) event.test.mode = 'skip'
    if (event.name === 'test_done') this.testNames.add(fullName(event.test))
  }

  /** @override */
  async teardown() {
    const coverage = this.coverage()
    if (coverage) {
      const { static: outside, perTest } = coverage
      const prepared = Object.keys(outside).filter((id) => outside[id] > (this.loaded?.[id] ?? 0))
      const idsOf = (/** @type {string} */ name) => [...new Set([...prepared, ...Object.keys(perTest[name] ?? {})])]
      covered.set(this.testPath, new Map([...this.testNames].map((name) => [name, idsOf(name)])))
    }
    await super.teardown()
  }

  /** How often each mutant was run, outside of tests and in each of them. */
  coverage() {
    return /** @type {any} */ (this.global).__stryker__?.mutantCoverage
  }
}

/** @param {any} block @param {Set<string>} names */
function skipOthers(block, names) {
  for (const child of block.children) {
    if (child.type === 'describeBlock') skipOthers(child, names)
    else if (!names.has(fullName(child))) child.mode = 'skip'
  }
}

/** As Stryker names a test. @param {any} test */
function fullName(test) {
  const names = []
  for (let block = test; block.parent; block = block.parent) names.unshift(block.name)
  return names.join(' ')
}

module.exports = MutationEnvironment
module.exports.covered = covered
module.exports.selected = selected
