/**
 * The resource owner password credentials grant: RFC 6749 §4.3. Off by default: RFC 9700 §2.4 and OAuth 2.1 forbid it.
 */
import type { Awaitable } from '../awaitable'
import { getsRefreshToken } from '../clients/client'
import { OAuthError } from '../errors'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { bcryptPasswords } from '../passwords/bcrypt-passwords'
import { checkChosenSecret } from '../passwords/chosen-secret'
import { networkOf } from '../rules/network'
import { requireParameter } from '../rules/params'
import { audienceMember, resolveAudience } from '../rules/resource'
import { resolveScope } from '../rules/scope'
import { userIdFrom } from '../rules/subject'
import { issueNew } from '../tokens/issue'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireUser } from '../users'

/** Options of `password`. */
export interface PasswordOptions {
  /**
   * Returns the id of the user with this password, or an object with an `id`. Returns undefined or null for a wrong
   * password. An unknown user must cost the same time as a wrong password. `bcryptPasswords` returns such a function. A
   * thrown error refuses and counts as a wrong password, except an `OAuthError` with `temporarily_unavailable`.
   * `from.network` is the sender's IPv4 address or IPv6 /64. Identical concurrent attempts from one network are
   * verified once.
   */
  verify: ((
    username: string,
    password: string,
    from: { network: string },
  ) => Awaitable<{ id: string | number | bigint } | string | null | undefined>) & {
    /** Throws if the password cannot be verified now. Such an attempt does not count. */
    readonly requirePlace?: (from: { network: string }) => void
  }
}

/**
 * The password grant, for old first-party apps that ask for the user's password themselves. It teaches users to type
 * their password anywhere, and prevents a second factor. Use it only for an API whose documentation requires it.
 */
export function password(options: PasswordOptions): GrantType {
  requireNoMore('password', arguments, 1)
  requireKnown('password option', options, ['verify'], ['verify'])
  const { verify } = options ?? {}
  requireCalled('password({ verify })', verify, { bcryptPasswords })
  if (typeof verify !== 'function') {
    throw misuse(
      'not_a_function',
      'password({ verify }) must be a function: (username, password) => user id or undefined',
    )
  }
  return Object.freeze({
    grantType: 'password',
    handle: (server, request) => signIn(server, verify, request),
  } satisfies GrantType)
}

async function signIn(
  server: AuthorizationServer,
  verify: PasswordOptions['verify'],
  request: TokenRequest,
): Promise<TokenResponse> {
  const { client, parameters, startedAt, req } = request
  const username = requireParameter(parameters, 'username')
  const secret = requireParameter(parameters, 'password')
  // before the password is checked: the error for a wrong scope must not reveal whether the password was right
  const audience = resolveAudience(server, client, parameters.get('resource'))
  const scope = resolveScope(server, client, parameters.get('scope'), audience)
  const network = networkOf(req.ip)
  const { clientId } = client
  const guess = { kind: 'password', account: username, parts: [secret], network, clientId } as const
  const found = await checkChosenSecret(server, { ...guess, requirePlace: verify.requirePlace }, async () => {
    const answer = verify(username, secret, { network })
    // bcryptPasswords waits for its turn, and limits the time of its user lookup itself
    const userId = subjectOf(await (verify.requirePlace ? answer : server.inTime('password({ verify })', answer)))
    return userId === undefined ? undefined : { userId, startedAt }
  })
  if (!found) {
    server.emit({ type: 'password.failed', clientId })
    throw new OAuthError('invalid_grant', 'The username or the password is wrong.')
  }
  // the start of the first request that this check served, so that later revocations, as with a new password, cover all
  const since = { ...request, startedAt: found.startedAt }
  await requireUser(server, found.userId, true)
  const authorization = { clientId, ...found, scope, ...audienceMember(audience) }
  return await issueNew(server, since, authorization, getsRefreshToken(server, client))
}

/**
 * A bare number is usually a count or a position, not an id: all users would be one. `true` is the result of a check.
 */
function subjectOf(answer: unknown): string | undefined {
  if (typeof answer === 'number' || typeof answer === 'bigint') {
    throw misuse(
      'wrong_user',
      `password({ verify }) must return a user id as a string, { id }, or undefined, not ${answer}`,
    )
  }
  return userIdFrom('password({ verify })', answer)
}
