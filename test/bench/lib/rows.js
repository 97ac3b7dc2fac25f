// Sessions by the hundred thousand, faster than requests could begin them: one that the library has begun, again and again
// under other ids.
const { randomBytes } = require('node:crypto')

/**
 * A session as the library hands it to a storage.
 * @typedef {{ credentials: readonly Row[], grant: Row }} Session
 * @typedef {Record<string, any> & { id: string }} Row
 */

/** Begins a session of that user, and reads what was written for it. @param {any} library @param {any} server @param {{ clientId: string, userId: string, scope: string }} options @returns {Promise<Session>} */
async function beginSession(library, server, options) {
  const { access_token, refresh_token } = await library.issueTokens(server, options)
  const { grants } = server.storage
  const find = (/** @type {string} */ token) => grants.find(token.slice(0, token.indexOf('.')))
  const credentials = [await find(access_token), await find(refresh_token)]
  const [grant] = await grants.list({ userId: options.userId, limit: 1 })
  return { credentials, grant }
}

/** The same session of that user and client, under another id. @param {Session} session @param {{ userId?: string, clientId?: string }} [of] @returns {Session} */
function anotherOf({ credentials, grant }, of = {}) {
  const id = randomBytes(16).toString('base64url')
  return {
    credentials: credentials.map((row) => ({ ...row, ...of, id: row.id.replace(grant.id, id), grantId: id })),
    grant: { ...grant, ...of, id },
  }
}

/**
 * SQL that does so `count` times in the tables of an adapter: every column of the rows is that of the session, but for the
 * id, the user, `user-<n>`, and when it began. @param {'postgres' | 'sqlite'} kind @param {string} grantId @param {number} count @returns {string[]}
 */
function multiplied(kind, grantId, count) {
  const random = {
    // as long as the real ones, and as random: what an index is like depends on both
    postgres: `rtrim(translate(encode(decode(md5(random()::text || n::text), 'hex'), 'base64'), '+/', '-_'), '=')`,
    sqlite: 'substr(lower(hex(randomblob(16))), 1, 22)',
  }[kind]
  const numbers = {
    postgres: `SELECT n, ${random} AS id FROM generate_series(1, ${count}) AS n`,
    sqlite: `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
SELECT n, ${random} AS id FROM numbers`,
  }[kind]
  const shared = ['client_id', 'scope', 'data']
  // begun within the last hour, and not all at once
  const times = (/** @type {string[]} */ names) => names.map((name) => `one.${name} - new.n % 3000`)
  const again = (
    /** @type {string} */ table,
    /** @type {Record<string, string>} */ own,
    /** @type {string[]} */ moments,
  ) =>
    `INSERT INTO ${table} (${[...Object.keys(own), ...moments, ...shared].join(', ')})
SELECT ${[...Object.values(own), ...times(moments), ...shared.map((name) => `one.${name}`)].join(', ')}
FROM new_sessions AS new CROSS JOIN ${table} AS one`
  const user = `'user-' || new.n`
  return [
    `CREATE TEMPORARY TABLE new_sessions AS ${numbers}`,
    `${again('oauth_grants', { id: 'new.id', user_id: user }, ['started_at', 'expires_at', 'delete_at'])} WHERE one.id = '${grantId}'`,
    `${again(
      'oauth_credentials',
      {
        ...{ id: `replace(one.id, '${grantId}', new.id)`, grant_id: 'new.id', user_id: user },
        ...{ kind: 'one.kind', state: 'one.state', digest: 'one.digest' },
      },
      ['started_at', 'issued_at', 'expires_at'],
    )} WHERE one.grant_id = '${grantId}'`,
  ]
}

module.exports = { anotherOf, beginSession, multiplied }
