/** Which key a request proves, and whether its token is bound to that key (RFC 7800). */
import type { ServerResponse } from 'node:http'
import type { Request } from 'express'
import { type Awaitable, whenReady } from '../awaitable'
import { OAuthError } from '../errors'
import { withoutOrigin } from '../http/request-target'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { AccessToken } from '../types/access-token'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ProofRequest, ProvenKey, ProvingRequest, SenderConstraint } from '../types/capability'
import { refusedProof } from './refusal'

/**
 * The key that a request to an endpoint proves. Undefined without a proof. Uses nothing up. Sets the response headers
 * of proofs at once, because refusals need them too.
 */
export async function provenKey(
  server: AuthorizationServer,
  req: Request,
  endpoint: string,
): Promise<ProvenKey | undefined> {
  const path = server.endpoints[endpoint] ?? pathOfTarget(req)
  const [origin, aliases] = [new URL(server.issuer).origin, aliasesOf(server)]
  const url = { url: origin + path, alias: aliases && aliases + path }
  for (const constraint of server.senderConstraints) {
    // a certificate may be present unintentionally: it binds only if the record requires it
    if (constraint.scheme === 'Bearer') continue
    const proven = await constraint.confirm(server, { req, ...url })
    if (!proven) continue
    tell(req.res, proven)
    return proven
  }
  return undefined
}

/** RFC 8705 §5: clients with a certificate use the other origin, and sign proofs for it. */
function aliasesOf({ capabilities }: Pick<AuthorizationServer, 'capabilities'>): string | undefined {
  return capabilities.find(({ aliases }) => aliases !== undefined)?.aliases
}

type Telling = Pick<ServerResponse, 'headersSent' | 'setHeader'>

/** If a timeout of the host has responded, no header can be set. */
function tell(res: Telling | undefined, { headers }: ProvenKey): void {
  if (res?.headersSent) return
  for (const [name, value] of Object.entries(headers)) res?.setHeader(name, value)
}

function pathOfTarget({ originalUrl, url = '/' }: ProvingRequest): string {
  return withoutOrigin(originalUrl ?? url).split('?', 1)[0] as string
}

/** RFC 9449 §5.2: the error for a client that must send a proof. */
export function missingProof(server: AuthorizationServer, clientId: string): OAuthError {
  return refusedProof(server, 'This client must send a DPoP proof.', { clientId })
}

/** Throws if a code or refresh token is bound to another key than the proven one. */
export function requireKey(
  server: AuthorizationServer,
  clientId: string,
  bound: unknown,
  proven: Confirmation | undefined,
): void {
  if (proven !== undefined && proven.jkt === bound) return
  const reason = proven ? 'The DPoP proof is signed by another key.' : 'The request has no DPoP proof.'
  throw refusedProof(server, reason, { clientId })
}

/** Where an API accepts proofs, and for which tokens. */
export interface ProofPlace {
  /** The public URL of the API. Undefined if only the host's `url` knows it. */
  readonly base: { readonly origin: string; readonly prefix: string; readonly aliases?: string | undefined } | undefined
  /** Whether unbound tokens are refused. */
  readonly required: boolean
  /** The constraints with their own scheme, and whether there is no other. */
  readonly schemes: readonly SenderConstraint[]
  readonly only: boolean
}

/** A request to an API that may have a proof. */
export interface Call extends ProofPlace {
  readonly req: ProvingRequest
}

type Constrained = Pick<AuthorizationServer, 'senderConstraints' | 'emit' | 'now' | 'issuer' | 'audience'> &
  Partial<Pick<AuthorizationServer, 'proxyPrefix' | 'capabilities'>>

/** Throws a TypeError if the URL that proofs must name is unknown. */
export function proofPlace(
  owner: string,
  source: Constrained,
  resource: string | undefined,
  required = false,
): ProofPlace | undefined {
  if (source.senderConstraints.length === 0) {
    if (!required) return undefined
    throw misuse('missing_capability', `${owner}'s senderConstrained needs senderConstraints: [dpop()] of the server`)
  }
  const base = baseOf(source, resource)
  const schemes = source.senderConstraints.filter(({ scheme }) => scheme !== 'Bearer')
  const only = required && schemes.length === source.senderConstraints.length
  if (base || schemes.every(({ url }) => url)) return { base, required, schemes, only }
  throw misuse(
    'missing_option',
    `${owner} needs resource, the https URL of this API, or dpop({ url }): proofs name that URL`,
  )
}

/** Never from the Host header, which the caller chooses. */
function baseOf(source: Constrained, resource: string | undefined): ProofPlace['base'] {
  const isHere = 'storage' in source
  const named = resource ?? (isHere || source.audience.length !== 1 ? undefined : source.audience[0])
  if (named !== undefined && /^https?:/i.test(named) && URL.canParse(named)) {
    const { origin, pathname } = new URL(named)
    return { origin, prefix: pathname.replace(/\/$/, '') }
  }
  if (!isHere) return undefined
  const { proxyPrefix: prefix = '', capabilities = [] } = source
  return { origin: new URL(source.issuer).origin, prefix, aliases: aliasesOf({ capabilities }) }
}

/** Adds a path that a proxy removed, of the resource or the `proxyPrefix`, if it is missing. */
function urlOfCall({ url }: SenderConstraint, { req, base }: Call): Pick<ProofRequest, 'url' | 'alias'> {
  if (url) return { url: saidUrl(url(req)) }
  const path = pathOfTarget(req)
  // no proof here names a URL
  if (!base) return { url: path }
  const { origin, prefix, aliases } = base
  const hasPrefix = path === prefix || path.startsWith(`${prefix}/`)
  const whole = hasPrefix ? path : prefix + path
  return { url: origin + whole, alias: aliases && aliases + whole }
}

function saidUrl(said: unknown): string {
  if (typeof said === 'string' && /^https?:\/\//i.test(said)) return said
  const came = typeof said === 'string' ? 'a part of it' : kindOf(said)
  throw misuse('wrong_answer', `dpop({ url }) must return the whole URL, such as https://a.example/b, not ${came}`)
}

/** The scheme of the Authorization header in lower case. Empty without one. */
export function schemeOf({ headers }: Pick<ProvingRequest, 'headers'>): string {
  return /^[^ ]*/.exec(headers.authorization ?? '')?.[0].toLowerCase() ?? ''
}

/**
 * Whether this call may use the access token. Throws for a bound token without its key, also without `call`, and if no
 * constraint here verifies such a key: an unverifiable token is refused.
 */
export function verifyConfirmation(
  source: Constrained,
  value: string,
  { confirmation, clientId }: AccessToken,
  call: Call | undefined,
): Awaitable<void> {
  const scheme = call ? schemeOf(call.req) : ''
  if (!confirmation) {
    // RFC 9449 §7.1: an unbound token has the scheme Bearer
    const isOther = scheme !== 'bearer' && source.senderConstraints.some((one) => one.scheme.toLowerCase() === scheme)
    if (!call?.required && !isOther) return undefined
    throw refusedToken('The access token is not bound to a key.')
  }
  const constraints = source.senderConstraints.filter(({ member }) => confirmation[member] !== undefined)
  const areAllKnown = constraints.length > 0 && constraints.length === Object.keys(confirmation).length
  if (!areAllKnown || !call) throw refusedToken('The access token is bound to a key, which is not verified here.')
  const [certificates, proofs] = [true, false].map((is) =>
    constraints.filter((one) => (one.scheme === 'Bearer') === is),
  )
  // RFC 9449 §7.2: otherwise a stolen bound token could be used as a bearer token
  const own = proofs?.[0]?.scheme ?? 'Bearer'
  if (scheme !== '' && scheme !== own.toLowerCase()) {
    throw refusedToken(`The access token is bound to a key: send it with the scheme ${own}.`)
  }
  const token = { value, clientId, confirmation }
  // a proof is used up last
  return [...(certificates ?? []), ...(proofs ?? [])].reduce<Awaitable<void>>((before, constraint) => {
    const proven = whenReady(before, () =>
      constraint.confirm(source, { req: call.req, ...urlOfCall(constraint, call), token }),
    )
    return whenReady(proven, (found) => {
      if (!found) throw refusedToken('The access token is bound to a key, which the request does not prove.')
      tell((call.req as { res?: Telling }).res, found)
    })
  }, undefined)
}

function refusedToken(problem: string): OAuthError {
  return new OAuthError('invalid_token', problem)
}
