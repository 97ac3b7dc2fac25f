/** The access token of a request: RFC 6750 §2. */
import type { Request } from 'express'
import { OAuthError } from '../errors'
import { authorizationHeader, queryParameters } from '../http/request'
import type { AuthenticatedToken } from '../tokens/access-token'
import type { SenderConstraint } from '../types/capability'

/** Where a token may be sent: the header (RFC 6750 §2.1), a form body (§2.2), or the query (§2.3). */
export type TokenPlace = 'header' | 'body' | 'query'

export const tokenPlaces: readonly unknown[] = ['header', 'body', 'query'] satisfies TokenPlace[]

// RFC 6750 §2.1: b64token
const tokenSyntax = /^[A-Za-z0-9._~+/-]+=*$/

/** The parts of a challenge: RFC 6750 §3, RFC 9728 §5.1. */
export interface Challenge {
  realm: string
  resourceMetadata?: string | undefined
  /** The required sign-in, as parameters of the challenge. */
  stepUp?: readonly string[]
  /** The schemes of bound tokens, and whether only bound tokens are accepted. */
  bound?:
    | { readonly schemes: readonly Pick<SenderConstraint, 'scheme' | 'challenge'>[]; readonly only: boolean }
    | undefined
}

/** The token that admitted a request. It has a challenge if the guard admitted it. */
export type Admission = AuthenticatedToken & { challenge?: Challenge }

/**
 * The place on the request where the guard and the strategy store the admission. Other code can write `req.authInfo`,
 * but does not have this symbol. (A WeakMap would work, but would cost each request as much as all digests of the
 * token.)
 */
const ADMISSION = Symbol('access token')

export function setAdmission(req: object, admission: Admission): void {
  ;(req as { [ADMISSION]?: Admission })[ADMISSION] = admission
}

export function admissionOf(req: object): Admission | undefined {
  const places = req as { [ADMISSION]?: Admission; [OFFER]?: Offer }
  const offer = places[OFFER]
  if (offer && isTaken(req, offer)) {
    // the endpoints behind must know the limits of the token, as they do behind the guard
    setAdmission(req, offer.admission)
    delete places[OFFER]
  }
  return places[ADMISSION]
}

/** The error for a request without an admission. An admission by another copy of this package is not trusted. */
export function notAdmitted(req: object, problem: string): Error {
  const isOther = (symbol: symbol) => symbol !== ADMISSION && symbol.description === ADMISSION.description
  if (!Object.getOwnPropertySymbols(req).some(isOther)) return new Error(problem)
  const fix = 'another copy of express-authorization-server admitted this request. Install one copy alone (see npm ls)'
  return new Error(`${problem}: ${fix}`)
}

/** A token that our strategy accepted. Passport, or a callback of the host, may still refuse the request. */
interface Offer {
  admission: Admission
  /** The object that the strategy gave to Passport. Passport sets it as `req.authInfo` when it admits the request. */
  handed: object
  /** The property of the request where Passport sets the user. */
  place: string
  /** The previous value there. The host's session may have set the same user before. */
  before?: unknown
}

function isTaken(req: object, { admission: { user }, handed, place, before }: Offer): boolean {
  if (Reflect.get(req, 'authInfo') === handed) return true
  return user !== undefined && user !== before && Reflect.get(req, place) === user
}

const OFFER = Symbol('access token, not admitted yet')

/** Makes the admission count once `handed` is in `req.authInfo`, or the user is at `place`. */
export function offerAdmission(req: object, offer: Omit<Offer, 'before'>): void {
  // first take an earlier offer that Passport may have admitted
  admissionOf(req)
  ;(req as { [OFFER]?: Offer })[OFFER] = { ...offer, before: Reflect.get(req, offer.place) }
}

const bearer = /^bearer(?: +|$)(.*)$/i
/** Also the scheme of RFC 9449 §7.1. */
const bearerOrDpop = /^(?:bearer|dpop)(?: +|$)(.*)$/i

/**
 * Returns the one token of the request, or undefined. RFC 6750 §2: a request must not send it in more than one way.
 * `mayBeBound` also accepts the scheme of tokens that are bound to a key.
 */
export function presentedToken(req: Request, places: readonly TokenPlace[], mayBeBound = false): string | undefined {
  let token: string | undefined
  for (const place of places) {
    const sent =
      place === 'header' ? headerToken(req, mayBeBound) : place === 'query' ? queryToken(req) : bodyToken(req)
    if (sent === undefined) continue
    if (token !== undefined) throw new OAuthError('invalid_request', 'The request has more than one access token.')
    token = sent
  }
  if (token !== undefined && !tokenSyntax.test(token)) {
    throw new OAuthError('invalid_token', 'The access token is malformed.')
  }
  return token
}

/** A header with another scheme has no access token: the bare challenge then names the scheme. */
function headerToken(req: Request, mayBeBound: boolean): string | undefined {
  const sent = authorizationHeader(req)
  // as almost all clients write it: the expression would cost more
  if (sent.startsWith('Bearer ') && sent[7] !== ' ') return sent.slice(7)
  return (mayBeBound ? bearerOrDpop : bearer).exec(sent)?.[1]
}

function queryToken(req: Request): string | undefined {
  const { parameters, repeated } = queryParameters(req)
  if (repeated.has('access_token')) throw new OAuthError('invalid_request', 'access_token is included more than once.')
  return parameters.get('access_token')
}

function bodyToken(req: Request): string | undefined {
  const token: unknown = (req.body as Record<string, unknown> | undefined)?.access_token
  if (token === undefined || token === '') return undefined
  if (typeof token === 'string') return token
  throw new OAuthError('invalid_request', 'access_token must be a string.')
}
