// ATTACKS.md row 46: which error comes first told a thief whether a refresh token was just used; now it tells nothing.
import { revokeGrants } from '../../src/index'
import { createHost, type Host, type Parameters, paths, type TestClient, type Tokens } from '../support/host'

const files = 'https://files.example.com'
const mail = 'https://mail.example.com'

/** Beside a token or code: what its client may not have at all, which is seen before anything is looked up. */
const wrongForTheClient: [string, Parameters | string][] = [
  ['an unknown scope', { scope: 'nothing' }],
  ['a blank scope', { scope: ' ' }],
  ['a scope that the client may not have', { scope: 'admin' }],
  ['a bogus resource', { resource: 'https://bogus.example' }],
  ['no resource', { resource: ' ' }],
  ['a bogus resource and an unknown scope', { resource: 'https://bogus.example', scope: 'nothing' }],
  ['a bogus resource and a narrower scope', { resource: 'https://bogus.example', scope: 'read' }],
  ['a wider resource and an unknown scope', { resource: mail, scope: 'nothing' }],
  ['a repeated parameter', 'scope=read&scope=read'],
]
/** What this authorization does not have. */
const wrongForTheGrant: [string, Parameters | string][] = [
  ['a wider scope', { scope: 'read write' }],
  ['a wider resource', { resource: mail }],
  ['a narrower scope and a wider resource', { scope: 'read', resource: mail }],
  ['a wider scope and a wider resource', { scope: 'write', resource: mail }],
]

type Standing = (host: Host, client: TestClient) => Promise<string>

async function refreshed(host: Host, client: TestClient, times: number): Promise<Tokens[]> {
  const all = [await host.signIn(client, { scope: 'read', resource: files })]
  for (let n = 0; n < times; n++) {
    const { body } = await host.refresh(client, (all.at(-1) as Tokens).refresh_token).expect(200)
    all.push(body as Tokens)
  }
  return all
}
const nth = (times: number, n: number, after?: (host: Host) => unknown): Standing => {
  return async (host, client) => {
    const all = await refreshed(host, client, times)
    await after?.(host)
    return (all[n] as Tokens).refresh_token
  }
}
const afterWindow = (host: Host) => host.clock.advance(60)

/** Whoever has these may learn what they have only by using it. */
const living: [string, Standing][] = [
  ['current', nth(1, 1)],
  ['just used', nth(1, 0)],
  ['used before the replay window', nth(1, 0, afterWindow)],
  ['older', nth(2, 0)],
  ['one whose successor was used', nth(3, 1)],
]
const dead: [string, Standing][] = [
  ['revoked', nth(1, 1, ({ server }) => revokeGrants(server, { userId: 'alice' }))],
  ['expired', nth(1, 1, ({ clock }) => clock.advance(14 * 24 * 3600))],
  ["another client's", (host) => nth(1, 1)(host, host.web)],
  ['malformed', async () => 'malformed'],
  ['made up', async () => `${'A'.repeat(22)}~r.${'A'.repeat(86)}`],
  [
    'wrong in its stable half',
    async (host, client) => {
      const [id, secret = ''] = (await nth(1, 1)(host, client)).split('.')
      return `${id}.${'A'.repeat(43)}${secret.slice(43)}`
    },
  ],
]

/** The answer to a token request with these parameters more, of which storage must not learn. */
async function answerTo(host: Host, client: TestClient, own: Parameters, more: Parameters | string) {
  const writes: string[] = []
  for (const method of ['grants.insert', 'grants.transition', 'grants.revoke'] as const) {
    host.storage.replace(method, (call) => {
      writes.push(method)
      return call()
    })
  }
  const request = host.token(client, { ...own, ...(typeof more === 'object' && more) })
  const sent = typeof more === 'string' ? host.http().post(paths.token).type('form') : request
  const credentials = { client_id: client.clientId, ...own } as Record<string, string>
  if (typeof more === 'string') sent.send(`${new URLSearchParams(credentials)}&${more}`)
  const { status, headers, body } = await sent
  host.storage.restore()
  return { status, body, challenge: headers['www-authenticate'], writes }
}

async function answersOf(standings: [string, Standing][], grantType: string, more: Parameters | string) {
  const answers = new Map<string, unknown>()
  for (const [name, make] of standings) {
    const host = await createHost({ resources: [files, mail] })
    const secret = await make(host, host.native)
    const own: Parameters =
      grantType === 'refresh_token'
        ? { grant_type: grantType, refresh_token: secret }
        : {
            grant_type: grantType,
            code: secret,
            redirect_uri: host.native.redirectUri,
            code_verifier: verifierOf(name),
          }
    answers.set(name, await answerTo(host, host.native, own, more))
  }
  return answers
}
const right = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const verifierOf = (name: string) => (name.endsWith('wrong verifier') ? 'V'.repeat(43) : right)

/** One answer, whatever the standing, and it is a refusal that wrote nothing. */
function expectOneRefusal(answers: Map<string, unknown>, errors: readonly string[]): void {
  const [first] = answers.values()
  expect(first).toEqual({
    status: 400,
    body: { error: expect.any(String), error_description: expect.any(String) },
    challenge: undefined,
    writes: [],
  })
  expect(errors).toContain((first as { body: { error: string } }).body.error)
  for (const [name, answer] of answers) expect([name, answer]).toEqual([name, first])
}

describe('a refresh token, whatever it is', () => {
  it.each(wrongForTheClient)('is answered alike with %s', async (_, more) => {
    const answers = await answersOf([...living, ...dead], 'refresh_token', more)
    expectOneRefusal(answers, ['invalid_scope', 'invalid_target', 'invalid_request'])
  })

  // a session that is no more has no scope to compare with: that it is no more is all that can be learnt
  it.each(wrongForTheGrant)('of a live session is answered alike with %s', async (_, more) => {
    expectOneRefusal(await answersOf(living, 'refresh_token', more), ['invalid_scope', 'invalid_target'])
    expectOneRefusal(await answersOf(dead, 'refresh_token', more), ['invalid_grant'])
  })

  it('is not followed by a thief who asks until its owner has used it', async () => {
    const host = await createHost({ resources: [files, mail] })
    const [stolen] = (await refreshed(host, host.native, 0)) as [Tokens]
    const probe = () =>
      answerTo(
        host,
        host.native,
        { grant_type: 'refresh_token', refresh_token: stolen.refresh_token },
        { scope: 'read', resource: 'https://bogus.example' },
      )
    const before = await probe()
    await host.refresh(host.native, stolen.refresh_token, { scope: 'read' }).expect(200)
    expect(await probe()).toEqual(before)
  })
})

const exchanged: Standing = async (host, client) => {
  const code = await host.code(client, { scope: 'read', resource: files })
  await host.exchange(client, code).expect(200)
  return code
}
const fresh: Standing = (host, client) => host.code(client, { scope: 'read', resource: files })
const livingCodes: [string, Standing][] = [
  ['fresh', fresh],
  ['used', exchanged],
  [
    'used long ago',
    async (host, client) => {
      const code = await exchanged(host, client)
      host.clock.advance(600)
      return code
    },
  ],
  [
    'expired',
    async (host, client) => {
      const code = await fresh(host, client)
      host.clock.advance(60)
      return code
    },
  ],
]
const deadCodes: [string, Standing][] = [
  [
    'revoked',
    async (host, client) => {
      const code = await exchanged(host, client)
      await revokeGrants(host.server, { userId: 'alice' })
      return code
    },
  ],
  ["another client's", (host) => fresh(host, host.web)],
  ['malformed', async () => 'malformed'],
  ['made up', async () => `${'A'.repeat(22)}~c.${'A'.repeat(43)}`],
]

describe('an authorization code, whatever it is', () => {
  it.each<[string, Parameters | string]>([
    ['a bogus resource', { resource: 'https://bogus.example' }],
    ['a repeated parameter', 'resource=x&client_id=native'],
    ['a redirect URI that is not of the client', { redirect_uri: 'https://evil.example' }],
    ['a verifier that cannot be one', { code_verifier: 'short' }],
  ])('is answered alike with %s', async (_, more) => {
    const answers = await answersOf([...livingCodes, ...deadCodes], 'authorization_code', more)
    expectOneRefusal(answers, ['invalid_target', 'invalid_request', 'invalid_grant'])
  })

  it.each<[string, Parameters]>([
    ['a wider resource', { resource: mail }],
    ['no redirect URI and a wrong verifier', { redirect_uri: undefined, code_verifier: 'V'.repeat(43) }],
    ['another redirect URI of the client', { redirect_uri: 'http://127.0.0.1:9/callback' }],
    ['a wrong verifier', { code_verifier: 'V'.repeat(43) }],
    ['no verifier', { code_verifier: undefined }],
    ['a wrong verifier and a wider resource', { code_verifier: 'V'.repeat(43), resource: mail }],
  ])('that is known is answered alike with %s', async (_, more) => {
    expectOneRefusal(await answersOf(livingCodes, 'authorization_code', more), ['invalid_target', 'invalid_grant'])
  })
})

describe('the endpoints that look at tokens', () => {
  it.each(['revoke', 'introspect'] as const)(
    '%s answers every standing alike with a repeated parameter',
    async (endpoint) => {
      for (const [, make] of [...living, ...dead]) {
        const host = await createHost({ resources: [files, mail] })
        const token = await make(host, host.web)
        host.storage.calls.length = 0
        const sent = host
          .http()
          .post(paths[endpoint])
          .type('form')
          .auth('web', host.web.clientSecret as string)
        const { status, body } = await sent.send(`token=${token}&token_type_hint=x&token_type_hint=y`)
        expect([status, body.error]).toEqual([400, 'invalid_request'])
        expect(host.storage.calls).toEqual([])
      }
    },
  )

  it('revocation answers every standing alike with a hint that is not known (RFC 7009 §2.1)', async () => {
    for (const [, make] of [...living, ...dead]) {
      const host = await createHost({ resources: [files, mail] })
      const token = await make(host, host.native)
      const { status, body } = await host.revoke(host.native, token, { token_type_hint: 'nothing', scope: 'nothing' })
      expect([status, body]).toEqual([200, {}])
    }
  })
})
