// RFC 9470: a guard that asks for more than the sign-in behind the token, and the way from its 401 to a token that will do.
import express from 'express'
import { decodeJwt } from 'jose'
import { Passport } from 'passport'
import request from 'supertest'
import {
  accessToken,
  approve,
  type BearerGuardOptions,
  bearerGuard,
  bearerStrategy,
  generateSigningKey,
  issueTokens,
  jwt,
  remoteServer,
  updateClient,
  verifyAccessToken,
} from '../../src/index'
import { answerOf, createHost, issuer, type Parameters, startOfTime, type Tokens } from '../support/host'
import { createOpenIdHost, type OpenIdHost, type OpenIdHostOptions } from '../support/openid'

const approved = approve({ clients: () => true })
const makeHost = (options: OpenIdHostOptions = {}) =>
  createOpenIdHost({ decide: approved, openid: { acrValues: ['pwd', 'mfa', 'hwk'] }, ...options })

const api = (guard: express.RequestHandler) => {
  const app = express()
  app.get('/', guard, (req, res) => void res.json(accessToken(req)))
  return ({ access_token }: Pick<Tokens, 'access_token'>) =>
    request(app).get('/').auth(access_token, { type: 'bearer' })
}
const challengeOf = ({ headers }: { headers: Record<string, string> }) => headers['www-authenticate']

let host: OpenIdHost
const signIn = (parameters: Parameters = {}) => host.signIn(host.web, { scope: 'openid read', ...parameters })
const call = (options: BearerGuardOptions, tokens: Pick<Tokens, 'access_token'>) =>
  api(bearerGuard(host.server, options))(tokens)

beforeEach(async () => {
  host = await makeHost()
  host.sessions.set('alice', { time: startOfTime - 600, acr: 'pwd' })
})

describe('a guard with acr and maxAge (RFC 9470 §3)', () => {
  it.each<[string, BearerGuardOptions, string]>([
    ['acr', { acr: 'mfa' }, 'acr_values="mfa"'],
    ['several', { acr: ['hwk', 'mfa'] }, 'acr_values="hwk mfa"'],
    ['several as one string', { acr: 'hwk mfa' }, 'acr_values="hwk mfa"'],
    ['maxAge', { maxAge: 599 }, 'max_age="599"'],
    ['maxAge 0', { maxAge: 0 }, 'max_age="0"'],
    ['both, also where one of them is met', { acr: 'mfa', maxAge: 3600 }, 'acr_values="mfa", max_age="3600"'],
    ['the other one', { acr: 'pwd', maxAge: 60 }, 'acr_values="pwd", max_age="60"'],
  ])('answers 401 and says what is needed: %s', async (_, options, said) => {
    const answer = await call(options, await signIn()).expect(401)
    expect(answer.body.error).toBe('insufficient_user_authentication')
    expect(challengeOf(answer)).toMatch(/^Bearer realm="api", error="insufficient_user_authentication", error_desc/)
    expect(challengeOf(answer)?.endsWith(`", ${said}`)).toBe(true)
  })

  it.each<[string, BearerGuardOptions]>([
    ['acr', { acr: 'pwd' }],
    ['one of several', { acr: 'mfa pwd' }],
    ['maxAge to the second', { maxAge: 600 }],
    ['both', { acr: 'pwd', maxAge: 600 }],
  ])('admits a sign-in that will do: %s', async (_, options) => {
    const { body } = await call(options, await signIn()).expect(200)
    expect(body).toMatchObject({ acr: 'pwd', authTime: startOfTime - 600 })
  })

  it('refuses a token whose sign-in has become too old, and a refreshed one: its sign-in is no younger', async () => {
    const tokens = await signIn()
    await call({ maxAge: 600 }, tokens).expect(200)
    host.clock.advance(1)
    await call({ maxAge: 600 }, tokens).expect(401)
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    await call({ maxAge: 600 }, body).expect(401)
    await call({ maxAge: 601 }, body).expect(200)
  })

  it('refuses a sign-in that is still to come, but for clocks that differ: it says nothing of its age', async () => {
    for (const [time, status] of [
      [startOfTime + 10, 200],
      [startOfTime + 11, 401],
      [startOfTime + 1e9, 401],
    ] as const) {
      host.sessions.set('alice', { time, acr: 'pwd' })
      expect([time, (await call({ maxAge: 600 }, await signIn())).status]).toEqual([time, status])
    }
  })

  it.each([
    ['without the scope openid', { clientId: 'web', userId: 'alice', scope: 'read' }],
    ['of the client itself', { clientId: 'web', scope: 'read' }],
  ])('refuses a token %s, which tells of no sign-in', async (_, options) => {
    const tokens = await issueTokens(host.server, options)
    for (const need of [{ acr: 'pwd' }, { maxAge: 3600 }]) {
      const answer = await call({ ...need, user: false }, tokens).expect(401)
      expect(answer.body.error).toBe('insufficient_user_authentication')
    }
  })

  it('refuses an app by its client_id alone', async () => {
    const app = express().get('/', bearerGuard(host.server, { clientIdQuery: true, acr: 'pwd' }))
    expect((await request(app).get('/?client_id=web')).status).toBe(401)
  })

  it('says first that the token is dead, or lacks the scope: no sign-in would mend that', async () => {
    const tokens = await signIn()
    expect((await call({ acr: 'mfa', scope: 'write' }, tokens)).body.error).toBe('insufficient_scope')
    await host.revoke(host.web, tokens.access_token)
    const answer = await call({ acr: 'mfa' }, tokens).expect(401)
    expect(answer.body.error).toBe('invalid_token')
    expect(challengeOf(answer)).not.toContain('acr_values')
  })

  it('does the same as a strategy of Passport', async () => {
    const passport = new Passport()
    passport.use(bearerStrategy(host.server, { acr: 'mfa', maxAge: 60 }))
    const answer = await api(passport.authenticate('bearer', { session: false }))(await signIn()).expect(401)
    expect(challengeOf(answer)).toContain('acr_values="mfa", max_age="60"')
  })

  it.each<[string, unknown, string]>([
    ['no acr', { acr: '' }, "acr must name authentication context classes, such as 'mfa'"],
    ['an empty list', { acr: [] }, 'acr must name'],
    ['a number', { acr: 2 }, 'acr must name'],
    ['a quote in it', { acr: ['"'] }, 'acr must name'],
    ['one that openid() does not have', { acr: 'gold' }, 'acr gold is not in openid({ acrValues }): pwd, mfa, hwk'],
    ['maxAge that is no number', { maxAge: '60' }, 'maxAge must be a whole number of seconds'],
    ['maxAge in milliseconds', { maxAge: 300_000 }, 'looks like milliseconds'],
    ['a negative one', { maxAge: -1 }, 'maxAge must be a whole number of seconds'],
    ['an undefined one', { acr: undefined }, 'acr is undefined'],
  ])('throws at start-up for %s', (_, options, message) => {
    expect(() => bearerGuard(host.server, options as BearerGuardOptions)).toThrow(message)
  })

  it('throws at a server that knows of no sign-in', async () => {
    const { server } = await createHost()
    expect(() => bearerGuard(server, { maxAge: 60 })).toThrow('acr and maxAge need the option openid of the server')
  })
})

describe('verifyAccessToken with acr and maxAge', () => {
  const verify = async (options: Pick<BearerGuardOptions, 'acr' | 'maxAge' | 'scope'>, tokens?: Tokens) =>
    verifyAccessToken(host.server, (tokens ?? (await signIn())).access_token, options)

  it('returns what a token stands for whose sign-in will do', async () => {
    const said = { acr: 'pwd', authTime: startOfTime - 600 }
    expect(await verify({ acr: 'pwd', maxAge: 600 })).toMatchObject(said)
    expect(await verify({ acr: ['mfa', 'pwd'] })).toMatchObject(said)
  })

  it.each([
    { acr: 'mfa' },
    { acr: 'hwk mfa' },
    { maxAge: 599 },
    { acr: 'pwd', maxAge: 0 },
    { acr: 'mfa', maxAge: 600 },
  ])('throws insufficient_user_authentication, with 401, for %j', async (options) => {
    const error = { code: 'insufficient_user_authentication', status: 401 }
    await expect(verify(options)).rejects.toMatchObject(error)
  })

  it('throws it for a token that tells of no sign-in', async () => {
    const tokens = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
    const error = { code: 'insufficient_user_authentication' }
    for (const options of [{ acr: 'pwd' }, { maxAge: 3600 }]) {
      await expect(verify(options, tokens as Tokens)).rejects.toMatchObject(error)
    }
  })

  it('says first what no sign-in would mend', async () => {
    const tokens = await signIn()
    await expect(verify({ acr: 'mfa', scope: 'write' }, tokens)).rejects.toMatchObject({ code: 'insufficient_scope' })
    await host.revoke(host.web, tokens.access_token)
    await expect(verify({ acr: 'mfa' }, tokens)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it.each<[unknown, string]>([
    [{ acr: '' }, "verifyAccessToken's acr must name authentication context classes, such as 'mfa'"],
    [{ acr: 'gold' }, "verifyAccessToken's acr gold is not in openid({ acrValues }): pwd, mfa, hwk"],
    [{ maxAge: '60' }, "verifyAccessToken's maxAge must be a whole number of seconds"],
    [{ acr: undefined }, 'acr is undefined'],
    [{ maxAge: undefined }, 'maxAge is undefined'],
  ])('throws a TypeError for %j, whatever the token', async (options, message) => {
    const verifying = verifyAccessToken(host.server, 'x', options as never)
    await expect(verifying).rejects.toMatchObject({ name: 'TypeError', message: expect.stringContaining(message) })
  })

  it('throws a TypeError at a server that knows of no sign-in', async () => {
    const { server } = await createHost()
    const verifying = verifyAccessToken(server, 'x', { maxAge: 60 })
    await expect(verifying).rejects.toThrow('acr and maxAge need the option openid of the server')
  })
})

describe('in another process (RFC 9470 §6)', () => {
  const resource = 'https://api.example'

  it.each([false, true])('by the claims of JWTs, and by introspection, stateless: %s', async (stateless) => {
    host = await makeHost({ accessTokens: jwt({ keys: generateSigningKey(), audience: resource, stateless }) })
    host.sessions.set('alice', { time: startOfTime - 600, acr: 'pwd' })
    const tokens = await signIn()
    expect(decodeJwt(tokens.access_token)).toMatchObject({ acr: 'pwd', auth_time: startOfTime - 600 })
    await call({ acr: 'pwd', maxAge: 600, resource }, tokens).expect(200)
    await call({ acr: 'mfa', resource }, tokens).expect(401)
    const listener = host.app.listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { port: number }
    const at = { issuer, resource, reachableAt: `http://127.0.0.1:${port}`, now: () => host.clock.now }
    const introspect = { clientId: host.api.clientId, clientSecret: host.api.clientSecret as string }
    const sources = stateless ? [remoteServer(at)] : [remoteServer(at), remoteServer({ ...at, introspect })]
    for (const source of sources) {
      const { body } = await api(bearerGuard(source, { acr: ['mfa', 'pwd'], maxAge: 600 }))(tokens).expect(200)
      expect(body).toMatchObject({ acr: 'pwd', authTime: startOfTime - 600 })
      const answer = await api(bearerGuard(source, { acr: 'gold', maxAge: 60 }))(tokens).expect(401)
      expect(challengeOf(answer)).toContain('acr_values="gold", max_age="60"')
    }
    listener.close()
  })

  it("by a host's own claims acr and auth_time, where no openid() says them", async () => {
    const claims = () => ({ acr: 'mfa', auth_time: startOfTime - 600 })
    const accessTokens = () => jwt({ keys: generateSigningKey(), audience: resource, claims })
    const own = await createHost({ accessTokens: accessTokens() })
    const tokens = await own.signIn()
    const listener = own.app.listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { port: number }
    const at = { issuer, resource, reachableAt: `http://127.0.0.1:${port}`, now: () => own.clock.now }
    const statusOf = async (options: BearerGuardOptions) =>
      (await api(bearerGuard(remoteServer(at), options))(tokens)).status
    expect(await statusOf({ acr: 'mfa', maxAge: 600 })).toBe(200)
    expect(await statusOf({ acr: 'pwd' })).toBe(401)
    expect(await statusOf({ maxAge: 599 })).toBe(401)
    listener.close()
    // the sign-in has the last word where there is one
    host = await makeHost({ accessTokens: accessTokens() })
    host.sessions.set('alice', { time: startOfTime - 700, acr: 'pwd' })
    expect(decodeJwt((await signIn()).access_token)).toMatchObject({ acr: 'pwd', auth_time: startOfTime - 700 })
    const untold = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    expect(decodeJwt(untold.access_token)).not.toHaveProperty('acr')
  })

  it('is told to no API where the user of the token has not signed in by OpenID Connect', async () => {
    host = await makeHost({ accessTokens: jwt({ keys: generateSigningKey(), audience: resource }) })
    const claims = decodeJwt((await issueTokens(host.server, { clientId: 'web', userId: 'alice' })).access_token)
    expect(claims).not.toHaveProperty('acr')
    expect(claims).not.toHaveProperty('auth_time')
  })
})

describe('from the 401 to the new token (RFC 9470 §4, §5)', () => {
  /** What a client reads from the challenge. */
  const wantedBy = (challenge = '') => ({
    acr_values: /acr_values="([^"]*)"/.exec(challenge)?.[1],
    max_age: /max_age="([^"]*)"/.exec(challenge)?.[1],
  })

  it('sends the user to sign in once, and the new token will do', async () => {
    const guard = { acr: 'mfa', maxAge: 300 }
    const refused = await call(guard, await signIn()).expect(401)
    const again = { scope: 'openid read', ...wantedBy(challengeOf(refused)) }
    const sent = host.sentToSignIn(await host.authorize(host.web, again))
    expect(sent?.page).toBe('/login')
    expect(sent?.asked.get('acr_values')).toBe('mfa')
    expect(sent?.asked.get('max_age')).toBe('300')
    host.clock.advance(5)
    host.sessions.set('alice', { time: startOfTime + 5, acr: 'mfa' })
    const { code } = answerOf(await host.comeBack(sent?.back as string))
    const { body } = await host.exchange(host.web, code as string).expect(200)
    await call(guard, body).expect(200)
  })

  it('says what was reached where that is less, and asks nobody twice', async () => {
    const sent = host.sentToSignIn(await host.authorize(host.web, { scope: 'openid', acr_values: 'hwk' }))
    host.sessions.set('alice', { time: startOfTime, acr: 'mfa' })
    const { code } = answerOf(await host.comeBack(sent?.back as string))
    const { body } = await host.exchange(host.web, code as string).expect(200)
    expect(decodeJwt(body.id_token).acr).toBe('mfa')
    await call({ acr: 'hwk' }, body).expect(401)
  })

  it('fails where the client calls it essential (OpenID Connect Core §5.5.1.1)', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['hwk'] } } })
    const sent = host.sentToSignIn(await host.authorize(host.web, { scope: 'openid', claims }))
    host.sessions.set('alice', { time: startOfTime, acr: 'mfa' })
    expect(answerOf(await host.comeBack(sent?.back as string)).error).toBe('unmet_authentication_requirements')
  })

  it('tells the page those of the client record, once, and knows the request again that comes back', async () => {
    await updateClient(host.server, 'web', { defaultAcrValues: ['hwk', 'mfa'] })
    const sent = host.sentToSignIn(await host.authorize(host.web, { scope: 'openid' }))
    expect(sent?.asked.get('acr_values')).toBe('hwk mfa')
    // no other sign-in is there: the user is not sent again
    expect(answerOf(await host.comeBack(sent?.back as string)).code).toBeDefined()
    // what was sent there was another request
    const changed = String(sent?.back).replace('scope=openid', 'scope=openid+read')
    expect(host.sentToSignIn(await host.comeBack(changed))?.page).toBe('/login')
  })

  it('names what the sign-in page has in the metadata', async () => {
    const { body } = await host.http().get('/.well-known/openid-configuration')
    expect(body.acr_values_supported).toEqual(['pwd', 'mfa', 'hwk'])
  })
})
