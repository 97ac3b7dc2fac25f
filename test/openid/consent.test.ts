// What users are asked and what is remembered of it: OpenID Connect Core §3.1.2.4, §5.5, §11.
import {
  approve,
  authorizationCode,
  consentPage,
  implicit,
  jwt,
  listGrants,
  memoryStorage,
  opaque,
} from '../../src/index'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite'
import { hasSqlite, openSqlite } from '../storage/support/sqlite'
import { fieldsOf } from '../support/consent'
import { answerOf, type Parameters, startOfTime, type TestClient } from '../support/host'
import { createOpenIdHost, type OpenIdHost, type OpenIdHostOptions, signingKeys } from '../support/openid'

const month = 30 * 24 * 3600

let host: OpenIdHost
const start = async (options: OpenIdHostOptions = {}) => {
  host = await createOpenIdHost(options)
}

/** Whether a request shows the page. */
async function asks(parameters: Parameters, client: TestClient = host.web): Promise<boolean> {
  const answer = await host.authorize(client, { scope: 'openid', ...parameters })
  if (answer.status === 200) return true
  expect(answerOf(answer)).toHaveProperty('code')
  return false
}

/** Says yes on the page, and takes the tokens. */
async function allow(parameters: Parameters, client: TestClient = host.web) {
  const all = { scope: 'openid', ...parameters }
  const page = await host.authorize(client, all).expect(200)
  host.clock.advance(1)
  const answer = await host
    .http()
    .post(`/oauth2/authorize?${host.authorizationRequest(client, all)}`)
    .set('X-User', 'alice')
    .type('form')
    .send({ ...fieldsOf(page), consent: 'allow' })
  return (await host.exchange(client, answerOf(answer).code as string).expect(200)).body
}

const errorOf = async (parameters: Parameters) =>
  answerOf(await host.authorize(host.web, { scope: 'openid', ...parameters })).error

describe('prompt', () => {
  it('none says consent_required until the user has said yes, and renews in silence from then on', async () => {
    await start()
    expect(await errorOf({ prompt: 'none' })).toBe('consent_required')
    await allow({})
    expect(await errorOf({ prompt: 'none' })).toBeUndefined()
  })

  it('consent asks again where a yes is remembered', async () => {
    await start()
    await allow({})
    expect(await asks({})).toBe(false)
    expect(await asks({ prompt: 'consent' })).toBe(true)
  })
})

describe('claims that are asked for by name', () => {
  const claims = (...names: string[]) =>
    JSON.stringify({ userinfo: { email: null }, id_token: Object.fromEntries(names.map((name) => [name, null])) })

  it.each([
    ['en', 'See from your account: email address and phone number'],
    ['de', 'Aus Ihrem Konto sehen: E-Mail-Adresse und Telefonnummer'],
    ['es', 'Ver de su cuenta: correo electrónico y número de teléfono'],
  ])('are named on the page, beside the scopes in words (%s)', async (language, words) => {
    await start()
    const page = await host.authorize(host.web, {
      scope: 'openid profile',
      claims: claims('phone_number', 'name'),
      ui_locales: language,
    })
    expect(page.text).toContain(words)
  })

  it('are remembered: what was not asked then is asked now', async () => {
    await start()
    await allow({ claims: claims('phone_number') })
    expect(await asks({ claims: claims() })).toBe(false)
    expect(await asks({ claims: claims('phone_number', 'address') })).toBe(true)
    expect(await asks({ scope: 'openid email', claims: claims() })).toBe(true)
  })

  it('are in the view of a page of the host', async () => {
    const views: unknown[] = []
    await start({
      decide: consentPage({
        render(view) {
          views.push(view.claims)
          return view.fields.map(({ value }) => value).join()
        },
      }),
    })
    await host.authorize(host.web, { scope: 'openid', claims: claims('department') })
    await host.authorize(host.web, { scope: 'read' })
    expect(views).toEqual([[{ claim: 'email', description: 'email address' }], []])
  })
})

describe('the words of a scope', () => {
  it('are there in every language without the host, which may choose its own', async () => {
    await start({
      scopes: { read: 'See your data', write: 'Change your data', email: 'Write to you' },
      openid: { claims: { employee: ['department', 'phone_number'] } },
      pages: { texts: { de: { scopes: { profile: 'Ihr Profil' } } } },
    })
    const all = { scope: 'openid profile email employee offline_access read', prompt: 'consent' }
    const page = async (language: string) => (await host.authorize(host.web, { ...all, ui_locales: language })).text
    const english = await page('en')
    expect(english).toContain('Know who you are when you sign in')
    expect(english).toContain('Write to you')
    expect(english).toContain('See from your account: department and phone number')
    expect(english).toContain('Keep this access after you sign out')
    const german = await page('de')
    expect(german).toContain('Ihr Profil')
    expect(german).toContain('Write to you')
    expect(german).toContain('Aus Ihrem Konto sehen: department und Telefonnummer')
    expect(await page('es')).toContain('Saber quién es usted cuando inicia sesión')
  })
})

describe('offline_access', () => {
  it('is granted with prompt=consent, ignored without, and never an error: Core §11', async () => {
    await start()
    const scope = 'openid offline_access'
    expect((await allow({ scope })).scope).toBe('openid')
    expect((await allow({ scope, prompt: 'consent' })).scope).toBe(scope)
  })

  it('is ignored where no code comes back, whatever the user is asked: Core §11', async () => {
    await start({ decide: approve({ clients: () => true }), grants: [authorizationCode(), implicit()] })
    const grantTypes = ['implicit', 'authorization_code']
    const client = await host.register({ scopes: ['openid', 'offline_access'], grantTypes }, 'https://one.example/a')
    const asked = { scope: 'openid offline_access', prompt: 'consent' }
    const { headers } = await host.authorize(client, { ...asked, response_type: 'token' })
    expect(new URLSearchParams(new URL(headers.location as string).hash.slice(1)).get('scope')).toBe('openid')
    expect((await host.signIn(client, asked)).scope).toBe(asked.scope)
  })

  it('is granted by a yes of before, as long as that holds', async () => {
    await start()
    const scope = 'openid offline_access'
    const tokens = await allow({ scope, prompt: 'consent' })
    const code = await host.code(host.web, { scope })
    expect((await host.exchange(host.web, code)).body.scope).toBe(scope)
    for (const grant of await listGrants(host.server, { userId: 'alice' })) {
      await host.storage.grants.revoke({ grantId: grant.id }, host.clock.now)
    }
    expect(await host.isAlive(tokens)).toBe(false)
    expect((await allow({ scope })).scope).toBe('openid')
  })

  it('does not decide whether there is a refresh token: the record does', async () => {
    await start()
    expect(await allow({ scope: 'openid' })).toHaveProperty('refresh_token')
    const client = await host.register({ scopes: ['openid', 'offline_access'], grantTypes: ['authorization_code'] })
    const tokens = await allow({ scope: 'openid offline_access', prompt: 'consent' }, client)
    expect(tokens).not.toHaveProperty('refresh_token')
  })
})

describe('sessionTtl', () => {
  const grantTypes = ['authorization_code']
  const sqlite = () => {
    const storage = sqliteStorage(openSqlite(':memory:'))
    storage.migrate()
    return storage
  }
  const stateless = jwt({ keys: signingKeys, audience: 'https://api.example', stateless: true })

  it.each([
    ['opaque', opaque(), memoryStorage],
    ['stateless', stateless, memoryStorage],
    ['stateless, in a database', stateless, hasSqlite ? sqlite : memoryStorage],
  ])('so long a yes is remembered, whatever the tokens do (%s)', async (_, accessTokens, makeStorage) => {
    await start({ accessTokens, storage: makeStorage() })
    const client = await host.register({ scopes: ['openid', 'read'], grantTypes })
    await allow({}, client)
    await allow({ scope: 'read' }, client)
    host.clock.advance(month - 10)
    expect(await asks({}, client)).toBe(false)
    // without OpenID Connect a grant ends with its tokens
    expect(await asks({ scope: 'read' }, client)).toBe(true)
    host.clock.advance(month)
    expect(await asks({}, client)).toBe(true)
  })

  it('a renewal every hour leaves no row that lives as long, and the session stays known', async () => {
    await start({ accessTokens: opaque({ ttl: 60 }), openid: { sessionTtl: 1000 } })
    const client = await host.register({ scopes: ['openid'], grantTypes })
    host.sessions.set('alice', { time: startOfTime, sessionId: 's1' })
    await allow({}, client)
    const renew = async () => {
      const code = await host.code(client, { scope: 'openid', prompt: 'none' })
      await host.exchange(client, code).expect(200)
    }
    const ends = async () => (await listGrants(host.server, { userId: 'alice' })).map(({ expiresAt }) => expiresAt)
    const first = await ends()
    await renew()
    await renew()
    expect((await ends()).sort()).toEqual([...Array(2).fill(host.clock.now + 60), ...first].sort())
    // another session of the browser is another one to know
    host.sessions.set('alice', { time: startOfTime, sessionId: 's2' })
    await renew()
    const sids = (await listGrants(host.server, { userId: 'alice' })).map(
      ({ data }) => (data.authentication as { sid: string }).sid,
    )
    expect(new Set(sids).size).toBe(2)
  })

  it('a grant keeps how its user signed in through every refresh', async () => {
    await start()
    host.sessions.set('alice', { time: startOfTime, sessionId: 's1', amr: ['pwd'] })
    const tokens = await allow({})
    const before = (await listGrants(host.server, { userId: 'alice' }))[0]?.data
    host.clock.advance(100)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
    const [grant] = await listGrants(host.server, { userId: 'alice' })
    expect(grant?.data).toEqual(before)
    expect(grant?.data.authentication).toMatchObject({ sid: expect.any(String), amr: ['pwd'], time: startOfTime })
  })

  it('the id of the session at the host is in nothing that clients or guards see', async () => {
    await start()
    host.sessions.set('alice', { time: startOfTime, sessionId: 'cookie-secret' })
    const tokens = await allow({})
    expect(JSON.stringify(tokens)).not.toContain('cookie-secret')
    expect(atob((tokens.id_token as string).split('.')[1] as string)).not.toContain('cookie-secret')
    const { body } = await host.me(tokens.access_token).expect(200)
    expect(body.authInfo).not.toHaveProperty('authentication')
    expect((await host.introspect(host.web, tokens.access_token)).body).not.toHaveProperty('authentication')
  })
})
