// The package as users get it: packed, installed from its tarball into empty folders, and run in every kind of host.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import ts from 'typescript'
import manifest from '../package.json'
import { demoTokens } from './interoperability/quickstart'
import { asModule, entryPoints, installedPackage, mainJob, works } from './support/installed'

const root = join(__dirname, '..')

/** Signs in with chosen secrets, right and wrong, of a client and of a user: all of them are looked at by bcrypt workers. */
const signInJob = `
const server = createAuthorizationServer({
  issuer: 'http://127.0.0.1:3000', storage: memoryStorage(), scopes: ['read'],
  grants: [password({ verify: bcryptPasswords({ findByUsername: (name) => users.find((user) => user.id === name) }) })],
})
const users = [{ id: 'ana', passwordHash: '${hashSync('correct horse', 4)}' }]
const app = express().use('/token', tokenRouter(server))
async function main() {
  await registerClient(server, { clientId: 'app', clientSecret: 'a chosen secret', scopes: ['read'], grantTypes: ['password'] })
  const host = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => host.once('listening', resolve))
  const signIn = async (clientSecret, word) => (await fetch('http://127.0.0.1:' + host.address().port + '/token', {
    method: 'POST',
    headers: { authorization: 'Basic ' + Buffer.from('app:' + clientSecret).toString('base64') },
    body: new URLSearchParams({ grant_type: 'password', username: 'ana', password: word }),
  })).status
  console.log([
    await signIn('a chosen secret', 'correct horse'),
    await signIn('a chosen secret', 'wrong horse'),
    await signIn('a wrong secret', 'correct horse'),
  ].join())
  host.close()
}
if (process.argv[2] === 'quickstart') void starter.start(example.createApp)
else void main()
`
const signInNames = 'bcryptPasswords, createAuthorizationServer, memoryStorage, password, registerClient, tokenRouter'

/** A name that is written wrong in the call does not compile, and a plain list of records, whose names are any strings, does. */
const misspeltGrants = `
import { type AuthorizationServer, ensureClient, registerClient, updateClient } from 'express-authorization-server'
declare const server: AuthorizationServer
const records = [{ clientId: 'app', grantTypes: ['authorization_code', 'urn:example:device'] }, { clientId: 'api' }]
for (const record of records) void ensureClient(server, record)
void registerClient(server, { grantTypes: ['authorization_code', 'urn:example:device', 'one-time-password'] })
// @ts-expect-error
void registerClient(server, { grantTypes: ['authorizationCode'] })
// @ts-expect-error
void updateClient(server, 'app', { grantTypes: ['refresh_token', 'client-credentials'] })
// @ts-expect-error
void ensureClient(server, { clientId: 'app', grantTypes: ['Refresh_Token'] })
`

/** examples/your-app/quickstart.ts with what it imports, in JavaScript. */
function quickstart(): Record<string, string> {
  const shared = readdirSync(join(root, 'examples/shared')).map((name) => `shared/${name}`)
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true }
  return Object.fromEntries(
    ['your-app/quickstart.ts', ...shared].map((name) => {
      const source = readFileSync(join(root, 'examples', name), 'utf8')
      return [name.replace('.ts', '.js'), ts.transpileModule(source, { compilerOptions }).outputText]
    }),
  )
}

/** What the quickstart loads where a host has named that database. */
const drivers = ['pg', 'mysql2', 'mysql2/promise', 'redis']

/** As hosts bundle a server: with everything in it. */
const bundlers: Record<string, { packages: string[]; bundle: (entry: string, folder: string) => string }> = {
  esbuild: {
    packages: ['esbuild@0.28'],
    bundle: (entry, folder) => `
    require('esbuild').buildSync({
      entryPoints: ['${entry}'], bundle: true, minify: true, platform: 'node', outfile: '${folder}/app.js', logLevel: 'error',
      external: ${JSON.stringify(drivers)},
    })`,
  },
  webpack: {
    packages: ['webpack@5'],
    bundle: (entry, folder) => `
    require('webpack')({
      entry: './${entry}', target: 'node', mode: 'production', output: { path: '${folder}', filename: 'app.js' },
      externals: ${JSON.stringify(drivers)}.map((name) => ({ [name]: 'commonjs ' + name })),
    }, (error, result) => {
      const errors = error ? [error] : result.toJson().errors
      if (errors.length > 0) throw new Error(JSON.stringify(errors))
    })`,
  },
  ncc: {
    packages: ['@vercel/ncc@0.45'],
    bundle: (entry, folder) => `
    require('@vercel/ncc')(require('node:path').resolve('${entry}'), {
      minify: true, quiet: true, cache: false, externals: ${JSON.stringify(drivers)},
    }).then(({ code }) => {
      // the file alone: what it would need beside it is missing there. Of an ES module ncc makes an ES module
      const { writeFileSync } = require('node:fs')
      writeFileSync('${folder}/app.js', code)
      writeFileSync('${folder}/package.json', '{ "type": "module" }')
    })`,
  },
}

const everyEntryPoint = entryPoints.map((name, n) => `export * as entry${n} from '${name}'\n`).join('')

/** The same job as a test of the host, in each way in which Jest loads a package. */
const asTest = (load: string) => `${load}
test('a guarded route', async () => {
  const server = createAuthorizationServer({
    issuer: 'http://127.0.0.1:3000', storage: memoryStorage(), scopes: ['read'], grants: [clientCredentials()],
  })
  const app = express().get('/api', bearerGuard(server), (req, res) => void res.json({}))
  const host = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => host.once('listening', resolve))
  const { status } = await fetch('http://127.0.0.1:' + host.address().port + '/api')
  await new Promise((resolve) => host.close(resolve))
  expect(status).toBe(401)
  expect(new OAuthError('invalid_scope', 'no')).toBeInstanceOf(Error)
})
`

describe('the package, installed from its tarball', () => {
  const { folder, tarball, host, run } = installedPackage()

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

  it.each([
    ['5.4', '20', 'node16'],
    ['5.9', '25', 'nodenext'],
    ['6', '24', 'nodenext'],
    ['7', '26', 'nodenext'],
  ])(
    'has declarations that TypeScript %s with @types/node %s compiles, skipLibCheck off',
    (typescript, node, module) => {
      const compilerOptions = { strict: true, target: 'es2022', types: ['node'], module, noEmit: true }
      const packages = ['express@5', '@types/express@5', `@types/node@${node}`, `typescript@${typescript}`]
      const project = host(`types-${typescript}`, packages, {
        'app.mts': asModule + mainJob,
        // without a type of keys, this would compile where nobody looks into declarations
        'keys.mts': `import { jwt } from 'express-authorization-server'\n// @ts-expect-error\njwt({ keys: 42, audience: 'x' })`,
        'grants.mts': misspeltGrants,
        // CommonJS, with the declarations of `require`, and every entry point both ways
        'app.cts': asModule + mainJob,
        ...Object.fromEntries(['entries.mts', 'entries.cts'].map((file) => [file, everyEntryPoint])),
        'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }),
      })
      run(project, 'node_modules/typescript/bin/tsc')
    },
    180_000,
  )

  it('packs what is built, and the texts, and nothing else', () => {
    const files = execFileSync('tar', ['-tzf', tarball()], { encoding: 'utf8' }).trim().split('\n')
    const expected = ['package/package.json', 'package/README.md', 'package/LICENSE', 'package/CHANGELOG.md']
    expect(
      files
        .filter(
          (file) => !/^package\/(?:dist\/.+\.(?:js|mjs|d\.ts|d\.mts)|examples\/.+\.(?:md|ts|mjs|svg|png))$/.test(file),
        )
        .sort(),
    ).toEqual(expected.sort())
    expect(files.filter((file) => /dist\/passwords\/.*\.js$/.test(file))).toEqual([])
    expect(files.filter((file) => /dist\/shared\/.*\.js$/.test(file)).length).toBeLessThan(30)
  })

  it('packs every file that its pages link', () => {
    const files = new Set(execFileSync('tar', ['-tzf', tarball()], { encoding: 'utf8' }).trim().split('\n'))
    const pages = [...files].filter((file) => file.endsWith('.md'))
    expect(pages).toEqual(expect.arrayContaining(['package/README.md', 'package/examples/mcp/README.md']))
    for (const page of pages) {
      const prose = readFileSync(join(root, page.replace('package/', '')), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
      for (const [, link, image] of prose.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)) {
        const target = join(page, '..', (link ?? image) as string)
        expect([page, target, files.has(target)]).toEqual([page, target, true])
      }
    }
  })

  it('starts its command where no driver is installed, and says which one is needed', () => {
    const project = host('command', ['express@5'], {})
    const command = join(project, 'node_modules/.bin/express-authorization-server')
    const start = (args: string[], env: Record<string, string> = {}) =>
      spawnSync(command, args, { cwd: project, encoding: 'utf8', env: { ...process.env, ...env } })
    expect(start(['--version']).stdout.trim()).toBe(manifest.version)
    expect(start(['clients', '--help']).stdout).toContain('clients add --id shop')
    expect(JSON.parse(start(['keys', 'make']).stdout)).toMatchObject({ current: { kty: 'EC', alg: 'ES256' } })
    expect(start(['schema', 'postgres']).stdout).toContain('CREATE TABLE IF NOT EXISTS oauth_clients')
    const { status, stderr } = start(['migrate'], { DATABASE_URL: 'postgres://ada:secret@127.0.0.1/oauth' })
    expect([status, stderr]).toEqual([
      1,
      'express-authorization-server: PostgreSQL needs the package pg, which is not installed: npm install pg\n',
    ])
  }, 120_000)

  it('adds at most 25 packages, 2.6 MB of code and 0.8 MB of guides to an Express app', () => {
    const [ours, bare] = [host('size', ['express@5'], {}), host('bare', ['express@5'], {}, [])].map(installedIn)
    expect((ours?.packages ?? 0) - (bare?.packages ?? 0)).toBeLessThanOrEqual(25)
    expect((ours?.bytes ?? 0) - (bare?.bytes ?? 0)).toBeLessThanOrEqual(2_600_000)
    expect(ours?.guides).toBeLessThanOrEqual(800_000)
  }, 120_000)

  it.each(Object.entries(bundlers))(
    'signs in from a bundle in an empty folder, made by %s, and so does the quickstart in it',
    async (bundler, { packages: its, bundle }) => {
      const packages = [
        'express@5',
        'express-session@1',
        'passport@0.7',
        'passport-local@1',
        'bcryptjs@3',
        'openid-client@6',
        ...its,
      ]
      const project = host(bundler, packages, {
        ...quickstart(),
        'app.mjs': `import express from 'express'\nimport { ${signInNames} } from 'express-authorization-server'
import example from './your-app/quickstart.js'\nimport starter from './shared/start.js'\n${signInJob}`,
      })
      const elsewhere = join(folder, `${bundler}-alone`)
      mkdirSync(elsewhere)
      run(project, '-e', bundle('app.mjs', elsewhere))
      rmSync(project, { recursive: true })
      expect(run(elsewhere, 'app.js')).toBe('200,400,401')

      const running = spawn(process.execPath, ['app.js', 'quickstart'], {
        cwd: elsewhere,
        env: { ...process.env, PORT: '0' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      try {
        const [printed] = await once(running.stdout, 'data')
        const issuer = String(printed).trim().replace('listening on ', '')
        expect(await demoTokens(issuer)).toMatchObject({ access_token: expect.any(String), scope: 'profile' })
      } finally {
        running.kill()
        await once(running, 'exit')
      }
    },
    300_000,
  )

  it('runs in the Jest of a host: CommonJS as it comes, ES modules, and TypeScript', () => {
    const named = '{ bearerGuard, clientCredentials, createAuthorizationServer, memoryStorage, OAuthError }'
    const imports = `import express from 'express'\nimport ${named} from 'express-authorization-server'`
    const swc = { transform: { '\\.ts$': require.resolve('@swc/jest') } }
    const project = host('jest', ['express@5'], {
      'cjs.test.js': asTest(
        `const express = require('express')\nconst ${named} = require('express-authorization-server')`,
      ),
      'esm.test.mjs': asTest(imports),
      'types.test.ts': asTest(imports).replace('host.address()', '(host.address() as { port: number })'),
      'esm.config.json': JSON.stringify({ testMatch: ['**/*.test.mjs'], moduleFileExtensions: ['js', 'mjs'] }),
      'types.config.json': JSON.stringify({ testMatch: ['**/*.test.ts'], ...swc }),
    })
    const jest = [require.resolve('jest/bin/jest'), '--rootDir', project, '--ci', '--silent']
    const settings: [node: string[], jest: string[]][] = [
      [[], ['cjs']],
      [
        ['--experimental-vm-modules', '--no-warnings'],
        ['--config', 'esm.config.json'],
      ],
      [[], ['--config', 'types.config.json']],
    ]
    for (const [forNode, forJest] of settings) {
      const report = run(project, ...forNode, ...jest, '--json', ...forJest)
      expect(JSON.parse(report)).toMatchObject({ numPassedTests: 1, numTotalTests: 1 })
    }
  }, 120_000)
})

function installedIn(project: string): { packages: number; bytes: number; guides: number } {
  const modules = join(project, 'node_modules')
  const size = { bytes: 0, guides: 0 }
  for (const path of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    const file = lstatSync(join(modules, path))
    if (file.isFile()) size[path.startsWith(guides) ? 'guides' : 'bytes'] += file.size
  }
  const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'))
  return { packages: Object.keys(packages).length, ...size }
}

const guides = join('express-authorization-server', 'examples')
