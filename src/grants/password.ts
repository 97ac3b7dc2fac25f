/** The resource owner password credentials grant: RFC 6749 §4.3. By name only: RFC 9700 §2.4 and OAuth 2.1 forbid it. */
import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import { issueForUser } from '../operations/tokens'
import { requireKnown, requireNoMore } from '../options'
import { inTurn } from '../passwords/turns'
import { requireParameter } from '../rules/params'
import { resolveAudience } from '../rules/resource'
import { resolveScope } from '../rules/scope'
import { subjectId } from '../rules/subject'
import { takeAttempt } from '../throttle'
import type { AuthorizationServer, GrantType, TokenRequest, TokenResponse } from '../types'

/** Options of `password`. */
export interface PasswordOptions {
  /**
   * The id of the user whose password this is, or a user value with an `id`; nothing for a wrong password or an unknown
   * user, which must cost the same time. `bcryptPasswords` makes such a function. What it throws means no. `from.network`
   * is where the request comes from: an IPv4 address or an IPv6 /64.
   */
  verify: ((
    username: string,
    password: string,
    from: { network: string },
  ) => Awaitable<{ id: string | number | bigint } | string | null | undefined>) & {
    /** Throws where the password would not be looked at: such an attempt is not counted. */
    readonly requirePlace?: () => void
  }
}

/**
 * The grant for old first-party apps that ask for the user's password themselves. It teaches users to type their
 * password anywhere and rules out a second factor: use it only for an API that is documented so.
 */
export function password(options: PasswordOptions): GrantType {
  requireNoMore('password', arguments, 1)
  requireKnown('password option', options, ['verify'])
  const { verify } = options ?? {}
  if (typeof verify !== 'function') {
    throw new TypeError('password({ verify }) must be a function: (username, password) => user id or nothing')
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
  const { client, parameters } = request
  const username = requireParameter(parameters, 'username')
  const secret = requireParameter(parameters, 'password')
  // before the password is checked: a wrong scope must not tell whether the password was right
  const scope = resolveScope(server.scopes, client, parameters.get('scope'))
  const audience = resolveAudience(server, parameters.get('resource'))
  const attempt = { kind: 'password', account: username, network: request.network } as const
  const userId = await inTurn(request.network, async () => {
    verify.requirePlace?.()
    const succeed = await takeAttempt(server, attempt, client.clientId)
    const found = subjectOf(await verify(username, secret, { network: request.network }))
    if (found !== undefined) await succeed()
    return found
  })
  if (userId === undefined) {
    server.emit({ type: 'password.failed', clientId: client.clientId })
    throw new OAuthError('invalid_grant', 'The username or the password is wrong.')
  }
  return issueForUser(server, request, { userId, scope, audience })
}

/** A bare number is more often a count or a position than an id: everybody would be that one user. */
function subjectOf(answer: unknown): string | undefined {
  if (typeof answer === 'number' || typeof answer === 'bigint') {
    throw new TypeError(`password({ verify }) must answer a user id as a string, { id }, or nothing, not ${answer}`)
  }
  return subjectId(answer)
}
