import type { RequestHandler } from 'express'
import passport from 'passport'
import type { BearerGuardOptions, Users } from '../../src'
import { frameworks } from '../support/frameworks'
import type { Host, HostOptions, Tokens } from '../support/host'
import { gate } from '../support/storage'

/** A host's own strategy, for another kind of bearer token. */
const ownToken = {
  name: 'jwt',
  authenticate(this: { fail(challenge: string, status: number): void }): void {
    this.fail('Bearer realm="own"', 401)
  },
}
const orMessage = (look: () => unknown) => {
  try {
    return look()
  } catch (error) {
    return String(error)
  }
}

describe.each(frameworks)('bearerGuard on %s', (_, { createHost, express, oauth }) => {
  let host: Host
  let tokens: Tokens

  /** A host with `GET /` and `POST /` behind a guard, which answer with what the guard found. */
  async function begin(options: BearerGuardOptions = {}, hostOptions: HostOptions = {}): Promise<void> {
    host = await createHost({
      ...hostOptions,
      mount(app, server) {
        app.use(oauth.oauthRouter(server, { decide: allow, protect: false }))
        app.all('/', express.urlencoded({ extended: true }), oauth.bearerGuard(server, options), show)
      },
    })
    tokens = await host.signIn(host.web, { scope: 'read' })
    host.storage.calls.length = 0
    host.events.length = 0
  }
  const allow = () => ({ allow: true as const, userId: 'alice' })
  const show: RequestHandler = (req, res) => {
    res.json({ user: req.user, authInfo: req.authInfo, token: oauth.accessToken(req) })
  }
  beforeEach(() => begin())

  const call = (authorization?: string | string[]) => {
    const sent = host.http().get('/')
    return authorization === undefined ? sent : sent.set('Authorization', authorization as string)
  }
  const bearer = (token: string) => call(`Bearer ${token}`)

  describe('a valid token', () => {
    it('sets req.user, the resource owner, and req.authInfo', async () => {
      const { body } = await bearer(tokens.access_token).expect(200)
      const authInfo = {
        clientId: 'web',
        userId: 'alice',
        scope: ['read'],
        expiresAt: host.clock.now + 3600,
        grantId: tokens.access_token.split('~')[0],
      }
      expect(body).toEqual({ user: { id: 'alice', name: 'Alice' }, authInfo, token: authInfo })
    })

    it('takes one storage call', async () => {
      await bearer(tokens.access_token).expect(200)
      expect(host.storage.calls).toEqual(['grants.find'])
    })

    it('is let pass in the same turn by storage that answers at once', () => {
      const guard = oauth.bearerGuard(host.server)
      const req = { headers: { authorization: `Bearer ${tokens.access_token}` }, rawHeaders: [], url: '/' }
      let passed = false
      guard(req as never, {} as never, () => {
        passed = true
      })
      expect(passed).toBe(true)
    })

    it('comes with its scheme in any case (RFC 9110 §11.1)', async () => {
      for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) await call(`${scheme} ${tokens.access_token}`).expect(200)
    })

    it('has no user when it is of a client itself, also where a session in front has one', async () => {
      await begin({ user: false })
      const own = await oauth.issueTokens(host.server, { clientId: 'web', scope: 'read' })
      const { body } = await bearer(own.access_token).set('X-User', 'bob').expect(200)
      expect(body).not.toHaveProperty('user')
      expect(body.authInfo).not.toHaveProperty('userId')
    })

    it('has its own user, whoever a session in front has', async () => {
      expect((await bearer(tokens.access_token).set('X-User', 'bob')).body.user.id).toBe('alice')
    })

    it('has the user as users.find returns it, now or later, and { id } where there are no users', async () => {
      await begin({}, { users: { find: async (id) => ({ id, fromDatabase: true }) as never } })
      expect((await bearer(tokens.access_token)).body.user).toEqual({ id: 'alice', fromDatabase: true })
      await begin({}, { users: undefined as never })
      expect((await bearer(tokens.access_token)).body.user).toEqual({ id: 'alice' })
    })
  })

  describe('no token', () => {
    it.each([
      ['no header', undefined],
      ['another scheme', 'Basic d2ViOng='],
      ['a scheme that begins alike', 'BearerX abc'],
      ['a scheme that ends alike', 'XBearer abc'],
    ])('is a bare challenge, without error (RFC 6750 §3.1): %s', async (_, header) => {
      const { headers } = await call(header).expect(401)
      expect(headers['www-authenticate']).toBe('Bearer realm="api"')
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      expect(host.storage.calls).toEqual([])
    })

    it('is a bare challenge also where a scope is needed', async () => {
      await begin({ scope: 'read' })
      expect((await call().expect(401)).headers['www-authenticate']).toBe('Bearer realm="api"')
    })
  })

  describe('a token that is not good', () => {
    const expectInvalid = async (token: string) => {
      const { headers, body } = await bearer(token).expect(401)
      expect(headers['www-authenticate']).toMatch(
        /^Bearer realm="api", error="invalid_token", error_description="[^"]+"$/,
      )
      expect(body).toEqual({ error: 'invalid_token', error_description: expect.any(String) })
    }

    it.each([
      '',
      'x',
      'a b',
      'a,b',
      '"quoted"',
      'ä',
      '[object Object]',
      'undefined',
      'a'.repeat(8000),
      `${'A'.repeat(22)}~a.${'A'.repeat(43)}`,
    ])('is 401 invalid_token (RFC 6750 §3.1): %.30j', async (token) => {
      await expectInvalid(Buffer.from(token).toString('latin1'))
    })

    it.each(['a b', 'a,b', ',a', '"quoted"', 'ä', '=', 'a=b'])(
      'is not looked up when it is no b64token: %j',
      async (token) => {
        const { body } = await bearer(Buffer.from(token).toString('latin1')).expect(401)
        expect(body.error_description).toBe('The access token is malformed.')
      },
    )

    it('is 401 when it has a wrong secret, or none', async () => {
      const [id] = tokens.access_token.split('.')
      await expectInvalid(`${id}.${'A'.repeat(43)}`)
      await expectInvalid(`${id}.`)
      await expectInvalid(tokens.access_token.slice(0, -1))
      await expectInvalid(`${tokens.access_token}=`)
    })

    it('is 401 when it is of another kind', async () => {
      await expectInvalid(tokens.refresh_token)
      await expectInvalid(await host.code())
    })

    it('is 401 when it has expired', async () => {
      host.clock.advance(3600)
      await expectInvalid(tokens.access_token)
    })

    it('is 401 when it was revoked, or its grant, user or client', async () => {
      const targets = [
        () => host.revoke(host.web, tokens.access_token),
        () => host.revoke(host.web, tokens.refresh_token),
        () => oauth.revokeGrants(host.server, { userId: 'alice' }),
        () => oauth.deleteClient(host.server, 'web'),
      ]
      for (const revoke of targets) {
        await begin()
        await revoke()
        await expectInvalid(tokens.access_token)
      }
    })

    it('is 401 when its user is gone: no handler takes a deleted user for an app', async () => {
      let isGone = false
      for (const gone of [undefined, null, false, 0, '']) {
        await begin({}, { users: { find: (id) => (isGone ? (gone as never) : { id }) } })
        isGone = true
        await expectInvalid(tokens.access_token)
        isGone = false
      }
    })
  })

  describe('a token with too little scope', () => {
    it('is 403 insufficient_scope, with the scope that is needed (RFC 6750 §3.1)', async () => {
      await begin({ scope: 'read write' })
      const { headers, body } = await bearer(tokens.access_token).expect(403)
      expect(headers['www-authenticate']).toBe(
        'Bearer realm="api", error="insufficient_scope", ' +
          'error_description="The request needs the scope read write.", scope="read write"',
      )
      expect(body.error).toBe('insufficient_scope')
    })

    it('passes when it has all of it, named as a string or a list', async () => {
      for (const scope of ['read', ['read']]) {
        await begin({ scope })
        await bearer(tokens.access_token).expect(200)
      }
    })
  })

  describe('where a token may stand', () => {
    const inQuery = (query: string) => host.http().get(`/?${query}`)
    const inBody = (body: string) => host.http().post('/').type('form').send(body)
    const good = () => `access_token=${tokens.access_token}`

    it('is the header alone: elsewhere it is no token at all', async () => {
      for (const sent of [inQuery(good()), inBody(good())]) {
        expect((await sent.expect(401)).headers['www-authenticate']).toBe('Bearer realm="api"')
      }
      await inQuery(good()).auth(tokens.access_token, { type: 'bearer' }).expect(200)
    })

    it('in the query makes the answer private (RFC 6750 §2.3)', async () => {
      await begin({ tokenFrom: ['header', 'query'] })
      const answer = await host.http().get('/').query({ access_token: tokens.access_token }).expect(200)
      expect(answer.headers['cache-control']).toBe('private')
      expect((await bearer(tokens.access_token)).headers['cache-control']).toBeUndefined()
    })

    it('may be the query (RFC 6750 §2.3)', async () => {
      await begin({ tokenFrom: ['header', 'query'] })
      await inQuery(good()).expect(200)
      await bearer(tokens.access_token).expect(200)
      await inBody(good()).expect(401)
      expect((await inQuery('access_token=').expect(401)).headers['www-authenticate']).toBe('Bearer realm="api"')
    })

    it('may be the body (RFC 6750 §2.2)', async () => {
      await begin({ tokenFrom: ['body'] })
      await inBody(good()).expect(200)
      await inQuery(good()).expect(401)
      await bearer(tokens.access_token).expect(401)
      expect((await inBody('access_token=').expect(401)).headers['www-authenticate']).toBe('Bearer realm="api"')
    })

    it('is one place: two are 400 invalid_request (RFC 6750 §2)', async () => {
      await begin({ tokenFrom: ['header', 'query', 'body'] })
      const twice = [
        inQuery(good()).auth(tokens.access_token, { type: 'bearer' }),
        inBody(good()).auth(tokens.access_token, { type: 'bearer' }),
        host.http().post(`/?${good()}`).type('form').send(good()),
        inQuery(`${good()}&${good()}`),
        inQuery(`${good()}&access_token=x`),
        inQuery('access_token[]=x&access_token[]=y&access_token=x&access_token=y'),
        inBody(`${good()}&${good()}`),
        inBody(`access_token[a]=${tokens.access_token}`),
      ]
      for (const sent of twice) {
        const { headers, body } = await sent.expect(400)
        expect(body.error).toBe('invalid_request')
        expect(headers['www-authenticate']).toMatch(/^Bearer realm="api", error="invalid_request"/)
      }
    })

    it('is no other header of as many characters', async () => {
      await bearer(tokens.access_token).set('Cache-Control', 'no-cache').set('If-None-Match', '"x"').expect(200)
    })

    it('is one header: two are 400 invalid_request, in whatever order', async () => {
      const header = `Bearer ${tokens.access_token}`
      for (const two of [
        [header, header],
        [header, 'Basic d2ViOng='],
      ]) {
        expect((await call(two).expect(400)).body.error).toBe('invalid_request')
      }
    })
  })

  describe('storage that fails', () => {
    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('secret detail')
        },
      ],
      ['rejects', () => Promise.reject(new Error('secret detail'))],
      ['answers with nonsense', () => ({ nonsense: 'secret detail' })],
      ['answers with the row of somebody else', () => ({ ...host.storage.stored(host.storage.storedIds()[0] ?? '') })],
    ])('is 503, never 401, and the host is told why: %s', async (_, stand) => {
      host.storage.replace('grants.find', stand)
      const answer = await bearer(tokens.access_token).expect(503)
      expect(answer.body.error).toBe('server_error')
      expect(answer.headers).not.toHaveProperty('www-authenticate')
      expect(answer.text).not.toContain('secret detail')
      expect(host.reportedErrors()).toMatchObject([{ status: 503, cause: expect.any(Error) }])
      host.storage.restore()
      await bearer(tokens.access_token).expect(200)
    })
  })

  it('lets nobody pass when users.find throws', async () => {
    let isBroken = false
    const find = (id: string) => {
      if (isBroken) throw new Error('secret detail')
      return { id }
    }
    await begin({}, { users: { find } })
    isBroken = true
    const answer = await bearer(tokens.access_token).expect(500)
    expect(answer.text).not.toContain('secret detail')
    expect(answer.headers).not.toHaveProperty('www-authenticate')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
  })

  it('does nothing after the host has answered, in a timeout', async () => {
    const asked = gate()
    const answered = gate()
    const passed = jest.fn()
    host = await createHost({
      mount(app, server) {
        app.use((_req, res, next) => {
          void asked.opened.then(() => res.status(504).end()).then(answered.open)
          next()
        })
        app.get('/', oauth.bearerGuard(server), passed)
      },
    })
    const issued = await oauth.issueTokens(host.server, { clientId: 'web' })
    const pause = host.storage.pauseBefore('grants.find')
    const answer = bearer(issued.access_token).then((response) => response)
    await pause.reached
    asked.open()
    expect((await answer).status).toBe(504)
    await answered.opened
    pause.resume()
    await new Promise(setImmediate)
    expect(passed).not.toHaveBeenCalled()
    expect(host.events.filter(({ type }) => type === 'error')).toEqual([])
  })

  it('keeps requests apart that are in flight at the same time', async () => {
    const bob = await oauth.issueTokens(host.server, { clientId: 'web', userId: 'bob', scope: 'write' })
    const everybody = gate()
    let waiting = 0
    host.storage.replace('grants.find', async (find) => {
      if (++waiting === 20) everybody.open()
      await everybody.opened
      return find()
    })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => bearer(i % 2 === 0 ? tokens.access_token : bob.access_token)),
    )
    expect(answers.map(({ body }) => body.user.id)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'alice' : 'bob')),
    )
  })

  describe('realm', () => {
    it.each([
      ['my api', 'my api'],
      ['a "quoted" \\ one', 'a \\"quoted\\" \\\\ one'],
      ['line\r\nSet-Cookie: x=y', 'lineSet-Cookie: x=y'],
      ['ä\u{1f600}', ''],
    ])('is quoted so that the header stays whole (RFC 9110 §5.6.4): %j', async (realm, quoted) => {
      await begin({ realm })
      const { headers } = await call().expect(401)
      expect(headers['www-authenticate']).toBe(`Bearer realm="${quoted}"`)
      expect(headers).not.toHaveProperty('set-cookie')
    })
  })

  describe('requireScope, behind a guard', () => {
    const guarded = async (...handlers: (typeof show)[]) => {
      host = await createHost({
        mount(app, server) {
          const guard = oauth.bearerGuard(server, { realm: 'mine' })
          app.get('/', ...(handlers.length > 0 ? handlers : [guard]), oauth.requireScope('read write'), show)
        },
      })
      const token = (scope: string) => oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice', scope })
      return async (scope: string) => bearer((await token(scope)).access_token)
    }

    it('lets pass a token that has it', async () => {
      const ask = await guarded()
      expect((await ask('read write')).status).toBe(200)
    })

    it('answers 403 with the challenge of that guard', async () => {
      const ask = await guarded()
      const { status, headers } = await ask('read')
      expect(status).toBe(403)
      expect(headers['www-authenticate']).toMatch(
        /^Bearer realm="mine", error="insufficient_scope".*scope="read write"$/,
      )
    })

    it.each([undefined, null, '', ' ', [], ['']])('refuses %j at start-up: it would let pass everybody', (scope) => {
      expect(() => oauth.requireScope(scope as never)).toThrow(/^requireScope/)
    })

    it('does not believe what anybody wrote into req.authInfo', async () => {
      const forge: RequestHandler = (req, _res, next) => {
        req.authInfo = { clientId: 'web', scope: ['read', 'write'] }
        next()
      }
      const ask = await guarded(forge)
      expect((await ask('read write')).body.thrown).toContain('requireScope needs bearerGuard')
    })
  })

  it.each<[string, object]>([
    ['realm', { realm: null }],
    ['realm', { realm: 7 }],
    ['clientIdQuery', { clientIdQuery: 'false' }],
    ['resourceMetadata', { resourceMetadata: 'false' }],
    ['scope', { scope: '' }],
    ['scope', { scope: ' ' }],
    ['scope', { scope: [''] }],
    ['scope', { scope: null }],
    ['scope', { scope: undefined }],
    ['scope', { scope: { read: true } }],
  ])('refuses at start-up a %s that would mean something else: %j', (name, options) => {
    expect(() => oauth.bearerGuard(host.server, options)).toThrow(new RegExp(`^bearerGuard's ${name} `))
  })

  it.each([null, 7])('bearerStrategy refuses at start-up a realm that is no text: %j', (realm) => {
    expect(() => oauth.bearerStrategy(host.server, { realm: realm as never })).toThrow(/^bearerStrategy's realm /)
  })

  it('admits nobody whose user is gone, also where users.find answers with a thenable that is no promise', async () => {
    let user: { id: string } | undefined = { id: 'alice' }
    // biome-ignore lint/suspicious/noThenProperty: what is meant
    const later = { then: (resolve: (value: unknown) => void) => void setImmediate(() => resolve(user)) }
    await begin({}, { users: { find: () => later as never } })
    await bearer(tokens.access_token).expect(200)
    user = undefined
    await bearer(tokens.access_token).expect(401)
  })

  it('accessToken(req) throws where no guard has let the request pass', async () => {
    host = await createHost({ mount: (app) => void app.get('/', show) })
    expect((await call()).body.thrown).toContain('accessToken(req) needs bearerGuard')
  })

  describe('clientIdQuery: app authorization', () => {
    beforeEach(() => begin({ clientIdQuery: true }))

    it('admits a registered client, without a user, and with the empty scope', async () => {
      const { body } = await host.http().get('/?client_id=web').set('X-User', 'bob').expect(200)
      expect(body).toEqual({ authInfo: { clientId: 'web', scope: [] }, token: { clientId: 'web', scope: [] } })
    })

    it.each(['', '?client_id=', '?client_id=nobody', '?client_id=web&client_id=web', '?client_id[]=web'])(
      'admits nobody else: %p',
      async (query) => {
        const { headers } = await host.http().get(`/${query}`).expect(401)
        expect(headers['www-authenticate']).toBe('Bearer realm="api"')
      },
    )

    it.each(['', '?client_id=', '?client_id=web&client_id=web'])('asks storage nothing for %p', async (query) => {
      await host.http().get(`/${query}`).expect(401)
      expect(host.storage.calls).toEqual([])
    })

    it('lets a token that is sent decide, also a bad one', async () => {
      const withToken = (token: string) => host.http().get('/?client_id=native').auth(token, { type: 'bearer' })
      expect((await withToken(tokens.access_token).expect(200)).body.authInfo.clientId).toBe('web')
      await withToken('bad').expect(401)
    })

    it('opens no route that needs a scope', async () => {
      await begin({ clientIdQuery: true, scope: 'read' })
      await host.http().get('/?client_id=web').expect(403)
    })

    it('is 503 when storage fails', async () => {
      host.storage.replace('clients.find', () => Promise.reject(new Error('no database')))
      await host.http().get('/?client_id=web').expect(503)
    })

    it('is off unless it is named', async () => {
      await begin()
      await host.http().get('/?client_id=web').expect(401)
    })
  })

  describe('a token without a user', () => {
    const users = { find: (id: string) => ({ id }) }
    it.each<[string, BearerGuardOptions, Users | undefined, number]>([
      ['is refused where the host has users: a handler would look for the rows of nobody', {}, users, 403],
      ['is refused by user: true', { user: true }, undefined, 403],
      ['is admitted by user: false', { user: false }, users, 200],
      ['is admitted where the host has no users', {}, undefined, 200],
      ['is admitted where apps are, which have no user either', { clientIdQuery: true }, users, 200],
    ])('%s', async (_, options, given, status) => {
      const seen: unknown[] = []
      host = await createHost({
        ...({ users: given } as HostOptions),
        mount(app, server) {
          app.get('/', oauth.bearerGuard(server, { scope: 'read', ...options }), (req, res, next) => {
            seen.push(orMessage(() => oauth.resourceOwner(req)))
            show(req, res, next)
          })
        },
      })
      const issue = async (more: object) =>
        (await oauth.issueTokens(host.server, { clientId: 'web', scope: 'read', ...more })).access_token
      const answer = await bearer(await issue({})).expect(status)
      const challenge =
        status === 403
          ? expect.stringMatching(
              /^Bearer realm="api", error="insufficient_scope", error_description="The request needs a user's access token, [^"]*"$/,
            )
          : undefined
      expect(answer.headers['www-authenticate']).toEqual(challenge)
      if (status === 200) expect(seen).toEqual([expect.stringContaining('resourceOwner(req) needs bearerGuard')])
      await bearer(await issue({ userId: 'alice' })).expect(200)
      expect(seen.at(-1)).toEqual({ id: 'alice' })
    })

    it('is named at start-up where apps without a user are admitted as well', () => {
      const options = { clientIdQuery: true, user: true }
      expect(() => oauth.bearerGuard(host.server, options)).toThrow(
        "bearerGuard's clientIdQuery admits apps without a user",
      )
      expect(() => oauth.bearerGuard(host.server, { user: 'yes' as never })).toThrow(
        "bearerGuard's user must be true or false",
      )
    })
  })

  it('can stand twice in front of a route: the inner one decides, too', async () => {
    host = await createHost({
      mount(app, server) {
        app.use(oauth.bearerGuard(server))
        app.get('/', oauth.bearerGuard(server, { scope: 'write' }), show)
      },
    })
    const token = async (scope: string) =>
      (await oauth.issueTokens(host.server, { clientId: 'web', userId: 'alice', scope })).access_token
    await bearer(await token('write')).expect(200)
    await bearer(await token('read')).expect(403)
  })

  describe('bearerStrategy, for hosts that use passport.authenticate', () => {
    const own = new passport.Passport()
    beforeEach(async () => {
      host = await createHost({
        mount(app, server) {
          own.use(oauth.bearerStrategy(server, { realm: 'my "api"' }))
          app.use(own.initialize())
          app.get('/', own.authenticate('bearer', { session: false }), (req, res) => {
            res.json({ user: req.user, authInfo: req.authInfo })
          })
        },
      })
    })
    const issue = (userId?: string) =>
      oauth.issueTokens(host.server, { clientId: 'web', scope: 'read', ...(userId !== undefined && { userId }) })

    it('lets a valid token pass as the guard does: with the user that users.find returns, and the token beside', async () => {
      await bearer((await issue()).access_token).expect(403)
      const ofUser = await bearer((await issue('alice')).access_token).expect(200)
      expect(ofUser.body.user).toEqual({ id: 'alice', name: 'Alice' })
      expect(ofUser.body.authInfo).toMatchObject({ clientId: 'web', userId: 'alice', scope: ['read'] })
    })

    /** Routes behind the strategy with these options, and perhaps behind another one. */
    const behind = async (options: BearerGuardOptions, names = ['bearer']) => {
      host = await createHost({
        before: [express.urlencoded({ extended: false })],
        mount(app, server) {
          const one = new passport.Passport().use(oauth.bearerStrategy(server, options)).use(ownToken as never)
          const authenticate = one.authenticate(names, { session: false }) as RequestHandler
          app.all('/', authenticate, show)
          app.get('/write', authenticate, oauth.requireScope('write'), (req, res) => {
            res.json({ user: oauth.resourceOwner(req), authInfo: oauth.accessToken(req) })
          })
        },
      })
    }

    it('takes the options of the guard', async () => {
      await behind({ scope: 'write', tokenFrom: ['header', 'query', 'body'], realm: 'notes' })
      const { access_token } = await issue('alice')
      // Passport itself sends a challenge with 401 alone
      await bearer(access_token).expect(403)
      const { access_token: token } = await oauth.issueTokens(host.server, {
        clientId: 'web',
        userId: 'alice',
        scope: 'write',
      })
      await host.http().post('/').type('form').send({ access_token: token }).expect(200)
      const inQuery = await host.http().get(`/?access_token=${token}`).expect(200)
      expect(inQuery.headers['cache-control']).toBe('private')
      await bearer(token).query({ access_token: token }).expect(400)

      await behind({ clientIdQuery: true })
      const app = await host.http().get('/?client_id=web').expect(200)
      expect(app.body).toEqual({ authInfo: { clientId: 'web', scope: [] }, token: { clientId: 'web', scope: [] } })
      await behind({ resourceMetadata: true, resource: 'https://a.example' }).catch((error) =>
        expect(String(error)).toContain('resource'),
      )
      for (const wrong of [
        { scope: 'nonsense' },
        { user: 1 },
        { tokenFrom: ['cookie'] },
        { realm: 1 },
        { scopes: 'read' },
      ]) {
        expect(() => oauth.bearerStrategy(host.server, wrong as never)).toThrow(/bearerStrategy/)
      }
    })

    it('lets requireScope, resourceOwner and accessToken work behind it, behind another strategy, too', async () => {
      for (const names of [['bearer'], ['jwt', 'bearer']]) {
        await behind({}, names)
        const { access_token: read } = await issue('alice')
        const refused = await host.http().get('/write').auth(read, { type: 'bearer' }).expect(403)
        expect(refused.headers['www-authenticate']).toContain('scope="write"')
        const { access_token } = await oauth.issueTokens(host.server, {
          clientId: 'web',
          userId: 'alice',
          scope: 'write',
        })
        const { body } = await host.http().get('/write').auth(access_token, { type: 'bearer' }).expect(200)
        expect(body).toMatchObject({ user: { id: 'alice', name: 'Alice' }, authInfo: { scope: ['write'] } })
      }
    })

    it('refuses all others with a challenge', async () => {
      expect((await call().expect(401)).headers['www-authenticate']).toBe('Bearer realm="my \\"api\\""')
      expect((await bearer('bad').expect(401)).headers['www-authenticate']).toContain('error="invalid_token"')
      const { access_token } = await issue('alice')
      host.people.delete('alice')
      await bearer(access_token).expect(401)
    })

    it('names the realm api unless it is told another, and takes tokens for one resource where it is named', async () => {
      const admitted: RequestHandler = (_req, res) => void res.end()
      const resources = ['https://files.example.com', 'https://mail.example.com'] as const
      host = await createHost({
        resources,
        mount(app, server) {
          const passports = resources.map((resource) =>
            new passport.Passport().use(oauth.bearerStrategy(server, { resource })),
          )
          const [files, mail] = passports.map((one) => one.authenticate('bearer', { session: false }))
          app.get('/files', files as RequestHandler, admitted).get('/mail', mail as RequestHandler, admitted)
        },
      })
      const ask = async (path: string, token: string) => await host.http().get(path).auth(token, { type: 'bearer' })
      const { access_token } = await oauth.issueTokens(host.server, {
        clientId: 'web',
        userId: 'alice',
        resource: resources[1],
      })
      expect((await ask('/mail', access_token)).status).toBe(200)
      const refused = await ask('/files', access_token)
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer realm="api", error="invalid_token"/),
      ])
    })

    it('hands failing storage to the error handler of the host, and lets nobody pass', async () => {
      const { access_token } = await issue('alice')
      host.storage.replace('grants.find', () => Promise.reject(new Error('no database')))
      const answer = await bearer(access_token).expect(599)
      expect(answer.body.thrown).toContain('OAuthError')
      expect(host.reportedErrors()).toMatchObject([{ status: 503, cause: { message: 'no database' } }])
    })
  })
})
