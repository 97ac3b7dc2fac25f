/** The version of the record that a form was about. */
import { OAuthError } from '../errors'
import type { Client } from '../storage'

const OUTDATED = 'The record has changed since the form was shown.'

/** An old page does not undo what was changed since. Looks at the very record that is about to be replaced. */
export function requireVersion({ version }: Client, expected: string | undefined): void {
  if (String(version) !== expected) throw new OAuthError('invalid_request', OUTDATED, { status: 409 })
}

export function isOutdated(error: unknown): boolean {
  return error instanceof OAuthError && error.status === 409 && error.message === OUTDATED
}
