import { authorizationCode, implicit, opaque, revokeGrants } from '../../src/index'
import { answerOf, createHost, type Host, type HostOptions, type Parameters, type TestClient } from '../support/host'

let host: Host
beforeEach(() => begin())

async function begin(options: HostOptions = {}): Promise<void> {
  host = await createHost({ grants: [authorizationCode(), implicit()], ...options })
}

const askToken = (parameters: Parameters = {}, client: TestClient = host.web) =>
  host.authorize(client, {
    response_type: 'token',
    code_challenge: undefined,
    code_challenge_method: undefined,
    ...parameters,
  })

describe('the implicit grant (RFC 6749 §4.2)', () => {
  it('is not there unless it is named (RFC 9700 §2.1.2)', async () => {
    host = await createHost()
    expect(answerOf(await askToken().expect(302))).toMatchObject({ error: 'unsupported_response_type', state: 'xyz' })
  })

  it('sends the access token in the fragment, where servers do not see it (RFC 6749 §4.2.2)', async () => {
    const answer = await askToken({ scope: 'read' }).expect(302)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb#access_token=/)
    expect(answerOf(answer)).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: '3600',
      scope: 'read',
      state: 'xyz',
      iss: 'https://auth.example.com',
    })
    expect(await host.isAlive({ access_token: String(answerOf(answer).access_token) })).toBe(true)
  })

  it('keeps the query of the redirect URI', async () => {
    const client = await host.register({ grantTypes: ['implicit'] }, 'https://app.example/cb?foo=bar')
    const { location } = (await askToken({}, client)).headers
    expect(location).toMatch(/^https:\/\/app\.example\/cb\?foo=bar#access_token=/)
  })

  it.each<[string, Parameters]>([
    ['invalid_scope', { scope: 'everything' }],
    ['invalid_request', { response_mode: 'query' }],
  ])('sends its errors in the fragment, too: %s', async (error, parameters) => {
    const answer = await askToken(parameters).expect(302)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb#error=/)
    expect(answerOf(answer)).toMatchObject({ error, state: 'xyz', iss: 'https://auth.example.com' })
  })

  it('is refused to a client whose record does not have it', async () => {
    const client = await host.register()
    expect(answerOf(await askToken({}, client))).toMatchObject({ error: 'unauthorized_client' })
  })

  it('has no token request', async () => {
    const answer = await host.token(host.web, { grant_type: 'implicit' }).expect(400)
    expect(answer.body.error).toBe('unsupported_grant_type')
  })

  it('has a ttl of its own, never longer than that of all others', async () => {
    await begin({ grants: [implicit({ ttl: 60 })] })
    expect(answerOf(await askToken()).expires_in).toBe('60')
    await begin({ grants: [implicit({ ttl: 7200 })], accessTokens: opaque({ ttl: 600 }) })
    expect(answerOf(await askToken()).expires_in).toBe('600')
  })

  it('tells the host of the token, and of what grant it is', async () => {
    const { access_token } = answerOf(await askToken({ scope: 'read' }))
    const grantId = access_token?.split('~')[0]
    const whose = { clientId: 'web', userId: 'alice', scope: ['read'] }
    const event = { type: 'token.issued', grantType: 'implicit', ...whose, grantId, at: host.clock.now }
    expect(host.events).toEqual([event])
  })

  it('gives a token that is revoked with its user', async () => {
    const access_token = String(answerOf(await askToken()).access_token)
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive({ access_token })).toBe(false)
  })

  it('leaves nothing alive when the user is revoked while the token is on its way to storage', async () => {
    const pause = host.storage.pauseBefore('grants.insert')
    const answer = askToken().then((response) => response)
    await pause.reached
    await revokeGrants(host.server, { userId: 'alice' })
    pause.resume()
    expect(await host.isAlive({ access_token: String(answerOf(await answer).access_token) })).toBe(false)
  })
})
