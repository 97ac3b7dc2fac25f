import type { Response } from 'supertest'
import {
  authorizeRouter,
  bearerGuard,
  type ConnectedAppsRouterOptions,
  connectedAppsRouter,
  deleteClient,
  issueTokens,
  listGrants,
  revokeGrants,
  tokenRouter,
  updateClient,
} from '../../src'
import { english } from '../../src/pages/english'
import { fieldsOf } from '../support/consent'
import { createHost, encode, type Host, paths, startOfTime, type Tokens } from '../support/host'
import { seenDuring } from '../support/turns'

const apps = '/account/apps'
let host: Host

async function begin(options: ConnectedAppsRouterOptions = {}): Promise<void> {
  host = await createHost({
    mount: (app, server) => void app.use(apps, connectedAppsRouter(server, options)),
  })
}
beforeEach(() => begin())

/** An authorization of a client by a user; its tokens. */
async function authorize(clientId = 'web', userId = 'alice', scope?: string): Promise<Tokens> {
  return (await issueTokens(host.server, { clientId, userId, scope })) as Tokens
}

function get(query = '', user: string | null = 'alice') {
  const sent = host.http().get(`${apps}${query}`)
  return user === null ? sent : sent.set('X-User', user)
}

function post(fields: Record<string, string>, { user = 'alice' as string | null, query = '?app=web' } = {}) {
  const sent = host.http().post(`${apps}${query}`).type('form').send(encode(fields))
  return user === null ? sent : sent.set('X-User', user)
}

/** The question whether an app is to be removed, and what the form sends back. */
async function ask(clientId = 'web', user = 'alice'): Promise<Record<string, string>> {
  return fieldsOf(await get(`?app=${encodeURIComponent(clientId)}`, user).expect(200))
}

const namesOf = ({ text }: Pick<Response, 'text'>) =>
  [...text.matchAll(/<h2[^>]*><bdi>([^<]*)<\/bdi>/g)].map(([, name]) => name)

const clientsOf = async (userId = 'alice') =>
  (await listGrants(host.server, { userId })).map(({ clientId }) => clientId).sort()

async function expectNothingRemoved(answer: PromiseLike<Response>): Promise<void> {
  const { status, text, headers } = await answer
  expect([status, headers.location]).toEqual([400, undefined])
  expect(text).toContain('role="alert"')
  expect(host.eventTypes()).not.toContain('grant.revoked')
}

it("is for browsers: an app with a token of the user sees no other app there, and ends none of the user's", async () => {
  host = await createHost({
    mount: (app, server) => void app.use(apps, connectedAppsRouter(server)),
    before: [(req, res, next) => (req.headers.authorization ? bearerGuard(host.server)(req, res, next) : next())],
  })
  const { access_token: token } = await authorize()
  await authorize('native')
  await host.http().get(apps).auth(token, { type: 'bearer' }).expect(403)
  const asked = await get('?app=native')
  const sent = host.http().post(apps).auth(token, { type: 'bearer' }).type('form')
  await sent.send(encode(fieldsOf(asked))).expect(403)
  expect(await clientsOf()).toEqual(['native', 'web'])
})

describe('the list', () => {
  it('says who is signed in, and that no app has access', async () => {
    const { text } = await get().expect(200)
    expect(text).toContain(english.noApps)
    expect(text).not.toContain('<ul class="apps">')
    expect(text).toContain('<strong>Alice</strong>')
  })

  it('names each app, since when, and for what in words', async () => {
    await updateClient(host.server, 'web', { name: 'Photo Printer' })
    await authorize('web', 'alice', 'read')
    const { text } = await get().expect(200)
    expect(namesOf({ text })).toEqual(['Photo Printer'])
    expect(text).toContain(`<h1>${english.appsTitle}</h1>`)
    expect(text).toContain(english.appsIntro)
    expect(text).toContain('Since January 15, 2027')
    expect(text).toContain('See your data')
    expect(text).not.toContain('Change your data')
  })

  it('lists an app from the moment its code is redeemed, and not for a code alone', async () => {
    host = await createHost({
      mount: (app, server) => {
        app.use(paths.authorize, authorizeRouter(server, { decide: () => ({ allow: true, userId: 'alice' }) }))
        app.use(paths.token, tokenRouter(server))
        app.use(apps, connectedAppsRouter(server))
      },
    })
    const code = await host.code()
    expect((await get().expect(200)).text).toContain(english.noApps)
    await host.exchange(host.web, code).expect(200)
    expect(namesOf(await get().expect(200))).toEqual(['web'])
  })

  it('says it in the language of the browser', async () => {
    await authorize()
    const { text } = await get().set('Accept-Language', 'de').expect(200)
    expect(text).toContain('Seit 15. Januar 2027')
    expect(text).toContain('Zugriff entziehen')
  })

  it('is of one user', async () => {
    await authorize('web', 'alice')
    await authorize('native', 'bob')
    expect(namesOf(await get())).toEqual(['web'])
    expect(namesOf(await get('', 'bob'))).toEqual(['native'])
  })

  it('has one entry for all installations of an app: the first date, and the scopes of all', async () => {
    await authorize('web', 'alice', 'read')
    host.clock.advance(86_400)
    await authorize('web', 'alice', 'write')
    const { text } = await get().expect(200)
    expect(namesOf({ text })).toEqual(['web'])
    expect(text).toContain('Since January 15, 2027')
    for (const words of ['See your data', 'Change your data']) expect(text).toContain(words)
  })

  it('says of an app without scopes that it knows who the user is', async () => {
    await host.register({ clientId: 'plain', scopes: [] })
    await authorize('plain')
    expect((await get().expect(200)).text).toContain(english.knowsYou)
  })

  it('has the latest app first, and nothing that is expired or revoked', async () => {
    await authorize('web')
    host.clock.advance(1)
    await authorize('native')
    expect(namesOf(await get())).toEqual(['native', 'web'])
    for (const clientId of ['zebra', 'ant']) {
      await host.register({ clientId })
      await authorize(clientId)
    }
    expect(namesOf(await get())).toEqual(['ant', 'native', 'zebra', 'web'])
    for (const clientId of ['zebra', 'ant']) await deleteClient(host.server, clientId)
    host.clock.advance(14 * 86_400 - 1)
    expect(namesOf(await get())).toEqual(['native'])
    await revokeGrants(host.server, { userId: 'alice' })
    expect(namesOf(await get())).toEqual([])
  })

  it('has nothing of a deleted client', async () => {
    await authorize()
    await deleteClient(host.server, 'web')
    expect((await get().expect(200)).text).toContain(english.noApps)
  })

  it('has what a client still holds whose record is gone, by its id, and removes it', async () => {
    await authorize()
    await host.storage.clients.delete('web')
    expect(namesOf(await get())).toEqual(['web'])
    await post(await ask()).expect(303)
    expect(await clientsOf()).toEqual([])
  })

  it('calls a scope that the server no longer has by its name', async () => {
    const grant = { id: 'g'.repeat(22), clientId: 'web', userId: 'alice', scope: ['gone'], data: {} }
    const times = { startedAt: startOfTime, expiresAt: startOfTime + 60 }
    await host.storage.grants.insert([], { ...grant, ...times })
    expect((await get().expect(200)).text).toContain('<bdi>gone</bdi>')
  })

  it('stays whole whatever apps, scopes and users are called', async () => {
    const evil = `"'><script>alert(1)</script>&amp;`
    host.people.set('alice', { id: 'alice', name: evil })
    await host.register({ clientId: 'a"><b>&?#', name: evil })
    await authorize('a"><b>&?#')
    const { text } = await get().expect(200)
    expect(text).not.toMatch(/<script|<b>/)
    const href = /<a class="button"[^>]* href="([^"]*)"/.exec(text)?.[1] ?? ''
    const question = await get(href).expect(200)
    expect(question.text).not.toMatch(/<script|<b>/)
    await post(fieldsOf(question), { query: href }).expect(303)
    expect(await clientsOf()).toEqual([])
  })

  it('is turned over page by page, and every app is on exactly one of them', async () => {
    const all: string[] = []
    for (let number = 0; number < 45; number++) {
      const { clientId } = await host.register({ clientId: `app-${number}`, tokenEndpointAuthMethods: ['none'] })
      await authorize(clientId)
      all.push(clientId)
    }
    const pages = [await get(), await get('?page=2'), await get('?page=3')]
    expect(pages.map((page) => namesOf(page).length)).toEqual([20, 20, 5])
    expect(pages.flatMap(namesOf).sort()).toEqual(all.sort())
    const links = pages.map(({ text }) => [...text.matchAll(/rel="(prev|next)" href="([^"]*)"/g)].map(([, , to]) => to))
    expect(links).toEqual([['?page=2'], ['?page=1', '?page=3'], ['?page=2']])
  })

  it.each(['?page=0', '?page=-1', '?page=x', '?page=1e9', '?page=99999999999999999999', '?page=2&page=3', '?page='])(
    'takes %s for a page that there is',
    async (query) => {
      await authorize()
      expect(namesOf(await get(query).expect(200))).toEqual(['web'])
    },
  )

  it('cannot be framed, cached, scripted or leaked', async () => {
    const { headers, text } = await get().expect(200)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    })
    expect(headers).not.toHaveProperty('set-cookie')
    expect(text).not.toMatch(/<script/)
  })

  it('writes nothing: only a question is stored', async () => {
    await authorize()
    host.storage.calls.length = 0
    await get().expect(200)
    expect(host.storage.calls).toEqual(['grants.list', 'clients.find'])
    host.storage.calls.length = 0
    await ask()
    expect(host.storage.calls).toEqual(['grants.list', 'grants.insert', 'clients.find'])
  })
})

describe('removing an app', () => {
  it('asks first; the answer ends everything that the app has, and nothing else', async () => {
    const [first, second, other] = [await authorize(), await authorize(), await authorize('native')]
    const bobs = await authorize('web', 'bob')
    const question = await get('?app=web').expect(200)
    expect(question.text).toContain('Remove the access of <strong>web</strong>?')
    const answer = await post(fieldsOf(question)).expect(303)
    expect(await clientsOf()).toEqual(['native'])
    expect(await clientsOf('bob')).toEqual(['web'])
    const opens = async ({ refresh_token }: Tokens, clientId: string) =>
      (await host.storage.grants.find(refresh_token.split('.')[0] as string))?.clientId === clientId
    expect(await Promise.all([opens(first, 'web'), opens(second, 'web')])).toEqual([false, false])
    expect(await Promise.all([opens(other, 'native'), opens(bobs, 'web')])).toEqual([true, true])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('lets others have their turn after each authorization that it ends', async () => {
    for (let n = 0; n < 20; n++) await authorize()
    const answer = await ask()
    const ended = () => host.eventTypes().filter((type) => type === 'grant.revoked').length
    const seen = await seenDuring(() => post(answer).expect(303), ended)
    for (let n = 1; n <= 20; n++) expect(seen).toContain(n)
  })

  it('leads back to the list, which says what was removed, to that user alone', async () => {
    await updateClient(host.server, 'web', { name: 'Photo Printer' })
    await authorize()
    const { location } = (await post(await ask()).expect(303)).headers
    expect(location).toMatch(/^\?removed=/)
    expect((await get(location)).text).toContain('role="status"><strong>Photo Printer</strong> can no longer')
    expect((await get(location, 'bob')).text).not.toContain('role="status"')
    await authorize('native')
    const unanswered = (await ask('native')).removal_transaction?.split('.')[0] as string
    for (const id of ['web', `${'A'.repeat(22)}~x`, unanswered]) {
      expect((await get(`?removed=${id}`).expect(200)).text).not.toContain('role="status"')
    }
    host.clock.advance(600)
    expect((await get(location)).text).not.toContain('role="status"')
  })

  it('ends what has come to the app since the question was asked', async () => {
    await authorize()
    const fields = await ask()
    host.clock.advance(60)
    await authorize()
    await post(fields).expect(303)
    expect(await clientsOf()).toEqual([])
  })

  it('asks about no app that the user has not let in', async () => {
    await authorize('web', 'bob')
    for (const query of ['?app=web', '?app=nobody', '?app=', '?app=__proto__']) {
      const { text } = await get(query).expect(200)
      expect(text).not.toContain('<form')
      expect(text).toContain(english.noApps)
    }
  })

  it('counts once', async () => {
    await authorize()
    const fields = await ask()
    await post(fields).expect(303)
    await authorize()
    host.events.length = 0
    await expectNothingRemoved(post(fields))
    expect(await clientsOf()).toEqual(['web'])
  })

  it('counts once in ten parallel requests', async () => {
    await authorize()
    const fields = await ask()
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(fields)))
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(9)
  })

  it('counts once, also where two answers have both found the question open', async () => {
    await authorize()
    const fields = await ask()
    const pause = host.storage.pauseBefore('grants.transition')
    const late = post(fields).then((answer) => answer)
    await pause.reached
    await post(fields).expect(303)
    pause.resume()
    expect((await late).status).toBe(400)
  })

  it('counts for ten minutes', async () => {
    await authorize()
    const [early, late] = [await ask(), await ask()]
    host.clock.advance(599)
    await post(early).expect(303)
    host.events.length = 0
    host.clock.advance(1)
    await expectNothingRemoved(post(late))
  })

  it('counts only from the user who was asked: another one in the same browser loses nothing', async () => {
    await authorize('web', 'alice')
    await authorize('web', 'bob')
    await expectNothingRemoved(post(await ask('web', 'alice'), { user: 'bob' }))
    expect([await clientsOf('alice'), await clientsOf('bob')]).toEqual([['web'], ['web']])
  })

  it('counts for the app that was shown, whatever the URL says', async () => {
    await authorize('web')
    await authorize('native')
    await post(await ask('native'), { query: '?app=web' }).expect(303)
    expect(await clientsOf()).toEqual(['web'])
  })

  it.each<[string, (transaction: string) => Record<string, string>]>([
    ['without one', () => ({})],
    ['empty', () => ({ removal_transaction: '' })],
    ['malformed', () => ({ removal_transaction: 'x' })],
    ['made up', () => ({ removal_transaction: `${'A'.repeat(22)}~x.${'A'.repeat(43)}` })],
    [
      'with a wrong secret',
      (transaction) => ({ removal_transaction: `${transaction.slice(0, -43)}${'A'.repeat(43)}` }),
    ],
    ['without its secret', (transaction) => ({ removal_transaction: transaction.slice(0, -44) })],
    ['under another name', (transaction) => ({ consent_transaction: transaction })],
  ])('a form of another site does nothing: a transaction %s', async (_, forge) => {
    await authorize()
    const { removal_transaction = '' } = await ask()
    await expectNothingRemoved(post(forge(removal_transaction)))
    expect(await clientsOf()).toEqual(['web'])
  })

  it('a token, a code or the id of a grant is no transaction', async () => {
    const tokens = await authorize()
    const [grant] = await listGrants(host.server, { userId: 'alice' })
    for (const removal_transaction of [tokens.refresh_token, tokens.access_token, grant?.id ?? '']) {
      await expectNothingRemoved(post({ removal_transaction }))
    }
    await post({ removal_transaction: 'x'.repeat(70_000) }).expect(413)
    expect(await clientsOf()).toEqual(['web'])
  })

  it('a GET removes nothing, whatever is in its URL', async () => {
    await authorize()
    await get(`?app=web&${encode(await ask())}`).expect(200)
    expect(await clientsOf()).toEqual(['web'])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['everything of the user was revoked', () => revokeGrants(host.server, { userId: 'alice' })],
    ['the client was deleted', () => deleteClient(host.server, 'web')],
  ])('has nothing to do when %s meanwhile', async (_, act) => {
    await authorize()
    const fields = await ask()
    host.clock.advance(10)
    await act()
    host.events.length = 0
    await expectNothingRemoved(post(fields))
  })

  it('does not say that it is done when storage fails', async () => {
    await authorize()
    const fields = await ask()
    host.storage.replace('grants.revoke', () => {
      throw new Error('secret detail')
    })
    const answer = await post(fields).expect(503)
    expect(answer.text).toContain(english.failureTitle)
    expect(answer.text).not.toContain('secret detail')
    host.storage.restore()
    await post(await ask()).expect(303)
  })
})

describe('somebody who is not signed in', () => {
  it('is told so, by 401 and without a password dialog', async () => {
    for (const answer of [await get('', null), await post(await askAsAlice(), { user: null })]) {
      expect(answer.status).toBe(401)
      expect(answer.text).toContain(english.signInTitle)
      expect(answer.headers).not.toHaveProperty('www-authenticate')
    }
    expect(await clientsOf()).toEqual(['web'])
  })

  it('is sent to the sign-in page, where there is one, with the way back', async () => {
    await begin({ signIn: '/login' })
    const answer = await get('?app=web', null).expect(303)
    expect(answer.headers.location).toBe('/login?return_to=%2Faccount%2Fapps%3Fapp%3Dweb')
    expect((await post(await askAsAlice(), { user: null }).expect(303)).headers.location).toMatch(/^\/login/)
    expect(await clientsOf()).toEqual(['web'])
  })

  it('is sent where the signIn function says', async () => {
    await begin({ signIn: async (returnTo) => `https://login.example/?next=${returnTo}` })
    expect((await get('', null).expect(303)).headers.location).toBe('https://login.example/?next=/account/apps')
  })

  async function askAsAlice() {
    await authorize()
    return ask()
  }
})

describe('the router', () => {
  it('has GET and POST, and no other method', async () => {
    for (const method of ['head', 'put', 'delete', 'patch'] as const) {
      const answer = await host.http()[method](apps).set('X-User', 'alice')
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST'])
    }
  })

  it('passes on what is below its path', async () => {
    await get('/settings').expect(418)
    await get('/').expect(200)
  })

  it('takes the user from where the host says', async () => {
    await begin({ user: (req) => req.get('X-Account') })
    await authorize('web', 'carol')
    const answer = await host.http().get(apps).set('X-Account', 'carol').expect(200)
    expect(namesOf(answer)).toEqual(['web'])
    expect(answer.text).toContain('<strong>carol</strong>')
  })

  it('shows nobody anything when the user function throws', async () => {
    await begin({
      user() {
        throw new Error('secret detail')
      },
    })
    const answer = await get().expect(500)
    expect(answer.text).not.toContain('secret detail')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'secret detail' } }])
  })

  it('answers JSON where that is asked for', async () => {
    const answer = await get('', null).set('Accept', 'application/json').expect(401)
    expect(answer.body).toEqual({ error: 'access_denied', error_description: 'No user is signed in.' })
  })

  it('throws at start-up for a signIn that is no page, and without a server', () => {
    expect(() => connectedAppsRouter(host.server, { signIn: '' })).toThrow("connectedAppsRouter's signIn")
    expect(() => connectedAppsRouter({} as never)).toThrow('createAuthorizationServer')
  })
})
