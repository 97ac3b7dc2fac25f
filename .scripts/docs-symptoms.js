// `npm run docs:symptoms` writes the lists of messages into examples/symptoms/README.md, between the markers of each code, from
// every `misuse(code, …)` of src/. test/examples/symptoms.test.ts fails where they differ.
const { readFileSync, writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const ts = require('typescript')

const root = resolve(__dirname, '..')
const page = join(root, 'examples/symptoms/README.md')
const marked = /<!-- messages of (\w+) -->\n[\s\S]*?<!-- end -->/g

/** What a reader sees where the text depends on the call. */
const ANY = '…'

/**
 * The messages of each code: a text that is filled in at work is `…`.
 *
 * @returns {Map<string, Set<string>>}
 */
function messages() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile)
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(fileNames, options)
  const checker = program.getTypeChecker()
  const found = new Map()
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'misuse') {
      const [code, message] = node.arguments
      if (!code || !ts.isStringLiteral(code) || !message) throw new Error(`Write the code out: ${node.getText()}`)
      const texts = textsOf(message, checker).map(inOneLine)
      found.set(code.text, new Set([...(found.get(code.text) ?? []), ...texts]))
    }
    ts.forEachChild(node, visit)
  }
  for (const file of program.getSourceFiles()) if (file.fileName.startsWith(join(root, 'src/'))) visit(file)
  return found
}

/** Every text of the expression. @param {ts.Expression} node @param {ts.TypeChecker} checker @returns {string[]} */
function textsOf(node, checker) {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isTemplateExpression(node)) {
    let texts = [node.head.text]
    for (const { expression, literal } of node.templateSpans) {
      const all = textsOf(expression, checker)
      const filled = problemAt(expression, checker) ? all : [onlyText(all)]
      texts = texts.flatMap((before) => filled.map((text) => before + text + literal.text))
    }
    return texts
  }
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap((one) => textsOf(one, checker))
  const problem = problemAt(node, checker)
  if (problem) return problemsOf(problem, checker)
  const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined
  const isImported = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
  const value = (isImported ? checker.getAliasedSymbol(symbol) : symbol)?.valueDeclaration
  if (!value || !ts.isVariableDeclaration(value) || !value.initializer) return [ANY]
  return ts.isCallExpression(value.initializer) ? [ANY] : textsOf(value.initializer, checker)
}

/** A text with alternatives within a message is `…`. @param {string[]} texts */
function onlyText([text = ANY, ...more]) {
  return more.length > 0 ? ANY : text
}

/**
 * A parameter `problem`, of which a function makes its message.
 *
 * @param {ts.Node} node @param {ts.TypeChecker} checker
 */
function problemAt(node, checker) {
  if (!ts.isIdentifier(node) || node.text !== 'problem') return undefined
  const declared = checker.getSymbolAtLocation(node)?.valueDeclaration
  return declared && ts.isParameter(declared) ? declared : undefined
}

/** What the function is called with, in its file. @param {ts.ParameterDeclaration} parameter @param {ts.TypeChecker} checker */
function problemsOf(parameter, checker) {
  const index = parameter.parent.parameters.indexOf(parameter)
  /** @type {string[]} */
  const texts = []
  /** @param {ts.Node} at */
  const visit = (at) => {
    if (ts.isCallExpression(at) && checker.getResolvedSignature(at)?.declaration === parameter.parent) {
      const given = at.arguments[index]
      texts.push(...(given ? textsOf(given, checker) : []))
    }
    ts.forEachChild(at, visit)
  }
  visit(parameter.getSourceFile())
  return texts
}

/** @param {string} text */
function inOneLine(text) {
  return text.replace(/\s+/g, ' ').replace(/…(?: ?…)+/g, ANY)
}

/** The page with the lists as they should be. */
function withMessages() {
  const text = readFileSync(page, 'utf8')
  const lists = messages()
  for (const code of lists.keys()) {
    if (text.includes(`<!-- messages of ${code} -->`)) continue
    throw new Error(`Give ${code} a section in examples/symptoms/README.md: its name, why, the fix, and its marker`)
  }
  return text.replaceAll(marked, (_, /** @type {string} */ code) => {
    const lines = [...(lists.get(code) ?? [])].sort().map((message) => `- \`${message}\``)
    return [`<!-- messages of ${code} -->`, ...lines, '<!-- end -->'].join('\n')
  })
}

module.exports = { withMessages }

if (require.main === module) writeFileSync(page, withMessages())
