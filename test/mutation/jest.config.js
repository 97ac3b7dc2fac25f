const { resolve } = require('node:path')
const config = require('../../jest.config.js')

// The tests that decide about a mutant: `npm run mutation`. Those left out start other processes, other databases or
// browsers, read the sources as text, or take minutes: what they cover, the others cover, too.
/** @type {import('jest').Config} */
module.exports = {
  ...config,
  rootDir: '../..',
  testPathIgnorePatterns: [
    ...(config.testPathIgnorePatterns ?? []),
    '<rootDir>/test/(interoperability|examples|systems)/',
    '<rootDir>/test/storage/(?!contract|memory)',
    '<rootDir>/test/(architecture|hops|package|readme)\\.test\\.ts',
    '<rootDir>/test/attacks/(19-timing|30-slow-parsing|35-slow-and-broken-requests|43-every-bound|51-restart|fuzz|hostile-storage)\\.test\\.ts',
    '<rootDir>/test/passwords/bcrypt-workers\\.test\\.ts',
  ],
  runner: resolve(__dirname, 'runner.js'),
  testEnvironment: resolve(__dirname, 'environment.js'),
  // a mutant that never answers is a failure after this time
  testTimeout: 15_000,
}
