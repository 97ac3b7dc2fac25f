/**
 * `mutualTls()`: clients that authenticate, and bind their tokens, by the certificate of their connection (RFC 8705).
 */
import { namesOf } from '../certificates/names'
import { clientCertificates, type FindClientCertificate } from '../clients/keys'
import type { X509Certificate } from '../crypto'
import { kindOf, requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { networkOf, type Sender } from '../rules/network'
import { refusedProof } from '../sender-constraints/refusal'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type {
  ClientAuthentication,
  PresentedCredentials,
  ProofRequest,
  ProvenKey,
  ProvingRequest,
  SenderConstraint,
} from '../types/capability'
import { hasName, membersOfCertificates, SELF_SIGNED, TRUSTED, verifyCertificateRecord } from './members'
import { type Found, finder, isAuthorized, ofConnection, problemOf, unreadable } from './presented'

/** Options of `mutualTls`. */
export interface MutualTlsOptions {
  /**
   * Returns the certificate of a request: an `X509Certificate`, or the header that your proxy sets. The header contains
   * PEM, plain or percent-encoded, or base64. Only use a header that your proxy sets or removes in every request.
   * @default that of the TLS connection to this process
   */
  certificate?: (req: ProvingRequest) => X509Certificate | string | readonly string[] | null | undefined
  /**
   * Returns whether a CA that you trust issued the certificate. Only `tls_client_auth` needs it. With `certificate` and
   * without `verified`, the server does not support that method.
   * @default whether the TLS connection to this process is authorized
   */
  verified?: (req: ProvingRequest) => boolean | undefined
  /**
   * The origin for clients with a certificate, in `mtls_endpoint_aliases` (RFC 8705 §5):
   * `'https://mtls.auth.example.com'`. The main origin then asks no browser for a certificate.
   * @default none, and these clients use the same origin as all others
   */
  aliases?: string
  /** Also accepts a `jwks_uri` on loopback, as in `privateKeyJwt`. Set both alike. @default false */
  dangerouslyAllowLoopback?: boolean
}

/** RFC 8705 §5: the endpoints that clients call themselves, by name. */
const aliasMembers: Readonly<Record<string, string>> = {
  token: 'token_endpoint',
  revoke: 'revocation_endpoint',
  introspect: 'introspection_endpoint',
  pushedAuthorization: 'pushed_authorization_request_endpoint',
  deviceAuthorization: 'device_authorization_endpoint',
  userinfo: 'userinfo_endpoint',
}

interface PresentedCertificate extends PresentedCredentials {
  readonly found: Found
  readonly req: ProvingRequest & Sender
}

/**
 * Mutual TLS (RFC 8705), for `clientAuthentication`, `senderConstraints`, or both: use one value in both lists. For
 * authentication it has the methods `tls_client_auth` and `self_signed_tls_client_auth`. As a sender constraint it
 * binds the tokens of clients whose record has `tlsClientCertificateBoundAccessTokens`. Also add it to
 * `senderConstraints` of each `remoteServer`.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function mutualTls(options: MutualTlsOptions = {}): ClientAuthentication & SenderConstraint {
  requireNoMore('mutualTls', arguments, 1)
  requireKnown('mutualTls option', options, ['certificate', 'verified', 'aliases', 'dangerouslyAllowLoopback'])
  const { certificate, verified, aliases, dangerouslyAllowLoopback = false } = options
  requireFlags('mutualTls', { dangerouslyAllowLoopback })
  requireFunction('certificate', certificate)
  requireFunction('verified', verified)
  verifyAliases(aliases)
  const find = finder(certificate ?? ofConnection)
  const isTrusted = verified ?? (certificate ? undefined : isAuthorized)
  const methods: readonly TokenEndpointAuthMethod[] = isTrusted ? [TRUSTED, SELF_SIGNED] : [SELF_SIGNED]
  const findCertificate = clientCertificates(dangerouslyAllowLoopback)
  const value: ClientAuthentication<PresentedCertificate> & SenderConstraint = Object.freeze({
    methods,
    presented({ req, parameters }) {
      // RFC 8705 §2: the certificate alone does not identify the client
      const clientId = parameters.get('client_id')
      const found = clientId === undefined ? undefined : find(req)
      return found ? methods.map((method) => ({ method, clientId, explicit: false, found, req })) : []
    },
    verify: (server, client, presented) => verify(server, client, presented, isTrusted, findCertificate),
    verifyRecord: verifyCertificateRecord,
    member: 'x5t#S256',
    scheme: 'Bearer',
    challenge: '',
    confirm: (source, request) => confirm(source, request, find(request.req)),
    aliases,
    clientMembers: membersOfCertificates(dangerouslyAllowLoopback),
    metadata: (server, urlOf) => ({
      ...(server.senderConstraints.includes(value) && { tls_client_certificate_bound_access_tokens: true }),
      ...(aliases !== undefined && { mtls_endpoint_aliases: aliasesAt(aliases, urlOf) }),
    }),
  } satisfies ClientAuthentication<PresentedCertificate> & SenderConstraint)
  return value as ClientAuthentication & SenderConstraint
}

function requireFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw misuse('not_a_function', `mutualTls({ ${name} }) must be a function of the request`)
}

function verifyAliases(aliases: unknown): void {
  if (aliases === undefined) return
  const isOrigin = typeof aliases === 'string' && URL.canParse(aliases) && new URL(aliases).origin === aliases
  if (isOrigin && aliases.startsWith('https:')) return
  throw misuse(
    'wrong_url',
    "mutualTls({ aliases }) must be an https origin without a path, such as 'https://mtls.example.com'",
  )
}

function aliasesAt(origin: string, urlOf: (endpoint: string) => string | undefined): Record<string, string> {
  const named = Object.entries(aliasMembers).flatMap(([endpoint, member]) => {
    const url = urlOf(endpoint)
    return url === undefined ? [] : [[member, origin + new URL(url).pathname]]
  })
  return Object.fromEntries(named)
}

/** RFC 8705 §2.1, §2.2. The response does not give the reason, which would reveal the client's method. */
async function verify(
  server: AuthorizationServer,
  client: Client | undefined,
  { method, found, req }: PresentedCertificate,
  isTrusted: MutualTlsOptions['verified'],
  findCertificate: FindClientCertificate,
): Promise<{ client: Client } | { reason: string } | undefined> {
  const problem = problemOf(found, server.now())
  if (!client || problem !== undefined || 'problem' in found) return { reason: problem ?? 'unknown client' }
  const { bytes, thumbprint } = found.certificate
  if (method === TRUSTED) {
    if (!saidTrusted(isTrusted?.(req))) return { reason: 'no trusted CA has issued the client certificate' }
    const names = namesOf(bytes)
    return names && hasName(client, names) ? { client } : { reason: 'the client certificate has another name' }
  }
  const { keys, giveBack } = await findCertificate(server, client, thumbprint, networkOf(req.ip))
  if (keys.length === 0) return { reason: 'the client certificate is not among the keys of the client' }
  await giveBack?.()
  return { client }
}

/** Accepts only a boolean: a promise, or the text of a header, would always count as true. */
function saidTrusted(said: unknown): boolean {
  if (typeof said === 'boolean' || said === undefined) return said === true
  throw misuse('wrong_answer', `mutualTls({ verified }) must return true or false, not ${kindOf(said)}`)
}

/** RFC 8705 §3: returns the certificate of the request. At an API, checks that the token is bound to it. */
function confirm(
  source: Pick<AuthorizationServer, 'emit' | 'now'>,
  { token }: ProofRequest,
  found: Found | undefined,
): ProvenKey | undefined {
  if (!found && !token) return undefined
  const refuse = (reason: string) =>
    refusedProof(
      source,
      reason,
      token ? { clientId: token.clientId, code: 'invalid_token' } : { code: 'invalid_request' },
    )
  if (!found) throw refuse('The access token is bound to a certificate, and the request has none.')
  const problem = problemOf(found, source.now())
  if (problem !== undefined || 'problem' in found) throw refuse(problem ?? unreadable)
  const { thumbprint } = found.certificate
  if (token && token.confirmation['x5t#S256'] !== thumbprint) {
    throw refuse('The access token is bound to another certificate.')
  }
  return { confirmation: { 'x5t#S256': thumbprint }, headers: {} }
}
