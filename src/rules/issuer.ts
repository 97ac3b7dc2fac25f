/** The issuer: the authorization server's identifier, a URL that is compared byte for byte (RFC 8414 §2). */
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { isLoopbackHost } from './loopback'

/**
 * Throws a TypeError unless `issuer` is an https URL without query and fragment, or http if that is safe or allowed.
 */
export function verifiedIssuer(issuer: unknown, allowHttp = false): string {
  const fix = "issuer must be an https URL without query and fragment, such as 'https://auth.example.com'"
  if (typeof issuer !== 'string') throw misuse('wrong_url', `${fix}, as a string, not ${kindOf(issuer)}`)
  if (!URL.canParse(issuer) || /[?#\s]/.test(issuer)) throw misuse('wrong_url', fix)
  const { username, password } = new URL(issuer)
  if (username || password || !(isSafeUrl(issuer) || (allowHttp && isHttpUrl(issuer)))) {
    const forContainers = 'for containers in development set dangerouslyAllowHttp: true'
    throw misuse('wrong_url', `${fix} (http only on loopback; ${forContainers}); it is ${issuer}`)
  }
  return issuer
}

/** Checks the origin at which the issuer is reachable internally. Throws a TypeError for anything but an origin. */
export function verifiedOrigin(reachableAt: unknown, allowHttp: boolean): string {
  const isOrigin = typeof reachableAt === 'string' && /^https?:\/\/[^/?#@\s]+\/?$/.test(reachableAt)
  if (isOrigin && (isSafeUrl(reachableAt) || (allowHttp && isHttpUrl(reachableAt)))) return new URL(reachableAt).origin
  throw misuse(
    'wrong_url',
    "remoteServer's reachableAt must be an https origin without a path, such as 'https://auth.internal'. With http beyond loopback also set dangerouslyAllowHttp: true",
  )
}

/** Whether it is an http URL. */
export function isHttpUrl(url: unknown): url is string {
  return typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'http:'
}

/** Whether the URL is safe from eavesdroppers and tampering: https, or http on loopback. */
export function isSafeUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}
