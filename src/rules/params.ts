/** Request parameters: `application/x-www-form-urlencoded` and JSON, parsed strictly (RFC 6749 §3.1, §3.2, Appendix B). */
import { isUtf8 } from 'node:buffer'
import { OAuthError } from '../errors'
import { isKeepable } from './keepable'

/** The parameters of one request by name. Empty values are absent (RFC 6749 §3.1). */
export type RequestParameters = ReadonlyMap<string, string>

/** Parameters, and the names that were sent more than once, which no endpoint accepts (RFC 6749 §3.1). */
export interface ParsedParameters {
  parameters: Map<string, string>
  repeated: ReadonlySet<string>
}

/**
 * RFC 8707 §2, RFC 8693 §2.1: the only repeatable parameters. Their values are URIs, and are joined with spaces like
 * `scope`.
 */
const REPEATABLE: readonly string[] = ['resource', 'audience']

/** Of nearly every request: shared, and never written. */
const none: ReadonlySet<string> = new Set()

export function noParameters(): ParsedParameters {
  return { parameters: new Map(), repeated: none }
}

/** Parses `a=b&c=d`. Refuses malformed percent-encoding and invalid UTF-8, which cannot be kept as sent. */
export function parseForm(text: string): ParsedParameters {
  const parsed = noParameters()
  const empty = new Set<string>()
  // the usual case: nothing to decode, and nothing to refuse
  const isPlain = plain.test(text)
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    const value = equals < 0 ? '' : pair.slice(equals + 1)
    if (isPlain) add(parsed, empty, name, value)
    else add(parsed, empty, decodeComponent(name), decodeComponent(value))
  }
  return parsed
}

/** Parses a JSON object whose members are strings, for APIs that document JSON requests. */
export function parseJsonParameters(text: string): ParsedParameters {
  const value = parseJsonObject(text)
  const members = Object.entries(value)
  const parsed = parametersOf(members)
  // JSON.parse keeps the last of two members with one name; all are strings, so their number shows it
  const strings = text.match(/"(?:[^"\\]|\\.)*"/g)?.length ?? 0
  const kept = members.reduce((count, [, value]) => count + 1 + (Array.isArray(value) ? value.length : 1), 0)
  if (strings !== kept) throw new OAuthError('invalid_request', 'A parameter is included more than once.')
  return parsed
}

/** Parses a JSON text that must be an object. */
export function parseJsonObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new OAuthError('invalid_request', 'The request body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OAuthError('invalid_request', 'The request body must be a JSON object.')
  }
  return value as Record<string, unknown>
}

/**
 * Accepts the result of the host's body parser. Arrays and objects are repeated or nested parameters: refused, except
 * lists of `resource` and `audience`.
 */
export function parametersOf(members: Iterable<readonly [string, unknown]>): ParsedParameters {
  const parsed = noParameters()
  const empty = new Set<string>()
  for (const [name, value] of members) {
    const values: unknown[] = REPEATABLE.includes(name) && Array.isArray(value) ? value : [value]
    for (const one of values) {
      if (Array.isArray(one)) repeat(parsed, name)
      else if (typeof one !== 'string') throw new OAuthError('invalid_request', 'Every parameter must be a string.')
      else {
        add(parsed, empty, keepable(name), keepable(one))
      }
    }
  }
  return parsed
}

/** Joins both sets. Names in both count as repeated. */
export function mergeParameters(first: ParsedParameters, second: ParsedParameters): ParsedParameters {
  const merged = { parameters: new Map(first.parameters), repeated: new Set([...first.repeated, ...second.repeated]) }
  const empty = new Set<string>()
  for (const [name, value] of second.parameters) add(merged, empty, name, value)
  return merged
}

/** RFC 6749 §3.1, §3.2: parameters must not be included more than once. */
export function requireUnrepeated(parsed: {
  readonly parameters: RequestParameters
  readonly repeated: ReadonlySet<string>
}): RequestParameters {
  if (parsed.repeated.size > 0) throw new OAuthError('invalid_request', 'A parameter is included more than once.')
  return parsed.parameters
}

export function requireParameter(parameters: RequestParameters, name: string): string {
  const value = parameters.get(name)
  if (value === undefined) throw new OAuthError('invalid_request', `The parameter ${name} is missing.`)
  return value
}

/** `empty` has the names that came without a value, which count as sent. */
function add(parsed: ParsedParameters, empty: Set<string>, name: string, value: string): void {
  const before = parsed.parameters.get(name)
  const isRepeatable = REPEATABLE.includes(name)
  if ((before !== undefined || (empty.size > 0 && empty.has(name))) && !isRepeatable) repeat(parsed, name)
  if (value === '') empty.add(name)
  else if (before === undefined) parsed.parameters.set(name, value)
  else if (isRepeatable) parsed.parameters.set(name, `${before} ${value}`)
}

function repeat(parsed: ParsedParameters, name: string): void {
  if (parsed.repeated === none) parsed.repeated = new Set()
  ;(parsed.repeated as Set<string>).add(name)
}

/** No OAuth parameter needs other characters. */
function keepable(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) || isKeepable(text)) return text
  throw new OAuthError('invalid_request', 'A parameter has a character that is not allowed.')
}

/** Decodes UTF-8. Undefined for invalid bytes. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** Neither `%` nor `+`, and all of it printable ASCII. */
const plain = /^[ -$&-*,-~]*$/

function decodeComponent(text: string): string {
  if (plain.test(text)) return text
  const decoded = tryDecodeComponent(text)
  if (decoded === undefined) throw new OAuthError('invalid_request', 'A parameter is not correctly encoded.')
  return keepable(decoded)
}

/** Decodes one `application/x-www-form-urlencoded` value. Undefined for an invalid one. */
export function tryDecodeComponent(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return undefined
  }
}
