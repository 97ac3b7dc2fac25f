// A store that throws, lies, loses and never answers: no access, no partial state, no secret in any event.
import { inspect } from 'node:util'
import type { Response } from 'supertest'
import { clientMembers } from '../../src/clients/members'
import {
  authorizationCode,
  type Credential,
  clientCredentials,
  consentPage,
  deleteExpired,
  type Grant,
  implicit,
  issueTokens,
  listClients,
  listGrants,
  refreshToken,
  revokeGrants,
} from '../../src/index'
import { answerConsent, askConsent } from '../support/consent'
import { answerOf, createHost, type Host, paths, pkce, type Tokens } from '../support/host'
import { gate, rewriting, type StorageMethod } from '../support/storage'

const consent = consentPage({ signIn: '/login', remember: true })

async function makeHost(): Promise<Host> {
  const host = await createHost({
    throttle: false,
    grants: [authorizationCode(), clientCredentials(), refreshToken(), implicit()],
    decide: Object.assign(
      (...args: Parameters<typeof consent>) =>
        args[0].client.clientId === 'asks' ? consent(...args) : { allow: true as const, userId: 'alice' },
      {},
    ),
  })
  await host.register({ clientId: 'asks' })
  await host.register({ clientId: 'console', username: 'alice', scopes: ['clients', 'read'] })
  return host
}

/** Everything that a request can be about, prepared while storage is well. */
async function prepare(host: Host) {
  const asks = { ...host.web, clientId: 'asks' }
  const tokens = await host.signIn()
  const old = await host.signIn()
  const next = (await host.refresh(host.web, old.refresh_token).expect(200)).body as Tokens
  const console = (await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope: 'clients read' }))
    .access_token
  const question = await askConsent(host, asks)
  return { asks, code: await host.code(), tokens, old, next, console, question }
}
type Prepared = Awaited<ReturnType<typeof prepare>>

const api = (host: Host, { console }: Prepared, method: 'get' | 'post' | 'patch' | 'delete', path = '', body = {}) => {
  const sent = host.http()[method](`${paths.clients}${path}`).auth(console, { type: 'bearer' })
  return method === 'get' || method === 'delete' ? sent : sent.send(body)
}
const operations: Record<string, (host: Host, prepared: Prepared) => PromiseLike<Response>> = {
  authorize: (host) => host.authorize(),
  'authorize a token': (host) => host.authorize(host.web, { response_type: 'token' }),
  'show consent': (host, { asks }) => host.authorize(asks, { scope: 'read' }),
  'answer consent': (host, { question }) => answerConsent(host, question.query, question.fields),
  exchange: (host, { code }) => host.exchange(host.web, code),
  refresh: (host, { tokens }) => host.refresh(host.web, tokens.refresh_token),
  replay: (host, { old }) => host.refresh(host.web, old.refresh_token),
  'client credentials': (host) => host.token(host.web, { grant_type: 'client_credentials' }),
  'revoke a refresh token': (host, { tokens }) => host.revoke(host.web, tokens.refresh_token),
  'revoke an access token': (host, { tokens }) => host.revoke(host.web, tokens.access_token),
  introspect: (host, { tokens }) => host.introspect(host.api, tokens.access_token),
  'a guarded route': (host, { tokens }) => host.me(tokens.access_token),
  'list clients': (host, prepared) => api(host, prepared, 'get'),
  'read a client': (host, prepared) => api(host, prepared, 'get', '/console'),
  'create a client': (host, prepared) => api(host, prepared, 'post', '', { client_id: 'new', scope: 'read' }),
  'update a client': (host, prepared) => api(host, prepared, 'patch', '/console', { client_name: 'New' }),
  'new secret': (host, prepared) => api(host, prepared, 'post', '/console/secret'),
  'delete a client': (host, prepared) => api(host, prepared, 'delete', '/console'),
}

const methods: StorageMethod[] = [
  ...(['find', 'list', 'insert', 'update', 'delete'] as const).map((name) => `clients.${name}` as const),
  ...(['insert', 'find', 'transition', 'list', 'revoke'] as const).map((name) => `grants.${name}` as const),
]

const throwing = Object.defineProperty({}, 'id', {
  enumerable: true,
  get() {
    throw new Error('getter')
  },
})
/** Answers that no contract allows. */
const garbage: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['zero', 0],
  ['NaN', Number.NaN],
  ['a string', 'ok'],
  ['an empty string', ''],
  ['an empty object', {}],
  ['a function', () => true],
  ['a symbol', Symbol('x')],
  ['a list of lists', [[]]],
  ['a list of null', [null]],
  ['a row count, as drivers give it', { rowCount: 1, rows: [{}] }],
  ['a row of another table', { id: 'x', clientId: 'x', name: 'x' }],
  ['an object that throws', throwing],
  ['a number in a promise', Promise.resolve(1)],
  ['null in a promise', Promise.resolve(null)],
]
const failures: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('SELECT failed: password=hunter2')
    },
  ],
  ['rejects', () => Promise.reject(new Error('connection lost'))],
  [
    'throws nothing',
    () => {
      throw undefined
    },
  ],
  ['rejects with a string', () => Promise.reject('boom')],
  [
    'throws an object with a status',
    () => {
      throw Object.assign(new Error('x'), { status: 200, code: 'ok', headers: { Location: 'https://evil.example' } })
    },
  ],
]

/** What an answer must not be when storage did not do what it was asked. */
function expectNothingHandedOut(answer: Response): void {
  expect(answer.status).toBeGreaterThanOrEqual(answer.headers.location === undefined ? 400 : 302)
  expect(answer.body).not.toHaveProperty('access_token')
  expect(JSON.stringify(answer.body)).not.toContain('client_secret"')
  const { code, access_token } = answerOf(answer)
  expect([code, access_token]).toEqual([undefined, undefined])
  expect(answer.text).not.toMatch(/hunter2|SELECT|connection lost|boom|\n {4}at /)
}

/** No event holds a secret of what was prepared. */
function expectSilence(host: Host, { tokens, old, next, code, console, question }: Prepared): void {
  const text = inspect(host.events, { depth: 12, maxStringLength: null, maxArrayLength: null })
  const issued = [tokens, old, next].flatMap((each) => [each.access_token, each.refresh_token])
  for (const token of [...issued, code, console, ...Object.values(question.fields)]) {
    for (const part of (token.split('.')[1] ?? token).match(/.{43}/g) ?? []) expect(text).not.toContain(part)
  }
  for (const secret of [host.web.clientSecret, host.api.clientSecret, pkce.verifier]) expect(text).not.toContain(secret)
}

/** What each operation asks of storage while all is well: up to its first bad answer it cannot ask anything else. */
const asked = new Map<string, ReadonlySet<string>>()
beforeAll(async () => {
  for (const [name, operation] of Object.entries(operations)) {
    const host = await makeHost()
    const prepared = await prepare(host)
    host.storage.calls.length = 0
    await operation(host, prepared)
    asked.set(name, new Set(host.storage.calls))
  }
})
const askers = (method: StorageMethod) => Object.keys(operations).filter((name) => asked.get(name)?.has(method))

/** Runs one operation with one method gone bad. */
async function withBad(method: StorageMethod, name: string, bad: () => unknown) {
  const host = await makeHost()
  const prepared = await prepare(host)
  let called = false
  host.storage.replace(method, () => {
    called = true
    return bad()
  })
  const answer = await (operations[name] as (typeof operations)[string])(host, prepared)
  host.storage.restore()
  expect(called).toBe(true)
  return { host, prepared, answer }
}

describe.each(methods)('%s', (method) => {
  it.each(failures)(
    'that %s is 503 everywhere, or a redirect that says so, and is reported without a secret',
    async (_, fail) => {
      for (const name of askers(method)) {
        const { host, prepared, answer } = await withBad(method, name, fail)
        expectNothingHandedOut(answer)
        const told = answerOf(answer).error ?? answer.status
        expect([name, told]).toEqual([name, answer.headers.location === undefined ? 503 : 'temporarily_unavailable'])
        expect(host.eventTypes()).toContain('error')
        expectSilence(host, prepared)
        expect(answer.headers.location ?? '').not.toContain('evil')
      }
    },
    60_000,
  )

  it('that answers with garbage is 503 or a refusal, everywhere', async () => {
    for (const [what, value] of garbage) {
      // nothing to answer is what revoking answers, and what finding nothing is called
      const allowed =
        method === 'grants.revoke' ||
        (method.endsWith('.find') && (value === undefined || value === null || what.startsWith('null')))
      for (const name of askers(method)) {
        const { host, prepared, answer } = await withBad(method, name, () => value)
        expect([method, what, name, answer.status]).not.toEqual([method, what, name, 500])
        if (!allowed) expectNothingHandedOut(answer)
        else expect(answer.body).not.toHaveProperty('access_token')
        expectSilence(host, prepared)
      }
    }
  }, 120_000)
})

describe('a store that says the wrong boolean', () => {
  it.each(['grants.insert', 'grants.transition', 'clients.update', 'clients.insert'] as const)(
    '%s: false is not taken for done',
    async (method) => {
      for (const name of askers(method)) {
        const { answer } = await withBad(method, name, () => false)
        if (name !== 'revoke an access token') expectNothingHandedOut(answer)
      }
    },
  )

  it.each(['grants.insert', 'grants.transition'] as const)(
    '%s: true for nothing hands out what opens nothing',
    async (method) => {
      for (const name of askers(method)) {
        const { host, answer } = await withBad(method, name, () => true)
        const token = answer.body?.access_token ?? answerOf(answer).access_token
        if (token !== undefined) expect(await host.isAlive({ access_token: token })).toBe(false)
        const { code } = answerOf(answer)
        if (code !== undefined) expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
      }
    },
  )
})

describe('rows of somebody else', () => {
  const others: [string, (row: Credential, other: Credential) => unknown][] = [
    ['of another credential', (_, other) => other],
    ['of another client', (row) => ({ ...row, clientId: 'api' })],
    ['of another user', (row) => ({ ...row, userId: 'bob' })],
    ['of a user whose id differs in case', (row) => ({ ...row, userId: 'ALICE' })],
    ['of another grant', (row) => ({ ...row, grantId: 'A'.repeat(22) })],
    ['of more scope', (row) => ({ ...row, scope: [...row.scope, 'admin'] })],
    ['of less scope', (row) => ({ ...row, scope: row.scope.slice(1) })],
    ['that began later than any revocation', (row) => ({ ...row, startedAt: row.startedAt + 1000 })],
    ['of another kind', (row) => ({ ...row, kind: row.kind === 'access_token' ? 'refresh_token' : 'access_token' })],
    ['in a list', (row) => [row]],
    ['as JSON', (row) => JSON.stringify(row)],
    ['with data as JSON', (row) => ({ ...row, data: JSON.stringify(row.data) })],
    ['with a scope as text', (row) => ({ ...row, scope: row.scope.join(' ') })],
    ['with times as text', (row) => ({ ...row, expiresAt: String(row.expiresAt + 1e6) })],
    ['with times as dates', (row) => ({ ...row, expiresAt: new Date(8.64e15) })],
    ['that never expire', (row) => ({ ...row, expiresAt: Number.POSITIVE_INFINITY })],
  ]

  it.each(others)('credentials %s open nothing', async (_, swap) => {
    const host = await makeHost()
    const prepared = await prepare(host)
    const other = (await host.storage.grants.find(prepared.next.access_token.split('.')[0] as string)) as Credential
    rewriting(host.storage, (row) => swap(row, other))
    for (const name of ['answer consent', 'exchange', 'refresh', 'replay', 'a guarded route', 'introspect']) {
      const answer = await (operations[name] as (typeof operations)[string])(host, prepared)
      const opened = answer.status === 200 && answer.body.active !== false
      const asked = name === 'answer consent' && answer.headers.location === undefined
      expect([name, opened || answerOf(answer).code !== undefined]).toEqual([name, false])
      if (!asked) expect([200, 400, 401, 303, 503]).toContain(answer.status)
    }
    expectSilence(host, prepared)
  })

  it('a client that is another one than was asked for is 503', async () => {
    for (const name of ['authorize', 'exchange', 'refresh', 'client credentials', 'introspect', 'read a client']) {
      const host = await makeHost()
      const prepared = await prepare(host)
      host.storage.replace('clients.find', (call, [id]) =>
        id === 'native' ? call() : host.server && { clientId: 'native' },
      )
      const answer = await (operations[name] as (typeof operations)[string])(host, prepared)
      expect([name, answer.status]).toEqual([name, 503])
    }
  })

  it("another user's clients and grants are never listed", async () => {
    const host = await makeHost()
    const prepared = await prepare(host)
    await host.register({ clientId: 'bobs', username: 'bob' })
    host.storage.replace('clients.list', async () => [await host.storage.clients.find('bobs')])
    expect((await api(host, prepared, 'get')).status).toBe(503)
    await expect(listClients(host.server, { username: 'alice' })).rejects.toMatchObject({ status: 503 })
    const grant: Grant = {
      id: 'x',
      clientId: 'asks',
      userId: 'bob',
      scope: ['read', 'write'],
      startedAt: 1,
      expiresAt: 2 ** 40,
      data: {},
    }
    host.storage.replace('grants.list', () => [grant])
    await expect(listGrants(host.server, { userId: 'alice' })).rejects.toMatchObject({ status: 503 })
    await expect(listGrants(host.server, { userId: 'bob', clientId: 'web' })).rejects.toMatchObject({ status: 503 })
    // nor taken for a consent that was given before
    const answer = await host.authorize(prepared.asks, { scope: 'read' })
    expect(answerOf(answer)).not.toHaveProperty('code')
  })

  it('a grant that is revoked is never listed, and so never remembered', async () => {
    const host = await makeHost()
    const tokens = await host.signIn()
    const [grant] = await listGrants(host.server, { userId: 'alice' })
    await revokeGrants(host.server, { userId: 'alice' })
    host.storage.replace('grants.list', () => [{ ...grant, revokedAt: 1 }])
    await expect(listGrants(host.server, { userId: 'alice' })).rejects.toMatchObject({ status: 503 })
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('a grant whose data is lost, or none, is 503', async () => {
    const host = await makeHost()
    await host.signIn()
    const [grant] = await listGrants(host.server, { userId: 'alice' })
    for (const data of [undefined, null, '{}', [], 1]) {
      host.storage.replace('grants.list', () => [{ ...grant, data }])
      await expect(listGrants(host.server, { userId: 'alice' })).rejects.toMatchObject({ status: 503 })
    }
  })

  it('lists that never end are an error and no endless loop', async () => {
    const host = await makeHost()
    const row = await host.storage.clients.find('web')
    host.storage.replace('clients.list', () => Array(100).fill(row))
    await expect(listClients(host.server)).rejects.toMatchObject({ status: 503 })
    let n = 0
    host.storage.replace('clients.list', () =>
      Array.from({ length: 100 }, () => ({ ...row, clientId: `c${n++ % 150}` })),
    )
    await expect(listClients(host.server)).rejects.toMatchObject({ status: 503 })
    for (const answer of [Number.NaN, 'x', null, -1, 2 ** 60, Number.POSITIVE_INFINITY]) {
      host.storage.replace('grants.deleteExpired', () => answer)
      await expect(deleteExpired(host.server)).rejects.toMatchObject({ status: 503 })
    }
  })
})

describe('an adapter that loses a member', () => {
  const ofCredential = [
    'id',
    'kind',
    'state',
    'digest',
    'clientId',
    'userId',
    'grantId',
    'scope',
    'startedAt',
    'issuedAt',
    'expiresAt',
    'data',
  ] as const
  const uses: [string, string, (host: Host, prepared: Prepared) => PromiseLike<Response>][] = [
    ['a code', 'authorization_code', (host, { code }) => host.exchange(host.web, code)],
    ['a refresh token', 'refresh_token', (host, { tokens }) => host.refresh(host.web, tokens.refresh_token)],
    ['an access token', 'access_token', (host, { tokens }) => host.me(tokens.access_token)],
    ['a consent transaction', 'consent', (host, { question }) => answerConsent(host, question.query, question.fields)],
  ]
  const cases = uses.flatMap(([name, kind, use]) => ofCredential.map((member) => [member, name, kind, use] as const))

  it.each(cases)('%s of %s fails closed', async (member, _, kind, use) => {
    for (const lose of [
      (row: object) => ({ ...row, [member]: undefined }),
      (row: object) => ({ ...row, [member]: null }),
    ]) {
      const host = await makeHost()
      const prepared = await prepare(host)
      const noGrantYet = member === 'grantId' && (kind === 'authorization_code' || kind === 'consent')
      rewriting(host.storage, (row) => (row.kind === kind ? lose(row) : row))
      const answer = await use(host, prepared)
      const opened = answer.status === 200 && answer.headers['content-type']?.includes('json')
      if (noGrantYet) continue
      expect([opened === true, answerOf(answer).code]).toEqual([false, undefined])
      expect([200, 303, 400, 401, 503]).toContain(answer.status)
    }
  })

  const ofClient = ['clientId', 'version', 'secrets', 'redirectUris', 'tokenEndpointAuthMethods'] as const
  it.each(ofClient)('%s of a client is 503', async (member) => {
    const host = await makeHost()
    const prepared = await prepare(host)
    host.storage.replace('clients.find', async (call) => ({ ...((await call()) as object), [member]: undefined }))
    for (const name of ['authorize', 'exchange', 'client credentials', 'introspect']) {
      const answer = await (operations[name] as (typeof operations)[string])(host, prepared)
      expect([name, answer.status]).toEqual([name, 503])
    }
  })

  it.each<[string, object]>([
    ['scopes', { scopes: null }],
    ['scopes, as text', { scopes: 'read write' }],
    ['grant types, as text', { grantTypes: 'authorization_code' }],
    ['flags, as numbers', { requirePkce: 0 }],
    ['flags, as null', { requirePkce: null }],
    ['flags, as text', { resourceServer: 'true' }],
    ['an origin of nobody, as null', { origin: null }],
    ['an origin that is never stored', { origin: 'metadata_document' }],
    ['a digest, as null', { registrationTokenDigest: null }],
    ['resources, as numbers', { resourceServer: [1] }],
    ['resources of its own, as null', { resources: null }],
    ['a secret without a digest', { secrets: [{ createdAt: 1 }] }],
    ['a secret whose digest is null', { secrets: [{ digest: null, bcrypt: 'x', createdAt: 1 }] }],
    ['the time of its last change, as nothing', { updatedAt: undefined }],
    ['the time of its registration, as text', { createdAt: '2027-01-01T00:00:00Z' }],
    ['a secret that is null', { secrets: [null] }],
    ['a secret that is text', { secrets: ['x'] }],
    ['a secret that ends at no time', { secrets: [{ digest: 'x', createdAt: 1, expiresAt: 'never' }] }],
    ['methods, as text', { tokenEndpointAuthMethods: 'none' }],
    ['redirect URIs, as text', { redirectUris: 'https://app.example/cb' }],
    ...Object.keys(clientMembers).map((name): [string, object] => [`${name}, as null,`, { [name]: null }]),
    ...Object.keys(clientMembers).map((name): [string, object] => [`${name}, as an object,`, { [name]: {} }]),
  ])('%s of a client is 503', async (_, changed) => {
    const host = await makeHost()
    const prepared = await prepare(host)
    host.storage.replace('clients.find', async (call) => ({ ...((await call()) as object), ...changed }))
    for (const name of ['authorize', 'exchange', 'client credentials', 'introspect']) {
      const answer = await (operations[name] as (typeof operations)[string])(host, prepared)
      expect([name, answer.status]).toEqual([name, 503])
    }
  })
})

describe('a store that fails half-way', () => {
  it('before it stores: the code and the refresh token are as they were, and the retry works', async () => {
    const host = await makeHost()
    const { code, tokens } = await prepare(host)
    host.storage.replace('grants.transition', () => Promise.reject(new Error('down')))
    expect((await host.exchange(host.web, code)).status).toBe(503)
    expect((await host.refresh(host.web, tokens.refresh_token)).status).toBe(503)
    host.storage.restore()
    await host.exchange(host.web, code).expect(200)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })

  it('after it stored: a refresh is answered again from what was sealed, and a code is a replay that leaves nothing', async () => {
    const host = await makeHost()
    const { code, tokens } = await prepare(host)
    host.storage.replace('grants.transition', async (call) => {
      await call()
      throw new Error('connection lost after COMMIT')
    })
    expect((await host.refresh(host.web, tokens.refresh_token)).status).toBe(503)
    expect((await host.exchange(host.web, code)).status).toBe(503)
    host.storage.restore()
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(await host.isAlive(body as Tokens)).toBe(true)
    expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
    const grantId = code.slice(0, code.indexOf('~'))
    expect((await listGrants(host.server)).map(({ id }) => id)).not.toContain(grantId)
  })

  it('at the second of two revocations: a client is not called deleted, and what it had is dead', async () => {
    const host = await makeHost()
    const prepared = await prepare(host)
    let calls = 0
    host.storage.replace('grants.revoke', (call) => {
      calls++
      if (calls === 2) throw new Error('down')
      return call()
    })
    expect((await api(host, prepared, 'delete', '/console')).status).toBe(503)
    host.storage.restore()
    expect((await api(host, prepared, 'get')).status).toBe(401)
  })
})

describe('a store that never answers', () => {
  it('leaves the request open: the library has no timeout of its own, and nobody else waits', async () => {
    const host = await makeHost()
    const prepared = await prepare(host)
    for (const method of ['grants.find', 'grants.transition', 'clients.find'] as const) {
      const never = gate()
      const held = gate()
      host.storage.replace(method, async (call) => {
        host.storage.restore()
        held.open()
        await never.opened
        return call()
      })
      let answered = false
      const hanging = Promise.resolve(host.refresh(host.web, prepared.tokens.refresh_token)).then((answer) => {
        answered = true
        return answer
      })
      await held.opened
      // others are served meanwhile, and nothing was said or changed
      await host.me(prepared.tokens.access_token).expect(200)
      await host.token(host.web, { grant_type: 'client_credentials' }).expect(200)
      expect(answered).toBe(false)
      never.open()
      const answer = await hanging
      expect([200, 400]).toContain(answer.status)
      if (answer.status === 200) prepared.tokens = answer.body as Tokens
    }
  })
})
