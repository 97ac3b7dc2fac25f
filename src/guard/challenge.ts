/** The `WWW-Authenticate` challenges: RFC 6750 §3, and RFC 9449 §7.1 where tokens may be bound to a key. */
import { OAuthError } from '../errors'
import { formatScope, type Scope } from '../rules/scope'
import type { Challenge } from './presented-token'

/** Marks the failure of a request without a token: its challenge has no `error` (RFC 6750 §3.1). */
const NO_TOKEN = Object.freeze({})

/** Marks a failure that more scope cannot mend: with a `scope` in the challenge a client would ask again and again. */
const NO_SCOPE = Object.freeze({})

export function missingToken(): never {
  throw new OAuthError('invalid_token', 'The request has no access token.', { headers: NO_TOKEN })
}

/** RFC 6750 §3.1: the request needs a user, and the client's own token has none. */
export function clientsOwnToken(): OAuthError {
  const description = "The request needs a user's access token, and this one belongs to the client itself."
  return new OAuthError('insufficient_scope', description, { headers: NO_SCOPE })
}

/** RFC 6750 §3.1, without `scope`: more scope would not help, and the API alone knows which detail would. */
export function missingDetail(type: string): OAuthError {
  const description = `The request needs an authorization detail of the type ${type} that fits it.`
  return new OAuthError('insufficient_scope', description, { headers: NO_SCOPE })
}

/**
 * Returns the failure with its challenge. `scope` is the scope that the resource needs. The challenge names it if the
 * token lacks it, or with `resourceMetadata` (RFC 9728 §5.1). `sentBy` is the scheme of the request, in lower case.
 */
export function withChallenge(
  failure: OAuthError,
  { realm, resourceMetadata, stepUp = [], bound }: Challenge,
  scope: Scope,
  sentBy = 'bearer',
): OAuthError {
  const named = [`realm="${escapeQuoted(realm)}"`]
  const error =
    failure.headers === NO_TOKEN
      ? []
      : [`error="${failure.code}"`, `error_description="${escapeQuoted(failure.description)}"`]
  const namesScope = failure.code === 'insufficient_scope' || resourceMetadata !== undefined
  const more = [
    ...(namesScope && scope.length > 0 && failure.headers !== NO_SCOPE ? [`scope="${formatScope(scope)}"`] : []),
    // RFC 9470 §3
    ...(failure.code === 'insufficient_user_authentication' ? stepUp : []),
    ...(resourceMetadata === undefined ? [] : [`resource_metadata="${escapeQuoted(resourceMetadata)}"`]),
  ]
  const [bearer, others] = [bound?.only ? [] : [{ scheme: 'Bearer', challenge: '' }], bound?.schemes ?? []]
  const all = [...bearer, ...others]
  // the error is part of the challenge for the scheme that was tried; the other challenges name the other accepted
  // schemes
  const tried = all.find(({ scheme }) => scheme.toLowerCase() === sentBy) ?? all[0]
  const challenges = [...all.filter((one) => one === tried), ...all.filter((one) => one !== tried)].map((one) => {
    const own = one.challenge === '' ? [] : [one.challenge]
    return `${one.scheme} ${[...named, ...(one === tried ? error : []), ...more, ...own].join(', ')}`
  })
  return new OAuthError(failure.code, failure.description, {
    status: failure.status,
    headers: { ...failure.headers, 'WWW-Authenticate': challenges.join(', ') },
    cause: failure.cause,
  })
}

/** RFC 9110 §5.6.4: quoted-string. Characters that a header cannot contain are dropped. */
export function escapeQuoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
}
