// `npm run example -- qorus` runs examples/old-apis/qorus.ts, as `tsx examples/old-apis/qorus.ts` would.
const { readdirSync } = require('node:fs')
const { basename, join, resolve } = require('node:path')
const { runMain } = require('node:module')

const root = resolve(__dirname, '..', 'examples')
/** The file of each example, by its name. Those below `shared` are their parts. */
const files = new Map(
  readdirSync(root)
    .filter((folder) => folder !== 'shared' && !folder.includes('.'))
    .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(root, folder, file)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [basename(file, '.ts'), file]),
)
const file = files.get(process.argv[2] ?? '')

if (file !== undefined) {
  process.argv.splice(1, 2, file)
  require('tsx/cjs/api').register()
  runMain()
} else {
  console.error(`Usage: npm run example -- NAME, where NAME is one of: ${[...files.keys()].join(', ')}`)
  process.exitCode = 1
}
