// oidc-provider mounted in Express, as its documentation shows. Its own memory store forgets all but the last thousand
// entries, so that live tokens fail; it has one on maps here. Refresh tokens rotate, as everybody else's do.
const { fixtures, load, times, userId } = require('./common')

const express = load('express')

/** @typedef {Record<string, any>} Row */

class MapAdapter {
  /** @type {Map<string, Row>} */
  static rows = new Map()
  /** @type {Map<string, Set<string>>} */
  static grants = new Map()

  constructor(/** @type {string} */ model) {
    this.model = model
  }
  key(/** @type {string} */ id) {
    return `${this.model}:${id}`
  }
  async upsert(/** @type {string} */ id, /** @type {Row} */ payload) {
    const key = this.key(id)
    MapAdapter.rows.set(key, payload)
    if (!payload.grantId) return
    const keys = MapAdapter.grants.get(payload.grantId) ?? new Set()
    MapAdapter.grants.set(payload.grantId, keys.add(key))
  }
  async find(/** @type {string} */ id) {
    return MapAdapter.rows.get(this.key(id))
  }
  async findByUid() {
    return undefined
  }
  async findByUserCode() {
    return undefined
  }
  async destroy(/** @type {string} */ id) {
    const row = MapAdapter.rows.get(this.key(id))
    MapAdapter.grants.get(row?.grantId)?.delete(this.key(id))
    MapAdapter.rows.delete(this.key(id))
  }
  async consume(/** @type {string} */ id) {
    const row = MapAdapter.rows.get(this.key(id))
    if (row) row.consumed = Math.floor(Date.now() / 1000)
  }
  async revokeByGrantId(/** @type {string} */ grantId) {
    for (const key of MapAdapter.grants.get(grantId) ?? []) MapAdapter.rows.delete(key)
    MapAdapter.grants.delete(grantId)
  }
}

async function start(/** @type {{ origin: string }} */ { origin }) {
  const { Provider } = await import(require.resolve('oidc-provider', { paths: [__dirname] }))
  const issuer = `${origin}/oidc`
  const scope = 'read offline_access'
  const provider = new Provider(issuer, {
    adapter: MapAdapter,
    clients: [
      {
        client_id: fixtures.clientId,
        client_secret: fixtures.clientSecret,
        redirect_uris: [fixtures.redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    scopes: ['read', 'write', 'offline_access'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    findAccount: (/** @type {unknown} */ _ctx, /** @type {string} */ id) =>
      fixtures.users.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    cookies: { keys: ['a key of the bench'] },
    ttl: {
      AccessToken: fixtures.accessTokenTtl,
      AuthorizationCode: fixtures.codeTtl,
      ClientCredentials: fixtures.accessTokenTtl,
      Grant: fixtures.refreshTokenTtl,
      RefreshToken: fixtures.refreshTokenTtl,
    },
  })
  const app = express()
  app.use('/oidc', provider.callback())
  const client = await provider.Client.find(fixtures.clientId)
  return {
    app,
    client: { id: fixtures.clientId, secret: fixtures.clientSecret },
    clientAuthentication: 'basic',
    paths: { token: '/oidc/token', revoke: '/oidc/token/revocation', introspect: '/oidc/token/introspection' },
    operations: ['client_credentials', 'refresh', 'code', 'introspect', 'revoke', 'revoke_session'],
    material: (/** @type {string} */ kind, /** @type {number} */ count) =>
      times(count, async (n) => {
        const accountId = userId(n)
        const grant = new provider.Grant({ accountId, clientId: fixtures.clientId })
        grant.addOIDCScope(scope)
        const subject = { accountId, client, grantId: await grant.save(), scope, gty: 'authorization_code' }
        if (kind === 'access_token') return new provider.AccessToken(subject).save()
        if (kind === 'refresh_token') return new provider.RefreshToken(subject).save()
        const { redirectUri, codeChallenge } = fixtures
        return new provider.AuthorizationCode({
          ...subject,
          redirectUri,
          codeChallenge,
          codeChallengeMethod: 'S256',
        }).save()
      }),
  }
}

module.exports = { start }
