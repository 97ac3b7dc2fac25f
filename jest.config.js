/** Packages that are ES modules only: Jest runs CommonJS, so they are transformed, too. */
const esModules = ['oauth4webapi', 'openid-client', 'jose']

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/browser/',
    '<rootDir>/test/bench/',
    '<rootDir>/test/peers/',
    '<rootDir>/test/pools/',
  ],
  modulePathIgnorePatterns: ['<rootDir>/test/bench/', '<rootDir>/test/pools/'],
  // better-sqlite3, where it was installed: test/peers/package.json
  modulePaths: ['<rootDir>/test/peers/node_modules'],
  moduleNameMapper: {
    '^express-authorization-server$': '<rootDir>/src/index.ts',
    '^express-authorization-server/openid$': '<rootDir>/src/openid/index.ts',
    '^express-authorization-server/developer$': '<rootDir>/src/developer/index.ts',
    '^express-authorization-server/admin$': '<rootDir>/src/admin/index.ts',
    '^express-authorization-server/personal-tokens$': '<rootDir>/src/personal-tokens/index.ts',
    '^express-authorization-server/storage-contract$': '<rootDir>/src/storage/contract.ts',
    '^express-authorization-server/([a-z-]+)$': '<rootDir>/src/storage/$1/$1.ts',
  },
  transform: {
    '\\.[cm]?[jt]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' }, swcrc: false },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`],
  collectCoverageFrom: ['src/**/*.{ts,js}'],
  coverageProvider: 'v8',
  maxWorkers: '100%',
  // a hang is a failure, a busy machine is not: timings are no business of the tests
  testTimeout: 120_000,
}
