/**
 * A storage adapter written by hand: SQLite through Drizzle and better-sqlite3. Rows are kept as JSON, beside the columns
 * that a query needs. `test/examples/custom-storage.test.ts` proves it with the contract suite, in ten lines.
 */
import Database from 'better-sqlite3'
import { and, asc, eq, gt, inArray, isNull, lte, not, or, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Client, Credential, Grant, OAuthStorage } from 'express-authorization-server'

const clients = sqliteTable('clients', {
  id: text().primaryKey(),
  username: text(),
  version: integer().notNull(),
  client: text({ mode: 'json' }).$type<Client>().notNull(),
})
/** Of grants and credentials alike: whose it is, when it began, when it ends. */
const columns = () => ({
  id: text().primaryKey(),
  userId: text(),
  clientId: text(),
  startedAt: integer().notNull(),
  expiresAt: integer().notNull(),
})
/** A grant without its value is a tombstone: it was revoked, or is dead for another reason. */
const grants = sqliteTable('grants', { ...columns(), grant: text({ mode: 'json' }).$type<Grant>() })
const credentials = sqliteTable('credentials', {
  ...columns(),
  state: text().notNull(),
  grantId: text(),
  credential: text({ mode: 'json' }).$type<Credential>().notNull(),
})
/** Everything of a subject, 'user …' or 'client …', that began `at` this second or before is dead. */
const marks = sqliteTable('marks', {
  subject: text().primaryKey(),
  at: integer().notNull(),
  expiresAt: integer().notNull(),
})

const schema = `
  CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, username TEXT, version INTEGER NOT NULL, client TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS grants (id TEXT PRIMARY KEY, userId TEXT, clientId TEXT, startedAt INTEGER NOT NULL,
    expiresAt INTEGER NOT NULL, "grant" TEXT);
  CREATE TABLE IF NOT EXISTS credentials (id TEXT PRIMARY KEY, userId TEXT, clientId TEXT, startedAt INTEGER NOT NULL,
    expiresAt INTEGER NOT NULL, state TEXT NOT NULL, grantId TEXT, credential TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS marks (subject TEXT PRIMARY KEY, at INTEGER NOT NULL, expiresAt INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS clients_by_user ON clients (username, id);
  CREATE INDEX IF NOT EXISTS grants_by_user ON grants (userId, id);
  CREATE INDEX IF NOT EXISTS grants_by_client ON grants (clientId, id);
  CREATE INDEX IF NOT EXISTS grants_by_expiry ON grants (expiresAt);
  CREATE INDEX IF NOT EXISTS credentials_by_grant ON credentials (grantId);
  CREATE INDEX IF NOT EXISTS credentials_by_expiry ON credentials (expiresAt);
  CREATE INDEX IF NOT EXISTS grants_by_start ON grants (startedAt);
  CREATE INDEX IF NOT EXISTS credentials_by_start ON credentials (startedAt);
`

/** No request is under way for longer: so long a revocation is remembered at least. */
const MONTH = 30 * 86_400

const isCovered = ({ userId, clientId, startedAt }: typeof grants | typeof credentials): SQL =>
  sql`EXISTS (SELECT 1 FROM ${marks} WHERE ${marks.subject} IN ('user ' || ${userId}, 'client ' || ${clientId})
    AND ${marks.at} >= ${startedAt})`
const isAliveGrant = sql`(${grants.grant} IS NOT NULL AND NOT ${isCovered(grants)})`
const grantOfCredential = sql`FROM ${grants} WHERE ${grants.id} = ${credentials.grantId}`
const isAlive = and(
  not(isCovered(credentials)),
  or(isNull(credentials.grantId), sql`EXISTS (SELECT 1 ${grantOfCredential} AND ${isAliveGrant})`),
)
// Dead is more than not alive: a grant that is not there may still arrive
const isDead = or(isCovered(credentials), sql`EXISTS (SELECT 1 ${grantOfCredential} AND NOT ${isAliveGrant})`)

/** Undoes a transaction whose answer is false. */
class Refused extends Error {}

export function customStorage(file: string): OAuthStorage {
  const connection = new Database(file)
  connection.pragma('journal_mode = WAL')
  connection.exec(schema)
  const db = drizzle(connection)

  /** All or nothing. IMMEDIATE: nobody else writes between what is read here and what is written. */
  function atomically(act: () => void): boolean {
    try {
      db.transaction(act, { behavior: 'immediate' })
      return true
    } catch (error) {
      if (error instanceof Refused) return false
      throw error
    }
  }
  function refuseUnless(isTrue: boolean): void {
    if (!isTrue) throw new Refused()
  }

  function putGrant(grant: Grant): boolean {
    const { id, userId = null, clientId, startedAt, expiresAt } = grant
    const row = { id, userId, clientId, startedAt, expiresAt, grant }
    db.insert(grants).values(row).onConflictDoUpdate({ target: grants.id, set: row }).run()
    return grant.revokedAt === undefined && hasAny(grants, and(eq(grants.id, id), isAliveGrant))
  }
  function putCredentials(added: readonly Credential[]): void {
    for (const credential of added) {
      const { id, userId = null, clientId, startedAt, expiresAt, state, grantId = null } = credential
      const row = { id, userId, clientId, startedAt, expiresAt, state, grantId, credential }
      db.insert(credentials).values(row).onConflictDoUpdate({ target: credentials.id, set: row }).run()
    }
    // What is dead on arrival is not kept, or it would come to life when its mark is forgotten
    db.delete(credentials)
      .where(
        and(
          inArray(
            credentials.id,
            added.map(({ id }) => id),
          ),
          isDead,
        ),
      )
      .run()
  }
  function hasAny(table: typeof grants | typeof credentials, where: SQL | undefined): boolean {
    return db.select({ id: table.id }).from(table).where(where).limit(1).get() !== undefined
  }
  function bury(id: string, expiresAt: number): void {
    const row = { id, startedAt: 0, expiresAt, grant: null }
    db.insert(grants)
      .values(row)
      .onConflictDoUpdate({ target: grants.id, set: { grant: null } })
      .run()
  }

  return {
    clients: {
      find: (id) => db.select().from(clients).where(eq(clients.id, id)).get()?.client,
      list({ username, after, limit }) {
        const isWanted = and(
          username === undefined ? undefined : eq(clients.username, username),
          gt(clients.id, after ?? ''),
        )
        return db
          .select()
          .from(clients)
          .where(isWanted)
          .orderBy(asc(clients.id))
          .limit(limit)
          .all()
          .map((row) => row.client)
      },
      insert(client) {
        const row = { id: client.clientId, username: client.username ?? null, version: client.version, client }
        return db.insert(clients).values(row).onConflictDoNothing().run().changes === 1
      },
      update(client, expectedVersion) {
        const set = { username: client.username ?? null, version: client.version, client }
        const isExpected = and(eq(clients.id, client.clientId), eq(clients.version, expectedVersion))
        return db.update(clients).set(set).where(isExpected).run().changes === 1
      },
      delete: (id) => db.delete(clients).where(eq(clients.id, id)).run().changes === 1,
    },

    grants: {
      insert: (added, grant) =>
        atomically(() => {
          const ids = added.map(({ id }) => id)
          refuseUnless(new Set(ids).size === ids.length && !hasAny(credentials, inArray(credentials.id, ids)))
          refuseUnless(!grant || !hasAny(grants, eq(grants.id, grant.id)))
          if (grant && !putGrant(grant)) bury(grant.id, grant.expiresAt)
          putCredentials(added)
        }),
      find: (id) =>
        db
          .select()
          .from(credentials)
          .where(and(eq(credentials.id, id), isAlive))
          .get()?.credential,
      transition: (id, from, next, additions, grant) =>
        atomically(() => {
          refuseUnless(hasAny(credentials, and(eq(credentials.id, id), eq(credentials.state, from), isAlive)))
          refuseUnless(!grant || !hasAny(grants, and(eq(grants.id, grant.id), not(isAliveGrant))))
          refuseUnless(!grant || putGrant(grant))
          putCredentials([next, ...additions])
        }),
      list({ userId, clientId, after, limit }) {
        const isWanted = and(
          userId === undefined ? undefined : eq(grants.userId, userId),
          clientId === undefined ? undefined : eq(grants.clientId, clientId),
          gt(grants.id, after ?? ''),
          isAliveGrant,
        )
        const rows = db.select().from(grants).where(isWanted).orderBy(asc(grants.id)).limit(limit).all()
        return rows.map((row) => row.grant as Grant)
      },
      revoke(target, now) {
        if ('grantId' in target) return bury(target.grantId, now + MONTH)
        const subject = 'userId' in target ? `user ${target.userId}` : `client ${target.clientId}`
        // Until everything that it covers has expired: what arrives later is not kept
        const expiresAt = sql<number>`MAX(${now + MONTH}, (SELECT IFNULL(MAX(${credentials.expiresAt}), 0) FROM ${credentials}))`
        // Clocks of processes differ: what is there is dead, also what began later by another one
        const isOwn = (table: typeof grants | typeof credentials) =>
          'userId' in target ? eq(table.userId, target.userId) : eq(table.clientId, target.clientId)
        const latestOf = (table: typeof grants | typeof credentials) =>
          sql`(SELECT IFNULL(MAX(startedAt), ${now}) FROM ${table} WHERE ${gt(table.startedAt, now)} AND ${isOwn(table)})`
        const at = sql<number>`MAX(${latestOf(grants)}, ${latestOf(credentials)})`
        const set = {
          at: sql`MAX(${marks.at}, excluded.at)`,
          expiresAt: sql`MAX(${marks.expiresAt}, excluded.expiresAt)`,
        }
        db.insert(marks).values({ subject, at, expiresAt }).onConflictDoUpdate({ target: marks.subject, set }).run()
      },
      deleteExpired(now, limit) {
        const due = db
          .select({ id: credentials.id })
          .from(credentials)
          .where(lte(credentials.expiresAt, now))
          .limit(limit)
        const { changes } = db.delete(credentials).where(inArray(credentials.id, due)).run()
        if (changes === limit) return changes
        const isNeeded = sql`EXISTS (SELECT 1 FROM ${credentials} WHERE ${credentials.grantId} = ${grants.id})`
        db.delete(grants)
          .where(and(lte(grants.expiresAt, now), not(isNeeded)))
          .run()
        db.delete(marks).where(lte(marks.expiresAt, now)).run()
        return changes
      },
    },
    close: () => void connection.close(),
  }
}
