/**
 * `privateKeyJwt()`: clients that authenticate with a signed JWT. RFC 7523 §2.2 and §3, draft-ietf-oauth-rfc7523bis.
 */
import type { Request } from 'express'
import { decoyKey, type VerificationAlgorithm, verificationAlgorithms } from '../jwt/keys'
import {
  CLOCK_SKEW,
  hasBegun,
  isSignedWith,
  type JwtClaims,
  type JwtKind,
  readJwt,
  type UnverifiedJwt,
} from '../jwt/verify'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { networkOf } from '../rules/network'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type {
  ClientAuthentication,
  EndpointRequest,
  FailedProof,
  OneTimeProof,
  PresentedCredentials,
} from '../types/capability'
import { membersOfKeys, signingAlgMember, verifyKeys } from './key-members'
import { clientKeys, type FindClientKeys } from './keys'
import { clientIdSyntax } from './metadata'

/** Options of `privateKeyJwt`. */
export interface PrivateKeyJwtOptions {
  /**
   * The accepted audience (`aud`) of an assertion: `'issuer'`, or `'issuer-or-token-endpoint'` for older clients. The
   * latter is weaker: another server that the client also uses can name our token endpoint as its own, and use the
   * assertion here.
   * @default 'issuer'
   */
  audience?: 'issuer' | 'issuer-or-token-endpoint'
  /**
   * Also accepts a `jwks_uri` on loopback with http, for development and tests. Anyone can then make this process send GET
   * requests to local services.
   * @default false
   */
  dangerouslyAllowLoopback?: boolean
}

const METHOD = 'private_key_jwt'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** The longest lifetime of an assertion. Seconds. Longer ones would be worth stealing. */
const LONGEST_LIFE = 300

interface AssertionClaims extends JwtClaims {
  readonly sub: string
}

/** The claims of an assertion. They are compared one by one, so that the error names the wrong one. */
const assertionJwt: JwtKind<AssertionClaims> = {
  type: 'client-authentication+jwt',
  // RFC 7523 names no type, and libraries set `JWT` or none
  olderTypes: ['jwt', undefined],
  isClaims(claims): claims is AssertionClaims {
    const { sub } = (claims ?? {}) as { sub?: unknown }
    return typeof sub === 'string' && clientIdSyntax.test(sub)
  },
}

/** The key finders, by the value of the server's option. */
const finders = new WeakMap<object, FindClientKeys>()

/** How the server finds the keys of its clients. Undefined without `privateKeyJwt()`. */
export function clientKeysOf({
  clientAuthentication,
}: Pick<AuthorizationServer, 'clientAuthentication'>): FindClientKeys | undefined {
  const value = clientAuthentication.find((one) => finders.has(one))
  return value && finders.get(value)
}

interface PresentedAssertion extends PresentedCredentials {
  readonly assertion: string
  readonly read?: UnverifiedJwt<AssertionClaims>
  readonly req: Request
}

/**
 * Authenticates clients by an assertion that they sign with their own key: `private_key_jwt` (RFC 7523 §2.2). Their
 * public keys are in their record, as `jwks`, or at its `jwksUri`. An assertion is for this server only, lives at most
 * five minutes, and is accepted once.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions = {}): ClientAuthentication {
  requireNoMore('privateKeyJwt', arguments, 1)
  requireKnown('privateKeyJwt option', options, ['audience', 'dangerouslyAllowLoopback'])
  const { audience = 'issuer', dangerouslyAllowLoopback = false } = options
  requireFlags('privateKeyJwt', { dangerouslyAllowLoopback })
  if (!['issuer', 'issuer-or-token-endpoint'].includes(audience)) {
    throw misuse('wrong_choice', "privateKeyJwt({ audience }) must be 'issuer' or 'issuer-or-token-endpoint'")
  }
  const withTokenEndpoint = audience === 'issuer-or-token-endpoint'
  const findKeys = clientKeys(dangerouslyAllowLoopback)
  const value = Object.freeze({
    methods: [METHOD],
    parameter: 'client_assertion',
    presented,
    verify: (server, client, sent) => verify(server, client, sent, findKeys, withTokenEndpoint),
    verifyRecord: (record) => verifyKeys(METHOD, record),
    clientMembers: [...membersOfKeys(dangerouslyAllowLoopback), signingAlgMember],
    metadata: (_server, urlOf) =>
      Object.fromEntries(
        [
          ['token', 'token'],
          ['revoke', 'revocation'],
          ['introspect', 'introspection'],
        ].flatMap(([endpoint = '', word]) =>
          urlOf(endpoint) === undefined
            ? []
            : [[`${word}_endpoint_auth_signing_alg_values_supported`, verificationAlgorithms]],
        ),
      ),
  } satisfies ClientAuthentication<PresentedAssertion>)
  finders.set(value, findKeys)
  return value
}

function presented({ req, parameters }: EndpointRequest): PresentedAssertion[] {
  const assertion = parameters.get('client_assertion') ?? ''
  const shared = { method: METHOD, explicit: true, assertion, req } as const
  if (parameters.get('client_assertion_type') !== ASSERTION_TYPE) {
    return [{ ...shared, clientId: undefined, problem: `client_assertion_type must be ${ASSERTION_TYPE}.` }]
  }
  const read = readJwt(assertion, assertionJwt)
  if (read) return [{ ...shared, clientId: read.claims.sub, read }]
  return [
    { ...shared, clientId: undefined, problem: 'client_assertion must be a signed JWT with the client_id as sub.' },
  ]
}

async function verify(
  server: AuthorizationServer,
  client: Client | undefined,
  { assertion, read, req }: PresentedAssertion,
  findKeys: FindClientKeys,
  withTokenEndpoint: boolean,
): Promise<{ client: Client; once: OneTimeProof } | FailedProof | undefined> {
  if (!read) return undefined
  const { header, claims } = read
  const problem = problemOf(server, read, withTokenEndpoint)
  if (problem !== undefined) return { reason: problem, problem }
  const fixed = client?.tokenEndpointAuthSigningAlg ?? header.alg
  const isFit = client && fixed === header.alg
  const { keys, giveBack } = isFit ? await findKeys(server, client, header, networkOf(req.ip)) : { keys: [] }
  const isSigned = (keys.length > 0 ? keys : [decoyKey(header.alg)]).some((key) => isSignedWith(assertion, header, key))
  // a wrong key and an unknown client give the same error after the same work
  if (!client || !isSigned) return { reason: reasonOf(client, header.alg, keys.length) }
  await giveBack?.()
  return { client, once: { purpose: 'client_assertion', id: claims.jti as string, expiresAt: claims.exp } }
}

/** The reason, for the host only. */
function reasonOf(client: Client | undefined, alg: VerificationAlgorithm, keys: number): string {
  if (!client) return 'unknown client, or one whose record does not name private_key_jwt'
  const { tokenEndpointAuthSigningAlg: fixed = alg } = client
  if (fixed !== alg) return `the client_assertion is signed with ${alg}, and the record wants ${fixed}`
  return keys === 0
    ? `the client has no key for ${alg} with that kid`
    : 'the signature of the client_assertion is wrong'
}

/**
 * The problem of an assertion that does not depend on the client, so that the client may learn it: RFC 7523 §3, and
 * rfc7523bis for `aud`.
 */
function problemOf(
  server: AuthorizationServer,
  { header, claims }: UnverifiedJwt<AssertionClaims>,
  withTokenEndpoint: boolean,
): string | undefined {
  const { iss, sub, exp, jti } = claims as { [claim: string]: unknown }
  const now = server.now()
  // RFC 8725 §3.1: never `none`, and no shared secret
  if (!verificationAlgorithms.includes(header.alg))
    return `client_assertion must be signed with one of ${verificationAlgorithms.join(', ')}.`
  if (iss !== sub) return 'iss of the client_assertion must be the client_id, as sub.'
  if (!audiences(server, withTokenEndpoint).includes(claims.aud)) {
    return `aud of the client_assertion must be ${server.issuer} as a string.`
  }
  if (typeof exp !== 'number') return 'client_assertion must have exp.'
  if (exp <= now) return 'client_assertion has expired.'
  // the client added five minutes to its own clock
  if (exp > now + LONGEST_LIFE + CLOCK_SKEW)
    return `exp of the client_assertion must be at most ${LONGEST_LIFE} seconds ahead.`
  if (!hasBegun(claims, now)) return 'iat or nbf of the client_assertion is in the future.'
  if (typeof jti !== 'string' || jti === '') return 'client_assertion must have a jti.'
  return undefined
}

/** A list of audiences is refused: each server in it could send the assertion to the others. */
function audiences({ issuer, endpoints }: AuthorizationServer, withTokenEndpoint: boolean): unknown[] {
  const { token } = endpoints
  return withTokenEndpoint && token !== undefined ? [issuer, `${new URL(issuer).origin}${token}`] : [issuer]
}
