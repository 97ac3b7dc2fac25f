// Mutation testing: `npm run mutation`. Each mutant is one small change of src/ that a test has to notice.
//
// Those that survive in rules/, http/, grants/ and guard.ts make no difference that anybody could see. They are
// - a default for what is missing, in the place of another value that means nothing either: `?? ''`, `?? []`, `?? 'query'`,
//   and the catch whose block is gone, which answers undefined in both forms;
// - `...(x !== undefined && { x })`: a member that is undefined is left out by JSON and by every store;
// - `typeof x === 'string'` and `found?.` where only the compiler asks, and the names of states that are only compared
//   with one another ('used', 'current');
// - a flag or a branch that saves work: a warning is given once with it and without it, a middleware made anew does the same;
// - a check in front of another that refuses the same in other words, and a name of an encoding that is the default anyway;
// - an anchor of a pattern that begins at the beginning anyway, or where what stands behind compares the whole text.
module.exports = {
  mutate: [
    'src/**/*.ts',
    // the drivers: storage/contract.ts proves them, on real servers
    '!src/storage/{contract,mysql,postgres,redis,sql,sqlite}/**',
    '!src/storage/contract.ts',
    // words and looks. Worker threads are files of JavaScript: no mutant could be switched on in them
    '!src/pages/{english,german,spanish,style}.ts',
  ],
  plugins: ['@stryker-mutator/jest-runner', './test/mutation/ignorer.js', './test/mutation/reporter.js'],
  ignorers: ['words-of-errors'],
  testRunner: 'jest',
  jest: { configFile: 'test/mutation/jest.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // each mutant leaves megabytes behind
  maxTestRunnerReuse: 60,
  // tests that hang fail by themselves; what takes longer is a loop without an end, and each of those costs a worker this long
  timeoutMS: 60_000,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['.stryker-tmp*', 'dist', 'coverage', 'test/browser', 'test/bench', 'test/peers', 'test/pools'],
  reporters: ['clear-text', 'json', 'lines', 'progress-append-only'],
  thresholds: { high: 95, low: 85, break: 85 },
}
