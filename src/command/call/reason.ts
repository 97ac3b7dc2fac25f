/** The cause of a failure, in the words of the driver or the system. */
import { messageOf, OAuthError } from '../../errors'

/** The cause behind a storage's 503: the message of its adapter or driver. */
export function reasonOf(error: unknown): string {
  const { cause, errors, code } = (error ?? {}) as { cause?: unknown; errors?: unknown[]; code?: unknown }
  if (error instanceof OAuthError && !isOfCaller(error) && cause !== undefined) return reasonOf(cause)
  // all addresses of a name failed: the first error represents them
  if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors[0])
  return messageOf(error) || String(code)
}

/** Whether the error refuses the request itself, rather than reporting a failure. */
export function isOfCaller(error: unknown): boolean {
  return error instanceof OAuthError && error.status < 500
}
