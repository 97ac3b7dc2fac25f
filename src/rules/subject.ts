/** Users as hosts name them: an id, or a value that has one. */

/**
 * The id as storage and tokens carry it, or undefined for nobody. Databases have numbers, the protocol has strings. NaN
 * and numbers beyond exactness are nobody: each of them would be one user made of many.
 */
export function subjectId(user: unknown): string | undefined {
  const id: unknown = typeof user === 'object' && user !== null ? (user as { id?: unknown }).id : user
  if (Number.isSafeInteger(id) || typeof id === 'bigint') return String(id)
  return typeof id === 'string' && id !== '' ? id : undefined
}
