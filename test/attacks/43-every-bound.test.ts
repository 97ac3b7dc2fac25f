// ATTACKS.md row 43: everything in the process that grows with what strangers send has a bound in number. Here they all
// are by name, found in the source: a new one fails this test until it has a bound and is driven over it.
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import type { createLRU } from 'lru.min'
import ts from 'typescript'
import { workers } from '../passwords/recorded-workers'

jest.mock('node:worker_threads', () =>
  jest.requireActual<typeof import('../passwords/recorded-workers')>('../passwords/recorded-workers').workerThreads(),
)
// the real ones, with a list of those that were made
const mockCaches: ReturnType<typeof createLRU<string, object>>[] = []
const mockLimiters: { _memoryStorage: { _storage: Map<string, unknown> } }[] = []
jest.mock('lru.min', () => {
  const real = jest.requireActual<typeof import('lru.min')>('lru.min')
  const createLRU: typeof real.createLRU = (options) => {
    const cache = real.createLRU(options)
    mockCaches.push(cache as never)
    return cache
  }
  return { ...real, createLRU }
})
jest.mock('rate-limiter-flexible', () => {
  const real = jest.requireActual<typeof import('rate-limiter-flexible')>('rate-limiter-flexible')
  class Recorded extends real.RateLimiterMemory {
    constructor(...args: ConstructorParameters<typeof real.RateLimiterMemory>) {
      super(...args)
      mockLimiters.push(this as never)
    }
  }
  return { ...real, RateLimiterMemory: Recorded }
})

import { clientKeys } from '../../src/clients/keys'
import { clientDocuments } from '../../src/clients/metadata-document'
import { returnCounter } from '../../src/host/session'
import { dpop, generateSigningKey, memoryThrottle } from '../../src/index'
import { remoteKeys } from '../../src/jwt/remote-keys'
import { jwtVerifier } from '../../src/jwt/verify'
import { compareSecret } from '../../src/passwords/bcrypt'
import { inTurn } from '../../src/passwords/concurrency'
import { memoryLimiter } from '../../src/passwords/limiter'
import { verifiedSecrets } from '../../src/passwords/verified-secrets'
import { remoteIntrospection } from '../../src/remote/remote-introspection'
import { rowKeeper } from '../../src/storage/memory/frozen-rows'
import { accessTokenJwt } from '../../src/tokens/claims'

/** Grows with the parameters of one request, which has at most 64 KiB, or with one call. */
const ONE_CALL = 'one call'
/** Has one member for each thing of a closed list in the source, or in the host's options. */
const CLOSED_LIST = 'a closed list'
/** The rows of a store. A store is no cache: what may be in it is bounded by the limits of those who write to it. */
const STORE = 'a store'
/** Has at most one member for each request under way, which leaves with it: as many as the host takes connections. */
const UNDER_WAY = 'requests under way'

const cheap = hashSync('secret', 4)
const sha = 43
const many = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n))
const settled = async (promises: Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).filter(({ status }) => status === 'fulfilled').length

/** Makes caches, and fills each of them over `most`: the size of the largest then. */
function largestOf(make: () => unknown, most: number): number {
  const before = mockCaches.length
  make()
  const made = mockCaches.slice(before)
  expect(made.length).toBeGreaterThan(0)
  return Math.max(
    ...made.map((cache) => {
      for (let n = 0; n <= most; n++) cache.set(`key ${n}`, {})
      return cache.size
    }),
  )
}

async function countsAfter(keys: number): Promise<number> {
  const limiter = memoryLimiter({ keyPrefix: 'bound', points: 1, duration: 3600 })
  for (let n = 0; n < keys; n++) await limiter.consume(`key ${n}`)
  for (let n = 0; n < keys; n++) await limiter.set(`known ${n}`, 1, 3600)
  await limiter.reward('key 0')
  return mockLimiters.at(-1)?._memoryStorage._storage.size ?? 0
}

async function places(): Promise<number> {
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const looks = many(4200, (n) => inTurn(`10.${n >> 8}.${n & 255}.1`, () => finished, `fingerprint ${n}`))
  finish()
  return settled(looks)
}

/** Beside the four that are under way at most. */
const waiting = async (look: (n: number) => Promise<unknown>) => (await settled(many(1200, look))) - 4

async function threads(): Promise<number> {
  await Promise.all(many(40, () => compareSecret('secret', cheap)))
  return workers.length
}

async function keysOfServer(): Promise<number> {
  const keys = many(150, (n) => ({ ...generateSigningKey(), kid: `${n}` }))
  const listener = createServer((_req, res) => res.end(JSON.stringify({ keys }))).listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks`
  const find = remoteKeys(
    async () => ({ jwks_uri: url }),
    () => 1_800_000_000,
    () => {},
  )
  const found: unknown[] = []
  for (const { kid } of keys) found.push(await find(kid))
  listener.close()
  return found.filter((key) => key !== undefined).length
}

/** 1,001 where the first of so many scopes is still known: then one list is shared. */
function scopesKept(): number {
  const keeper = rowKeeper()
  const row = { id: 'a', clientId: 'b', startedAt: 1, expiresAt: 2, data: {} }
  const first = keeper.grant({ ...row, scope: ['scope0'] })
  for (let n = 1; n <= 1000; n++) keeper.grant({ ...row, scope: [`scope${n}`] })
  return keeper.grant({ ...row, scope: ['scope0'] }).scope === first.scope ? 1001 : 1000
}

const documents = () =>
  clientDocuments(
    { scopes: ['read'] },
    {
      scopes: new Map([['read', 'Read']]),
      grants: new Map(),
      responseTypes: new Map(),
      clientAuthentication: [],
      allowHttpRedirectUris: false,
      privateUseSchemes: 'any' as const,
      pkce: 'all-clients' as const,
      accessTokens: { ttl: 3600 },
      refreshTokens: undefined,
      resources: [],
      emit: () => {},
      inTime: (_call, answer) => answer,
      throttle: undefined,
      now: () => 1,
    },
  )
const introspection = () =>
  remoteIntrospection({
    issuer: 'https://auth.example',
    client: { clientId: 'api', clientSecret: 'x'.repeat(sha) },
    endpoint: () => 'https://auth.example/introspect',
    cache: 60,
    now: () => 1,
  })

/** By file and name: the most there may be and how it is tried, or why there is no number. */
const bounds: Record<string, string | [most: number, drive: () => number | Promise<number>]> = {
  'jwt/verify.ts remembered': [10_000, () => largestOf(() => jwtVerifier(accessTokenJwt), 10_000)],
  'host/session.ts sent': [500, () => largestOf(returnCounter, 500)],
  'host/start-up.ts warned': CLOSED_LIST,
  'http/request.ts chunks': ONE_CALL,
  'passwords/limiter.ts keys': [
    20_000,
    () => largestOf(() => memoryLimiter({ keyPrefix: '', points: 1, duration: 1 }).consume('first'), 20_000),
  ],
  'passwords/limiter.ts limiter': [20_000, () => countsAfter(20_500)],
  'passwords/bcrypt.ts idle': [4, threads],
  'passwords/bcrypt.ts threads': [4, threads],
  'passwords/concurrency.ts places': [4096, places],
  'passwords/concurrency.ts shared': [4096, places],
  'passwords/concurrency.ts underWay': [4096, places],
  'passwords/verified-secrets.ts underWay': [
    1024,
    () => {
      const secrets = verifiedSecrets()
      return waiting(async (n) => secrets.verify('app', `guess ${n}`, cheap))
    },
  ],
  'passwords/verified-secrets.ts verified': [10_000, () => largestOf(verifiedSecrets, 10_000)],
  'passwords/waiting.ts waiting': [
    1024,
    () => waiting((n) => compareSecret('secret', cheap, `10.0.${n >> 8}.${n & 255}`)),
  ],
  'clients/client-secret.ts chosen': ONE_CALL,
  'clients/client-secret.ts readings': ONE_CALL,
  'clients/document-cache.ts known': [1000, () => largestOf(documents, 1000)],
  'clients/document-cache.ts refused': [1000, () => largestOf(documents, 1000)],
  'clients/keys.ts loading': 'driven in test/attacks/60-keys-for-strangers.test.ts',
  'clients/keys.ts sets': [1000, () => largestOf(() => clientKeys(false), 1000)],
  'clients/metadata-document.ts paced': UNDER_WAY,
  'clients/metadata-document.ts loading': 'driven in test/attacks/37-server-side-requests.test.ts',
  'openid/end-session.ts told': ONE_CALL,
  'openid/subject.ts fetching': 'driven in test/openid/subject.test.ts',
  'openid/logout.ts ended': ONE_CALL,
  'openid/logout.ts underWay': 'driven in test/openid/back-channel.test.ts',
  'sender-constraints/dpop.ts used': [100_000, () => largestOf(dpop, 100_000)],
  'remote/remote-introspection.ts remembered': [10_000, () => largestOf(introspection, 10_000)],
  'jwt/keys.ts decoys': CLOSED_LIST,
  'jwt/trusted-issuers.ts found': CLOSED_LIST,
  'tokens/authorization-details.ts types': CLOSED_LIST,
  'tokens/resource-limits.ts named': CLOSED_LIST,
  'jwt/remote-keys.ts last': [100, keysOfServer],
  'routers/clients-access.ts underWay': UNDER_WAY,
  'command/call/terminal.ts secrets': ONE_CALL,
  'command/check/finding.ts found': ONE_CALL,
  'deadline.ts waiting': UNDER_WAY,
  'errors.ts reservedMembers': CLOSED_LIST,
  'rules/params.ts none': CLOSED_LIST,
  'rules/private-use-scheme.ts reservedNames': CLOSED_LIST,
  'rules/redirect-uri.ts responseParameters': CLOSED_LIST,
  'storage/memory/clients.ts allIds': STORE,
  'storage/memory/clients.ts clients': STORE,
  'storage/memory/clients.ts made': STORE,
  'storage/memory/frozen-rows.ts scopes': [1000, scopesKept],
  'storage/memory/grant-index.ts all': STORE,
  'storage/memory/memory.ts brief': STORE,
  'storage/memory/memory.ts clientMarks': STORE,
  'storage/memory/memory.ts credentials': STORE,
  'storage/memory/memory.ts grants': STORE,
  'storage/memory/memory.ts userMarks': STORE,
  'storage/memory/ordered-ids.ts rows': ONE_CALL,
  'storage/memory/shards.ts first': STORE,
  'storage/postgres/connection.ts names': CLOSED_LIST,
  'storage/redis/job.ts touches': ONE_CALL,
  'storage/sqlite/sqlite.ts found': ONE_CALL,
  'storage/sqlite/statements.ts all': CLOSED_LIST,
  'storage/sqlite/statements.ts prepared': CLOSED_LIST,
  'storage/sqlite/waiting-line.ts waiting': UNDER_WAY,
  'passwords/throttle.ts points': ONE_CALL,
}

const growing = /^(new (Map|Set|RateLimiter\w+)\b|(createLRU|expiringMap)\b|\[\]$)/

/** What can grow and is used by more than the function that made it: it may outlive one call. */
function found(): string[] {
  const folder = join(__dirname, '..', '..', 'src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return files
    .filter((file) => !file.startsWith(join('storage', 'contract')))
    .flatMap((file) => {
      const source = ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true)
      return namesIn(source).map((name) => `${file.replaceAll('\\', '/')} ${name}`)
    })
}

function namesIn(source: ts.SourceFile): string[] {
  const names: string[] = []
  const homeOf = (node: ts.Node): ts.Node =>
    ts.isSourceFile(node.parent) || ts.isFunctionLike(node.parent) ? node.parent : homeOf(node.parent)
  const isUsedElsewhere = (node: ts.Node, name: string, home: ts.Node): boolean =>
    (ts.isIdentifier(node) && node.text === name && homeOf(node) !== home) ||
    (ts.forEachChild(node, (child) => isUsedElsewhere(child, name, home) || undefined) ?? false)
  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      growing.test(node.initializer?.getText() ?? '')
    ) {
      const home = homeOf(node)
      if (ts.isSourceFile(home) || isUsedElsewhere(home, node.name.text, home)) names.push(node.name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}

it('each of them is in the list, and nothing else', () => {
  expect(found().sort()).toEqual(Object.keys(bounds).sort())
})

const driven = Object.entries(bounds).flatMap(([name, bound]) =>
  typeof bound === 'string' ? [] : [[name, bound[0], bound[1]] as const],
)

it.each(driven)(
  '%s has at most %i',
  async (_, most, drive) => {
    const size = await drive()
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThanOrEqual(most)
  },
  60_000,
)

it('made-up names keep no more of the memory, whatever verify costs', async () => {
  const before = mockLimiters.length
  const throttle = memoryThrottle()
  for (let n = 0; n < 21_000; n++) {
    await throttle.take({
      kind: 'password',
      account: `made up ${n}`,
      network: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    })
  }
  const sizes = mockLimiters.slice(before).map(({ _memoryStorage }) => _memoryStorage._storage.size)
  expect(Math.max(...sizes)).toBe(20_000)
}, 60_000)
