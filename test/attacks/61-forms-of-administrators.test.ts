// ATTACKS.md 61: pages on which an administrator changes what others have. Forged, repeated, old and borrowed forms.
import { bearerGuard, type Client, issueTokens, listGrants, updateClient } from '../../src'
import { adminRouter } from '../../src/admin'
import { english } from '../../src/admin/english'
import { openTransaction } from '../../src/authorization/transaction'
import { client } from '../../src/storage/contract/rows'
import { type AdminHost, adminHost, namesIn } from '../support/admin'
import { fieldsOf } from '../support/consent'

let host: AdminHost
beforeEach(async () => {
  host = await adminHost()
})
const record = async (clientId = 'web') => (await host.storage.clients.find(clientId)) as Client
/** A question that was read. */
async function asked(query: string, user = 'root') {
  const fields = fieldsOf(await host.get(query, user).expect(200))
  host.clock.advance(1)
  return fields
}
const questions = [
  ['disable', '?client=web&page=disable'],
  ['delete', '?client=web&page=delete'],
  ['secret', '?client=web&page=secret'],
  ['end all of a user', '?user=alice&page=end-all'],
] as const

/** Nothing of the server is other than before. */
async function unchanged(act: () => Promise<unknown>) {
  await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  const state = async () => JSON.stringify([await record(), await listGrants(host.server)])
  const before = await state()
  await act()
  expect(await state()).toBe(before)
}

describe.each(questions)('%s', (_, query) => {
  it('a GET, of whatever URL, changes nothing', () =>
    unchanged(async () => {
      const fields = await asked(query)
      await host.get(`${query}&${new URLSearchParams(fields)}`)
      await host.get(query)
    }))

  it('a POST of another site has no transaction, and an invented one is none', () =>
    unchanged(async () => {
      for (const fields of [
        {},
        { form_transaction: 'x' },
        { form_transaction: `${'A'.repeat(22)}~f.${'A'.repeat(43)}` },
      ]) {
        expect((await host.post(fields, { query })).status).toBe(400)
      }
    }))

  it('a form that was shown to another administrator is of no use, nor one in the URL', () =>
    unchanged(async () => {
      const fields = await asked(query, 'olga')
      expect((await host.post(fields, { query, user: 'root' })).status).toBe(400)
      const own = await asked(query)
      expect((await host.post({}, { query: `${query}&${new URLSearchParams(own)}` })).status).toBe(400)
    }))

  it('a form counts once: twice at once, again, and after Back', async () => {
    await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    const fields = await asked(query)
    const answers = await Promise.all([host.post(fields, { query }), host.post(fields, { query })])
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses[1]).toBe(400)
    expect(statuses[0]).toBeLessThan(400)
    expect((await host.post(fields, { query })).status).toBe(400)
    expect(host.eventTypes().filter((type) => /disabled|deleted|rotated|grant\.revoked/.test(type))).toHaveLength(1)
  })

  it('an old form is of no use after ten minutes', () =>
    unchanged(async () => {
      const fields = await asked(query)
      host.clock.advance(600)
      expect((await host.post(fields, { query })).status).toBe(400)
    }))

  it('a click that came as fast as the second half of a double click is asked again', () =>
    unchanged(async () => {
      const fields = fieldsOf(await host.get(query))
      const again = await host.post(fields, { query })
      expect(again.status).toBe(400)
      expect(again.text).toContain(english.formTooSoon)
      expect(fieldsOf(again).form_transaction).not.toBe(fields.form_transaction)
    }))

  it('whoever is no administrator any more changes nothing with a form of before', () =>
    unchanged(async () => {
      host.people.set('mallory', { id: 'mallory', name: 'Mallory' })
      const fields = await asked(query)
      expect((await host.post(fields, { query, user: 'mallory' })).status).toBe(403)
    }))
})

it('a form about one client changes no other, whatever the URL and its fields say', async () => {
  const fields = await asked('?client=native&page=disable')
  await host.post({ ...fields, client: 'web', page: 'delete' }, { query: '?client=web&page=delete' })
  expect([(await record()).disabled, (await record('native')).disabled]).toEqual([undefined, true])
})

it('an old page does not undo what was changed since: it is asked again with what there is', async () => {
  for (const page of ['disable', 'delete', 'secret']) {
    const query = `?client=web&page=${page}`
    const fields = await asked(query)
    await updateClient(host.server, 'web', { name: `Changed before ${page}` })
    const before = await record()
    const again = await host.post(fields, { query })
    expect([again.status, await record()]).toEqual([400, before])
    expect(again.text).toContain(english.formOutdated)
  }
})

it('a form of another kind of page is of no use here', async () => {
  const { server, clock } = host
  const question = { clientId: 'web', userId: 'root', scope: [], startedAt: server.now() }
  const request = JSON.stringify(['developerRouter', 'delete', 'web', '1'])
  const value = await openTransaction(server, 'form', question, { request })
  clock.advance(1)
  expect((await host.post({ form_transaction: value })).status).toBe(400)
  expect(await record()).toBeDefined()
})

it('an access token, whoever sent it, opens no page', async () => {
  const guarded = await adminHost(
    {},
    {
      mount: (app, server) =>
        void app.use('/guarded', adminRouter(server, { protect: bearerGuard(server, { scope: 'admin' }) })),
    },
  )
  await guarded.register({ clientId: 'script', scopes: ['admin'] })
  const { access_token } = await issueTokens(guarded.server, { clientId: 'script', userId: 'root' })
  await guarded.http().get('/guarded').auth(access_token, { type: 'bearer' }).expect(403)
})

describe('what strangers have written', () => {
  const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)> & '`
  beforeEach(async () => {
    await host.storage.clients.insert(
      client({
        clientId: `x"'<b>`,
        name: evil,
        description: evil,
        username: evil,
        redirectUris: ['javascript:alert(1)', `data:text/html,${evil}`],
        ...({ logoUri: 'https://evil.example/logo.png', policyUri: 'javascript:alert(1)' } as object),
      }),
    )
  })
  const id = encodeURIComponent(`x"'<b>`)

  it.each([
    '',
    `?find=${encodeURIComponent(evil)}&by=owner`,
    `?client=${id}`,
    `?client=${id}&page=disable`,
    `?client=${id}&page=delete`,
    `?user=${encodeURIComponent(evil)}`,
    `?user=${encodeURIComponent(evil)}&page=end-all`,
  ])('is text and never markup, a link, or an image: %s', async (query) => {
    const { text } = await host.get(query)
    expect(text).not.toMatch(/<script|<img|<b>/)
    expect(text).not.toMatch(/(?<!rel="icon" )(?:href|src|action)="(?!\?)/)
  })

  it('a logo is what the host serves, and nothing of another host', async () => {
    for (const path of ['https://evil.example/x.png', '//evil.example/x.png', '/\\evil.example', 'x.png']) {
      const showing = await adminHost({ logo: () => path })
      expect((await showing.get()).status).toBe(500)
      expect(showing.reportedErrors()[0]?.cause).toMatchObject({
        message: expect.stringContaining("adminRouter's logo"),
      })
    }
    const showing = await adminHost({ logo: ({ clientId }) => `/logos/${clientId}.png` })
    expect((await showing.get()).text).toContain('src="/logos/web.png"')
  })

  it('characters that turn the direction of writing stay within their own text', async () => {
    await host.storage.clients.insert(client({ clientId: 'rtl', name: '\u202egpj.exe' }))
    const shown = await host.get('?client=rtl')
    expect(shown.text).toContain('<bdi>\u202egpj.exe</bdi>')
    expect(namesIn(await host.get())).toContain('\u202egpj.exe')
  })
})

it('a secret is in one response alone: no URL, no event, no log, no second response', async () => {
  const query = '?client=web&page=secret'
  const fields = await asked(query)
  const said = ['log', 'warn', 'error'].map((name) => jest.spyOn(console, name as 'log').mockImplementation(() => {}))
  const made = await host.post(fields, { query })
  const [, secret] = /class="secret"><bdi[^>]*><code>([^<]*)/.exec(made.text) ?? []
  expect(secret).toBeDefined()
  expect(made.headers).toMatchObject({ 'cache-control': 'no-store' })
  const again = await host.post(fields, { query })
  expect(
    [again.text, JSON.stringify(host.events), JSON.stringify(said.map(({ mock }) => mock.calls))].join(),
  ).not.toContain(secret)
  for (const spy of said) spy.mockRestore()
})
