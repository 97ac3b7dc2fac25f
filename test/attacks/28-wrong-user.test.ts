// Row 28, ghost users. The kind: what a function of the host returns is believed to be the user who was asked for.
import {
  authorizationCode,
  bearerStrategy,
  clientCredentials,
  generateSigningKey,
  issueTokens,
  jwt,
  password,
  refreshToken,
  registerClient,
  verifyAccessToken,
} from '../../src/index'
import { createHost, type Host, type HostOptions } from '../support/host'
import { createApi, createRemoteHost } from '../support/remote'

/** As in Mongoose: `id` is not a member of its own. */
class Document {
  constructor(readonly _id: string) {}
  get id() {
    return this._id
  }
}

type Find = (id: string) => unknown

/** What is no user of the id that was asked for. */
const wrong: [string, Find][] = [
  ['no rows', () => []],
  ['rows', (id) => [{ id }]],
  ['rows that have an id', (id) => Object.assign([{ id }], { id })],
  ['the result of a query', (id) => ({ rows: [{ id }], rowCount: 1 })],
  ["another user's row", (id) => ({ id: id === 'bob' ? 'alice' : 'bob' })],
  ['a row of the same letters in another case', (id) => ({ id: id.toUpperCase() })],
  ['a row with a space behind its id', (id) => ({ id: `${id} ` })],
  ['a row whose id is a number', () => ({ id: 1 })],
  ['a row without an id', (id) => ({ _id: id, sub: id })],
  ['a row whose id is an object', (id) => ({ id: { toString: () => id } })],
  ['the id alone', (id) => id],
  ['true', () => true],
  ['a function', (id) => Object.assign(() => {}, { id })],
]

const right: Find = (id) => ({ id })

async function hostWith(options: HostOptions = {}, find = right) {
  const users: { find: Find } = { find }
  const host = await createHost({
    users: { find: (id) => users.find(id) as never },
    grants: [authorizationCode(), clientCredentials(), refreshToken(), password({ verify: (id) => id })],
    ...options,
  })
  return { host, users }
}

function expectTold(causes: readonly string[]): void {
  expect(causes).not.toEqual([])
  for (const cause of causes) {
    expect(cause).toMatch(/^TypeError: users\.find must return the user with the requested id, .* or undefined/)
  }
}

const causesAt = (host: Host) => host.reportedErrors().map(({ cause }) => String(cause))

describe.each(wrong)('users.find that returns %s', (_, returned) => {
  it.each<[string, (answer: Find) => Find]>([
    ['at once', (answer) => answer],
    ['later', (answer) => async (id) => answer(id)],
  ])('%s, lets nobody in at any door, and the event names the function and the fix', async (_when, form) => {
    const { host, users } = await hostWith()
    const { server, web } = host
    const tokens = await host.signIn()
    const code = await host.code()
    const owned = await host.register({ grantTypes: ['client_credentials'], redirectUris: [], username: 'alice' })
    users.find = form(returned)
    const attempts: Record<string, () => PromiseLike<{ status: number }>> = {
      guard: () => host.me(tokens.access_token),
      refresh: () => host.refresh(web, tokens.refresh_token),
      code: () => host.exchange(web, code),
      introspection: () => host.introspect(host.api, tokens.access_token),
      'introspection of a refresh token': () => host.introspect(web, tokens.refresh_token),
      "a client's own token": () => host.token(owned, { grant_type: 'client_credentials' }),
      'password grant': () => host.token(web, { grant_type: 'password', username: 'alice', password: 'x' }),
      strategy: () =>
        new Promise((resolve) => {
          const req = { headers: { authorization: `Bearer ${tokens.access_token}` } }
          const settled = (status: number) => () => resolve({ status })
          const run = { success: settled(200), fail: settled(401), error: settled(500) }
          Object.assign(Object.create(bearerStrategy(server)), run).authenticate(req)
        }),
    }
    for (const [door, attempt] of Object.entries(attempts)) {
      host.events.length = 0
      const { status } = await attempt()
      expect([door, status]).toEqual([door, 500])
      expectTold(causesAt(host))
    }
    // the host's own code gets its own mistake
    await expect(verifyAccessToken(server, tokens.access_token)).rejects.toThrow(/^users\.find must return/)
    // a mistake of the host uses up nothing
    users.find = right
    await host.exchange(web, code).expect(200)
    await host.refresh(web, tokens.refresh_token).expect(200)
  })

  it('lets nobody in at an API in another process', async () => {
    const remote = await createRemoteHost()
    const introspect = { clientId: 'api', clientSecret: remote.host.api.clientSecret as string }
    const api = createApi(remote, { introspect, users: { find: (id) => returned(id) as never } })
    const { access_token } = await remote.host.signIn()
    const { status } = await api.call(access_token)
    await remote.close()
    expect(status).toBe(500)
    expectTold(api.causes())
  })

  it('is told where it is asked about the id of a client (RFC 9068 §5), too', async () => {
    const accessTokens = jwt({ keys: generateSigningKey(), audience: 'https://api.example' })
    const { host, users } = await hostWith({ accessTokens }, () => undefined)
    users.find = returned
    await expect(registerClient(host.server, { clientId: 'new' })).rejects.toThrow(/^users\.find must return/)
    await expect(issueTokens(host.server, { clientId: 'web' })).rejects.toThrow(/^users\.find must return/)
  })
})

it.each<[string, Find]>([
  ['a plain row', right],
  ['a number for its text', (id) => ({ id: Number(id) })],
  ['a bigint for its text', (id) => ({ id: BigInt(id) })],
  ['a document with `id` on its prototype', (id) => new Document(id)],
  ['a frozen row without a prototype', (id) => Object.freeze(Object.assign(Object.create(null), { id }))],
])('a user is let in as %s', async (_, find) => {
  const { host, users } = await hostWith()
  users.find = find
  const { body } = await host.token(host.web, { grant_type: 'password', username: '17', password: 'x' })
  expect(await verifyAccessToken(host.server, body.access_token)).toMatchObject({ userId: '17' })
  await host.refresh(host.web, body.refresh_token).expect(200)
})

it('a user who is merely not found is no mistake: 401, and nothing to tell', async () => {
  for (const gone of [undefined, null]) {
    const { host, users } = await hostWith()
    const { access_token } = await host.signIn()
    users.find = () => gone
    expect((await host.me(access_token)).status).toBe(401)
    expect((await host.introspect(host.api, access_token)).body).toEqual({ active: false })
    expect(host.reportedErrors()).toEqual([])
  }
})
