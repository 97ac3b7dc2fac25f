/** The issuer: an authorization server's name, which is a URL and is compared byte for byte (RFC 8414 §2). */
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { isLoopbackHost } from './loopback'

/** Throws a TypeError unless `issuer` is an https URL, or http where that is safe or allowed, without query and fragment. */
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

/** The origin at which an issuer is reached from inside. Throws a TypeError for anything else than an origin. */
export function verifiedOrigin(reachableAt: unknown, allowHttp: boolean): string {
  const isOrigin = typeof reachableAt === 'string' && /^https?:\/\/[^/?#@\s]+\/?$/.test(reachableAt)
  if (isOrigin && (isSafeUrl(reachableAt) || (allowHttp && isHttpUrl(reachableAt)))) return new URL(reachableAt).origin
  throw misuse(
    'wrong_url',
    "remoteServer's reachableAt must be an https origin without a path, such as 'https://auth.internal'. With http beyond loopback also set dangerouslyAllowHttp: true",
  )
}

/** Whether it is an http URL, on loopback or not. */
export function isHttpUrl(url: unknown): url is string {
  return typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'http:'
}

/** Whether nobody on the way can read or change what is fetched from there: https, or http on loopback. */
export function isSafeUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}
