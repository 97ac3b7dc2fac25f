// Stryker's ignorer: the words of an error are for people. Its code and its status are mutated, its description is not.
const makers = ['OAuthError', 'TypeError', 'Error', 'invalid']

/** @param {any} path a Babel path */
function shouldIgnore(path) {
  if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined
  const parent = path.parentPath
  if (!parent?.isNewExpression() && !parent?.isCallExpression()) return undefined
  const maker = parent.node.callee.name
  const isCode = maker === 'OAuthError' && path.key === 0
  return makers.includes(maker) && !isCode ? 'the words of an error' : undefined
}

exports.strykerPlugins = [{ kind: 'Ignore', name: 'words-of-errors', value: { shouldIgnore } }]
