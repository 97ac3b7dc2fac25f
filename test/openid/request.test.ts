// The authentication request: OpenID Connect Core §3.1.2.1, with everything that is wrong with one.
import fc from 'fast-check'
import { SignJWT } from 'jose'
import {
  type AuthorizationRequest,
  approve,
  consentPage,
  OAuthError,
  pushedAuthorizationRequests,
  updateClient,
} from '../../src/index'
import { parseClaims, verifiedClaims } from '../../src/openid/claims'
import { runs } from '../support/fuzz'
import { answerOf, issuer, type Parameters, startOfTime } from '../support/host'
import { createOpenIdHost, type OpenIdHost } from '../support/openid'

const approved = approve({ clients: () => true })
const scope = 'openid'

let host: OpenIdHost
beforeEach(async () => {
  host = await createOpenIdHost({ decide: approved, openid: { acrValues: ['pwd', 'mfa'] } })
})

/** What the client is told. */
const answerTo = async (parameters: Parameters, user: string | null = 'alice') =>
  answerOf(await host.authorize(host.web, { scope, ...parameters }, user))

/** The sign-in page that a request is sent to. */
async function sent(parameters: Parameters, user: string | null = 'alice') {
  const answer = await host.authorize(host.web, { scope, ...parameters }, user)
  const found = host.sentToSignIn(answer)
  if (!found) throw new Error(`Not sent to sign in: ${answer.status} ${answer.headers.location}`)
  return found
}

describe('what deciders see', () => {
  it('is typed, and nothing of it where the scope is not openid', async () => {
    const seen: (AuthorizationRequest['openid'] | undefined)[] = []
    host = await createOpenIdHost({
      decide: (request) => {
        seen.push(request.openid)
        return { allow: false }
      },
    })
    const { id_token: hint } = await (await createOpenIdHost({ decide: approved })).signIn(undefined, { scope })
    const parameters = {
      prompt: 'consent',
      max_age: '3600',
      acr_values: 'mfa pwd',
      login_hint: 'alice@example.com',
      id_token_hint: hint as string,
      display: 'popup',
      ui_locales: 'de en',
      claims_locales: 'de',
      nonce: 'n',
      claims: '{"userinfo":{"email":{"essential":true,"value":"a@example.com"}},"id_token":{"name":null},"else":1}',
    }
    await host.authorize(host.web, { scope, ...parameters })
    await host.authorize(host.web, { scope: 'read', ...parameters })
    expect(seen).toEqual([
      {
        prompt: ['consent'],
        maxAge: 3600,
        acrValues: ['mfa', 'pwd'],
        loginHint: 'alice@example.com',
        display: 'popup',
        uiLocales: ['de', 'en'],
        claimsLocales: ['de'],
        nonce: 'n',
        subject: 'alice',
        namedClaims: ['email', 'name'],
        claims: {
          userinfo: { email: { essential: true, values: ['a@example.com'] } },
          id_token: { name: { essential: false } },
        },
      },
      undefined,
    ])
  })

  it.each(['login_required', 'consent_required', 'interaction_required', 'account_selection_required'] as const)(
    'a decider of the host can answer %s',
    async (code) => {
      host = await createOpenIdHost({
        decide: () => {
          throw new OAuthError(code, 'By the host.')
        },
      })
      // §3.1.2.6: at the client, which tells by the state which of its requests it was
      expect(await answerTo({ state: 'af0ifjsldkj' })).toMatchObject({ error: code, state: 'af0ifjsldkj', iss: issuer })
    },
  )
})

describe('redirect_uri', () => {
  it('is required with openid, also where one is registered', async () => {
    expect(await answerTo({ redirect_uri: undefined })).toMatchObject({ error: 'invalid_request' })
    expect(await answerTo({ redirect_uri: undefined, scope: 'read' })).toHaveProperty('code')
  })
})

describe('nonce', () => {
  it.each([
    ['one character', 'n'],
    ['a space', ' '],
    ['2,000 characters', 'x'.repeat(2000)],
    ['any Unicode', 'ä€😀"\\\n\u202e'],
  ])('of %s comes back exactly as it was sent', async (_, nonce) => {
    expect(await host.idToken(host.web, { nonce })).toMatchObject({ nonce })
  })
})

describe('prompt', () => {
  it.each(['none login', 'consent none', 'create', 'none none login', 'Login'])('refuses %j', async (prompt) => {
    expect(await answerTo({ prompt })).toMatchObject({ error: 'invalid_request' })
  })

  it('none answers a code where nobody has to be asked', async () => {
    expect(await answerTo({ prompt: 'none' })).toHaveProperty('code')
  })

  it('none answers login_required to a client that the host knows, though nobody is signed in', async () => {
    expect(await answerTo({ prompt: 'none' }, null)).toEqual({
      error: 'login_required',
      error_description: 'The user must sign in.',
      state: 'xyz',
      iss: issuer,
    })
  })

  it('login sends to sign in again, and believes only a sign-in since then', async () => {
    const { page, back, asked } = await sent({ prompt: 'login', state: 's', nonce: 'n' })
    expect(page).toBe('/login')
    expect(Object.fromEntries(asked)).toMatchObject({ prompt: 'login', state: 's', nonce: 'n', client_id: 'web' })
    // back without having signed in: an answer of before is not believed
    host.clock.advance(5)
    expect(host.sentToSignIn(await host.comeBack(back))).toBeDefined()
    host.sessions.set('alice', { time: startOfTime - 0.1 })
    expect(host.sentToSignIn(await host.comeBack(back))).toBeDefined()
    host.sessions.set('alice', { time: startOfTime + 0.2 })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
    // and the next request asks again
    await sent({ prompt: 'login', state: 's2' })
  })

  it('login is not met by what another request was sent for, an old one, or one of somebody else', async () => {
    const { back } = await sent({ prompt: 'login', state: 'a' })
    const token = new URL(back, issuer).searchParams.get('sign_in_transaction') as string
    host.sessions.set('alice', { time: startOfTime })
    const at = (parameters: Parameters) =>
      host.authorize(host.web, { scope, prompt: 'login', state: 'a', sign_in_transaction: token, ...parameters })
    expect(answerOf(await at({}))).toHaveProperty('code')
    expect(host.sentToSignIn(await at({ state: 'b' }))).toBeDefined()
    expect(host.sentToSignIn(await at({ sign_in_transaction: `${token.slice(0, -4)}AAAA` }))).toBeDefined()
    const forged = await new SignJWT({ ...JSON.parse(atob(token.split('.')[1] as string)), iat: startOfTime - 9999 })
      .setProtectedHeader({ alg: 'HS256', typ: 'sign-in+jwt', kid: 'x' })
      .sign(new TextEncoder().encode('x'.repeat(32)))
    expect(host.sentToSignIn(await at({ sign_in_transaction: forged }))).toBeDefined()
    expect(host.sentToSignIn(await at({ sign_in_transaction: 'x' }))).toBeDefined()
    // an id_token is none of these
    const other = await createOpenIdHost({ decide: approved })
    const { id_token } = await other.signIn(other.web, { scope })
    expect(host.sentToSignIn(await at({ sign_in_transaction: id_token as string }))).toBeDefined()
    host.clock.advance(600)
    expect(host.sentToSignIn(await at({}))).toBeDefined()
  })

  it('select_account goes to where another user can sign in, once', async () => {
    const { page, back } = await sent({ prompt: 'select_account' })
    expect(page).toBe('/switch')
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
    expect(answerOf(await host.comeBack(back, 'bob'))).toHaveProperty('code')
  })

  it('login and select_account are met by one way there', async () => {
    const { back } = await sent({ prompt: 'login select_account' })
    host.sessions.set('bob', { time: startOfTime + 1 })
    expect(answerOf(await host.comeBack(back, 'bob'))).toHaveProperty('code')
  })

  it('does not send a browser that the endpoint does not redirect', async () => {
    host = await createOpenIdHost({ decide: approved, router: { response: 'json' } })
    const answer = await host.authorize(host.web, { scope, prompt: 'login' })
    expect([answer.status, answer.body.error]).toEqual([400, 'login_required'])
  })
})

describe('who introduced themselves', () => {
  const initialAccessToken = 'a'.repeat(32)
  const redirect_uris = ['https://app.example/cb']
  const registered = async (protect: 'open' | { initialAccessToken: string }) => {
    host = await createOpenIdHost({
      router: { register: { protect, scopes: 'openid read' } },
      throttle: false,
    })
    const { body } = await host
      .http()
      .post('/oauth2/register')
      .auth(initialAccessToken, { type: 'bearer' })
      .send({ redirect_uris, scope: 'openid' })
      .expect(201)
    const client = { clientId: body.client_id, redirectUri: redirect_uris[0] as string }
    return host.authorize(client, { scope, prompt: 'none' }, null)
  }

  it('reads login_required on a page where anybody may register: RFC 9700 §4.11.2', async () => {
    const answer = await registered('open')
    expect([answer.status, answer.headers.location]).toEqual([400, undefined])
  })

  it('is told where the host has let it in, and its name stays unverified', async () => {
    const answer = await registered({ initialAccessToken })
    expect(answerOf(answer)).toMatchObject({ error: 'login_required' })
    const [client] = (await host.storage.clients.list({ limit: 9 })).filter(({ origin }) => origin)
    expect(client?.origin).toBe('admitted_registration')
    const page = await host.authorize(
      { clientId: client?.clientId as string, redirectUri: 'https://app.example/cb' },
      { scope },
    )
    expect(page.text).toContain('not verified')
  })
})

describe('max_age', () => {
  it('sends to sign in again who signed in longer ago, and believes a sign-in since', async () => {
    expect(await answerTo({ max_age: '600' })).toHaveProperty('code')
    const { back } = await sent({ max_age: '599' })
    host.clock.advance(30)
    expect(host.sentToSignIn(await host.comeBack(back))).toBeDefined()
    host.sessions.set('alice', { time: startOfTime + 3 })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it('that is exceeded is login_required where nobody may be asked', async () => {
    expect(await answerTo({ max_age: '60', prompt: 'none' })).toMatchObject({ error: 'login_required' })
    expect(await answerTo({ max_age: '3600', prompt: 'none' })).toHaveProperty('code')
  })

  it('is not met by a sign-in that is still to come, but for clocks that differ', async () => {
    host.sessions.set('alice', { time: startOfTime + 11 })
    expect(await answerTo({ max_age: '3600', prompt: 'none' })).toMatchObject({ error: 'login_required' })
    host.sessions.set('alice', { time: startOfTime + 10 })
    expect(await answerTo({ max_age: '3600', prompt: 'none' })).toHaveProperty('code')
  })

  it('0 is as prompt=login', async () => {
    host.sessions.set('alice', { time: startOfTime })
    const { back } = await sent({ max_age: '0' })
    host.clock.advance(2)
    host.sessions.set('alice', { time: startOfTime + 1 })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it.each(['-1', '1.5', 'x', '1e3', '+1', ' 1'])('refuses %j', async (max_age) => {
    expect(await answerTo({ max_age })).toMatchObject({ error: 'invalid_request' })
  })

  it('takes a huge one for no limit', async () => {
    expect(await answerTo({ max_age: '9'.repeat(400) })).toHaveProperty('code')
  })

  it('is that of the record where the request has none', async () => {
    await updateClient(host.server, 'web', { defaultMaxAge: 60 })
    await sent({})
    expect(await answerTo({ max_age: '3600' })).toHaveProperty('code')
    expect(await answerTo({ prompt: 'none' })).toMatchObject({ error: 'login_required' })
  })

  it('is looked at for a decider of the host, too, who knows the users alone', async () => {
    host = await createOpenIdHost({
      users: undefined as never,
      decide: (_request, req) => ({ allow: true, userId: req.get('X-User') as string }),
    })
    expect(await answerTo({ max_age: '3600' })).toHaveProperty('code')
    expect(await answerTo({ max_age: '60' })).toMatchObject({ error: 'login_required' })
  })
})

describe('id_token_hint', () => {
  const hintFor = async (user: string, client = host.web) =>
    (await host.signIn(client, { scope }, user)).id_token as string

  it('of who is signed in changes nothing, also when it has expired', async () => {
    const hint = await hintFor('alice')
    host.clock.advance(1_000_000)
    expect(await answerTo({ id_token_hint: hint, prompt: 'none' })).toHaveProperty('code')
  })

  it('of another user sends to where that one can sign in, and says login_required where nobody can be asked', async () => {
    const hint = await hintFor('bob')
    expect(await answerTo({ id_token_hint: hint, prompt: 'none' })).toMatchObject({ error: 'login_required' })
    const { page, back } = await sent({ id_token_hint: hint })
    expect(page).toBe('/switch')
    expect(answerOf(await host.comeBack(back))).toMatchObject({ error: 'login_required' })
    expect(answerOf(await host.comeBack(back, 'bob'))).toHaveProperty('code')
  })

  it('that is none of ours for this client is refused', async () => {
    const hint = await hintFor('alice')
    const forged = `${hint.slice(0, -4)}AAAA`
    const other = await hintFor('alice', await host.register({ scopes: [scope] }, 'https://other.example/cb'))
    for (const wrong of ['x', forged, other, `${hint.split('.').slice(0, 2).join('.')}.`]) {
      expect(await answerTo({ id_token_hint: wrong })).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('as sub of the parameter claims counts as a hint', async () => {
    const claims = (sub: string) => JSON.stringify({ id_token: { sub: { value: sub } } })
    expect(await answerTo({ claims: claims('alice'), prompt: 'none' })).toHaveProperty('code')
    expect(await answerTo({ claims: claims('bob'), prompt: 'none' })).toMatchObject({ error: 'login_required' })
    const hint = await hintFor('alice')
    expect(await answerTo({ claims: claims('bob'), id_token_hint: hint })).toMatchObject({ error: 'invalid_request' })
  })
})

describe('acr_values', () => {
  it('sends to the sign-in page, which reads them, and takes what comes back', async () => {
    const { back, asked } = await sent({ acr_values: 'mfa' })
    expect(asked.get('acr_values')).toBe('mfa')
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
    host.sessions.set('alice', { time: startOfTime, acr: 'mfa' })
    expect(await host.idToken(host.web, { acr_values: 'gold mfa' })).toMatchObject({ acr: 'mfa' })
  })

  it('are a wish: with nobody to ask, or none of ours, the request goes on', async () => {
    expect(await answerTo({ acr_values: 'mfa', prompt: 'none' })).toHaveProperty('code')
    expect(await answerTo({ acr_values: 'gold' })).toHaveProperty('code')
  })

  it('an essential acr that is not met is no sign-in: Core §5.5.1.1', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['mfa'] } } })
    expect(await answerTo({ claims, prompt: 'none' })).toMatchObject({ error: 'interaction_required' })
    const { back } = await sent({ claims })
    // RFC 9470 §5
    expect(answerOf(await host.comeBack(back))).toMatchObject({ error: 'unmet_authentication_requirements' })
    host.sessions.set('alice', { time: startOfTime, acr: 'mfa' })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it('are those of the record where the request has none', async () => {
    await updateClient(host.server, 'web', { defaultAcrValues: ['mfa'] })
    await sent({})
  })
})

describe('claims', () => {
  it.each([
    '',
    'x',
    '[]',
    'null',
    '"a"',
    '{"userinfo":[]}',
    '{"id_token":{"email":1}}',
    '{"userinfo":{"email":{"values":1}}}',
  ])('that are no JSON of Core §5.5 are refused, and empty ones are not there: %j', async (claims) => {
    const answer = await answerTo({ claims })
    if (claims === '') expect(answer).toHaveProperty('code')
    else expect(answer).toMatchObject({ error: 'invalid_request' })
  })

  it('have members that nobody knows, which are ignored: Core §5.5.1', async () => {
    const claims = JSON.stringify({ userinfo: { email: { essential: true, urgent: 'yes', purpose: {} } }, later: [] })
    expect(await answerTo({ claims })).toHaveProperty('code')
    expect(parseClaims(claims, verifiedClaims()).userinfo).toEqual({ email: { essential: true } })
  })

  it('are taken at any depth, up to a size', async () => {
    const deep = (levels: number) => `{"userinfo":{"x":${'['.repeat(levels)}${']'.repeat(levels)}}}`
    expect(await answerTo({ claims: deep(1000) })).toHaveProperty('code')
    expect(parseClaims(deep(4900), verifiedClaims()).userinfo).toEqual({})
    expect(() => parseClaims(deep(5000), verifiedClaims())).toThrow('at most 10000 characters')
  })

  it('parse or are refused, whatever they are', () => {
    const known = verifiedClaims()
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify({ userinfo: value, id_token: value })),
    )
    fc.assert(
      fc.property(text, (claims) => {
        try {
          const { userinfo, id_token } = parseClaims(claims, known)
          const names = [...Object.keys(userinfo), ...Object.keys(id_token)]
          expect([...known.all, 'sub', 'acr', 'auth_time']).toEqual(expect.arrayContaining(names))
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
        }
      }),
      runs(300),
    )
  })

  it.each(['__proto__', 'constructor', 'toString'])('of the name %s are nobody', async (name) => {
    const { userinfo } = parseClaims(`{"userinfo":{"${name}":{"essential":true}}}`, verifiedClaims())
    expect(Object.keys(userinfo)).toEqual([])
    expect(Object.getPrototypeOf(userinfo)).toBe(Object.prototype)
  })
})

describe('display, ui_locales and claims_locales', () => {
  it.each<Parameters>([
    { display: 'wap' },
    { display: 'hologram' },
    { ui_locales: 'tlh x-none' },
    { claims_locales: 'tlh' },
  ])('that nothing here knows are no error: %j (Core §3.1.2.1, §5.2)', async (parameters) => {
    expect(answerOf(await host.authorize(host.web, { scope, ...parameters }))).toHaveProperty('code')
  })

  it('are kept for the sign-in page', async () => {
    const parameters = { display: 'touch', claims_locales: 'de-AT de', ui_locales: 'de' }
    expect(Object.fromEntries((await sent(parameters, null)).asked)).toMatchObject(parameters)
  })
})

describe('the way to the sign-in page', () => {
  it('keeps the request for the page to read, with what it was', async () => {
    const parameters = { login_hint: 'alice', ui_locales: 'de', max_age: '60', acr_values: 'mfa', nonce: 'ä b' }
    const { back, asked } = await sent(parameters, null)
    expect(Object.fromEntries(asked)).toMatchObject(parameters)
    host.sessions.set('alice', { time: startOfTime })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it('has beside a pushed request what the page may read of it, and that alone', async () => {
    host = await createOpenIdHost({
      decide: approved,
      openid: { acrValues: ['mfa'] },
      requests: [pushedAuthorizationRequests()],
      endpoints: {},
    })
    const parameters = { scope, prompt: 'login', login_hint: 'alice', acr_values: 'mfa', nonce: 'n', display: 'popup' }
    const { body } = await host.push(host.web, parameters).expect(201)
    const opened = await host.open({ client_id: 'web', request_uri: body.request_uri })
    const { back, asked } = host.sentToSignIn(opened) ?? { back: '', asked: new URLSearchParams() }
    expect(Object.fromEntries(asked)).toEqual({
      client_id: 'web',
      request_uri: body.request_uri,
      acr_values: 'mfa',
      login_hint: 'alice',
      display: 'popup',
      sign_in_transaction: expect.any(String),
    })
    expect(host.sentToSignIn(await host.comeBack(back))).toBeDefined()
    host.sessions.set('alice', { time: startOfTime })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it('takes a request by POST, and leaves the fields of a page out', async () => {
    const form = Object.fromEntries(
      new URLSearchParams(host.authorizationRequest(host.web, { scope, prompt: 'login', nonce: 'n' })),
    )
    const answer = await host
      .http()
      .post('/oauth2/authorize')
      .set('X-User', 'alice')
      .type('form')
      .send({ ...form, _csrf: 'x' })
    const { back, asked } = host.sentToSignIn(answer) ?? { back: '', asked: new URLSearchParams() }
    expect(answer.status).toBe(303)
    expect(asked.has('_csrf')).toBe(false)
    host.sessions.set('alice', { time: startOfTime })
    expect(answerOf(await host.comeBack(back))).toHaveProperty('code')
  })

  it('goes on to the question, whose form comes back to it', async () => {
    host = await createOpenIdHost({ decide: consentPage() })
    const { back } = await sent({ prompt: 'login consent' })
    host.sessions.set('alice', { time: startOfTime })
    const page = await host.comeBack(back).expect(200)
    const field = /name="consent_transaction" value="([^"]+)"/.exec(page.text)?.[1] as string
    host.clock.advance(1)
    const answer = await host
      .http()
      .post(back)
      .set('X-User', 'alice')
      .type('form')
      .send({ consent_transaction: field, consent: 'allow' })
    expect(answerOf(answer)).toHaveProperty('code')
  })
})

describe('a mistake of the host', () => {
  it.each([
    ['nothing for a user who is signed in', undefined],
    ['a time that is none', { time: 'now' }],
    ['milliseconds', { time: Date.now() }],
    ['an invalid Date', { time: new Date(Number.NaN) }],
    ['amr as text', { time: startOfTime, amr: 'pwd' }],
    ['an empty sessionId', { time: startOfTime, sessionId: '' }],
  ])('authentication that returns %s is a 500 at the client, and an event that names the fix', async (_, session) => {
    host.sessions.set('alice', session as never)
    expect(await answerTo({})).toMatchObject({ error: 'server_error' })
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
      expect.stringMatching(/authentication.* must (be|return) \{ time/),
    ])
  })
})
