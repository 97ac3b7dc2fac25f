/** Client ids that are the URL of a document about the client: draft-ietf-oauth-client-id-metadata-document §3. */
import { isLoopbackAddress } from '../fetch/public-address'
import { isLocalhostName } from '../rules/loopback'

/**
 * Whether a client id is such a URL: https, with a path, without credentials, fragment and dot segments, and written
 * exactly as the URL parser writes it, because ids are compared as strings. `withLoopback` also takes http, on loopback.
 */
export function isDocumentUrl(clientId: string, withLoopback: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(clientId) || clientId.length > 255 || !URL.canParse(clientId)) return false
  const { protocol, hostname, username, password, pathname, href } = new URL(clientId)
  if (protocol !== 'https:' && !(withLoopback && isLoopback(hostname))) return false
  // the parser takes dot segments out, the encoded ones as well: what had them is not what it writes
  return href === clientId && username === '' && password === '' && pathname !== '/' && !clientId.includes('#')
}

/** Whatever a socket may connect to there: more addresses than a redirect URI may have. */
function isLoopback(hostname: string): boolean {
  return isLocalhostName(hostname) || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ''))
}
