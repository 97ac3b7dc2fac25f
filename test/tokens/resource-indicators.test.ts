// Resource indicators (RFC 8707): a client says which API it wants a token for, and the token is good there and nowhere else.
import express from 'express'
import { decode } from 'jsonwebtoken'
import request from 'supertest'
import {
  authorizationCode,
  bearerGuard,
  clientCredentials,
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  implicit,
  issueCode,
  issueTokens,
  jwt,
  opaque,
  password,
  refreshToken,
  tokenRouter,
  verifyAccessToken,
} from '../../src'
import type { AccessTokenFormat } from '../../src/types/access-token'
import { answerOf, createHost, type Host, type HostOptions, issuer, paths, type Tokens } from '../support/host'

const files = 'https://files.example.com'
const mail = 'https://mail.example.com/v1'
const resources = [files, mail]
const key = generateSigningKey()

type Apis = Host & { apis: express.Express }

/** A host with two APIs, and a guard in front of each; `/me` is for tokens whose request named none. */
async function createApis(options: HostOptions = {}): Promise<Apis> {
  const host = await createHost({ resources, ...options })
  const apis = express()
  apis.get(
    '/files',
    bearerGuard(host.server, { resource: files, user: false }),
    (req, res) => void res.json(req.authInfo),
  )
  apis.get(
    '/mail',
    bearerGuard(host.server, { resource: mail, user: false }),
    (req, res) => void res.json(req.authInfo),
  )
  return { ...host, apis }
}
const call = ({ apis }: Apis, path: string, token: string) => request(apis).get(path).auth(token, { type: 'bearer' })

/** Which of the two APIs let the token in. */
async function admittedBy(host: Apis, { access_token }: Pick<Tokens, 'access_token'>): Promise<string[]> {
  const admitted = []
  for (const path of ['/files', '/mail']) {
    const { status, headers } = await call(host, path, access_token)
    if (status === 200) admitted.push(path)
    else expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('invalid_token')])
  }
  return admitted
}

const formats: [string, () => AccessTokenFormat][] = [
  ['opaque', () => opaque()],
  ['JWT', () => jwt({ keys: key, audience: files })],
  ['stateless JWT', () => jwt({ keys: key, audience: files, stateless: true })],
]

describe.each(formats)('resources and %s tokens', (name, format) => {
  let host: Apis
  beforeEach(async () => {
    host = await createApis({
      accessTokens: format(),
      grants: [
        authorizationCode(),
        clientCredentials(),
        refreshToken(),
        password({ verify: (username) => username }),
        implicit(),
      ],
    })
  })

  it('is good at the API that was asked for, and at no other', async () => {
    expect(await admittedBy(host, await host.signIn(host.web, { resource: mail }))).toEqual(['/mail'])
    expect(await admittedBy(host, await host.signIn(host.web, { resource: files }))).toEqual(['/files'])
  })

  it('is for the default API when none was asked for, where a guard that names none stands, too', async () => {
    const tokens = await host.signIn()
    expect(await admittedBy(host, tokens)).toEqual(['/files'])
    expect(await host.isAlive(tokens)).toBe(true)
    expect(await host.isAlive(await host.signIn(host.web, { resource: mail }))).toBe(false)
  })

  it('is for several when resource is repeated, in the URL and in a form (§2)', async () => {
    const query = `${host.authorizationRequest(host.web)}&resource=${encodeURIComponent(files)}&resource=${encodeURIComponent(mail)}`
    const { code } = answerOf(await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice'))
    const { body } = await host.exchange(host.web, code as string).expect(200)
    expect(await admittedBy(host, body)).toEqual(['/files', '/mail'])
    const form = `grant_type=client_credentials&resource=${encodeURIComponent(mail)}&resource=${encodeURIComponent(files)}`
    const own = await host.token(host.web, {}).send(form).expect(200)
    expect(await admittedBy(host, own.body)).toEqual(['/files', '/mail'])
  })

  it('may be narrowed at the exchange, and at each refresh anew, without shrinking the grant (§2.2)', async () => {
    const code = await host.code(host.web, { resource: `${files} ${mail}` })
    const { body: first } = await host.exchange(host.web, code, { resource: mail }).expect(200)
    expect(await admittedBy(host, first)).toEqual(['/mail'])
    const { body: second } = await host.refresh(host.web, first.refresh_token, { resource: files }).expect(200)
    expect(await admittedBy(host, second)).toEqual(['/files'])
    const { body: third } = await host.refresh(host.web, second.refresh_token).expect(200)
    expect(await admittedBy(host, third)).toEqual(['/files', '/mail'])
  })

  it.each(['client_credentials', 'password'])('is honoured by the grant %s', async (grant_type) => {
    const user = { username: 'alice', password: 'x' }
    const { body } = await host.token(host.web, { grant_type, ...user, resource: mail }).expect(200)
    expect(await admittedBy(host, body)).toEqual(['/mail'])
  })

  it('is honoured by the implicit grant', async () => {
    const answer = await host.authorize(host.web, { response_type: 'token', resource: mail })
    expect(await admittedBy(host, { access_token: answerOf(answer).access_token as string })).toEqual(['/mail'])
  })

  it("is honoured by the host's own code", async () => {
    const request = { clientId: 'web', userId: 'alice' }
    expect(await admittedBy(host, await issueTokens(host.server, { ...request, resource: [mail] }))).toEqual(['/mail'])
    const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const { code } = await issueCode(host.server, { ...request, resource: mail, codeChallenge })
    expect(await admittedBy(host, (await host.exchange(host.web, code).expect(200)).body)).toEqual(['/mail'])
    await expect(issueTokens(host.server, { ...request, resource: 'https://x.example' })).rejects.toMatchObject({
      code: 'invalid_target',
    })
  })

  it('shows in authInfo, in introspection, and in the aud of a JWT', async () => {
    const { access_token } = await host.signIn(host.web, { resource: mail })
    expect((await call(host, '/mail', access_token)).body.audience).toEqual([mail])
    expect((await host.introspect(host.api, access_token)).body).toMatchObject({ active: true, aud: mail })
    const both = await host.signIn(host.web, { resource: `${mail} ${files}` })
    expect((await host.introspect(host.api, both.access_token)).body.aud).toEqual(resources)
    if (name !== 'opaque') {
      expect(decode(access_token)).toMatchObject({ aud: mail })
      expect(decode(both.access_token)).toMatchObject({ aud: resources })
    }
  })

  it('is checked by verifyAccessToken, which does not start with a resource that there is not', async () => {
    const { access_token } = await host.signIn(host.web, { resource: mail })
    await expect(verifyAccessToken(host.server, access_token, { resource: mail })).resolves.toMatchObject({
      audience: [mail],
    })
    for (const options of [{}, { resource: files }]) {
      await expect(verifyAccessToken(host.server, access_token, options)).rejects.toMatchObject({
        code: 'invalid_token',
      })
    }
    const elsewhere = verifyAccessToken(host.server, access_token, { resource: 'https://x.example' })
    await expect(elsewhere).rejects.toThrow(TypeError)
  })

  it('of a replayed refresh is the one of the first answer: another one is invalid_target and burns nothing', async () => {
    const tokens = await host.signIn(host.web, { resource: `${files} ${mail}` })
    const refresh = (resource?: string) => host.refresh(host.web, tokens.refresh_token, { resource })
    const first = await refresh(mail).expect(200)
    expect((await refresh(files).expect(400)).body.error).toBe('invalid_target')
    expect((await refresh().expect(400)).body.error).toBe('invalid_target')
    expect((await refresh(mail).expect(200)).body.access_token).toBe(first.body.access_token)
    await host.refresh(host.web, first.body.refresh_token, { resource: files }).expect(200)
  })
})

describe('invalid_target (§2)', () => {
  const wrong: [string, string][] = [
    ['unknown', 'https://evil.example'],
    ['relative', '/v1'],
    ['a path of a known one', `${files}/x`],
    ['a prefix of a known one', 'https://mail.example.com'],
    ['with a query', `${mail}?x=1`],
    ['with a fragment', `${mail}#x`],
    ['one of two unknown', `${files} https://evil.example`],
    ['only a space', ' '],
  ]

  it.each(wrong)('is told to the client by redirect: %s', async (_, resource) => {
    const host = await createApis()
    const answer = answerOf(await host.authorize(host.web, { resource }))
    expect(answer).toMatchObject({ error: 'invalid_target', state: 'xyz', iss: issuer })
    expect(answer).not.toHaveProperty('code')
  })

  it.each(wrong)('burns neither a code nor a refresh token: %s', async (_, resource) => {
    const host = await createApis()
    const code = await host.code()
    expect((await host.exchange(host.web, code, { resource }).expect(400)).body.error).toBe('invalid_target')
    const { body } = await host.exchange(host.web, code).expect(200)
    const refused = await host.refresh(host.web, body.refresh_token, { resource }).expect(400)
    expect(refused.body.error).toBe('invalid_target')
    await host.refresh(host.web, body.refresh_token).expect(200)
  })

  it('does not tell whether a password was right', async () => {
    const host = await createApis({
      grants: [password({ verify: (_, word) => (word === 'right' ? 'alice' : undefined) })],
    })
    const signIn = (word: string) =>
      host.token(host.web, { grant_type: 'password', username: 'alice', password: word, resource: 'https://x.example' })
    expect((await signIn('wrong').expect(400)).body).toEqual((await signIn('right').expect(400)).body)
  })
})

describe('the spelling of a resource', () => {
  it.each([
    ['with the slash that clients add after a host', `${files}/`],
    ['with its port', 'https://files.example.com:443'],
    ['with a host in capitals', 'https://FILES.example.com'],
  ])('may be another one, %s, and in the token it is that of the server', async (_, resource) => {
    const host = await createApis()
    const { access_token } = await host.signIn(host.web, { resource })
    expect((await host.introspect(host.api, access_token)).body.aud).toBe(files)
    expect(() => bearerGuard(host.server, { resource })).not.toThrow()
  })
})

describe('a repeated resource', () => {
  it('is taken from JSON, and from what a body parser of the host has made of a form', async () => {
    const host = await createHost({
      resources,
      mount(app, server) {
        app.use('/own', tokenRouter(server))
        app.use('/parsed', express.urlencoded({ extended: false }), express.json(), tokenRouter(server))
      },
    })
    const form = `grant_type=client_credentials&resource=${files}&resource=${mail}`
    const json = { grant_type: 'client_credentials', resource: [files, mail] }
    for (const path of ['/own', '/parsed']) {
      for (const body of [form, json]) {
        const sent = host
          .http()
          .post(path)
          .auth('web', host.web.clientSecret as string)
          .send(body)
        const { access_token } = (await sent.expect(200)).body
        await expect(verifyAccessToken(host.server, access_token)).resolves.toMatchObject({ audience: resources })
      }
      const nested = { ...json, resource: [files, { x: mail }] }
      await host
        .http()
        .post(path)
        .auth('web', host.web.clientSecret as string)
        .send(nested)
        .expect(400)
    }
  })

  it('makes no other parameter repeatable', async () => {
    const host = await createApis()
    const form = `grant_type=client_credentials&scope=read&scope=write&resource=${mail}`
    expect((await host.token(host.web, {}).send(form).expect(400)).body.error).toBe('invalid_request')
  })
})

describe('a server without resources', () => {
  it('ignores the parameter, repeated or not, as RFC 6749 §3.1 asks for what is not known', async () => {
    const host = await createHost()
    const tokens = await host.signIn(host.web, { resource: 'https://anything.example' })
    expect(await host.isAlive(tokens)).toBe(true)
    const repeated = 'grant_type=client_credentials&resource=https://a.example&resource=b'
    const { body } = await host.token(host.web, {}).send(repeated).expect(200)
    expect((await host.introspect(host.api, body.access_token)).body).not.toHaveProperty('aud')
    expect(await host.isAlive(body)).toBe(true)
  })

  it('has no guard for one', async () => {
    const { server } = await createHost()
    expect(() => bearerGuard(server, { resource: files })).toThrow(/not in the server's resources: \(none\)/)
  })
})

describe('the resources option', () => {
  it.each<[string, unknown]>([
    ['a string', files],
    ['a relative URI', ['/files']],
    ['a fragment', [`${files}#x`]],
    ['a number', [1]],
    ['a space', ['https://a.example b']],
  ])('throws at start-up: %s', async (_, wrong) => {
    await expect(createHost({ resources: wrong as string[] })).rejects.toThrow(
      /resources must be a list of absolute URIs/,
    )
  })

  it('may lose one: a refresh gives tokens for what is left, and none when nothing is', async () => {
    const host = await createApis()
    const both = await host.signIn(host.web, { resource: `${files} ${mail}` })
    const one = await host.signIn(host.web, { resource: mail })
    const later = createAuthorizationServer({
      issuer,
      storage: host.storage,
      scopes: ['read', 'write'],
      resources: [files],
      now: () => host.clock.now,
    })
    const app = express().use(tokenRouter(later))
    const refresh = ({ refresh_token }: Tokens) =>
      request(app)
        .post('/')
        .auth('web', host.web.clientSecret as string)
        .type('form')
        .send({ grant_type: 'refresh_token', refresh_token })
    const { access_token } = (await refresh(both).expect(200)).body
    await expect(verifyAccessToken(later, access_token)).resolves.toMatchObject({ audience: [files] })
    expect((await refresh(one).expect(400)).body.error).toBe('invalid_target')
    await expect(verifyAccessToken(later, one.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })
})

describe('the consent page', () => {
  const fieldsOf = (html: string) =>
    Object.fromEntries([...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]))
  const query = (host: Host, resource: string) =>
    `${paths.authorize}?${host.authorizationRequest(host.web, { resource })}`

  it('keeps several resources through sign-in and answer', async () => {
    const host = await createApis({ decide: consentPage({ signIn: '/login' }) })
    const url = `${query(host, files)}&resource=${encodeURIComponent(mail)}`
    const toSignIn = await host.http().get(url).expect(303)
    const returnTo = new URL(toSignIn.headers.location as string, issuer).searchParams.get('return_to') as string
    const page = await host.http().get(returnTo).set('X-User', 'alice').expect(200)
    const { consent_transaction } = fieldsOf(page.text)
    host.clock.advance(0.5)
    const answer = await host
      .http()
      .post(returnTo)
      .set('X-User', 'alice')
      .type('form')
      .send({ consent_transaction, consent: 'allow' })
      .expect(303)
    const { body } = await host.exchange(host.web, answerOf(answer).code as string).expect(200)
    expect(await admittedBy(host, body)).toEqual(['/files', '/mail'])
  })

  it('carries what a POST named beside the URL, and Allow is for both', async () => {
    const host = await createApis({ decide: consentPage({ signIn: '/login' }) })
    const post = (body: object | string) =>
      host.http().post(query(host, files)).set('X-User', 'alice').type('form').send(body)
    const cases: [string[], string[]][] = [
      [[mail], ['/files', '/mail']],
      [[files], ['/files']],
      [
        [files, mail],
        ['/files', '/mail'],
      ],
      [
        [mail, files],
        ['/files', '/mail'],
      ],
    ]
    for (const [resource, admitted] of cases) {
      const { text } = await post({ resource }).expect(200)
      const fields = [...text.matchAll(/hidden" name="([^"]+)" value="([^"]*)"/g)].map(
        ([, name, value]) => `${name}=${value}`,
      )
      host.clock.advance(0.5)
      const answer = await post(`${fields.join('&')}&consent=allow`).expect(303)
      const { body } = await host.exchange(host.web, answerOf(answer).code as string).expect(200)
      expect(await admittedBy(host, body)).toEqual(admitted)
    }
  })

  it.each(['b  c', ' ', 'b c'])(
    'a form with the resource %j beside that of the URL can be answered',
    async (resource) => {
      const host = await createHost({ decide: consentPage({ signIn: '/login' }) })
      const post = (body: object) => host.http().post(query(host, 'a')).set('X-User', 'alice').type('form').send(body)
      const { text } = await post({ resource }).expect(200)
      const fields = [...text.matchAll(/hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ])
      host.clock.advance(0.5)
      const answer = await post({ ...Object.fromEntries(fields), consent: 'allow' }).expect(303)
      expect(answerOf(answer)).toHaveProperty('code')
      expect(fields.filter(([name]) => name === 'resource')).toEqual([['resource', resource]])
    },
  )

  it('remembers a yes for the resources it was said to, and asks for any other', async () => {
    const host = await createApis({ decide: consentPage({ signIn: '/login', remember: true }) })
    await issueTokens(host.server, { clientId: 'web', userId: 'alice', resource: mail })
    const visit = (resource: string) => host.http().get(query(host, resource)).set('X-User', 'alice')
    await visit(mail).expect(302)
    await visit(files).expect(200)
    await visit(`${files} ${mail}`).expect(200)
    // the access token ends, and the session does not
    host.clock.advance(3600)
    await visit(mail).expect(302)
    await visit(files).expect(200)
  })

  it('remembers it for a client without refresh tokens, too, as long as its access token lives', async () => {
    const host = await createApis({
      grants: [authorizationCode(), clientCredentials()],
      decide: consentPage({ signIn: '/login', remember: true }),
    })
    await issueTokens(host.server, { clientId: 'web', userId: 'alice', resource: mail })
    const visit = (resource: string) => host.http().get(query(host, resource)).set('X-User', 'alice')
    await visit(mail).expect(302)
    await visit(files).expect(200)
    host.clock.advance(3600)
    await visit(mail).expect(200)
  })
})

describe('a session of several APIs', () => {
  const apis = ['https://a.example.com', 'https://b.example.com', 'https://c.example.com']
  const opened = async (options: HostOptions = {}) => {
    const host = await createHost({ resources: apis, ...options })
    const first = await host.signIn(host.web, { resource: apis.join(' ') })
    const refreshed = async (token: string, resource: string) => {
      host.clock.advance(100)
      return (await host.refresh(host.web, token, { resource }).expect(200)).body as Tokens
    }
    const isAlive = async (token: string, resource: string) =>
      verifyAccessToken(host.server, token, { resource }).then(
        () => true,
        () => false,
      )
    return { host, first, refreshed, isAlive }
  }

  it('never loses the token of one by refreshing for another, and the one before survives', async () => {
    const { first, refreshed, isAlive } = await opened()
    const held = new Map<string, string[]>()
    let { refresh_token } = first
    for (let round = 0; round < 3; round++) {
      for (const api of apis) {
        const next = await refreshed(refresh_token, api)
        refresh_token = next.refresh_token
        held.set(api, [...(held.get(api) ?? []), next.access_token].slice(-2))
      }
      for (const [api, tokens] of held) {
        for (const token of tokens) expect([api, await isAlive(token, api)]).toEqual([api, true])
      }
    }
  })

  it('has as many sets of resources as the server has resources: one more takes the place used longest ago', async () => {
    const { host, first, refreshed, isAlive } = await opened()
    const [a, b, c] = apis as [string, string, string]
    let { refresh_token } = first
    const use = async (resource: string) => {
      const next = await refreshed(refresh_token, resource)
      refresh_token = next.refresh_token
      return next.access_token
    }
    // the set of the authorization itself, then two more: every place is taken
    const forA = await use(a)
    const forB = await use(b)
    for (const resource of [c, `${a} ${b}`, `${b} ${c}`, c, `${a} ${c}`, a, b]) await use(resource)
    const rows = host.storage.storedIds().filter((id) => /~[ab]/.test(id))
    expect(rows).toHaveLength(2 * apis.length)
    expect(await isAlive(forA, a)).toBe(false)
    expect(await isAlive(forB, b)).toBe(false)
  })
})
