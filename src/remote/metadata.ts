/** The metadata of a remote server: RFC 8414. */
import { fetchJson } from '../fetch/json'
import { wellKnownUrl } from '../rules/well-known'

/** RFC 8414 §3.3: refuses a document with another issuer. */
export async function fetchMetadata(
  issuer: string,
  reachableAt: string,
  allowHttp: boolean,
): Promise<Record<string, unknown>> {
  const { origin } = new URL(issuer)
  // the metadata has public URLs: only their origin is replaced by the internal one
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
