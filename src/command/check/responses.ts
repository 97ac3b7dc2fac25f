/** The checks for every response: its headers, its cookies, and whether it reveals too much. */
import { isIP } from 'node:net'
import { isLoopbackHost } from '../../rules/loopback'
import type { Findings } from './finding'
import { header, isHtml, placeOf, quoted, redirectOf, type Seen } from './probe'

/** Stack frames of V8 and others. Bounded repetitions, because the text is foreign. */
const stackFrames =
  /(?:\bat |&nbsp;at )[^\n<]{1,200}:\d{1,6}:\d{1,6}|\/node_modules\/|Traceback \(most recent call last\)/

export function lookAtResponse(found: Findings, seen: Seen): void {
  const place = placeOf(seen)
  if (stackFrames.test(seen.body) && seen.status >= 400) found.add('stack_trace', place)
  if (seen.status >= 500) found.add('server_error', place)
  if (header(seen, 'x-powered-by')) found.add('powered_by', `${place}: ${quoted(header(seen, 'x-powered-by'))}`)
  lookAtCookies(found, seen)
  const { protocol, hostname } = new URL(seen.url)
  // RFC 6797 §8.1.1: not for addresses
  const isNamed = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !isLoopbackHost(hostname)
  if (protocol === 'https:' && isNamed && !header(seen, 'strict-transport-security')) found.add('hsts', place)
}

function lookAtCookies(found: Findings, seen: Seen): void {
  for (const cookie of seen.headers['set-cookie'] ?? []) {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim())
    const names = attributes.map((attribute) => attribute.toLowerCase())
    const lacks = [
      ...(names.includes('secure') || new URL(seen.url).protocol === 'http:' ? [] : ['Secure']),
      ...(names.includes('httponly') ? [] : ['HttpOnly']),
      ...(names.some((name) => /^samesite=(lax|strict)$/.test(name)) ? [] : ['SameSite']),
    ]
    // without its value, which may be a session
    if (lacks.length > 0)
      found.add('cookie_flags', `${placeOf(seen)}: ${quoted(pair.split('=')[0])} lacks ${lacks.join(', ')}`)
  }
}

/** Pages that users see: sign-in, consent, errors. */
export function lookAtPage(found: Findings, seen: Seen): void {
  // the body of a redirect is not shown
  if (!isHtml(seen) || redirectOf(seen)) return
  const place = placeOf(seen)
  const policy = header(seen, 'content-security-policy')
  const ancestors = directive(policy, 'frame-ancestors')
  const frameOptions = /^\s*(deny|sameorigin)\s*$/i.test(header(seen, 'x-frame-options'))
  const isOpen = ancestors === undefined ? !frameOptions : / (\*|https?:(\/\/\*)?)( |$)/.test(` ${ancestors}`)
  if (isOpen) found.add('framed', place)
  if (!limitsScripts(policy)) found.add('csp', place)
  if (!/^\s*nosniff\s*$/i.test(header(seen, 'x-content-type-options'))) found.add('nosniff', place)
  const referrer = header(seen, 'referrer-policy').split(',').at(-1)?.trim().toLowerCase() ?? ''
  const isKept = ['no-referrer', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin']
  if (![...isKept, 'strict-origin-when-cross-origin'].includes(referrer)) found.add('referrer', place)
  if (!/\bno-store\b/i.test(header(seen, 'cache-control'))) found.add('page_stored', place)
}

function directive(policy: string, name: string): string | undefined {
  const parts = policy.split(';').map((part) => part.trim())
  const part = parts.find((one) => one.toLowerCase().split(/\s/)[0] === name)
  return part?.slice(name.length).trim().toLowerCase()
}

function limitsScripts(policy: string): boolean {
  const sources = directive(policy, 'script-src') ?? directive(policy, 'default-src')
  if (sources === undefined) return false
  const list = sources.split(/\s+/)
  const isExact = list.some((source) => /^'(nonce|sha\d+)-/.test(source))
  return !list.some(
    (source) => source === '*' || /^(https?|data|blob):$/.test(source) || (source === "'unsafe-inline'" && !isExact),
  )
}
