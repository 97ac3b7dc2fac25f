/** What went wrong, as the driver or the system says it. */
import { messageOf, OAuthError } from '../../errors'

/** What is behind the 503 of a storage that failed: the words of its adapter or driver. */
export function reasonOf(error: unknown): string {
  const { cause, errors, code } = (error ?? {}) as { cause?: unknown; errors?: unknown[]; code?: unknown }
  if (error instanceof OAuthError && !isOfCaller(error) && cause !== undefined) return reasonOf(cause)
  // every address of a name was tried: the first says what the others do
  if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors[0])
  return messageOf(error) || String(code)
}

/** Whether it refuses what was asked for, where others say that something does not work. */
export function isOfCaller(error: unknown): boolean {
  return error instanceof OAuthError && error.status < 500
}
