/** Shared by the SQL adapters: table names, whether a row is alive, and the automatic clean-up. */

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
  /** The table with one row: the version of the others. */
  readonly schema: string
}

export const DEFAULT_PREFIX = 'oauth_'

/**
 * Checks a part of a table name. It becomes SQL unchanged, so it must be a plain name; and a short one, because
 * databases cut long names. Otherwise throws a TypeError that names the option.
 */
export function requireName(option: string, name: unknown): string {
  if (typeof name === 'string' && /^(?!sqlite_|pg_)[a-z_][a-z0-9_]{0,30}$/.test(name)) return name
  throw misuse(
    'wrong_text',
    `${option} must be a name of 1 to 31 characters a-z, 0-9 and _, and not begin with a digit`,
  )
}

/** Checks the option `from` of a schema: the version to upgrade from. Throws for a version without an upgrade. */
export function requireFrom(name: string, from: unknown): void {
  if (from === undefined || from === 1) return
  throw misuse(
    'wrong_choice',
    `${name}({ from }) must be 1, the version of the existing tables, or left out for new tables`,
  )
}

/**
 * The upgrade from version 1 to 2, except for the new column. It ends sessions, because their digests cannot be
 * recomputed. Clients, marks and revoked grants stay. It does nothing if a version is stored.
 */
export function endSessions({ credentials, grants, schema }: Tables): string {
  const isVersion1 = `NOT EXISTS (SELECT 1 FROM ${schema})`
  return `DELETE FROM ${credentials} WHERE ${isVersion1};
DELETE FROM ${grants} WHERE revoked_at IS NULL AND ${isVersion1};
INSERT INTO ${schema} (id, version) VALUES (1, ${SCHEMA_VERSION}) ON CONFLICT (id) DO NOTHING;
`
}

/** The owner of a mark, for the columns `owner` and `owner_id`. */
export function markOf(target: Exclude<RevocationTarget, { grantId: string }>): ['user' | 'client', string] {
  return 'userId' in target ? ['user', target.userId] : ['client', target.clientId]
}

/**
 * Whether a mark covers the row of `alias`. Uses scalar subqueries, each a lookup by primary key: databases turn EXISTS
 * into joins, and these into table scans.
 */
export function isCovered({ marks }: Tables, alias: string): string {
  const coveredBy = (owner: 'user' | 'client') =>
    `((SELECT mark.revoked_at FROM ${marks} AS mark WHERE mark.owner = '${owner}' AND mark.owner_id = ${alias}.${owner}_id)` +
    ` >= ${alias}.started_at) IS TRUE`
  return `(${coveredBy('user')} OR ${coveredBy('client')})`
}

/**
 * The time that a mark covers: `now`, or the latest start of its owner's rows if a fast clock stored a later one. It
 * reads the end of an index, whatever the number of rows. Credentials of a grant end with it.
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

/** Selects the credential with the id `parameter` if it is alive. One statement, so it judges at one moment. */
export function selectAlive(tables: Tables, columns: readonly string[], parameter: string): string {
  return `SELECT ${columns.map((column) => `credential.${column}`).join(', ')}
FROM ${tables.credentials} AS credential LEFT JOIN ${tables.grants} AS authorization_grant
  ON authorization_grant.id = credential.grant_id
WHERE credential.id = ${parameter} AND NOT ${isCovered(tables, 'credential')}
  AND (credential.grant_id IS NULL OR authorization_grant.id IS NOT NULL
    AND authorization_grant.revoked_at IS NULL AND NOT ${isCovered(tables, 'authorization_grant')})`
}

/** One of this many inserts also sweeps, and removes more rows than these can have added. */
const SWEEP_EVERY = 32
export const SWEEP_LIMIT = 256
/**
 * Returns a function that says which expired rows an insert also removes: those expired before the returned time, or
 * none. So tables stay small without deleteExpired. It uses `issuedAt`, because an adapter does not use its own clock.
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
 * Runs `verify` before the first `run`: it checks once whether the tables fit this code. It returns false without
 * tables, which the statement reports itself.
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
