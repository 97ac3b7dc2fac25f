/** Finds the texts of src/ that people read, in the syntax tree, with the texts of their variables and each one's place. */
import { join, relative } from 'node:path'
import ts from 'typescript'

const root = join(__dirname, '../..')
const entries = [
  'index',
  'storage/sqlite/sqlite',
  'storage/postgres/postgres',
  'storage/mysql/mysql',
  'storage/redis/redis',
  'storage/contract',
]

/** A text as it stands in its file, quotes and all: a place in it is a place in the file. */
export interface Text {
  readonly file: ts.SourceFile
  readonly start: number
  readonly words: string
}

/** `src/pages/english.ts:17`, for a place in a text. */
export function placeOf({ file, start }: Text, index = 0): string {
  const { line } = file.getLineAndCharacterOfPosition(start + index)
  return `${relative(root, file.fileName)}:${line + 1}`
}

/** Spaces of the same length keep the places of all other words. */
const blank = (found: string) => found.replace(/[^\n]/g, ' ')

/** Reads all of src/ that the entry points import. */
export function readTexts() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const starts = entries.map((name) => join(root, `src/${name}.ts`))
  const program = ts.createProgram(starts, options)
  const checker = program.getTypeChecker()
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(root, 'src/')))

  const calls: ts.CallExpression[] = []
  const news: ts.NewExpression[] = []
  const members: ts.PropertyAssignment[] = []
  for (const file of files) eachNode(file, collect)
  function collect(node: ts.Node): void {
    if (ts.isCallExpression(node)) calls.push(node)
    else if (ts.isNewExpression(node)) news.push(node)
    else if (ts.isPropertyAssignment(node)) members.push(node)
  }

  function declarationOf(node: ts.Node): ts.Declaration | undefined {
    let symbol = checker.getSymbolAtLocation(node)
    if (symbol && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = checker.getAliasedSymbol(symbol)
    return symbol?.valueDeclaration
  }

  /** Every text that a value can be or contain. A value of the host or of a request has no text in src/. */
  function textsOf(node: ts.Node, seen = new Set<ts.Node>()): Text[] {
    if (seen.has(node)) return []
    seen.add(node)
    const from = (nodes: readonly (ts.Node | undefined)[]) => nodes.flatMap((each) => (each ? textsOf(each, seen) : []))
    if (ts.isStringLiteralLike(node)) return [textAt(node)]
    if (ts.isTemplateExpression(node)) {
      return [textAt(node), ...from(node.templateSpans.map(({ expression }) => expression))]
    }
    if (ts.isConditionalExpression(node)) return from([node.whenTrue, node.whenFalse])
    if (ts.isBinaryExpression(node)) return from([node.left, node.right])
    if (ts.isArrayLiteralExpression(node)) return from(node.elements)
    if (ts.isObjectLiteralExpression(node)) return from(node.properties.map((each) => initializerOf(each)))
    if (ts.isElementAccessExpression(node)) return from([node.expression])
    if (ts.isCallExpression(node)) {
      const maker = checker.getResolvedSignature(node)?.declaration
      const joined = ts.isPropertyAccessExpression(node.expression) ? node.expression.expression : undefined
      return from([joined, ...(maker ? resultsOf(maker) : [])])
    }
    if (ts.isPropertyAccessExpression(node)) return from(membersNamed(node.name.text, node))
    if (ts.isIdentifier(node)) {
      const declaration = declarationOf(node)
      if (declaration && ts.isParameter(declaration)) return from(argumentsOf(declaration))
      if (declaration && ts.isBindingElement(declaration)) {
        return from(membersNamed((declaration.propertyName ?? declaration.name).getText(), node))
      }
      return declaration && ts.isVariableDeclaration(declaration) ? from([declaration.initializer]) : []
    }
    const inner = ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)
    return inner || ts.isAwaitExpression(node) || ts.isNonNullExpression(node) ? from([node.expression]) : []
  }

  /** The members of that name that a reader can mean: a table of texts is read in the file that has it. */
  function membersNamed(name: string, reader: ts.Node): (ts.Node | undefined)[] {
    const inFile = members.filter((member) => member.getSourceFile() === reader.getSourceFile())
    return inFile.filter((member) => member.name.getText() === name).map(initializerOf)
  }

  /** What a function is called with, everywhere in src/. */
  function argumentsOf(parameter: ts.ParameterDeclaration): (ts.Node | undefined)[] {
    const index = parameter.parent.parameters.indexOf(parameter)
    const callers = calls.filter((call) => checker.getResolvedSignature(call)?.declaration === parameter.parent)
    return [parameter.initializer, ...callers.map((call) => call.arguments[index])]
  }

  const named = (name: string) => news.filter(({ expression }) => expression.getText() === name)
  const unique = (texts: Text[]) => [...new Map(texts.map((text) => [`${placeOf(text)} ${text.start}`, text])).values()]
  const argument = (index: number) => (call: ts.NewExpression) => call.arguments?.[index]
  const all = (nodes: readonly (ts.Node | undefined)[]) =>
    unique(nodes.flatMap((node) => (node ? textsOf(node, new Set()) : [])))

  const misuses = calls.filter(({ expression }) => expression.getText() === 'misuse')
  const warnings = calls.filter(({ expression }) => /(^|\.)(warn|emitWarning)$/.test(expression.getText()))
  const english = files.filter(({ fileName }) => fileName.endsWith('/pages/english.ts'))
  return {
    descriptions: all(named('OAuthError').map(argument(1))),
    typeErrors: all(misuses.map((call) => call.arguments[1])),
    warnings: all(warnings.flatMap((call) => [...call.arguments])),
    pages: all(members.filter((member) => english.includes(member.getSourceFile())).map(initializerOf)),
    docstrings: unique(starts.flatMap((start) => docstringsOf(program.getSourceFile(start) as ts.SourceFile, checker))),
  }
}

function eachNode(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => eachNode(child, visit))
}

function initializerOf(member: ts.ObjectLiteralElementLike): ts.Node | undefined {
  if (ts.isPropertyAssignment(member)) return member.initializer
  return ts.isShorthandPropertyAssignment(member) ? member.name : undefined
}

/** What a function returns: its expression, or that of each of its `return`s, those of functions in it left out. */
function resultsOf(maker: ts.Node): ts.Node[] {
  const { body } = maker as ts.FunctionLikeDeclaration
  if (!body) return []
  if (!ts.isBlock(body)) return [body]
  const results: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (ts.isReturnStatement(node) && node.expression) results.push(node.expression)
    ts.forEachChild(node, visit)
  }
  visit(body)
  return results
}

/** A string or template, in which each value that is filled in is one word. */
function textAt(node: ts.Node): Text {
  const start = node.getStart()
  let words = node.getText()
  if (ts.isTemplateExpression(node)) {
    for (const { expression } of node.templateSpans) {
      const [from, to] = [expression.getStart() - start, expression.getEnd() - start]
      words = words.slice(0, from) + '_'.repeat(to - from) + words.slice(to)
    }
  }
  return { file: node.getSourceFile(), start, words }
}

/** The docstrings of a module's exports: of functions, of types and their members. Comments in a function's body are not public. */
function docstringsOf(module: ts.SourceFile, checker: ts.TypeChecker): Text[] {
  const symbol = checker.getSymbolAtLocation(module) as ts.Symbol
  const texts: Text[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node)) return
    // only the nearest one is a docstring: another one before it is the first line of the file
    const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)
    if (comment) {
      const words = comment.getText().replace(/^\/\*\*|\*\/$|^\s*\*/gm, blank)
      texts.push({ file: node.getSourceFile(), start: comment.getStart(), words })
    }
    ts.forEachChild(node, visit)
  }
  for (const exported of checker.getExportsOfModule(symbol)) {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
    for (const node of (isAlias ? checker.getAliasedSymbol(exported) : exported).declarations ?? []) visit(node)
  }
  return texts
}
