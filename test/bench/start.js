// `npm run bench:start`: the time until an app listens, and the packages and megabytes of its production install, with us
// and without, and with each of the peers. The installs ask the npm registry.
const { execFileSync, spawn } = require('node:child_process')
const {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { describeMachine, requirePeers, versionOf } = require('./lib/machine')
const { table } = require('./lib/report')
const { median, shuffled } = require('./lib/statistics')

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } })
const rounds = Number(values.rounds)

const listen = `
const http = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(String(performance.now()))
  http.close()
  process.exit(0)
})`

const bareApp = `
const express = require('express')
const app = express()
app.use(express.urlencoded({ extended: false }))
app.get('/read', (req, res) => res.json({}))
${listen}`

const ourApp = `
const express = require('express')
const { bearerGuard, consentPage, createAuthorizationServer, memoryStorage, oauthRouter } = require('express-authorization-server')
const server = createAuthorizationServer({
  issuer: 'http://localhost:3000',
  storage: memoryStorage(),
  scopes: { read: 'See your data', clients: 'Manage apps' },
})
const app = express()
app.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: bearerGuard(server, { scope: 'clients' }) }))
app.get('/read', bearerGuard(server, { scope: 'read' }), (req, res) => res.json(req.user))
${listen}`

/** Each alone beside Express: what it needs for storage, guards or sign-in comes on top, where it brings none. */
const peers = ['@node-oauth/express-oauth-server', 'oauth2orize', '@jmondi/oauth2-server', 'oidc-provider']

/** @typedef {{ name: string, folder: string, app: string }} Project */

/** @param {string} parent @param {string} name @param {string} app @param {string[]} packages @returns {Project} */
function install(parent, name, app, packages) {
  const folder = join(parent, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const options = ['--omit=dev', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  execFileSync('npm', ['install', ...options, ...packages], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  writeFileSync(join(folder, 'app.js'), app)
  return { name, folder, app: join(folder, 'app.js') }
}

/** @param {string} folder @returns {number} bytes of the files in it */
function bytesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => lstatSync(join(folder, path)))
    .reduce((total, stat) => total + (stat.isFile() ? stat.size : 0), 0)
}

/** @param {Project} project */
function packagesIn({ folder }) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'))
  return Object.keys(packages).length
}

/** Bytes by package. @param {Project} project @returns {Map<string, number>} */
function sizes({ folder }) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'))
  return new Map(
    Object.keys(packages).map((path) => [path.replace(/^.*node_modules\//, ''), bytesIn(join(folder, path))]),
  )
}

/** @param {string} name @param {Project} bare @param {Project} project */
function addedRow(name, bare, project) {
  const bytes = bytesIn(join(project.folder, 'node_modules')) - bytesIn(join(bare.folder, 'node_modules'))
  return [name, String(packagesIn(project) - packagesIn(bare)), (bytes / 1e6).toFixed(2)]
}

/** From the start of the process until it listens, as the process and as its parent sees it. @param {Project} project @returns {Promise<{ own: number, all: number }>} */
function start({ app, folder }) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(process.execPath, [app], {
      cwd: folder,
      env: { ...process.env, NODE_ENV: 'production' },
    })
    let output = ''
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.once('close', (code) => {
      if (code !== 0 || output === '') reject(new Error(`${app} ended with ${code}:\n${errors}`))
      else resolve({ own: Number(output), all: performance.now() - started })
    })
  })
}

async function main() {
  requirePeers()
  const parent = mkdtempSync(join(tmpdir(), 'eas-bench-start-'))
  process.on('exit', () => rmSync(parent, { recursive: true, force: true }))
  const built = buildPackage()
  const packed = join(parent, 'package')
  mkdirSync(packed)
  for (const name of ['dist', 'examples', 'LICENSE', 'README.md', 'CHANGELOG.md'])
    cpSync(join(built, name), join(packed, name), { recursive: true })
  const { scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'))
  writeFileSync(join(packed, 'package.json'), JSON.stringify(manifest))
  const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', parent], {
    cwd: packed,
    encoding: 'utf8',
  }).trim()
  const express = `express@${versionOf('express')}`
  const projects = [
    install(parent, 'bare', bareApp, [express]),
    install(parent, 'ours', ourApp, [express, join(parent, tarball)]),
  ]
  /** @type {Map<Project, { own: number, all: number }[]>} */
  const times = new Map(projects.map((project) => [project, []]))
  for (const project of projects) await start(project)
  for (let round = 0; round < rounds; round++) {
    for (const project of shuffled(projects)) times.get(project)?.push(await start(project))
  }
  const rows = projects.map((project) => {
    const all = times.get(project) ?? []
    return [
      project.name === 'bare' ? 'bare Express app' : 'the same with oauthRouter, consentPage and bearerGuard',
      median(all.map(({ own }) => own)).toFixed(0),
      Math.min(...all.map(({ own }) => own)).toFixed(0),
      String(packagesIn(project)),
      (bytesIn(join(project.folder, 'node_modules')) / 1e6).toFixed(2),
    ]
  })
  const [bare, ours] = projects.map(sizes)
  const extra = [...(ours ?? [])].filter(([name]) => !bare?.has(name)).sort(([, left], [, right]) => right - left)
  console.log(
    `${describeMachine()}, ${express}. Time: from the start of Node until the app listens, median of ${rounds}.\n`,
  )
  console.log(table(['app', 'ms to ready', 'least', 'packages', 'MB'], rows))
  console.log(
    '\nWhat it adds, in kB of files:',
    extra.map(([name, bytes]) => `${name} ${(bytes / 1000).toFixed(0)}`).join(', '),
  )
  const [bareProject, ourProject] = /** @type {[Project, Project]} */ (projects)
  const installs = [
    addedRow('express-authorization-server', bareProject, ourProject),
    ...peers.map((peer, index) => {
      const named = `${peer}@${versionOf(peer)}`
      return addedRow(named, bareProject, install(parent, `peer-${index}`, bareApp, [express, named]))
    }),
  ]
  console.log(`\nWhat \`npm install --omit=dev\` adds to ${express}:\n`)
  console.log(table(['package', 'packages more', 'MB more'], installs))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
