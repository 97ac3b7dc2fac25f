// `npm run docs:options` writes the tables of examples/reference/options.md, between their markers, from the docstrings of
// the types: the first sentence of each member, and its @default. test/readme.test.ts fails where they differ.
const { readFileSync, writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const ts = require('typescript')

const root = resolve(__dirname, '..')
const page = join(root, 'examples/reference/options.md')
const marked = /<!-- options of (\w+) -->\n[\s\S]*?<!-- end -->/g

/** What those of the adapters extend, and so hold: those of the functions that make their SQL. */
const bases = ['MysqlSchemaOptions', 'PostgresSchemaOptions', 'SqliteSchemaOptions']

/**
 * The table of every exported interface whose name ends in Options, by name.
 *
 * @returns {Map<string, string>}
 */
function optionTables() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const files = [
    'index',
    'openid/index',
    'developer/index',
    'admin/index',
    'personal-tokens/index',
    'storage/sqlite/sqlite',
    'storage/postgres/postgres',
    'storage/mysql/mysql',
    'storage/redis/redis',
    'storage/contract',
  ]
  const entries = files.map((name) => join(root, `src/${name}.ts`))
  const program = ts.createProgram(entries, options)
  const checker = program.getTypeChecker()
  const tables = new Map()
  for (const entry of entries) {
    const source = /** @type {ts.SourceFile} */ (program.getSourceFile(entry))
    for (const symbol of checker.getExportsOfModule(/** @type {ts.Symbol} */ (checker.getSymbolAtLocation(source)))) {
      if (!symbol.name.endsWith('Options') || bases.includes(symbol.name)) continue
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
      const type = checker.getDeclaredTypeOfSymbol(isAlias ? checker.getAliasedSymbol(symbol) : symbol)
      const rows = checker
        .getPropertiesOfType(type)
        .map((member) => row(`${symbol.name}.${member.name}`, member, checker))
      tables.set(symbol.name, ['| option | meaning | default |', '|---|---|---|', ...rows].join('\n'))
    }
  }
  return tables
}

/** @param {string} name @param {ts.Symbol} member @param {ts.TypeChecker} checker */
function row(name, member, checker) {
  const text = ts.displayPartsToString(member.getDocumentationComment(checker)).replace(/\s+/g, ' ')
  const [sentence = ''] = text.split(/(?<=[^.]\.) (?=[A-Z`])/)
  if (sentence === '') throw new Error(`${name} has no docstring`)
  const tag = member.getJsDocTags(checker).find(({ name }) => name === 'default')
  const optional = (member.flags & ts.SymbolFlags.Optional) !== 0
  if (optional && !tag) throw new Error(`${name} has no @default`)
  const cells = [`\`${member.name}\``, sentence.replace(/\.$/, ''), optional ? defaultOf(tag) : 'required']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** Code in backticks, words as they are. @param {ts.JSDocTagInfo | undefined} tag */
function defaultOf(tag) {
  const text = ts.displayPartsToString(tag?.text).replace(/\s+/g, ' ').trim()
  const isLiteral = /^(?:-?\d+|true|false|undefined|'[^']*'|[[{].*[\]}]|\w+\(.*\)|\(\w*\) => .*)$/.test(text)
  return isLiteral ? `\`${text}\`` : text
}

/** The page with the tables as they should be. */
function withTables() {
  const tables = optionTables()
  const text = readFileSync(page, 'utf8').replaceAll(marked, (_, /** @type {string} */ name) => {
    const table = tables.get(name)
    if (table === undefined) throw new Error(`${page} has a table of ${name}, which src/index.ts does not export`)
    tables.delete(name)
    return `<!-- options of ${name} -->\n${table}\n<!-- end -->`
  })
  if (tables.size > 0) throw new Error(`${page} has no table of ${[...tables.keys()].join(', ')}`)
  return text
}

module.exports = { withTables }

if (require.main === module) writeFileSync(page, withTables())
