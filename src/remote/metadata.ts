/** What a server elsewhere says of itself: RFC 8414. */
import { fetchJson } from '../fetch/json'
import { wellKnownUrl } from '../rules/well-known'

/** RFC 8414 §3.3: a document about another issuer is no metadata of this one. */
export async function fetchMetadata(
  issuer: string,
  reachableAt: string,
  allowHttp: boolean,
): Promise<Record<string, unknown>> {
  const { origin } = new URL(issuer)
  // what the server says of itself is for everybody: only its own origin has another name inside
  const inside = (url: unknown) => {
    return typeof url === 'string' && url.startsWith(`${origin}/`) ? reachableAt + url.slice(origin.length) : url
  }
  const url = String(inside(wellKnownUrl('oauth-authorization-server', issuer)))
  const metadata = await fetchJson(url, allowHttp)
  const { jwks_uri, introspection_endpoint } = metadata
  if (metadata.issuer === issuer)
    return { ...metadata, jwks_uri: inside(jwks_uri), introspection_endpoint: inside(introspection_endpoint) }
  throw new Error(`${url} names the issuer ${String(metadata.issuer)}, but the option issuer is ${issuer}`)
}
