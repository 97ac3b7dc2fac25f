/** Well-known URIs (RFC 8615), as RFC 8414 §3.1 and RFC 9728 §3.1 use them. */
import { misuse } from '../options/misuse'
import { isSafeUrl } from './issuer'

/** The path of the document `name` about `url`: the well-known part comes before the URL's own path. */
export function wellKnownPath(name: string, url: string): string {
  return `/.well-known/${name}${new URL(url).pathname}`.replace(/\/$/, '')
}

/**
 * OpenID Connect Discovery §4: after the issuer's path; also before it, as RFC 8414 §5 describes. Both are the same for
 * an issuer without a path.
 */
export function openIdConfigurationPaths(issuer: string): string[] {
  const name = 'openid-configuration'
  const path = new URL(issuer).pathname.replace(/\/$/, '')
  return [...new Set([`${path}/.well-known/${name}`, wellKnownPath(name, issuer)])]
}

/** The same as a URL. */
export function wellKnownUrl(name: string, url: string): string {
  return `${new URL(url).origin}${wellKnownPath(name, url)}`
}

/** RFC 9728 §3: the metadata of a resource. */
export const PROTECTED_RESOURCE = 'oauth-protected-resource'

/** RFC 9728 §1.2: only a resource with a URL can have metadata. Throws a TypeError for another one. */
export function requireResourceUrl(who: string, resource: string): void {
  if (isSafeUrl(resource) && !/[?#]/.test(resource)) return
  throw misuse(
    'wrong_url',
    `${who}: the resource ${resource} must be an https URL (http on loopback) without query and fragment`,
  )
}
