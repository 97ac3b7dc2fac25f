import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  createAuthorizationServer,
  deleteClient,
  deleteExpired,
  generateSigningKey,
  issueTokens,
  jwt,
  listGrants,
  OAuthError,
  opaque,
  type RefreshTokenOptions,
  refreshToken,
  revokeGrants,
  tokenRouter,
  updateClient,
  verifyAccessToken,
} from '../../src/index'
import { createHost, type Host, type HostOptions, type Parameters, type Tokens } from '../support/host'
import { gate, rewriting } from '../support/storage'

let host: Host
let first: Tokens
beforeEach(() => begin())

/** A host, and the tokens of somebody who has signed in. */
async function begin(settings: RefreshTokenOptions = {}, options: HostOptions = {}): Promise<void> {
  host = await createHost({ grants: [authorizationCode(), refreshToken(settings)], ...options })
  first = await host.signIn()
}

async function refreshed({ refresh_token }: Tokens, parameters: Parameters = {}): Promise<Tokens> {
  return (await host.refresh(host.web, refresh_token, parameters).expect(200)).body
}

async function expectRefused(
  { refresh_token }: Tokens,
  error = 'invalid_grant',
  parameters: Parameters = {},
  client = host.web,
): Promise<void> {
  const answer = await host.refresh(client, refresh_token, parameters)
  expect([answer.status, answer.body.error]).toEqual([400, error])
}

describe('a refresh token', () => {
  it('gets new tokens of the same user and scope (RFC 6749 §6)', async () => {
    const second = await refreshed(first)
    expect(second).toEqual({ ...first, access_token: expect.any(String), refresh_token: expect.any(String) })
    expect(second.access_token).not.toBe(first.access_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect((await host.me(second.access_token)).body.authInfo).toMatchObject({ userId: 'alice', clientId: 'web' })
  })

  it('takes three storage calls', async () => {
    host.storage.calls.length = 0
    await refreshed(first)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.transition'])
  })

  it('works for a public client', async () => {
    first = await host.signIn(host.native)
    await host.refresh(host.native, first.refresh_token).expect(200)
  })

  it('leaves the access token before it alive, for requests that are under way', async () => {
    const second = await refreshed(first)
    expect(await host.isAlive(first)).toBe(true)
    expect(await host.isAlive(second)).toBe(true)
  })

  it('is refused when its secret is of the right form and made up, which changes nothing', async () => {
    const at = first.refresh_token.indexOf('.') + 1
    const [id, stable, rotating] = [
      first.refresh_token.slice(0, at),
      first.refresh_token.slice(at, at + 43),
      first.refresh_token.slice(at + 43),
    ]
    const forged = ['x', id, `${id}${stable}`, `${id}${rotating}${stable}`, `${id}${'A'.repeat(86)}`, 'a'.repeat(9999)]
    for (const refresh_token of forged) await expectRefused({ ...first, refresh_token })
    expect(await host.isAlive(first)).toBe(true)
    await refreshed(first)
  })

  it('is refused to another client, which changes nothing (RFC 6749 §6)', async () => {
    const thief = await host.register({ clientId: 'thief' })
    await expectRefused(first, 'invalid_grant', {}, thief)
    await expectRefused(await refreshed(first), 'invalid_grant', {}, thief)
    expect(await host.isAlive(first)).toBe(true)
  })

  it('is refused to a client that no longer has the grant', async () => {
    await updateClient(host.server, 'web', { grantTypes: ['authorization_code'] })
    await expectRefused(first, 'unauthorized_client')
  })

  it('is refused when it is missing', async () => {
    const answer = await host.token(host.web, { grant_type: 'refresh_token' }).expect(400)
    expect(answer.body.error).toBe('invalid_request')
  })

  it('is refused, and so are its access tokens, when its user is gone; and works again when the user is back', async () => {
    const alice = host.people.get('alice')
    host.people.delete('alice')
    await expectRefused(first)
    expect(await host.isAlive(first)).toBe(false)
    if (alice) host.people.set('alice', alice)
    await refreshed(first)
  })
})

describe('the scope of a refresh (RFC 6749 §6)', () => {
  it('may be narrower than the grant, and does not shrink the grant', async () => {
    const second = await refreshed(first, { scope: 'read' })
    expect(second.scope).toBe('read')
    expect((await host.me(second.access_token)).body.authInfo.scope).toEqual(['read'])
    expect((await refreshed(second)).scope).toBe('read write')
  })

  it.each([
    ['more than the grant', 'read write clients'],
    ['unknown', 'read nothing'],
    ['malformed', 'read "'],
  ])('is invalid_scope when it is %s, and uses nothing up', async (_, scope) => {
    await expectRefused(first, 'invalid_scope', { scope })
    await refreshed(first)
  })

  it('never widens beyond what was granted, though the client may have more', async () => {
    first = await host.signIn(host.web, { scope: 'read' })
    await expectRefused(first, 'invalid_scope', { scope: 'read write' })
    expect((await refreshed(first)).scope).toBe('read')
  })

  it('loses what the client has lost', async () => {
    await updateClient(host.server, 'web', { scopes: ['read'] })
    await expectRefused(first, 'invalid_scope', { scope: 'write' })
    expect((await refreshed(first)).scope).toBe('read')
  })

  it('is invalid_scope when nothing of it is left: an answer without scope would mean all of it (§5.1)', async () => {
    await updateClient(host.server, 'web', { scopes: ['clients'] })
    await expectRefused(first, 'invalid_scope')
    await updateClient(host.server, 'web', { scopes: ['read', 'clients'] })
    expect((await refreshed(first)).scope).toBe('read')
  })

  it('may be none from the beginning', async () => {
    const silent = await host.register({ scopes: [] })
    const tokens = await host.signIn(silent)
    const answer = await host.refresh(silent, tokens.refresh_token).expect(200)
    expect([tokens, answer.body].map((body) => 'scope' in body)).toEqual([false, false])
  })

  it('is invalid_scope when it is blank (§3.3), and absent when it is empty (§3.1)', async () => {
    await expectRefused(first, 'invalid_scope', { scope: ' ' })
    expect((await refreshed(first, { scope: '' })).scope).toBe('read write')
  })
})

describe('inside the replay window', () => {
  it('twenty parallel refreshes get 200 with the same tokens', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => refreshed(first)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await host.isAlive(answers[0] as Tokens)).toBe(true)
    expect(host.eventTypes().filter((type) => type === 'token.issued')).toHaveLength(2)
    await refreshed(answers[0] as Tokens)
  })

  it('a retry gets the identical response, with expires_in reduced', async () => {
    const second = await refreshed(first)
    host.clock.advance(59)
    expect(await refreshed(first)).toEqual({ ...second, expires_in: 3600 - 59 })
    expect(host.eventTypes()).toContain('refresh.replayed')
  })

  // seconds are whole: without the one in which it ends, a window of a second was as short as the rest of the present one
  it.each([
    [1, 0.98, 0.02],
    [1, 0, 1],
    [60, 0.03, 59.98],
    [60, 0, 60],
  ])('of %d s is open %d s into a second and %d s later', async (replayWindow, into, later) => {
    await begin({ replayWindow })
    host.clock.advance(into)
    const second = await refreshed(first)
    host.clock.advance(later)
    expect(await refreshed(first)).toMatchObject({ refresh_token: second.refresh_token })
    await deleteExpired(host.server)
    expect(await refreshed(first)).toMatchObject({ refresh_token: second.refresh_token })
    host.clock.advance(1.001)
    await expectRefused(first)
    expect(await host.isAlive(second)).toBe(false)
  })

  it('a replay opens the response for its own scope alone, whatever storage says that it was for', async () => {
    await refreshed(first, { scope: 'read' })
    rewriting(host.storage, (row) => ({
      ...row,
      data: { ...row.data, ...('scope' in row.data && { scope: 'read write' }) },
    }))
    await expectRefused(first)
  })

  it('expires_in stays positive', async () => {
    // such settings are worth a warning at start-up, too
    const warnings = jest.spyOn(console, 'warn').mockImplementation(() => {})
    await begin({}, { accessTokens: opaque({ ttl: 10 }) })
    expect(warnings).toHaveBeenCalledTimes(1)
    warnings.mockRestore()
    await refreshed(first)
    host.clock.advance(30)
    expect((await refreshed(first)).expires_in).toBe(1)
  })

  it('a replay may name the same scope in another order (§3.3)', async () => {
    const second = await refreshed(first, { scope: 'read write' })
    expect(await refreshed(first, { scope: 'write read' })).toEqual(second)
    expect(await refreshed(first)).toEqual(second)
  })

  it('a retry that names nothing gets the response also when the client has lost a scope meanwhile', async () => {
    const second = await refreshed(first)
    await updateClient(host.server, 'web', { scopes: ['read'] })
    expect(await refreshed(first)).toEqual(second)
    await expectRefused(first, 'invalid_scope', { scope: 'read' })
  })

  it('a replay with another scope is invalid_scope and changes nothing', async () => {
    const second = await refreshed(first)
    await expectRefused(first, 'invalid_scope', { scope: 'read' })
    expect(await refreshed(first)).toEqual(second)
    await refreshed(second)
  })

  it('a replay is refused once the successor was used, and the grant is dead', async () => {
    const second = await refreshed(first)
    const third = await refreshed(second)
    await expectRefused(first)
    expect(await host.isAlive(third)).toBe(false)
    await expectRefused(third)
  })

  it('a replay is refused after a revocation', async () => {
    await refreshed(first)
    await revokeGrants(host.server, { userId: 'alice' })
    await expectRefused(first)
  })

  it('a replay is refused when the user is gone', async () => {
    await refreshed(first)
    host.people.delete('alice')
    await expectRefused(first)
  })

  it('ends with a replayWindow of 0: every second use is a reuse', async () => {
    await begin({ replayWindow: 0 })
    const second = await refreshed(first)
    await expectRefused(first)
    expect(await host.isAlive(second)).toBe(false)
  })

  it('nothing in storage can be read by somebody who has a copy of it', async () => {
    const second = await refreshed(first)
    const kept = host.storage.storedIds().map((id) => JSON.stringify(host.storage.stored(id)))
    const secrets = [first, second].flatMap(({ access_token, refresh_token }) => {
      const rotating = refresh_token.slice(-43)
      const stable = refresh_token.slice(-86, -43)
      return [access_token.slice(-43), stable, rotating]
    })
    expect(new Set(secrets).size).toBe(5)
    for (const secret of secrets) expect(kept.join()).not.toContain(secret)
  })
})

describe('reuse of a refresh token (RFC 9700 §4.14.2)', () => {
  async function expectDeadGrant(...tokens: Tokens[]): Promise<void> {
    for (const each of tokens) {
      expect(await host.isAlive(each)).toBe(false)
      await expectRefused(each)
    }
    expect(host.eventTypes()).toEqual(expect.arrayContaining(['refresh.reused', 'grant.revoked']))
  }

  it('after the window is invalid_grant, and the grant is dead', async () => {
    const second = await refreshed(first)
    host.clock.advance(61)
    await expectRefused(first)
    await expectDeadGrant(second, first)
  })

  it('of any older generation is noticed at once', async () => {
    const generations = [first]
    for (let i = 0; i < 5; i++) generations.push(await refreshed(generations.at(-1) as Tokens))
    await expectRefused(generations[1] as Tokens)
    await expectDeadGrant(generations.at(-1) as Tokens)
  })

  it('kills that authorization alone', async () => {
    const other = await host.signIn()
    const second = await refreshed(first)
    host.clock.advance(61)
    await expectRefused(first)
    expect(await host.isAlive(second)).toBe(false)
    expect(await host.isAlive(other)).toBe(true)
    await refreshed(other)
  })

  it('by another client is none: nobody else can end a session', async () => {
    const thief = await host.register({ clientId: 'thief' })
    const second = await refreshed(first)
    host.clock.advance(61)
    await expectRefused(first, 'invalid_grant', {}, thief)
    expect(await host.isAlive(second)).toBe(true)
  })
})

it('six racers over an adapter that changes the rows it has answered get one successor', async () => {
  let arrived = 0
  let shaped = 0
  const all = gate()
  const changed = gate()
  let live: object = {}
  // the fastest has changed the row before the others come to it
  const tokenResponse: HostOptions['tokenResponse'] = async (body) => {
    if (arrived > 0 && ++shaped > 1) await changed.opened
    return { ...body }
  }
  await begin({}, { tokenResponse })
  host.storage.replace('grants.find', async (call) => {
    if (arrived === 0) live = { ...((await call()) as object) }
    if (++arrived === 6) all.open()
    await all.opened
    return live
  })
  host.storage.replace('grants.transition', async (call, [, , next]) => {
    const done = await call()
    if (done) Object.assign(live, next)
    changed.open()
    return done
  })
  const answers = await Promise.all(Array.from({ length: 6 }, () => host.refresh(host.web, first.refresh_token)))
  const successors = answers.flatMap(({ status, body }) => (status === 200 ? [body.refresh_token] : []))
  expect([successors.length > 0, new Set(successors).size]).toEqual([true, 1])
})

describe('a racer', () => {
  /** A refresh with `first` that has found it current and waits before it stores anything. */
  async function race() {
    const pause = host.storage.pauseBefore('grants.transition')
    const answer = host.refresh(host.web, first.refresh_token).then((response) => response)
    await pause.reached
    return async () => {
      pause.resume()
      return answer
    }
  }

  it('gets the response of the faster one', async () => {
    const finish = await race()
    const second = await refreshed(first)
    expect((await finish()).body).toEqual(second)
  })

  it('that finds its token two generations old gets invalid_grant, and revokes nothing', async () => {
    const finish = await race()
    const third = await refreshed(await refreshed(first))
    expect((await finish()).body.error).toBe('invalid_grant')
    expect(await host.isAlive(third)).toBe(true)
    await refreshed(third)
  })

  it('that comes back after the window gets invalid_grant, and revokes nothing', async () => {
    const finish = await race()
    const second = await refreshed(first)
    host.clock.advance(61)
    expect((await finish()).body.error).toBe('invalid_grant')
    expect(await host.isAlive(second)).toBe(true)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['the user', () => revokeGrants(host.server, { userId: 'alice' })],
    ['the client', () => revokeGrants(host.server, { clientId: 'web' })],
    ['the grant', () => host.revoke(host.web, first.refresh_token).expect(200)],
    ['the client, by deletion,', () => deleteClient(host.server, 'web')],
  ])('leaves nothing alive when %s was revoked meanwhile', async (_, revoke) => {
    const finish = await race()
    await revoke()
    const answer = await finish()
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  })
})

describe('a session', () => {
  it('of 1,000 refreshes holds as many rows as after the second', async () => {
    let tokens = await refreshed(await refreshed(first))
    const rows = host.storage.storedIds()
    for (let i = 2; i < 1000; i++) tokens = await refreshed(tokens)
    expect(host.storage.storedIds()).toEqual(rows)
    // the used code, the refresh token, two access tokens, and what a replay is made of
    expect(rows).toHaveLength(5)
    expect(await host.isAlive(tokens)).toBe(true)
  }, 30_000)

  it('lives for ttl after the last refresh: 14 days', async () => {
    const days = 24 * 3600
    for (let i = 0; i < 5; i++) {
      host.clock.advance(14 * days - 1)
      first = await refreshed(first)
    }
    host.clock.advance(14 * days)
    await expectRefused(first)
  })

  it('that goes on is none of the expired rows, and is listed with its new end', async () => {
    const days = 24 * 3600
    host.clock.advance(13 * days)
    const second = await refreshed(first)
    expect(await listGrants(host.server, { userId: 'alice' })).toMatchObject([
      { expiresAt: host.clock.now + 14 * days },
    ])
    host.clock.advance(13 * days)
    await deleteExpired(host.server)
    await refreshed(second)
  })

  it('ends at maxAge, however often it was refreshed', async () => {
    await begin({ ttl: 100, maxAge: 250 })
    for (const step of [99, 99]) {
      host.clock.advance(step)
      first = await refreshed(first)
    }
    host.clock.advance(51)
    first = await refreshed(first)
    host.clock.advance(1)
    await expectRefused(first)
  })

  it('ends at a maxAge that came later than the session', async () => {
    await begin({ ttl: 60 * 86_400 })
    host.clock.advance(30 * 86_400)
    const settings = host.server.refreshTokens as { maxAge?: number }
    const { grants } = host.server
    const later = createAuthorizationServer({
      issuer: host.server.issuer,
      storage: host.storage,
      scopes: [...host.server.scopes.keys()],
      now: () => host.clock.now,
      grants: [authorizationCode(), refreshToken({ maxAge: 30 * 86_400 })],
    })
    expect([settings.maxAge, grants.size]).toEqual([undefined, 2])
    const answer = await request(express().use(tokenRouter(later)))
      .post('/')
      .type('form')
      .auth('web', host.web.clientSecret as string)
      .send({ grant_type: 'refresh_token', refresh_token: first.refresh_token })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('whose maxAge is over before it begins has no refresh token', async () => {
    host = await createHost({ grants: [authorizationCode({ ttl: 600 }), refreshToken({ maxAge: 100 })] })
    const code = await host.code()
    host.clock.advance(100)
    const { body } = await host.exchange(host.web, code).expect(200)
    expect(body).not.toHaveProperty('refresh_token')
    expect(await host.isAlive(body)).toBe(true)
  })

  it('ends at maxAge when that is shorter than ttl', async () => {
    await begin({ maxAge: 50 })
    host.clock.advance(50)
    await expectRefused(first)
  })
})

describe('with rotate: false', () => {
  beforeEach(() => begin({ rotate: false }))

  it('a refresh always answers with the refresh token, which stays the same', async () => {
    const second = await refreshed(first)
    expect(second.refresh_token).toBe(first.refresh_token)
    expect(second.access_token).not.toBe(first.access_token)
  })

  it('it works again and again, after the window too, with new access tokens in the same rows', async () => {
    const seen = new Set([first.access_token])
    for (let i = 1; i <= 5; i++) {
      host.clock.advance(61)
      seen.add((await refreshed(first)).access_token)
      expect(seen.size).toBe(i + 1)
    }
    expect(host.storage.storedIds()).toHaveLength(5)
  })

  it('parallel refreshes share one response', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => refreshed(first)))
    expect(new Set(answers.map(({ access_token }) => access_token)).size).toBe(1)
  })

  it('a replay never hands out an access token that has expired', async () => {
    await begin({ rotate: false }, { accessTokens: opaque({ ttl: 10 }) })
    await refreshed(first)
    host.clock.advance(10)
    const next = await refreshed(first)
    expect(next.expires_in).toBe(10)
    expect(await host.isAlive(next)).toBe(true)
  })

  it('a replay never hands out an access token that was revoked', async () => {
    const second = await refreshed(first)
    await host.revoke(host.web, second.access_token).expect(200)
    const third = await refreshed(first)
    expect([third.access_token === second.access_token, await host.isAlive(third)]).toEqual([false, true])
  })

  it('a replay never hands out a JWT whose key was taken out', async () => {
    let keys = generateSigningKey()
    await begin({ rotate: false }, { accessTokens: jwt({ keys: () => keys, audience: 'https://api.example' }) })
    await refreshed(first)
    keys = generateSigningKey()
    expect(await host.isAlive(await refreshed(first))).toBe(true)
  })

  it('another scope or resource is another refresh, also at once and in parallel (RFC 8707 §2.2)', async () => {
    const resources = ['https://files.example.com', 'https://mail.example.com']
    await begin({ rotate: false }, { resources })
    first = (await issueTokens(host.server, { clientId: 'web', userId: 'alice', resource: resources })) as Tokens
    for (const scope of ['read', 'write', 'read']) expect((await refreshed(first, { scope })).scope).toBe(scope)
    for (const resource of resources) {
      const { access_token } = await refreshed(first, { resource })
      await expect(verifyAccessToken(host.server, access_token, { resource })).resolves.toBeDefined()
    }
    const scopes = ['read', 'write', 'read write']
    const answers = await Promise.all(scopes.map((scope) => refreshed(first, { scope })))
    expect(answers.map(({ scope }) => scope)).toEqual(scopes)
  })

  it('a racer that comes back after the window refreshes on its own', async () => {
    await begin({ rotate: false, replayWindow: 1 })
    const pause = host.storage.pauseBefore('grants.transition')
    const slow = host.refresh(host.web, first.refresh_token).then((answer) => answer)
    await pause.reached
    await refreshed(first)
    host.clock.advance(2)
    pause.resume()
    const { status, body } = await slow
    expect([status, await host.isAlive(body)]).toEqual([200, true])
  })

  it('a racer that is overtaken ten times is asked to come back, and keeps its token', async () => {
    let overtaken = 0
    host.storage.replace('grants.transition', async (call) => (++overtaken <= 10 ? false : call()))
    const answer = await host.refresh(host.web, first.refresh_token)
    expect([answer.status, answer.body.error, answer.headers['retry-after']]).toEqual([
      503,
      'temporarily_unavailable',
      '1',
    ])
    // nothing is broken: no error, which would have a stack
    expect([host.eventTypes().at(-1), host.reportedErrors()]).toEqual(['server.overloaded', []])
    await refreshed(first)
  })

  it.each([
    [true, false],
    [false, true],
  ])('a lost response is given again by a server that was rotate: %p and is now %p', async (before, after) => {
    await begin({ rotate: before })
    const second = await refreshed(first)
    const { server, clock, storage } = host
    const later = createAuthorizationServer({
      issuer: server.issuer,
      storage,
      scopes: [...server.scopes.keys()],
      now: () => clock.now,
      grants: [authorizationCode(), refreshToken({ rotate: after })],
    })
    const answer = await request(express().use(tokenRouter(later)))
      .post('/')
      .type('form')
      .auth('web', host.web.clientSecret as string)
      .send({ grant_type: 'refresh_token', refresh_token: first.refresh_token })
    expect([answer.status, answer.body]).toEqual([200, second])
  })

  it.each([
    [false, 200],
    [true, 400],
  ])(
    'with rotate: %p, whose access tokens have become JWTs meanwhile, a lost response is %p',
    async (rotate, status) => {
      await begin({ rotate }, { resources: ['https://api.example'] })
      await refreshed(first)
      const later = createAuthorizationServer({
        issuer: host.server.issuer,
        storage: host.storage,
        scopes: [...host.server.scopes.keys()],
        resources: ['https://api.example'],
        now: () => host.clock.now,
        grants: [authorizationCode(), refreshToken({ rotate })],
        accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example' }),
      })
      await request(express().use(tokenRouter(later)))
        .post('/')
        .type('form')
        .auth('web', host.web.clientSecret as string)
        .send({ grant_type: 'refresh_token', refresh_token: first.refresh_token })
        .expect(status)
    },
  )

  it('ttl slides, and ends', async () => {
    await begin({ rotate: false, ttl: 100 })
    for (let i = 0; i < 3; i++) {
      host.clock.advance(99)
      await refreshed(first)
    }
    host.clock.advance(100)
    await expectRefused(first)
  })
})

describe('the tokenResponse option', () => {
  it('that throws burns nothing', async () => {
    let fails = false
    await begin(
      {},
      {
        tokenResponse(body) {
          if (fails) throw new Error('the host is broken')
          return body
        },
      },
    )
    fails = true
    const answer = await host.refresh(host.web, first.refresh_token).expect(500)
    expect(answer.body).toEqual({ error: 'server_error', error_description: expect.not.stringContaining('broken') })
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'the host is broken' } }])
    fails = false
    const second = await refreshed(first)
    fails = true
    await host.refresh(host.web, first.refresh_token).expect(500)
    fails = false
    expect(await refreshed(first)).toEqual(second)
  })

  it.each<[string, () => unknown]>([
    ['a BigInt', () => ({ id: 10n })],
    [
      'a cycle',
      () => {
        const cycle: { self?: object } = {}
        cycle.self = cycle
        return cycle
      },
    ],
    ['a list', () => []],
    ['nothing', () => undefined],
  ])('that answers with %s, which JSON cannot carry, burns neither a code nor a refresh token', async (_, answer) => {
    let fails = false
    await begin({}, { tokenResponse: (body) => (fails ? (answer() as typeof body) : body) as never })
    const code = await host.code()
    fails = true
    await host.exchange(host.web, code).expect(500)
    await host.refresh(host.web, first.refresh_token).expect(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain('tokenResponse')
    fails = false
    await host.exchange(host.web, code).expect(200)
    host.clock.advance(61)
    await refreshed(first)
  })

  it.each<[string, OAuthError, number]>([
    ['server_error', new OAuthError('server_error', 'The host is broken.'), 1],
    ['a refusal with a cause', new OAuthError('access_denied', 'No.', { cause: new Error('why') }), 1],
    ['a refusal', new OAuthError('access_denied', 'No.'), 0],
  ])('may refuse with an error of its own, of which the host hears what it must: %s', async (_, error, heard) => {
    await begin(
      {},
      {
        tokenResponse(body, { grantType }) {
          if (grantType === 'refresh_token') throw error
          return body
        },
      },
    )
    const { status, body } = await host.refresh(host.web, first.refresh_token)
    expect([status, body.error]).toEqual([error.status, error.code])
    expect(host.reportedErrors()).toEqual(Array.from({ length: heard }, () => error))
  })

  it('runs again at each replay, on the standard members', async () => {
    let calls = 0
    await begin({}, { tokenResponse: (body) => ({ ...body, calls: ++calls }) })
    const second = await refreshed(first)
    expect(await refreshed(first)).toEqual({ ...second, calls: 3 })
  })
})
