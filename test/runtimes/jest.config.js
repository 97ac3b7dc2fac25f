// What runs on every other runtime as well: each supported line of Node, Bun and Deno. `.ci/run` brings them from the npm
// registry; by hand, after `npm run build`:
//
//     /path/to/another/node node_modules/jest/bin/jest.js --config test/runtimes/jest.config.js
//     bun node_modules/jest/bin/jest.js --config test/runtimes/jest.config.js
//     deno run --allow-all --no-lock node_modules/jest/bin/jest.js --config test/runtimes/jest.config.js
const config = require('../../jest.config.js')

const { bun, deno } = process.versions
const isNode = !bun && !deno

const protocol = [
  'authorization/{approve,consent-page,pushed-authorization,request-object,response-mode}',
  'device/verification',
  'grants/{authorization-code,client-credentials,password,refresh-token}',
  'guard/{challenge,guard,require-detail,step-up}',
  'jwt/clocks',
  'openid/{id-token,request,userinfo}',
  'routers/{authorize,introspect,metadata,protected-resource,register,revoke,token}',
  'rules/{params,redirect-uri,resource,scope}',
  'sender-constraints/{binding,nonce}',
]
/** What the drivers do is Node's own: sockets, BigInt, dates. */
const storage = isNode ? ['{memory,failure,mysql,node-sqlite,postgres,redis}'] : ['{memory,node-sqlite}']

/** @type {import('jest').Config} */
module.exports = {
  ...config,
  rootDir: '../..',
  testMatch: [...protocol, ...storage.map((name) => `storage/${name}`), 'runtimes/package'].map(
    (name) => `<rootDir>/test/${name}.test.ts`,
  ),
  moduleNameMapper: {
    ...config.moduleNameMapper,
    // in a context of its own Bun gives strings where depd reads the stack of its caller
    ...(bun && { '^depd$': '<rootDir>/test/runtimes/depd.js' }),
  },
}
