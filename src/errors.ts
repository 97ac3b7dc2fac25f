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

/** Every `error` code of the library, under the name in its RFC. */
export type OAuthErrorCode = keyof typeof statuses

/** Any other text: a code of a host's own grant (RFC 6749 §8.5). */
type HostErrorCode = string & Record<never, never>

/** Options of `new OAuthError`. */
export interface OAuthErrorOptions {
  /** HTTP status. Required with a code of your own. @default the status that the code's RFC defines */
  status?: number
  /**
   * Members beside the error, such as `{ login_hint: 'alice@example.com' }`, for a grant of your own. The token endpoint
   * sends them, no other one does.
   * @default none
   */
  members?: Readonly<Record<string, string | number | boolean>>
  /** Response headers, such as `WWW-Authenticate`. @default none */
  headers?: Readonly<Record<string, string>>
  /** The internal cause. Reported through `onEvent`, never sent to a client. @default none */
  cause?: unknown
}

/**
 * A refusal. Its code, description, status and headers are sent to the client; its `cause` never leaves the process.
 * Characters that RFC 6749 does not allow in `error_description` are replaced.
 */
export class OAuthError extends Error {
  /** The `error` that the client receives: one of the library, or of a host's own grant. */
  readonly code: OAuthErrorCode | HostErrorCode
  /** HTTP status. */
  readonly status: number
  /** Response headers. */
  readonly headers: Readonly<Record<string, string>>
  /** Members beside the error in the response of the token endpoint. */
  readonly members: Readonly<Record<string, string | number | boolean>>

  constructor(code: OAuthErrorCode, description: string, options?: OAuthErrorOptions)
  /**
   * A code of a host's own grant (RFC 6749 §8.5), with its status.
   *
   * @throws TypeError for a code, a status or a member that no error response may have.
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

/** What clients read from a token response and its error (RFC 6749 §5.1, §5.2), and what is no member of an object. */
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

/** What was thrown as what Express takes for a failure: to it, whoever throws nothing, or 'route', passes the request on. */
export function asFailure(thrown: unknown): object {
  return typeof thrown === 'object' && thrown ? thrown : new Error('A handler failed', { cause: thrown })
}

/** Something unexpected as the error to answer with: itself when it is a refusal, `server_error` with a hidden cause otherwise. */
export function toOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  return new OAuthError('server_error', 'The server could not complete the request.', { cause: error })
}

/** Storage failed, hangs or returned something impossible: 503, never a refusal that a client would take for an answer. */
export function storageFailure(cause: unknown): OAuthError {
  return new OAuthError('server_error', 'The server is temporarily unable to complete the request.', {
    status: 503,
    cause,
  })
}

/** What an error says. By its member, not its class: a driver may be of another realm than we are, as in Jest. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : String(error)
}

export function invalidToken(): OAuthError {
  return new OAuthError('invalid_token', 'The access token is unknown, expired or revoked.')
}
