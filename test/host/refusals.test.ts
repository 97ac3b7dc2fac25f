// In development a refusal says on the console why, in one line: error, client, reason and fix, and never a secret.
import { createHost, type HostOptions, paths } from '../support/host'

const { NODE_ENV } = process.env
let printed: jest.SpyInstance
beforeEach(() => {
  process.env.NODE_ENV = 'development'
  printed = jest.spyOn(console, 'info').mockImplementation(() => {})
})
afterEach(() => {
  process.env.NODE_ENV = NODE_ENV
  printed.mockRestore()
})

const lines = () => printed.mock.calls.map(([line]) => String(line))
const start = (options: HostOptions = {}) => createHost({ onEvent: undefined as never, ...options })

it('of the token endpoint', async () => {
  const host = await start()
  await host.token({ ...host.web, clientSecret: 'the wrong secret' }, { grant_type: 'client_credentials' }).expect(401)
  await host.exchange(host.web, 'no-code').expect(400)
  await host.token(host.web, { grant_type: 'client_credentials', scope: 'clients' }).expect(400)
  expect(lines()).toEqual([
    expect.stringMatching(
      /: POST \/oauth2\/token of the client web: invalid_client: .* Fix: compare client_id, secret/,
    ),
    expect.stringMatching(/of the client web: invalid_grant: .* Fix: a code is good once/),
    expect.stringMatching(/of the client web: invalid_scope: .* Fix: add the scope to scopes/),
  ])
  for (const secret of ['the wrong secret', host.web.clientSecret as string, 'no-code'])
    expect(lines().join()).not.toContain(secret)
})

it('of the authorization endpoint, on a page and by redirect', async () => {
  const host = await start()
  await host.authorize(host.web, { redirect_uri: 'https://evil.example/cb' }).expect(400)
  await host.authorize(host.web, { scope: 'clients' }).expect(302)
  expect(lines()).toEqual([
    expect.stringMatching(
      /: GET \/oauth2\/authorize of the client web: invalid_request: redirect_uri .* is not registered/,
    ),
    expect.stringMatching(/of the client web: invalid_scope: /),
  ])
})

it('of a client that is named only in a body that nobody read before', async () => {
  const host = await start()
  const { native } = host
  const post = (path: string, body: object, type = 'form') => host.http().post(path).type(type).send(body)
  const wrong = {
    grant_type: 'authorization_code',
    code: 'no-code',
    redirect_uri: native.redirectUri,
    code_verifier: 'v',
  }
  await post(paths.token, { client_id: native.clientId, ...wrong }).expect(400)
  await post(paths.token, { client_id: native.clientId, ...wrong }, 'json').expect(400)
  await post(paths.token, { client_id: 'web', client_secret: 'the wrong secret', ...wrong }).expect(401)
  await post(paths.revoke, { client_id: 'unknown', token: 'a-token' }).expect(401)
  await post(paths.authorize, { client_id: 'web', redirect_uri: 'https://evil.example/cb' }).expect(400)
  expect(lines()).toEqual([
    expect.stringMatching(`: POST ${paths.token} of the client ${native.clientId}: invalid_`),
    expect.stringMatching(`: POST ${paths.token} of the client ${native.clientId}: invalid_`),
    expect.stringMatching(`: POST ${paths.token} of the client web: invalid_client: `),
    expect.stringMatching(`: POST ${paths.revoke} of the client unknown: invalid_client: `),
    expect.stringMatching(`: POST ${paths.authorize} of the client web: invalid_request: `),
  ])
  for (const secret of ['the wrong secret', 'no-code', 'a-token']) expect(lines().join()).not.toContain(secret)
})

it.each(['form', 'json'])(
  'a secret in the place of the client id is not printed, nor what is no id: %s',
  async (type) => {
    const host = await start()
    const clientId = host.web.clientSecret as string
    for (const client_id of [clientId, 'a\nb', 'x'.repeat(101), '']) {
      const sent = { client_id, client_secret: 'web', grant_type: 'client_credentials' }
      await host.http().post(paths.token).type(type).send(sent)
    }
    await host.http().get(`${paths.authorize}?client_id=${clientId}`)
    expect(lines()).toHaveLength(5)
    expect(lines().filter((line) => /of the client/.test(line))).toEqual([])
    expect(lines().join()).not.toContain(clientId)
  },
)

it.each(['generated', 'chosen'])(
  'a %s secret that was sent as Basic without a client id is not printed',
  async (kind) => {
    const host = await start()
    const secret = kind === 'chosen' ? 'chosen-by-a-person' : (host.web.clientSecret as string)
    const Authorization = `Basic ${Buffer.from(secret).toString('base64')}`
    await host
      .http()
      .post(paths.token)
      .set({ Authorization })
      .type('form')
      .send({ grant_type: 'refresh_token' })
      .expect(401)
    expect(lines()).toEqual([expect.stringMatching(/: POST \/oauth2\/token: invalid_client: /)])
  },
)

it('a failure of the host is an error, and no refusal', async () => {
  const errors = jest.spyOn(console, 'error').mockImplementation(() => {})
  const host = await start()
  host.storage.replace('clients.find', () => Promise.reject(new Error('the database is away')))
  await host.exchange(host.web, 'no-code').expect(503)
  expect(lines()).toEqual([])
  expect(String(errors.mock.calls)).toContain('the database is away')
  errors.mockRestore()
})

it('an id that is none is not printed', async () => {
  const host = await start()
  await host.http().get(`${paths.authorize}?client_id=a%0Ab`)
  expect(lines()).toEqual([expect.stringMatching(/^[^\n]*: GET \/oauth2\/authorize: invalid_client: [^\n]*$/)])
})

it('not in production, not where the host listens, and not of what went well', async () => {
  const listening = await start({ onEvent: () => {} })
  await listening.exchange(listening.web, 'no-code').expect(400)
  const host = await start()
  await host.signIn()
  process.env.NODE_ENV = 'production'
  jest.spyOn(console, 'warn').mockImplementation(() => {})
  const serving = await start()
  await serving.exchange(serving.web, 'no-code').expect(400)
  expect(lines()).toEqual([])
})
