// Personal access tokens: made by the host's own code for a user, used at the guard, listed, revoked.
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import * as oauth from '../../src/index'
import { dpop, generateSigningKey, jwt, opaque } from '../../src/index'
import {
  type IssuePersonalTokenOptions,
  issuePersonalToken,
  listPersonalTokens,
  type PersonalToken,
  personalTokens,
  revokePersonalToken,
} from '../../src/personal-tokens'
import { checksumOf, newParts, partsOf, textOf } from '../../src/personal-tokens/text'
import { createHost, type Host, type HostOptions, startOfTime } from '../support/host'

const prefix = 'acme_pat_'
const DAY = 86_400
const HOUR = 3600
/** What the guide tells secret scanners. */
const scanned = /acme_pat_[0-9A-Za-z]{71}/

let host: Host
const begin = async (options: HostOptions = {}) => {
  host = await createHost({ accessTokens: personalTokens({ prefix }), ...options })
  await host.register({ clientId: 'personal', grantTypes: [], scopes: ['read', 'write'], defaultScopes: ['read'] })
  host.events.length = 0
}
beforeEach(() => begin())

const issue = (options: Partial<IssuePersonalTokenOptions> = {}) =>
  issuePersonalToken(host.server, {
    ...{ clientId: 'personal', userId: 'alice', name: 'backup script', expiresIn: 30 * DAY },
    ...options,
  })
const listed = async (userId = 'alice'): Promise<PersonalToken[]> => listPersonalTokens(host.server, { userId })
/** The answer of the guarded route, and whatever follows it. */
async function use(token: string): Promise<number> {
  const { status } = await host.me(token)
  await new Promise((done) => setTimeout(done, 0))
  return status
}
/** Until what comes after the answer has been done. */
async function lastUse(userId = 'alice'): Promise<number | undefined> {
  for (let turns = 0; turns < 1000; turns++) {
    const [token] = await listed(userId)
    if (token?.lastUsedAt !== undefined) return token.lastUsedAt
    await new Promise(setImmediate)
  }
  return undefined
}
const withoutChecksum = (token: string) => token.slice(0, -6)
const withChecksum = (body: string) => body + checksumOf(body)

describe('a personal token', () => {
  it('is no yes to the app of its client: a consent page that remembers asks', async () => {
    await begin({ decide: oauth.consentPage({ signIn: '/login', remember: true }) })
    const both = await host.register({ scopes: ['read'] })
    await issue({ clientId: both.clientId, scope: 'read' })
    expect((await host.authorize(both, { scope: 'read' })).status).toBe(200)
  })

  it('is a token of its user at the guard, by the header of every other one', async () => {
    const made = await issue({ scope: 'read write' })
    const { body } = await host.me(made.token).expect(200)
    expect(body.user).toEqual({ id: 'alice', name: 'Alice' })
    expect(body.authInfo).toEqual({
      clientId: 'personal',
      userId: 'alice',
      grantId: made.id,
      scope: ['read', 'write'],
      expiresAt: startOfTime + 30 * DAY,
    })
  })

  it('is returned with what lists show of it, once', async () => {
    const { token, ...shown } = await issue()
    expect(token).toMatch(/^acme_pat_[0-9A-Za-z]{71}$/)
    expect(shown).toEqual({
      id: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
      clientId: 'personal',
      userId: 'alice',
      name: 'backup script',
      scope: ['read'],
      createdAt: startOfTime,
      expiresAt: startOfTime + 30 * DAY,
    })
    expect(await listed()).toEqual([shown])
  })

  it('is in storage and in events by no half of its secret', async () => {
    const { token, id } = await issue()
    const secret = token.slice(prefix.length + 22, -6)
    const stored = host.storage.storedIds().map((one) => host.storage.stored(one))
    expect(stored).toHaveLength(1)
    for (const kept of [stored, await host.storage.grants.list({ userId: 'alice', limit: 10 }), host.events]) {
      expect(JSON.stringify(kept)).toContain(id)
      expect(JSON.stringify(kept)).not.toContain(secret.slice(0, 12))
    }
  })

  it('tells the host that it was issued', async () => {
    const { id } = await issue()
    const subject = { clientId: 'personal', userId: 'alice', grantId: id, scope: ['read'] }
    expect(host.events).toEqual([{ type: 'token.issued', grantType: 'personal_token', ...subject, at: startOfTime }])
  })

  it('needs its scope', async () => {
    const { token } = await issue({ scope: 'write' })
    const { headers } = await host.me(token).expect(403)
    expect(headers['www-authenticate']).toContain('insufficient_scope')
  })

  it('is dead in the second that its life ends', async () => {
    const { token } = await issue({ expiresIn: 60 })
    host.clock.advance(59)
    expect(await use(token)).toBe(200)
    host.clock.advance(1)
    expect(await use(token)).toBe(401)
    expect(await listed()).toEqual([])
  })

  it('lives for a year, whatever is cleaned up meanwhile', async () => {
    const { token } = await issue({ expiresIn: 365 * DAY })
    host.clock.advance(364 * DAY)
    await oauth.deleteExpired(host.server)
    expect(await use(token)).toBe(200)
  })

  it('dies with its user', async () => {
    const { token } = await issue()
    host.people.delete('alice')
    expect(await use(token)).toBe(401)
  })

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['its user', () => oauth.revokeGrants(host.server, { userId: 'alice' })],
    ['its client', () => oauth.revokeGrants(host.server, { clientId: 'personal' })],
    ['its id', (id) => oauth.revokeGrants(host.server, { grantId: id })],
    ['the deletion of its client', () => oauth.deleteClient(host.server, 'personal')],
  ])('ends with the grants of %s', async (_whose, revoke) => {
    const { token, id } = await issue({ expiresIn: 365 * DAY })
    host.clock.advance(10)
    await revoke(id)
    expect(await use(token)).toBe(401)
    expect(await listed()).toEqual([])
    // a revocation is remembered for longer than the token would have lived
    host.clock.advance(300 * DAY)
    await oauth.deleteExpired(host.server)
    expect(await use(token)).toBe(401)
  })

  it('is for a resource, where the server has any', async () => {
    const resources = ['https://api.example.com', 'https://files.example.com']
    await begin({
      resources,
      mount: (app, server) => {
        const at = (resource: string) => oauth.bearerGuard(server, { resource })
        app.get('/api', at(resources[0] as string), (_req, res) => void res.json({}))
        app.get('/files', at(resources[1] as string), (_req, res) => void res.json({}))
      },
    })
    const at = (path: string, { token }: { token: string }) => host.http().get(path).auth(token, { type: 'bearer' })
    const first = await issue()
    const files = await issue({ resource: 'https://files.example.com' })
    await at('/api', first).expect(200)
    await at('/files', first).expect(401)
    await at('/files', files).expect(200)
    await expect(issue({ resource: 'https://other.example' })).rejects.toMatchObject({ code: 'invalid_target' })
  })

  it.each([
    ['opaque()', () => opaque({ ttl: 60 })],
    ['jwt()', () => jwt({ keys: generateSigningKey(), audience: 'https://api.example.com' })],
    [
      'jwt({ stateless })',
      () => jwt({ keys: generateSigningKey(), audience: 'https://api.example.com', stateless: true }),
    ],
  ])('stands beside those of %s, which stay what they are', async (_name, format) => {
    await begin({ accessTokens: personalTokens({ prefix, format: format() }) })
    const { token, id } = await issue()
    const tokens = await host.signIn()
    expect([await use(token), await use(tokens.access_token)]).toEqual([200, 200])
    expect(tokens.expires_in).toBe(format().ttl)
    expect(await revokePersonalToken(host.server, { userId: 'alice', id })).toBe(true)
    expect([await use(token), await use(tokens.access_token)]).toEqual([401, 200])
  })

  it('counts where the host calls verifyAccessToken, and Passport the strategy', async () => {
    const { token, id } = await issue()
    expect(await oauth.verifyAccessToken(host.server, token, { scope: 'read' })).toMatchObject({ grantId: id })
    expect(await lastUse()).toBe(startOfTime)
    const strategy = oauth.bearerStrategy(host.server, { scope: 'read' })
    const seen = await new Promise((success, fail) => {
      const req = { headers: { authorization: `Bearer ${token}` }, rawHeaders: ['Authorization', `Bearer ${token}`] }
      Object.assign(Object.create(strategy), { success, fail, error: fail }).authenticate(req)
    })
    expect(seen).toMatchObject({ id: 'alice' })
  })
})

describe('when it was used last', () => {
  it('is written after the answer, once an hour', async () => {
    const { token } = await issue()
    expect((await listed())[0]?.lastUsedAt).toBeUndefined()
    host.storage.calls.length = 0
    await use(token)
    expect(await lastUse()).toBe(startOfTime)
    const written = () => host.storage.calls.filter((call) => call === 'grants.transition').length
    for (const seconds of [1, HOUR - 2, 0]) {
      host.clock.advance(seconds)
      await use(token)
    }
    expect([written(), (await listed())[0]?.lastUsedAt]).toEqual([1, startOfTime])
    host.clock.advance(1)
    await use(token)
    for (let turns = 0; turns < 1000 && written() < 2; turns++) await new Promise(setImmediate)
    expect((await listed())[0]?.lastUsedAt).toBe(startOfTime + HOUR)
  })

  it('keeps no request waiting, however long its write takes', async () => {
    const { token } = await issue()
    const pause = host.storage.pauseBefore('grants.transition')
    await host.me(token).expect(200)
    await pause.reached
    expect((await listed())[0]?.lastUsedAt).toBeUndefined()
    pause.resume()
    expect(await lastUse()).toBe(startOfTime)
  })

  it('is an event where it cannot be written, and the request has its answer', async () => {
    const { token } = await issue()
    host.events.length = 0
    host.storage.replace('grants.transition', () => {
      throw new Error('read-only')
    })
    await host.me(token).expect(200)
    for (let turns = 0; turns < 1000 && host.events.length === 0; turns++) await new Promise(setImmediate)
    expect(host.reportedErrors().map(({ status }) => status)).toEqual([503])
    host.storage.restore()
    expect(await use(token)).toBe(200)
    expect(await lastUse()).toBe(startOfTime)
  })

  it('is not that of a request that was refused', async () => {
    const { token } = await issue({ scope: 'write' })
    host.storage.calls.length = 0
    expect(await use(token)).toBe(403)
    expect(host.storage.calls).toEqual(['grants.find'])
  })

  it('brings nothing back that was revoked while it was written', async () => {
    const { token, id } = await issue()
    const pause = host.storage.pauseBefore('grants.transition')
    await host.me(token).expect(200)
    await pause.reached
    await revokePersonalToken(host.server, { userId: 'alice', id })
    pause.resume()
    await new Promise(setImmediate)
    expect(await use(token)).toBe(401)
    expect(await listed()).toEqual([])
  })

  it('is noted for an API that introspects, and not for a client that looks at its own', async () => {
    const { token } = await issue()
    const own = await host.register({ clientId: 'own', grantTypes: [] })
    const other = await issue({ clientId: own.clientId, userId: 'bob' })
    const { body } = await host.introspect(host.api, token).expect(200)
    expect(body).toMatchObject({
      active: true,
      client_id: 'personal',
      sub: 'alice',
      token_type: 'Bearer',
      scope: 'read',
    })
    expect(await lastUse()).toBe(startOfTime)
    expect((await host.introspect(own, other.token)).body.active).toBe(true)
    expect((await listed('bob'))[0]?.lastUsedAt).toBeUndefined()
  })
})

describe('a list', () => {
  it('is of a user, of a client, or of a user at one client, the newest first', async () => {
    await host.register({ clientId: 'deploy', grantTypes: [] })
    const names = async (query: Parameters<typeof listPersonalTokens>[1]) =>
      (await listPersonalTokens(host.server, query)).map(({ name }) => name)
    for (const [name, clientId, userId] of [
      ['one', 'personal', 'alice'],
      ['two', 'deploy', 'alice'],
      ['three', 'personal', 'bob'],
    ] as const) {
      await issue({ name, clientId, userId })
      host.clock.advance(1)
    }
    expect(await names({ userId: 'alice' })).toEqual(['two', 'one'])
    expect(await names({ clientId: 'personal' })).toEqual(['three', 'one'])
    expect(await names({ userId: 'alice', clientId: 'personal' })).toEqual(['one'])
  })

  it('has personal tokens alone, and the list of grants and the page of connected apps have none', async () => {
    await begin({ mount: (app, server) => void app.use('/apps', oauth.connectedAppsRouter(server)) })
    await issue()
    await oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    expect((await listed()).map(({ name }) => name)).toEqual(['backup script'])
    expect((await oauth.listGrants(host.server, { userId: 'alice' })).map(({ clientId }) => clientId)).toEqual(['web'])
    const { text } = await host.http().get('/apps').set('X-User', 'alice').expect(200)
    expect(text).toContain('<bdi>web</bdi>')
    expect(text).not.toContain('personal')
  })

  it('of nobody is a mistake of the host, and never the list of all', async () => {
    await issue()
    const list = (query: unknown) => listPersonalTokens(host.server, query as { userId: string })
    await expect(list({})).rejects.toThrow(TypeError)
    await expect(list({ userId: undefined })).rejects.toThrow(TypeError)
    await expect(list(undefined)).rejects.toThrow(TypeError)
  })
})

describe('revocation', () => {
  it('ends the one token, and tells the host', async () => {
    const [one, other] = [await issue(), await issue({ name: 'another' })]
    host.events.length = 0
    expect(await revokePersonalToken(host.server, { userId: 'alice', id: one.id })).toBe(true)
    expect([await use(one.token), await use(other.token)]).toEqual([401, 200])
    expect(host.events).toEqual([{ type: 'grant.revoked', grantId: one.id, at: startOfTime }])
    expect((await listed()).map(({ name }) => name)).toEqual(['another'])
    expect(await revokePersonalToken(host.server, { userId: 'alice', id: one.id })).toBe(false)
  })

  it('by the token that somebody found needs no user', async () => {
    const { token } = await issue()
    expect(await revokePersonalToken(host.server, { token })).toBe(true)
    expect(await use(token)).toBe(401)
    expect(await revokePersonalToken(host.server, { token })).toBe(false)
  })

  it('by the revocation endpoint is for its own client (RFC 7009 §2.1)', async () => {
    const own = await host.register({ clientId: 'own', grantTypes: [] })
    const { token, id } = await issue({ clientId: own.clientId })
    await host.revoke(host.web, token).expect(200)
    expect(await use(token)).toBe(200)
    host.events.length = 0
    await host.revoke(own, token).expect(200)
    expect(await use(token)).toBe(401)
    expect(host.events).toEqual([{ type: 'grant.revoked', grantId: id, at: startOfTime }])
  })
})

describe('an attack: ', () => {
  it("another user's id revokes nothing", async () => {
    const { token, id } = await issue()
    expect(await revokePersonalToken(host.server, { userId: 'bob', id })).toBe(false)
    const { id: grantId } = (await issueGrant())[0] as { id: string }
    // nor is a grant of an app a personal token
    expect(await revokePersonalToken(host.server, { userId: 'alice', id: grantId })).toBe(false)
    expect(await use(token)).toBe(200)
    expect(await oauth.listGrants(host.server, { userId: 'alice' })).toHaveLength(1)
  })
  const issueGrant = async () => {
    await oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    return oauth.listGrants(host.server, { userId: 'alice' })
  }

  it('a wrong checksum costs no storage call, at the guard and at introspection', async () => {
    const { token } = await issue()
    host.storage.calls.length = 0
    const last = token.at(-1) === '0' ? '1' : '0'
    for (const wrong of [`${token.slice(0, -1)}${last}`, `${prefix}${'A'.repeat(71)}`]) {
      expect(await use(wrong)).toBe(401)
      await expect(oauth.verifyAccessToken(host.server, wrong)).rejects.toMatchObject({ code: 'invalid_token' })
      expect(await revokePersonalToken(host.server, { token: wrong })).toBe(false)
    }
    expect(host.storage.calls).toEqual([])
    expect((await host.introspect(host.api, `${token.slice(0, -1)}${last}`)).body).toEqual({ active: false })
    expect(host.storage.calls).toEqual(['clients.find'])
  })

  it('a guess with the right id and checksum opens nothing, is no use, and revokes nothing', async () => {
    const { token, id } = await issue()
    const guess = textOf(prefix, { grantId: id, secret: newParts().secret })
    host.storage.calls.length = 0
    expect(await use(guess)).toBe(401)
    expect(host.storage.calls).toEqual(['grants.find'])
    expect(await revokePersonalToken(host.server, { token: guess })).toBe(false)
    expect(await use(token)).toBe(200)
  })

  it('the secret of one token under the id of another opens nothing', async () => {
    const [one, other] = [await issue(), await issue({ userId: 'bob' })]
    const [mine, theirs] = [one, other].map(({ token }) => partsOf(prefix, token))
    expect(await use(textOf(prefix, { grantId: theirs?.grantId ?? '', secret: mine?.secret ?? '' }))).toBe(401)
  })

  it('its row is no access token of another form, no code and no refresh token', async () => {
    const { token, id } = await issue()
    const secret = partsOf(prefix, token)?.secret as string
    for (const suffix of ['a', 'b', 'c', 'p', 'r']) {
      const text = `${id}~${suffix}.${secret}`
      expect(await use(text)).toBe(401)
      expect((await host.exchange(host.web, text)).body.error).toBe('invalid_grant')
      expect((await host.refresh(host.web, text + secret)).body.error).toBe('invalid_grant')
    }
    for (const grant of ['authorization_code', 'refresh_token']) {
      const answer = await host.token(host.web, { grant_type: grant, code: token, refresh_token: token })
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    }
    // nor is the token of an app a personal one
    const { access_token } = await host.signIn()
    expect(await use(withChecksum(prefix + access_token.replace(/[^0-9A-Za-z]/g, '').slice(0, 65)))).toBe(401)
  })

  it.each([
    ['its scope', { scope: ['read', 'write'] }],
    ['its user', { userId: 'bob' }],
    ['its client', { clientId: 'web' }],
    ['the start of it, past a revocation', { startedAt: startOfTime + 100 }],
  ])('a row whose database was written to opens nothing: %s', async (_what, changed) => {
    const { token, id } = await issue()
    const row = host.storage.stored(`${id}~p`)
    host.storage.replace('grants.find', () => ({ ...row, ...changed }))
    expect(await use(token)).toBe(401)
  })

  it('no request of a client makes one', async () => {
    const grantType = 'personal_token'
    for (const client of [host.web, host.api]) {
      const { status, body } = await host.token(client, { grant_type: grantType, scope: 'read', name: 'x' })
      expect([status, body.error]).toEqual([400, 'unsupported_grant_type'])
    }
    const registering = { grantTypes: [grantType] }
    await expect(oauth.registerClient(host.server, registering)).rejects.toMatchObject({
      code: 'invalid_client_metadata',
    })
  })

  it('a yes to an app is not remembered because of a personal token with its id', async () => {
    const decide = oauth.consentPage({ signIn: '/login', remember: true })
    await begin({ decide })
    await issue({ clientId: 'web', scope: 'read write' })
    const { text } = await host.authorize(host.web).expect(200)
    expect(text).toContain('<form')
  })

  it('what begins with a personal token in front is within it, and dies with it', async () => {
    const decide = oauth.approve({ clients: ['web'], fromTokensOf: ['personal'] })
    await begin({
      mount: (app, server) => {
        app.use('/oauth2/authorize', oauth.bearerGuard(server), oauth.authorizeRouter(server, { decide }))
        app.use('/oauth2/token', oauth.tokenRouter(server))
        app.get('/me', oauth.bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.authInfo))
      },
    })
    const { token, id } = await issue({ expiresIn: 600 })
    const answer = await host.authorize(host.web, { scope: 'read write' }, null).auth(token, { type: 'bearer' })
    const code = new URL(answer.headers.location as string).searchParams.get('code') as string
    const { body } = await host.exchange(host.web, code).expect(200)
    expect(body).toMatchObject({ scope: 'read', expires_in: 600 })
    expect(body.refresh_token).toBeUndefined()
    expect((await listed()).map((one) => one.id)).toEqual([id])
    await revokePersonalToken(host.server, { userId: 'alice', id })
    expect(await use(body.access_token)).toBe(401)
  })
})

describe('who may have one', () => {
  it('is a user who is there', async () => {
    const warned = jest.spyOn(console, 'warn').mockImplementation(() => {})
    await expect(issue({ userId: 'mallory' })).rejects.toMatchObject({ code: 'invalid_grant' })
    warned.mockRestore()
    await expect(issue({ userId: undefined as never })).rejects.toThrow(TypeError)
    expect(host.storage.storedIds()).toEqual([])
  })

  it('is no client that a user owns, that registered itself, or that there is not', async () => {
    await host.register({ clientId: 'hers', username: 'alice' })
    await expect(issue({ clientId: 'hers' })).rejects.toMatchObject({ code: 'unauthorized_client' })
    const record = await host.storage.clients.find('personal')
    host.storage.replace('clients.find', () => ({ ...record, origin: 'registration' }))
    await expect(issue()).rejects.toMatchObject({ code: 'unauthorized_client' })
    host.storage.restore()
    await expect(issue({ clientId: 'gone' })).rejects.toMatchObject({ code: 'invalid_client', status: 404 })
  })

  it('is no client whose tokens are bound to a key (RFC 9449 §5.2)', async () => {
    await begin({ senderConstraints: [dpop()] })
    await host.register({ clientId: 'bound', dpopBoundAccessTokens: true })
    await expect(issue({ clientId: 'bound' })).rejects.toMatchObject({ code: 'invalid_dpop_proof' })
  })

  it('has no more scope than the client', async () => {
    await expect(issue({ scope: 'admin' })).rejects.toMatchObject({ code: 'invalid_scope' })
    expect(host.storage.storedIds()).toEqual([])
  })

  it.each(['', ' ', '\u202ename', 'a\u0000', '\ud800', 'x'.repeat(61), '...', 7, undefined])(
    'has a name that people see: %j is none',
    async (name) => {
      await expect(issue({ name: name as string })).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
    },
  )

  it.each([0, -1, 1.5, Number.NaN, '60', undefined, 3_600_000])(
    'has a life in seconds: %p is none',
    async (expiresIn) => {
      await expect(issue({ expiresIn: expiresIn as number })).rejects.toThrow(/issuePersonalToken: expiresIn/)
    },
  )

  it('gets none that is dead already, and is told so', async () => {
    host.storage.replace('grants.find', () => undefined)
    await expect(issue()).rejects.toMatchObject({ code: 'access_denied' })
    expect(host.eventTypes()).toEqual([])
  })

  it('gets nothing where storage fails: 503, and nothing half written', async () => {
    host.storage.replace('grants.insert', () => Promise.reject(new Error('away')))
    await expect(issue()).rejects.toMatchObject({ status: 503 })
    host.storage.restore()
    expect(await listed()).toEqual([])
  })
})

describe('the options', () => {
  it.each([undefined, '', 'a_', 'acme', '1me_', 'acme pat_', 'acme-pat_', 'acme.pat_', `${'a'.repeat(24)}_`, 7])(
    'prefix must be one that scanners find: %j is none',
    (wrong) => {
      expect(() => personalTokens({ prefix: wrong as string })).toThrow(/personalTokens\(\{ prefix \}\)/)
    },
  )

  it('are refused where they are wrong', () => {
    expect(() => personalTokens(undefined as never)).toThrow(TypeError)
    expect(() => personalTokens({ prefix, format: {} as never })).toThrow(/opaque\(\) or jwt\(\)/)
    expect(() => personalTokens({ prefix, formats: opaque() } as never)).toThrow(/formats/)
    expect(() => (personalTokens as (...all: unknown[]) => void)({ prefix }, {})).toThrow(/1 argument/)
  })

  it('of a call need a server with personalTokens()', async () => {
    await begin({ accessTokens: opaque() })
    await expect(issue()).rejects.toThrow(/personalTokens\(\{ prefix \}\)/)
    await expect(revokePersonalToken(host.server, { token: 'x' })).rejects.toThrow(/personalTokens\(\{ prefix \}\)/)
    expect(await listed()).toEqual([])
  })

  it.each([
    {},
    { userId: 'alice' },
    { id: 'x' },
    { token: 7 },
    { token: 'x', id: 'y' },
    undefined,
    { userId: 'a', ids: 1 },
  ])('of a revocation are one of two: %j is neither', async (target) => {
    await expect(revokePersonalToken(host.server, target as never)).rejects.toThrow(TypeError)
  })
})

describe('the text', () => {
  it('is found by the regular expression of the guide, in whatever it was left', async () => {
    const { token } = await issue()
    for (const left of [`TOKEN=${token}\n`, `{"token":"${token}"}`, `https://x:${token}@example.com/`]) {
      expect(scanned.exec(left)?.[0]).toBe(token)
    }
  })

  it('ends with the CRC-32 of what is before, to the base of 62', () => {
    // the check value of CRC-32: 0xcbf43926
    const { digits } = { digits: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' }
    const value = (text: string) => [...text].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
    expect(value(checksumOf('123456789'))).toBe(0xcbf43926)
    expect(checksumOf('')).toBe('000000')
    if (typeof crc32 !== 'function') return
    fc.assert(fc.property(fc.stringMatching(/^[0-9A-Za-z_]{0,99}$/), (text) => value(checksumOf(text)) === crc32(text)))
  })

  it('is read as it was written, and with one character changed or two exchanged not at all', () => {
    const character = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
    fc.assert(
      fc.property(fc.nat(70), character, fc.nat(69), (at, other, swap) => {
        const parts = newParts()
        const text = textOf(prefix, parts)
        expect(partsOf(prefix, text)).toEqual(parts)
        const place = prefix.length + at
        if (text[place] !== other) {
          expect(partsOf(prefix, text.slice(0, place) + other + text.slice(place + 1))).toBeUndefined()
        }
        const [a, b] = [text[prefix.length + swap] as string, text[prefix.length + swap + 1] as string]
        const swapped = text.slice(0, prefix.length + swap) + b + a + text.slice(prefix.length + swap + 2)
        if (a !== b) expect(partsOf(prefix, swapped)).toBeUndefined()
      }),
    )
  })

  it('has another id and secret each time, of all 62 characters', () => {
    const texts = Array.from({ length: 500 }, () => textOf(prefix, newParts()))
    expect(new Set(texts.map((text) => text.slice(0, prefix.length + 22))).size).toBe(500)
    expect(new Set(texts.map((text) => withoutChecksum(text).slice(-43))).size).toBe(500)
    expect(new Set(texts.flatMap((text) => [...text.slice(prefix.length)])).size).toBe(62)
  })
})
