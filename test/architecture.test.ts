// The floor plan of src/: who may import whom. Each broken rule is reported with its file and the offending import.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** From the top floor down. A name that ends in a slash is a folder, any other one is a file. */
const floors = [
  ['index.ts'],
  ['command/'],
  ['command/check/', 'command/database/'],
  ['command/call/'],
  ['developer/', 'admin/'],
  ['openid/', 'personal-tokens/'],
  ['routers/', 'device/', 'forms/'],
  ['server.ts', 'authorization/'],
  ['guard/'],
  ['grants/', 'remote/'],
  ['operations/'],
  ['tokens/'],
  ['mutual-tls/'],
  ['clients/'],
  ['host/', 'sender-constraints/'],
  ['jwt/', 'http/', 'passwords/', 'users.ts'],
  ['credentials/'],
  ['types/', 'fetch/', 'certificates/'],
  ['rules/'],
  ['storage/checked.ts', 'storage/contract.ts', 'storage/contract/', 'storage/memory/', 'storage/postgres/'],
  ['storage/mysql/', 'storage/redis/', 'storage/sqlite/', 'pages/'],
  ['storage/sql/'],
  ['storage/frozen.ts', 'storage/paging.ts', 'storage/retention.ts', 'storage/schema-version.ts'],
  ['storage.ts'],
  [
    'storage/openid-client.ts',
    'storage/certificate-client.ts',
    'storage/request-client.ts',
    'storage/client-limits.ts',
    'storage/client-names.ts',
    'storage/slices.ts',
  ],
  ['options/'],
  ['deadline.ts'],
  ['errors.ts', 'crypto.ts', 'awaitable.ts'],
  ['options/misuse.ts'],
]
const mayImportExpress = ['routers/', 'guard/', 'http/router.ts', 'http/route.ts']
const mayNameExpressTypes = [
  ...mayImportExpress,
  'openid/',
  'http/',
  'host/',
  'sender-constraints/',
  'clients/',
  'authorization/',
  'device/',
  'forms/',
  'developer/',
  'admin/',
  'types/',
]
const maxLines = 220
const maxPublicNames = 136

/** Path below src/ (with slashes) to source text. */
type Sources = Record<string, string>
type Import = { specifier: string; typeOnly: boolean }

const isIn = (places: string[], file: string) =>
  places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))

/** A folder in a folder may have a floor of its own: the longest name counts. */
function floorOf(file: string): number {
  const places = floors.flatMap((names, floor) => names.map((name) => ({ name, floor })))
  const found = places.filter(({ name }) => isIn([name], file)).sort((a, b) => b.name.length - a.name.length)
  return found[0]?.floor ?? -1
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const names = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
    return node.isTypeOnly || (names.length > 0 && names.every((name) => name.isTypeOnly))
  }
  const clause = node.importClause
  if (!clause || clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return clause !== undefined
  const bindings = clause.namedBindings
  if (clause.name || !bindings || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((name) => name.isTypeOnly)
}

/** Every import of a file: static, `export … from`, `import x = require()`, `import()`, `require()`, and types of all these. */
function importsOf(file: string, source: string): Import[] {
  const imports: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (!specifier) return
    imports.push({ specifier: ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)', typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node))
    else if (ts.isExternalModuleReference(node)) {
      add(node.expression, ts.isImportEqualsDeclaration(node.parent) && node.parent.isTypeOnly)
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument, true)
    } else if (ts.isCallExpression(node)) {
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require'
      const isResolve = /^require\.resolve$/.test(node.expression.getText())
      if (isRequire || isResolve || node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true))
  return imports
}

/** The file that a relative specifier means, or undefined where there is none. */
function resolveImport(sources: Sources, from: string, specifier: string): string | undefined {
  const path = posix.join(posix.dirname(from), specifier)
  const withoutExtension = path.replace(/\.js$/, '')
  const candidates = [path, `${withoutExtension}.ts`, `${path}.ts`, `${path}.js`, `${path}.d.ts`, `${path}/index.ts`]
  return candidates.find((candidate) => Object.hasOwn(sources, candidate))
}

function brokenPackageRule(file: string, { specifier, typeOnly }: Import): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (specifier === '(computed)') return 'every import must name its module with a string'
  if (name === 'express-authorization-server') return 'src/ imports its own files by their paths'
  if (name === 'express' || name === 'express-serve-static-core' || name.startsWith('@types/express')) {
    if (typeOnly && !isIn(mayNameExpressTypes, file)) {
      return `the types of express belong in ${mayNameExpressTypes.join(', ')}`
    }
    if (!typeOnly && !isIn(mayImportExpress, file))
      return `express as a value belongs in ${mayImportExpress.join(', ')}`
  }
  if (/^(node:)?crypto(\/|$)/.test(specifier) && file !== 'crypto.ts') return 'node:crypto belongs in crypto.ts'
  return undefined
}

function brokenFloorRule(file: string, target: string): string | undefined {
  const [from, to] = [floorOf(file), floorOf(target)]
  // A file that is on no floor is reported once, for itself
  if (from < 0 || to < 0) return undefined
  if (to < from) return `${target} is on a higher floor`
  // contract.ts is the entrance of contract/
  const isEntrance = posix.dirname(target) === file.replace(/\.ts$/, '')
  const sameFolder = file.includes('/') && (posix.dirname(file) === posix.dirname(target) || isEntrance)
  if (to === from && !sameFolder) return `${target} is on the same floor and not in the same folder`
  return undefined
}

/** Each circle once, beginning with its alphabetically first file. */
function circles(graph: Map<string, string[]>): string[] {
  const found = new Set<string>()
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      const circle = path.slice(start)
      const first = circle.indexOf([...circle].sort()[0] as string)
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      found.add([...turned, turned[0]].map((name) => `src/${name}`).join(' imports '))
    } else if (!done.has(file)) {
      for (const target of graph.get(file) ?? []) walk(target, [...path, file])
      done.add(file)
    }
  }
  for (const file of [...graph.keys()].sort()) walk(file, [])
  return [...found]
}

/** Everything that is wrong with the imports of these files, in words. */
function brokenRules(sources: Sources): string[] {
  const broken: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, source] of Object.entries(sources)) {
    if (floorOf(file) < 0) broken.push(`src/${file} is on no floor of the floor plan`)
    const targets: string[] = []
    for (const found of importsOf(file, source)) {
      const { specifier } = found
      const target = specifier.startsWith('.') ? resolveImport(sources, file, specifier) : undefined
      // the types refer to each other through the server; nothing of that is there at run time
      const isOfTypes = found.typeOnly && file.startsWith('types/') && target?.startsWith('types/')
      if (target && !isOfTypes) targets.push(target)
      const rule = target
        ? brokenFloorRule(file, target)
        : specifier.startsWith('.')
          ? 'there is no such file in src/'
          : brokenPackageRule(file, found)
      if (rule) broken.push(`src/${file} imports '${specifier}': ${rule}`)
    }
    graph.set(file, targets)
  }
  return [...broken, ...circles(graph).map((circle) => `a circle: ${circle}`)]
}

function tooLong(sources: Sources): string[] {
  return Object.entries(sources)
    .map(([file, source]) => ({ file, lines: source.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > maxLines)
    .map(({ file, lines }) => `src/${file} has ${lines} lines; ${maxLines} is the most`)
}

const maxRootFiles = 8
const maxFolderFiles = 16
const maxFunctionLines = 50

/** A drawer with too much in it explains nothing. */
function tooFull(sources: Sources): string[] {
  const counts = new Map<string, number>()
  for (const folder of Object.keys(sources).map((file) => posix.dirname(file))) {
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts].flatMap(([folder, count]) => {
    const most = folder === '.' ? maxRootFiles : maxFolderFiles
    return count > most ? [`src/${folder} has ${count} files; ${most} is the most`] : []
  })
}

/** Functions that no reader keeps in mind. What a store says in SQL or Lua may be longer. */
function tooLongFunctions(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, source]) => {
    if (file.startsWith('storage/')) return []
    const found: string[] = []
    const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
    const lineOf = (position: number) => parsed.getLineAndCharacterOfPosition(position).line
    const visit = (node: ts.Node): void => {
      const lines = lineOf(node.end) - lineOf(node.getStart()) + 1
      if (ts.isFunctionLike(node) && lines > maxFunctionLines) {
        const name = node.name?.getText() ?? 'a function'
        found.push(`src/${file}: ${name} has ${lines} lines; ${maxFunctionLines} is the most`)
      }
      ts.forEachChild(node, visit)
    }
    visit(parsed)
    return found
  })
}

/** The names that a file exports. */
function exportsOf(file: string, source: string): string[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  return parsed.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      return statement.exportClause.elements.map((element) => element.name.text)
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    const { name } = statement as { name?: ts.Identifier }
    return isExported && name ? [name.text] : []
  })
}

function readSources(): Sources {
  const folder = join(__dirname, '..', 'src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.[cm]?[jt]sx?$/.test(file),
  )
  return Object.fromEntries(
    files.map((file) => [file.replaceAll('\\', '/'), readFileSync(join(folder, file), 'utf8')] as const),
  )
}

describe('the floor plan', () => {
  const sources = readSources()

  it('has files to look at, and sees their imports', () => {
    expect(Object.keys(sources).length).toBeGreaterThan(0)
    expect(Object.entries(sources).flatMap(([file, source]) => importsOf(file, source)).length).toBeGreaterThan(0)
  })

  it('lets each file import only from lower floors or its own folder, without circles', () => {
    expect(brokenRules(sources)).toEqual([])
  })

  it(`keeps every file within ${maxLines} lines`, () => {
    expect(tooLong(sources)).toEqual([])
  })

  it(`keeps the root at ${maxRootFiles} files, a folder at ${maxFolderFiles}, a function at ${maxFunctionLines} lines`, () => {
    expect(tooFull(sources)).toEqual([])
    expect(tooLongFunctions(sources)).toEqual([])
  })

  it('has in operations/ exactly what hosts call, so what two of ours share lies below', () => {
    const published = exportsOf('index.ts', sources['index.ts'] as string)
    const operations = Object.entries(sources).filter(([file]) => file.startsWith('operations/'))
    const exported = operations.flatMap(([file, source]) => exportsOf(file, source))
    expect(exported.filter((name) => !published.includes(name))).toEqual([])
  })

  it(`publishes at most ${maxPublicNames} names`, () => {
    expect(exportsOf('index.ts', sources['index.ts'] as string).length).toBeLessThanOrEqual(maxPublicNames)
  })

  it('signs JWTs in one place and verifies them in one, and asks jsonwebtoken nowhere else', () => {
    const askers = (call: RegExp) =>
      Object.entries(sources).flatMap(([file, source]) => (call.test(source) ? [file] : []))
    expect(askers(/jsonwebtoken\(\)\.sign\(/)).toEqual(['jwt/sign.ts'])
    expect(askers(/jsonwebtoken\(\)\.verify\(/)).toEqual([])
    expect(askers(/jsonwebtoken\(\)\.decode\(/)).toEqual(['jwt/verify.ts'])
    expect(askers(/\bisSignatureOf\(/)).toEqual(['crypto.ts', 'jwt/verify.ts'])
    expect(askers(/\bjsonwebtoken\(\)/)).toEqual(['jwt/jsonwebtoken.ts', 'jwt/sign.ts', 'jwt/verify.ts'])
    expect(askers(/from 'jsonwebtoken'|'jsonwebtoken'\)/)).toEqual(['jwt/jsonwebtoken.ts'])
  })

  it('has nothing of openid/ behind the other entry points: who does not import it loads none of it', () => {
    const importers = Object.entries(sources).filter(([, source]) => /['"]\.[^'"]*\/openid\/[^'"]*['"]/.test(source))
    expect(importers.map(([file]) => file).filter((file) => !file.startsWith('openid/'))).toEqual([])
  })
})

describe('the floor plan, broken on purpose', () => {
  it.each<[string, Sources, string]>([
    [
      'an upward import',
      { 'tokens/issue.ts': `import { a } from '../server'`, 'server.ts': '' },
      `src/tokens/issue.ts imports '../server': server.ts is on a higher floor`,
    ],
    [
      'an upward import of types alone',
      { 'rules/scope.ts': `import type { A } from '../types/token'`, 'types/token.ts': '' },
      `src/rules/scope.ts imports '../types/token': types/token.ts is on a higher floor`,
    ],
    [
      'an upward import type inside a type',
      { 'storage.ts': `export type A = import('./types/token').B`, 'types/token.ts': '' },
      `src/storage.ts imports './types/token': types/token.ts is on a higher floor`,
    ],
    [
      'an upward re-export',
      { 'storage/memory/memory.ts': `export * from '../../rules/scope'`, 'rules/scope.ts': '' },
      `src/storage/memory/memory.ts imports '../../rules/scope': rules/scope.ts is on a higher floor`,
    ],
    [
      'an upward import() in a function',
      { 'tokens/issue.ts': `export const f = () => import('../routers/token.js')`, 'routers/token.ts': '' },
      `src/tokens/issue.ts imports '../routers/token.js': routers/token.ts is on a higher floor`,
    ],
    [
      'an upward require() in a worker',
      { 'passwords/bcrypt-worker.js': `const { a } = require('../guard/guard')`, 'guard/guard.ts': '' },
      `src/passwords/bcrypt-worker.js imports '../guard/guard': guard/guard.ts is on a higher floor`,
    ],
    [
      'a neighbour on the same floor',
      { 'errors.ts': `import { a } from './crypto'`, 'crypto.ts': '' },
      `src/errors.ts imports './crypto': crypto.ts is on the same floor and not in the same folder`,
    ],
    [
      'a circle in a folder',
      { 'http/page.ts': `import { a } from './endpoint'`, 'http/endpoint.ts': `import type { B } from './page'` },
      'a circle: src/http/endpoint.ts imports src/http/page.ts imports src/http/endpoint.ts',
    ],
    [
      'a circle in types/ that is there at run time',
      { 'types/a.ts': `import { b } from './b'`, 'types/b.ts': `import { a } from './a'` },
      'a circle: src/types/a.ts imports src/types/b.ts imports src/types/a.ts',
    ],
    ['a file on no floor', { 'helpers/util.ts': '' }, 'src/helpers/util.ts is on no floor of the floor plan'],
    [
      'a file that is not there',
      { 'server.ts': `import { a } from '../test/a'` },
      `src/server.ts imports '../test/a': there is no such file in src/`,
    ],
    [
      'express as a value outside the routers',
      { 'http/page.ts': `import { type Request, Router } from 'express'` },
      `src/http/page.ts imports 'express': express as a value belongs in routers/, guard/, http/router.ts, http/route.ts`,
    ],
    [
      'the types of express below http/',
      { 'rules/params.ts': `import type { Request } from 'express'` },
      `src/rules/params.ts imports 'express': the types of express belong in routers/, guard/, http/router.ts, http/route.ts, openid/, http/, host/, sender-constraints/, clients/, authorization/, device/, forms/, developer/, admin/, types/`,
    ],
    [
      'node:crypto outside crypto.ts',
      { 'rules/pkce.ts': `import { createHash } from 'node:crypto'` },
      `src/rules/pkce.ts imports 'node:crypto': node:crypto belongs in crypto.ts`,
    ],
  ])('reports %s', (_, sources, message) => {
    expect(brokenRules(sources)).toEqual([message])
  })

  it('reports a file that is too long', () => {
    expect(tooLong({ 'server.ts': 'a\n'.repeat(220), 'users.ts': 'a\n'.repeat(221) })).toEqual([
      'src/users.ts has 221 lines; 220 is the most',
    ])
  })

  it('reports a folder that is too full and a function that is too long', () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`rules/${n}.ts`, '']))
    expect(tooFull(many)).toEqual(['src/rules has 17 files; 16 is the most'])
    const long = `function f() {\n${'  a()\n'.repeat(49)}}`
    expect(tooLongFunctions({ 'rules/a.ts': long, 'storage/a.ts': long })).toEqual([
      'src/rules/a.ts: f has 51 lines; 50 is the most',
    ])
  })

  it('has nothing against downward imports, neighbours in a folder, types that refer to each other, and those of express in http/', () => {
    const sources = {
      'routers/token.ts': `import { Router } from 'express'\nimport { a } from '../guard/guard'\nimport { b } from './revoke.js'`,
      'routers/revoke.ts': `import type { Router } from 'express'`,
      'guard/guard.ts': `import { type A, b } from '../storage'`,
      'http/page.ts': `import type { Request } from 'express'\nimport { type Response } from 'express'`,
      'storage.ts': '',
      'types/a.ts': `import type { B } from './b'`,
      'types/b.ts': `import type { A } from './a'`,
      'crypto.ts': `import { createHash } from 'node:crypto'`,
    }
    expect(brokenRules(sources)).toEqual([])
  })
})
