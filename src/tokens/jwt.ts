/** Access tokens that APIs can read: JSON Web Tokens (RFC 9068). */
import { type Awaitable, whenReady } from '../awaitable'
import { requireClient } from '../clients/client'
import { newSecret } from '../crypto'
import { OAuthError } from '../errors'
import { jsonOfClaim } from '../jwt/claim-value'
import { currentKeyRing, type KeysOption } from '../jwt/key-ring'
import { type SigningAlgorithm, signingAlgorithms } from '../jwt/keys'
import { signJwt } from '../jwt/sign'
import { jwtVerifier } from '../jwt/verify'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { heldAudience } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { AccessTokenFormat } from '../types/access-token'
import type { AuthorizationServer, UnsignedToken } from '../types/authorization-server'
import type { OpenIdProvider } from '../types/openid'
import { isUserId } from '../users'
import { accessTokenJwt, hiddenActor, namedRow, sessionClaims, sharedClaims, statelessRow, subjectOf } from './claims'

/** The subject of a token, for `claims`. */
interface ClaimsContext {
  clientId: string
  /** Omitted for a client's own token. */
  userId?: string
  scope: Scope
  audience: readonly string[]
  grantId?: string
}

/** Options of `jwt`. */
export interface JwtOptions {
  /**
   * One private key, or `{ current, next, retired }`, or a function that returns either. PEM, JWK or KeyObject: P-256,
   * or RSA with at least 2048 bits. The function is called for each token: it must return the same value until the keys
   * change.
   */
  keys: KeysOption
  /** Lifetime of an access token in seconds. @default 3600, and 300 where tokens are stateless */
  ttl?: number
  /** The audience of a token whose request names no `resource` (RFC 9068 §3): the URI of your API, or several. */
  audience: string | readonly string[]
  /**
   * The signing algorithm (RFC 7518 §3.1).
   * @default the algorithm of the current key: ES256 for P-256; for RSA the `alg` of its JWK, or RS256
   */
  algorithm?: SigningAlgorithm
  /**
   * Returns more claims, such as `may_act` (RFC 8693 §4.4). Those of RFC 9068, `authorization_details`, `cnf`, `act`,
   * `token_exchange`, `started_at` and `grant_id` are ignored. A thrown error refuses the token.
   * @default none
   */
  claims?: (context: ClaimsContext) => Awaitable<Record<string, unknown>>
  /**
   * Stores nothing about access tokens. The revocation endpoint (`unsupported_token_type`), "sign out everywhere" and
   * the deletion of the client then cannot end a token before it expires. A user's token names its session in two
   * private claims: `started_at`, in seconds like `iat`, and `grant_id`.
   * @default false
   */
  stateless?: boolean
}

const DEFAULT_TTL = 3600
const DEFAULT_STATELESS_TTL = 300

/** Claims that only the server sets, even if a token lacks them. */
const standardClaims: readonly string[] = [
  'iss',
  'sub',
  'aud',
  'client_id',
  'exp',
  'nbf',
  'iat',
  'jti',
  'scope',
  'authorization_details',
  'cnf',
  'act',
  'token_exchange',
  'started_at',
  'grant_id',
]

/**
 * Creates access tokens that an API can verify itself, with the keys that `metadataRouter` publishes. They have a row
 * in storage unless they are `stateless`, so that a revocation takes effect at once at `bearerGuard(server)` and at
 * introspection. The `sub` of a client's own token is its `client_id` (RFC 9068 §2.2).
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function jwt(options: JwtOptions): AccessTokenFormat {
  requireNoMore('jwt', arguments, 1)
  if (typeof options !== 'object' || options === null) throw misuse('missing_option', 'jwt needs { keys, audience }')
  requireKnown(
    'jwt option',
    options,
    ['keys', 'ttl', 'audience', 'algorithm', 'claims', 'stateless'],
    ['keys', 'audience'],
  )
  const { keys, algorithm, claims, stateless = false } = options
  const { ttl = stateless ? DEFAULT_STATELESS_TTL : DEFAULT_TTL } = options
  requireSeconds('jwt({ ttl })', ttl)
  requireFlags('jwt', { stateless })
  if (algorithm !== undefined && !signingAlgorithms.includes(algorithm)) {
    throw misuse('wrong_choice', `jwt({ algorithm }) must be one of ${signingAlgorithms.join(', ')}`)
  }
  if (claims !== undefined && typeof claims !== 'function')
    throw misuse('not_a_function', 'jwt({ claims }) must be a function')
  const audience = verifiedAudience(options.audience)
  const ring = currentKeyRing('jwt', keys, algorithm)
  const verify = jwtVerifier(accessTokenJwt)
  return Object.freeze({
    ttl,
    audience,
    stateless,
    jwks: () => ring().jwks,
    signers: () => ring().signers,
    async create(server, made) {
      // the row has the digest of the jti: our guard refuses a token forged with a leaked key
      const jti = stateless ? newSecret() : `${made.id}.${newSecret()}`
      const { userId, clientId } = made.authorization
      // RFC 9068 §5: a user may have got the client's id since the client registered
      if (userId === undefined && (await isUserId(server, clientId))) throw sameId()
      const extra = claims ? await server.inTime('jwt({ claims })', claims(contextOf(server, made))) : {}
      const payload = {
        ...withoutStandardClaims(extra, server),
        ...claimsOf(server, made),
        ...(server.openid?.subjectFor && (await hiddenClaims(server, server.openid.subjectFor, made))),
        ...(stateless && sessionClaims(made)),
        jti,
      }
      return { token: signJwt(accessTokenJwt.type, payload, ring().signing), secret: jti }
    },
    locate(server, token) {
      const expected = { issuer: server.issuer, audience: server.resources, now: server.now() }
      const claims = verify(token, (kid) => ring().verifying.get(kid), expected)
      return whenReady(claims, (found) => found && (stateless ? statelessRow(found) : namedRow(found)))
    },
  } satisfies AccessTokenFormat)
}

/** RFC 9068 §6: the client can read the token, but must not learn user ids. Our guard finds the user by the row. */
async function hiddenClaims(
  server: AuthorizationServer,
  subjectFor: NonNullable<OpenIdProvider['subjectFor']>,
  { authorization: { clientId, userId, actor } }: UnsignedToken,
): Promise<Record<string, unknown>> {
  if (userId === undefined) return {}
  const client = await requireClient(server, clientId)
  const hide = async (id: string) => subjectFor(server, client, id)
  return { sub: await hide(userId), ...(actor && { act: await hiddenActor(hide, actor) }) }
}

function verifiedAudience(audience: unknown): readonly string[] {
  const all: unknown = typeof audience === 'string' ? [audience] : audience
  if (Array.isArray(all) && all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')) return [...all]
  throw misuse(
    'wrong_list',
    "jwt({ audience }) must name the APIs that accept the tokens, such as 'https://api.example.com'",
  )
}

function contextOf(server: AuthorizationServer, { authorization }: UnsignedToken): ClaimsContext {
  const { clientId, userId, scope, grantId, audience } = authorization
  return {
    clientId,
    ...(userId !== undefined && { userId }),
    scope,
    audience: heldAudience(server, audience),
    ...(grantId !== undefined && { grantId }),
  }
}

function withoutStandardClaims(extra: unknown, { openid }: AuthorizationServer): Record<string, unknown> {
  if (typeof extra !== 'object' || extra === null) throw misuse('wrong_answer', 'jwt({ claims }) must return an object')
  // RFC 9470 §6: only the sign-in determines these claims
  const dropped = openid ? [...standardClaims, 'auth_time', 'acr'] : standardClaims
  const kept = Object.entries(extra).filter(([claim]) => !dropped.includes(claim))
  for (const [claim, value] of kept) jsonOfClaim('jwt({ claims })', claim, value)
  return Object.fromEntries(kept)
}

function sameId(): OAuthError {
  return new OAuthError('unauthorized_client', 'This client has the same id as a user.')
}

/** RFC 9068 §2.2. */
function claimsOf(server: AuthorizationServer, { authorization, ...lifetime }: UnsignedToken) {
  const { clientId, userId, audience } = authorization
  // RFC 9068 §5: this user's token would look like the client's own
  if (userId === clientId) throw sameId()
  const shared = sharedClaims(server, authorization, lifetime, heldAudience(server, audience))
  return { ...shared, sub: subjectOf(authorization) }
}
