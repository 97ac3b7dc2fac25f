// ATTACKS.md row 26: a token is not worth more at the authorization endpoint than where it was issued for.
import type { Request, RequestHandler } from 'express'
import { Passport } from 'passport'
import { setAdmission } from '../../src/guard/presented-token'
import {
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  bearerStrategy,
  clientCredentials,
  generateSigningKey,
  implicit,
  issueTokens,
  jwt,
  listGrants,
  refreshToken,
  revokeGrants,
  tokenRouter,
  verifyAccessToken,
} from '../../src/index'
import { answerOf, createHost, type Host, type HostOptions, type Parameters, paths, type Tokens } from '../support/host'

/** A host whose authorization endpoint takes a bearer token in the place of a session. */
const makeHost = (
  guard: Parameters_<typeof bearerGuard>[1] = {},
  clients: string[] = ['web', 'native'],
  options: HostOptions = {},
) =>
  createHost({
    grants: [authorizationCode(), clientCredentials(), refreshToken(), implicit()],
    ...options,
    mount(app, server) {
      const user = (req: { user?: unknown }) => req.user
      app.use(
        paths.authorize,
        bearerGuard(server, guard),
        authorizeRouter(server, {
          decide: approve({ user, clients, fromTokensOf: ['web', 'native'] }),
          response: 'json',
        }),
      )
      app.use(paths.token, tokenRouter(server))
    },
  })
type Parameters_<F extends (...args: never[]) => unknown> = F extends (...args: infer Args) => unknown ? Args : never

const token = async (host: Host, scope: string, userId: string | undefined = 'alice') =>
  (await issueTokens(host.server, { clientId: 'web', scope, ...(userId !== '' && { userId }) })).access_token

const authorize = (host: Host, accessToken: string, parameters: Parameters = {}) =>
  host
    .http()
    .get(`${paths.authorize}?${host.authorizationRequest(host.web, parameters)}`)
    .auth(accessToken, { type: 'bearer' })

const scopeOf = async (host: Host, code: string) => {
  const { body } = await host.exchange(host.web, code).expect(200)
  return [...(await verifyAccessToken(host.server, body.access_token)).scope]
}

describe('an access token at the authorization endpoint', () => {
  it.each<[string | undefined]>([['read write'], ['write read'], [undefined]])(
    'of scope read gives a code of scope read at most (asked: %p)',
    async (scope) => {
      const host = await makeHost()
      const answer = await authorize(host, await token(host, 'read'), { scope })
      if (answer.status === 200) expect(await scopeOf(host, answer.body.code)).toEqual(['read'])
      else expect(answer.body.error).toBe('invalid_scope')
    },
  )

  it.each(['write', 'admin', 'write admin'])('of scope read gives no code of scope %s', async (scope) => {
    const host = await makeHost()
    const answer = await authorize(host, await token(host, 'read'), { scope })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope'])
    expect(answer.body).not.toHaveProperty('code')
  })

  it('gives no token by the implicit grant that is more', async () => {
    const host = await makeHost()
    const answer = await authorize(host, await token(host, 'read'), { response_type: 'token', scope: 'read write' })
    if (answer.status === 200) {
      expect([...(await verifyAccessToken(host.server, answer.body.access_token)).scope]).toEqual(['read'])
    }
    expect((await authorize(host, await token(host, 'read'), { response_type: 'token', scope: 'write' })).status).toBe(
      400,
    )
  })

  it('of a client itself gives nothing: there is no user', async () => {
    for (const [guard, error] of [
      [{}, 'insufficient_scope'],
      [{ user: false }, 'access_denied'],
    ] as const) {
      const host = await makeHost(guard)
      const answer = await authorize(host, await token(host, 'read', ''), { scope: 'read' })
      expect([answer.status, answer.body.error]).toEqual([403, error])
    }
  })

  it('gives nothing for app authorization by client_id', async () => {
    const host = await makeHost({ clientIdQuery: true })
    const answer = await host.http().get(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope'])
    const plain = await host
      .http()
      .get(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
      .set('X-User', 'alice')
    expect(plain.body).not.toHaveProperty('code')
  })

  it('is that of its user, whoever the decider names', async () => {
    const host = await createHost({
      mount(app, server) {
        const decide = () => ({ allow: true as const, userId: 'bob' })
        app.use(paths.authorize, bearerGuard(server), authorizeRouter(server, { decide, response: 'json' }))
      },
    })
    const answer = await authorize(host, await token(host, 'read'), { scope: 'read' })
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
  })

  it('limits what the decider may widen', async () => {
    const host = await createHost({
      mount(app, server) {
        const decide = () => ({ allow: true as const, userId: 'alice', scope: 'read write' })
        app.use(paths.authorize, bearerGuard(server), authorizeRouter(server, { decide, response: 'json' }))
      },
    })
    const answer = await authorize(host, await token(host, 'read'), { scope: undefined })
    // the mistake of the host, which is told of it
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
  })

  it('that is stateless renews itself by no implicit grant after its user was revoked', async () => {
    const host = await makeHost({}, ['web'], {
      accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example', stateless: true }),
    })
    const ask = async (accessToken: string) => authorize(host, accessToken, { scope: 'read', response_type: 'token' })
    let access = await token(host, 'read')
    host.clock.advance(200)
    const renewed = await ask(access)
    expect(renewed.status).toBe(200)
    access = renewed.body.access_token
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(1)
    const refused = await ask(access)
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied'])
  })

  it('is not taken from a guard of another process, which does not know since when the session is', async () => {
    const key = generateSigningKey()
    const resource = 'https://api.example'
    const host = await createHost({
      accessTokens: jwt({ keys: key, audience: resource }),
      mount(app, server) {
        // what a guard of a remoteServer leaves behind, without the way to the server
        const remote: RequestHandler = (req, _res, next) => {
          setAdmission(req, {
            accessToken: { clientId: 'web', userId: 'alice', scope: ['read'] },
            user: { id: 'alice' },
          })
          next()
        }
        const decide = approve({ user: () => 'alice', clients: ['web'] })
        app.use(paths.authorize, remote, authorizeRouter(server, { decide, response: 'json' }))
      },
    })
    expect((await authorize(host, 'x', { scope: 'read' })).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain('remoteServer')
  })

  it('gives a code without scope to a client that has none', async () => {
    const host = await makeHost({}, ['plain'])
    const plain = await host.register({ clientId: 'plain', scopes: [] })
    const answer = await host
      .http()
      .get(`${paths.authorize}?${host.authorizationRequest(plain, { scope: undefined })}`)
      .auth(await token(host, 'read'), { type: 'bearer' })
    expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ code: expect.any(String) })])
  })

  it('through our strategy of Passport is limited alike', async () => {
    const host = await createHost({
      mount(app, server) {
        const user = (req: Request) => req.user
        app.use(
          paths.authorize,
          new Passport().use(bearerStrategy(server)).authenticate('bearer', { session: false }),
          authorizeRouter(server, { decide: approve({ user, clients: ['web'] }), response: 'json' }),
        )
        app.use(paths.token, tokenRouter(server))
      },
    })
    const answer = await authorize(host, await token(host, 'read'), { scope: 'read write' })
    expect(await scopeOf(host, answer.body.code)).toEqual(['read'])
    expect((await authorize(host, await token(host, 'read'), { scope: 'write' })).body.error).toBe('invalid_scope')
  })

  it('begins no session that is younger than its own: maxAge ends both, and so does what revokes the user', async () => {
    const host = await makeHost({}, ['web'], { grants: [authorizationCode(), refreshToken({ maxAge: 7200 })] })
    let source = (await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })) as Tokens
    let access = source.access_token
    const begun = host.clock.now
    for (let times = 0; times < 2; times++) {
      host.clock.advance(3599)
      const { code } = (await authorize(host, access, { scope: 'read' })).body
      const { body } = await host.exchange(host.web, code).expect(200)
      access = body.access_token
      expect((await listGrants(host.server)).at(-1)?.startedAt).toBe(begun)
      if (times === 0) await host.refresh(host.web, body.refresh_token).expect(200)
    }
    source = (await host.refresh(host.web, source.refresh_token).expect(200)).body
    host.clock.advance(2)
    const late = await authorize(host, source.access_token, { scope: 'read' })
    expect([late.status, late.body.error]).toEqual([403, 'access_denied'])
    // what began with a token ends in that second itself
    expect((await authorize(host, access, { scope: 'read' })).status).toBe(401)
  })

  it('begins no session that is younger than its own where tokens are stateless', async () => {
    const host = await makeHost({}, ['web'], {
      grants: [authorizationCode(), refreshToken({ maxAge: 7200 })],
      accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example', stateless: true, ttl: 3600 }),
    })
    let tokens = (await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })) as Tokens
    const begun = host.clock.now
    host.clock.advance(3000)
    tokens = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body
    const { code } = (await authorize(host, tokens.access_token, { scope: 'read' })).body
    tokens = (await host.exchange(host.web, code).expect(200)).body
    expect((await listGrants(host.server)).map(({ startedAt }) => startedAt)).toEqual([begun])
    host.clock.advance(3000)
    tokens = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body
    host.clock.advance(1200)
    // its access token ends with the session, too
    expect((await authorize(host, tokens.access_token, { scope: 'read' })).status).toBe(401)
  })

  it.each(['code', 'token'])('that is older than a revocation of the client gets no %s that is dead', async (type) => {
    const host = await makeHost({}, ['web'], { grants: [authorizationCode(), refreshToken(), implicit()] })
    const { access_token } = await issueTokens(host.server, { clientId: 'native', userId: 'alice', scope: 'read' })
    host.clock.advance(1)
    await revokeGrants(host.server, { clientId: 'web' })
    host.clock.advance(1)
    const answer = await authorize(host, access_token, { scope: 'read', response_type: type })
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
    expect(host.eventTypes()).not.toContain('code.issued')
    const after = await issueTokens(host.server, { clientId: 'native', userId: 'alice', scope: 'read' })
    expect((await authorize(host, after.access_token, { scope: 'read', response_type: type })).status).toBe(200)
  })

  it('that is dead, narrow or of another kind gives nothing', async () => {
    const host = await makeHost({ scope: 'read' })
    const { refresh_token, access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    expect((await authorize(host, refresh_token as string)).status).toBe(401)
    expect((await authorize(host, await token(host, 'write'))).status).toBe(403)
    host.people.delete('alice')
    expect((await authorize(host, access_token)).status).toBe(401)
  })
})

describe("a local program in a user's session (RFC 8252 §8.6)", () => {
  it('starts no silent flow as a public client that was not named', async () => {
    for (const clients of [['web'], (() => true) as never]) {
      const host = await createHost({ decide: approve({ clients }) })
      const answer = await host.authorize(host.native, { redirect_uri: 'http://127.0.0.1:31337/callback' })
      expect(answerOf(answer)).toMatchObject({ error: 'access_denied' })
    }
  })
})
