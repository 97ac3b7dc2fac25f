// ATTACKS.md row 61: the forms of the developer pages. A POST counts once, only for the user who was shown the form, and
// only for what the form was about; a secret is in one response; what strangers wrote stays text.
import { bearerGuard, connectedAppsRouter, deleteClient, issueTokens, listClients, updateClient } from '../../src/index'
import { issuePersonalToken, listPersonalTokens } from '../../src/personal-tokens'
import { fieldsOf } from '../support/consent'
import {
  appsOf,
  type DeveloperHost,
  developer,
  developerHost,
  namesIn,
  script,
  secretIn,
  webApp,
} from '../support/developer'
import type { Host } from '../support/host'

let host: DeveloperHost
beforeEach(async () => {
  host = await developerHost()
})

const tokensOf = (userId = 'alice') => listPersonalTokens(host.server, { userId })
/** Everything that a form could have changed. */
const everything = async ({ server }: Host = host) =>
  JSON.stringify([await listClients(server), await tokensOf(), await tokensOf('bob')])

async function makeToken(): Promise<string> {
  const token = { clientId: 'personal', userId: 'alice', name: 'backup', scope: 'read', expiresIn: 86_400 }
  return (await issuePersonalToken(host.server, token)).id
}

/** Each form, by its action, with what a person would enter; and where it is. */
async function forms(): Promise<Record<string, [query: string, fields: Record<string, string>]>> {
  const { clientId } = await host.makeApp()
  const id = await makeToken()
  return {
    create: ['?page=new&kind=web', webApp],
    save: [`?app=${clientId}&page=edit`, { ...webApp, client_name: 'Changed' }],
    secret: [`?app=${clientId}&page=secret`, { overlap: '0' }],
    delete: [`?app=${clientId}&page=delete`, {}],
    token: ['?page=new-token', script],
    revoke: [`?page=revoke&token=${id}`, {}],
  }
}
const actions = ['create', 'save', 'secret', 'delete', 'token', 'revoke']

describe.each(actions)('the form to %s', (action) => {
  let query: string
  let fields: Record<string, string>
  beforeEach(async () => {
    const [where, entered] = (await forms())[action] as [string, Record<string, string>]
    query = where
    const shown = await host.get(where).expect(200)
    fields = { ...fieldsOf(shown), ...entered }
    host.clock.advance(1)
  })

  async function expectNothing(sent: PromiseLike<{ status: number; text: string; headers: object }>) {
    const before = await everything()
    const { status, text, headers } = await sent
    expect([status, headers]).toEqual([400, expect.not.objectContaining({ location: expect.anything() })])
    expect(text).toContain('role="alert"')
    expect(secretIn({ text })).toBeUndefined()
    expect(await everything()).toBe(before)
  }

  it('counts for the user who was shown it: another user changes nothing', async () => {
    await expectNothing(host.post(fields, query, 'bob'))
    const { status } = await host.post(fields, query)
    expect([200, 303]).toContain(status)
  })

  it('counts once: by a double click, a reload and the way back', async () => {
    const first = await host.post(fields, query)
    expect([200, 303]).toContain(first.status)
    await expectNothing(host.post(fields, query))
    await expectNothing(host.post(fields))
  })

  it('counts once when it is sent many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => host.post(fields, query)))
    expect(answers.filter(({ status }) => status !== 400)).toHaveLength(1)
    expect(new Set(answers.map(secretIn).filter(Boolean)).size).toBe(
      ['create', 'secret', 'token'].includes(action) ? 1 : 0,
    )
  })

  it('counts for ten minutes', async () => {
    host.clock.advance(600)
    await expectNothing(host.post(fields, query))
  })

  it('counts with its transaction alone, which is in no URL', async () => {
    const { form_transaction: transaction = '', ...others } = fields
    await expectNothing(host.post(others, query))
    await expectNothing(
      host.post({ ...others, form_transaction: transaction.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) }),
    )
    await expectNothing(host.post(others, `${query}&form_transaction=${encodeURIComponent(transaction)}`))
    const { headers } = await host.post(fields, query)
    expect(String(headers.location)).not.toContain(transaction.split('.')[1])
  })

  it('does what it was shown for, whatever the URL says', async () => {
    const other = (await host.makeApp('web', { ...webApp, client_name: 'Other' })).clientId
    const before = (await appsOf(host)).find(({ clientId }) => clientId === other)
    await host.post(fields, `?app=${other}&page=delete`)
    expect((await appsOf(host)).find(({ clientId }) => clientId === other)).toEqual(before)
  })

  it('comes with headers that keep it out of caches, frames and other windows, as its answer does', async () => {
    for (const answer of [await host.get(query), await host.post(fields, query), await host.post(fields, query)]) {
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
      })
      if (answer.status === 303) continue
      expect(answer.headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/default-src 'none'.*img-src 'self'.*frame-ancestors 'none'/),
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      })
    }
  })
})

it.each(['secret', 'delete', 'revoke'])(
  'an answer to %s that nobody can have read is asked for once more',
  async (action) => {
    const [query] = (await forms())[action] as [string, object]
    const shown = await host.get(query)
    const before = await everything()
    const again = await host.post(fieldsOf(shown), query).expect(400)
    expect(again.text).toContain('role="alert"')
    expect(await everything()).toBe(before)
    const { status } = await host.post(fieldsOf(again), query)
    expect([200, 303]).toContain(status)
    expect(await everything()).not.toBe(before)
  },
)

it.each(['save', 'secret', 'delete'])('a form to %s that is older than the record changes nothing', async (action) => {
  const [query, entered] = (await forms())[action] as [string, Record<string, string>]
  const fields = fieldsOf(await host.get(query))
  const [{ clientId } = { clientId: '' }] = await appsOf(host)
  await updateClient(host.server, clientId, { redirectUris: ['https://new.example/'] })
  const before = await everything()
  host.clock.advance(1)
  const { text } = await host.post({ ...fields, ...entered }, query).expect(400)
  expect(text).toContain('was changed elsewhere')
  expect(secretIn({ text })).toBeUndefined()
  expect(await everything()).toBe(before)
})

it('two pages of one record that are saved at once: one counts', async () => {
  const { clientId } = await host.makeApp()
  const query = `?app=${clientId}&page=edit`
  const shown = await Promise.all([host.get(query), host.get(query)])
  const sent = shown.map((page, n) => host.post({ ...fieldsOf(page), ...webApp, client_name: `Name ${n}` }, query))
  const answers = await Promise.all(sent)
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 400])
})

it('a form for an app that is gone, or has another owner by now, finds none', async () => {
  for (const change of [
    (clientId: string) => deleteClient(host.server, clientId),
    (clientId: string) => updateClient(host.server, clientId, { username: 'bob' }),
  ]) {
    const { clientId } = await host.makeApp()
    const pages = ['edit', 'secret', 'delete'].map((page) => `?app=${clientId}&page=${page}`)
    const shown = await Promise.all(pages.map((page) => host.get(page)))
    await change(clientId)
    host.clock.advance(1)
    const before = await everything()
    for (const page of shown) await host.post({ ...fieldsOf(page), ...webApp }).expect(404)
    expect(await everything()).toBe(before)
  }
})

it('a form counts at its own pages alone: not as the removal of an app, nor that one here', async () => {
  const mixed = await developerHost({}, { mount: (app, server) => void app.use('/apps', connectedAppsRouter(server)) })
  await issueTokens(mixed.server, { clientId: 'web', userId: 'alice' })
  const { clientId } = await mixed.makeApp()
  const { form_transaction: form = '' } = fieldsOf(await mixed.get(`?app=${clientId}&page=delete`))
  const { removal_transaction: removal = '' } = fieldsOf(await mixed.http().get('/apps?app=web').set('X-User', 'alice'))
  mixed.clock.advance(1)
  const before = await everything(mixed)
  const sent = mixed.http().post('/apps').type('form').set('X-User', 'alice')
  await sent.send({ removal_transaction: form, form_transaction: removal }).expect(400)
  await mixed.post({ form_transaction: removal }).expect(400)
  expect(await everything(mixed)).toBe(before)
  expect(mixed.eventTypes()).not.toContain('grant.revoked')
})

it('a token of an app or of a user makes no app and no token', async () => {
  const guarded = await developerHost(
    {},
    {
      before: [(req, res, next) => (req.headers.authorization ? bearerGuard(guarded.server)(req, res, next) : next())],
    },
  )
  const { access_token: token } = await issueTokens(guarded.server, { clientId: 'web', userId: 'alice', scope: 'read' })
  for (const query of ['', '?page=new', '?page=new-token']) {
    await guarded.http().get(`${developer}${query}`).auth(token, { type: 'bearer' }).expect(403)
  }
  const fields = { ...fieldsOf(await guarded.get('?page=new-token')), ...script }
  const sent = guarded.http().post(developer).auth(token, { type: 'bearer' }).type('form')
  await sent.send(fields).expect(403)
  expect(await listPersonalTokens(guarded.server, { userId: 'alice' })).toEqual([])
})

it('a scope that was taken from a user meanwhile is given to no app by a form of before', async () => {
  let scopes = ['read', 'write']
  const fickle = await developerHost({ scopes: () => scopes })
  const fields = fieldsOf(await fickle.get('?page=new&kind=web'))
  scopes = ['read']
  await fickle.post({ ...fields, ...webApp, 'scope:write': 'on' }).expect(200)
  expect((await appsOf(fickle))[0]?.scopes).toEqual(['read'])
})

it('a secret is in the answer to its POST, and in no URL, event, row or other response', async () => {
  const { secret: first = '', clientId } = await host.makeApp()
  const query = `?app=${clientId}&page=secret`
  const rotation = fieldsOf(await host.get(query))
  const making = { ...fieldsOf(await host.get('?page=new-token')), ...script }
  host.clock.advance(1)
  const second = secretIn(await host.post({ ...rotation, overlap: '86400' }, query)) as string
  const token = secretIn(await host.post(making, '?page=new-token')) as string
  const pages = ['', query, `?app=${clientId}`, `?app=${clientId}&page=edit`, '?page=tokens', '?page=new-token']
  const others = await Promise.all([...pages.map((page) => host.get(page)), host.post(rotation), host.post(making)])
  const said = JSON.stringify([
    ...others.map(({ text, headers }) => [text, headers]),
    ...[host.events, await listClients(host.server), await host.storage.grants.list({ limit: 100 })],
  ])
  for (const text of [first, second, token]) {
    expect(text.length).toBeGreaterThan(40)
    expect(said).not.toContain(text)
  }
})

describe('text of strangers', () => {
  const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;`

  it('in names, scopes, URIs, keys and what the user is called stays text on each page', async () => {
    const named = await developerHost({}, { scopes: { read: evil, write: evil, admin: evil } })
    named.people.set('alice', { id: 'alice', name: evil })
    await named.register({ clientId: 'a"><b>&?#', name: evil, username: 'alice', scopes: ['read'] })
    await named.server.storage.clients.update(
      {
        ...(await appsOf(named))[0],
        version: ((await appsOf(named))[0]?.version ?? 0) + 1,
        redirectUris: ['javascript:alert(1)', `https://x/${evil}`],
      } as never,
      (await appsOf(named))[0]?.version ?? 0,
    )
    await issuePersonalToken(named.server, {
      ...{ clientId: 'personal', userId: 'alice', name: '"><b>x</b>', scope: 'read', expiresIn: 60 },
    })
    const [{ id } = { id: '' }] = await listPersonalTokens(named.server, { userId: 'alice' })
    const app = encodeURIComponent('a"><b>&?#')
    const queries = ['', `?app=${app}`, `?app=${app}&page=edit`, `?app=${app}&page=secret`, `?app=${app}&page=delete`]
    for (const query of [
      ...queries,
      '?page=new&kind=web',
      '?page=tokens',
      '?page=new-token',
      `?page=revoke&token=${id}`,
    ]) {
      const { text } = await named.get(query).expect(200)
      const markup = text.replace(/<style>[^<]*<\/style>/, '')
      expect([query, markup.match(/<(script|img|b)\b|\son\w+="|href="javascript/g)]).toEqual([query, null])
    }
  })

  it('that comes back with an error stays text', async () => {
    const wrong = { client_name: evil, redirect_uris: `</textarea>${evil}` }
    const { text } = await host.fill('?page=new&kind=web', wrong)
    expect(text).not.toMatch(/<(script|img)\b/)
    expect(text.match(/<\/textarea>/g)).toHaveLength(2) // redirect URIs, keys
    expect(fieldsOf({ text })).toHaveProperty('form_transaction')
  })

  it.each(['\u202e', '\u2066', '\u0007', '\u200b'])(
    'that turns or hides what is around it is no name: %j',
    async (character) => {
      const { status } = await host.fill('?page=new&kind=web', { ...webApp, client_name: `Bank${character}x` })
      const token = await host.fill('?page=new-token', { ...script, name: `Bank${character}x` })
      expect([status, token.status, await appsOf(host), await tokensOf()]).toEqual([400, 400, [], []])
    },
  )

  it('in a redirect URI is never a link, whatever its scheme', async () => {
    const { clientId } = await host.makeApp('mobile', { client_name: 'x', redirect_uris: 'com.example.app:/cb' })
    for (const page of ['', '&page=edit']) {
      expect((await host.get(`?app=${clientId}${page}`)).text).not.toMatch(/(?<!rel="icon" )href="(?!\?)/)
    }
    for (const uri of ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'JaVaScRiPt:/x']) {
      const { status } = await host.fill('?page=new&kind=mobile', { client_name: 'x', redirect_uris: uri })
      expect([uri, status]).toEqual([uri, 400])
    }
  })
})

it('a store that fails is said to be one, and nothing is half made', async () => {
  const { insert } = host.storage.clients
  const fields = fieldsOf(await host.get('?page=new&kind=web'))
  host.storage.clients.insert = () => Promise.reject(new Error('away'))
  const { status, text } = await host.post({ ...fields, ...webApp })
  host.storage.clients.insert = insert
  expect([status, secretIn({ text }), namesIn(await host.get())]).toEqual([503, undefined, []])
  expect(host.eventTypes()).toContain('error')
})
