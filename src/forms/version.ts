/** The version of a record that a form shows. */
import { OAuthError } from '../errors'
import type { Client } from '../storage'

const OUTDATED = 'The record has changed since the form was shown.'

/**
 * Throws if the record changed since the form was shown: an old page must not undo changes. Checks the record that is
 * replaced.
 */
export function requireVersion({ version }: Client, expected: string | undefined): void {
  if (String(version) !== expected) throw new OAuthError('invalid_request', OUTDATED, { status: 409 })
}

export function isOutdated(error: unknown): boolean {
  return error instanceof OAuthError && error.status === 409 && error.message === OUTDATED
}
