// The administrator pages over HTTP: who is let in, what is found, and each change.
import { bearerGuard, type Client, issueTokens, listGrants, memoryStorage, requireScope, updateClient } from '../../src'
import { type AdminRouterOptions, adminRouter } from '../../src/admin'
import { english } from '../../src/admin/english'
import { german } from '../../src/admin/german'
import { spanish } from '../../src/admin/spanish'
import { client, grant } from '../../src/storage/contract/rows'
import { type AdminHost, adminHost, namesIn, nextIn, secretIn } from '../support/admin'
import { startOfTime, type Tokens } from '../support/host'

let host: AdminHost
const begin = async (...given: Parameters<typeof adminHost>) => {
  host = await adminHost(...given)
}
beforeEach(() => begin())
const authorize = async (clientId = 'web', userId = 'alice', scope = 'read') =>
  (await issueTokens(host.server, { clientId, userId, scope })) as Tokens
const record = async (clientId = 'web') => (await host.storage.clients.find(clientId)) as Client

describe('who is let in', () => {
  it('is whom protect lets in, for each page and each change', async () => {
    expect((await host.get('', 'alice')).text).toBe('Administrators only')
    expect((await host.post({}, { user: 'alice' })).status).toBe(403)
  })

  it('nobody who is not signed in', async () => {
    expect((await host.get('', null)).status).toBe(401)
    await begin({ signIn: '/login' })
    const { status, headers } = await host.get('?client=web', null)
    expect([status, headers.location]).toEqual([
      303,
      `/login?return_to=${encodeURIComponent('/admin/oauth?client=web')}`,
    ])
  })

  it.each<[string, object, RegExp]>([
    ['nothing', {}, /protect/],
    ['true', { protect: true }, /needs protect/],
    ['a guard that was not called', { protect: bearerGuard }, /protect/],
    ['requireScope, not called', { protect: requireScope }, /protect/],
    ['an unknown option', { protect: () => {}, admin: 'x' }, /admin/],
    ['a logo that is no function', { protect: () => {}, logo: '/x.png' }, /logo/],
    ['texts that are none', { protect: () => {}, texts: { en: { search: '' } } }, /texts\.en\.search/],
  ])('wrong options throw at start-up: %s', (_, options, words) => {
    expect(() => adminRouter(host.server, options as AdminRouterOptions)).toThrow(words)
  })

  it('no page may be kept, framed, or opened by another window', async () => {
    const { headers } = await host.get()
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
    })
    expect(headers['content-security-policy']).toContain("img-src 'self'")
  })
})

describe('the list of clients', () => {
  it('has all of them, with what there is to know', async () => {
    await updateClient(host.server, 'web', { name: 'Photo Printer', username: 'alice', disabled: true })
    await host.storage.clients.insert(client({ clientId: 'self', origin: 'registration' }))
    await host.storage.clients.insert(client({ clientId: 'let-in', origin: 'admitted_registration' }))
    const shown = await host.get()
    expect(namesIn(shown)).toEqual(['api', 'let-in', 'native', 'self', 'Photo Printer'])
    for (const words of [english.disabled, english.registered, english.admitted, '<bdi>alice</bdi>'])
      expect(shown.text).toContain(words)
  })

  it('comes in pages of 20, one call each', async () => {
    for (let n = 0; n < 42; n++)
      await host.storage.clients.insert(client({ clientId: `a${String(n).padStart(2, '0')}` }))
    const seen: (string | undefined)[] = []
    for (let query: string | undefined = ''; query !== undefined; ) {
      host.storage.calls.length = 0
      const shown = await host.get(query).expect(200)
      expect(host.storage.calls).toEqual(['clients.list'])
      seen.push(...namesIn(shown))
      query = nextIn(shown)
    }
    expect(seen).toHaveLength(45)
    expect(new Set(seen).size).toBe(45)
  })

  it('is searched by the beginning of a name, an id, or an owner', async () => {
    for (let n = 0; n < 25; n++) {
      const more = { clientId: `n${n}`, name: `Notes ${n}`, username: n < 3 ? 'ada' : 'bob' }
      await host.storage.clients.insert(client(more))
    }
    const first = await host.get('?find=NOTES&by=name')
    expect(namesIn(first)).toHaveLength(20)
    expect(namesIn(await host.get(nextIn(first)))).toHaveLength(5)
    expect(namesIn(await host.get('?find=n7&by=id'))).toEqual(['Notes 7'])
    expect(namesIn(await host.get('?find=ada&by=owner'))).toHaveLength(3)
    expect((await host.get('?find=nobody&by=owner')).text).toContain(english.noClients)
    for (const odd of ['%00', '%ED%A0%80', 'x'.repeat(800), '%25', '%FF']) {
      for (const by of ['name', 'id', 'owner'])
        expect((await host.get(`?find=${odd}&by=${by}`)).status).toBeLessThan(404)
    }
    await host.get('?after=%00').expect(400)
    await host.get('?find=n&by=name&after=odd').expect(200)
  })

  it.each([
    ['日', 177],
    ['😀', 200],
    ['\u{10ffff}', 1000],
  ])('pages by the longest ids and names of %j', async (character, length) => {
    const ids = Array.from({ length: 41 }, (_, n) => `${'i'.repeat(253)}${10 + n}`)
    for (const clientId of ids) await host.storage.clients.insert(client({ clientId, name: character.repeat(length) }))
    const walked: string[][] = []
    for (let next: string | undefined = `?find=${encodeURIComponent(character)}&by=name`; next && walked.length < 5; ) {
      const page = await host.get(next).expect(200)
      walked.push([...page.text.matchAll(/<code>(i+\d+)/g)].map(([, id]) => id as string))
      next = nextIn(page)
    }
    expect(walked).toEqual([ids.slice(0, 20), ids.slice(20, 40), ids.slice(40)])
  })

  it('does not offer names where the storage cannot search them, and says so', async () => {
    const { clients, grants } = memoryStorage()
    const { listByName: _, ...without } = clients
    await begin({}, { storage: { clients: without, grants } })
    const { text } = await host.get('?find=web&by=name')
    expect(text).toContain(english.findHintWithoutNames)
    expect(text).not.toContain(english.byName)
    expect(namesIn({ text })).toEqual(['web'])
  })

  it.each([
    ['de', german],
    ['es', spanish],
  ])('is in the language of the browser: %s', async (language, words) => {
    const { text } = await host.get().set('Accept-Language', language)
    for (const word of [`<html lang="${language}">`, words.clientsTitle, words.search]) expect(text).toContain(word)
  })
})

describe('one client', () => {
  it('shows what there is to judge it by, and no digest', async () => {
    await updateClient(host.server, 'web', { name: 'Photos', description: 'Prints them', username: 'alice' })
    const { text } = await host.get('?client=web').expect(200)
    for (const words of ['Photos', 'Prints them', 'https://app.example/cb', 'client_secret_basic', english.enabled])
      expect(text).toContain(words)
    for (const { digest } of (await record()).secrets) expect(text).not.toContain(digest)
  })

  it('says of an id without a record that there is none, and shows its authorizations all the same', async () => {
    const { text } = await host.get(`?client=${encodeURIComponent('https://app.example/id.json')}`).expect(404)
    expect(text).toContain(english.noRecord)
    expect(text).toContain('page=grants')
    for (const odd of ['%C3%A4', 'a'.repeat(300)]) await host.get(`?client=${odd}`).expect(404)
  })

  it('is disabled and enabled again, each by one POST that is told of on the next page', async () => {
    const tokens = await authorize()
    const { headers } = await host.answer('?client=web&page=disable').then(({ status, headers }) => {
      expect(status).toBe(303)
      return { headers }
    })
    expect((await record()).disabled).toBe(true)
    expect((await host.storage.grants.find(tokens.access_token.split('.')[0] as string)) ?? null).toBeNull()
    const next = await host.get(headers.location)
    for (const words of [english.saved, english.disabled, english.enable]) expect(next.text).toContain(words)
    await host.answer('?client=web&page=enable')
    expect((await record()).disabled).toBe(false)
    expect(host.eventTypes().filter((type) => type.startsWith('client.'))).toEqual([
      ...['client.updated', 'client.disabled', 'client.updated', 'client.enabled'],
    ])
  })

  it('gets a new secret, shown once, and the old one stays valid as long as was chosen', async () => {
    const before = (await record()).secrets
    const made = await host.answer('?client=web&page=secret', { overlap: '3600' })
    const secret = secretIn(made)
    expect([made.status, made.headers['cache-control'], made.headers.location]).toEqual([200, 'no-store', undefined])
    expect(secret).toMatch(/^[\w-]{43}$/)
    const [, old] = (await record()).secrets
    expect(old).toMatchObject({ ...before[0], expiresAt: host.clock.now + 3601 })
    expect((await host.get('?client=web')).text).not.toContain(secret)
    expect(JSON.stringify(host.events)).not.toContain(secret)
    expect(host.eventTypes()).toContain('client.secret_rotated')
    // a public client has none
    await host.get('?client=native&page=secret').expect(404)
  })

  it('an overlap that was not offered is none', async () => {
    await host.answer('?client=web&page=secret', { overlap: '99999999' })
    expect((await record()).secrets).toHaveLength(1)
  })

  it('is deleted with everything of it', async () => {
    await authorize()
    const { status, headers } = await host.answer('?client=web&page=delete')
    expect([status, await host.storage.clients.find('web')]).toEqual([303, undefined])
    expect((await host.get(headers.location)).text).toContain(english.deleted)
    expect(await listGrants(host.server, { clientId: 'web' })).toEqual([])
    expect(host.eventTypes()).toContain('client.deleted')
  })
})

describe('authorizations', () => {
  it('of a user: each with its client, since when, for what in words', async () => {
    await updateClient(host.server, 'web', { name: 'Photos' })
    await authorize('web', 'alice')
    await authorize('native', 'alice')
    await authorize('web', 'bob')
    for (const query of ['?user=alice', '?find=alice&by=user']) {
      const shown = await host.get(query).expect(200)
      expect(namesIn(shown).sort()).toEqual(['Photos', 'native'])
      expect(shown.text).toContain('See your data')
      expect(shown.text).toContain('Since January 15, 2027')
    }
    expect((await host.get('?user=nobody')).text).toContain(english.noGrants)
    await host.get('?user=%00').expect(400)
    await host.get(`?user=${'x'.repeat(800)}`).expect(404)
  })

  it('of a client: by whom', async () => {
    await authorize('web', 'alice')
    await authorize('web', 'bob')
    expect(namesIn(await host.get('?client=web&page=grants')).sort()).toEqual(['alice', 'bob'])
  })

  it('one is ended, and no other', async () => {
    await authorize('web')
    await authorize('native')
    const [one] = await listGrants(host.server, { clientId: 'web' })
    const query = `?user=alice&page=end&grant=${one?.id}`
    host.storage.calls.length = 0
    await host.get(query).expect(200)
    // the grant, its client, and the question
    expect(host.storage.calls).toEqual(['grants.list', 'clients.find', 'grants.insert'])
    const { headers } = await host.answer(query)
    expect((await host.get(headers.location)).text).toContain(english.ended)
    expect((await listGrants(host.server)).map(({ clientId }) => clientId)).toEqual(['native'])
    expect(host.events).toContainEqual(expect.objectContaining({ type: 'grant.revoked', grantId: one?.id }))
    expect((await host.get(query).expect(404)).text).toContain(english.endedBefore)
    for (const odd of ['', 'a'.repeat(200), '~', '%C3%A4'])
      await host.get(`?user=alice&page=end&grant=${odd}`).expect(404)
    // it is one of another user
    const [other] = await listGrants(host.server)
    await host.get(`?user=bob&page=end&grant=${other?.id}`).expect(404)
  })

  it.each([
    ['user', '?user=alice', [['web', 'bob']]],
    ['client', '?client=web', [['native', 'alice']]],
  ])('all of a %s are ended', async (_, query, left) => {
    await authorize('web', 'alice')
    await authorize('native', 'alice')
    await authorize('web', 'bob')
    await host.answer(`${query}&page=end-all`)
    const grants = await listGrants(host.server)
    expect(grants.map(({ clientId, userId }) => [clientId, userId])).toEqual(left)
  })

  it('10,000 of one user: a page reads 21 of them, and looks up each client on it once', async () => {
    for (let n = 0; n < 10_000; n++) {
      const id = `g${String(n).padStart(5, '0')}`
      const times = { startedAt: startOfTime, expiresAt: startOfTime + 99_999 }
      await host.storage.grants.insert([], grant({ id, userId: 'ada', clientId: `c${n % 3}`, ...times }))
    }
    let rows = 0
    host.storage.replace('grants.list', async (call) => {
      const found = (await call()) as unknown[]
      rows += found.length
      return found
    })
    host.storage.calls.length = 0
    const first = await host.get('?user=ada')
    expect([namesIn(first).length, rows]).toEqual([20, 21])
    expect(host.storage.calls).toEqual(['grants.list', 'clients.find', 'clients.find', 'clients.find'])
    const second = await host.get(nextIn(first))
    expect(second.text).toContain('grant=g00020')
    expect([namesIn(second).length, rows]).toEqual([20, 42])
  })
})

describe('a storage that is away', () => {
  it('is a page with 503, and an event; nothing is half done', async () => {
    const asked = await host.get('?client=web&page=disable')
    host.storage.replace('clients.update', () => Promise.reject(new Error('away')))
    host.clock.advance(1)
    const { status, text } = await host.post(
      Object.fromEntries(
        [...asked.text.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, n, v]) => [n, v]),
      ),
    )
    expect(status).toBe(503)
    expect(text).toContain('<html')
    host.storage.restore()
    expect((await record()).disabled).toBeUndefined()
    expect(host.reportedErrors()).toHaveLength(1)
  })
})
