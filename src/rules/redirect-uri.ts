/** Redirect URIs: which may be registered, and which a request may use (RFC 6749 §3.1.2, RFC 8252, RFC 9700 §2.1). */
import type { Client } from '../storage'
import { isLocalhostName, isLoopbackHost } from './loopback'
import { privateUseProblem } from './private-use-scheme'
import type { ResponseMode } from './response-mode'

/** A URI that all parsers read alike: printable ASCII without the characters on which they disagree. */
const plainUri = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/
const webOrigin = /^(https?):\/\/([^/?#@]+)(?=[/?]|$)/
const dotSegment = /(^|\/)(\.|%2e){1,2}(?=$|[/?])/i
const anyScheme = /^([a-z][a-z0-9+.-]*):/i
/** An `http` URI without its port (from 1 to 65535), as host and rest. */
const withPort = /^http:\/\/([^/?#@:]+|\[::1\])(?::([1-9]\d{0,4}))?(\/[^#]*|\?[^#]*)?$/

/**
 * The response parameters that clients read: the IANA registry's (RFC 6749 §4.1.2 and §4.2.2, RFC 9207, JARM, OpenID
 * Connect). A redirect URI with one would have it twice, and many clients read the first.
 */
const responseParameters: ReadonlySet<string> = new Set([
  ...['code', 'state', 'iss', 'response', 'error', 'error_description', 'error_uri'],
  ...['access_token', 'token_type', 'expires_in', 'scope', 'id_token', 'session_state'],
])

export interface RedirectUriRules {
  /** Allows `http` on hosts other than loopback. */
  allowHttp: boolean
  /** Returns why this client's private-use scheme needs a dot (RFC 8252 §7.1), or undefined if it does not. */
  needsDot: () => string | undefined
}

/** Returns why a redirect URI cannot be registered, or undefined. */
export function redirectUriProblem(uri: unknown, rules: RedirectUriRules): string | undefined {
  if (typeof uri !== 'string' || uri === '') return 'must be a non-empty string'
  if (uri.length > 2048) return 'must be at most 2048 characters'
  if (uri.includes('#')) return 'must not have a fragment (RFC 6749 section 3.1.2)'
  // otherwise it would be registered silently and match only itself
  if (uri.includes('*')) return 'must not have a wildcard: a request must name the same URI (RFC 9700 section 2.1)'
  if (uri.includes(',')) return 'must be one URI: list each by itself, or write %2C for a comma'
  if (!plainUri.test(uri)) return 'must be ASCII, with other characters percent-encoded'
  const named = queryParts(uri).find(({ name }) => responseParameters.has(name))
  if (named) return `must not have the response parameter ${named.name} in its query`
  if (dotSegment.test(uri.replace(/^[^:/?]+:(\/\/)?/, ''))) return 'must not have dot segments'
  const web = webOrigin.exec(uri)
  if (web) return webProblem(uri, web[1] as string, web[2] as string, rules)
  const scheme = anyScheme.exec(uri)?.[1]
  if (scheme === undefined) return 'must be an absolute URI, such as https://app.example/callback'
  return privateUseProblem(uri, scheme, rules.needsDot)
}

function webProblem(uri: string, scheme: string, authority: string, rules: RedirectUriRules): string | undefined {
  if (!URL.canParse(uri)) return 'is not a valid URI'
  // a host that the URL parser rewrites (127.1, 0x7f000001, upper case, encoded dots) is not what it seems
  const { host } = new URL(uri)
  if (host !== authority.replace(scheme === 'https' ? /:443$/ : /:80$/, '')) return 'has a host in an unusual form'
  if (scheme === 'http' && !rules.allowHttp && !isLoopbackHost(new URL(uri).hostname)) {
    return 'must use https (http only on loopback; the server option allowHttpRedirectUris lifts this)'
  }
  return undefined
}

/**
 * Whether a client may use this URI. Compares strings (RFC 9700 §2.1), except for the port of a loopback address, which
 * native apps learn only at run time (RFC 8252 §7.3). §8.3 advises against `localhost`, which may resolve to anything.
 * Apps that register themselves use it anyway, and cannot know the port then.
 */
export function matchesRedirectUri(client: Pick<Client, 'redirectUris' | 'origin'>, requested: string): boolean {
  const { redirectUris, origin } = client
  if (redirectUris.includes(requested)) return true
  const wanted = withoutLoopbackPort(requested)
  if (wanted === undefined || (origin === undefined && isLocalhostName(wanted.host))) return false
  return redirectUris.some((uri) => withoutLoopbackPort(uri)?.uri === wanted.uri)
}

function withoutLoopbackPort(uri: string): { host: string; uri: string } | undefined {
  const match = plainUri.test(uri) ? withPort.exec(uri) : null
  const [, host = '', port = '1', rest = ''] = match ?? []
  if (!isLoopbackHost(host) || Number(port) > 65535) return undefined
  return { host, uri: `http://${host}${rest}` }
}

/** Returns why `matchesRedirectUri` refused. Registered URIs are counted but not listed: anyone may read this. */
export function unregistered({ redirectUris }: Pick<Client, 'redirectUris'>, name: string, requested: string): string {
  const { length } = redirectUris
  const others = length === 0 ? 'none' : `${length} ${length === 1 ? 'other' : 'others'}`
  // without a scheme it may be a secret in the wrong place, and errors are logged
  const shown = /^[a-z][a-z0-9+.-]*:/i.test(requested) ? ` ${shownUri(requested)}` : ''
  return `${name}${shown} is not registered for this client, which has ${others}.`
}

const MAX_SHOWN = 120

/** Makes a URI safe to show: foreign characters are encoded and long ones cut, so that it cannot pass as our words. */
export function shownUri(uri: string): string {
  const shown = [...uri.slice(0, MAX_SHOWN)].map((character) => {
    return plainUri.test(character) && character !== "'" ? character : encodeParameter(character.toWellFormed())
  })
  const text = shown.join('')
  return uri.length > MAX_SHOWN || text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

/**
 * Adds `parameters` to the URI's query or fragment; for `form_post`, adds none. Keeps the existing query (RFC 6749
 * §3.1.2), except names that a client could take for response parameters.
 */
export function withParameters(uri: string, parameters: Iterable<[string, string]>, mode: ResponseMode): string {
  const pairs = [...parameters]
  const added = pairs.map(([name, value]) => `${name}=${encodeParameter(value)}`).join('&')
  const base = withoutParameters(uri, new Set([...responseParameters, ...pairs.map(([name]) => readName(name))]))
  if (mode === 'form_post') return base
  if (mode === 'fragment') return `${base}#${added}`
  const question = base.indexOf('?')
  if (question < 0) return `${base}?${added}`
  return question === base.length - 1 || base.endsWith('&') ? `${base}${added}` : `${base}&${added}`
}

function withoutParameters(uri: string, names: ReadonlySet<string>): string {
  const parts = queryParts(uri)
  // unchanged byte for byte, if nothing must be removed
  if (!parts.some(({ name }) => names.has(name))) return uri
  const kept = parts.filter(({ name }) => !names.has(name)).map(({ text }) => text)
  return `${uri.slice(0, uri.indexOf('?') + 1)}${kept.join('&')}`
}

/** The parts of the query with the name that a client reads. Some parsers also end a part at a semicolon. */
function queryParts(uri: string): { text: string; name: string }[] {
  const question = uri.indexOf('?')
  if (question < 0) return []
  const parts = uri.slice(question + 1).split(/[&;]/)
  return parts.map((text) => ({ text, name: readName(text.split('=', 1)[0] as string) }))
}

/**
 * A name as the loosest parser reads it: decoded, without case (ASP.NET), up to a bracket or NUL, with spaces and dots
 * as underscores (PHP, qs).
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

/** Whether the redirect stays on the user's device: any program there can pose as the app (RFC 8252 §8.6). */
export function staysOnDevice(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return protocol !== 'https:' && (protocol !== 'http:' || isLoopbackHost(hostname))
}

/** The private-use scheme of an app's redirect URI. Undefined for a web or loopback URI. */
export function appScheme(uri: string): string | undefined {
  const { protocol } = new URL(uri)
  return protocol === 'https:' || protocol === 'http:' ? undefined : protocol.slice(0, -1)
}

/** The destination of a redirect for the user: the host of a web URI, or the scheme of an app's URI. */
export function redirectHost(uri: string): string {
  return appScheme(uri) ?? new URL(uri).host
}
