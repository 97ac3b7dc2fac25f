// A misspelt option must not be the default in silence: everything that takes options names the one it does not know.
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import {
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  bearerStrategy,
  clientsRouter,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  implicit,
  introspectRouter,
  issueCode,
  issueTokens,
  jwt,
  listClients,
  listGrants,
  memoryStorage,
  metadataRouter,
  oauthRouter,
  opaque,
  password,
  protectedResourceRouter,
  refreshToken,
  registerClient,
  registerRouter,
  remoteServer,
  revokeRouter,
  startCleanup,
  tokenRouter,
  updateClient,
  verifyAccessToken,
} from '../../src'
import { mysqlStorage } from '../../src/storage/mysql/mysql'
import { postgresStorage } from '../../src/storage/postgres/postgres'
import { redisStorage } from '../../src/storage/redis/redis'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite'

const resource = 'https://api.example.com'
const options = {
  issuer: 'https://auth.example.com',
  storage: memoryStorage(),
  scopes: ['read'],
  resources: [resource],
}
const server = createAuthorizationServer({ ...options, endpoints: { authorize: '/authorize', token: '/token' } })
const decide = () => ({ allow: false as const })
const protect = bearerGuard(server)
const misspelt = { misspelt: true }

/** Each with everything that is required, and one more. */
const takers: Record<string, () => unknown> = {
  createAuthorizationServer: () => createAuthorizationServer({ ...options, ...misspelt }),
  'createAuthorizationServer pages': () => createAuthorizationServer({ ...options, pages: misspelt as never }),
  'createAuthorizationServer endpoints': () => createAuthorizationServer({ ...options, endpoints: misspelt as never }),
  clientIdMetadataDocuments: () =>
    createAuthorizationServer({ ...options, clientIdMetadataDocuments: { scopes: 'read', ...misspelt } }),
  authorizationCode: () => authorizationCode(misspelt as never),
  refreshToken: () => refreshToken(misspelt as never),
  password: () => password({ verify: () => undefined, ...misspelt }),
  implicit: () => implicit(misspelt as never),
  opaque: () => opaque(misspelt as never),
  jwt: () => jwt({ keys: 'key', audience: resource, ...misspelt }),
  authorizeRouter: () => authorizeRouter(server, { decide, ...misspelt }),
  tokenRouter: () => tokenRouter(server, misspelt as never),
  revokeRouter: () => revokeRouter(server, misspelt as never),
  introspectRouter: () => introspectRouter(server, misspelt as never),
  clientsRouter: () => clientsRouter(server, { protect, ...misspelt }),
  registerRouter: () => registerRouter(server, { protect: 'open', scopes: 'read', ...misspelt }),
  metadataRouter: () => metadataRouter(server, misspelt as never),
  connectedAppsRouter: () => connectedAppsRouter(server, misspelt as never),
  oauthRouter: () => oauthRouter(server, { decide, protect: false, ...misspelt }),
  protectedResourceRouter: () => protectedResourceRouter(server, { resource, ...misspelt }),
  bearerGuard: () => bearerGuard(server, misspelt as never),
  bearerStrategy: () => bearerStrategy(server, misspelt as never),
  cors: () => tokenRouter(server, { cors: { origin: '*', ...misspelt } }),
  remoteServer: () => remoteServer({ issuer: options.issuer, resource, ...misspelt }),
  consentPage: () => consentPage({ signIn: '/login', ...misspelt }),
  approve: () => approve({ clients: [], ...misspelt }),
  startCleanup: () => startCleanup(server, misspelt as never),
  sqliteStorage: () => sqliteStorage({} as never, misspelt as never),
  postgresStorage: () => postgresStorage(new Pool(), misspelt as never),
  mysqlStorage: () => mysqlStorage(createPool({}), misspelt as never),
  redisStorage: () => redisStorage(createClient(), misspelt as never),
}

/** The same of what answers with a promise. */
const promising: Record<string, () => Promise<unknown>> = {
  verifyAccessToken: () => verifyAccessToken(server, 'token', { scopes: 'write', ...misspelt } as never),
  issueTokens: () => issueTokens(server, { clientId: 'web', ...misspelt }),
  issueCode: () => issueCode(server, { clientId: 'web', userId: 'alice', ...misspelt }),
  registerClient: () => registerClient(server, misspelt as never),
  updateClient: () => updateClient(server, 'web', misspelt as never),
  listGrants: () => listGrants(server, misspelt as never),
  listClients: () => listClients(server, misspelt as never),
}

it.each(Object.entries(promising))('%s names an option that it does not know', async (_, take) => {
  await expect(take()).rejects.toThrow(/^Unknown /)
})

it.each([
  ['a string of public clients to remember, each part of which would be one', { publicClients: 'my-app' }],
  ['a word', 'yes'],
])('consentPage refuses %s', (_, remember) => {
  expect(() => consentPage({ signIn: '/login', remember: remember as never })).toThrow(/consentPage\(\{ remember \}\)/)
})

it('a router refuses cors without an origin, which would be every one', () => {
  expect(() => tokenRouter(server, { cors: {} as never })).toThrow(/^cors needs origin/)
})

it('a server refuses a path that would make another host of the issuer', () => {
  const endpoints = { authorize: '/authorize', token: 'oauth2/token' }
  expect(() => createAuthorizationServer({ ...options, endpoints })).toThrow(
    /^endpoints.token must be an absolute path/,
  )
})

it.each(Object.entries(takers))('%s names an option that it does not know', (_, take) => {
  expect(take).toThrow(/^Unknown .*misspelt; there are /)
})
