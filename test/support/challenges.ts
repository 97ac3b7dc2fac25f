/** A parser of `WWW-Authenticate` by the book (RFC 9110 §11.6.1), independent of the library: what a client makes of it. */

export interface Challenge {
  scheme: string
  parameters: Record<string, string>
}

const tokenSyntax = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/
const parameterSyntax =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))(?:\s*,\s*|$)/

/** Every challenge of the header. Throws for what is none, and for a parameter that comes twice. */
export function parseWwwAuthenticateChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  let rest = header
  while (rest !== '') {
    const scheme = tokenSyntax.exec(rest)?.[0]
    if (scheme === undefined || !/^( |$)/.test(rest.slice(scheme.length))) throw new Error(`No scheme: ${rest}`)
    rest = rest.slice(scheme.length).trimStart()
    const parameters: Record<string, string> = {}
    for (let match = parameterSyntax.exec(rest); match; match = parameterSyntax.exec(rest)) {
      const [all, name, quoted, plain] = match
      if (Object.hasOwn(parameters, name as string)) throw new Error(`${name} comes twice: ${header}`)
      parameters[name as string] = plain ?? (quoted as string).replace(/\\(.)/g, '$1')
      rest = rest.slice(all.length)
    }
    challenges.push({ scheme, parameters })
  }
  return challenges
}
