import {
  authorizationCode,
  deleteClient,
  deleteExpired,
  generateSigningKey,
  jwt,
  revokeGrants,
  updateClient,
} from '../../src/index'
import { answerOf, createHost, type Host, type Parameters, pkce, type TestClient, type Tokens } from '../support/host'
import { rewriting } from '../support/storage'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

const anotherVerifier = 'M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag'

async function expectInvalidGrant(client: TestClient, code: string, parameters: Parameters = {}): Promise<void> {
  const answer = await host.exchange(client, code, parameters)
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
}

describe('an authorization code', () => {
  it('is exchanged for tokens of its user, client and scope (RFC 6749 §4.1.4)', async () => {
    const answer = await host.exchange(host.web, await host.code(host.web, { scope: 'read' })).expect(200)
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[A-Za-z0-9._~-]+$/),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^[A-Za-z0-9._~-]+$/),
      scope: 'read',
    })
    const { body } = await host.me(answer.body.access_token).expect(200)
    expect(body.user).toEqual({ id: 'alice', name: 'Alice' })
    expect(body.authInfo).toMatchObject({ clientId: 'web', userId: 'alice', scope: ['read'] })
  })

  it('takes three storage calls', async () => {
    const code = await host.code()
    host.storage.calls.length = 0
    await host.exchange(host.web, code).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.transition'])
  })

  it('needs no verifier where none was required, also from an adapter that says null for what was not set', async () => {
    host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.web, { code_challenge: undefined, code_challenge_method: undefined })
    rewriting(host.storage, (row) => ({ ...row, data: { codeChallenge: null, ...row.data } }))
    await host.exchange(host.web, code, { code_verifier: undefined }).expect(200)
  })

  it('works for a public client, which proves itself with PKCE alone (RFC 7636)', async () => {
    await host.exchange(host.native, await host.code(host.native)).expect(200)
  })

  it('comes without a refresh token where the client may not use that grant', async () => {
    const client = await host.register({ grantTypes: ['authorization_code'] })
    expect(await host.signIn(client)).not.toHaveProperty('refresh_token')
  })

  it('works through the loopback port that the app listens on this time (RFC 8252 §7.3)', async () => {
    const redirect_uri = 'http://127.0.0.1:55555/callback'
    const code = await host.code(host.native, { redirect_uri })
    await expectInvalidGrant(host.native, code)
    await host.exchange(host.native, code, { redirect_uri }).expect(200)
  })
})

// What a thief of the code tries. The owner can still use the code afterwards: nothing was burned.
describe('the code is refused, and not used up,', () => {
  const other = 'https://app.example/other'
  it.each<[string, Parameters]>([
    ['with a wrong code_verifier (RFC 7636 §4.6)', { code_verifier: anotherVerifier }],
    ['without code_verifier (RFC 7636 §4.6)', { code_verifier: undefined }],
    ['with the challenge in the place of the verifier', { code_verifier: pkce.challenge }],
    ['with a verifier that is too short (RFC 7636 §4.1)', { code_verifier: pkce.verifier.slice(1) }],
    ['with a verifier that is too long (RFC 7636 §4.1)', { code_verifier: 'a'.repeat(129) }],
    ['with a verifier outside of the alphabet (RFC 7636 §4.1)', { code_verifier: `${pkce.verifier.slice(1)}+` }],
    ['with another redirect_uri (RFC 6749 §4.1.3)', { redirect_uri: other }],
    ['without redirect_uri and code_verifier', { redirect_uri: undefined, code_verifier: undefined }],
    ['without redirect_uri, with a wrong code_verifier', { redirect_uri: undefined, code_verifier: anotherVerifier }],
    ['with a redirect_uri that differs in case', { redirect_uri: 'https://APP.example/cb' }],
  ])('%s', async (_, parameters) => {
    const code = await host.code()
    await expectInvalidGrant(host.web, code, parameters)
    await host.exchange(host.web, code).expect(200)
  })

  it('when another client presents it (RFC 6749 §4.1.3)', async () => {
    const thief = await host.register({ clientId: 'thief' })
    const code = await host.code()
    await expectInvalidGrant(thief, code)
    await host.exchange(host.web, code).expect(200)
  })

  it('when the client fails to authenticate, which may try again in another style', async () => {
    const code = await host.code()
    await host.exchange({ ...host.web, clientSecret: 'wrong' }, code).expect(401)
    const { clientId, clientSecret, redirectUri } = host.web
    const inBody = { client_id: clientId, client_secret: clientSecret, redirect_uri: redirectUri }
    const answer = host.token(undefined, {
      grant_type: 'authorization_code',
      code,
      code_verifier: pkce.verifier,
      ...inBody,
    })
    await answer.expect(200)
  })

  it('when its secret is wrong, and a guess of a used code revokes nothing', async () => {
    const code = await host.code()
    const guess = `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`
    await expectInvalidGrant(host.web, guess)
    const tokens = (await host.exchange(host.web, code).expect(200)).body
    await expectInvalidGrant(host.web, guess)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it.each(['x', 'x.y', '~c.x', '\u{1f600}', `${'A'.repeat(22)}~c.${'A'.repeat(43)}`, 'a'.repeat(10_000)])(
    'when it is malformed or unknown: %.30s',
    async (code) => {
      await expectInvalidGrant(host.web, code)
    },
  )

  it('when it is a token of another kind', async () => {
    const { access_token, refresh_token } = await host.signIn()
    await expectInvalidGrant(host.web, access_token)
    await expectInvalidGrant(host.web, refresh_token)
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('when its parameter is missing: invalid_request (RFC 6749 §5.2)', async () => {
    const answer = await host.token(host.web, { grant_type: 'authorization_code' }).expect(400)
    expect(answer.body.error).toBe('invalid_request')
  })
})

describe('the lifetime of a code', () => {
  it('ends in the second that it names: 60 seconds', async () => {
    const [early, late] = [await host.code(), await host.code()]
    host.clock.advance(59)
    await host.exchange(host.web, early).expect(200)
    host.clock.advance(1)
    await expectInvalidGrant(host.web, late)
  })

  it('is an option', async () => {
    host = await createHost({ grants: [authorizationCode({ ttl: 600 })] })
    const [early, late] = [await host.code(), await host.code()]
    host.clock.advance(599)
    await host.exchange(host.web, early).expect(200)
    host.clock.advance(1)
    await expectInvalidGrant(host.web, late)
  })
})

describe('a code used twice (RFC 6749 §4.1.2)', () => {
  it('is refused, and revokes what it became, refreshed tokens too', async () => {
    const code = await host.code()
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    const refreshed = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    await expectInvalidGrant(host.web, code)
    expect(await host.isAlive(tokens)).toBe(false)
    expect(await host.isAlive(refreshed)).toBe(false)
    expect((await host.refresh(host.web, refreshed.refresh_token)).body.error).toBe('invalid_grant')
    expect(host.eventTypes()).toEqual(expect.arrayContaining(['code.replayed', 'grant.revoked']))
  })

  it('is noticed as long as its access token lives, though the code has expired and expired rows are deleted', async () => {
    const code = await host.code()
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    host.clock.advance(3599)
    await deleteExpired(host.server)
    await expectInvalidGrant(host.web, code)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('revokes nothing when whoever presents it lacks the verifier', async () => {
    const code = await host.code()
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    await expectInvalidGrant(host.web, code, { code_verifier: anotherVerifier })
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('revokes nothing when another client presents it', async () => {
    const thief = await host.register({ clientId: 'thief' })
    const code = await host.code()
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    await expectInvalidGrant(thief, code)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('in 20 parallel requests is one 200 and nineteen invalid_grant', async () => {
    const code = await host.code()
    const answers = await Promise.all(Array.from({ length: 20 }, () => host.exchange(host.web, code)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const errors = answers.filter(({ status }) => status === 400).map(({ body }) => body.error)
    expect(errors).toEqual(Array(19).fill('invalid_grant'))
  })

  it('by a double submit that loses the race leaves the tokens of the winner alone', async () => {
    const code = await host.code()
    const pause = host.storage.pauseBefore('grants.transition')
    const loser = host.exchange(host.web, code).then((answer) => answer)
    await pause.reached
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    pause.resume()
    expect((await loser).body.error).toBe('invalid_grant')
    expect(await host.isAlive(tokens)).toBe(true)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })
})

it('a redirect URI that was taken out of the record redeems no code that was sent there', async () => {
  const code = await host.code()
  await updateClient(host.server, 'web', { redirectUris: ['https://new.example/cb'] })
  await expectInvalidGrant(host.web, code)
  // what is not named is no way around it
  await expectInvalidGrant(host.web, code, { redirect_uri: undefined })
})

describe('redirect_uri at the exchange (OAuth 2.1 §4.1.3)', () => {
  it.each(['web', 'native'] as const)('may be left out where the code has a challenge: %s', async (name) => {
    const code = await host.code(host[name])
    await host.exchange(host[name], code, { redirect_uri: undefined }).expect(200)
  })

  it('must match where it is sent', async () => {
    const two = await host.register({ redirectUris: ['https://app.example/cb', 'https://app.example/other'] })
    const code = await host.code(two)
    await expectInvalidGrant(two, code, { redirect_uri: 'https://app.example/other' })
    await host.exchange(two, code).expect(200)
  })

  // RFC 9700 §4.5.3: nothing else ties such a code to where it was sent
  it('must be sent where the code has no challenge (RFC 6749 §4.1.3)', async () => {
    host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.web, { code_challenge: undefined, code_challenge_method: undefined })
    await expectInvalidGrant(host.web, code, { redirect_uri: undefined, code_verifier: undefined })
    await host.exchange(host.web, code, { code_verifier: undefined }).expect(200)
  })
})

it('a code that comes twice is noticed where no grant was stored, too: stateless tokens without a refresh token', async () => {
  const accessTokens = jwt({ keys: generateSigningKey(), audience: 'https://api.example', stateless: true })
  const stateless = await createHost({ grants: [authorizationCode()], accessTokens })
  const code = await stateless.code()
  await stateless.exchange(stateless.web, code).expect(200)
  expect(stateless.events.at(-1)).not.toHaveProperty('grantId', expect.any(String))
  stateless.events.length = 0
  for (let again = 0; again < 2; again++) await stateless.exchange(stateless.web, code).expect(400)
  // and nothing is said to be revoked: there is nothing
  const replayed = { type: 'code.replayed', clientId: 'web', userId: 'alice', at: stateless.clock.now }
  expect(stateless.events).toEqual([replayed, replayed])
  expect(stateless.storage.calls).not.toContain('grants.revoke')
})

describe('nothing stays alive when, between the check of a code and the storing of its tokens,', () => {
  const interruptions: [string, () => Promise<unknown>][] = [
    ['everything of the user is revoked', () => revokeGrants(host.server, { userId: 'alice' })],
    ['everything of the client is revoked', () => revokeGrants(host.server, { clientId: 'web' })],
    ['the client is deleted', () => deleteClient(host.server, 'web')],
    [
      'the client is deleted and its id registered again',
      async () => {
        await deleteClient(host.server, 'web')
        host.clock.advance(1)
        Object.assign(host.web, await host.register({ clientId: 'web' }))
      },
    ],
  ]
  it.each(interruptions)('%s', async (_, interrupt) => {
    const code = await host.code()
    const pause = host.storage.pauseBefore('grants.transition')
    const answer = host.exchange(host.web, code).then((response) => response)
    await pause.reached
    await interrupt()
    pause.resume()
    expect((await answer).body).toEqual({ error: 'invalid_grant', error_description: expect.any(String) })
  })

  it.each(interruptions)('or between the approval and the storing of the code, %s', async (what, interrupt) => {
    const pause = host.storage.pauseBefore('grants.insert')
    const answer = host.authorize().then(answerOf)
    await pause.reached
    await interrupt()
    pause.resume()
    const { code, error } = await answer
    // a second later it can be seen that the code is dead
    if (what.endsWith('again')) return expect({ code, error }).toEqual({ error: 'access_denied' })
    const exchanged = await host.exchange(host.web, String(code))
    expect(['invalid_grant', 'invalid_client']).toContain(exchanged.body.error)
  })
})

describe('a user who is gone', () => {
  it('gets no tokens for a code (RFC 6749 §5.2), and the code is not used up', async () => {
    const code = await host.code()
    const alice = host.people.get('alice')
    host.people.delete('alice')
    await expectInvalidGrant(host.web, code)
    if (alice) host.people.set('alice', alice)
    await host.exchange(host.web, code).expect(200)
  })
})

describe('PKCE', () => {
  const withoutChallenge = { code_challenge: undefined, code_challenge_method: undefined }
  const withoutVerifier = { code_verifier: undefined }

  it('is checked against the record of the client at the exchange, too', async () => {
    const client = await host.register({ requirePkce: false })
    const code = await host.code(client, withoutChallenge)
    await updateClient(host.server, client.clientId, { requirePkce: true })
    await expectInvalidGrant(client, code, withoutVerifier)
  })

  it('is no matter of choice for the holder of a code that has a challenge, where it is optional (RFC 9700 §2.1.1)', async () => {
    host = await createHost({ pkce: 'optional' })
    await expectInvalidGrant(host.native, await host.code(host.native), withoutVerifier)
  })

  it('refuses a verifier for a code without a challenge: the sign of a downgrade (RFC 9700 §2.1.1)', async () => {
    host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.web, withoutChallenge)
    await expectInvalidGrant(host.web, code)
    await host.exchange(host.web, code, withoutVerifier).expect(200)
  })

  it('fails closed behind storage that loses the challenge, where PKCE is optional', async () => {
    host = await createHost({ pkce: 'optional' })
    const { grants } = host.storage
    const code = await host.code(host.native)
    host.storage.replace('grants.find', async (call, [id]) => {
      const found = (await call()) as Awaited<ReturnType<typeof grants.find>>
      if (!found || id !== found.id) return found
      const bound = { ...(found.data.bound as object), codeChallenge: undefined }
      return { ...found, data: { ...found.data, bound } }
    })
    await expectInvalidGrant(host.native, code, withoutVerifier)
    host.storage.restore()
    await host.exchange(host.native, code).expect(200)
  })
})
