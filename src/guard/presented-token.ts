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

/** What an answer of the guard says of itself: RFC 6750 §3, RFC 9728 §5.1. */
export interface Challenge {
  realm: string
  resourceMetadata?: string | undefined
  /** How the user must have signed in, as the challenge says it. */
  stepUp?: readonly string[]
  /** Where tokens may be bound to a key: the schemes of those, and whether there is no other. */
  bound?:
    | { readonly schemes: readonly Pick<SenderConstraint, 'scheme' | 'challenge'>[]; readonly only: boolean }
    | undefined
}

/** What let a request in; with the challenge where it was a guard. */
export type Admission = AuthenticatedToken & { challenge?: Challenge }

/**
 * Where the guard and our strategy leave on the request what they found. `req.authInfo` can be written by anybody, this only
 * by them: the symbol is nobody else's. (A WeakMap would do, and cost each request as much as all digests of the token.)
 */
const ADMISSION = Symbol('access token')

export function setAdmission(req: object, admission: Admission): void {
  ;(req as { [ADMISSION]?: Admission })[ADMISSION] = admission
}

export function admissionOf(req: object): Admission | undefined {
  const places = req as { [ADMISSION]?: Admission; [OFFER]?: Offer }
  const offer = places[OFFER]
  if (offer && isTaken(req, offer)) {
    // what the token may not do, the endpoints behind must know of: as behind the guard
    setAdmission(req, offer.admission)
    delete places[OFFER]
  }
  return places[ADMISSION]
}

/** The error of what needs an admission. One by another copy of this package is on the request, and is not ours to believe. */
export function notAdmitted(req: object, problem: string): Error {
  const isOther = (symbol: symbol) => symbol !== ADMISSION && symbol.description === ADMISSION.description
  if (!Object.getOwnPropertySymbols(req).some(isOther)) return new Error(problem)
  const fix = 'another copy of express-authorization-server admitted this request. Install one copy alone (see npm ls)'
  return new Error(`${problem}: ${fix}`)
}

/** What our strategy found out. Passport, or a callback of the host, may still reject it. */
interface Offer {
  admission: Admission
  /** What Passport was given for `req.authInfo`, and puts there when it lets the request pass: nobody else has it. */
  handed: object
  /** Where Passport puts the user. */
  place: string
  /** What stood there before: the host may have the very user of the token there, by its session. */
  before?: unknown
}

function isTaken(req: object, { admission: { user }, handed, place, before }: Offer): boolean {
  if (Reflect.get(req, 'authInfo') === handed) return true
  return user !== undefined && user !== before && Reflect.get(req, place) === user
}

const OFFER = Symbol('access token, not admitted yet')

/** Leaves what counts from when `handed` stands in `req.authInfo`, or the user at `place`. */
export function offerAdmission(req: object, offer: Omit<Offer, 'before'>): void {
  // an earlier one, which Passport may have let pass
  admissionOf(req)
  ;(req as { [OFFER]?: Offer })[OFFER] = { ...offer, before: Reflect.get(req, offer.place) }
}

const bearer = /^bearer(?: +|$)(.*)$/i
/** RFC 9449 §7.1, beside the former. */
const bearerOrDpop = /^(?:bearer|dpop)(?: +|$)(.*)$/i

/**
 * The one token of the request, or undefined. RFC 6750 §2: not more than one way to send it. `mayBeBound`: also with the
 * scheme of tokens that are bound to a key.
 */
export function presentedToken(req: Request, places: readonly TokenPlace[], mayBeBound = false): string | undefined {
  const tokens: string[] = []
  if (places.includes('header')) tokens.push(...headerToken(req, mayBeBound ? bearerOrDpop : bearer))
  if (places.includes('query')) tokens.push(...queryToken(req))
  if (places.includes('body')) tokens.push(...bodyToken(req))
  if (tokens.length > 1) throw new OAuthError('invalid_request', 'The request has more than one access token.')
  const [token] = tokens
  if (token !== undefined && !tokenSyntax.test(token)) {
    throw new OAuthError('invalid_token', 'The access token is malformed.')
  }
  return token
}

/** Another scheme is no access token at all: the bare challenge then tells which one is wanted. */
function headerToken(req: Request, schemes: RegExp): string[] {
  const token = schemes.exec(authorizationHeader(req))?.[1]
  return token === undefined ? [] : [token]
}

function queryToken(req: Request): string[] {
  const { parameters, repeated } = queryParameters(req)
  if (repeated.has('access_token')) throw new OAuthError('invalid_request', 'access_token is included more than once.')
  const token = parameters.get('access_token')
  return token === undefined ? [] : [token]
}

function bodyToken(req: Request): string[] {
  const token: unknown = (req.body as Record<string, unknown> | undefined)?.access_token
  if (token === undefined || token === '') return []
  if (typeof token === 'string') return [token]
  throw new OAuthError('invalid_request', 'access_token must be a string.')
}
