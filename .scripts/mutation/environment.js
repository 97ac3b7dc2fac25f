// Jest's environment while Stryker works: after the first failure a file is over; the run without mutants notes which
// mutants each test comes across, and with one only those tests run.
const { TestEnvironment } = require('jest-environment-node')

/** Test file to the names of its tests to the mutants that they run. Loading and beforeAll do not count. @type {Map<string, Map<string, string[]>>} */
const covered = new Map()
/** The tests to run, of those of the file; undefined for all. @type {{ names?: Set<string> }} */
const selected = {}

class MutationEnvironment extends TestEnvironment {
  /** @param {any} config @param {any} context */
  constructor(config, context) {
    super(config, context)
    this.testPath = context.testPath
    this.failed = false
    /** @type {Set<string>} */
    this.testNames = new Set()
  }

  /** @param {any} event @param {any} state */
  handleTestEvent(event, state) {
    if (event.name === 'run_start' && selected.names) skipOthers(state.rootDescribeBlock, selected.names)
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.failed = true
    if (event.name === 'test_start' && this.failed) event.test.mode = 'skip'
    if (event.name === 'test_done') this.testNames.add(fullName(event.test))
  }

  /** @override */
  async teardown() {
    const { perTest } = /** @type {any} */ (this.global).__stryker__?.mutantCoverage ?? {}
    if (perTest) {
      const names = [...this.testNames]
      covered.set(this.testPath, new Map(names.map((name) => [name, Object.keys(perTest[name] ?? {})])))
    }
    await super.teardown()
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
