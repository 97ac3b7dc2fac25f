// The servers that `npm run bench` measures, and the groups of them that belong together.

/** What each is, for `servers/host.js`. @type {Record<string, Record<string, unknown>>} */
const servers = {
  bare: { server: 'bare' },
  'bare-again': { server: 'bare' },
  floor: { server: 'floor' },
  ours: { server: 'ours' },
  'ours-async': { server: 'ours', storage: 'asynchronous' },
  'ours-sqlite': { server: 'ours', storage: 'sqlite' },
  'ours-postgres': { server: 'ours', storage: 'postgres' },
  'ours-redis': { server: 'ours', storage: 'redis' },
  'driver-postgres': { server: 'driver', storage: 'postgres' },
  'driver-redis': { server: 'driver', storage: 'redis' },
  'ours-plain-proof': { server: 'ours', proof: 'plain' },
  'ours-plain-signature': { server: 'ours', signature: 'plain' },
  'ours-1k': { server: 'ours', live: 1000 },
  'ours-1m': { server: 'ours', live: 1_000_000 },
  'bare-bun': { server: 'bare', engine: 'bun' },
  'ours-bun': { server: 'ours', engine: 'bun' },
  'bare-deno': { server: 'bare', engine: 'deno' },
  'ours-deno': { server: 'ours', engine: 'deno' },
  'node-oauth': { server: 'node-oauth' },
  jmondi: { server: 'jmondi' },
  oauth2orize: { server: 'oauth2orize' },
  'oidc-provider': { server: 'oidc-provider' },
  'mcp-sdk': { server: 'mcp-sdk' },
  'jwt-bearer': { server: 'jwt-bearer' },
}
const libraries = ['node-oauth', 'jmondi', 'oauth2orize', 'oidc-provider', 'mcp-sdk', 'jwt-bearer']
/** @type {Record<string, string[]>} */
const groups = {
  default: ['bare', 'bare-again', 'floor', 'ours', 'ours-async', ...libraries],
  stores: [
    ...['bare', 'bare-again', 'ours', 'ours-async', 'ours-sqlite'],
    ...['ours-postgres', 'driver-postgres', 'ours-redis', 'driver-redis'],
  ],
  sizes: ['bare', 'bare-again', 'ours-1k', 'ours-1m'],
  proofs: ['bare', 'bare-again', 'ours', 'ours-plain-proof'],
  engines: ['bare', 'bare-again', 'ours', 'bare-bun', 'ours-bun', 'bare-deno', 'ours-deno'],
  signatures: ['bare', 'bare-again', 'ours', 'ours-plain-signature'],
}

module.exports = { groups, servers }
