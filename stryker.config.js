// Mutation testing: `npm run mutation`. Each mutant is one small change of src/ that a test has to notice.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
module.exports = {
  mutate: [
    'src/**/*.ts',
    // the drivers: storage/contract.ts proves them, on real servers
    '!src/storage/{postgres,redis,sqlite}*.ts',
    '!src/storage/{redis,contract}/**',
    '!src/storage/{contract,rows,sql}.ts',
    // words and looks
    '!src/pages/{english,german,spanish,style}.ts',
  ],
  plugins: ['@stryker-mutator/jest-runner', './.scripts/mutation/ignorer.js'],
  ignorers: ['words-of-errors'],
  testRunner: 'jest',
  jest: { configFile: 'jest.mutation.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  maxTestRunnerReuse: 150,
  timeoutMS: 60_000,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['.stryker-tmp*', 'dist', 'coverage', 'test/browser', 'test/bench'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  thresholds: { high: 95, low: 85, break: 85 },
}
