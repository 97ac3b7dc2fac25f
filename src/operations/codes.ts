/** Functions for hosts to issue authorization codes, by the same rules as over HTTP. */

import { pkceRequired, requireClient, requireGrantType } from '../clients/client'
import { OAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { type AuthorizationDetail, typesOf } from '../rules/authorization-details'
import { isCodeChallenge } from '../rules/pkce'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { matchesRedirectUri, unregistered } from '../rules/redirect-uri'
import { audienceMember, resolveAudience, resourceParameter } from '../rules/resource'
import { resolveScope, type Scope, scopeParameter } from '../rules/scope'
import { requireId } from '../rules/subject'
import { hasProofs, keyToBind } from '../sender-constraints/code-key'
import type { Client } from '../storage'
import { detailsMember } from '../tokens/authorization-details'
import { prepareCode } from '../tokens/code'
import { hostDetails } from '../tokens/host-details'
import { store } from '../tokens/issue'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { SignIn } from '../types/openid'

/** Options of `issueCode`. */
export interface IssueCodeOptions {
  /** The client that receives the code. Its record must allow the authorization code grant. */
  clientId: string
  /** The id of the user who agreed. */
  userId: string | number
  /**
   * The redirect URI that receives the code, one of the client's. The token request must repeat it.
   * @default none, and the token request names none
   */
  redirectUri?: string | undefined
  /**
   * The granted scope: `'read write'` or a list. The client must be allowed all of it.
   * @default the client's default scope; none beside `authorizationDetails`
   */
  scope?: string | Scope | undefined
  /**
   * The authorization details that the user agreed to (RFC 9396): `[{ type: 'payment', amount: '10.00' }]`. They are
   * checked like those of a request.
   * @default none
   */
  authorizationDetails?: readonly AuthorizationDetail[]
  /** The resources of the tokens (RFC 8707), from the `resources` of the server. @default the server's default */
  resource?: string | readonly string[] | undefined
  /** The S256 challenge (RFC 7636). Required if this client must use PKCE. @default none */
  codeChallenge?: string | undefined
  /** The thumbprint of the key that the tokens will be bound to (RFC 9449 §10). @default none */
  dpopJkt?: string | undefined
  /**
   * How the user signed in: `{ time, acr?, amr?, sessionId? }`, as `openid({ authentication })` returns it. Required
   * with the scope `openid`, for the id_token.
   * @default none
   */
  authentication?: SignIn | undefined
  /** The `nonce` that the id_token repeats (OpenID Connect Core §3.1.2.1). @default none */
  nonce?: string | undefined
}

const codeOptionNames: readonly string[] = [
  'clientId',
  'userId',
  'redirectUri',
  'scope',
  'resource',
  'codeChallenge',
  'dpopJkt',
  'authentication',
  'nonce',
  'authorizationDetails',
] satisfies (keyof IssueCodeOptions)[]
// an undefined `authorizationDetails` would give the default scope, a different authority
const mayBeUndefined = codeOptionNames.filter((name) => name !== 'authorizationDetails')

/**
 * Issues an authorization code for a user whom the host has authenticated and who agreed. `expiresIn` is in seconds.
 */
export async function issueCode(
  server: AuthorizationServer,
  options: IssueCodeOptions,
): Promise<{ code: string; expiresIn: number }> {
  requireNoMore('issueCode', arguments, 2)
  requireServer(server)
  requireKnown('issueCode option', options ?? null, codeOptionNames, mayBeUndefined)
  const { clientId, redirectUri, scope, resource, codeChallenge, dpopJkt, nonce } = options
  const userId = requireId('issueCode: userId', options.userId)
  const startedAt = server.now()
  if (!server.codes)
    throw misuse('missing_capability', 'issueCode needs authorizationCode() in the grants of the server')
  const client = await requireClient(server, clientId)
  requireGrantType(client, 'authorization_code')
  if (redirectUri !== undefined && !matchesRedirectUri(client, redirectUri)) {
    throw new OAuthError('invalid_request', unregistered(client, 'redirectUri', redirectUri))
  }
  const isRequired = pkceRequired(server.pkce, client) || schemeWithoutDot.test(redirectUri ?? '')
  if (codeChallenge === undefined ? isRequired : !isCodeChallenge(codeChallenge)) {
    throw new OAuthError('invalid_request', 'issueCode needs a codeChallenge for this client (PKCE, S256).')
  }
  if (dpopJkt !== undefined) {
    if (!hasProofs(server)) throw misuse('missing_capability', 'issueCode: dpopJkt needs dpop() in senderConstraints')
    keyToBind(server, client, new Map([['dpop_jkt', dpopJkt]]))
  }
  const audience = resolveAudience(server, client, resourceParameter(resource))
  const details = await hostDetails('issueCode', server, client, options.authorizationDetails, audience)
  const authorization = {
    ...{ clientId, userId, startedAt },
    scope: details && scope === undefined ? [] : resolveScope(server, client, scopeParameter(scope), audience),
    ...audienceMember(audience),
    ...detailsMember(details),
  }
  const approved = {
    authorization: await withAuthentication(server, client, authorization, options.authentication),
    ...(redirectUri !== undefined && { sentRedirectUri: redirectUri }),
    ...(codeChallenge !== undefined && { codeChallenge }),
    ...(dpopJkt !== undefined && { dpopJkt }),
    ...(nonce !== undefined && { nonce }),
  }
  const { code, credential } = prepareCode(server, approved, server.codes.ttl)
  await store(server, [credential])
  const types = details && { authorizationDetailsTypes: typesOf(details) }
  server.emit({ type: 'code.issued', clientId, userId, scope: credential.scope, ...types })
  return { code, expiresIn: server.codes.ttl }
}

type Authorized = Authorization & { readonly userId: string }

/** OpenID Connect Core §3.1.3.3: a code with the scope `openid` leads to an id_token, which reports the sign-in. */
async function withAuthentication(
  server: AuthorizationServer,
  client: Client,
  authorization: Authorized,
  signIn: SignIn | undefined,
): Promise<Authorized> {
  const { openid } = server
  if (signIn !== undefined && !openid)
    throw misuse('missing_capability', 'issueCode: authentication needs the option openid of the server')
  if (!openid || !authorization.scope.includes('openid')) return authorization
  if (signIn === undefined) {
    const fix = 'or name a scope without openid'
    throw misuse(
      'missing_option',
      `issueCode: the scope openid needs authentication: { time }, how the user signed in, ${fix}`,
    )
  }
  return { ...authorization, authentication: await openid.signedIn(server, client, authorization, signIn) }
}
