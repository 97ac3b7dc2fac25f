// A database's driver alone: Express answers a constant after the very statements that our adapter sends for the same
// operation, recorded once and repeated with fresh ids. What an adapter costs is measured against this.
const { randomBytes } = require('node:crypto')
const { join } = require('node:path')
const { fixtures, load, times, userId } = require('./common')
const { makeStorage, missing } = require('./ours')

const express = load('express')

/** @typedef {{ on: any, method: string, args: unknown[] }} Call */

async function start(/** @type {any} */ config) {
  const app = express()
  const library = require(join(config.folder, 'dist', 'index.js'))
  const needs = missing(config, library)
  if (needs.length === 0) await mount(app, config, library)
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { token: '/token', read: '/read' },
    needs,
    operations: ['client_credentials', 'guard'],
    material: (/** @type {string} */ _kind, /** @type {number} */ count) =>
      times(count, () => `${randomBytes(16).toString('base64url')}~a.${randomBytes(32).toString('base64url')}`),
  }
}

async function mount(/** @type {any} */ app, /** @type {any} */ config, /** @type {any} */ library) {
  /** @type {Call[]} */
  let calls = []
  const storage = await makeStorage(config, library, (driver) => recorded(driver, (call) => calls.push(call)))
  const server = library.createAuthorizationServer({ issuer: config.origin, storage, scopes: ['read', 'write'] })
  const grantTypes = ['client_credentials']
  const { client } = await library.registerClient(server, { grantTypes, scopes: ['read', 'write'] })
  const issue = () => library.issueTokens(server, { clientId: client.clientId, userId: userId(7), refreshToken: false })
  await issue()
  calls = []
  const { access_token: token } = await issue()
  const issuing = calls
  calls = []
  await library.verifyAccessToken(server, token)
  const verifying = calls
  const [id] = token.split('~')
  const body = { access_token: token, token_type: 'Bearer', expires_in: 3600, scope: fixtures.scope }
  app.post('/token', express.urlencoded(), async (/** @type {any} */ _req, /** @type {any} */ res) => {
    const fresh = randomBytes(16).toString('base64url')
    for (const { on, method, args } of issuing) await on[method](...args.map((arg) => replaced(arg, id, fresh)))
    res.set('Cache-Control', 'no-store')
    res.json(body)
  })
  app.get('/read', async (/** @type {any} */ req, /** @type {any} */ res) => {
    if (!req.headers.authorization) return res.sendStatus(401)
    for (const { on, method, args } of verifying) await on[method](...args)
    res.json(fixtures.users.get('user-7'))
  })
}

/** The driver, telling of every call. @param {any} driver @param {(call: Call) => void} hear */
function recorded(driver, hear) {
  return new Proxy(driver, {
    get(on, method) {
      const value = on[method]
      if (typeof value !== 'function') return value
      return (/** @type {unknown[]} */ ...args) => {
        if (method === 'query' || method === 'evalSha') hear({ on, method, args })
        return value.apply(on, args)
      }
    },
  })
}

/** `value` with every `from` in it as `to`. @param {any} value @param {string} from @param {string} to @returns {any} */
function replaced(value, from, to) {
  if (typeof value === 'string') return value.includes(from) ? value.replaceAll(from, to) : value
  if (Array.isArray(value)) return value.map((one) => replaced(one, from, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replaced(member, from, to)]))
}

module.exports = { start }
