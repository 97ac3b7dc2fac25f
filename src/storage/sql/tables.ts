/** What the SQL adapters have in common: names of tables, whether a row is alive, and when rows leave by themselves. */

import { begunOnce } from '../../deadline'
import { misuse } from '../../options/misuse'
import type { Credential, RevocationTarget } from '../../storage'
import { GRACE } from '../retention'
import { SCHEMA_VERSION } from '../schema-version'

export interface Tables {
  readonly clients: string
  readonly grants: string
  readonly credentials: string
  readonly marks: string
  /** One row: the version of the others. */
  readonly schema: string
}

export const DEFAULT_PREFIX = 'oauth_'

/**
 * A part of a table's name. It becomes SQL as it is, so it is a plain name; short, because databases cut long ones. Throws
 * and names the option for everything else.
 */
export function requireName(option: string, name: unknown): string {
  if (typeof name === 'string' && /^(?!sqlite_|pg_)[a-z_][a-z0-9_]{0,30}$/.test(name)) return name
  throw misuse(
    'wrong_text',
    `${option} must be a name of 1 to 31 characters a-z, 0-9 and _, and not begin with a digit`,
  )
}

/** The option `from` of a schema: the version to upgrade from. Throws for one that has no upgrade. */
export function requireFrom(name: string, from: unknown): void {
  if (from === undefined || from === 1) return
  throw misuse(
    'wrong_choice',
    `${name}({ from }) must be 1, the version of the existing tables, or left out for new tables`,
  )
}

/**
 * What version 2 does to version 1, but for the column: sessions end, because their digests cannot be computed anew.
 * Clients, marks and revoked grants stay. It does nothing where there is a version.
 */
export function endSessions({ credentials, grants, schema }: Tables): string {
  const isVersion1 = `NOT EXISTS (SELECT 1 FROM ${schema})`
  return `DELETE FROM ${credentials} WHERE ${isVersion1};
DELETE FROM ${grants} WHERE revoked_at IS NULL AND ${isVersion1};
INSERT INTO ${schema} (id, version) VALUES (1, ${SCHEMA_VERSION}) ON CONFLICT (id) DO NOTHING;
`
}

/** Whose mark it is, in the columns `owner` and `owner_id`. */
export function markOf(target: Exclude<RevocationTarget, { grantId: string }>): ['user' | 'client', string] {
  return 'userId' in target ? ['user', target.userId] : ['client', target.clientId]
}

/**
 * Whether a mark covers the row of `alias`. Scalar subqueries, so that each is one look at the primary key: databases
 * turn EXISTS into joins, and those into scans of the whole table.
 */
export function isCovered({ marks }: Tables, alias: string): string {
  const coveredBy = (owner: 'user' | 'client') =>
    `((SELECT mark.revoked_at FROM ${marks} AS mark WHERE mark.owner = '${owner}' AND mark.owner_id = ${alias}.${owner}_id)` +
    ` >= ${alias}.started_at) IS TRUE`
  return `(${coveredBy('user')} OR ${coveredBy('client')})`
}

/**
 * Up to when a mark covers: `now`, or when the latest that is there of its owner began, by a clock that is ahead. One look
 * at the end of an index, whatever the owner has: nothing begins in the future while clocks agree. Credentials of a grant
 * end with it.
 */
export function markedUntil(
  { grants, credentials }: Tables,
  greatest: 'max' | 'GREATEST',
  { owner, ownerId, now }: { owner: string; ownerId: string; now: string },
): string {
  const latest = (rows: string) => `coalesce((SELECT max(started_at) FROM ${rows} started_at > ${now}
    AND CASE ${owner} WHEN 'user' THEN user_id ELSE client_id END = ${ownerId}), ${now})`
  return `${greatest}(${latest(`${grants} WHERE`)}, ${latest(`${credentials} WHERE grant_id IS NULL AND`)})`
}

/** The credential with the id `parameter`, if it is alive. Judged in one statement, so at one moment. */
export function selectAlive(tables: Tables, columns: readonly string[], parameter: string): string {
  return `SELECT ${columns.map((column) => `credential.${column}`).join(', ')}
FROM ${tables.credentials} AS credential LEFT JOIN ${tables.grants} AS authorization_grant
  ON authorization_grant.id = credential.grant_id
WHERE credential.id = ${parameter} AND NOT ${isCovered(tables, 'credential')}
  AND (credential.grant_id IS NULL OR authorization_grant.id IS NOT NULL
    AND authorization_grant.revoked_at IS NULL AND NOT ${isCovered(tables, 'authorization_grant')})`
}

/** A sweep is asked for by every so many inserts, and takes more rows than those can have added. */
const SWEEP_EVERY = 32
export const SWEEP_LIMIT = 256
/**
 * Says of an insert until when rows must have expired that it also removes, or nothing where it removes none. So the
 * tables stay small where nobody calls deleteExpired. The clock is `issuedAt`: an adapter does not judge by its own.
 */
export function sweeper(): (credentials: readonly Credential[]) => number | undefined {
  let inserts = 0
  return (credentials) => {
    const isDue = inserts++ % SWEEP_EVERY === 0 && credentials.length > 0
    if (!isDue) return undefined
    return Math.max(...credentials.map(({ issuedAt }) => issuedAt)) - GRACE
  }
}

/**
 * `run`, that first finds out by `verify` whether the tables are what this code knows: once, where there are some. False:
 * there are none, which the statement says itself.
 */
export function verifyingFirst<Asked extends unknown[], Answer>(
  run: (...asked: Asked) => Promise<Answer>,
  verify: () => Promise<boolean>,
): (...asked: Asked) => Promise<Answer> {
  const areKnown = begunOnce(verify, (areThere) => areThere)
  return async (...asked) => {
    await areKnown()
    return run(...asked)
  }
}
