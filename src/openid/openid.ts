/** OpenID Connect Core 1.0: checks the options and creates the value for the server. */
import { OAuthError } from '../errors'
import { currentKeyRing, type KeysOption } from '../jwt/key-ring'
import { kindOf, requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import type { OpenIdProvider, Subjects } from '../types/openid'
import { claimsOfClient, verifiedClaims } from './claims'
import { END_SESSION } from './end-session'
import { readIdToken, withIdToken } from './id-token'
import { openIdMembers } from './members'
import { parseOpenIdRequest, prompts } from './request'
import { requireSession } from './sessions'
import { type AuthenticationOf, type Settings, withSettings } from './settings'
import { admit } from './sign-in'
import { authenticationOf, verifiedSignIn, withSignIn } from './signed-in'
import { publicSubjects, verifySector } from './subject'
import { routerOf, USERINFO } from './userinfo'
import { wordsOf } from './words'

/** Options of `openid`. */
export interface OpenIdOptions {
  /**
   * The keys that sign id_tokens, as for `jwt({ keys })`; use the same keys for both. `current` may be a list with one
   * key for each algorithm. Every relying party supports RS256.
   */
  keys: KeysOption
  /**
   * Returns how the user of this browser signed in: `{ time, acr?, amr?, sessionId? }`. `time` is a Date, or seconds
   * since the epoch.
   */
  authentication: AuthenticationOf
  /**
   * The claims of each scope: `{ profile: ['name', 'picture'], employee: ['department'] }`. The values come from
   * `users.claims` or from the user. An empty list removes a scope.
   * @default the claims of `profile`, `email`, `address` and `phone` (OpenID Connect Core §5.4)
   */
  claims?: Readonly<Record<string, readonly string[]>>
  /**
   * How the `sub` of a user is made: `pairwise({ salt })` makes a different one for the clients of each host.
   * @default the id of the user
   */
  subject?: Subjects
  /** The authentication context classes that your sign-in page supports. @default [] */
  acrValues?: readonly string[]
  /**
   * Seconds for which the server remembers a sign-in, even without live tokens, for logout and for renewal without a
   * question.
   * @default 2592000 (30 days)
   */
  sessionTtl?: number
  /**
   * Also accepts `backchannelLogoutUri` and `sectorIdentifierUri` on loopback with http, for development and tests. Anyone
   * who may register can then make this process send requests to local services.
   * @default false
   */
  dangerouslyAllowLoopback?: boolean
}

const optionNames: readonly string[] = [
  'keys',
  'authentication',
  'claims',
  'subject',
  'acrValues',
  'sessionTtl',
  'dangerouslyAllowLoopback',
] satisfies (keyof OpenIdOptions)[]

/**
 * OpenID Connect, for the server option `openid`: sign-in to other apps with your users and your sign-in page. A client
 * whose record allows the scope `openid` gets an id_token with its access token.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function openid(options: OpenIdOptions): OpenIdProvider {
  requireNoMore('openid', arguments, 1)
  requireKnown('openid option', options ?? null, optionNames, ['keys', 'authentication'])
  const settings = settingsOf(options)
  const { ring, claims, subjects, withLoopback } = settings
  const words = wordsOf(claims)
  const provider: OpenIdProvider = Object.freeze({
    acrValues: settings.acrValues,
    scopes: new Map(Object.entries(words.en?.scopes ?? {})),
    words,
    request: (server, client, sent) =>
      parseOpenIdRequest(client, sent, claimsOfClient(claims, server, client), (hint) =>
        subjectOfHint(settings, server.issuer, client.clientId, hint),
      ),
    admit: (request, decider, req, res) => admit(settings, request, decider, req, res),
    authorize: (approved, request, req) => withSignIn(settings, approved, request, req),
    signedIn: async (server, client, { userId, scope, audience = [] }, said) => {
      const signIn = { ...verifiedSignIn(said), at: server.now() }
      return authenticationOf(settings, { server, client, scope, audience }, userId, signIn)
    },
    respond: (server, made) => withIdToken(settings, server, made),
    requireSession,
    ...(subjects.type === 'pairwise' && { subjectFor: subjects.subjectOf }),
    clientMembers: openIdMembers(ring, subjects.type, withLoopback),
    verifyRecord: (client) => verifySector(subjects, withLoopback, client),
    jwks: () => ring().jwks.keys,
    signers: () => ring().signers,
    endpoints: {
      [USERINFO]: { path: '/oauth2/userinfo', router: (server, { cors }) => routerOf(settings, server, cors) },
      // the host mounts it with a function that ends its own session
      [END_SESSION]: { path: '/logout' },
    },
    metadata: (_server, urlOf) => describe(settings, urlOf),
  } satisfies OpenIdProvider)
  return withSettings(provider, settings)
}

function settingsOf(options: OpenIdOptions): Settings {
  const { keys, authentication, acrValues = [], sessionTtl = 30 * 24 * 3600 } = options
  const { dangerouslyAllowLoopback: withLoopback = false, subject: subjects = publicSubjects } = options
  if (typeof subjects?.subjectOf !== 'function') {
    throw misuse(
      'wrong_capability',
      `openid({ subject }) must be what pairwise({ salt }) returns, not ${kindOf(subjects)}`,
    )
  }
  requireFlags('openid', { dangerouslyAllowLoopback: withLoopback })
  if (typeof authentication !== 'function') {
    const form = '(req) => ({ time, acr, amr, sessionId }), or undefined if nobody is signed in'
    throw misuse('missing_option', `openid needs authentication: ${form}, not ${kindOf(authentication)}`)
  }
  if (!Array.isArray(acrValues) || !acrValues.every((acr) => typeof acr === 'string' && /^[\x21-\x7e]+$/.test(acr))) {
    throw misuse('wrong_list', "openid({ acrValues }) must be a list of names without spaces, such as ['mfa']")
  }
  requireSeconds('openid({ sessionTtl })', sessionTtl)
  return Object.freeze({
    ring: currentKeyRing('openid', keys),
    authentication,
    claims: verifiedClaims(options.claims),
    subjects,
    acrValues: Object.freeze([...acrValues]),
    sessionTtl,
    withLoopback,
  })
}

/** Core §3.1.2.1: an unverified hint would let a stranger choose the user. */
function subjectOfHint({ ring }: Settings, issuer: string, clientId: string, hint: string): string {
  const claims = readIdToken(ring(), issuer, hint)
  if (claims?.aud === clientId) return claims.sub
  throw new OAuthError('invalid_request', 'id_token_hint must be an id_token of this server for this client.')
}

/** OpenID Connect Discovery §3. */
function describe(
  { ring, claims, subjects, acrValues }: Settings,
  urlOf: (endpoint: string) => string | undefined,
): Record<string, unknown> {
  const algorithms = [...ring().signers.keys()]
  const ofToken = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'at_hash', 'sid']
  return {
    userinfo_endpoint: urlOf(USERINFO),
    end_session_endpoint: urlOf(END_SESSION),
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    subject_types_supported: [subjects.type],
    id_token_signing_alg_values_supported: algorithms,
    userinfo_signing_alg_values_supported: algorithms,
    claim_types_supported: ['normal'],
    claims_supported: [...ofToken, ...claims.all],
    claims_parameter_supported: true,
    prompt_values_supported: prompts,
    display_values_supported: ['page'],
    ...(acrValues.length > 0 && { acr_values_supported: acrValues }),
  }
}
