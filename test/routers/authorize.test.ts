import { authorizeRouter, bearerGuard, type Decide, issueTokens, type RegisterClientOptions } from '../../src'
import { answerOf, createHost, type Host, issuer, type Parameters, paths, pkce } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

describe('an authorization response (RFC 6749 §4.1.2)', () => {
  it('is a 302 with code, state and iss (RFC 9207), and is kept by nobody', async () => {
    const answer = await host.authorize().expect(302)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb\?code=/)
    expect(answerOf(answer)).toEqual({ code: expect.any(String), state: 'xyz', iss: issuer })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    expect(answer.headers).toMatchObject({ pragma: 'no-cache', 'content-length': '0' })
    expect(answer.text).toBe('')
  })

  it("goes by a page of ours where a form of the host's page may have been sent: form-action 'self' would stop a 302", async () => {
    const navigate = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'same-origin' }
    const answer = await host.authorize().set(navigate).expect(200)
    const [, location = ''] = /^0;url=(https:\/\/app\.example\/cb\?code=.+)$/.exec(String(answer.headers.refresh)) ?? []
    expect(answer.headers).not.toHaveProperty('location')
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    expect(answer.text).toContain(location.replaceAll('&', '&amp;'))
    // errors take the same way
    const refused = await host.authorize(host.web, { scope: 'clients' }).set(navigate).expect(200)
    expect(refused.headers.refresh).toContain('error=invalid_scope')
  })

  it.each([
    ['a link of the client', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'cross-site' }],
    ['an address that was typed', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'none' }],
    ['a browser that does not say', {}],
  ])('is a redirect to %s', async (_, headers) => {
    expect((await host.authorize().set(headers).expect(302)).headers).not.toHaveProperty('refresh')
  })

  it('takes two storage calls', async () => {
    await host.authorize().expect(302)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
  })

  it.each([
    'a b+c%20d',
    'ä€\u{1f600}',
    '<script>&"\'`',
    'line\r\nbreak',
    'a=b&c=d#e?f',
    ' ',
    '0',
    '%00',
    'x'.repeat(4000),
  ])('carries state byte for byte: %.30j', async (state) => {
    const answer = await host.authorize(host.web, { state }).expect(302)
    expect(answerOf(answer).state).toBe(state)
  })

  it('has no state when none was sent', async () => {
    for (const state of [undefined, '']) {
      expect(answerOf(await host.authorize(host.web, { state }))).not.toHaveProperty('state')
    }
  })

  it.each([
    ['https://app.example/cb?foo=bar', 'https://app.example/cb?foo=bar&'],
    ['https://app.example/cb?foo=bar&', 'https://app.example/cb?foo=bar&'],
    ['https://app.example/cb?', 'https://app.example/cb?'],
    ['https://app.example', 'https://app.example?'],
    ['com.example.app:/cb', 'com.example.app:/cb?'],
    ['https://app.example/cb?q=a%20b%2Fc&q=2', 'https://app.example/cb?q=a%20b%2Fc&q=2&'],
  ])('keeps the redirect URI as it is, query included: %s', async (redirectUri, start) => {
    const client = await host.register({}, redirectUri)
    const success = (await host.authorize(client).expect(302)).headers.location
    expect(success?.startsWith(`${start}code=`)).toBe(true)
    const failure = (await host.authorize(client, { scope: 'x' }).expect(302)).headers.location
    expect(failure?.startsWith(`${start}error=invalid_scope&`)).toBe(true)
  })

  it('has the issuer of the option in iss, byte for byte, whatever the Host header says', async () => {
    const tenant = 'https://Auth.Example.com:443/Tenant/'
    host = await createHost({ issuer: tenant })
    const answer = await host.authorize().set('Host', 'evil.example').set('X-Forwarded-Host', 'evil.example')
    expect(answerOf(answer).iss).toBe(tenant)
  })

  it('answers a POST with 303, so that no browser posts the form on (RFC 9700 §4.12)', async () => {
    const answer = await host
      .http()
      .post(paths.authorize)
      .set('X-User', 'alice')
      .type('form')
      .send(host.authorizationRequest(host.web))
    expect([answer.status, answerOf(answer).state]).toEqual([303, 'xyz'])
    await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
  })

  it('goes to the only redirect URI of the client when none was sent (RFC 6749 §3.1.2.3)', async () => {
    const code = await host.code(host.web, { redirect_uri: undefined })
    await host.exchange(host.web, code, { redirect_uri: undefined }).expect(200)
  })
})

// RFC 6749 §4.1.2.1, RFC 9700 §4.11: whoever sent this, the browser must not be sent on
describe('while the client and its redirect URI are in doubt, nothing is redirected', () => {
  const evil: [string, Parameters][] = [
    ['an unknown client', { client_id: 'nobody' }],
    ['no client_id', { client_id: undefined }],
    ['a client_id that is a member of every object', { client_id: '__proto__' }],
    ['an unregistered redirect_uri', { redirect_uri: 'https://evil.example/cb' }],
    ['a longer path', { redirect_uri: 'https://app.example/cb/more' }],
    ['a trailing slash', { redirect_uri: 'https://app.example/cb/' }],
    ['another query', { redirect_uri: 'https://app.example/cb?x=y' }],
    ['a fragment', { redirect_uri: 'https://app.example/cb#x' }],
    ['another case', { redirect_uri: 'HTTPS://app.example/cb' }],
    ['another port', { redirect_uri: 'https://app.example:444/cb' }],
    ['userinfo', { redirect_uri: 'https://app.example@evil.example/cb' }],
    ['a line break', { redirect_uri: 'https://app.example/cb\n' }],
    ['an evil redirect_uri and everything else wrong', { redirect_uri: 'https://evil.example', response_type: 'x' }],
  ]

  it.each(evil)('for %s: a page', async (_, parameters) => {
    const answer = await host.authorize(host.web, parameters)
    expect([answer.status, answer.headers.location]).toEqual([400, undefined])
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
    })
    expect(answer.text).toContain('<h1>')
    expect(answer.text.replace(/ redirect_uri \S+ is not registered/, '')).not.toContain('evil')
  })

  it('for a client_id or redirect_uri that comes twice', async () => {
    for (const name of ['client_id', 'redirect_uri']) {
      const query = `${host.authorizationRequest(host.web)}&${name}=https%3A%2F%2Fapp.example%2Fcb`
      const answer = await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice').expect(400)
      expect(answer.headers).not.toHaveProperty('location')
    }
  })

  it.each(['state=%zz', 'state=%ff', 'state=%00', 'state=%ED%A0%80', '%00=x'])(
    'for a query that cannot be read: %s',
    async (piece) => {
      const query = `${host.authorizationRequest(host.web, { state: undefined })}&${piece}`
      const answer = await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice').expect(400)
      expect(answer.headers).not.toHaveProperty('location')
    },
  )

  it('for a redirect_uri that was left out where there are several', async () => {
    const client = await host.register({ redirectUris: ['https://app.example/cb', 'https://app.example/other'] })
    const answer = await host.authorize(client, { redirect_uri: undefined }).expect(400)
    expect(answer.headers).not.toHaveProperty('location')
  })

  it('for a client without any redirect URI', async () => {
    const client = await host.register({ redirectUris: [] })
    for (const redirect_uri of [undefined, 'https://app.example/cb']) {
      const answer = await host.authorize(client, { redirect_uri }).expect(400)
      expect(answer.headers).not.toHaveProperty('location')
    }
  })

  it('for a client that may not use the code grant: unauthorized_client, whatever else is missing', async () => {
    const service = await host.register({ redirectUris: [], grantTypes: ['client_credentials'] })
    for (const redirect_uri of [undefined, 'https://app.example/cb']) {
      for (const response_type of ['code', 'id_token', undefined]) {
        const answer = await host
          .authorize(service, { redirect_uri, response_type })
          .set('Accept', 'application/json')
          .expect(400)
        expect(answer.body.error).toBe('unauthorized_client')
        expect(answer.headers).not.toHaveProperty('location')
      }
    }
    const app = await host.register({ redirectUris: [] })
    const answer = await host.authorize(app, { redirect_uri: undefined }).set('Accept', 'application/json')
    expect(answer.body).toEqual({
      error: 'invalid_request',
      error_description: 'The parameter redirect_uri is missing.',
    })
  })

  it.each(evil)('for %s, with Accept: application/json: JSON', async (_, parameters) => {
    const answer = await host.authorize(host.web, parameters).set('Accept', 'application/json').expect(400)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(answer.body).toEqual({ error: expect.any(String), error_description: expect.any(String) })
    expect(answer.headers).not.toHaveProperty('location')
  })
})

describe('what else is wrong with a request is for the client, by redirect with state and iss (RFC 6749 §4.1.2.1)', () => {
  it.each<[string, Parameters, string]>([
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['an unknown response_type', { response_type: 'id_token' }, 'unsupported_response_type'],
    ['a response_type that is not switched on', { response_type: 'token' }, 'unsupported_response_type'],
    ['several response_types', { response_type: 'code token' }, 'unsupported_response_type'],
    ['a response_type that is a member of every object', { response_type: 'constructor' }, 'unsupported_response_type'],
    ['another response_mode', { response_mode: 'web_message' }, 'invalid_request'],
    ['an unknown scope', { scope: 'read everything' }, 'invalid_scope'],
    ['a scope of others', { scope: 'admin' }, 'invalid_scope'],
    ['no code_challenge (RFC 9700 §2.1.1)', withoutPkce, 'invalid_request'],
    ['no code_challenge, but its method', { code_challenge: undefined }, 'invalid_request'],
    ['the method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no method, which means plain (RFC 7636 §4.3)', { code_challenge_method: undefined }, 'invalid_request'],
    ['the method in lower case', { code_challenge_method: 's256' }, 'invalid_request'],
    ['a challenge that is too short', { code_challenge: pkce.challenge.slice(1) }, 'invalid_request'],
    ['a challenge that is too long', { code_challenge: `${pkce.challenge}A` }, 'invalid_request'],
    ['a challenge outside base64url', { code_challenge: `${pkce.challenge.slice(1)}+` }, 'invalid_request'],
  ])('%s', async (_, parameters, error) => {
    const answer = await host.authorize(host.web, parameters).expect(302)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb\?error=/)
    expect(answerOf(answer)).toEqual({ error, error_description: expect.any(String), state: 'xyz', iss: issuer })
    expect(host.storage.storedIds()).toEqual([])
  })

  it('a parameter that comes twice, whichever it is', async () => {
    for (const piece of ['scope=read&scope=write', 'foo=1&foo=2', 'code_challenge_method=S256', 'foo&foo=']) {
      const query = `${host.authorizationRequest(host.web)}&${piece}`
      const answer = await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice').expect(302)
      expect(answerOf(answer)).toMatchObject({ error: 'invalid_request', state: 'xyz' })
    }
  })

  it('state that comes twice: none of the two is sent back', async () => {
    const query = `${host.authorizationRequest(host.web)}&state=abc`
    const answer = await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice').expect(302)
    expect(answerOf(answer)).toEqual({ error: 'invalid_request', error_description: expect.any(String), iss: issuer })
  })

  it('but not for what is in the body of a GET, which means nothing', async () => {
    const url = `${paths.authorize}?${host.authorizationRequest(host.web)}`
    const answer = await host.http().get(url).set('X-User', 'alice').type('form').send('state=other').expect(302)
    expect(answerOf(answer)).toMatchObject({ code: expect.any(String), state: 'xyz' })
  })

  it('a parameter that is in the query and in the body', async () => {
    const answer = await host
      .http()
      .post(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
      .set('X-User', 'alice')
      .type('form')
      .send('scope=read&state=xyz')
    expect([answer.status, answerOf(answer).error]).toEqual([303, 'invalid_request'])
  })

  it('a client that may not use the grant', async () => {
    const client = await host.register({ grantTypes: ['client_credentials'] })
    expect(answerOf(await host.authorize(client).expect(302))).toMatchObject({ error: 'unauthorized_client' })
  })
})

describe('who must use PKCE', () => {
  /** Whether a request without a challenge gets a code. */
  async function isOptionalFor(record: RegisterClientOptions): Promise<boolean> {
    const client = await host.register(record)
    return answerOf(await host.authorize(client, withoutPkce)).code !== undefined
  }
  const none = { tokenEndpointAuthMethods: ['none'] } as const
  const sometimes = { tokenEndpointAuthMethods: ['none', 'client_secret_post'] } as const

  it.each([
    ['all-clients', [false, false, false, true, false]],
    ['public-clients', [true, false, false, true, false]],
    ['optional', [true, true, true, true, false]],
  ] as const)('with pkce: %j', async (policy, expected) => {
    host = await createHost({ pkce: policy })
    const records = [{}, none, sometimes, { ...none, requirePkce: false }, { requirePkce: true }]
    const optional = []
    for (const record of records) optional.push(await isOptionalFor(record))
    expect(optional).toEqual(expected)
  })
})

describe('decide', () => {
  const decideWith = async (decide: Decide, parameters: Parameters = {}) => {
    host = await createHost({ decide })
    return host.authorize(host.web, parameters)
  }

  it('that allows nothing of what was asked has denied it: no token response could say so (RFC 6749 §5.1)', async () => {
    const none = await createHost({ decide: () => ({ allow: true, userId: 'alice', scope: [] }) })
    expect(answerOf(await none.authorize())).toMatchObject({ error: 'access_denied' })
    const plain = await none.register({ scopes: [] })
    expect(answerOf(await none.authorize(plain, { scope: undefined }))).toHaveProperty('code')
  })

  it('sees the validated request', async () => {
    const seen: unknown[] = []
    await decideWith(
      (request) => {
        seen.push(request)
        return { allow: true, userId: 'alice' }
      },
      { scope: 'read', extra: 'x' },
    )
    expect(seen).toMatchObject([
      {
        client: { clientId: 'web' },
        responseType: 'code',
        redirectUri: 'https://app.example/cb',
        scope: ['read'],
        state: 'xyz',
        codeChallenge: pkce.challenge,
        startedAt: host.clock.now,
      },
    ])
    expect((seen[0] as { parameters: Map<string, string> }).parameters.get('extra')).toBe('x')
  })

  it('that says no is access_denied', async () => {
    const answer = await decideWith(() => ({ allow: false }))
    expect(answerOf(answer)).toMatchObject({ error: 'access_denied', state: 'xyz', iss: issuer })
    expect(host.eventTypes()).toEqual(['authorization.denied'])
  })

  it('may grant less than was asked, by a string or a list, and the token has no more', async () => {
    for (const scope of ['read', ['read']]) {
      const answer = await decideWith(() => ({ allow: true, userId: 'alice', scope }))
      const tokens = await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
      expect(tokens.body.scope).toBe('read')
    }
  })

  it('never grants more than was asked', async () => {
    const answer = await decideWith(() => ({ allow: true, userId: 'alice', scope: 'read write' }), { scope: 'read' })
    expect(answerOf(answer)).toMatchObject({ error: 'server_error' })
    expect(host.storage.storedIds()).toEqual([])
  })

  it('may answer later, and name the user by a number', async () => {
    const answer = await decideWith(async () => ({ allow: true, userId: 7 as never }))
    const [id] = String(answerOf(answer).code).split('.')
    expect(host.storage.stored(String(id))?.userId).toBe('7')
  })

  it('may answer the browser itself', async () => {
    const answer = await decideWith((_request, _req, res) => void res.status(200).send('who are you?'))
    expect([answer.status, answer.text]).toEqual([200, 'who are you?'])
    expect(host.storage.storedIds()).toEqual([])
  })

  it.each<[string, unknown, string]>([
    ['allow without a user', { allow: true }, 'server_error'],
    ['allow with an empty user', { allow: true, userId: '' }, 'server_error'],
    ['allow with a user that is null', { allow: true, userId: null }, 'server_error'],
    ['allow that is only truthy', { allow: 'yes', userId: 'alice' }, 'server_error'],
    ['allow that is 1', { allow: 1, userId: 'alice' }, 'server_error'],
    ['true', true, 'server_error'],
    ['the name of a user', 'alice', 'server_error'],
  ])('is no yes when it answers with %s', async (_, decision, error) => {
    const answer = await decideWith((() => decision) as Decide)
    expect(answerOf(answer)).toMatchObject({ error, state: 'xyz' })
    expect(host.storage.storedIds()).toEqual([])
  })

  it.each<[string, Decide]>([
    [
      'throws',
      () => {
        throw new Error('secret detail')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
  ])('that %s means no: server_error, and the host is told why', async (_, decide) => {
    const answer = await decideWith(decide)
    expect(answerOf(answer)).toMatchObject({ error: 'server_error', state: 'xyz' })
    expect(answer.headers.location).not.toContain('secret')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
    expect(host.storage.storedIds()).toEqual([])
  })

  it('that throws after it began to answer ends the connection, and nothing is added to what was sent', async () => {
    const attempt = decideWith((_request, _req, res) => {
      res.write('half a page')
      throw new Error('broken')
    })
    await expect(attempt).rejects.toThrow(/aborted|hang up/)
  })

  it('that throws after its answer does not cut the answer off', async () => {
    const page = 'x'.repeat(30_000_000)
    host = await createHost({
      decide(_request, _req, res) {
        res.end(page)
        throw new Error('too late')
      },
    })
    expect((await host.authorize().expect(200)).text).toHaveLength(page.length)
  })

  it('is not asked while anything is wrong with the request', async () => {
    const decide = jest.fn()
    await decideWith(decide, { scope: 'everything' })
    await decideWith(decide, { redirect_uri: 'https://evil.example' })
    expect(decide).not.toHaveBeenCalled()
  })
})

describe('the response style', () => {
  it('location names the URL in a 200, for apps that call with fetch', async () => {
    host = await createHost({ response: 'location' })
    const answer = await host.authorize().expect(200)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb\?code=/)
    expect(answerOf(answer)).toMatchObject({ state: 'xyz', iss: issuer })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
  })

  it('json has the parameters in the body', async () => {
    host = await createHost({ response: 'json' })
    const answer = await host.authorize().expect(200)
    expect(answer.body).toEqual({ code: expect.any(String), state: 'xyz', iss: issuer })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(answer.headers).not.toHaveProperty('location')
    await host.exchange(host.web, answer.body.code).expect(200)
  })

  it.each(['location', 'json'] as const)('%s has errors as 4xx JSON without Location', async (response) => {
    host = await createHost({ response })
    const cases: [Parameters, string | null, number, string][] = [
      [{ client_id: 'nobody' }, 'alice', 400, 'invalid_client'],
      [{ redirect_uri: 'https://evil.example' }, 'alice', 400, 'invalid_request'],
      [{ response_type: 'token' }, 'alice', 400, 'unsupported_response_type'],
      [{ scope: 'everything' }, 'alice', 400, 'invalid_scope'],
      [{}, null, 403, 'access_denied'],
    ]
    for (const [parameters, user, status, error] of cases) {
      const answer = await host.authorize(host.web, parameters, user)
      expect([answer.status, answer.body.error]).toEqual([status, error])
      expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      expect(answer.headers).not.toHaveProperty('location')
    }
  })
})

describe('other methods', () => {
  it.each(['head', 'put', 'delete', 'patch', 'options'] as const)('%s is 405, and mints no code', async (method) => {
    const url = `${paths.authorize}?${host.authorizationRequest(host.web)}`
    const answer = await host.http()[method](url).set('X-User', 'alice')
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST'])
    expect(host.storage.storedIds()).toEqual([])
  })
})

describe('behind a guard', () => {
  // an app that calls the endpoint with its own token instead of a session
  async function behindGuard(scope: string, user = 'alice') {
    host = await createHost({
      response: 'json',
      mount(app, server) {
        const decide: Decide = (_request, req) => ({
          allow: true,
          userId: req.get('X-User') ?? 'alice',
          fromTokensOf: ['native'],
        })
        app.use(paths.authorize, bearerGuard(server), authorizeRouter(server, { decide, response: 'json' }))
      },
    })
    const { access_token } = await issueTokens(host.server, { clientId: 'native', userId: user, scope })
    return (parameters: Parameters) =>
      host.authorize(host.web, parameters, 'alice').auth(access_token, { type: 'bearer' })
  }

  it('the code has no more scope than the token in front', async () => {
    const ask = await behindGuard('read')
    const { body } = await ask({ scope: 'read write' }).expect(200)
    const id = body.code.slice(0, body.code.lastIndexOf('.'))
    expect(host.storage.stored(id)?.scope).toEqual(['read'])
    expect((await ask({ scope: 'write' }).expect(400)).body.error).toBe('invalid_scope')
  })

  it('the code is not for another user than the token', async () => {
    const ask = await behindGuard('read', 'bob')
    expect((await ask({ scope: 'read' }).expect(403)).body.error).toBe('access_denied')
  })

  it('no token is 401 with a challenge', async () => {
    await behindGuard('read')
    const answer = await host.authorize().expect(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="api"')
  })
})
