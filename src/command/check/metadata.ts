/**
 * The server's metadata (RFC 8414, OpenID Connect Discovery): where it is, whether it is consistent, and what it
 * allows.
 */
import { isSafeUrl } from '../../rules/issuer'
import { openIdConfigurationPaths, wellKnownPath } from '../../rules/well-known'
import type { Findings } from './finding'
import { header, jsonOf, type Probe, placeOf, quoted, type Seen } from './probe'
import { lookAtResponse } from './responses'

export type Metadata = Readonly<Record<string, unknown>>

/** The most entries of a list that are read. */
const MOST = 100

/** The texts of a list. Another value counts as empty. */
function listOf(metadata: Metadata, name: string): string[] {
  const value = metadata[name]
  return Array.isArray(value) ? value.slice(0, MOST).filter((one) => typeof one === 'string') : []
}

/** Fetches and checks the documents. Undefined without one. */
export async function lookAtMetadata(found: Findings, probe: Probe, issuer: string): Promise<Metadata | undefined> {
  const { origin } = probe
  const first = await probe.askFirst(`${origin}${wellKnownPath('oauth-authorization-server', issuer)}`)
  const oauth = documentOf(found, first)
  let openid: Metadata | undefined
  for (const path of openIdConfigurationPaths(issuer)) {
    if (openid) break
    const seen = await probe.ask(`${origin}${path}`)
    openid = seen && documentOf(found, seen)
  }
  const metadata = oauth ?? openid
  if (!metadata) {
    found.add('metadata_missing', placeOf(first))
    return undefined
  }
  if (oauth && openid) compare(found, oauth, openid)
  lookAtIssuer(found, metadata, issuer)
  lookAtMembers(found, metadata)
  return metadata
}

function documentOf(found: Findings, seen: Seen): Metadata | undefined {
  lookAtResponse(found, seen)
  const document = seen.status === 200 ? jsonOf(seen) : undefined
  // a page for every path is not a document, whatever its status
  if (!document || (!('issuer' in document) && !('token_endpoint' in document))) return undefined
  if (!/^\s*application\/json\s*(;|$)/i.test(header(seen, 'content-type'))) found.add('metadata_type', placeOf(seen))
  return document
}

/** Compares members that clients read in either document. */
function compare(found: Findings, oauth: Metadata, openid: Metadata): void {
  for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    const [one, other] = [oauth[name], openid[name]]
    if (one === undefined || other === undefined || one === other) continue
    found.add('metadata_differs', `${name}: ${quoted(one)} and ${quoted(other)}`)
  }
}

function lookAtIssuer(found: Findings, { issuer }: Metadata, given: string): void {
  const isSame = typeof issuer === 'string' && issuer.replace(/\/$/, '') === given.replace(/\/$/, '')
  if (!isSame) found.add('issuer_mismatch', `issuer is ${quoted(issuer)} at ${quoted(given)}`)
  if (typeof issuer === 'string' && !isSafeUrl(issuer)) found.add('issuer_http', quoted(issuer))
}

function lookAtMembers(found: Findings, metadata: Metadata): void {
  const types = listOf(metadata, 'response_types_supported')
  const has = (name: string, value: string) => listOf(metadata, name).includes(value)
  if (types.length === 0) found.add('metadata_member', 'response_types_supported')
  const isFrontChannel = types.some((type) => type.split(' ').includes('token'))
  if (isFrontChannel || has('grant_types_supported', 'implicit')) {
    found.add('implicit_announced', `response_types_supported: ${quoted(types.join(', '))}`)
  }
  if (has('grant_types_supported', 'password')) found.add('password_announced', 'grant_types_supported')
  const usesCodes = types.some((type) => type.split(' ').includes('code'))
  const methods = listOf(metadata, 'code_challenge_methods_supported')
  if (usesCodes && !methods.includes('S256')) found.add('pkce_unannounced', 'code_challenge_methods_supported')
  if (methods.includes('plain')) found.add('plain_announced', 'code_challenge_methods_supported')
  if (usesCodes && metadata.authorization_response_iss_parameter_supported !== true) {
    found.add('iss_unannounced', 'authorization_response_iss_parameter_supported')
  }
  if (has('introspection_endpoint_auth_methods_supported', 'none')) {
    found.add('introspection_unprotected', 'introspection_endpoint_auth_methods_supported')
  }
  for (const name of Object.keys(metadata).filter(
    (one) => /_alg_values_supported$/.test(one) && !/encryption/.test(one),
  )) {
    const weak = listOf(metadata, name).filter((algorithm) => /^(none|HS\d+)$/i.test(algorithm))
    if (weak.length > 0) found.add('weak_algorithm', `${quoted(name)}: ${quoted(weak.join(', '))}`)
  }
}

/** The endpoints on the server's origin, by member. Others are reported but not checked. */
export function endpointsOf(found: Findings, { origin }: Probe, metadata: Metadata): ReadonlyMap<string, string> {
  const needed = [
    ...(usesBrowser(metadata) ? ['authorization_endpoint'] : []),
    ...(listOf(metadata, 'response_types_supported').some((type) => type.includes('code')) ? ['token_endpoint'] : []),
  ]
  for (const name of needed) if (metadata[name] === undefined) found.add('metadata_member', name)
  const endpoints = new Map<string, string>()
  const members = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name))
  for (const [name, url] of members.slice(0, MOST)) {
    // RFC 6749 §3.1: without a fragment
    if (typeof url !== 'string' || !URL.canParse(url) || url.includes('#')) {
      found.add('metadata_member', `${quoted(name)}: ${quoted(url)}`)
      continue
    }
    const parsed = new URL(url)
    if (!isSafeUrl(url)) found.add('endpoint_http', `${quoted(name)}: ${quoted(url)}`)
    if (parsed.origin === origin && !parsed.username && !parsed.password) endpoints.set(name, parsed.href)
    else found.add('endpoint_elsewhere', `${quoted(name)}: ${quoted(url)}`)
  }
  return endpoints
}

function usesBrowser(metadata: Metadata): boolean {
  return listOf(metadata, 'response_types_supported').some((type) => type !== '' && type !== 'none')
}
