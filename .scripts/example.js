// `npm run example -- qorus` runs examples/qorus.ts, as `tsx examples/qorus.ts` would.
const { readdirSync } = require('node:fs')
const { basename, join, resolve } = require('node:path')
const { runMain } = require('node:module')

const folder = resolve(__dirname, '..', 'examples')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
const name = process.argv[2] ?? ''

if (names.includes(name)) {
  process.argv.splice(1, 2, join(folder, `${name}.ts`))
  require('tsx/cjs/api').register()
  runMain()
} else {
  console.error(`Usage: npm run example -- NAME, where NAME is one of: ${names.join(', ')}`)
  process.exitCode = 1
}
