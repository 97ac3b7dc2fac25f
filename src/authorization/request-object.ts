/** Request objects: an authorization request as a JWT that the client signed, passed by value (RFC 9101). */

import { clientKeysOf } from '../clients/client-assertion'
import type { FindClientKeys } from '../clients/keys'
import { flag, invalid, text } from '../clients/member-checks'
import { OAuthError } from '../errors'
import { type VerificationAlgorithm, verificationAlgorithms } from '../jwt/keys'
import { CLOCK_SKEW, hasBegun, isSignedWith, type JwtClaims, type JwtKind, readJwt } from '../jwt/verify'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { parametersOf, type RequestParameters, requireUnrepeated } from '../rules/params'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMember, RequestSource } from '../types/capability'

/** Options of `requestObjects`. */
export interface RequestObjectsOptions {
  /**
   * The accepted signing algorithms (RFC 7518 §3.1), such as `['ES256', 'PS256']`.
   * @default every supported algorithm
   */
  algorithms?: readonly string[]
  /**
   * Whether every request must be signed (RFC 9101 §10.5). A client record may require it for one client.
   * @default false
   */
  required?: boolean
}

/** The longest lifetime of a signed request. Seconds. */
const LONGEST_LIFE = 3600

type Claims = Partial<JwtClaims>

const requestJwt: JwtKind<Claims & JwtClaims> = {
  type: 'oauth-authz-req+jwt',
  // RFC 9101 §10.8 advises a type; the older OpenID Connect Core §6.1 has none
  olderTypes: ['jwt', undefined],
  isClaims: (claims): claims is JwtClaims => typeof claims === 'object' && claims !== null,
}

/** Claims about the JWT itself (RFC 7519 §4.1). They are not parameters. */
const ofJwt: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']

/**
 * Request objects (RFC 9101) for the server option `requests`. The parameter `request` contains the authorization
 * request as a JWT, signed with a key of the client's record. Other parameters are ignored. A `request_uri` of a client
 * is never fetched.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function requestObjects(options: RequestObjectsOptions = {}): RequestSource {
  requireNoMore('requestObjects', arguments, 1)
  requireKnown('requestObjects option', options, ['algorithms', 'required'])
  const { required = false } = options
  requireFlags('requestObjects', { required })
  const algorithms = verifiedAlgorithms(options.algorithms ?? verificationAlgorithms)
  return Object.freeze({
    parameter: 'request',
    required: (client) => required || client.requireSignedRequestObject === true,
    verifyServer(server) {
      if (clientKeysOf(server)) return
      throw misuse(
        'missing_capability',
        'requestObjects() needs privateKeyJwt() in clientAuthentication: it brings the keys of clients along',
      )
    },
    async parametersOf(server, client, value, network) {
      const claims = await verifiedRequest(server, client, value, network, algorithms)
      return { parameters: parametersIn(claims) }
    },
    clientMembers: membersOf(algorithms),
    metadata: (_server, urlOf) =>
      urlOf('authorize') === undefined
        ? {}
        : {
            request_object_signing_alg_values_supported: algorithms,
            ...(required && { require_signed_request_object: true }),
          },
  } satisfies RequestSource)
}

function verifiedAlgorithms(algorithms: readonly string[]): readonly VerificationAlgorithm[] {
  const isKnown = (one: unknown) => (verificationAlgorithms as readonly unknown[]).includes(one)
  if (Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(isKnown)) {
    return Object.freeze([...algorithms]) as readonly VerificationAlgorithm[]
  }
  throw misuse('wrong_choice', `requestObjects({ algorithms }) must be a list of ${verificationAlgorithms.join(', ')}`)
}

/** RFC 9101 §10.5, OpenID Connect Registration §2. */
function membersOf(algorithms: readonly string[]): readonly ClientMember[] {
  return [
    { name: 'requireSignedRequestObject', wire: 'require_signed_request_object', type: flag, setBy: 'self' },
    {
      name: 'requestObjectSigningAlg',
      wire: 'request_object_signing_alg',
      type: text,
      setBy: 'self',
      check(member, value) {
        if (value === '' || algorithms.includes(value as string)) return value === '' ? undefined : value
        throw invalid(`${member} must be one of ${algorithms.join(', ')}`)
      },
    },
  ]
}

/** Returns the claims of a request object that this client signed for this server (RFC 9101 §6). */
async function verifiedRequest(
  server: AuthorizationServer,
  client: Client,
  value: string,
  network: string,
  algorithms: readonly VerificationAlgorithm[],
): Promise<Claims> {
  const read = readJwt(value, requestJwt)
  if (!read) throw refused(server, client, 'request must be a signed JWT of the type oauth-authz-req+jwt')
  const { header, claims } = read
  const { requestObjectSigningAlg: fixed } = client
  const allowed = fixed === undefined ? algorithms : algorithms.filter((one) => one === fixed)
  // RFC 8725 §3.1: never `none`, and no shared secret
  if (!allowed.includes(header.alg)) {
    throw refused(server, client, `the request object must be signed with one of ${allowed.join(', ')}`)
  }
  const problem = problemOf(server, client, claims)
  if (problem !== undefined) throw refused(server, client, problem)
  // `verifyServer` checked that it exists
  const findKeys = clientKeysOf(server) as FindClientKeys
  const { keys, giveBack } = await findKeys(server, client, header, network)
  if (!keys.some((key) => isSignedWith(value, header, key))) {
    throw refused(server, client, 'the request object is not signed with a key of the client')
  }
  await giveBack?.()
  return claims
}

/** Returns the problem of the claims: RFC 9101 §4, §5, §10.8. */
function problemOf({ issuer, now }: AuthorizationServer, { clientId }: Client, claims: Claims): string | undefined {
  const { client_id: named, iss, sub, aud, exp } = claims
  if (named !== clientId) return 'client_id of the request object must be that of the request'
  if (iss !== clientId) return 'iss of the request object must be the client_id'
  // RFC 9101 §10.8: otherwise the object could pass as a client assertion
  if (sub === clientId) return 'sub of the request object must not be the client_id'
  if (!(Array.isArray(aud) ? aud : [aud]).includes(issuer)) return `aud of the request object must be ${issuer}`
  if (typeof exp !== 'number') return 'the request object must have exp'
  if (exp <= now()) return 'the request object has expired'
  if (exp > now() + LONGEST_LIFE + CLOCK_SKEW) {
    return `exp of the request object must be at most ${LONGEST_LIFE} seconds ahead`
  }
  if (!hasBegun(claims, now())) return 'iat or nbf of the request object is in the future'
  if ('request' in claims || 'request_uri' in claims) return 'a request object must not have request or request_uri'
  return undefined
}

/** The claims as parameters (RFC 9101 §4): numbers as text, objects as JSON. */
function parametersIn(claims: Claims): RequestParameters {
  const members = Object.entries(claims).flatMap(([name, value]): [string, unknown][] => {
    if (ofJwt.includes(name) || value === null) return []
    const isText = typeof value === 'string' || (name === 'resource' && Array.isArray(value))
    return [[name, isText ? value : JSON.stringify(value)]]
  })
  try {
    return requireUnrepeated(parametersOf(members))
  } catch (error) {
    throw new OAuthError('invalid_request_object', (error as OAuthError).description)
  }
}

function refused({ emit }: AuthorizationServer, { clientId }: Client, problem: string): OAuthError {
  emit({ type: 'request.refused', clientId, reason: problem })
  return new OAuthError('invalid_request_object', `${problem[0]?.toUpperCase()}${problem.slice(1)}.`)
}
