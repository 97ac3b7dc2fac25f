/** OpenID Connect Core 1.0 as one capability of the server: its options, checked, and the value that the server is given. */
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
   * What signs id_tokens: as `jwt({ keys })`, and the same keys where you have both. `current` may be a list, with one
   * key for each algorithm. Every relying party has RS256.
   */
  keys: KeysOption
  /**
   * Returns how the user of this browser signed in: `{ time, acr?, amr?, sessionId? }`. `time` is a Date, or seconds
   * since the epoch.
   */
  authentication: AuthenticationOf
  /**
   * The claims of each scope: `{ profile: ['name', 'picture'], employee: ['department'] }`. Their values are those of
   * `users.claims`, or members of the user. An empty list takes a scope away.
   * @default the claims of `profile`, `email`, `address` and `phone` (OpenID Connect Core §5.4)
   */
  claims?: Readonly<Record<string, readonly string[]>>
  /**
   * Who a user is to clients, as `sub`: `pairwise({ salt })` makes another one for the clients of each host.
   * @default the id of the user
   */
  subject?: Subjects
  /** The authentication context classes that your sign-in page has, for requests that want one of them. @default [] */
  acrValues?: readonly string[]
  /**
   * Seconds for which a sign-in is known, whatever its tokens do: for logout, and for renewal without asking again.
   * @default 2592000 (30 days)
   */
  sessionTtl?: number
  /**
   * Also accepts `backchannelLogoutUri` and `sectorIdentifierUri` on loopback, with http, for development and tests. Anyone who may register can
   * then make this process send requests to local services.
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
 * OpenID Connect for the server's `openid`: sign-in for other apps, with your users and your sign-in page. A client whose
 * record allows the scope `openid` gets an id_token beside its access token.
 *
 * @throws TypeError for an option that is wrong, naming it and the fix.
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
      // the host mounts it, with what ends its own session
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

/** Core §3.1.2.1: a hint that proves nothing would choose the user in the name of somebody else. */
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
