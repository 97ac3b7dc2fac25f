import express from 'express'
import request, { type Response } from 'supertest'
import {
  authorizationCode,
  authorizeRouter,
  type ConsentPageOptions,
  consentPage,
  createAuthorizationServer,
  deleteClient,
  refreshToken,
  revokeGrants,
  updateClient,
} from '../../src'
import { answerOf, createHost, encode, type Host, type Parameters, paths, type TestClient } from '../support/host'

let host: Host
beforeEach(() => begin())

async function begin(options: Partial<ConsentPageOptions> = {}): Promise<void> {
  const grants = [authorizationCode(), refreshToken()]
  host = await createHost({ grants, decide: consentPage({ signIn: '/login', ...options }) })
}

interface Page {
  url: string
  fields: Record<string, string>
  text: string
}

const decodeEntities = (html: string) =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** The form of a page, as a browser reads it. */
function pageOf(answer: Response, url: string): Page {
  const inputs = [...answer.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  return {
    url,
    fields: Object.fromEntries(
      inputs.map(([, name = '', value = '']) => [decodeEntities(name), decodeEntities(value)]),
    ),
    text: answer.text,
  }
}

const urlOf = (client: TestClient, parameters: Parameters = {}) =>
  `${paths.authorize}?${host.authorizationRequest(client, parameters)}`

/** The consent page, as `user` sees it. */
async function open(client = host.web, parameters: Parameters = {}, user = 'alice'): Promise<Page> {
  const answer = await host.authorize(client, parameters, user).expect(200)
  return pageOf(answer, urlOf(client, parameters))
}

/** What the browser of `user` sends when a button of the page is pressed, after a look at it. */
function press(button: 'allow' | 'deny', page: Page, user: string | null = 'alice') {
  host.clock.advance(0.5)
  const sent = host
    .http()
    .post(page.url)
    .type('form')
    .send(encode({ ...page.fields, consent: button }))
  return user === null ? sent : sent.set('X-User', user)
}

async function expectAskedAgain(answer: PromiseLike<Response>): Promise<void> {
  const { status, text, headers } = await answer
  expect([status, headers.location]).toEqual([400, undefined])
  expect(text).toContain('role="alert"')
  expect(host.eventTypes()).not.toContain('code.issued')
}

describe('the APIs that the client named (RFC 8707)', () => {
  const files = 'https://files.example.com'
  const mail = 'https://mail.example.com/v1'
  const grants = [authorizationCode(), refreshToken()]
  beforeEach(async () => {
    host = await createHost({ grants, decide: consentPage({ signIn: '/login' }), resources: [files, mail] })
  })

  it('are shown, as the server spells them, in the language of the page', async () => {
    const { text } = await open(host.web, { resource: `${mail} ${files}/` })
    expect(text).toContain(`Access is limited to <strong>${files} and ${mail}</strong>.`)
    const german = await open(host.web, { resource: mail, ui_locales: 'de' })
    expect(german.text).toContain(`Der Zugriff ist auf <strong>${mail}</strong> beschränkt.`)
    const spanish = await open(host.web, { resource: mail, ui_locales: 'es' })
    expect(spanish.text).toContain(`El acceso se limita a <strong>${mail}</strong>.`)
  })

  it('are not shown where it named none', async () => {
    expect((await open()).text).not.toContain('Access is limited to')
  })

  it('are what the answer is for: the page of one API does not answer for another', async () => {
    const page = await open(host.web, { resource: files })
    await expectAskedAgain(press('allow', { ...page, url: urlOf(host.web, { resource: mail }) }))
  })

  it('are given to a page of the host', async () => {
    const seen: unknown[] = []
    const decide = consentPage({
      signIn: '/login',
      render: (view) => {
        seen.push(view.resources)
        return 'page'
      },
    })
    host = await createHost({ grants, decide, resources: [files, mail] })
    await open(host.web, { resource: files })
    await open()
    expect(seen).toEqual([[files], []])
  })
})

describe('the consent page', () => {
  it('shows the client, where the browser goes next, the account, and the scopes in words', async () => {
    await updateClient(host.server, 'web', { name: 'Photo Printer', description: 'Prints your photos' })
    const { text } = await open()
    for (const words of [
      'Photo Printer',
      'Prints your photos',
      'app.example',
      'Alice',
      'See your data',
      'Change your',
    ]) {
      expect(text).toContain(words)
    }
    expect((await open(host.web, { scope: 'read' })).text).not.toContain('Change your data')
  })

  it('shows an app without a web address by its scheme', async () => {
    const client = await host.register({}, 'com.example.app:/cb')
    expect((await open(client)).text).toContain('com.example.app')
  })

  it('leaves nothing in storage but the question, whatever the answer', async () => {
    const page = await open()
    const asked = host.storage.storedIds()
    expect(asked).toHaveLength(1)
    await press('deny', page).expect(303)
    expect(host.storage.storedIds()).toStrictEqual(asked)
  })

  it('needs no script, and its form has no action', async () => {
    const { text } = await open()
    expect(text).not.toMatch(/<script|javascript:|\son\w+=/i)
    expect(text.match(/<form[^>]*>/g)).toEqual(['<form method="post">'])
    expect(text).toMatch(/<button[^>]* name="consent" value="allow">/)
    expect(text).toMatch(/<button[^>]* name="consent" value="deny">/)
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/)
  })

  it('cannot be framed, cached, scripted or leaked, and its form may lead anywhere', async () => {
    const { headers } = await host.authorize().expect(200)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    })
    const policy = headers['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    // browsers apply form-action to the redirect that follows the form
    expect(policy).not.toContain('form-action')
    expect(headers).not.toHaveProperty('set-cookie')
  })

  it('stays whole whatever the client and the user are called', async () => {
    const evil = `"'><script>alert(1)</script>&amp;`
    await updateClient(host.server, 'web', { name: evil, description: evil })
    host.people.set('alice', { id: 'alice', name: evil })
    const { text } = await open(host.web, { state: evil })
    expect(text).not.toContain('<script>')
    expect(text).toContain('&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;')
  })

  it.each<[string, unknown, string]>([
    ['its displayName', { id: 1, displayName: 'D', name: 'N', username: 'U' }, 'D'],
    ['its username', { id: 1, name: { first: 'x' }, username: 'U' }, 'U'],
    ['its username, where it has no name', { id: 1, displayName: '', username: 'U' }, 'U'],
    ['its email', { id: 1, email: 'e@example.com' }, 'e@example.com'],
    ['its id', { id: 17 }, '17'],
    ['its id, where that is all', 'seventeen', 'seventeen'],
  ])('calls the account by %s', async (_, user, name) => {
    await begin({ user: () => user })
    expect((await open()).text).toContain(`<strong>${name}</strong>`)
  })
})

describe('Allow and Deny', () => {
  it('Allow is answered 303 with a code that works', async () => {
    const answer = await press('allow', await open())
    expect(answer.status).toBe(303)
    expect(answerOf(answer)).toEqual({ code: expect.any(String), state: 'xyz', iss: 'https://auth.example.com' })
    const { body } = await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
    expect((await host.me(body.access_token)).body.user.id).toBe('alice')
  })

  it('Deny is answered 303 with access_denied', async () => {
    const answer = await press('deny', await open())
    expect(answer.status).toBe(303)
    expect(answerOf(answer)).toMatchObject({ error: 'access_denied', state: 'xyz' })
    expect(host.eventTypes()).toEqual(['authorization.denied'])
  })

  it('the answer counts once: the form sent again asks again', async () => {
    const page = await open()
    await press('allow', page).expect(303)
    host.events.length = 0
    await expectAskedAgain(press('allow', page))
    const denied = await open()
    await press('deny', denied).expect(303)
    host.events.length = 0
    await expectAskedAgain(press('allow', denied))
  })

  it('the answer counts once in 20 parallel requests', async () => {
    const page = await open()
    const answers = await Promise.all(Array.from({ length: 20 }, () => press('allow', page)))
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
    expect(host.eventTypes().filter((type) => type === 'code.issued')).toHaveLength(1)
  })

  it('the answer counts once, also where two of them have both found the question open', async () => {
    const page = await open()
    const pause = host.storage.pauseBefore('grants.transition')
    const late = press('deny', page).then((answer) => answer)
    await pause.reached
    await press('allow', page).expect(303)
    pause.resume()
    expect((await late).status).toBe(400)
  })

  it('a page that is shown again works', async () => {
    const page = await open()
    await press('deny', page).expect(303)
    const again = pageOf(await press('allow', page).expect(400), page.url)
    expect(answerOf(await press('allow', again).expect(303))).toHaveProperty('code')
  })

  it('the answer may be given for ten minutes', async () => {
    const [early, late] = [await open(), await open()]
    host.clock.advance(599)
    await press('allow', early).expect(303)
    host.events.length = 0
    host.clock.advance(1)
    await expectAskedAgain(press('allow', late))
  })

  it('the user that the page was shown to must give it: no session swap (RFC 9700 §4.7)', async () => {
    await expectAskedAgain(press('allow', await open(), 'bob'))
    const answer = await press('deny', await open(), 'bob')
    expect(answer.status).toBe(400)
  })

  it.each<[string, Parameters]>([
    ['more scope', { scope: 'read write' }],
    ['another state', { state: 'abc' }],
    ['another challenge', { code_challenge: 'A'.repeat(43) }],
    ['another redirect_uri', { redirect_uri: 'https://app.example/other' }],
    ['one parameter less', { extra: undefined }],
    ['one parameter more', { more: 'x' }],
  ])('it counts for the request that was shown, not for one with %s', async (_, changes) => {
    const client = await host.register({ redirectUris: ['https://app.example/cb', 'https://app.example/other'] })
    const shown = { scope: 'read', extra: 'x' }
    const { fields, text } = await open(client, shown)
    await expectAskedAgain(press('allow', { fields, text, url: urlOf(client, { ...shown, ...changes }) }))
  })

  it('it counts for the client that was shown', async () => {
    const other = await host.register({ clientId: 'other' })
    const { fields, text } = await open()
    await expectAskedAgain(press('allow', { fields, text, url: urlOf(other) }))
  })

  it.each<[string, (transaction: string) => string]>([
    ['made up', () => `${'A'.repeat(22)}~t.${'A'.repeat(43)}`],
    ['with a wrong secret', (transaction) => `${transaction.slice(0, -43)}${'A'.repeat(43)}`],
    ['without its secret', (transaction) => transaction.slice(0, -44)],
    ['malformed', () => 'x'],
  ])('a transaction %s counts for nothing', async (_, forge) => {
    const page = await open()
    const consent_transaction = forge(String(page.fields.consent_transaction))
    await expectAskedAgain(press('allow', { ...page, fields: { consent_transaction } }))
    await press('allow', page).expect(303)
  })

  it('a code is no transaction, and a transaction is no code and no token', async () => {
    const page = await open()
    const consent_transaction = String(page.fields.consent_transaction)
    expect((await host.exchange(host.web, consent_transaction).expect(400)).body.error).toBe('invalid_grant')
    expect(await host.isAlive({ access_token: consent_transaction })).toBe(false)
    const code = String(answerOf(await press('allow', page).expect(303)).code)
    host.events.length = 0
    await expectAskedAgain(press('allow', { ...page, fields: { consent_transaction: code } }))
  })

  it('an answer that is neither counts for nothing', async () => {
    const page = await open()
    for (const consent of ['yes', '', 'ALLOW', undefined]) {
      const answer = host.http().post(page.url).set('X-User', 'alice').type('form')
      await expectAskedAgain(answer.send(encode({ ...page.fields, consent })))
    }
    await press('allow', page).expect(303)
  })

  it('GET never approves, whatever is in the URL', async () => {
    const page = await open()
    const answer = await host
      .http()
      .get(`${page.url}&${encode({ ...page.fields, consent: 'allow' })}`)
      .set('X-User', 'alice')
      .expect(200)
    expect(answer.text).toContain('<form')
    expect(host.eventTypes()).toEqual([])
  })
})

describe('a POST', () => {
  const post = (parameters: Parameters, user: string | null = 'alice') => {
    const sent = host.http().post(paths.authorize).type('form').send(host.authorizationRequest(host.web, parameters))
    return user === null ? sent : sent.set('X-User', user)
  }

  it('without a transaction is an ordinary authorization request (RFC 6749 §3.1)', async () => {
    for (const parameters of [{}, { consent: 'allow' }]) {
      const answer = await post(parameters).expect(200)
      expect(answer.text).toContain('<form')
      expect(answer.text).not.toContain('role="alert"')
    }
    expect(host.eventTypes()).toEqual([])
  })

  it('that began it is carried by the page, and Allow works', async () => {
    const page = pageOf(await post({ state: `a"b'c&d` }).expect(200), paths.authorize)
    expect(page.fields).toMatchObject({ client_id: 'web', response_type: 'code', state: `a"b'c&d` })
    const answer = await press('allow', page).expect(303)
    expect(answerOf(answer)).toEqual({
      code: expect.any(String),
      state: `a"b'c&d`,
      iss: 'https://auth.example.com',
    })
    await host.exchange(host.web, String(answerOf(answer).code)).expect(200)
  })

  it('may bring the parameters in another order, as a page of the host may send them', async () => {
    const { fields, ...page } = pageOf(await post({ scope: 'read' }).expect(200), paths.authorize)
    for (const turned of [Object.entries(fields).reverse(), Object.entries(fields).sort()]) {
      const again = await open(host.web, { scope: 'read' })
      const sent = { ...Object.fromEntries(turned), consent_transaction: again.fields.consent_transaction as string }
      await press('allow', { ...page, fields: sent }).expect(303)
    }
  })

  it('by somebody who is not signed in comes back from the sign-in page as GET', async () => {
    const answer = await post({}, null).expect(303)
    const returnTo = new URL(String(answer.headers.location), 'http://x').searchParams.get('return_to') ?? ''
    expect(returnTo).toBe(urlOf(host.web))
    await host.http().get(returnTo).set('X-User', 'alice').expect(200)
  })
})

describe('somebody who is not signed in', () => {
  it('is sent to the sign-in page, with the way back', async () => {
    const answer = await host.authorize(host.web, { state: 'a&b=c d' }, null).expect(303)
    const { pathname, searchParams } = new URL(String(answer.headers.location), 'http://x')
    expect(pathname).toBe('/login')
    const page = await host
      .http()
      .get(String(searchParams.get('return_to')))
      .set('X-User', 'alice')
      .expect(200)
    const url = String(searchParams.get('return_to'))
    expect(answerOf(await press('allow', pageOf(page, url)).expect(303)).state).toBe('a&b=c d')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('is sent where the signIn function says', async () => {
    await begin({ signIn: async (returnTo, req) => `https://login.example/${req.method}?next=${returnTo.length}` })
    const answer = await host.authorize(host.web, {}, null).expect(303)
    expect(answer.headers.location).toBe(`https://login.example/GET?next=${urlOf(host.web).length}`)
  })

  it('is sent to a sign-in page that has a query', async () => {
    await begin({ signIn: '/login?theme=dark' })
    const answer = await host.authorize(host.web, {}, null).expect(303)
    expect(answer.headers.location).toMatch(/^\/login\?theme=dark&return_to=%2Foauth2%2Fauthorize%3F/)
  })

  it('signed out while the page was open: signs in again and is asked again', async () => {
    const page = await open()
    const answer = await press('allow', page, null).expect(303)
    const returnTo = String(new URL(String(answer.headers.location), 'http://x').searchParams.get('return_to'))
    expect(returnTo).not.toContain('consent')
    const again = await host.http().get(returnTo).set('X-User', 'alice').expect(200)
    expect(again.text).toContain('<form')
  })

  it('sees errors on a page: a link to us must not be a link to anywhere (RFC 9700 §4.11.2)', async () => {
    for (const parameters of [{ scope: 'everything' }, { response_type: 'x' }, { code_challenge: undefined }]) {
      const answer = await host.authorize(host.web, parameters, null).expect(400)
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.text).toContain('<h1>')
      expect(answerOf(await host.authorize(host.web, parameters).expect(302))).toHaveProperty('error')
    }
  })
})

describe('nothing comes of Allow when, while the page was open,', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['everything of the user was revoked', () => revokeGrants(host.server, { userId: 'alice' })],
    ['everything of the client was revoked', () => revokeGrants(host.server, { clientId: 'web' })],
  ])('%s', async (_, revoke) => {
    const page = await open()
    host.clock.advance(10)
    await revoke()
    host.clock.advance(10)
    host.events.length = 0
    await expectAskedAgain(press('allow', page))
  })

  it('the client was deleted', async () => {
    const page = await open()
    await deleteClient(host.server, 'web')
    const answer = await press('allow', page).expect(400)
    expect(answer.headers).not.toHaveProperty('location')
  })

  it.each([
    ['has more than was shown', ['read', 'write', 'clients']],
    ['has lost some of what was shown', ['read']],
  ])('the client %s, and the request named no scope', async (_, scopes) => {
    const page = await open()
    await updateClient(host.server, 'web', { scopes })
    await expectAskedAgain(press('allow', page))
  })

  it('everything of the user was revoked, and storage hears of it only after Allow', async () => {
    const page = await open()
    host.clock.advance(10)
    const pause = host.storage.pauseBefore('grants.revoke')
    const revocation = revokeGrants(host.server, { userId: 'alice' })
    await pause.reached
    host.clock.advance(10)
    const code = String(answerOf(await press('allow', page).expect(303)).code)
    pause.resume()
    await revocation
    expect((await host.exchange(host.web, code).expect(400)).body.error).toBe('invalid_grant')
  })

  it('everything of the user is revoked between Allow and the code', async () => {
    const page = await open()
    host.clock.advance(10)
    const pause = host.storage.pauseBefore('grants.insert')
    const answer = press('allow', page).then((response) => response)
    await pause.reached
    await revokeGrants(host.server, { userId: 'alice' })
    pause.resume()
    const code = String(answerOf(await answer).code)
    expect((await host.exchange(host.web, code).expect(400)).body.error).toBe('invalid_grant')
  })
})

describe('remember', () => {
  async function signInOnce(client: TestClient, parameters: Parameters = {}): Promise<void> {
    const answer = await press('allow', await open(client, parameters)).expect(303)
    await host.exchange(client, String(answerOf(answer).code)).expect(200)
  }
  const isAsked = async (client: TestClient, parameters: Parameters = {}, user = 'alice') =>
    (await host.authorize(client, parameters, user)).status === 200

  it('is off unless it is named', async () => {
    await signInOnce(host.web)
    expect(await isAsked(host.web)).toBe(true)
  })

  describe('for a client with a secret', () => {
    beforeEach(async () => {
      await begin({ remember: true })
      await signInOnce(host.web, { scope: 'read' })
    })

    it('asks once for a scope', async () => {
      expect(await isAsked(host.web, { scope: 'read' })).toBe(false)
    })

    it('asks for more scope', async () => {
      expect(await isAsked(host.web, { scope: 'read write' })).toBe(true)
    })

    it('asks every user', async () => {
      expect(await isAsked(host.web, { scope: 'read' }, 'bob')).toBe(true)
    })

    it('asks for every client', async () => {
      expect(await isAsked(await host.register(), { scope: 'read' })).toBe(true)
    })

    it('asks again after a revocation', async () => {
      await revokeGrants(host.server, { userId: 'alice' })
      expect(await isAsked(host.web, { scope: 'read' })).toBe(true)
    })

    it('asks again after the authorization has expired', async () => {
      host.clock.advance(14 * 24 * 3600)
      expect(await isAsked(host.web, { scope: 'read' })).toBe(true)
    })

    it('does not answer for a user who has pressed Deny', async () => {
      const page = await open(host.web, { scope: 'read write' })
      expect(answerOf(await press('deny', page).expect(303)).error).toBe('access_denied')
    })
  })

  it('never makes a yes of an answer that could not be used', async () => {
    await begin({ remember: true })
    const page = await open()
    await signInOnce(host.web)
    await press('deny', page).expect(303)
    const answer = await press('deny', page).expect(400)
    expect(answer.text).toContain('role="alert"')
  })

  it('ends with a maxAge that came later than the session', async () => {
    await signInOnce(host.web)
    const later = createAuthorizationServer({
      issuer: host.server.issuer,
      storage: host.storage,
      scopes: [...host.server.scopes.keys()],
      grants: [authorizationCode(), refreshToken({ maxAge: 1000 })],
      now: () => host.clock.now,
    })
    const app = express()
      .use((req, _res, next) => {
        req.user = { id: 'alice' }
        next()
      })
      .use(authorizeRouter(later, { decide: consentPage({ signIn: '/login', remember: true }) }))
    const visit = () => request(app).get(`/?${host.authorizationRequest(host.web)}`)
    host.clock.advance(999)
    await visit().expect(302)
    host.clock.advance(1)
    await visit().expect(200)
  })

  it('asks for a public client each time, because any program can pose as it (RFC 8252 §8.6)', async () => {
    const sometimes = { tokenEndpointAuthMethods: ['none', 'client_secret_post'] } as const
    await begin({ remember: true })
    for (const client of [host.native, await host.register(sometimes)]) {
      const inBody = { ...client, clientSecret: undefined }
      const code = String(answerOf(await press('allow', await open(client)).expect(303)).code)
      await host.exchange(inBody as never, code).expect(200)
      expect(await isAsked(client)).toBe(true)
    }
  })

  it('asks once for a public client that is named', async () => {
    await begin({ remember: { publicClients: ['native'] } })
    await signInOnce(host.native)
    expect(await isAsked(host.native)).toBe(false)
    await signInOnce(host.web)
    expect(await isAsked(host.web)).toBe(false)
    const other = await host.register({ tokenEndpointAuthMethods: ['none'] })
    await signInOnce(other)
    expect(await isAsked(other)).toBe(true)
  })
})

describe('render', () => {
  it('shows another page, under the same headers', async () => {
    await begin({ render: (view) => `<p>${view.client.id} ${view.user.name} ${view.redirectHost}</p>` })
    const answer = await host.authorize().expect(200)
    expect(answer.text).toBe('<p>web Alice app.example</p>')
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  })

  it('gets everything that a page needs', async () => {
    const views: unknown[] = []
    await begin({ render: (view) => String(views.push(view)) })
    await host.authorize(host.web, { scope: 'read' }).expect(200)
    expect(views).toEqual([
      {
        client: { id: 'web', name: 'web' },
        redirectHost: 'app.example',
        resources: [],
        onDevice: false,
        language: 'en',
        user: { id: 'alice', name: 'Alice' },
        scopes: [{ scope: 'read', description: 'See your data' }],
        details: [],
        claims: [],
        fields: [{ name: 'consent_transaction', value: expect.any(String) }],
        allow: { name: 'consent', value: 'allow' },
        deny: { name: 'consent', value: 'deny' },
      },
    ])
  })

  it('that has answered the browser and returns HTML, too, is not answered over: a second end would end the process', async () => {
    const errors: unknown[] = []
    await begin({
      render(_view, _req, res) {
        res.on('error', (error) => errors.push(error))
        res.send('<p>once</p>')
        return '<p>twice</p>'
      },
    })
    expect((await host.authorize().expect(200)).text).toBe('<p>once</p>')
    expect(errors).toEqual([])
  })

  it('may answer the browser itself, later', async () => {
    await begin({
      render(_view, _req, res) {
        setImmediate(() => res.send('later'))
      },
    })
    expect((await host.authorize().expect(200)).text).toBe('later')
  })

  it('may answer the browser itself, and loosen a header', async () => {
    await begin({
      render(_view, _req, res) {
        res.setHeader('Content-Security-Policy', "default-src 'self'")
        res.status(200).send('my own')
      },
    })
    const answer = await host.authorize().expect(200)
    expect([answer.text, answer.headers['content-security-policy']]).toEqual(['my own', "default-src 'self'"])
  })
})

describe('switchUser', () => {
  const linkOf = ({ text }: Pick<Response, 'text'>) => /<a href="([^"]*)">Not you\?<\/a>/.exec(text)?.[1]

  it('is where somebody goes who is not the user, and comes back from to the same question', async () => {
    await begin({ switchUser: '/switch' })
    const link = decodeEntities(linkOf(await host.authorize(host.web, { state: `"'<b>&` }).expect(200)) ?? '')
    const { pathname, searchParams } = new URL(link, 'http://x')
    expect(pathname).toBe('/switch')
    const returnTo = String(searchParams.get('return_to'))
    const again = pageOf(await host.http().get(returnTo).set('X-User', 'bob').expect(200), returnTo)
    expect(again.text).toContain('<strong>Bob</strong>')
    expect(answerOf(await press('allow', again, 'bob').expect(303)).state).toBe(`"'<b>&`)
  })

  it('may be a function; without it there is no such link', async () => {
    expect(linkOf(await host.authorize().expect(200))).toBeUndefined()
    await begin({ switchUser: (returnTo) => `https://login.example/?next=${returnTo.length}&prompt=1` })
    const link = linkOf(await host.authorize().expect(200))
    expect(link).toBe(`https://login.example/?next=${urlOf(host.web).length}&amp;prompt=1`)
  })

  it('does not carry the answer of the form along', async () => {
    await begin({ switchUser: '/switch' })
    const page = await open()
    await press('deny', page).expect(303)
    expect(linkOf(await press('allow', page).expect(400))).not.toContain('consent')
  })

  it('throws at start-up when it is empty', () => {
    expect(() => consentPage({ signIn: '/login', switchUser: '' })).toThrow("consentPage's switchUser")
  })
})

it.each([
  ['https://app.example/cb', false],
  ['http://127.0.0.1:4321/cb', true],
  ['http://localhost/cb', true],
  ['http://app.localhost:5173/cb', true],
  ['com.example.app:/cb', true],
])('says of %s whether an app on this device is waiting (RFC 8252 §8.6): %p', async (uri, onDevice) => {
  const client = await host.register({}, uri)
  expect((await open(client)).text.includes('an app on this device')).toBe(onDevice)
})

// whatever stands where a host would: anybody can write that of a bank there
it.each<[string, string, string]>([
  ['en', 'cursor://bank.example/cb', 'an app on this device that opens <strong>cursor</strong>: links either way'],
  ['de', 'cursor://bank.example/cb', 'zu einer App auf diesem Gerät, die <strong>cursor</strong>:-Links öffnet'],
  [
    'es',
    'cursor://bank.example/cb',
    'una aplicación de este dispositivo que abre los enlaces «<strong>cursor</strong>:»',
  ],
  ['en', 'com.example.app://bank.example/cb', 'that opens <strong>com.example.app</strong>: links either way'],
])('in %s says by which scheme %s gets the answer', async (ui_locales, uri, words) => {
  const client = await host.register({ tokenEndpointAuthMethods: ['none'] }, uri)
  const { text } = await host.authorize(client, { ui_locales })
  expect(text).toContain(words)
  expect(text.replace(/<input[^>]*>/g, '')).not.toContain('bank')
})

it('tells a page of the host that an app gets the answer, and by which scheme', async () => {
  const views: unknown[] = []
  await begin({ render: ({ redirectHost, onDevice, scheme }) => String(views.push([redirectHost, onDevice, scheme])) })
  const uris = ['cursor://bank.example/cb', 'http://127.0.0.1:1/cb', 'https://app.example/cb']
  for (const uri of uris) await host.authorize(await host.register({ tokenEndpointAuthMethods: ['none'] }, uri))
  expect(views).toEqual([
    ['cursor', true, 'cursor'],
    ['127.0.0.1:1', true, undefined],
    ['app.example', false, undefined],
  ])
})

describe('user', () => {
  it('says who is signed in, where it is not req.user', async () => {
    await begin({ user: async (req) => ({ id: req.get('X-Session'), name: 'Somebody' }) })
    const url = urlOf(host.web)
    const answer = await host.http().get(url).set('X-Session', 'bob').expect(200)
    host.clock.advance(0.5)
    const allowed = await host
      .http()
      .post(url)
      .set('X-Session', 'bob')
      .type('form')
      .send(encode({ ...pageOf(answer, url).fields, consent: 'allow' }))
      .expect(303)
    const { body } = await host.exchange(host.web, String(answerOf(allowed).code)).expect(200)
    expect((await host.me(body.access_token)).body.user.id).toBe('bob')
  })

  it('whose id is an object of the database is an error that the host hears of, and no endless sign-in', async () => {
    await begin({ user: () => ({ id: { toString: () => 'alice' } }) })
    expect((await host.authorize()).status).toBe(500)
    const [event] = host.events.filter(({ type }) => type === 'error')
    expect(String((event as { error: Error }).error.cause)).toContain('must be a string or a number')
  })

  it.each([undefined, null, '', false])('%p is nobody', async (value) => {
    await begin({ user: () => value })
    await host
      .authorize()
      .expect(303)
      .expect('Location', /^\/login/)
  })

  it('that throws means no, and a page without a redirect', async () => {
    await begin({
      user() {
        throw new Error('secret detail')
      },
    })
    const answer = await host.authorize().expect(500)
    expect(answer.text).not.toContain('secret detail')
    expect(answer.headers).not.toHaveProperty('location')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
  })
})
