// `npm run docs:symptoms` writes the lists of messages into examples/symptoms/README.md, between their markers, from each
// `misuse(code, …)` of src/. A marker names the files whose messages stand there. test/symptoms.test.ts fails where they
// differ.
const { readFileSync, writeFileSync } = require('node:fs')
const { join, relative, resolve } = require('node:path')
const ts = require('typescript')

const root = resolve(__dirname, '..')
const page = join(root, 'examples/symptoms/README.md')
const marked = /<!-- messages of ([^>]+) -->\n[\s\S]*?<!-- end -->/g

/** What a reader sees where the text depends on the call. */
const ANY = '…'

/**
 * The messages of each file, below src/: a text that is filled in at work is `…`.
 *
 * @returns {Map<string, string[]>}
 */
function messages() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile)
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(fileNames, options)
  const checker = program.getTypeChecker()
  const found = new Map()
  for (const file of program.getSourceFiles()) {
    const name = relative(join(root, 'src'), file.fileName)
    if (name.startsWith('..')) continue
    /** @type {string[]} */
    const texts = []
    /** @param {ts.Node} node */
    const visit = (node) => {
      if (ts.isCallExpression(node) && node.expression.getText() === 'misuse') {
        const [, message] = node.arguments
        if (message) texts.push(...textsOf(message, checker).map(inOneLine))
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
    if (texts.length > 0) found.set(name, [...new Set(texts)])
  }
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
  const value = ts.isIdentifier(node) && checker.getSymbolAtLocation(node)?.valueDeclaration
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

/** The page with the lists as they should be. A file belongs to the marker that names it most exactly. */
function withMessages() {
  const text = readFileSync(page, 'utf8')
  const places = [...text.matchAll(marked)].flatMap((match) => String(match[1]).split(' '))
  const lists = new Map(places.map((place) => [place, /** @type {string[]} */ ([])]))
  for (const [file, texts] of messages()) {
    const [place] = places.filter((one) => file.startsWith(one)).sort((one, other) => other.length - one.length)
    if (place === undefined) throw new Error(`Add src/${file} to a marker of examples/symptoms/README.md`)
    lists.get(place)?.push(...texts)
  }
  return text.replaceAll(marked, (_, /** @type {string} */ names) => {
    const texts = new Set(names.split(' ').flatMap((place) => lists.get(place) ?? []))
    const lines = [...texts].sort().map((message) => `- \`${message}\``)
    return [`<!-- messages of ${names} -->`, ...lines, '<!-- end -->'].join('\n')
  })
}

module.exports = { withMessages }

if (require.main === module) writeFileSync(page, withMessages())
