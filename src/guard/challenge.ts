/** The `WWW-Authenticate: Bearer` challenge: RFC 6750 §3. */
import { OAuthError } from '../errors'
import { formatScope, type Scope } from '../rules/scope'

/** Marks the failure whose challenge has no `error`: RFC 6750 §3.1, a request that sent no token at all. */
const NO_TOKEN = Object.freeze({})

/** Marks the failure that more scope would not mend: a client would ask for the same again and again. */
const NO_SCOPE = Object.freeze({})

export function missingToken(): never {
  throw new OAuthError('invalid_token', 'The request has no access token.', { headers: NO_TOKEN })
}

/** RFC 6750 §3.1: the request needs more than this token has, and no token of the client itself would do. */
export function clientsOwnToken(): OAuthError {
  const description = "The request needs a user's access token, and this one belongs to the client itself."
  return new OAuthError('insufficient_scope', description, { headers: NO_SCOPE })
}

/**
 * The failure with its challenge. `scope` is what the resource needs: named where the token has too little, and where
 * `resourceMetadata` (RFC 9728 §5.1) says that the client may know nothing of this resource yet.
 */
export function withChallenge(
  failure: OAuthError,
  realm: string,
  scope: Scope,
  resourceMetadata?: string | undefined,
): OAuthError {
  const parts = [`Bearer realm="${escapeQuoted(realm)}"`]
  if (failure.headers !== NO_TOKEN) {
    parts.push(`error="${failure.code}"`, `error_description="${escapeQuoted(failure.description)}"`)
  }
  const namesScope = failure.code === 'insufficient_scope' || resourceMetadata !== undefined
  if (namesScope && scope.length > 0 && failure.headers !== NO_SCOPE) parts.push(`scope="${formatScope(scope)}"`)
  if (resourceMetadata !== undefined) parts.push(`resource_metadata="${escapeQuoted(resourceMetadata)}"`)
  return new OAuthError(failure.code, failure.description, {
    status: failure.status,
    headers: { 'WWW-Authenticate': parts.join(', ') },
    cause: failure.cause,
  })
}

/** RFC 9110 §5.6.4: quoted-string. What may not stand in a header at all is dropped. */
export function escapeQuoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
}
