/** The fields of an app's form: values from a record, and changes to it. */
import { hasClientSecret } from '../clients/client'
import { OAuthError } from '../errors'
import { checkboxes, textField, tickedIn } from '../forms/html'
import { isPrivateJwk, publicJwk } from '../jwt/keys'
import { scopeInWords } from '../pages/page'
import type { Client } from '../storage'
import type { ClientMetadata } from '../types/client-metadata'
import { type AppKind, hasKeys, KEYS, proves, redirects } from './kinds'
import type { Call, Errors } from './pages'

export type Sent = ReadonlyMap<string, string>

/** The values of the form, as text. */
export interface Values {
  readonly name: string
  readonly redirectUris: string
  readonly scopes: readonly string[]
  readonly keys: string
  readonly keysUri: string
}

export const none: Values = { name: '', redirectUris: '', scopes: [], keys: '', keysUri: '' }

/** The members of each field: an error begins with a member's name. */
export const fieldsOf = ({ visit: { words } }: Call) =>
  ({
    client_name: ['client_name', words.nameWrong],
    redirect_uris: ['redirect_uris', words.redirectWrong],
    invalid_redirect_uri: ['redirect_uris', words.redirectWrong],
    scope: ['scope', words.scopesWrong],
    insufficient_scope: ['scope', words.scopesWrong],
    jwks: ['jwks', words.keysWrong],
    jwks_uri: ['jwks_uri', words.keysWrong],
  }) as const

export function valuesOf({ name = '', redirectUris, scopes = [], jwks, jwksUri = '' }: Client): Values {
  const keys = jwks === undefined ? '' : JSON.stringify(jwks, undefined, 2)
  return { name, redirectUris: redirectUris.join('\n'), scopes, keys, keysUri: jwksUri }
}

/** The fields of a kind of app, as HTML. An app cannot change from a secret to keys or back: create a new one. */
export function fields(call: Call, kind: AppKind, values: Values, errors: Errors, client?: Client): string {
  const { visit, who } = call
  const { words, context, server } = visit
  const withKeys = client ? client.tokenEndpointAuthMethods.includes(KEYS) : proves(kind) && hasKeys(server)
  const label = (scope: string) => ({ value: scope, label: scopeInWords(context, server.scopes, scope) })
  const hint = kind === 'mobile' ? words.redirectHintMobile : words.redirectHint
  const name = { name: 'client_name', label: words.name, hint: words.nameHint, value: values.name }
  const uris = { name: 'redirect_uris', label: words.redirectUris, hint, value: values.redirectUris, rows: 4 }
  const keys = { name: 'jwks', label: words.keys, hint: words.keysHint, value: values.keys, rows: 6 }
  return [
    textField({ ...name, error: errors.client_name, required: true, maxLength: 60 }),
    redirects(kind) && textField({ ...uris, error: errors.redirect_uris, required: true }),
    who.scopes.length > 0 &&
      checkboxes({
        ...{ name: 'scope', label: words.scopes, error: errors.scope },
        ...{ choices: who.scopes.map(label), checked: values.scopes },
      }),
    withKeys && textField({ ...keys, error: errors.jwks }),
    withKeys && textField({ name: 'jwks_uri', label: words.keysUri, error: errors.jwks_uri, value: values.keysUri }),
  ]
    .filter(Boolean)
    .join('\n')
}

export function valuesIn({ who }: Call, sent: Sent): Values {
  return {
    name: (sent.get('client_name') ?? '').trim(),
    redirectUris: sent.get('redirect_uris') ?? '',
    scopes: tickedIn(sent, 'scope', who.scopes),
    keys: sent.get('jwks') ?? '',
    keysUri: (sent.get('jwks_uri') ?? '').trim(),
  }
}

export const linesOf = (text: string) => text.split(/[\r\n]+/).flatMap((line) => line.trim() || [])

/** Errors for missing values that records do not require: a record may have no name. */
export function missing({ visit: { words } }: Call, values: Values, needsUris: boolean): Errors {
  return {
    ...(values.name === '' && { client_name: { text: words.nameMissing } }),
    ...(needsUris && linesOf(values.redirectUris).length === 0 && { redirect_uris: { text: words.redirectMissing } }),
  }
}

/** A single key counts as a set. */
export function keysIn(text: string): NonNullable<ClientMetadata['jwks']> | undefined {
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new OAuthError('invalid_client_metadata', 'jwks must be JSON.')
  }
  const isKey = typeof value === 'object' && value !== null && 'kty' in value
  return (isKey ? { keys: [value] } : value) as NonNullable<ClientMetadata['jwks']>
}

/** The values to show again in the form. Keys that may be private are not repeated. */
export function shownAgain(values: Values): Values {
  return isPublicSet(values.keys) ? values : { ...values, keys: '' }
}

function isPublicSet(text: string): boolean {
  try {
    const keys: unknown = keysIn(text)?.keys ?? []
    return Array.isArray(keys) && keys.every((key) => publicJwk(key) !== undefined && !isPrivateJwk(key))
  } catch {
    return false
  }
}

/** The changes from the form's fields. Scopes that the form does not show stay. */
export function changesIn({ who }: Call, current: Client, values: Values): ClientMetadata {
  const { scopes: before = [], defaultScopes, tokenEndpointAuthMethods: methods } = current
  const scopes = [...before.filter((scope) => !who.scopes.includes(scope)), ...values.scopes]
  const withKeys = methods.includes(KEYS) && !hasClientSecret(current)
  return {
    name: values.name,
    redirectUris: linesOf(values.redirectUris),
    scopes,
    ...(defaultScopes && { defaultScopes: defaultScopes.filter((scope) => scopes.includes(scope)) }),
    ...(withKeys && { jwks: keysIn(values.keys) ?? { keys: [] }, jwksUri: values.keysUri }),
  }
}
