// ATTACKS.md row 49, two clients in one request: authenticated as A, and served as the `client_id` of B that it names.
import {
  authorizationCode,
  bearerGuard,
  clientCredentials,
  deleteClient,
  oauthRouter,
  password,
  refreshToken,
  registerClient,
  tokenRouter,
} from '../../src/index'
import { createHost, encode, type Host, type TestClient, type Tokens } from '../support/host'

const REGISTER = '/oauth2/register'
const TOKEN = '/oauth2/token'
let host: Host
let a: TestClient
let b: TestClient
beforeEach(async () => {
  host = await createHost({
    grants: [authorizationCode(), clientCredentials(), refreshToken(), password({ verify: () => 'bob' })],
    mount: (app, server) => {
      const decide = () => ({ allow: true as const, userId: 'alice' })
      const register = { protect: 'open', scopes: ['read'] } as const
      app.use('/query', tokenRouter(server, { parametersFrom: ['body', 'query'] }))
      app.use(oauthRouter(server, { decide, protect: bearerGuard(server, { scope: 'clients' }), register }))
      app.get('/me', bearerGuard(server, { scope: 'read', clientIdQuery: true }), (req, res) => {
        res.json(req.authInfo)
      })
    },
  })
  a = await host.register({ clientId: 'a', grantTypes: ['client_credentials', 'authorization_code', 'refresh_token'] })
  b = await host.register({ clientId: 'b', grantTypes: [...host.server.grants.keys()], resourceServer: true })
})

const basic = (id: string, secret: string | undefined) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
const secretOf = (client: TestClient) => client.clientSecret as string

/** Requests that prove to be of A and name B, to be completed with the parameters of an endpoint. */
const ways: [string, (path: string, parameters: Record<string, string>) => ReturnType<typeof send>][] = [
  [
    'Basic of A, client_id of B in the form',
    (path, p) => send(path, p, { client_id: 'b' }, basic('a', a.clientSecret)),
  ],
  [
    'Basic of A, client_id of B in JSON',
    (path, p) => send(path, p, { client_id: 'b' }, basic('a', a.clientSecret), true),
  ],
  [
    'Basic of A, client_id of B in the URL',
    (path, p) => send(`${path}?client_id=b`, p, {}, basic('a', a.clientSecret)),
  ],
  ['secret of A, client_id of B', (path, p) => send(path, p, { client_id: 'b', client_secret: secretOf(a) })],
  [
    'both of A, client_id of B in the URL',
    (path, p) => send(`${path}?client_id=b`, p, { client_id: 'a', client_secret: secretOf(a) }),
  ],
  [
    'secret of A in the form, its id and that of B',
    (path, p) => send(path, p, { client_secret: secretOf(a) }, undefined, false, '&client_id=a&client_id=b'),
  ],
  [
    'secret of A in the form, the id of B and its own',
    (path, p) => send(path, p, { client_secret: secretOf(a) }, undefined, false, '&client_id=b&client_id=a'),
  ],
  [
    'secret of A in JSON, both ids in a list',
    (path, p) => send(path, p, { client_id: ['a', 'b'] as never, client_secret: secretOf(a) }, undefined, true),
  ],
  [
    'Basic of A, credentials of B without a secret',
    (path, p) => send(path, p, { client_id: 'b', client_secret: '' }, basic('a', a.clientSecret)),
  ],
  ['Basic with the secret of A and the id of B', (path, p) => send(path, p, {}, basic('b', a.clientSecret))],
  ['Basic whose id is that of B once decoded', (path, p) => send(path, p, {}, basic('%62', a.clientSecret))],
  [
    'Basic of A with the id of B in its secret',
    (path, p) => send(path, p, {}, basic('a', `${a.clientSecret}&client_id=b`)),
  ],
]
function send(
  path: string,
  parameters: Record<string, string>,
  more: Record<string, string>,
  authorization?: string,
  json = false,
  after = '',
) {
  const sent = host.http().post(path)
  if (authorization) sent.set('Authorization', authorization)
  const all = { ...parameters, ...more }
  return json ? sent.send(all) : sent.type('form').send(`${encode(all)}${after}`)
}

describe.each(ways)('%s', (_, request) => {
  it('gets no token as B', async () => {
    for (const path of [TOKEN, '/query']) {
      const { status, body } = await request(path, { grant_type: 'client_credentials' })
      expect([200, 400, 401]).toContain(status)
      if (status === 200) expect(await clientOf(body.access_token)).toBe('a')
      // what A may not, and B may
      const refused = await request(path, { grant_type: 'password', username: 'bob', password: 'x' })
      expect([400, 401]).toContain(refused.status)
      expect(refused.body.error).toMatch(/^(invalid_client|invalid_request|unauthorized_client)$/)
    }
  })

  it("redeems no code and no refresh token of B's", async () => {
    const code = await host.code(b)
    const body = { grant_type: 'authorization_code', code, redirect_uri: b.redirectUri, code_verifier: verifier }
    expect((await request(TOKEN, body)).body).not.toHaveProperty('access_token')
    const tokens = await host.signIn(b)
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    expect((await request(TOKEN, refresh)).body).not.toHaveProperty('access_token')
    expect(await isAlive(tokens)).toBe(true)
  })

  it("revokes and sees none of B's tokens, nor those that only B may see", async () => {
    const tokens = await host.signIn(b)
    const others = await host.signIn(host.native)
    await request('/oauth2/revoke_token', { token: tokens.refresh_token })
    await request('/oauth2/revoke_token', { token: tokens.access_token })
    expect(await isAlive(tokens)).toBe(true)
    for (const { access_token: token } of [tokens, others]) {
      const { body } = await request('/oauth2/introspect', { token })
      expect(body.active ?? false).toBe(false)
    }
  })
})

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const clientOf = async (token: string) => (await host.introspect(host.api, token)).body.client_id
const isAlive = async ({ access_token }: Tokens) => (await host.introspect(host.api, access_token)).body.active

it('a token of A beside the client_id of B is that of A at the guard', async () => {
  const { access_token } = await host.signIn(a)
  const answer = await host.http().get('/me?client_id=b').auth(access_token, { type: 'bearer' })
  expect(answer.body.clientId).toBe('a')
})

describe("A's registration access token at the registration of B", () => {
  const join = async () =>
    (
      await host
        .http()
        .post(REGISTER)
        .send({ redirect_uris: ['https://app.example/cb'] })
        .expect(201)
    ).body
  const manage = (method: 'get' | 'put' | 'delete', path: string, token: string, body?: object) => {
    const sent = host.http()[method](`${REGISTER}/${path}`).auth(token, { type: 'bearer' })
    return body ? sent.send(body) : sent
  }

  it.each(['get', 'put', 'delete'] as const)('is a wrong token: %s', async (method) => {
    const [mine, other] = [await join(), await join()]
    const { client_id, registration_access_token: token } = mine
    const before = await host.server.storage.clients.find(other.client_id)
    const evil = { redirect_uris: ['https://evil.example/cb'] }
    for (const [path, body] of [
      [other.client_id, { client_id: other.client_id, ...evil }],
      [other.client_id, { client_id, ...evil }],
      [`${other.client_id}?client_id=${client_id}`, { client_id: other.client_id, ...evil }],
      ['b', { client_id: 'b', ...evil }],
      ['web', { client_id: 'web', ...evil }],
      ['nothing', { client_id: 'nothing', ...evil }],
    ] as const) {
      const answer = await manage(method, path, token, method === 'put' ? body : undefined)
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
    }
    expect(await host.server.storage.clients.find(other.client_id)).toEqual(before)
  })

  it('names B in vain at the registration of A', async () => {
    const [mine, other] = [await join(), await join()]
    const before = await host.server.storage.clients.find(other.client_id)
    const { client_id, registration_access_token: token } = mine
    const evil = { client_id: other.client_id, redirect_uris: ['https://evil.example/cb'] }
    const answers = [
      await manage('put', client_id, token, evil),
      await manage('put', `${client_id}?client_id=${other.client_id}`, token, evil),
      await manage('put', client_id, token, { ...evil, client_id, client_secret: other.client_secret }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
    await manage('delete', `${client_id}?client_id=${other.client_id}`, token)
    expect(await host.server.storage.clients.find(other.client_id)).toEqual(before)
    expect(await host.server.storage.clients.find(client_id)).toBeUndefined()
  })

  it('does not delete what has the id of A by then', async () => {
    const { client_id: clientId, registration_access_token: token } = await join()
    const pause = host.storage.pauseBefore('clients.update')
    const deleting = manage('delete', clientId, token).then((answer) => answer)
    await Promise.race([pause.reached, deleting])
    await deleteClient(host.server, clientId)
    await registerClient(host.server, { clientId, name: 'Another' })
    pause.resume()
    expect((await deleting).status).toBe(401)
    expect(await host.server.storage.clients.find(clientId)).toMatchObject({ name: 'Another' })
  })
})
