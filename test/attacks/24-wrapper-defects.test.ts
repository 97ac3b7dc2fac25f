// ATTACKS.md row 24: what wrappers around authorization servers got wrong.
import type { RequestHandler } from 'express'
import { authorizationCode, authorizeRouter, bearerGuard, implicit, requireScope, tokenRouter } from '../../src/index'
import { frameworks } from '../support/frameworks'
import { answerOf, createHost, type Host, issuer, paths } from '../support/host'

describe('errors of the authorization endpoint are redirects with error, state and iss,', () => {
  it.each([
    'https://app.example/cb',
    'https://app.example/cb?foo=bar',
    'https://app.example/cb?foo=bar&',
    'https://app.example/cb?',
    'https://app.example',
    'com.example.app:/cb?x=%26y',
  ])('also to %s', async (redirectUri) => {
    const host = await createHost()
    const client = await host.register({ clientId: 'queried' }, redirectUri)
    for (const wrong of [
      { scope: 'nope' },
      { response_type: 'x' },
      { code_challenge: undefined, code_challenge_method: undefined },
    ]) {
      const answer = await host.authorize(client, wrong).expect(302)
      expect(answerOf(answer)).toMatchObject({ error: expect.any(String), state: 'xyz', iss: issuer })
      expect(answer.headers.location?.startsWith(redirectUri)).toBe(true)
      if (redirectUri.includes('foo')) expect(answerOf(answer).foo).toBe('bar')
      expect(answerOf(answer)).not.toHaveProperty('code')
    }
  })

  it('of the fragment where the token would have been', async () => {
    const host = await createHost({ grants: [authorizationCode(), implicit()] })
    const answer = await host.authorize(host.web, { response_type: 'token', scope: 'nope' })
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb#error=invalid_scope&/)
  })
})

describe.each(frameworks)('on %s', (_, { createHost, oauth }) => {
  it('every 401 and 403 of the guard carries the challenge', async () => {
    const host = await createHost()
    const { access_token } = await oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'write' })
    for (const header of [
      '',
      'Bearer',
      'Bearer x',
      'Bearer x y',
      'Basic x',
      `Bearer ${access_token}x`,
      `Bearer ${access_token}`,
    ]) {
      const answer = await host.http().get('/me').set('Authorization', header)
      expect([401, 403]).toContain(answer.status)
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="/)
    }
  })

  it('next is never called after an answer, and an answer never given twice', async () => {
    const seen: string[] = []
    const host = await createHost({
      mount(app, server) {
        const after: RequestHandler = (req, res, next) => {
          seen.push(`${req.method} ${req.originalUrl.split('?')[0]} ${res.headersSent}`)
          next()
        }
        const decide: Parameters<typeof authorizeRouter>[1]['decide'] = (_request, _req, res) => {
          res.end('answered by the decider')
          return { allow: true, userId: 'alice' }
        }
        app.use(paths.authorize, oauth.authorizeRouter(server, { decide }), after)
        app.use(paths.token, oauth.tokenRouter(server), after)
        app.use('/me', oauth.bearerGuard(server), after)
      },
    })
    await host
      .http()
      .get(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
      .expect(200)
    await host.http().get(`${paths.authorize}?client_id=x`).expect(400)
    await host.http().put(paths.authorize).expect(405)
    await host.http().post(paths.token).expect(401)
    await host.http().get('/me').expect(401)
    await host.http().get('/me').set('Authorization', 'Bearer x').expect(401)
    expect(seen).toEqual([])
  })

  it('a scope asked for behind a guard is judged by what the guard found, not by what is in req.authInfo', async () => {
    const host = await createHost({
      mount(app, server) {
        const forge: RequestHandler = (req, _res, next) => {
          Object.assign(req, {
            authInfo: { clientId: 'web', userId: 'alice', scope: ['write', 'admin'] },
            user: { id: 'admin' },
          })
          next()
        }
        app.get('/forged', forge, oauth.requireScope('write'), (_req, res) => void res.json({}))
        app.get(
          '/guarded',
          oauth.bearerGuard(server, { scope: 'read' }),
          forge,
          oauth.requireScope('write'),
          (_req, res) => void res.json({}),
        )
      },
    })
    const { access_token } = await oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
    expect((await host.http().get('/forged').auth(access_token, { type: 'bearer' })).status).toBe(599)
    expect((await host.http().get('/guarded').auth(access_token, { type: 'bearer' })).status).toBe(403)
  })

  it("a session's user in front of the guard does not stand in for a token's", async () => {
    const host = await createHost({ grants: [oauth.authorizationCode(), oauth.clientCredentials()] })
    const { access_token } = (await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' })).body
    const answer = await host.me(access_token).set('X-User', 'bob').expect(200)
    expect(answer.body).not.toHaveProperty('user')
    expect(answer.body.authInfo).not.toHaveProperty('userId')
    expect((await host.http().get('/me').set('X-User', 'bob')).status).toBe(401)
  })

  it("two requests in flight do not get each other's user", async () => {
    const host = await createHost()
    const tokens = await Promise.all(
      ['alice', 'bob'].map(
        async (userId) =>
          (await oauth.issueTokens(host.server, { clientId: 'web', userId, scope: 'read' })).access_token,
      ),
    )
    host.storage.replace('grants.find', async (call) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      return call()
    })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => host.me(tokens[n % 2] as string)))
    for (const [n, { body }] of answers.entries()) expect(body.user.id).toBe(n % 2 ? 'bob' : 'alice')
  })

  it('HEAD mints no code', async () => {
    const host = await createHost()
    for (const path of [paths.authorize, `${paths.authorize}/`]) {
      const answer = await host
        .http()
        .head(`${path}?${host.authorizationRequest(host.web)}`)
        .set('X-User', 'alice')
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST'])
    }
    expect(host.events).toEqual([])
  })
})

it('a guard with a scope that the server does not have throws at start-up, not at the first request', async () => {
  const host: Host = await createHost()
  for (const scope of ['nope', 'read nope', ['nope'], 'READ'])
    expect(() => bearerGuard(host.server, { scope })).toThrow(TypeError)
  expect(() => requireScope('a"b')).toThrow()
  expect(() => tokenRouter({} as never)).toThrow(TypeError)
  expect(() => authorizeRouter(host.server, {} as never)).toThrow(TypeError)
})
