/** The package as users get it: packed, and installed from its tarball into folders that are empty. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import manifest from '../../package.json'

const root = join(__dirname, '..', '..')
const packed = [
  'src',
  'examples',
  '.scripts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
]

/** Every entry point that has code. */
export const entryPoints = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => manifest.name + path.slice(1))

/** The main job in one process: a token is issued, opens a guarded route, and a made-up one does not. */
export const mainJob = `
const server = createAuthorizationServer({
  issuer: 'http://127.0.0.1:3000',
  storage: memoryStorage(),
  scopes: { read: 'Read', clients: 'Manage apps' },
  grants: [clientCredentials(), password({ verify: bcryptPasswords({ findByUsername: () => undefined }) })],
})
const app = express()
app.use(oauthRouter(server, { protect: bearerGuard(server, { scope: 'clients' }) }))
app.get('/api', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.authInfo))
async function main() {
  const grantTypes = ['client_credentials', 'password']
  await registerClient(server, { clientId: 'app', clientSecret: 'a chosen secret', scopes: ['read'], grantTypes })
  const host = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => host.once('listening', resolve))
  const base = 'http://127.0.0.1:' + (host.address() as { port: number }).port
  const token = (body: string) => fetch(base + '/oauth2/token', {
    method: 'POST',
    headers: {
      authorization: 'Basic ' + Buffer.from('app:a chosen secret').toString('base64'),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body,
  })
  const issued = await (await token('grant_type=client_credentials')).json() as { access_token: string }
  const refused = await (await token('grant_type=password&username=nobody&password=wrong')).json() as { error: string }
  const call = async (bearer: string) => (await fetch(base + '/api', { headers: { authorization: 'Bearer ' + bearer } })).status
  const error = new OAuthError('invalid_scope', 'no')
  console.log([await call(issued.access_token), await call('made-up'), refused.error, error instanceof OAuthError].join())
  host.close()
}
void main()
`
const names =
  'bcryptPasswords, bearerGuard, clientCredentials, createAuthorizationServer, memoryStorage, OAuthError, oauthRouter, password, registerClient'
export const asModule = `import express from 'express'\nimport { ${names} } from 'express-authorization-server'\n`
export const asCommonJs = `const express = require('express')\nconst { ${names} } = require('express-authorization-server')\n`
export const withoutTypes = mainJob.replaceAll(/ as \{[^}]*\}/g, '').replaceAll(': string', '')

/** What `mainJob` prints. */
export const works = '200,401,invalid_grant,true'

export interface InstalledPackage {
  /** Where the projects of `host` are. */
  folder: string
  tarball(): string
  /** A project with these packages and files, and ours. */
  host(name: string, packages: string[], files: Record<string, string>, ours?: string[]): string
  /** What a program of the project prints on the runtime of this test. */
  run(project: string, ...args: string[]): string
}

/**
 * Packs it before the tests of the `describe` that calls this, and removes all afterwards. PACKED_TARBALL names one that is
 * packed already.
 */
export function installedPackage(): InstalledPackage {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'package-test-')))
  let tarball = process.env.PACKED_TARBALL ?? ''

  beforeAll(() => {
    if (tarball) return
    const source = join(folder, 'source')
    mkdirSync(source)
    for (const name of packed) cpSync(join(root, name), join(source, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'), 'junction')
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
      cwd: source,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) as string)
  }, 120_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function host(name: string, packages: string[], files: Record<string, string>, ours = [tarball]): string {
    const project = join(folder, name)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(project, file)), { recursive: true })
      writeFileSync(join(project, file), text)
    }
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--silent']
    execFileSync('npm', ['install', ...flags, ...ours, ...packages], {
      cwd: project,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return project
  }
  const allowed = process.versions.deno ? ['run', '--allow-all', '--quiet'] : []
  const run = (project: string, ...args: string[]) =>
    execFileSync(process.execPath, [...allowed, ...args], {
      cwd: project,
      // nothing but what it prints itself: no word of a request that was refused
      env: { ...process.env, NODE_ENV: 'production' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  return { folder, tarball: () => tarball, host, run }
}
