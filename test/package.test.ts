// The package as users get it: packed, installed from its tarball into empty folders, and run in every kind of host.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(__dirname, '..')
const packed = [
  'src',
  '.scripts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
]

/** The main job in one process: a token is issued, opens a guarded route, and a made-up one does not. */
const mainJob = `
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
const asModule = `import express from 'express'\nimport { ${names} } from 'express-authorization-server'\n`
const asCommonJs = `const express = require('express')\nconst { ${names} } = require('express-authorization-server')\n`
const withoutTypes = mainJob.replaceAll(/ as \{[^}]*\}/g, '').replaceAll(': string', '')

describe('the package, installed from its tarball', () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-test-'))
  let tarball: string

  beforeAll(() => {
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

  function host(name: string, packages: string[], files: Record<string, string>): string {
    const project = join(folder, name)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text)
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--silent']
    execFileSync('npm', ['install', ...flags, tarball, ...packages], {
      cwd: project,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return project
  }
  const run = (project: string, ...args: string[]) =>
    execFileSync(process.execPath, args, {
      cwd: project,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim()
  const works = '200,401,invalid_grant,true'

  it('runs as an ES module on Express 5, without a build', () => {
    const project = host('esm', ['express@5'], { 'app.mjs': asModule + withoutTypes })
    expect(run(project, 'app.mjs')).toBe(works)
  }, 120_000)

  it('runs as CommonJS on Express 4', () => {
    const project = host('cjs', ['express@4'], { 'app.cjs': asCommonJs + withoutTypes })
    expect(run(project, 'app.cjs')).toBe(works)
  }, 120_000)

  it.each([
    ['nodenext', '5', { module: 'nodenext' }],
    ['node16', '4', { module: 'node16' }],
    ['bundler', '5', { module: 'esnext', moduleResolution: 'bundler', noEmit: true }],
  ])(
    'compiles in a strict TypeScript host: %s, Express %s',
    (name, express, settings) => {
      const compilerOptions = { strict: true, target: 'es2022', types: ['node'], skipLibCheck: true, ...settings }
      const packages = [`express@${express}`, `@types/express@${express}`, '@types/node@20', 'typescript@5']
      const project = host(name, packages, {
        'app.mts': asModule + mainJob,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: ['app.mts'] }),
      })
      run(project, 'node_modules/typescript/bin/tsc')
      if (name !== 'bundler') expect(run(project, 'app.mjs')).toBe(works)
    },
    120_000,
  )

  it('brings in no database driver and no Passport of its own', () => {
    const project = host('size', ['express@5'], {})
    const installed = readdirSync(join(project, 'node_modules'))
    for (const driver of ['better-sqlite3', 'pg', 'redis', 'passport']) expect(installed).not.toContain(driver)
  }, 120_000)
})
