// ATTACKS.md row 1: a code that comes twice was stolen, or sent twice by its own page. Whoever has proved nothing ends nothing.
import { createHost, type Host, type Parameters, type TestClient, type Tokens } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

async function used(client: TestClient): Promise<{ code: string; tokens: Tokens }> {
  const code = await host.code(client)
  return { code, tokens: (await host.exchange(client, code).expect(200)).body as Tokens }
}
async function again(client: TestClient, code: string, parameters: Parameters = {}): Promise<void> {
  const { status, body } = await host.exchange(client, code, parameters)
  expect([status, body.error]).toEqual([400, 'invalid_grant'])
}

const proofless: [string, Parameters][] = [
  ['a wrong verifier', { code_verifier: 'V'.repeat(43) }],
  ['no verifier', { code_verifier: undefined }],
  ['a verifier that cannot be one', { code_verifier: 'short' }],
  ['another redirect URI', { redirect_uri: 'https://evil.example/cb' }],
  ['no redirect URI and no verifier', { redirect_uri: undefined, code_verifier: undefined }],
]

describe.each(['native', 'web'] as const)('a used code of the client %s', (name) => {
  it.each(proofless)('with %s revokes nothing, at once or later', async (_, parameters) => {
    const { code, tokens } = await used(host[name])
    for (const seconds of [0, 10, 600]) {
      host.clock.advance(seconds)
      await again(host[name], code, parameters)
    }
    expect(await host.isAlive(tokens)).toBe(true)
    expect(host.eventTypes()).not.toContain('code.replayed')
    await host.refresh(host[name], tokens.refresh_token).expect(200)
  })

  it.each([11, 59, 600])('with all that is right after %i seconds is a replay, and revokes', async (seconds) => {
    const { code, tokens } = await used(host[name])
    host.clock.advance(seconds)
    await again(host[name], code)
    expect(await host.isAlive(tokens)).toBe(false)
    expect(host.eventTypes()).toContain('code.replayed')
  })
})

describe('a code that is sent twice at once, as by the strict mode of React,', () => {
  it.each([0, 1, 9, -5])('after %i seconds leaves a public client signed in', async (seconds) => {
    const { code, tokens } = await used(host.native)
    host.clock.advance(seconds)
    await again(host.native, code)
    expect(await host.isAlive(tokens)).toBe(true)
    expect(host.eventTypes()).not.toContain('code.replayed')
    await host.refresh(host.native, tokens.refresh_token).expect(200)
  })

  it('counts ten seconds from the first use, and not from the last', async () => {
    const { code, tokens } = await used(host.native)
    for (const seconds of [5, 5]) {
      host.clock.advance(seconds)
      await again(host.native, code)
    }
    host.clock.advance(1)
    await again(host.native, code)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('is a replay by a confidential client', async () => {
    const { code, tokens } = await used(host.web)
    await again(host.web, code)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('is a replay by a client that has a secret and may leave it out: it is not public', async () => {
    const both = await host.register({
      clientId: 'both',
      tokenEndpointAuthMethods: ['none', 'client_secret_post'],
    })
    const { code, tokens } = await used({ clientId: both.clientId, redirectUri: both.redirectUri })
    await again({ clientId: both.clientId, redirectUri: both.redirectUri }, code)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('is a replay where there is no verifier to prove: the code alone is what a thief has', async () => {
    host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.native, { code_challenge: undefined, code_challenge_method: undefined })
    const { body } = await host.exchange(host.native, code, { code_verifier: undefined }).expect(200)
    await again(host.native, code, { code_verifier: undefined })
    expect(await host.isAlive(body as Tokens)).toBe(false)
  })

  it('20 times in parallel by a public client keeps the tokens of the one that won', async () => {
    const code = await host.code(host.native)
    const answers = await Promise.all(Array.from({ length: 20 }, () => host.exchange(host.native, code)))
    const [winner, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19)
    expect(await host.isAlive(winner?.body as Tokens)).toBe(true)
    await host.refresh(host.native, winner?.body.refresh_token).expect(200)
  })
})
