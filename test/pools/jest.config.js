const config = require('../../jest.config.js')

/** Packages that are ES modules only, beside those of the project. */
const esModules = ['kysely']

/** The tests of this package: `npm run test:pools`. @type {import('jest').Config} */
module.exports = {
  ...config,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/pools/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  modulePathIgnorePatterns: ['<rootDir>/test/bench/'],
  transformIgnorePatterns: config.transformIgnorePatterns?.map((pattern) =>
    pattern.replace('(?!(', `(?!(${esModules}|`),
  ),
  maxWorkers: 1,
}
