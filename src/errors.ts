/**
 * The one error class of the library and the closed list of its codes (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1,
 * RFC 7009 §2.2.1, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 8707 §2, RFC 9101 §7, RFC 9396 §5, RFC 9449 §5 and §8, RFC 9470
 * §3 and §5, OpenID Connect Core §3.1.2.6).
 */

import { misuse } from './options/misuse'

const statuses = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_authorization_details: 400,
  invalid_request_uri: 400,
  invalid_request_object: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  login_required: 400,
  consent_required: 400,
  interaction_required: 400,
  account_selection_required: 400,
  unmet_authentication_requirements: 400,
  access_denied: 403,
  invalid_token: 401,
  insufficient_scope: 403,
  insufficient_user_authentication: 401,
  unsupported_token_type: 400,
  invalid_client_metadata: 400,
  invalid_redirect_uri: 400,
  invalid_software_statement: 400,
  unapproved_software_statement: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  authorization_pending: 400,
  slow_down: 400,
  expired_token: 400,
  temporarily_unavailable: 503,
  server_error: 500,
} as const

/** Every `error` code of the library, named as in its RFC. */
export type OAuthErrorCode = keyof typeof statuses

/** Any other string: an error code of the host's own grant (RFC 6749 §8.5). */
type HostErrorCode = string & Record<never, never>

/** Options of `new OAuthError`. */
export interface OAuthErrorOptions {
  /** The HTTP status. Required with a code of your own. @default the status that the code's RFC defines */
  status?: number
  /**
   * More members of the error response, such as `{ login_hint: 'alice@example.com' }`, for a grant of your own. Only
   * the token endpoint sends them.
   * @default none
   */
  members?: Readonly<Record<string, string | number | boolean>>
  /** Response headers, such as `WWW-Authenticate`. @default none */
  headers?: Readonly<Record<string, string>>
  /** The internal cause. `onEvent` receives it; clients never do. @default none */
  cause?: unknown
}

/**
 * A refusal. The client receives its code, description, status and headers, but never its `cause`. A character that RFC
 * 6749 does not allow in `error_description` becomes a question mark.
 */
export class OAuthError extends Error {
  /** The `error` that the client receives: a code of the library or of the host's own grant. */
  readonly code: OAuthErrorCode | HostErrorCode
  /** The HTTP status. */
  readonly status: number
  /** Response headers. */
  readonly headers: Readonly<Record<string, string>>
  /** More members of the token endpoint's error response. */
  readonly members: Readonly<Record<string, string | number | boolean>>

  constructor(code: OAuthErrorCode, description: string, options?: OAuthErrorOptions)
  /**
   * An error with a code of the host's own grant (RFC 6749 §8.5), and its status.
   *
   * @throws TypeError for a code, a status or a member that an error response cannot have.
   */
  constructor(code: string, description: string, options: OAuthErrorOptions & { status: number })
  constructor(code: string, description: string, options: OAuthErrorOptions = {}) {
    super(asDescription(description), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'OAuthError'
    this.code = code
    this.status = options.status ?? statusOf(code)
    this.headers = options.headers ?? {}
    this.members = options.members ? verifiedMembers(options.members) : noMembers
    if (!Object.hasOwn(statuses, code)) verifyOwnCode(code, this.status)
  }

  /** The public description: RFC 6749 §5.2 `error_description`. */
  get description(): string {
    return this.message
  }

  /** The body of an error response: RFC 6749 §5.2. */
  toJSON(): { error: OAuthErrorCode | HostErrorCode; error_description: string } {
    return { error: this.code, error_description: this.message }
  }
}

function statusOf(code: string): number {
  if (Object.hasOwn(statuses, code)) return statuses[code as OAuthErrorCode]
  throw misuse(
    'wrong_oauth_error',
    `OAuthError: ${code} is not a code of the library: give it a status, such as { status: 400 }`,
  )
}

// RFC 6749 §5.2: error = 1*NQSCHAR
function verifyOwnCode(code: unknown, status: unknown): void {
  if (typeof code !== 'string' || !/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(code)) {
    throw misuse('wrong_oauth_error', 'OAuthError: the code must be printable ASCII without quotes and backslashes')
  }
  if (Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599) return
  throw misuse('wrong_oauth_error', `OAuthError: the status of ${code} must be a whole number from 400 to 599`)
}

const noMembers = Object.freeze({})

/** Members with a meaning of their own in a token or error response (RFC 6749 §5.1, §5.2), and unsafe names. */
const reservedMembers: ReadonlySet<string> = new Set([
  ...['error', 'error_description', 'error_uri', 'access_token', 'token_type', 'expires_in', 'refresh_token'],
  ...['scope', 'id_token', 'issued_token_type', 'code', 'state', 'iss', '__proto__'],
])

function verifiedMembers(members: NonNullable<OAuthErrorOptions['members']>): OAuthError['members'] {
  for (const [name, value] of Object.entries(members)) {
    // RFC 6749 §8.2: param-name = 1*name-char
    if (!/^[\w.-]+$/.test(name) || reservedMembers.has(name)) {
      throw misuse(
        'wrong_oauth_error',
        `OAuthError: members must not have ${name}: use another name, of letters, digits and _ . -`,
      )
    }
    if (!isMemberValue(value)) {
      throw misuse(
        'wrong_oauth_error',
        `OAuthError: the member ${name} must be a string, a finite number, true or false`,
      )
    }
  }
  return Object.freeze({ ...members })
}

function isMemberValue(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !/\p{Cc}/u.test(value)
  return typeof value === 'boolean' || Number.isFinite(value)
}

// RFC 6749 §5.2: values of error_description must not have characters outside %x20-21 / %x23-5B / %x5D-7E
function asDescription(text: string): string {
  return text
    .replace(/§+ ?/g, 'section ')
    .replaceAll('"', "'")
    .replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

/** Makes any thrown value a failure for Express, which takes `undefined` and 'route' as "continue". */
export function asFailure(thrown: unknown): object {
  return typeof thrown === 'object' && thrown ? thrown : new Error('A handler failed', { cause: thrown })
}

/** Returns the error to respond with: an OAuthError unchanged, anything else as `server_error` with a hidden cause. */
export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  return new OAuthError('server_error', 'The server could not complete the request.', { cause: error })
}

/** The storage failed, timed out or returned invalid data: 503, so that no client takes it for a refusal. */
export function storageFailure(cause: unknown): OAuthError {
  return new OAuthError('server_error', 'The server is temporarily unable to complete the request.', {
    status: 503,
    cause,
  })
}

/** The message of an error. Not by `instanceof`: in Jest, a driver's errors are of another realm. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : String(error)
}

export function invalidToken(): OAuthError {
  return new OAuthError('invalid_token', 'The access token is unknown, expired or revoked.')
}
