/** RFC 7800: which key a request proves, and whether the token with it is bound to that key. */
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
 * The key that a request to an endpoint of the server proves; undefined where it sends no proof. Nothing is used up. What
 * the response says of proofs is set at once: it holds for a refusal, too.
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
    // a certificate is there whether it was meant or not: it binds where the record asks for it
    if (constraint.scheme === 'Bearer') continue
    const proven = await constraint.confirm(server, { req, ...url })
    if (!proven) continue
    tell(req.res, proven)
    return proven
  }
  return undefined
}

/** RFC 8705 §5: clients with a certificate send a proof to the other origin, and sign it for that. */
function aliasesOf({ capabilities }: Pick<AuthorizationServer, 'capabilities'>): string | undefined {
  return capabilities.find(({ aliases }) => aliases !== undefined)?.aliases
}

type Telling = Pick<ServerResponse, 'headersSent' | 'setHeader'>

/** Where a timeout of the host has answered already there is nobody left to tell. */
function tell(res: Telling | undefined, { headers }: ProvenKey): void {
  if (res?.headersSent) return
  for (const [name, value] of Object.entries(headers)) res?.setHeader(name, value)
}

function pathOfTarget({ originalUrl, url = '/' }: ProvingRequest): string {
  return withoutOrigin(originalUrl ?? url).split('?', 1)[0] as string
}

/** RFC 9449 §5.2: a client that gets bound tokens only sent no proof. */
export function missingProof(server: AuthorizationServer, clientId: string): OAuthError {
  return refusedProof(server, 'This client must send a DPoP proof.', { clientId })
}

/** Throws where a code or a refresh token is bound to another key than the one that the request proves. */
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

/** Where an API takes proofs, and which tokens. */
export interface ProofPlace {
  /** Where its clients know it to be; undefined where only the host's `url` can say. */
  readonly base: { readonly origin: string; readonly prefix: string; readonly aliases?: string | undefined } | undefined
  /** Whether tokens that are bound to no key are refused. */
  readonly required: boolean
  /** What has a scheme of its own, and whether that is the only one. */
  readonly schemes: readonly SenderConstraint[]
  readonly only: boolean
}

/** A call of an API that may have a proof. */
export interface Call extends ProofPlace {
  readonly req: ProvingRequest
}

type Constrained = Pick<AuthorizationServer, 'senderConstraints' | 'emit' | 'now' | 'issuer' | 'audience'> &
  Partial<Pick<AuthorizationServer, 'proxyPrefix' | 'capabilities'>>

/** Throws a TypeError where nobody could know which URL a proof must name. */
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

/** Never by the Host header, which is the caller's to choose. */
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

/** A proxy may take the path of the resource off, or the `proxyPrefix`; where it does not, it is there already. */
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

/** The scheme of the Authorization header, in lower case; '' without one. */
export function schemeOf({ headers }: Pick<ProvingRequest, 'headers'>): string {
  return /^[^ ]*/.exec(headers.authorization ?? '')?.[0].toLowerCase() ?? ''
}

/**
 * Whether the access token may be used by this call. Throws for a bound token without its key, also where `call` is left out
 * or nothing here verifies such a key: a token that one cannot judge is refused.
 */
export function verifyConfirmation(
  source: Constrained,
  value: string,
  { confirmation, clientId }: AccessToken,
  call: Call | undefined,
): Awaitable<void> {
  const scheme = call ? schemeOf(call.req) : ''
  if (!confirmation) {
    // RFC 9449 §7.1: an unbound token is of no other scheme than Bearer
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
  // RFC 9449 §7.2: or a stolen one would be good as a bearer token
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
