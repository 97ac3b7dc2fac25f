// ATTACKS.md row 16: only the answer to the very question that was shown, by the one who saw it, is an answer.
import {
  approve,
  authorizationCode,
  type Client,
  consentPage,
  type Decide,
  implicit,
  listGrants,
  refreshToken,
  updateClient,
} from '../../src/index'
import { answerConsent, askConsent, fieldsOf } from '../support/consent'
import { answerOf, createHost, encode, type Host, type HostOptions, paths, type TestClient } from '../support/host'

const makeHost = (options: HostOptions = {}, decide: Decide = consentPage({ signIn: '/login' })) =>
  createHost({ grants: [authorizationCode(), refreshToken(), implicit()], ...options, decide })

/** No code and no token came of it, and the client was not told anything either. */
async function nothingGranted(host: Host, answer: { status: number; headers: Record<string, string> }): Promise<void> {
  expect(answer.headers).not.toHaveProperty('location')
  expect(await listGrants(host.server)).toEqual([])
  expect(host.eventTypes()).not.toContain('code.issued')
  expect(host.eventTypes()).not.toContain('token.issued')
}

describe('consent', () => {
  it('is given once by the user who was asked (so that the refusals below mean something)', async () => {
    const host = await makeHost()
    const { query, shown, fields } = await askConsent(host, host.web)
    expect(shown.headers).not.toHaveProperty('location')
    const answer = await answerConsent(host, query, fields).expect(303)
    await host.exchange(host.web, answerOf(answer).code as string).expect(200)
  })

  it('is not given by showing the page, nor by a link that says yes', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    const yes = encode({ ...fields, consent: 'allow' })
    await nothingGranted(host, await host.http().get(`${paths.authorize}?${query}&${yes}`).set('X-User', 'alice'))
    await nothingGranted(
      host,
      await host.http().get(`${paths.authorize}?${query}&consent=allow`).set('X-User', 'alice'),
    )
  })

  it('replayed is no consent', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    await answerConsent(host, query, fields).expect(303)
    const again = await answerConsent(host, query, fields).expect(400)
    expect(again.headers).not.toHaveProperty('location')
    expect(host.eventTypes().filter((type) => type === 'code.issued')).toHaveLength(1)
  })

  it('given twice at the same time is one', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    const answers = await Promise.all(Array.from({ length: 10 }, () => answerConsent(host, query, fields)))
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
  })

  it('a denial is final: the same page cannot allow any more', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    const denied = await answerConsent(host, query, fields, { consent: 'deny' }).expect(303)
    expect(answerOf(denied)).toMatchObject({ error: 'access_denied', state: 'xyz' })
    await nothingGranted(host, await answerConsent(host, query, fields))
  })

  it.each<[string, (fields: Record<string, string>) => Record<string, string>]>([
    ['without the transaction: posted from another site', () => ({})],
    ['with a made-up transaction', () => ({ consent_transaction: `${'A'.repeat(22)}~t.${'B'.repeat(43)}` })],
    [
      'with the right id and a made-up secret',
      ({ consent_transaction = '' }) => ({
        consent_transaction: `${consent_transaction.split('.')[0]}.${'B'.repeat(43)}`,
      }),
    ],
    [
      'with the id alone',
      ({ consent_transaction = '' }) => ({ consent_transaction: consent_transaction.split('.')[0] as string }),
    ],
    ['with an empty transaction', () => ({ consent_transaction: '' })],
    ['with a name of Object.prototype', () => ({ consent_transaction: '__proto__' })],
  ])('is not given %s (CSRF)', async (_, forge) => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    await nothingGranted(host, await answerConsent(host, query, forge(fields)))
  })

  it("is not given with the attacker's own transaction (CSRF with a session swap)", async () => {
    const host = await makeHost()
    const attackers = await askConsent(host, host.web, {}, 'bob')
    await nothingGranted(host, await answerConsent(host, attackers.query, attackers.fields, { user: 'alice' }))
    // and it is still bob's
    await answerConsent(host, attackers.query, attackers.fields, { user: 'bob' }).expect(303)
  })

  it.each<[string, Record<string, string | undefined>]>([
    ['a wider scope', { scope: 'read write' }],
    ['no scope, which means the default', { scope: undefined }],
    ['another state', { state: 'evil' }],
    ['no state', { state: undefined }],
    ['another challenge', { code_challenge: 'A'.repeat(43) }],
    ['another response type', { response_type: 'token' }],
    ['another redirect URI', { redirect_uri: 'https://app.example/other' }],
    ['another client', { client_id: 'twin' }],
    ['one parameter more', { nonce: 'x' }],
  ])('for another request is no consent: %s', async (_, changed) => {
    const host = await makeHost()
    const redirectUris = ['https://app.example/cb', 'https://app.example/other']
    const grantTypes = ['authorization_code', 'implicit']
    const client = await host.register({ clientId: 'asks', redirectUris, grantTypes })
    await host.register({ clientId: 'twin', redirectUris, grantTypes })
    const { fields } = await askConsent(host, client, { scope: 'read' })
    await nothingGranted(
      host,
      await answerConsent(host, host.authorizationRequest(client, { scope: 'read', ...changed }), fields),
    )
  })

  it.each<[string, Partial<Client>]>([
    ['the scope that it gets by default', { defaultScopes: ['read', 'write'] }],
    ['the scope that it may have', { scopes: ['read', 'write'] }],
    ['its only redirect URI', { redirectUris: ['https://app.example/elsewhere'] }],
  ])('does not cover what was not shown: the client changed %s while the page was open', async (_, changes) => {
    const host = await makeHost()
    const client = await host.register({ clientId: 'moves', scopes: ['read', 'write'], defaultScopes: ['read'] })
    if (changes.scopes) await updateClient(host.server, 'moves', { scopes: ['read'] })
    const { query, fields } = await askConsent(host, client, { redirect_uri: undefined })
    await updateClient(host.server, 'moves', { ...changes, ...(changes.scopes && { defaultScopes: changes.scopes }) })
    await nothingGranted(host, await answerConsent(host, query, fields))
  })

  it('given too late is no consent', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    host.clock.advance(600)
    await nothingGranted(host, await answerConsent(host, query, fields))
  })

  it('given by a user who was signed out meanwhile leads to the sign-in page', async () => {
    const host = await makeHost()
    const { query, fields } = await askConsent(host, host.web)
    const answer = await answerConsent(host, query, fields, { user: 'nobody' })
    expect([answer.status, new URL(answer.headers.location ?? '', 'https://host.example').pathname]).toEqual([
      303,
      '/login',
    ])
    expect(answer.headers.location).not.toContain('consent')
    expect(await listGrants(host.server)).toEqual([])
  })

  it.each(['consent=allow&consent=deny', 'consent=deny&consent=allow'])(
    'of two minds is no consent: %s',
    async (both) => {
      const host = await makeHost()
      const { query, fields } = await askConsent(host, host.web)
      const sent = host.http().post(`${paths.authorize}?${query}`).set('X-User', 'alice').type('form')
      const answer = await sent.send(`${encode(fields)}&${both}`)
      expect(answerOf(answer)).not.toHaveProperty('code')
      expect(await listGrants(host.server)).toEqual([])
    },
  )

  it.each(['yes', 'ALLOW', 'true', '1', 'allow ', '__proto__'])(
    'with the button %j is asked for again',
    async (consent) => {
      const host = await makeHost()
      const { query, fields } = await askConsent(host, host.web)
      await nothingGranted(host, await answerConsent(host, query, fields, { consent }))
    },
  )

  it('cannot be given inside a frame (clickjacking): the page says so before anything is rendered', async () => {
    let before: unknown
    const decide = consentPage({
      signIn: '/login',
      render(_view, _req, res) {
        before = res.getHeaders()
        return 'x'
      },
    })
    const host = await makeHost({}, decide)
    await host.authorize()
    expect(before).toMatchObject({
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    })
  })
})

describe('remembered consent', () => {
  const remembering = consentPage({ signIn: '/login', remember: true })
  const consented = async (host: Host, client: TestClient, scope = 'read', user = 'alice') => {
    const { query, fields } = await askConsent(host, client, { scope }, user)
    const answer = await answerConsent(host, query, fields, { user })
    await host.exchange(client, answerOf(answer).code as string).expect(200)
  }

  it('is for the same user, client and scope, as long as the authorization lives', async () => {
    const host = await makeHost({}, remembering)
    await consented(host, host.web)
    expect(answerOf(await host.authorize(host.web, { scope: 'read' }))).toHaveProperty('code')
    for (const [parameters, user] of [
      [{ scope: 'write' }, 'alice'],
      [{ scope: 'read write' }, 'alice'],
      [{ scope: undefined }, 'alice'],
      [{ scope: 'read' }, 'bob'],
    ] as const) {
      expect((await host.authorize(host.web, parameters, user)).headers).not.toHaveProperty('location')
    }
    const [grant] = await listGrants(host.server)
    await host.server.storage.grants.revoke({ grantId: grant?.id as string }, host.clock.now)
    expect((await host.authorize(host.web, { scope: 'read' })).headers).not.toHaveProperty('location')
  })

  it('is not for a public client: any program can pose as it (RFC 8252 §8.6)', async () => {
    const host = await makeHost({}, remembering)
    const half = await host.register({ clientId: 'half', tokenEndpointAuthMethods: ['none', 'client_secret_basic'] })
    for (const client of [host.native, half]) {
      await consented(host, client)
      expect((await host.authorize(client, { scope: 'read' })).headers).not.toHaveProperty('location')
    }
  })

  it('is for a public client that the host names, and for no other', async () => {
    const decide = consentPage({ signIn: '/login', remember: { publicClients: ['native'] } })
    const host = await makeHost({}, decide)
    const other = await host.register({ clientId: 'nativ', tokenEndpointAuthMethods: ['none'] })
    for (const client of [host.native, other]) await consented(host, client)
    expect(answerOf(await host.authorize(host.native, { scope: 'read' }))).toHaveProperty('code')
    expect((await host.authorize(other, { scope: 'read' })).headers).not.toHaveProperty('location')
  })

  it("does not answer a POST that carries somebody's transaction", async () => {
    const host = await makeHost({}, remembering)
    await consented(host, host.web)
    const query = host.authorizationRequest(host.web, { scope: 'read' })
    const answer = await answerConsent(host, query, { consent_transaction: 'x' })
    expect(answer.headers).not.toHaveProperty('location')
  })
})

describe('approval without a question', () => {
  const approving = (clients: Parameters<typeof approve>[0]['clients']) => makeHost({}, approve({ clients }))

  it('is for the clients named, and for nobody who is signed out', async () => {
    const host = await approving(['web'])
    expect(answerOf(await host.authorize())).toHaveProperty('code')
    const other = await host.register({ clientId: 'we' })
    for (const client of [other, host.native]) {
      expect(answerOf(await host.authorize(client))).toMatchObject({ error: 'access_denied' })
    }
    const signedOut = await host.authorize(host.web, {}, null)
    expect([signedOut.status, signedOut.headers.location]).toEqual([403, undefined])
  })

  it('never goes to a program on the machine because a predicate was generous (RFC 8252 §8.6)', async () => {
    const host = await approving(() => true)
    const methods = { tokenEndpointAuthMethods: ['none'] as const }
    const app = await host.register({ clientId: 'app', ...methods }, 'com.example.app:/cb')
    const named = await host.register({ clientId: 'named', ...methods }, 'http://localhost:1234/cb')
    const v6 = await host.register({ clientId: 'v6', ...methods }, 'http://[::1]/cb')
    for (const client of [host.native, app, named, v6]) {
      expect(answerOf(await host.authorize(client))).toMatchObject({ error: 'access_denied' })
    }
  })

  it.each([1, 'yes', {}, [], new Boolean(true), undefined, null])(
    'needs exactly true: a predicate that answers %p approves nobody',
    async (answer) => {
      const host = await approving((() => answer) as never)
      expect(answerOf(await host.authorize())).toMatchObject({ error: 'server_error' })
    },
  )

  it('of a host whose own decider answers anything but allow: true is a denial or an error', async () => {
    for (const decision of [{ allow: 'yes' }, { allow: 1 }, {}, { userId: 'alice' }]) {
      const host = await makeHost({}, (() => decision) as never)
      expect(answerOf(await host.authorize())).toMatchObject({ error: 'server_error' })
    }
    const no = await makeHost({}, (() => ({ allow: false, userId: 'alice' })) as never)
    expect(answerOf(await no.authorize())).toMatchObject({ error: 'access_denied' })
    for (const userId of [undefined, '', null, {}, [], Number.NaN, true]) {
      const host = await makeHost({}, (() => ({ allow: true, userId })) as never)
      expect(answerOf(await host.authorize())).toMatchObject({ error: 'server_error' })
    }
    const wide = await makeHost({}, () => ({ allow: true, userId: 'alice', scope: 'read admin' }))
    expect(answerOf(await wide.authorize(wide.web, { scope: 'read' }))).toMatchObject({ error: 'server_error' })
    const throwing = await makeHost({}, () => {
      throw new Error('database password is hunter2')
    })
    const answer = await throwing.authorize()
    expect(answerOf(answer)).toMatchObject({ error: 'server_error' })
    expect(answer.headers.location).not.toContain('hunter2')
  })
})

it('a page of its own that a host renders gets plain text, and its form is believed no more than ours', async () => {
  let seen = {}
  const decide = consentPage({
    signIn: '/login',
    render(view) {
      seen = view
      return ''
    },
  })
  const host = await makeHost({}, decide)
  await host.authorize(host.web, { scope: 'read' })
  expect(seen).toMatchObject({
    client: { id: 'web' },
    redirectHost: 'app.example',
    user: { id: 'alice', name: 'Alice' },
  })
  expect(fieldsOf({ text: '' })).toEqual({})
})
