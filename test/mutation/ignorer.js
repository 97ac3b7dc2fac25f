// Stryker's ignorer: the words of errors and warnings are for people. Codes and statuses are mutated, descriptions are not.
const makers = ['OAuthError', 'TypeError', 'Error', 'invalid', 'warn', 'requireKnown']

/** @param {any} path a Babel path */
function shouldIgnore(path) {
  if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined
  const parent = path.parentPath
  if (!parent?.isNewExpression() && !parent?.isCallExpression()) return undefined
  const { callee } = parent.node
  const maker = callee.name ?? callee.property?.name
  const isCode = path.key === 0 && (maker === 'OAuthError' || maker === 'warn')
  return makers.includes(maker) && !isCode ? 'the words of an error' : undefined
}

exports.strykerPlugins = [{ kind: 'Ignore', name: 'words-of-errors', value: { shouldIgnore } }]
