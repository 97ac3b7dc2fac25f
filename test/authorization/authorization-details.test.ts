// RFC 9396 over HTTP: what a client asks for in details is checked, shown to the user in words, bound, narrowed and told.
import { decodeJwt } from 'jose'
import {
  type AuthorizationDetailsOptions,
  authorizationCode,
  bearerGuard,
  clientCredentials,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  deviceCode,
  generateSigningKey,
  implicit,
  issueCode,
  issueTokens,
  jwt,
  memoryStorage,
  OAuthError,
  oauthRouter,
  password,
  protectedResourceRouter,
  pushedAuthorizationRequests,
  refreshToken,
  registerClient,
  requestObjects,
  updateClient,
  verifyAccessToken,
} from '../../src/index'
import { clientKey, signRequest } from '../support/assertions'
import { answerConsent, askConsent } from '../support/consent'
import { answerDevice, enterCode, poll, startDevice } from '../support/device'
import {
  answerOf,
  createHost,
  type Host,
  type HostOptions,
  issuer,
  type Parameters,
  pkce,
  type Tokens,
} from '../support/host'

const wrong = (problem: string) => new OAuthError('invalid_authorization_details', problem)

const payment: AuthorizationDetailsOptions = {
  members: ['amount', 'creditor', 'locations'],
  check({ amount }) {
    if (typeof amount !== 'string' || !/^\d+\.\d\d$/.test(amount)) throw wrong('amount must be like 10.00.')
  },
  describe: ({ amount, creditor }, language) =>
    language === 'de' ? `${creditor} ${amount} € zahlen` : `Pay ${amount} € to ${creditor}`,
}
const account: AuthorizationDetailsOptions = {
  members: ['identifier'],
  check: async () => {},
  describe: ({ identifier }) => `See account ${identifier}`,
  withoutUser: ['web'],
}
const pay = (amount = '10.00', creditor = 'Ada', more: object = {}) => ({ type: 'payment', amount, creditor, ...more })
const see = (identifier: string) => ({ type: 'account', identifier })
const asked = (...details: object[]) => ({ authorization_details: JSON.stringify(details) })

const makeHost = (options: HostOptions = {}) => createHost({ authorizationDetails: { payment, account }, ...options })

const authInfoOf = async (host: Host, { access_token }: Pick<Tokens, 'access_token'>) =>
  (await host.me(access_token).expect(200)).body.authInfo

let host: Host
beforeEach(async () => {
  host = await makeHost()
})

describe('the authorization request (RFC 9396 §5)', () => {
  it.each<[string, object]>([
    ['an unknown type', { type: 'transfer' }],
    ['a type of the prototype', { type: 'constructor' }],
    ['an unknown member', pay('10.00', 'Ada', { currency: 'EUR' })],
    ['a member of the wrong type', { ...pay(), amount: 10 }],
    ['an invalid value', pay('ten')],
    ['a required member that is missing', { type: 'payment', creditor: 'Ada' }],
  ])('is refused with %s, and nothing is stored', async (_, detail) => {
    const answer = await host.authorize(host.web, { scope: 'read', ...asked(pay(), detail) })
    expect(answerOf(answer).error).toBe('invalid_authorization_details')
    expect(host.storage.storedIds()).toEqual([])
  })

  it('names what is wrong to the client, and on a page of ours nothing that a link says', async () => {
    const own = await makeHost({ decide: consentPage({ signIn: '/login' }) })
    const details = asked(pay('10.00', 'Ada', { see_evil_example: 1 }))
    expect(answerOf(await own.authorize(own.web, details)).error_description).toContain('see_evil_example')
    const { text, status } = await own.authorize(own.web, details, null)
    expect([status, text.includes('invalid_authorization_details')]).toEqual([400, true])
    expect(text).not.toContain('see_evil_example')
  })

  it('is refused where the parameter is sent twice', async () => {
    const query = `${host.authorizationRequest(host.web, asked(pay()))}&authorization_details=%5B%5D`
    const answer = await host.http().get(`/oauth2/authorize?${query}`).set('X-User', 'alice')
    expect(answerOf(answer).error).toBe('invalid_request')
  })

  it('has the parameter ignored by a server without the option, as any unknown one', async () => {
    const plain = await createHost()
    const tokens = await plain.signIn(plain.web, asked(pay()))
    expect(tokens.authorization_details).toBeUndefined()
    expect(tokens.scope).toBe('read write')
  })

  it.each<[string, AuthorizationDetailsOptions['check'], string]>([
    ['throws what is no OAuthError', () => void JSON.parse('{'), 'SyntaxError'],
    ['is a predicate', (() => false) as never, 'must return nothing, not a boolean'],
    ['is a predicate that says yes', (async () => true) as never, 'must return nothing, not a boolean'],
  ])('is a 500 that the host hears of, where check %s', async (_, check, cause) => {
    const own = await makeHost({ authorizationDetails: { payment: { ...payment, check } } })
    expect(answerOf(await own.authorize(own.web, asked(pay()))).error).toBe('server_error')
    expect(String(own.reportedErrors()[0]?.cause)).toContain(cause)
  })

  it('shows check the client, and waits for it', async () => {
    const seen: string[] = []
    const check: AuthorizationDetailsOptions['check'] = async (detail, client) => {
      await new Promise(setImmediate)
      seen.push(`${detail.type} ${client.clientId}`)
      throw wrong('No.')
    }
    const own = await makeHost({ authorizationDetails: { payment: { ...payment, check } } })
    expect(answerOf(await own.authorize(own.web, asked(pay()))).error_description).toBe('No.')
    expect(seen).toEqual(['payment web'])
  })

  it('asks for the default scope only where it names no details (§3.1)', async () => {
    expect((await host.signIn(host.web, asked(pay()))).scope).toBeUndefined()
    expect((await host.signIn(host.web, { ...asked(pay()), scope: 'read' })).scope).toBe('read')
  })

  it('is refused with response_type=token: a fragment could not carry them back', async () => {
    const own = await makeHost({ grants: [authorizationCode(), implicit()] })
    const answer = await own.authorize(own.web, { ...asked(pay()), response_type: 'token' })
    expect(answerOf(answer).error).toBe('invalid_authorization_details')
  })

  it('shows them to a decider of the host, frozen', async () => {
    let seen: unknown
    const decide: HostOptions['decide'] = ({ authorizationDetails }) => {
      seen = authorizationDetails
      expect(() => Object.assign(authorizationDetails?.[0] as object, { amount: '1.00' })).toThrow(TypeError)
      return { allow: true, userId: 'alice' }
    }
    const own = await makeHost({ decide })
    expect((await own.signIn(own.web, asked(pay()))).authorization_details).toEqual([pay()])
    expect(seen).toEqual([pay()])
  })

  it.each(['GET', 'a pushed request', 'a signed one'])('comes by %s', async (way) => {
    const own = await makeHost({ requests: [pushedAuthorizationRequests(), requestObjects()] })
    const key = await clientKey()
    await updateClient(own.server, 'web', { jwks: { keys: [key.jwk] } })
    const parameters = Object.fromEntries(
      new URLSearchParams(own.authorizationRequest(own.web, { scope: 'read', ...asked(pay()) })),
    )
    const sent = async (): Promise<Parameters> => {
      if (way === 'GET') return parameters
      if (way === 'a pushed request') {
        const { body } = await own.push(own.web, { scope: 'read', ...asked(pay()) }).expect(201)
        return { client_id: 'web', request_uri: body.request_uri }
      }
      const claims = { ...parameters, authorization_details: [pay()] }
      return { client_id: 'web', request: await signRequest('web', key, claims) }
    }
    const { code } = answerOf(await own.open(await sent()))
    const { body } = await own.exchange(own.web, code as string).expect(200)
    expect(body.authorization_details).toEqual([pay()])
  })

  it('is refused when it is pushed, and what stands beside a pushed one counts for nothing', async () => {
    const own = await makeHost({ requests: [pushedAuthorizationRequests()] })
    const refused = await own.push(own.web, asked({ type: 'transfer' })).expect(400)
    expect(refused.body.error).toBe('invalid_authorization_details')
    expect(own.storage.storedIds()).toEqual([])
    const { body } = await own.push(own.web, asked(pay())).expect(201)
    const answer = await own.open({ client_id: 'web', request_uri: body.request_uri, ...asked(pay('99.00')) })
    const tokens = await own.exchange(own.web, answerOf(answer).code as string).expect(200)
    expect(tokens.body.authorization_details).toEqual([pay()])
  })
})

describe('the client', () => {
  it('gets no type that its record does not name', async () => {
    await updateClient(host.server, 'web', { authorizationDetailsTypes: ['account'] })
    const answer = await host.authorize(host.web, asked(pay()))
    expect(answerOf(answer).error).toBe('invalid_authorization_details')
    expect((await host.signIn(host.web, asked(see('1')))).authorization_details).toEqual([see('1')])
  })

  it('can name its types at its registration (§10), those of the server alone', async () => {
    const named = { clientId: 'x', authorizationDetailsTypes: ['transfer'] }
    await expect(registerClient(host.server, named)).rejects.toThrow('must be types that the server has')
    const { client } = await registerClient(host.server, { ...named, authorizationDetailsTypes: ['payment'] })
    expect(client.authorizationDetailsTypes).toEqual(['payment'])
  })

  it('loses at its next refresh what its record names no more, and what the server has no more', async () => {
    const tokens = await host.signIn(host.web, { ...asked(pay(), see('1')), scope: 'read' })
    await updateClient(host.server, 'web', { authorizationDetailsTypes: ['account'] })
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(body.authorization_details).toEqual([see('1')])
    await updateClient(host.server, 'web', { authorizationDetailsTypes: [] })
    const last = await host.refresh(host.web, body.refresh_token).expect(200)
    expect(last.body.authorization_details).toBeUndefined()
    expect((await authInfoOf(host, last.body)).authorizationDetails).toEqual([])
  })

  it.each([
    ['a type that is not open to it without a user', pay()],
    ['an unknown type', { type: 'transfer' }],
    ['an unknown member', { type: 'account', iban: '1' }],
  ])('is refused by client credentials for %s', async (_, detail) => {
    const { body } = await host.token(host.web, { grant_type: 'client_credentials', ...asked(detail) }).expect(400)
    expect(body.error).toBe('invalid_authorization_details')
    expect(host.storage.storedIds()).toEqual([])
  })

  it('gets by client credentials what the host has listed it for (§6)', async () => {
    const { body } = await host.token(host.web, { grant_type: 'client_credentials', ...asked(see('1')) }).expect(200)
    expect(body.authorization_details).toEqual([see('1')])
    expect(body.scope).toBeUndefined()
    const api = await host.register({ clientId: 'other', grantTypes: ['client_credentials'] })
    const refused = await host.token(api, { grant_type: 'client_credentials', ...asked(see('1')) }).expect(400)
    expect(refused.body.error).toBe('invalid_authorization_details')
  })
})

describe('the token request (RFC 9396 §6)', () => {
  it('binds the code, the refresh token and the access token to what was granted', async () => {
    const tokens = await host.signIn(host.web, { ...asked(pay(), see('1')), scope: 'read' })
    expect(tokens.authorization_details).toEqual([pay(), see('1')])
    expect((await authInfoOf(host, tokens)).authorizationDetails).toEqual([pay(), see('1')])
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(body.authorization_details).toEqual([pay(), see('1')])
    expect((await authInfoOf(host, body)).authorizationDetails).toEqual([pay(), see('1')])
  })

  it('narrows one access token, and not what the next refresh may have', async () => {
    const code = await host.code(host.web, { ...asked(pay(), see('1')), scope: 'read' })
    const { body: first } = await host.exchange(host.web, code, asked(see('1'))).expect(200)
    expect(first.authorization_details).toEqual([see('1')])
    expect((await authInfoOf(host, first)).authorizationDetails).toEqual([see('1')])
    const { body: second } = await host.refresh(host.web, first.refresh_token, asked(pay())).expect(200)
    expect(second.authorization_details).toEqual([pay()])
    const { body: third } = await host.refresh(host.web, second.refresh_token).expect(200)
    expect(third.authorization_details).toEqual([pay(), see('1')])
  })

  it.each([
    ['another detail', asked(pay('99.00'))],
    ['one more', asked(pay(), pay('99.00'))],
    ['an unknown type', asked({ type: 'transfer' })],
    ['no JSON', { authorization_details: '{' }],
    ['an empty list', { authorization_details: '[]' }],
  ])('is refused for %s at the code and at the refresh, and uses up neither', async (_, more) => {
    const code = await host.code(host.web, { ...asked(pay()), scope: 'read' })
    const refused = await host.exchange(host.web, code, more).expect(400)
    expect(refused.body.error).toBe('invalid_authorization_details')
    const { body } = await host.exchange(host.web, code).expect(200)
    const again = await host.refresh(host.web, body.refresh_token, more).expect(400)
    expect(again.body.error).toBe('invalid_authorization_details')
    expect(await host.isAlive(body)).toBe(true)
    await host.refresh(host.web, body.refresh_token).expect(200)
  })

  it('is refused where nothing was granted', async () => {
    const tokens = await host.signIn()
    const { body } = await host.refresh(host.web, tokens.refresh_token, asked(pay())).expect(400)
    expect(body.error).toBe('invalid_authorization_details')
  })

  it('is refused at a grant that would not look at them, before a password is', async () => {
    let asks = 0
    const verify = () => {
      asks++
      return 'alice'
    }
    const own = await makeHost({ grants: [authorizationCode(), password({ verify })] })
    const credentials = { grant_type: 'password', username: 'alice', password: 'x' }
    const { body } = await own.token(own.web, { ...credentials, ...asked(pay()) }).expect(400)
    expect([body.error, asks]).toEqual(['invalid_authorization_details', 0])
    await own.token(own.web, credentials).expect(200)
  })

  it('gets the same response again inside the replay window, and no other details', async () => {
    const tokens = await host.signIn(host.web, { ...asked(pay(), see('1')), scope: 'read' })
    const once = await host.refresh(host.web, tokens.refresh_token, asked(pay())).expect(200)
    const again = await host.refresh(host.web, tokens.refresh_token, asked(pay())).expect(200)
    expect(again.text).toBe(once.text)
    for (const other of [asked(see('1')), {}]) {
      const { body } = await host.refresh(host.web, tokens.refresh_token, other).expect(400)
      expect(body.error).toBe('invalid_authorization_details')
    }
    expect(await host.isAlive(once.body)).toBe(true)
  })

  it('gets tokens that are dead where a store has changed what they are for', async () => {
    const own = await makeHost()
    own.storage.replace('grants.find', async (call) => {
      const found = await call()
      if (!found) return found
      return JSON.parse(JSON.stringify(found).replaceAll('10.00', '99.00'))
    })
    const code = await own.code(own.web, asked(pay()))
    expect((await own.exchange(own.web, code)).body.error).toBe('invalid_grant')
  })

  it('has the types in its events, and nothing of what they say', async () => {
    await host.signIn(host.web, asked(pay(), pay('20.00'), see('1')))
    const types = { authorizationDetailsTypes: ['payment', 'account'] }
    expect(host.events).toMatchObject([
      { type: 'code.issued', ...types },
      { type: 'token.issued', ...types },
    ])
    expect(JSON.stringify(host.events)).not.toContain('Ada')
  })
})

describe('where they count (RFC 9396 §9)', () => {
  const [a, b] = ['https://a.example', 'https://b.example']
  const at = (location: string) => pay('10.00', 'Ada', { locations: [location] })

  it('is told by introspection, to each resource server what is its own', async () => {
    const own = await makeHost({ resources: [a, b] })
    await updateClient(own.server, 'api', { resourceServer: [a] })
    const body = await own.signIn(own.web, { ...asked(at(a), at(b), see('1')), resource: `${a} ${b}` })
    expect(body.authorization_details).toEqual([at(a), at(b), see('1')])
    const seen = await own.introspect(own.api, body.access_token)
    expect(seen.body.authorization_details).toEqual([at(a), see('1')])
    const mine = await own.introspect(own.web, body.access_token)
    expect(mine.body.authorization_details).toEqual([at(a), at(b), see('1')])
    const narrowed = await own.refresh(own.web, body.refresh_token, { resource: b }).expect(200)
    expect(narrowed.body.authorization_details).toEqual([at(b), see('1')])
    const beyond = await own.refresh(own.web, narrowed.body.refresh_token, { resource: b, ...asked(at(a)) }).expect(400)
    expect(beyond.body.error).toBe('invalid_authorization_details')
  })

  it('is refused at once where the request is for another resource', async () => {
    const own = await makeHost({ resources: [a, b] })
    expect(answerOf(await own.authorize(own.web, asked(at(b)))).error).toBe('invalid_authorization_details')
    expect(answerOf(await own.authorize(own.web, { ...asked(at(b)), resource: b })).code).toBeDefined()
  })

  it.each([false, true])('is a claim of JWTs that no host can set, stateless: %s', async (stateless) => {
    const claims = () => ({ authorization_details: [pay('99.00')] })
    const accessTokens = jwt({ keys: generateSigningKey(), audience: a, claims, stateless })
    const own = await makeHost({ accessTokens })
    const tokens = await own.signIn(own.web, { ...asked(pay()), scope: 'read' })
    expect(decodeJwt(tokens.access_token).authorization_details).toEqual([pay()])
    expect((await authInfoOf(own, tokens)).authorizationDetails).toEqual([pay()])
    expect(decodeJwt((await own.signIn()).access_token).authorization_details).toBeUndefined()
  })
})

describe('the user', () => {
  const page = () => makeHost({ decide: consentPage({ signIn: '/login', remember: true }) })

  it('reads each detail in words, in the language of the page, above the scopes', async () => {
    const own = await page()
    const details = asked(pay('10.00', '<b>Ada</b>'), see('1'))
    const { text } = (await askConsent(own, own.web, { scope: 'read', ...details })).shown
    expect(text).toContain('<li><bdi>Pay 10.00 € to &lt;b&gt;Ada&lt;/b&gt;</bdi></li>')
    expect(text.indexOf('See account 1')).toBeLessThan(text.indexOf('See your data'))
    const german = await askConsent(own, own.web, { ui_locales: 'de', ...asked(pay()) })
    expect(german.shown.text).toContain('Ada 10.00 € zahlen')
  })

  it('is asked each time: a payment that was agreed to is no second one', async () => {
    const own = await page()
    const shown = await askConsent(own, own.web, { scope: 'read', ...asked(pay()) })
    const { code } = answerOf(await answerConsent(own, shown.query, shown.fields))
    const { body } = await own.exchange(own.web, code as string).expect(200)
    expect(body.authorization_details).toEqual([pay()])
    expect((await own.authorize(own.web, { scope: 'read' })).status).toBe(302)
    expect((await own.authorize(own.web, { scope: 'read', ...asked(pay()) })).status).toBe(200)
  })

  it('has agreed to what was shown, and to nothing that the form is then posted with', async () => {
    const own = await page()
    const { fields } = await askConsent(own, own.web, asked(pay('1.00')))
    const other = own.authorizationRequest(own.web, asked(pay('99.00')))
    const answer = await answerConsent(own, other, fields)
    expect(answer.status).toBe(400)
    expect(answerOf(answer).code).toBeUndefined()
  })

  it.each<[string, AuthorizationDetailsOptions['describe'], string]>([
    ['nothing', (() => undefined) as never, 'not undefined'],
    ['a promise', (async () => 'x') as never, 'not a Promise'],
    ['an empty text', () => ' ', 'not a string'],
  ])('never agrees to what describe says %s of: the host hears of it', async (_, describe, problem) => {
    const decide = consentPage({ signIn: '/login' })
    const own = await makeHost({ decide, authorizationDetails: { payment: { ...payment, describe } } })
    expect(answerOf(await own.authorize(own.web, asked(pay()))).error).toBe('server_error')
    expect(String(own.reportedErrors()[0]?.cause)).toContain(problem)
  })

  it('sees them among the connected apps, each once, also of a type that is gone', async () => {
    const storage = memoryStorage()
    const apps = (given: Host) => given.http().get('/apps').set('X-User', 'alice')
    const mount: HostOptions['mount'] = (app, server) => {
      app.use('/apps', connectedAppsRouter(server))
      app.use(oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect: false }))
    }
    const own = await makeHost({ storage, mount })
    for (const amount of ['10.00', '10.00', '20.00']) await own.signIn(own.web, asked(pay(amount)))
    const { text } = await apps(own)
    expect(text.match(/Pay 10\.00/g)).toHaveLength(1)
    expect(text).toContain('Pay 20.00 € to Ada')
    const clients = memoryStorage().clients
    const later = await createHost({
      storage: { clients, grants: storage.grants },
      mount,
      authorizationDetails: { account },
    })
    expect((await apps(later)).text).toContain('<bdi>payment</bdi>')
  })

  it('allows a device what its page has shown', async () => {
    const own = await makeHost({ grants: [authorizationCode(), refreshToken(), deviceCode()] })
    const { device_code, user_code } = await startDevice(own, own.web, { scope: 'read', ...asked(pay(), see('1')) })
    expect((await enterCode(own, user_code)).text).toContain('Pay 10.00 € to Ada')
    await answerDevice(own, user_code)
    const beyond = await poll(own, own.web, device_code, asked(pay('99.00'))).expect(400)
    expect(beyond.body.error).toBe('invalid_authorization_details')
    const { body } = await poll(own, own.web, device_code, asked(pay())).expect(200)
    expect(body.authorization_details).toEqual([pay()])
    const next = await own.refresh(own.web, body.refresh_token).expect(200)
    expect(next.body.authorization_details).toEqual([pay(), see('1')])
  })

  it('is told of no device whose details are wrong', async () => {
    const own = await makeHost({ grants: [authorizationCode(), refreshToken(), deviceCode()] })
    const answer = await own.send('/oauth2/device_authorization', own.web, asked({ type: 'transfer' })).expect(400)
    expect(answer.body.error).toBe('invalid_authorization_details')
    expect(own.storage.storedIds()).toEqual([])
  })
})

it('gives a session that begins with an access token none that the token does not have', async () => {
  const decide: HostOptions['decide'] = () => ({ allow: true, userId: 'alice' })
  const own = await makeHost({
    mount: (app, server) => app.use(bearerGuard(server), oauthRouter(server, { decide, protect: false })),
  })
  const begin = (token: string, details: Parameters) =>
    own
      .http()
      .get(`/oauth2/authorize?${own.authorizationRequest(own.web, { scope: 'read', ...details })}`)
      .auth(token, { type: 'bearer' })
  const { access_token } = await issueTokens(own.server, { clientId: 'web', userId: 'alice', scope: 'read' })
  expect(answerOf(await begin(access_token, asked(pay()))).error).toBe('invalid_authorization_details')
  expect(answerOf(await begin(access_token, {})).code).toBeDefined()
})

describe('issueCode and issueTokens', () => {
  const named = { clientId: 'web', userId: 'alice' }
  const codeFor = (more: object) => issueCode(host.server, { ...named, codeChallenge: pkce.challenge, ...more })
  const tokensFor = (more: object) => issueTokens(host.server, { ...named, ...more })

  it('a code becomes tokens for the details that the host names, and a refresh keeps them', async () => {
    const { code } = await codeFor({ authorizationDetails: [pay()] })
    const { body } = await host.exchange(host.web, code, { redirect_uri: undefined }).expect(200)
    expect(body.authorization_details).toEqual([pay()])
    // who names details alone has not asked for the default scope
    expect(body.scope).toBeUndefined()
    const meaning = { scope: [], authorizationDetails: [pay()] }
    expect(await verifyAccessToken(host.server, body.access_token)).toMatchObject(meaning)
    const { body: next } = await host.refresh(host.web, body.refresh_token).expect(200)
    expect(next.authorization_details).toEqual([pay()])
    expect(host.events).toContainEqual(
      expect.objectContaining({ type: 'code.issued', authorizationDetailsTypes: ['payment'] }),
    )
  })

  it('tokens have them, too, beside a scope that is named, and a refresh keeps them', async () => {
    const tokens = await tokensFor({ authorizationDetails: [pay(), see('1')], scope: 'read' })
    expect(tokens).toMatchObject({ scope: 'read', authorization_details: [pay(), see('1')] })
    const narrowed = await host.refresh(host.web, String(tokens.refresh_token), asked(see('1'))).expect(200)
    expect(narrowed.body.authorization_details).toEqual([see('1')])
    expect(await tokensFor({ authorizationDetails: [pay()] })).not.toHaveProperty('scope')
  })

  it("a client's own token has those of withoutUser alone (§6)", async () => {
    const ofClient = (detail: ReturnType<typeof pay> | ReturnType<typeof see>) =>
      issueTokens(host.server, { clientId: 'web', authorizationDetails: [detail] })
    expect(await ofClient(see('1'))).toMatchObject({ authorization_details: [see('1')] })
    await expect(ofClient(pay())).rejects.toMatchObject({ code: 'invalid_authorization_details' })
  })

  it.each<[string, object]>([
    ['an unknown type', { type: 'transfer' }],
    ['an unknown member', pay('10.00', 'Ada', { currency: 'EUR' })],
    ['what check refuses', pay('ten')],
    ['no type', { amount: '10.00' }],
    ['a locations that is no list', pay('10.00', 'Ada', { locations: 'x' })],
    ['control characters', pay('10.00', 'A\u0000da')],
  ])('refuse %s as a request would be, and store nothing', async (_, detail) => {
    for (const issuing of [
      codeFor({ authorizationDetails: [detail] }),
      tokensFor({ authorizationDetails: [detail] }),
    ]) {
      await expect(issuing).rejects.toMatchObject({ code: 'invalid_authorization_details' })
    }
    expect(host.storage.storedIds()).toEqual([])
  })

  it('refuse a type that the record of the client does not name, and locations beyond the resources', async () => {
    await updateClient(host.server, 'web', { authorizationDetailsTypes: ['account'] })
    const refused = { code: 'invalid_authorization_details' }
    await expect(tokensFor({ authorizationDetails: [pay()] })).rejects.toMatchObject(refused)
    host = await makeHost({ resources: ['https://a.example', 'https://b.example'] })
    const elsewhere = pay('10.00', 'Ada', { locations: ['https://b.example'] })
    const options = { authorizationDetails: [elsewhere], resource: 'https://a.example' }
    await expect(tokensFor(options)).rejects.toMatchObject(refused)
    await expect(codeFor(options)).rejects.toMatchObject(refused)
  })

  it.each<[string, unknown, string]>([
    ['one detail without its list', pay(), 'must be a list of objects of plain JSON'],
    ['text', JSON.stringify([pay()]), 'not a string'],
    ['a Date', [pay('10.00', 'Ada', { at: new Date(0) })], 'plain JSON'],
    ['a Map', [pay('10.00', 'Ada', { at: new Map() })], 'plain JSON'],
    ['NaN', [pay('10.00', 'Ada', { at: Number.NaN })], 'plain JSON'],
    ['-0', [pay('10.00', 'Ada', { at: -0 })], 'plain JSON'],
    ['a member that is undefined', [{ ...pay(), creditor: undefined }], 'plain JSON'],
    ['a bigint', [pay('10.00', 'Ada', { at: 1n })], 'plain JSON'],
    ['nothing', undefined, 'authorizationDetails is undefined'],
    ['null', null, 'not null'],
  ])('throw a TypeError for %s', async (_, authorizationDetails, message) => {
    for (const issuing of [codeFor({ authorizationDetails }), tokensFor({ authorizationDetails })]) {
      await expect(issuing).rejects.toMatchObject({ name: 'TypeError', message: expect.stringContaining(message) })
    }
    expect(host.storage.storedIds()).toEqual([])
  })

  it('name the option that a server without details lacks', async () => {
    host = await createHost()
    for (const issuing of [codeFor({ authorizationDetails: [pay()] }), tokensFor({ authorizationDetails: [pay()] })]) {
      await expect(issuing).rejects.toThrow('needs the option authorizationDetails of the server')
    }
  })
})

describe('the metadata', () => {
  it('names the types (RFC 9396 §10)', async () => {
    const { body } = await host.http().get('/.well-known/oauth-authorization-server')
    expect(body.authorization_details_types_supported).toEqual(['payment', 'account'])
    const plain = await createHost()
    const none = await plain.http().get('/.well-known/oauth-authorization-server')
    expect(none.body).not.toHaveProperty('authorization_details_types_supported')
  })
})

it('names the types in the metadata of an API, too (RFC 9728 §2)', async () => {
  const resource = 'https://api.example'
  const mount: HostOptions['mount'] = (app, server) => app.use(protectedResourceRouter(server, { resource }))
  const own = await makeHost({ resources: [resource], mount })
  const { body } = await own.http().get('/.well-known/oauth-protected-resource').expect(200)
  expect(body.authorization_details_types_supported).toEqual(['payment', 'account'])
})

describe('wrong options', () => {
  const make = (authorizationDetails: unknown) => () =>
    createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: [],
      grants: [clientCredentials()],
      authorizationDetails: authorizationDetails as never,
    })

  it.each([
    ['no object', 'payment', 'must be one object'],
    ['a list', [payment], 'must be one object'],
    ['no type', {}, 'authorizationDetails has no type'],
    ['no options', { payment: undefined }, 'payment is undefined'],
    ['a function', { payment: () => {} }, 'must be one object'],
    ['no check', { payment: { describe: () => '' } }, 'authorizationDetails.payment needs check'],
    ['no describe', { payment: { check: () => {} } }, 'describe is undefined'],
    [
      'members as a string',
      { payment: { ...payment, members: 'amount' } },
      'payment.members must be a list of strings',
    ],
    ['withoutUser as true', { payment: { ...payment, withoutUser: true } }, 'payment.withoutUser must be a list'],
    [
      'an unknown one',
      { payment: { ...payment, narrow: () => {} } },
      'Unknown authorizationDetails.payment option narrow',
    ],
  ])('throw at start-up: %s', (_, option, message) => {
    expect(make(option)).toThrow(TypeError)
    expect(make(option)).toThrow(message)
  })
})
