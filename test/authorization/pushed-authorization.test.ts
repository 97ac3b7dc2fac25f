// Pushed authorization requests (RFC 9126), with one thing wrong at a time.
import {
  accessToken,
  approve,
  authorizationCode,
  bearerGuard,
  type Client,
  type Credential,
  consentPage,
  createAuthorizationServer,
  deleteClient,
  dpop,
  implicit,
  issueTokens,
  listGrants,
  memoryStorage,
  metadataRouter,
  oauthRouter,
  pushedAuthorizationRequests,
  pushedAuthorizationRouter,
  type RegisterClientOptions,
  refreshToken,
  registerClient,
  updateClient,
} from '../../src/index'
import { asserted, clientKey, signAssertion } from '../support/assertions'
import { answerConsent, fieldsOf } from '../support/consent'
import { proof, proofKey } from '../support/dpop'
import {
  answerOf,
  createHost,
  encode,
  type Host,
  type HostOptions,
  issuer,
  type Parameters,
  paths,
} from '../support/host'

const PREFIX = 'urn:ietf:params:oauth:request_uri:'

const pushing = (options: HostOptions = {}) => createHost({ requests: [pushedAuthorizationRequests()], ...options })

async function pushed(host: Host, client = host.web, parameters: Parameters = {}): Promise<Record<string, string>> {
  const { body, status, text } = await host.push(client, parameters)
  if (status !== 201) throw new Error(`${status} ${text}`)
  return { client_id: client.clientId, request_uri: body.request_uri }
}

describe('the pushed authorization request endpoint', () => {
  it('answers 201 with a request_uri of 256 bits and its life, and nothing else (§2.2)', async () => {
    const host = await pushing()
    const answer = await host.push().expect(201)
    expect(answer.body).toEqual({ request_uri: expect.stringContaining(PREFIX), expires_in: 60 })
    const secret = answer.body.request_uri.split('.').at(-1)
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(host.events).toEqual([
      { type: 'request.pushed', at: host.clock.now, clientId: 'web', scope: ['read', 'write'] },
    ])
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
  })

  it('takes what the browser would have sent, and answers it: code, state, iss, exchange with the same redirect_uri', async () => {
    const host = await pushing()
    const opened = await host.open(await pushed(host, host.web, { scope: 'read' })).expect(302)
    const { code = '', state, iss } = answerOf(opened)
    expect([state, iss]).toEqual(['xyz', host.server.issuer])
    const { body } = await host.exchange(host.web, code).expect(200)
    expect(body.scope).toBe('read')
    expect(await host.isAlive(body)).toBe(true)
  })

  it('serves public clients, and takes JSON and CORS as the token endpoint does', async () => {
    const host = await pushing()
    await host.open(await pushed(host, host.native)).expect(302)
    const json = { ...Object.fromEntries(new URLSearchParams(host.authorizationRequest(host.native))) }
    await host.http().post(paths.pushedAuthorization).send(json).expect(201)
    const open = await pushing({
      mount: (app, server) => {
        const cors = { origin: 'https://spa.example' }
        app.use(paths.pushedAuthorization, pushedAuthorizationRouter(server, { cors }))
      },
    })
    const answer = await open.push(open.native).set('Origin', 'https://spa.example').expect(201)
    expect(answer.headers['access-control-allow-origin']).toBe('https://spa.example')
  })

  it.each<[what: string, parameters: Parameters, status: number, error: string]>([
    ['a request_uri inside (§2.1)', { request_uri: `${PREFIX}x` }, 400, 'invalid_request'],
    ['a request object, where there are none', { request: 'a.b.c' }, 400, 'request_not_supported'],
    ['no redirect_uri, though one is registered', { redirect_uri: undefined }, 400, 'invalid_request'],
    ['a redirect_uri that is not registered', { redirect_uri: 'https://evil.example/cb' }, 400, 'invalid_request'],
    ['no response_type', { response_type: undefined }, 400, 'invalid_request'],
    ['a response_type that is not supported', { response_type: 'id_token' }, 400, 'unsupported_response_type'],
    ['a response_mode that is not supported', { response_mode: 'web_message' }, 400, 'invalid_request'],
    ['an unknown scope', { scope: 'everything' }, 400, 'invalid_scope'],
    ['a scope of others', { scope: 'clients' }, 400, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://other.example' }, 400, 'invalid_target'],
    ['no code_challenge', { code_challenge: undefined }, 400, 'invalid_request'],
    ['the challenge method plain', { code_challenge_method: 'plain' }, 400, 'invalid_request'],
    ['the client_id of another client', { client_id: 'native' }, 400, 'invalid_request'],
  ])('refuses %s, as the token endpoint answers errors', async (_, parameters, status, error) => {
    const host = await pushing({ resources: ['https://api.example'] })
    const answer = await host.push(host.web, parameters)
    expect([answer.status, answer.body.error]).toEqual([status, error])
    expect(answer.headers.location).toBeUndefined()
    expect(host.storage.calls).not.toContain('grants.insert')
  })

  it('refuses a repeated parameter, a wrong secret, a client that is not there, and another method than POST', async () => {
    const host = await pushing()
    const form = (text: string) => host.http().post(paths.pushedAuthorization).type('form').send(text)
    const request = host.authorizationRequest(host.native)
    expect((await form(`${request}&state=2`)).body.error).toBe('invalid_request')
    expect((await form(`${request}&redirect_uri=x`)).body.error).toBe('invalid_request')
    expect((await form(host.authorizationRequest(host.web))).body.error).toBe('invalid_client')
    const wrong = { ...host.web, clientSecret: 'wrong' }
    const answer = await host.push(wrong).expect(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
    await host.http().get(`${paths.pushedAuthorization}?${request}`).expect(405).expect('Allow', 'POST')
    expect(host.storage.calls).not.toContain('grants.insert')
  })

  it.each<[what: string, error: string, send: (assertion: object) => object]>([
    [
      'of another client, beside the client_id of one',
      'invalid_request',
      (theirs) => ({ client_id: 'one', redirect_uri: 'https://two.example/cb', ...theirs }),
    ],
    ['of another client, whose redirect_uri is another', 'invalid_request', (theirs) => theirs],
    ['without its type', 'invalid_client', (own) => ({ ...own, client_assertion_type: undefined })],
    ['beside the secret of a client', 'invalid_request', (own) => ({ ...own, client_id: 'web', client_secret: 'x' })],
  ])('refuses an assertion %s', async (what, error, send) => {
    const host = await pushing()
    const [one, two] = await Promise.all([clientKey(), clientKey()])
    for (const [clientId, key] of [['one', one] as const, ['two', two] as const]) {
      const redirectUris = [`https://${clientId}.example/cb`]
      const jwks = { keys: [key.jwk] }
      await host.register({ clientId, redirectUris, jwks, tokenEndpointAuthMethods: ['private_key_jwt'] })
    }
    const asked = Object.fromEntries(
      new URLSearchParams(host.authorizationRequest({ clientId: 'one', redirectUri: 'https://one.example/cb' })),
    )
    const isTheirs = what.startsWith('of another')
    const push = async (assertion: object) =>
      host.send(paths.pushedAuthorization, undefined, { ...asked, client_id: undefined, ...assertion })
    const theirs = asserted(isTheirs ? await signAssertion('two', two) : await signAssertion('one', one))
    const refused = await push(send(theirs))
    expect(refused.body.error).toBe(error)
    expect((await push(asserted(await signAssertion('one', one)))).status).toBe(201)
  })

  it('refuses a client that may not use the grant', async () => {
    const host = await pushing()
    const service = await host.register({ grantTypes: ['client_credentials'] })
    expect((await host.push(service)).body.error).toBe('unauthorized_client')
  })

  it('needs no client_id beside a proof of the client (§2.1): a decider finds it all the same', async () => {
    const seen: (string | undefined)[] = []
    const host = await pushing({
      decide({ parameters }) {
        seen.push(parameters.get('client_id'))
        return { allow: true, userId: 'alice' }
      },
    })
    await host.open(await pushed(host, host.web, { client_id: undefined })).expect(302)
    expect(seen).toEqual(['web'])
  })

  it('keeps no secret and no assertion of the client with the request', async () => {
    const host = await pushing()
    const { clientSecret = '' } = host.web
    const form = `${host.authorizationRequest(host.web)}&client_secret=${clientSecret}`
    await host.http().post(paths.pushedAuthorization).type('form').send(form).expect(201)
    expect(JSON.stringify(host.storage.storedIds().map((id) => host.storage.stored(id)))).not.toContain(clientSecret)
  })
})

describe('a request_uri', () => {
  it('is for the client that pushed it alone (§2.2)', async () => {
    const host = await pushing()
    const { request_uri } = await pushed(host)
    const answer = await host.open({ client_id: 'native', request_uri }).expect(400)
    expect(answer.text).toContain('invalid_request_uri')
    await host.open({ client_id: 'web', request_uri }).expect(302)
  })

  it('alone counts: what stands beside it at the authorization endpoint is ignored (§4)', async () => {
    const host = await pushing({ requests: [pushedAuthorizationRequests()], grants: [authorizationCode(), implicit()] })
    const opened = await host
      .open({
        ...(await pushed(host, host.web, { scope: 'read' })),
        state: 'other',
        scope: 'read write',
        redirect_uri: 'https://evil.example/cb',
        response_type: 'token',
        code_challenge: 'A'.repeat(43),
      })
      .expect(302)
    expect(opened.headers.location).toMatch(/^https:\/\/app\.example\/cb\?code=/)
    const { code = '', state } = answerOf(opened)
    expect(state).toBe('xyz')
    const { body } = await host.exchange(host.web, code).expect(200)
    expect(body.scope).toBe('read')
  })

  it.each<[what: string, change: (uri: string) => string]>([
    ['with another secret', (uri) => `${uri.slice(0, -43)}${'A'.repeat(43)}`],
    ['with another id', (uri) => uri.replace(PREFIX, `${PREFIX}A`).replace('~q', 'A~q')],
    ['cut off', (uri) => uri.slice(0, -1)],
    ['without its prefix', (uri) => uri.slice(PREFIX.length)],
    ['with another prefix', (uri) => uri.replace('request_uri', 'request_urn')],
    ['that is a URL of the client', () => 'https://app.example/request.jwt'],
  ])('%s is none', async (_, change) => {
    const host = await pushing()
    const { request_uri = '' } = await pushed(host)
    const answer = await host.open({ client_id: 'web', request_uri: change(request_uri) }).expect(400)
    expect(answer.text).toContain('invalid_request_uri')
    expect(answer.headers.location).toBeUndefined()
  })

  it('is nothing without its client_id (§4), whoever opens it', async () => {
    const host = await pushing()
    const { request_uri } = await pushed(host)
    const answer = await host.open({ request_uri }).expect(400)
    expect([answer.headers.location, answer.text.includes('client_id')]).toEqual([undefined, true])
  })

  it('beside a request object is refused (RFC 9101 §5), and so is one that comes twice', async () => {
    const host = await pushing()
    const sent = await pushed(host)
    expect((await host.open({ ...sent, request: 'a.b.c' }).expect(400)).text).toContain('invalid_request')
    const twice = `${paths.authorize}?${encode(sent)}&${encode({ request_uri: sent.request_uri })}`
    expect((await host.http().get(twice).set('X-User', 'alice').expect(400)).text).toContain('more than once')
  })

  it('must be opened within its time, and then leaves time to sign in and answer', async () => {
    const host = await pushing({
      requests: [pushedAuthorizationRequests({ ttl: 5 })],
      decide: consentPage({ signIn: '/login' }),
    })
    const late = await pushed(host)
    host.clock.advance(5)
    expect((await host.open(late).expect(400)).text).toContain('invalid_request_uri')
    const intime = await pushed(host)
    host.clock.advance(4)
    await host.open(intime, null).expect(303)
    host.clock.advance(1199)
    await host.open(intime).expect(200)
    host.clock.advance(1)
    await host.open(intime).expect(400)
  })

  it('opened by two tabs in one instant is there for both', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login' }) })
    const sent = await pushed(host)
    const both = await Promise.all([host.open(sent), host.open(sent), host.open(sent)])
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200])
    const stuck = await pushed(host)
    host.storage.replace('grants.transition', () => false)
    expect((await host.open(stuck).expect(400)).text).toContain('invalid_request_uri')
  })

  it('is answered once: opened twice it is one request still, and after the answer it is none (§4, §7.3)', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login' }) })
    const sent = await pushed(host)
    const first = await host.open(sent).expect(200)
    const second = await host.open(sent).expect(200)
    const allowed = await answerConsent(host, encode(sent), fieldsOf(second)).expect(303)
    expect(answerOf(allowed).code).toBeDefined()
    const again = await answerConsent(host, encode(sent), fieldsOf(first)).expect(400)
    expect(again.text).toContain('invalid_request_uri')
    await host.open(sent).expect(400)
    await host.exchange(host.web, answerOf(allowed).code as string).expect(200)
  })

  it('is used up by a no, too', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login' }) })
    const sent = await pushed(host)
    const denied = await answerConsent(host, encode(sent), fieldsOf(await host.open(sent)), { consent: 'deny' })
    expect(answerOf(denied)).toMatchObject({ error: 'access_denied', state: 'xyz' })
    await host.open(sent).expect(400)
  })

  it('ends with its client, and with what the client has lost', async () => {
    const host = await pushing()
    const [one, two, three] = [
      await pushed(host, host.web, { scope: 'read write' }),
      await pushed(host),
      await pushed(host),
    ]
    await updateClient(host.server, 'web', { scopes: ['read'] })
    expect(answerOf(await host.open(one))).toMatchObject({ error: 'invalid_scope' })
    await updateClient(host.server, 'web', { redirectUris: ['https://app.example/new'] })
    expect((await host.open(two).expect(400)).headers.location).toBeUndefined()
    await deleteClient(host.server, 'web')
    await host.register({ clientId: 'web' })
    expect((await host.open(three).expect(400)).text).toContain('invalid_request_uri')
  })

  it('is not answered by a store that lost a part of it', async () => {
    const host = await pushing()
    const sent = await pushed(host)
    host.storage.replace('grants.find', async (call) => {
      const row = (await call()) as Credential
      const bound = row.data.bound as { parameters: [string, string][] }
      const parameters = bound.parameters.filter(([name]) => !name.startsWith('code_challenge'))
      return { ...row, data: { ...row.data, bound: { ...bound, parameters } } }
    })
    expect((await host.open(sent).expect(400)).text).toContain('invalid_request_uri')
  })
})

describe('what works from a request_uri', () => {
  it('sign-in comes back to a short URL, and the page spells nothing out', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login' }) })
    const sent = await pushed(host, host.web, { state: 's'.repeat(3000), ui_locales: 'de' })
    const away = await host.open(sent, null).expect(303)
    const returnTo = new URL(away.headers.location as string, 'http://x').searchParams.get('return_to') as string
    expect(returnTo).toBe(`${paths.authorize}?${encode(sent)}`)
    const shown = await host.http().get(returnTo).set('X-User', 'alice').expect(200)
    expect(Object.keys(fieldsOf(shown))).toEqual(['consent_transaction'])
    expect(shown.text).toContain('lang="de"')
    const allowed = await answerConsent(host, encode(sent), fieldsOf(shown)).expect(303)
    expect(answerOf(allowed).state).toHaveLength(3000)
  })

  it('an answer for one request is none for another', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login' }) })
    const [narrow, wide] = [await pushed(host, host.web, { scope: 'read' }), await pushed(host)]
    const shown = await host.open(narrow).expect(200)
    const swapped = await answerConsent(host, encode(wide), fieldsOf(shown)).expect(400)
    expect(swapped.headers.location).toBeUndefined()
    expect(swapped.text).toContain('could not be used')
  })

  it('a remembered consent, and the connected apps', async () => {
    const host = await pushing({ decide: consentPage({ signIn: '/login', remember: true }) })
    const sent = await pushed(host)
    const allowed = await answerConsent(host, encode(sent), fieldsOf(await host.open(sent)))
    await host.exchange(host.web, answerOf(allowed).code as string).expect(200)
    const silent = await host.open(await pushed(host)).expect(302)
    await host.exchange(host.web, answerOf(silent).code as string).expect(200)
    expect(await listGrants(host.server, { userId: 'alice' })).toHaveLength(2)
  })

  it('approve, in one transition with the code', async () => {
    const host = await pushing({ decide: approve({ clients: ['web'] }) })
    const sent = await pushed(host)
    host.storage.calls.length = 0
    await host.open(sent).expect(302)
    const calls = ['clients.find', 'grants.find', 'grants.transition', 'grants.transition']
    expect(host.storage.calls).toEqual(calls)
  })

  it('the token response type, which is used up before', async () => {
    const host = await pushing({ grants: [authorizationCode(), refreshToken(), implicit()] })
    const sent = await pushed(host, host.web, {
      response_type: 'token',
      code_challenge: undefined,
      code_challenge_method: undefined,
    })
    expect(answerOf(await host.open(sent).expect(302)).access_token).toBeDefined()
    await host.open(sent).expect(400)
  })

  it('an access token in front, whose grant the session is of', async () => {
    const host = await pushing({
      mount(app, server) {
        const decide = approve({ clients: ['web'], user: (req) => accessToken(req).userId })
        app.use(paths.authorize, bearerGuard(server))
        app.use(oauthRouter(server, { decide, protect: false }))
      },
    })
    const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    const sent = await pushed(host)
    const open = () => host.open(sent).auth(access_token, { type: 'bearer' })
    const { code = '' } = answerOf(await open().expect(302))
    await host.exchange(host.web, code).expect(200)
    await open().expect(400)
    expect(await listGrants(host.server, { userId: 'alice' })).toHaveLength(1)
  })

  it('an answer that comes second is told so on a page: the client has its answer', async () => {
    const host = await pushing()
    const sent = await pushed(host)
    host.storage.replace('grants.transition', (call, [, from]) => from !== 'opened' && call())
    const late = await host.open(sent).expect(400)
    expect([late.headers.location, late.text.includes('invalid_request_uri')]).toEqual([undefined, true])
  })

  it('two answers at once are one code', async () => {
    const host = await pushing()
    const sent = await pushed(host)
    const answers = await Promise.all(Array.from({ length: 20 }, () => host.open(sent)))
    expect(answers.filter(({ status }) => status === 302)).toHaveLength(1)
    expect(answers.filter(({ status, text }) => status === 400 && text.includes('invalid_request_uri'))).toHaveLength(
      19,
    )
    expect(host.eventTypes().filter((type) => type === 'code.issued')).toHaveLength(1)
  })
})

describe('a proof of a key beside a pushed request (RFC 9449 §10.1)', () => {
  const url = `${issuer}${paths.pushedAuthorization}`

  it('binds the code to it, whatever the browser sends', async () => {
    const host = await pushing({ senderConstraints: [dpop()] })
    const [key, other] = await Promise.all([proofKey(), proofKey()])
    const { body } = await host
      .push()
      .set('DPoP', await proof(key, { url }))
      .expect(201)
    const sent = { client_id: 'web', request_uri: body.request_uri, dpop_jkt: other.jkt }
    const { code = '' } = answerOf(await host.open(sent).expect(302))
    for (const refused of [
      host.exchange(host.web, code),
      host.exchange(host.web, code).set('DPoP', await proof(other)),
    ])
      expect((await refused).body.error).toBe('invalid_dpop_proof')
    const tokens = await host
      .exchange(host.web, code)
      .set('DPoP', await proof(key))
      .expect(200)
    expect(tokens.body.token_type).toBe('DPoP')
  })

  it('is not needed where dpop_jkt is pushed: both ways bind the code', async () => {
    const host = await pushing({ senderConstraints: [dpop()] })
    const [key, other] = await Promise.all([proofKey(), proofKey()])
    const sent = await pushed(host, host.web, { dpop_jkt: key.jkt })
    const { code = '' } = answerOf(await host.open(sent).expect(302))
    const exchange = async (by: typeof key) => host.exchange(host.web, code).set('DPoP', await proof(by))
    expect((await exchange(other)).body.error).toBe('invalid_dpop_proof')
    expect((await exchange(key)).body.token_type).toBe('DPoP')
  })

  it('must be for this endpoint, count once, and be of the key that dpop_jkt names', async () => {
    const host = await pushing({ senderConstraints: [dpop()] })
    const [key, other] = await Promise.all([proofKey(), proofKey()])
    const once = await proof(key, { url })
    await host.push().set('DPoP', once).expect(201)
    const wrong = [once, await proof(key), 'x']
    for (const one of wrong) expect((await host.push().set('DPoP', one)).body.error).toBe('invalid_dpop_proof')
    const named = await host.push(host.web, { dpop_jkt: other.jkt }).set('DPoP', await proof(key, { url }))
    expect(named.body.error).toBe('invalid_dpop_proof')
    await host
      .push(host.web, { dpop_jkt: key.jkt })
      .set('DPoP', await proof(key, { url }))
      .expect(201)
  })
})

describe('a request that must be pushed', () => {
  it.each<[what: string, required: boolean, metadata: Partial<Client>]>([
    ['by the server', true, {}],
    ['by the record of the client', false, { requirePushedAuthorizationRequests: true }],
  ])('%s is refused where it is not (§5, §6)', async (_, required, metadata) => {
    const host = await pushing({ requests: [pushedAuthorizationRequests({ required })] })
    await updateClient(host.server, 'web', metadata as RegisterClientOptions)
    const refused = await host.authorize().expect(400)
    expect(refused.headers.location).toBeUndefined()
    expect(refused.text).toContain('request_uri')
    await host.open(await pushed(host)).expect(302)
    expect((await host.authorize(host.native)).status).toBe(required ? 400 : 302)
  })

  it('is said in the metadata, with the place', async () => {
    const at = async (required: boolean) => {
      const host = await pushing({ requests: [pushedAuthorizationRequests({ required })] })
      return (await host.http().get('/.well-known/oauth-authorization-server')).body
    }
    const endpoint = 'https://auth.example.com/oauth2/par'
    const shared = { pushed_authorization_request_endpoint: endpoint, request_uri_parameter_supported: false }
    expect(await at(true)).toMatchObject({ ...shared, require_pushed_authorization_requests: true })
    const optional = await at(false)
    expect(optional).toMatchObject(shared)
    expect(optional).not.toHaveProperty('require_pushed_authorization_requests')
  })

  it('by a member of registration and of the clients API', async () => {
    const host = await pushing({
      mount: (app, server) =>
        app.use(
          oauthRouter(server, {
            decide: () => undefined,
            protect: false,
            register: { protect: 'open', scopes: ['read'] },
          }),
        ),
    })
    const metadata = { redirect_uris: ['https://a.example/cb'], require_pushed_authorization_requests: true }
    const { body } = await host.http().post('/oauth2/register').send(metadata).expect(201)
    expect(body.require_pushed_authorization_requests).toBe(true)
    const client = { clientId: body.client_id, redirectUri: 'https://a.example/cb' }
    await host.authorize(client).expect(400)
  })
})

describe('without the capability', () => {
  it.each(['request', 'request_uri'])(
    '%s is refused, to the client (RFC 9101 §7), and the metadata says so',
    async (name) => {
      const host = await createHost()
      const refused = answerOf(await host.authorize(host.web, { [name]: 'x' }).expect(302))
      expect(refused).toMatchObject({ error: `${name}_not_supported`, state: 'xyz' })
      const page = await host.authorize(
        await host.register({ redirectUris: ['https://a.example', 'https://b.example'] }),
        {
          redirect_uri: undefined,
          [name]: 'x',
        },
      )
      expect([page.status, page.text.includes(`${name}_not_supported`)]).toEqual([400, true])
      const { body } = await host.http().get('/.well-known/oauth-authorization-server')
      expect(body[`${name}_parameter_supported`]).toBe(false)
    },
  )
})

describe('the options', () => {
  it.each<[options: object, problem: RegExp]>([
    [{ ttl: 0 }, /ttl/],
    [{ ttl: 601 }, /ttl/],
    [{ ttl: '60' }, /ttl/],
    [{ required: 'yes' }, /required/],
    [{ lifetime: 60 }, /lifetime/],
  ])('%j are refused at start-up', (options, problem) => {
    expect(() => pushedAuthorizationRequests(options)).toThrow(problem)
  })

  it('a list that is none, a value that is none, and one twice', () => {
    const one = pushedAuthorizationRequests()
    for (const requests of [one, [{}], [undefined], [one, pushedAuthorizationRequests()]])
      expect(() =>
        createAuthorizationServer({ issuer, scopes: [], storage: memoryStorage(), requests: requests as never }),
      ).toThrow(/^requests /)
  })

  it('a router without the value, metadata without its path, and a client record without the capability', async () => {
    const bare = await createHost()
    expect(() => pushedAuthorizationRouter(bare.server)).toThrow('pushedAuthorizationRequests() in the requests')
    await expect(
      registerClient(bare.server, { requirePushedAuthorizationRequests: true } as RegisterClientOptions),
    ).rejects.toThrow(/requirePushedAuthorizationRequests/)
    const host = await pushing({ endpoints: { authorize: '/a', token: '/t' }, mount: () => {} })
    expect(() => metadataRouter(host.server)).toThrow('endpoints.pushedAuthorization')
  })

  it('oauthRouter mounts it where it is listed', async () => {
    const host = await pushing({
      mount: (app, server) =>
        app.use(oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect: false })),
    })
    const { body } = await host.push().expect(201)
    const { headers } = await host.open({ client_id: 'web', request_uri: body.request_uri })
    expect(headers.location).toMatch(/code=/)
  })
})
