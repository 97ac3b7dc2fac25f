// The developer pages over HTTP: apps of users, by the rules of the clients API, and their personal access tokens.
import { generateKeyPairSync } from 'node:crypto'
import * as oauth from '../../src'
import { deleteClient, listClients, privateKeyJwt, registerClient, updateClient } from '../../src'
import { type DeveloperRouterOptions, developerRouter } from '../../src/developer'
import { english } from '../../src/developer/english'
import { german } from '../../src/developer/german'
import { spanish } from '../../src/developer/spanish'
import { english as pageTexts } from '../../src/pages/english'
import { issuePersonalToken, listPersonalTokens } from '../../src/personal-tokens'
import { fieldsOf } from '../support/consent'
import { appsOf, type DeveloperHost, developerHost, namesIn, script, secretIn, webApp } from '../support/developer'
import { paths } from '../support/host'

let host: DeveloperHost
const begin = async (...given: Parameters<typeof developerHost>) => {
  host = await developerHost(...given)
}
beforeEach(() => begin())

const publicKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const withKeys = { clientAuthentication: [oauth.clientSecret(), privateKeyJwt()] }

describe('the list of apps', () => {
  it('says that there are none, who is signed in, and where to make one', async () => {
    const { text } = await host.get().expect(200)
    for (const words of [english.appsTitle, english.noApps, '<strong>Alice</strong>', 'href="?page=new"'])
      expect(text).toContain(words)
  })

  it('has the apps of one user, each with its kind', async () => {
    await host.makeApp()
    await host.makeApp('spa', { ...webApp, client_name: 'Notes' }, 'bob')
    expect(namesIn(await host.get())).toEqual(['Photo Printer'])
    const bobs = await host.get('', 'bob')
    expect(namesIn(bobs)).toEqual(['Notes'])
    expect(bobs.text).toContain(english.spa)
  })

  it('comes in pages of 20, of which none reads more than it shows', async () => {
    const { server } = host
    for (let n = 0; n < 45; n++) {
      await registerClient(server, {
        clientId: `app${String(n).padStart(2, '0')}`,
        name: `App ${n}`,
        username: 'alice',
      })
    }
    const seen: string[] = []
    let query = ''
    for (let page = 0; page < 5; page++) {
      host.storage.calls.length = 0
      const shown = await host.get(query).expect(200)
      expect(host.storage.calls).toEqual(['clients.list'])
      seen.push(...namesIn(shown))
      const [, next] = /href="(\?after=[^"]*)" rel="next"/.exec(shown.text) ?? []
      expect(shown.text.includes('rel="first"')).toBe(page > 0)
      if (next === undefined) break
      query = next
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, n) => `App ${n}`))
  })

  it('begins at the beginning where the URL names what is no id', async () => {
    await host.makeApp()
    expect(namesIn(await host.get('?after=%C3%A4'))).toEqual(['Photo Printer'])
  })

  it.each([
    ['de', german],
    ['es', spanish],
  ])('is in the language of the browser: %s', async (language, words) => {
    const { text } = await host.get().set('Accept-Language', language).expect(200)
    expect(text).toContain(`<html lang="${language}">`)
    expect(text).toContain(words.noApps)
  })
})

describe('a new app', () => {
  it('is chosen by its kind in words; a machine only where users may make one', async () => {
    const { text } = await host.get('?page=new').expect(200)
    for (const words of [english.web, english.spa, english.mobile, english.webText]) expect(text).toContain(words)
    expect(text).not.toContain(english.machineText)
    expect((await host.get('?page=new&kind=machine').expect(200)).text).toContain(english.kindTitle)
    await begin({ grantTypes: ['client_credentials'] })
    const { text: machines } = await host.get('?page=new').expect(200)
    expect(machines).toContain(english.machineText)
    expect(machines).not.toContain(english.webText)
  })

  it('gets what its kind says, its owner, and its secret once', async () => {
    const { clientId, secret, made } = await host.makeApp()
    const [app] = await appsOf(host)
    expect(app).toMatchObject({
      ...{ clientId, name: 'Photo Printer', username: 'alice', redirectUris: ['https://app.example/cb'] },
      ...{ scopes: ['read'], grantTypes: ['authorization_code', 'refresh_token'] },
      tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'],
    })
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(made.text).toContain(english.secretOnce)
    expect((await host.get(`?app=${clientId}`).expect(200)).text).not.toContain(secret)
    expect(JSON.stringify(host.events)).not.toContain(secret)
    expect(host.eventTypes()).toEqual(['client.created'])
  })

  it.each(['spa', 'mobile'])('has no secret where it cannot keep one: %s', async (kind) => {
    const uris = kind === 'mobile' ? 'com.example.app:/cb\r\n\r\n http://127.0.0.1/cb ' : 'https://app.example/'
    const { secret, clientId } = await host.makeApp(kind, { client_name: 'Notes', redirect_uris: uris })
    expect(secret).toBeUndefined()
    const [app] = await appsOf(host)
    expect(app).toMatchObject({ tokenEndpointAuthMethods: ['none'], secrets: [], scopes: [] })
    expect(app?.redirectUris).toHaveLength(kind === 'mobile' ? 2 : 1)
    expect((await host.get(`?app=${clientId}`)).text).toContain(english[kind as 'spa'])
  })

  it('is a machine without redirect URIs, which uses its secret', async () => {
    await begin(
      { grantTypes: ['client_credentials'] },
      {
        grants: [oauth.clientCredentials()],
        mount: (app, server) => void app.use(paths.token, oauth.tokenRouter(server)),
      },
    )
    const { clientId, secret = '' } = await host.makeApp('machine', { client_name: 'Robot', 'scope:read': 'on' })
    expect((await appsOf(host))[0]).toMatchObject({ grantTypes: ['client_credentials'], redirectUris: [] })
    const sent = host.http().post(paths.token).auth(clientId, secret).type('form')
    await sent.send({ grant_type: 'client_credentials' }).expect(200)
  })

  it('signs with keys where it has some: a set, a key alone, or their URL', async () => {
    await begin({}, withKeys)
    const key = publicKey()
    for (const jwks of [{ keys: [key] }, key]) {
      const { secret } = await host.makeApp('web', { ...webApp, jwks: JSON.stringify(jwks) })
      expect(secret).toBeUndefined()
    }
    await host.makeApp('web', { ...webApp, jwks_uri: 'https://app.example/jwks.json' })
    const apps = await appsOf(host)
    expect(apps.map(({ tokenEndpointAuthMethods }) => tokenEndpointAuthMethods)).toEqual(
      Array(3).fill(['private_key_jwt']),
    )
    expect(apps.filter(({ jwks }) => jwks?.keys.length === 1)).toHaveLength(2)
    expect(apps.find(({ jwksUri }) => jwksUri)).toMatchObject({ jwksUri: 'https://app.example/jwks.json' })
  })

  it('shows no private key again that was entered, and keeps none', async () => {
    await begin({}, withKeys)
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    const answer = await host.fill('?page=new&kind=web', { ...webApp, jwks: JSON.stringify(jwk) })
    expect(answer.text).toContain(english.keysWrong)
    // nor where something else is wrong, too, or it is no JSON
    const wrong = { ...webApp, redirect_uris: 'x', jwks: JSON.stringify({ keys: [publicKey(), jwk] }) }
    const others = [wrong, { ...wrong, jwks: `${wrong.jwks}}` }, { ...wrong, client_name: '' }]
    const answers = [answer, ...(await Promise.all(others.map((fields) => host.fill('?page=new&kind=web', fields))))]
    for (const { status, text } of answers) expect([status, text.includes(jwk.d as string)]).toEqual([400, false])
    const right = { ...wrong, jwks: JSON.stringify(publicKey()) }
    expect((await host.fill('?page=new&kind=web', right)).text).toContain('&quot;kty&quot;')
    expect(await appsOf(host)).toEqual([])
  })

  it.each([
    ['client_name', { client_name: ' ' }, english.nameMissing],
    ['client_name', { client_name: '\u{2800}' }, english.nameWrong],
    ['client_name', { client_name: `a${'\u{202e}'}b` }, english.nameWrong],
    ['client_name', { client_name: 'x'.repeat(61) }, english.nameWrong],
    ['redirect_uris', { redirect_uris: '\n \n' }, english.redirectMissing],
    ['redirect_uris', { redirect_uris: 'https://app.example/cb#x' }, 'must not have a fragment'],
    ['redirect_uris', { redirect_uris: 'https://a.example/\njavascript:alert(1)' }, 'redirect_uris[1]'],
    ['redirect_uris', { redirect_uris: 'http://app.example/cb' }, 'must use https'],
    [
      'redirect_uris',
      { redirect_uris: Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`).join('\n') },
      'at most 20',
    ],
  ])('is refused with the error beside the field %s: %j', async (field, wrong, words) => {
    const { status, text } = await host.fill('?page=new&kind=web', { ...webApp, ...wrong })
    expect(status).toBe(400)
    const [, error] = new RegExp(`<p class="error" id="field-${field}-error">(.*?)</p>`).exec(text) ?? []
    expect(error?.replaceAll('&#39;', "'")).toContain(words)
    expect(text).toMatch(
      new RegExp(`id="field-${field}"[^>]* aria-describedby="field-${field}-error[^>]* aria-invalid="true"`),
    )
    expect(text).toContain(english.formErrors)
    expect(await appsOf(host)).toEqual([])
    // what was right is still there, and the form works
    const again = { ...webApp, ...fieldsOf({ text }) }
    await host.post(again).expect(200)
    expect(await appsOf(host)).toHaveLength(1)
  })

  it('has no scope that its user may not give, whatever the form says', async () => {
    await host.makeApp('web', { ...webApp, 'scope:admin': 'on', 'scope:clients': 'on' })
    expect((await appsOf(host))[0]?.scopes).toEqual(['read'])
  })

  it('has the scopes of its very user, where they differ', async () => {
    await begin({ scopes: (req) => (req.get('X-User') === 'bob' ? ['admin'] : ['read']) })
    await host.makeApp('web', { ...webApp, 'scope:admin': 'on' }, 'bob')
    await host.makeApp('web', { ...webApp, 'scope:admin': 'on' }, 'alice')
    expect([(await appsOf(host, 'bob'))[0]?.scopes, (await appsOf(host))[0]?.scopes]).toEqual([['admin'], ['read']])
  })

  it('is refused beyond the number of a user, also for many at once', async () => {
    await begin({ clientsPerUser: 2 })
    const forms = await Promise.all(
      Array.from({ length: 5 }, async () => fieldsOf(await host.get('?page=new&kind=web'))),
    )
    const answers = await Promise.all(forms.map((fields) => host.post({ ...fields, ...webApp })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 400, 400, 400])
    expect(answers.find(({ status }) => status === 400)?.text).toContain('A user may have at most 2 clients')
    expect(await appsOf(host)).toHaveLength(2)
  })

  it('is for the resources that users may give', async () => {
    const resources = ['https://a.example/', 'https://b.example/']
    await begin({ resources: ['https://a.example/'] }, { resources })
    await host.makeApp()
    expect((await appsOf(host))[0]?.resources).toEqual(['https://a.example/'])
  })
})

describe('an app', () => {
  it('is shown with all that its owner may see', async () => {
    const { clientId } = await host.makeApp()
    const { text } = await host.get(`?app=${clientId}`).expect(200)
    for (const words of [clientId, 'https://app.example/cb', 'See your data', english.web, 'January 15, 2027'])
      expect(text).toContain(words)
    expect(text).not.toContain('href="https://app.example/cb"')
  })

  it.each([
    ['en', english],
    ['de', german],
    ['es', spanish],
  ])('that is disabled says so in the list and on its page, and offers no change: %s', async (language, words) => {
    const { clientId } = await host.makeApp()
    expect((await host.get().set('Accept-Language', language)).text).not.toContain(words.disabled)
    await updateClient(host.server, clientId, { disabled: true })
    expect((await host.get().set('Accept-Language', language)).text).toContain(`<strong>${words.disabled}</strong>`)
    const { text } = await host.get(`?app=${clientId}`).set('Accept-Language', language).expect(200)
    expect(text).toContain(words.disabledText)
    for (const page of ['edit', 'secret', 'delete']) expect(text).not.toContain(`page=${page}`)
  })

  it.each(['edit', 'secret', 'delete'])(
    'that is disabled has no form, and takes none from before: %s',
    async (page) => {
      const { clientId } = await host.makeApp()
      const fields = fieldsOf(await host.get(`?app=${clientId}&page=${page}`))
      await updateClient(host.server, clientId, { disabled: true })
      const [before] = await appsOf(host)
      host.clock.advance(1)
      await host.post({ ...webApp, ...fields }, `?app=${clientId}&page=${page}`).expect(403)
      await host.get(`?app=${clientId}&page=${page}`).expect(403)
      expect(await appsOf(host)).toEqual([before])
    },
  )

  it.each(['', '&page=edit', '&page=secret', '&page=delete'])(
    'of another user is answered as one that does not exist%s',
    async (page) => {
      const { clientId } = await host.makeApp()
      const others = await host.get(`?app=${clientId}${page}`, 'bob').expect(404)
      const unknown = await host.get(`?app=unknown${page}`, 'bob').expect(404)
      expect(others.text).toBe(unknown.text)
      await host.get(`?app=${'x'.repeat(256)}${page}`).expect(404)
    },
  )

  it('is changed in what the form has and in nothing else', async () => {
    const { clientId } = await host.makeApp()
    await updateClient(host.server, clientId, { description: 'Prints.', requirePkce: true })
    const change = { client_name: 'Printer', redirect_uris: 'https://b.example/', 'scope:write': 'on' }
    const answer = await host.fill(`?app=${clientId}&page=edit`, change)
    expect([answer.status, answer.headers.location]).toEqual([303, expect.stringMatching(/^\?app=[\w-]+&done=/)])
    expect((await appsOf(host))[0]).toMatchObject({
      ...{ name: 'Printer', redirectUris: ['https://b.example/'], scopes: ['write'] },
      ...{ description: 'Prints.', requirePkce: true, username: 'alice' },
    })
    expect((await host.get(answer.headers.location)).text).toContain(english.saved)
  })

  it('keeps its default scope within its scopes', async () => {
    const { clientId } = await host.makeApp('web', { ...webApp, 'scope:write': 'on' })
    await updateClient(host.server, clientId, { defaultScopes: ['read', 'write'] })
    await host
      .fill(`?app=${clientId}&page=edit`, { ...webApp, 'scope:read': 'on' })
      .then(({ status }) => expect(status).toBe(303))
    expect((await appsOf(host))[0]).toMatchObject({ scopes: ['read'], defaultScopes: ['read'] })
  })

  it('changes its keys, and from a set to a URL and back', async () => {
    await begin({}, withKeys)
    const { clientId } = await host.makeApp('web', { ...webApp, jwks: JSON.stringify(publicKey()) })
    const query = `?app=${clientId}&page=edit`
    expect((await host.get(query)).text).toContain('&quot;kty&quot;: &quot;EC&quot;')
    const uri = 'https://app.example/jwks.json'
    expect((await host.fill(query, { ...webApp, jwks_uri: uri })).status).toBe(303)
    const [changed] = await appsOf(host)
    expect([changed?.jwks, changed?.jwksUri]).toEqual([undefined, uri])
    expect((await host.fill(query, { ...webApp, jwks: JSON.stringify(publicKey()) })).status).toBe(303)
    const [back] = await appsOf(host)
    expect([back?.jwks?.keys.length, back?.jwksUri]).toEqual([1, undefined])
    const refused = await host.fill(query, { ...webApp, jwks: '{' })
    expect([refused.status, refused.text.includes('jwks must be JSON')]).toEqual([400, true])
  })

  it('is refused with the error beside the field, and stays as it was', async () => {
    const { clientId } = await host.makeApp()
    const before = await appsOf(host)
    const { status, text } = await host.fill(`?app=${clientId}&page=edit`, { client_name: 'x', redirect_uris: 'x' })
    expect([status, await appsOf(host)]).toEqual([400, before])
    expect(text).toContain('id="field-redirect_uris-error"')
  })

  it('with more than its owner may give is neither changed, nor given a secret, nor deleted', async () => {
    const { clientId } = await host.makeApp()
    await updateClient(host.server, clientId, { resourceServer: true })
    const before = await appsOf(host)
    for (const [page, fields] of Object.entries({ edit: webApp, secret: {}, delete: {} })) {
      const { status, text } = await host.fill(`?app=${clientId}&page=${page}`, fields)
      expect([page, status]).toEqual([page, 400])
      expect(text).toContain('Only an administrator may set resource_server.')
    }
    expect(await appsOf(host)).toEqual(before)
  })

  it('is deleted once, after a question, with all that it had', async () => {
    const { clientId } = await host.makeApp()
    const question = await host.get(`?app=${clientId}&page=delete`).expect(200)
    expect(question.text).toContain(english.deleteText)
    expect(await appsOf(host)).toHaveLength(1)
    host.clock.advance(1)
    const answer = await host.post(fieldsOf(question)).expect(303)
    expect(await appsOf(host)).toEqual([])
    expect((await host.get(answer.headers.location)).text).toContain(english.deleted)
    expect(host.eventTypes()).toContain('client.deleted')
  })
})

describe('a new secret', () => {
  it.each([
    ['0', 0],
    ['3600', 3601],
    ['86400', 86_401],
    ['604800', 604_801],
    ['999999999', 0],
  ])('with an overlap of %s seconds', async (overlap, lasts) => {
    const { clientId, secret: first } = await host.makeApp()
    const made = await host.fill(`?app=${clientId}&page=secret`, { overlap })
    const second = secretIn(made)
    expect([made.status, second === first, second?.length]).toEqual([200, false, 43])
    const [{ secrets } = { secrets: [] }] = await appsOf(host)
    const now = host.clock.now
    expect(secrets.slice(1).map(({ expiresAt = 0 }) => expiresAt - now)).toEqual(lasts === 0 ? [] : [lasts])
    const { text } = await host.get(`?app=${clientId}`)
    expect(text).not.toContain(second)
    expect(text.includes('Valid until')).toBe(lasts > 0)
  })

  it('leaves one before it at most, however often it is asked for', async () => {
    const { clientId } = await host.makeApp()
    for (let times = 0; times < 5; times++) await host.fill(`?app=${clientId}&page=secret`, { overlap: '604800' })
    expect((await appsOf(host))[0]?.secrets).toHaveLength(2)
  })

  it('is for apps that have one', async () => {
    const { clientId } = await host.makeApp('spa')
    expect((await host.get(`?app=${clientId}`)).text).not.toContain('page=secret')
    await host.get(`?app=${clientId}&page=secret`).expect(404)
  })
})

describe('personal access tokens', () => {
  it('are made with a name, a scope and an end, and shown once', async () => {
    const made = await host.fill('?page=new-token', script)
    const token = secretIn(made)
    expect([made.status, token]).toEqual([200, expect.stringMatching(/^acme_pat_/)])
    const [found] = await listPersonalTokens(host.server, { userId: 'alice' })
    expect(found).toMatchObject({ name: 'backup', scope: ['read'], expiresAt: host.clock.now + 30 * 86_400 })
    const { text } = await host.get('?page=tokens').expect(200)
    expect(namesIn({ text })).toEqual(['backup'])
    for (const words of ['See your data', 'Valid until February 14, 2027', english.neverUsed])
      expect(text).toContain(words)
    expect(text).not.toContain(token)
    expect(JSON.stringify(host.events)).not.toContain(token)
  })

  it('show when they were used last', async () => {
    await begin(
      {},
      {
        mount: (app, server) =>
          void app.get('/api', oauth.bearerGuard(server, { user: false }), (_q, res) => void res.end()),
      },
    )
    const token = secretIn(await host.fill('?page=new-token', script)) as string
    await host.http().get('/api').auth(token, { type: 'bearer' }).expect(200)
    let text = ''
    for (let turns = 0; turns < 1000 && !text.includes('Last used on'); turns++)
      text = (await host.get('?page=tokens')).text
    expect(text).toContain('Last used on January 15, 2027')
  })

  it.each([
    ['name', { name: '' }, english.nameMissing],
    ['name', { name: '\u{2800}' }, english.nameWrong],
    ['scope', { 'scope:read': '' }, english.tokenScopesMissing],
    ['days', { days: '31' }, english.refused],
    ['days', { days: '-1' }, english.refused],
  ])('are refused with the error beside the field %s: %j', async (field, wrong, words) => {
    const { status, text } = await host.fill('?page=new-token', { ...script, ...wrong })
    expect([status, text]).toEqual([400, expect.stringContaining(`id="field-${field}-error">${words}`)])
    expect(await listPersonalTokens(host.server, { userId: 'alice' })).toEqual([])
  })

  it('have no scope that their user may not give, though their client has it', async () => {
    expect((await host.get('?page=new-token')).text).not.toContain('scope:admin')
    await host.fill('?page=new-token', { ...script, 'scope:admin': 'on' })
    expect((await listPersonalTokens(host.server, { userId: 'alice' }))[0]?.scope).toEqual(['read'])
  })

  it('are refused beyond the number of a user', async () => {
    await begin({ personalTokens: { clientId: 'personal', tokensPerUser: 1 } })
    await host.fill('?page=new-token', script)
    const { status, text } = await host.fill('?page=new-token', script)
    expect([status, text]).toEqual([400, expect.stringContaining('at most 1 personal tokens')])
    expect((await host.fill('?page=new-token', script, 'bob')).status).toBe(200)
  })

  it('are revoked once, after a question, by their user alone', async () => {
    await host.fill('?page=new-token', script)
    const [{ id } = { id: '' }] = await listPersonalTokens(host.server, { userId: 'alice' })
    expect((await host.get(`?page=revoke&token=${id}`, 'bob')).text).toContain(english.noTokens)
    const answer = await host.fill(`?page=revoke&token=${id}`)
    expect([answer.status, answer.headers.location]).toEqual([303, expect.stringMatching(/^\?page=tokens&done=/)])
    const { text } = await host.get(answer.headers.location)
    for (const words of [english.revoked, english.noTokens]) expect(text).toContain(words)
    expect(await listPersonalTokens(host.server, { userId: 'alice' })).toEqual([])
  })

  it('come in pages, of which none reads more than it shows', async () => {
    for (let n = 0; n < 41; n++) {
      const token = { clientId: 'personal', userId: 'alice', name: `token ${n}`, scope: 'read', expiresIn: 60 }
      await issuePersonalToken(host.server, token)
    }
    const seen: string[] = []
    let query = '?page=tokens'
    for (let page = 0; page < 5; page++) {
      host.storage.calls.length = 0
      const shown = await host.get(query).expect(200)
      expect(host.storage.calls).toEqual(['grants.list'])
      seen.push(...namesIn(shown))
      const [, next] = /href="(\?page=tokens&amp;after=[^"]*)" rel="next"/.exec(shown.text) ?? []
      if (next === undefined) break
      query = next.replace('&amp;', '&')
    }
    expect([seen.length, new Set(seen).size]).toEqual([41, 41])
  })

  it('have no page where the host does not turn them on', async () => {
    await begin({ personalTokens: undefined as never })
    for (const query of ['?page=tokens', '?page=new-token', '?page=revoke&token=x']) {
      const { text } = await host.get(query).expect(200)
      expect(text).toContain(`<h1>${english.appsTitle}</h1>`)
      expect(text).not.toContain('page=tokens')
    }
  })

  it('need a client of the host: another one is the mistake of the host, not of the user', async () => {
    await deleteClient(host.server, 'personal')
    await host.get('?page=new-token').expect(500)
    await host.register({ clientId: 'personal', username: 'bob' })
    await host.get('?page=new-token').expect(500)
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual(
      Array(2).fill(expect.stringContaining("developerRouter's personalTokens.clientId must name a client")),
    )
  })
})

describe('who is signed in', () => {
  it('is sent to sign in and back, or told so', async () => {
    await host.get('?page=new', null).expect(401)
    await begin({ signIn: '/login' })
    const { headers } = await host.get('?page=new', null).expect(303)
    expect(headers.location).toBe('/login?return_to=%2Fdeveloper%3Fpage%3Dnew')
  })

  it('is whom the option says', async () => {
    await begin({ user: () => ({ id: 'carol', displayName: 'Carol' }) })
    expect((await host.get('', null).expect(200)).text).toContain('<strong>Carol</strong>')
  })
})

describe('the logo of an app', () => {
  it('is drawn, or an image of the host itself', async () => {
    const { clientId } = await host.makeApp()
    expect((await host.get(`?app=${clientId}`)).text).toMatch(/class="mark" aria-hidden="true">P</)
    await begin({ logo: (client) => (client.name === 'Notes' ? undefined : '/logos/1.png') })
    await host.makeApp()
    const { text, headers } = await host.get()
    expect(text).toContain('<img class="mark" src="/logos/1.png" alt=""')
    expect(headers['content-security-policy']).toContain("img-src 'self'")
  })

  it.each(['https://evil.example/x.png', '//evil.example/x', '/\\evil.example', 'data:image/png,x', 7])(
    'is never one from elsewhere: %s',
    async (url) => {
      await begin({ logo: () => url as string })
      const { clientId } = await host.makeApp()
      const { text } = await host.get(`?app=${clientId}`).expect(500)
      expect(text).not.toContain('evil')
      expect(String(host.reportedErrors().at(-1)?.cause)).toContain(
        "developerRouter's logo must return a path of this host",
      )
    },
  )
})

describe('options', () => {
  const make = (options: unknown) => developerRouter(host.server, options as DeveloperRouterOptions)
  const scopes = ['read']

  it.each<[unknown, string]>([
    [undefined, 'The developerRouter options must be one object'],
    [{}, 'developerRouter needs scopes'],
    [{ scopes: 'read' }, 'developerRouter needs scopes'],
    [{ scopes: ['gone'] }, 'gone is not'],
    [{ scopes, resources: 'https://a.example' }, "developerRouter's resources must be a list"],
    [{ scopes, resources: ['https://gone.example'] }, 'https://gone.example is not'],
    [{ scopes, user: 'alice' }, "developerRouter's user must be a function"],
    [{ scopes, signIn: 7 }, "developerRouter's signIn"],
    [{ scopes, fields: {} }, 'developerRouter({ fields }) must be a function'],
    [{ scopes, logo: '/x.png' }, "developerRouter's logo must be a function"],
    [{ scopes, grantTypes: 'authorization_code' }, "developerRouter's grantTypes must be a list"],
    [{ scopes, grantTypes: ['gone'] }, 'developerRouter: the server has no grant type gone'],
    [{ scopes, grantTypes: [] }, 'developerRouter needs authorization_code or client_credentials'],
    [{ scopes, clientsPerUser: -1 }, "developerRouter's clientsPerUser"],
    [{ scopes, personalTokens: {} }, 'needs clientId'],
    [{ scopes, personalTokens: { clientId: 'personal', days: [] } }, 'days must be a list'],
    [{ scopes, personalTokens: { clientId: 'personal', days: [0.5] } }, 'days must be a list'],
    [{ scopes, personalTokens: { clientId: 'personal', tokensPerUser: 0 } }, 'tokensPerUser must be'],
    [
      { scopes, personalTokens: { clientId: 'personal', ttl: 1 } },
      "Unknown developerRouter's personalTokens member ttl",
    ],
    [{ scopes, texts: [] }, "developerRouter's texts must be"],
    [{ scopes, texts: { fr: {} } }, "the server's pages have no such language"],
    [{ scopes, texts: { en: { appsTitel: 'x' } } }, "Unknown text developerRouter's texts.en.appsTitel"],
    [{ scopes, texts: { en: { editTitle: 'Edit' } } }, 'must be a text with {app}'],
    [{ scopes, color: 'red' }, 'Unknown developerRouter option color'],
  ])('%j is refused at start-up', (options, message) => {
    expect(() => make(options)).toThrow(TypeError)
    expect(() => make(options)).toThrow(message)
  })

  it('names the format of access tokens that personal tokens need', async () => {
    const bare = await developerHost({ personalTokens: undefined as never }, { accessTokens: oauth.opaque() })
    const options = { scopes, personalTokens: { clientId: 'personal' } }
    expect(() => developerRouter(bare.server, options)).toThrow('needs accessTokens: personalTokens({ prefix })')
  })

  it('a list of scopes that is none is a mistake of the host', async () => {
    await begin({ scopes: () => 'read' as never })
    await host.get().expect(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain("developerRouter's scopes must return a list")
  })

  it('has the words of the host, and languages that have words for it', async () => {
    await begin({ texts: { en: { appsTitle: 'My clients' } } })
    expect((await host.get()).text).toContain('<h1>My clients</h1>')
    const pages = { languages: ['fr', 'en'], texts: { fr: pageTexts } }
    await begin({}, { pages })
    expect((await host.get().set('Accept-Language', 'fr')).text).toContain('<html lang="en">')
    await begin({ texts: { fr: { ...english, appsTitle: 'Vos applications' } } }, { pages })
    expect((await host.get().set('Accept-Language', 'fr')).text).toContain('<h1>Vos applications</h1>')
    await expect(begin({}, { pages: { languages: ['fr'], texts: { fr: pageTexts } } })).rejects.toThrow(
      "developerRouter has no words in a language of the server's pages. Set its texts.fr",
    )
  })

  it('has the colours of the server', async () => {
    await begin({}, { pages: { theme: { light: { accent: 'rebeccapurple' } } } })
    expect((await host.get()).text).toContain('--accent:rebeccapurple')
  })

  it('has fields of the host for a CSRF middleware in front', async () => {
    await begin({ fields: () => ({ _csrf: 'abc' }) })
    expect(fieldsOf(await host.get('?page=new&kind=web'))).toMatchObject({ _csrf: 'abc' })
    await host.makeApp()
    expect(await listClients(host.server, { username: 'alice' })).toHaveLength(1)
  })
})
