// What every server has in common: the same client, users, passwords and codes, so that all of them do the same work.
const { createHash } = require('node:crypto')
const { createRequire } = require('node:module')

/** A package of the bench, or of the project around it. It may not be installed where only types are checked. */
const load = /** @type {(name: string) => any} */ (createRequire(__filename))

const USERS = 1000
const codeVerifier = 'bench-code-verifier-0123456789-0123456789-0123456789'

const fixtures = Object.freeze({
  clientId: 'bench-client',
  clientSecret: 'L2b7mVfO8pYkq3Zt0RwXcN5sJ1uHdGaE9iKoBvTyQxM',
  redirectUri: 'https://client.example/callback',
  scope: 'read',
  codeVerifier,
  codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url'),
  /** `user-0` to `user-999`, with the password `password of user-7`. */
  users: new Map(Array.from({ length: USERS }, (_, i) => [`user-${i}`, { id: `user-${i}`, name: `User number ${i}` }])),
  /** Seconds. */
  accessTokenTtl: 3600,
  refreshTokenTtl: 14 * 86_400,
  codeTtl: 600,
})

/** The user of the nth piece of material. @param {number} n */
function userId(n) {
  return `user-${n % USERS}`
}

/** Passwords are compared as they are: the hash has a bench of its own. @param {string} username */
function passwordOf(username) {
  return `password of ${username}`
}

/** @param {string} username @param {string} password */
function findUser(username, password) {
  const user = fixtures.users.get(username)
  return user && password === passwordOf(username) ? user : undefined
}

/** `count` pieces of what `make` makes. @template T @param {number} count @param {(n: number) => T | Promise<T>} make */
async function times(count, make) {
  const made = []
  for (let n = 0; n < count; n++) made.push(await make(n))
  return made
}

module.exports = { findUser, fixtures, load, passwordOf, times, userId }
