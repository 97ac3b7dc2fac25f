// Who a user is to a client: OpenID Connect Core §8, and what a client may say of its sector (Registration §5).
import { decodeJwt } from 'jose'
import * as oauth from '../../src/index'
import { type PairwiseOptions, pairwise } from '../../src/openid/index'
import type { Client } from '../../src/storage'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { paths } from '../support/host'
import { createLogoutHost } from '../support/logout'
import { createOpenIdHost } from '../support/openid'

const salt = 'a secret of 32 bytes, or of more'
let host: Awaited<ReturnType<typeof createLogoutHost>>
let documents: DocumentHost
beforeEach(async () => {
  host = await createLogoutHost({ openid: { subject: pairwise({ salt }) } })
  documents = await createDocumentHost()
})
afterEach(() => documents.close())

/** A client with the scope `openid` and these redirect URIs. */
const client = (redirectUris: string[], more: oauth.RegisterClientOptions = {}) =>
  host.register({ scopes: ['openid'], ...more, redirectUris }, redirectUris[0])

const subjectFor = async (made: { clientId: string; redirectUri: string; clientSecret?: string }, user = 'alice') =>
  decodeJwt((await host.tokens(made, user)).idToken).sub

const sector = (uris: unknown) =>
  documents.at('/sector.json', (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(uris))
  })

describe('pairwise', () => {
  it('is one sub for the clients of one host, and another for each other host and user', async () => {
    const one = await client(['https://one.example/a'])
    const same = await client(['https://one.example/b'])
    const other = await client(['https://other.example/a'])
    const sub = await subjectFor(one)
    expect(sub).toMatch(/^[\w-]{43}$/)
    expect(await subjectFor(same)).toBe(sub)
    expect(await subjectFor(other)).not.toBe(sub)
    expect(await subjectFor(one, 'bob')).not.toBe(sub)
  })

  it('is the same at the userinfo endpoint and in the logout hint', async () => {
    const one = await client(['https://one.example/a'])
    const { access_token, idToken } = await host.tokens(one)
    expect((await host.userinfo(access_token).expect(200)).body.sub).toBe(decodeJwt(idToken).sub)
    expect((await host.logout({ id_token_hint: idToken })).text).toContain('You are signed out')
  })

  it('is all that a client reads of a user in introspection, and APIs of the host learn the id', async () => {
    const one = await client(['https://one.example/a'])
    const { access_token, refresh_token, idToken } = await host.tokens(one)
    const seenBy = async (caller: typeof one, token: string) =>
      (await host.send(paths.introspect, caller, { token }).expect(200)).body.sub
    const { sub } = decodeJwt(idToken)
    expect([await seenBy(one, access_token), await seenBy(one, refresh_token)]).toEqual([sub, sub])
    expect(await seenBy(host.api, access_token)).toBe('alice')
    // one with no API at all is no API of the host
    host.storage.replace('clients.find', async (call) => {
      const found = await call()
      return found && { ...found, resourceServer: [] }
    })
    expect(await seenBy(one, access_token)).toBe(sub)
  })

  it('is the sub of JWT access tokens, which the client can read; the guard knows the user (RFC 9068 §6)', async () => {
    const accessTokens = oauth.jwt({ keys: oauth.generateSigningKey('RS256'), audience: 'https://api.example' })
    const decide = oauth.approve({ clients: () => true })
    const { web, ...other } = await createOpenIdHost({ openid: { subject: pairwise({ salt }) }, accessTokens, decide })
    const tokens = await other.signIn(web, { scope: 'openid' })
    const refreshed = (await other.refresh(web, tokens.refresh_token).expect(200)).body
    for (const { access_token } of [tokens, refreshed]) {
      expect(decodeJwt(access_token).sub).toBe(decodeJwt(tokens.id_token as string).sub)
      const { body } = await other.http().get('/me').auth(access_token, { type: 'bearer' }).expect(200)
      expect(body).toMatchObject({ user: { id: 'alice' }, authInfo: { userId: 'alice' } })
    }
    const { body } = await other.token(web, { grant_type: 'client_credentials', scope: 'read' }).expect(200)
    expect(decodeJwt(body.access_token).sub).toBe('web')
  })

  it('has no stateless tokens beside it: nothing but the token would know the user', async () => {
    const accessTokens = oauth.jwt({
      keys: oauth.generateSigningKey(),
      audience: 'https://api.example',
      stateless: true,
    })
    await expect(createOpenIdHost({ openid: { subject: pairwise({ salt }) }, accessTokens })).rejects.toThrow(
      'jwt({ stateless: true }) tells clients the ids of users, which pairwise() keeps from them',
    )
  })

  it('takes each app on a device for a sector of its own', async () => {
    const one = await client(['http://127.0.0.1/cb'])
    const other = await client(['http://127.0.0.1/cb'])
    expect(await subjectFor(one)).not.toBe(await subjectFor(other))
  })

  it.each<[string, string[], string[]]>([
    ['on a device beside it', ['https://victim.example/a', 'http://127.0.0.1/cb'], ['authorization_code']],
    ['a scheme of its own beside it', ['com.evil.app:/cb', 'https://victim.example/a'], ['authorization_code']],
    ['a grant without a redirect', ['https://victim.example/a'], ['authorization_code', oauth.deviceCode().grantType]],
  ])('is not that of a host that a record of its sender names, with %s', async (_case, redirectUris, grantTypes) => {
    const victim = await subjectFor(await client(['https://victim.example/a']))
    const made = await client(redirectUris.slice(0, 1))
    const record = await host.storage.clients.find(made.clientId)
    const changed = { ...record, redirectUris, grantTypes, version: 99 } as Client
    const origins = ['registration', 'admitted_registration', 'metadata_document'] as const
    // or by the user who owns it, such as on the developer pages
    for (const others of [...origins.map((origin) => ({ origin })), { username: 'mallory' }]) {
      const subjects = pairwise({ salt })
      expect(await subjects.subjectOf(host.server, { ...changed, ...others }, 'alice')).not.toBe(victim)
    }
    // the host knows whose its own records are
    const { origin: _, ...ours } = changed
    expect(await pairwise({ salt }).subjectOf(host.server, ours, 'alice')).toBe(victim)
  })

  it('is one of its own for a document with several hosts: no stranger makes a failure of the server', async () => {
    const redirectUris = ['https://one.example/a', 'https://two.example/a']
    const { clientId } = await client(redirectUris.slice(0, 1))
    const record = (await host.storage.clients.find(clientId)) as Client
    const document: Client = { ...record, redirectUris, origin: 'metadata_document' }
    expect(await pairwise({ salt }).subjectOf(host.server, document, 'alice')).toMatch(/^[\w-]{43}$/)
  })

  it('makes a sub of an id that sub itself could not carry', async () => {
    const one = await client(['https://one.example/a'])
    const person = { id: 'é'.repeat(300), name: 'Alice' }
    for (const id of ['alice', person.id]) host.people.set(id, person)
    expect(await subjectFor(one)).toMatch(/^[\w-]{43}$/)
  })

  it.each([[undefined], ['short'], [new Uint8Array(31)], ['ä'.repeat(15)], [5]])('refuses the salt %p', (wrong) => {
    expect(() => pairwise({ salt: wrong } as PairwiseOptions)).toThrow(/32 bytes/)
  })

  it('is named in the metadata, and no client chooses another one', async () => {
    const { body } = await host.http().get('/.well-known/openid-configuration')
    expect(body.subject_types_supported).toEqual(['pairwise'])
    await expect(client(['https://one.example/a'], { subjectType: 'public' })).rejects.toThrow('must be pairwise')
  })
})

describe('sector_identifier_uri', () => {
  const two = ['https://one.example/a', 'https://two.example/a']

  it('is needed for several hosts, and makes one sector of them', async () => {
    await expect(client(two)).rejects.toThrow('redirect_uris with several hosts need sector_identifier_uri')
    const listed = await client(two, { sectorIdentifierUri: sector([...two, 'https://three.example/a']) })
    const third = await client(['https://three.example/a'], { sectorIdentifierUri: `${documents.origin}/sector.json` })
    expect(await subjectFor(listed)).toBe(await subjectFor(third))
  })

  it.each<[string, unknown]>([
    ['lacks one of them', [two[0]]],
    ['is no list', { redirect_uris: two }],
    ['lists something else', [[two]]],
    ['is empty', []],
    ['is huge', [...two, 'x'.repeat(20_000)]],
  ])('is refused where its document %s', async (_case, content) => {
    const refused = client(two, { sectorIdentifierUri: sector(content) })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_client_metadata' })
  })

  it('is asked again where redirect URIs change, and not where they do not', async () => {
    const { clientId } = await client(two, { sectorIdentifierUri: sector(two) })
    await oauth.updateClient(host.server, clientId, { name: 'New' })
    expect(documents.asked).toHaveLength(1)
    const changed = oauth.updateClient(host.server, clientId, { redirectUris: [...two, 'https://evil.example/'] })
    await expect(changed).rejects.toThrow('the list at sector_identifier_uri must have each of redirect_uris')
  })

  it('is fetched for five at once of one host, and the others are refused', async () => {
    const open: (() => void)[] = []
    const sectorIdentifierUri = documents.at('/sector.json', (_req, res) => {
      open.push(() => res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(two)))
      if (open.length === 5) for (const answer of open.splice(0)) answer()
    })
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => client(two, { sectorIdentifierUri })))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    expect(documents.asked).toHaveLength(5)
  })

  it.each(['http://one.example/s', 'https://10.0.0.1/s', 'https://localhost/s', 'file:///etc/passwd'])(
    '%s is refused, and nothing is fetched from there (SSRF)',
    async (sectorIdentifierUri) => {
      const strict = await createOpenIdHost({ openid: { subject: pairwise({ salt }) } })
      const refused = strict.register({ scopes: ['openid'], sectorIdentifierUri })
      await expect(refused).rejects.toThrow('sectorIdentifierUri must be an https URL of a public host')
    },
  )
})

describe('registration', () => {
  const register = (members: object) =>
    host
      .http()
      .post('/oauth2/register')
      .send({ redirect_uris: ['https://one.example/cb'], token_endpoint_auth_method: 'none', ...members })

  it('keeps and returns what OpenID Connect Dynamic Client Registration names', async () => {
    const members = {
      ...{ application_type: 'web', subject_type: 'pairwise', contacts: ['dev@one.example'] },
      ...{ client_uri: 'https://one.example/', logo_uri: 'https://one.example/logo.png' },
      ...{ policy_uri: 'https://one.example/privacy', tos_uri: 'https://one.example/terms' },
      ...{ initiate_login_uri: 'https://one.example/login', default_max_age: 60, require_auth_time: true },
      ...{ id_token_signed_response_alg: 'ES256', default_acr_values: ['mfa'] },
      ...{ post_logout_redirect_uris: ['https://one.example/out'] },
      ...{ backchannel_logout_uri: 'https://one.example/bc', backchannel_logout_session_required: true },
    }
    expect((await register(members).expect(201)).body).toMatchObject(members)
  })

  it.each([
    [{ application_type: 'desktop' }, 'application_type must be web or native'],
    [{ policy_uri: 'javascript:alert(1)' }, 'policy_uri must be an https URL of a public host'],
    [{ tos_uri: 'https://10.0.0.1/' }, 'tos_uri must be an https URL of a public host'],
    [{ initiate_login_uri: 'http://one.example/' }, 'initiate_login_uri must be an https URL of a public host'],
    [{ contacts: ['a\u202eb'] }, 'contacts must have'],
    [{ contacts: 'a' }, 'contacts must be a list'],
    [{ id_token_signed_response_alg: 'none' }, 'id_token_signed_response_alg must be one of'],
    [{ post_logout_redirect_uris: ['javascript:alert(1)'] }, 'post_logout_redirect_uris[0]'],
    [{ post_logout_redirect_uris: ['http://one.example/'] }, 'post_logout_redirect_uris[0]'],
    [{ backchannel_logout_uri: 'https://169.254.169.254/' }, 'backchannel_logout_uri must be an https URL'],
  ])('refuses %j', async (members, problem) => {
    const { body } = await register(members).expect(400)
    expect(body.error).toBe('invalid_client_metadata')
    expect(body.error_description).toContain(problem)
  })
})

it.each([
  ['en', 'Privacy policy', 'Terms of service'],
  ['de', 'Datenschutzerklärung', 'Nutzungsbedingungen'],
  ['es', 'Política de privacidad', 'Condiciones de servicio'],
])('the consent page links policy and terms in %s', async (ui_locales, policy, terms) => {
  const asking = await createOpenIdHost()
  const [policyUri, tosUri] = ['https://app.example/privacy?a&b', 'https://app.example/terms']
  await oauth.updateClient(asking.server, 'web', { policyUri, tosUri })
  const { text } = await asking.authorize(asking.web, { scope: 'openid', ui_locales })
  expect(text).toContain(
    `<a href="https://app.example/privacy?a&amp;b" target="_blank" rel="noopener noreferrer">${policy}</a>`,
  )
  expect(text).toContain(`>${terms}</a>`)
})
