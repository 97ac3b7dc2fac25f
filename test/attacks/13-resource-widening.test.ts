// ATTACKS 13: a token, a code or a session for one API becoming good at another.
import {
  approve,
  authorizeRouter,
  bearerGuard,
  clientsRouter,
  consentPage,
  issueTokens,
  tokenRouter,
  verifyAccessToken,
} from '../../src/index'
import { answerOf, createHost, type Host, paths } from '../support/host'

const files = 'https://files.example.com'
const mail = 'https://mail.example.com'

let host: Host
beforeEach(async () => {
  host = await createHost({ resources: [files, mail] })
})
const errorOf = async (answer: PromiseLike<{ status: number; body: { error?: string } }>) => {
  const { status, body } = await answer
  return [status, body.error]
}

it.each([
  ['another one', mail],
  ['another one beside the right one', `${files} ${mail}`],
])('a code for one resource gives no token for %s (RFC 8707 §2.2)', async (_, resource) => {
  const code = await host.code(host.web, { resource: files })
  expect(await errorOf(host.exchange(host.web, code, { resource }))).toEqual([400, 'invalid_target'])
})

it.each([
  ['another one', mail],
  ['another one beside the right one', `${files} ${mail}`],
])('a session for one resource gives no token for %s, however often it was refreshed', async (_, resource) => {
  let { refresh_token } = await host.signIn(host.web, { resource: files })
  for (let i = 0; i < 3; i++) {
    expect(await errorOf(host.refresh(host.web, refresh_token, { resource }))).toEqual([400, 'invalid_target'])
    refresh_token = (await host.refresh(host.web, refresh_token).expect(200)).body.refresh_token
  }
})

it('an exchange narrowed to one resource leaves the session what was authorized, and not more', async () => {
  const code = await host.code(host.web, { resource: mail })
  const { body } = await host.exchange(host.web, code, { resource: mail }).expect(200)
  expect(await errorOf(host.refresh(host.web, body.refresh_token, { resource: files }))).toEqual([
    400,
    'invalid_target',
  ])
  const { access_token } = (await host.refresh(host.web, body.refresh_token).expect(200)).body
  await expect(verifyAccessToken(host.server, access_token, { resource: mail })).resolves.toBeTruthy()
})

describe('a storage adapter that loses the audience makes useless, and not good for the default API,', () => {
  const loseAudience = () =>
    host.storage.replace('grants.find', async (find) => {
      const found = (await find()) as { data: { bound: Record<string, unknown> } } | undefined
      if (!found) return found
      const { audience, ...bound } = found.data.bound
      expect(audience).toBeDefined()
      return { ...found, data: { ...found.data, bound } }
    })

  it('a code', async () => {
    const code = await host.code(host.web, { resource: mail })
    loseAudience()
    expect(await errorOf(host.exchange(host.web, code))).toEqual([400, 'invalid_grant'])
  })

  it('a refresh token, however often it was refreshed', async () => {
    const { refresh_token } = await host.signIn(host.web, { resource: mail })
    const { body } = await host.refresh(host.web, refresh_token).expect(200)
    await host.refresh(host.web, body.refresh_token).expect(200)
    loseAudience()
    expect(await errorOf(host.refresh(host.web, body.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('an access token', async () => {
    const { access_token } = await host.signIn(host.web, { resource: mail })
    loseAudience()
    await expect(verifyAccessToken(host.server, access_token)).rejects.toMatchObject({ code: 'invalid_token' })
    expect((await host.introspect(host.api, access_token)).body).toEqual({ active: false })
  })
})

it('a token of one API obtains no code for another at an authorization endpoint behind a guard (ATTACKS 26)', async () => {
  const behindGuard = await createHost({
    resources: [files, mail],
    mount(app, server) {
      app.use(paths.token, tokenRouter(server))
      const decide = approve({ clients: ['web'] })
      app.use(paths.authorize, bearerGuard(server, { resource: mail }), authorizeRouter(server, { decide }))
    },
  })
  const { server, web } = behindGuard
  const { access_token } = await issueTokens(server, { clientId: 'web', userId: 'alice', resource: mail })
  const ask = (resource: string | undefined) =>
    behindGuard.authorize(web, { resource }, null).auth(access_token, { type: 'bearer' })
  expect(answerOf(await ask(mail))).toHaveProperty('code')
  for (const resource of [files, `${files} ${mail}`, undefined]) {
    expect(answerOf(await ask(resource))).toMatchObject({ error: 'invalid_target' })
  }
})

it('a consent that was shown for one resource is no answer for another', async () => {
  const asking = await createHost({ resources: [files, mail], decide: consentPage({ signIn: '/login' }) })
  const url = (resource: string) => `${paths.authorize}?${asking.authorizationRequest(asking.web, { resource })}`
  const page = await asking.http().get(url(files)).set('X-User', 'alice').expect(200)
  const consent_transaction = /name="consent_transaction" value="([^"]+)"/.exec(page.text)?.[1]
  const answer = { consent_transaction, consent: 'allow' }
  await asking.http().post(url(mail)).set('X-User', 'alice').type('form').send(answer).expect(400)
})

describe('an API whose URI differs from another one by a slash alone', () => {
  const api = 'https://host.example/mcp'
  const both = [api, `${api}/`]
  let twins: Host
  beforeEach(async () => {
    twins = await createHost({
      resources: both,
      mount(app, server) {
        app.use(paths.token, tokenRouter(server))
        app.use(paths.authorize, authorizeRouter(server, { decide: () => ({ allow: true, userId: 'alice' }) }))
        app.use(
          paths.clients,
          clientsRouter(server, { protect: bearerGuard(server, { scope: 'clients', resource: api }) }),
        )
      },
    })
  })

  it('is not opened by what was authorized for the other one', async () => {
    const tokens = await twins.signIn(twins.web, { resource: api })
    const wider = twins.refresh(twins.web, tokens.refresh_token, { resource: `${api}/` })
    expect(await errorOf(wider)).toEqual([400, 'invalid_target'])
    await expect(verifyAccessToken(twins.server, tokens.access_token, { resource: api })).resolves.toBeTruthy()
    const other = verifyAccessToken(twins.server, tokens.access_token, { resource: `${api}/` })
    await expect(other).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('is not what a client asks for that may have the other one alone', async () => {
    const one = await twins.register({ resources: [api] })
    expect(answerOf(await twins.authorize(one, { resource: `${api}/` }))).toMatchObject({ error: 'invalid_target' })
    expect(answerOf(await twins.authorize(one, { resource: 'https://HOST.example/mcp/' }))).toMatchObject({
      error: 'invalid_target',
    })
    expect(answerOf(await twins.authorize(one, { resource: api }))).toHaveProperty('code')
  })

  it('is given to no client by a caller whose token is for the other one (ATTACKS 27)', async () => {
    await twins.register({ clientId: 'portal', scopes: ['clients', 'read'] })
    const { access_token } = await issueTokens(twins.server, { clientId: 'portal', userId: 'alice', resource: api })
    const make = (body: object) =>
      twins
        .http()
        .post(paths.clients)
        .auth(access_token, { type: 'bearer' })
        .send({ scope: 'read', ...body })
    for (const resource of [`${api}/`, 'https://HOST.example/mcp/']) {
      expect(await errorOf(make({ resources: [resource] }))).toEqual([403, 'access_denied'])
    }
    const { body } = await make({ resources: ['https://HOST.example/mcp'] }).expect(201)
    expect(body.resources).toEqual([api])
    const changed = twins.http().patch(`${paths.clients}/${body.client_id}`).auth(access_token, { type: 'bearer' })
    expect(await errorOf(changed.send({ resources: both }))).toEqual([403, 'access_denied'])
  })
})

describe('what an API does not accept comes by no way into a token for it:', () => {
  const by: [string, (limited: Host) => PromiseLike<{ status: number; body: { error?: string } }>][] = [
    [
      'the exchange of a code',
      async (to) =>
        to.exchange(to.web, await to.code(to.web, { resource: `${files} ${mail}`, scope: 'write' }), {
          resource: files,
        }),
    ],
    [
      'a refresh',
      async (to) =>
        to.refresh(to.web, (await to.signIn(to.web, { resource: `${files} ${mail}`, scope: 'write' })).refresh_token, {
          resource: files,
        }),
    ],
    [
      'a request for it alone',
      (to) => to.token(to.web, { grant_type: 'client_credentials', resource: files, scope: 'write' }),
    ],
  ]
  it.each(by)('%s', async (_, ask) => {
    const limited = await createHost({ resources: { [files]: { scopes: ['read', 'clients'] }, [mail]: {} } })
    expect(await errorOf(ask(limited))).toEqual([400, 'invalid_scope'])
  })

  it('a token in front, which is for it, begins no session that has more', async () => {
    const guarded = await createHost({
      resources: { [files]: { scopes: ['read'] }, [mail]: {} },
      mount(app, server) {
        app.use(paths.token, tokenRouter(server))
        const guard = bearerGuard(server, { resource: files })
        const decide = approve({ clients: ['web'], user: (req) => req.user })
        app.use(paths.authorize, guard, authorizeRouter(server, { decide }))
      },
    })
    const asked = { clientId: 'web', userId: 'alice', resource: [files, mail], scope: 'read write' }
    const { access_token } = await issueTokens(guarded.server, asked)
    const request = guarded.authorize(guarded.web, { scope: 'read write', resource: mail }, null)
    const { code } = answerOf(await request.auth(access_token, { type: 'bearer' }))
    const { body } = await guarded.exchange(guarded.web, code as string).expect(200)
    expect(body.scope).toBe('read')
  })
})
