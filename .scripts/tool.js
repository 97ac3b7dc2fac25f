// `node .scripts/tool.js knip` runs a program of test/tools or test/mutation, which have packages of their own, in the
// project's folder.
const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { join, resolve } = require('node:path')

const root = resolve(__dirname, '..')

/** Which package brings a program. */
const packages = { attw: 'tools', knip: 'tools', publint: 'tools', stryker: 'mutation', typedoc: 'tools' }

/** The path of a program. Throws where its package is not installed. @param {string} name */
function toolPath(name) {
  const folder = packages[/** @type {keyof typeof packages} */ (name)]
  if (!folder) throw new Error(`${name} is none of the tools: ${Object.keys(packages).join(', ')}`)
  const path = join(root, 'test', folder, 'node_modules', '.bin', name)
  if (!existsSync(path))
    throw new Error(`${name} is not installed. Install it: npm ci --prefix test/${folder} --ignore-scripts`)
  return path
}

module.exports = { toolPath }

if (require.main === module) {
  const [name = '', ...args] = process.argv.slice(2)
  try {
    const { status } = spawnSync(toolPath(name), args, {
      cwd: root,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
    process.exitCode = status ?? 1
  } catch (error) {
    console.error(/** @type {Error} */ (error).message)
    process.exitCode = 1
  }
}
