/** Redirect URIs: what may be registered, and which one a request may use (RFC 6749 §3.1.2, RFC 8252, RFC 9700 §2.1). */
import type { Client } from '../storage'

/** A URI that is exactly what every parser takes it for: printable ASCII without the characters that parsers disagree on. */
const plainUri = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/
const webOrigin = /^(https?):\/\/([^/?#@]+)(?=[/?]|$)/
// RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it has a dot; this leaves out javascript:, data: and file:
const privateUseScheme = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:\/?[^/]/
const loopbackHost = /^(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?$/
// RFC 8252 §7.3: IP literals only; `localhost` may be resolved to anything (§8.3) and is compared like any other host
const loopbackUri = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?(\/[^#]*|\?[^#]*)?$/
const localhostPort =
  /^(http:\/\/localhost):(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])(?=[/?]|$)/

/**
 * What a client reads from an authorization response: the IANA registry's parameters of that place (RFC 6749 §4.1.2 and
 * §4.2.2, RFC 9207, JARM, OpenID Connect). In a redirect URI one would stand beside ours, and many clients read the first.
 */
const responseParameters: ReadonlySet<string> = new Set([
  ...['code', 'state', 'iss', 'response', 'error', 'error_description', 'error_uri'],
  ...['access_token', 'token_type', 'expires_in', 'scope', 'id_token', 'session_state'],
])

export interface RedirectUriRules {
  /** Allow `http` to hosts other than the loopback interface. */
  allowHttp: boolean
}

/** Why a redirect URI cannot be registered, or undefined when it can. */
export function redirectUriProblem(uri: unknown, rules: RedirectUriRules): string | undefined {
  if (typeof uri !== 'string' || uri === '') return 'must be a non-empty string'
  if (uri.length > 2048) return 'must be at most 2048 characters'
  if (uri.includes('#')) return 'must not have a fragment (RFC 6749 section 3.1.2)'
  if (!plainUri.test(uri)) return 'must be ASCII, with other characters percent-encoded'
  const named = queryParts(uri).find(({ name }) => responseParameters.has(name))
  if (named) return `must not have the response parameter ${named.name} in its query`
  const web = webOrigin.exec(uri)
  if (web) return webProblem(uri, web[1] as string, web[2] as string, rules)
  if (privateUseScheme.test(uri) && URL.canParse(uri)) return undefined
  return 'must use https, http on loopback, or a private-use scheme with a dot (RFC 8252 section 7.1)'
}

function webProblem(uri: string, scheme: string, authority: string, rules: RedirectUriRules): string | undefined {
  if (!URL.canParse(uri)) return 'is not a valid URI'
  // a host that the URL parser would rewrite (127.1, 0x7f000001, upper case, encoded dots) is not the host it seems
  const { host } = new URL(uri)
  if (host !== authority.replace(scheme === 'https' ? /:443$/ : /:80$/, '')) return 'has a host in an unusual form'
  if (scheme === 'http' && !loopbackHost.test(authority) && !rules.allowHttp) {
    return 'must use https (http only on loopback; the server option allowHttpRedirectUris lifts this)'
  }
  if (/(^|\/)(\.|%2e){1,2}(?=$|[/?])/i.test(uri.slice(scheme.length + 3))) return 'must not have dot segments'
  return undefined
}

/**
 * Whether a client may use that URI. Simple string comparison (RFC 9700 §2.1), but for the port of a loopback IP address,
 * which native apps learn only at run time (RFC 8252 §7.3).
 */
export function matchesRedirectUri(client: Pick<Client, 'redirectUris' | 'origin'>, requested: string): boolean {
  const { redirectUris, origin } = client
  if (redirectUris.includes(requested) || matchesLoopback(redirectUris, requested)) return true
  // A metadata document is the same for every user of an app, so it cannot name the port; MCP clients in wide use write
  // `http://localhost/…` there. Without a port nothing else can be meant: no app of a user listens at 80.
  return origin === 'metadata_document' && redirectUris.includes(requested.replace(localhostPort, '$1'))
}

function matchesLoopback(registered: readonly string[], requested: string): boolean {
  const wanted = withoutLoopbackPort(requested)
  return wanted !== undefined && registered.some((uri) => withoutLoopbackPort(uri) === wanted)
}

function withoutLoopbackPort(uri: string): string | undefined {
  const match = plainUri.test(uri) ? loopbackUri.exec(uri) : null
  if (!match || Number(match[2] ?? 1) > 65535) return undefined
  return `${match[1]}${match[3] ?? ''}`
}

/**
 * The URI with `parameters` added to its query, or as its fragment, keeping the query that it has (RFC 6749 §3.1.2) but
 * for what a client could take for a parameter of the answer.
 */
export function withParameters(
  uri: string,
  parameters: Iterable<[string, string]>,
  mode: 'query' | 'fragment',
): string {
  const pairs = [...parameters]
  const added = pairs.map(([name, value]) => `${name}=${encodeParameter(value)}`).join('&')
  const base = withoutParameters(uri, new Set([...responseParameters, ...pairs.map(([name]) => readName(name))]))
  if (mode === 'fragment') return `${base}#${added}`
  const question = base.indexOf('?')
  if (question < 0) return `${base}?${added}`
  return question === base.length - 1 || base.endsWith('&') ? `${base}${added}` : `${base}&${added}`
}

function withoutParameters(uri: string, names: ReadonlySet<string>): string {
  const parts = queryParts(uri)
  // byte for byte, where there is nothing to take out
  if (!parts.some(({ name }) => names.has(name))) return uri
  const kept = parts.filter(({ name }) => !names.has(name)).map(({ text }) => text)
  return `${uri.slice(0, uri.indexOf('?') + 1)}${kept.join('&')}`
}

/** The parts of the query with the name that a client reads. Some parsers end a part at a semicolon, too. */
function queryParts(uri: string): { text: string; name: string }[] {
  const question = uri.indexOf('?')
  if (question < 0) return []
  const parts = uri.slice(question + 1).split(/[&;]/)
  return parts.map((text) => ({ text, name: readName(text.split('=', 1)[0] as string) }))
}

/**
 * A name as the loosest parser reads it: without percent-encoding and case (ASP.NET), up to a bracket or NUL, with spaces
 * and dots as underscores (PHP, qs).
 */
function readName(text: string): string {
  const decoded = text
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const [name = ''] = decoded.split(/[\0[]/, 1)
  return name.trim().replaceAll(/[ .]/g, '_').toLowerCase()
}

// encodeURIComponent leaves !'()* alone; quotes must not reach pages and logs that put a URI in quotes
function encodeParameter(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27')
}

/** Whether the browser stays on its own device: every program there can pose as the app (RFC 8252 §8.6). */
export function staysOnDevice(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return protocol !== 'https:' && (protocol !== 'http:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
}

/** Where a browser is sent, in words: the host of a web URI, the scheme of an app's. */
export function redirectHost(uri: string): string {
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol.slice(0, -1) : host
}
