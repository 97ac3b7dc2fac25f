/** Users as hosts name them: an id, or a value that has one. */

/** The id as storage and tokens carry it, or undefined for nobody. Databases have numbers, the protocol has strings. */
export function subjectId(user: unknown): string | undefined {
  const id: unknown = typeof user === 'object' && user !== null ? (user as { id?: unknown }).id : user
  if (typeof id === 'number' || typeof id === 'bigint') return String(id)
  return typeof id === 'string' && id !== '' ? id : undefined
}
