import { issueTokens } from '../../src'
import { createHost, type Host, type Tokens } from '../support/host'
import { gate } from '../support/storage'

let host: Host
let tokens: Tokens
beforeEach(async () => {
  host = await createHost()
  tokens = await host.signIn()
  host.events.length = 0
  host.storage.calls.length = 0
})

const refreshed = async () => (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
const canRefresh = async ({ refresh_token }: Tokens) => (await host.refresh(host.web, refresh_token)).status === 200

describe('revoking an access token (RFC 7009 §2)', () => {
  it('ends that token alone, and answers {}', async () => {
    const answer = await host.revoke(host.web, tokens.access_token).expect(200)
    expect(answer.text).toBe('{}')
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(await host.isAlive(tokens)).toBe(false)
    expect(host.events).toMatchObject([{ type: 'token.revoked', clientId: 'web', userId: 'alice' }])
    expect(await canRefresh(tokens)).toBe(true)
  })

  it('leaves the next token of the session alone', async () => {
    await host.revoke(host.web, tokens.access_token).expect(200)
    const second = await refreshed()
    const third = (await host.refresh(host.web, second.refresh_token).expect(200)).body
    expect(await host.isAlive(second)).toBe(true)
    expect(await host.isAlive(third)).toBe(true)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('that was replaced meanwhile does not touch its successor in the same row', async () => {
    const second = await refreshed()
    const third = (await host.refresh(host.web, second.refresh_token).expect(200)).body
    await host.revoke(host.web, tokens.access_token).expect(200)
    expect(await host.isAlive(third)).toBe(true)
  })

  it('that is replaced while it is revoked does not touch its successor in the same row', async () => {
    const second = await refreshed()
    const pause = host.storage.pauseBefore('grants.transition')
    const answer = host.revoke(host.web, tokens.access_token).then((response) => response)
    await pause.reached
    const third = (await host.refresh(host.web, second.refresh_token).expect(200)).body
    pause.resume()
    expect((await answer).status).toBe(200)
    expect(await host.isAlive(third)).toBe(true)
    expect(host.eventTypes()).not.toContain('token.revoked')
  })

  it('three times at once is one event', async () => {
    let arrived = 0
    const all = gate()
    host.storage.replace('grants.find', async (call) => {
      const row = await call()
      if (++arrived === 3) all.open()
      await all.opened
      return row
    })
    await Promise.all(Array.from({ length: 3 }, () => host.revoke(host.web, tokens.access_token).expect(200)))
    expect(host.eventTypes().filter((type) => type === 'token.revoked')).toHaveLength(1)
  })

  it("works for a client's own token", async () => {
    const own = await issueTokens(host.server, { clientId: 'web', scope: 'read' })
    expect(await host.isAlive(own)).toBe(true)
    await host.revoke(host.web, own.access_token).expect(200)
    expect(await host.isAlive(own)).toBe(false)
  })
})

describe('revoking a refresh token (RFC 7009 §2.1)', () => {
  it('ends the whole authorization: its access tokens too', async () => {
    const second = await refreshed()
    await host.revoke(host.web, second.refresh_token).expect(200, '{}')
    expect(await host.isAlive(tokens)).toBe(false)
    expect(await host.isAlive(second)).toBe(false)
    expect(await canRefresh(second)).toBe(false)
  })

  it('takes three storage calls', async () => {
    await host.revoke(host.web, tokens.refresh_token).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.find', 'grants.revoke'])
  })

  it('leaves other authorizations of the same user and client alone', async () => {
    const other = await host.signIn()
    await host.revoke(host.web, tokens.refresh_token).expect(200)
    expect(await host.isAlive(other)).toBe(true)
    expect(await canRefresh(other)).toBe(true)
  })

  it('of any older generation ends it: a logout cannot lose against a refresh in another tab', async () => {
    const second = await refreshed()
    const third = (await host.refresh(host.web, second.refresh_token).expect(200)).body
    await host.revoke(host.web, tokens.refresh_token).expect(200)
    expect(await host.isAlive(third)).toBe(false)
    expect(await canRefresh(third)).toBe(false)
  })

  it('while another tab refreshes leaves nothing alive', async () => {
    const pause = host.storage.pauseBefore('grants.transition')
    const refresh = host.refresh(host.web, tokens.refresh_token).then((response) => response)
    await pause.reached
    await host.revoke(host.web, tokens.refresh_token).expect(200)
    pause.resume()
    expect((await refresh).body.error).toBe('invalid_grant')
  })

  it('that has expired still ends its access tokens', async () => {
    const { refresh_token } = tokens
    host.clock.advance(14 * 24 * 3600)
    await host.revoke(host.web, refresh_token).expect(200, '{}')
    expect(host.eventTypes()).toEqual(['grant.revoked'])
  })

  it('works for a public client', async () => {
    const own = await host.signIn(host.native)
    await host.revoke(host.native, own.refresh_token).expect(200)
    expect(await host.isAlive(own)).toBe(false)
  })
})

describe('token_type_hint (RFC 7009 §2.1)', () => {
  it.each([
    ['access_token', 'refresh_token'],
    ['refresh_token', 'access_token'],
    ['access_token', 'magic'],
  ] as const)('does not decide: a %s with the hint %s', async (kind, token_type_hint) => {
    await host.revoke(host.web, tokens[kind], { token_type_hint }).expect(200)
    expect(await host.isAlive(tokens)).toBe(false)
  })
})

describe('what is none of the business of the client is 200 and untouched (RFC 7009 §2.2)', () => {
  const untouched = async () => {
    expect(host.eventTypes().filter((type) => type.endsWith('revoked'))).toEqual([])
    expect(await host.isAlive(tokens)).toBe(true)
    expect(await canRefresh(tokens)).toBe(true)
  }

  it('the tokens of another client', async () => {
    const other = await host.register({ clientId: 'other' })
    await host.revoke(other, tokens.access_token).expect(200, '{}')
    await host.revoke(other, tokens.refresh_token).expect(200, '{}')
    await host.revoke(host.api, tokens.access_token).expect(200, '{}')
    await untouched()
  })

  it('a right grant id with made-up secrets', async () => {
    const { access_token, refresh_token } = tokens
    const [accessId, refreshId] = [access_token.split('.')[0], refresh_token.split('.')[0]]
    const secret = 'A'.repeat(43)
    const rotatingHalf = refresh_token.slice(-43)
    const forged = [
      `${accessId}.${secret}`,
      `${refreshId}.${secret}${secret}`,
      `${refreshId}.${secret}${rotatingHalf}`,
      `${refreshId}.${refresh_token.slice(-86, -43)}`,
      `${accessId}.${refresh_token.slice(-86)}`,
      `${refreshId}.`,
      String(refreshId),
      access_token.slice(0, -1),
      refresh_token.slice(0, -1),
    ]
    for (const token of forged) await host.revoke(host.web, token).expect(200, '{}')
    await untouched()
  })

  it.each(['x', 'x.y', 'eyJhbGciOiJub25lIn0.e30.', '\u{1f600}', 'a'.repeat(9999)])(
    'a token that is none: %.30s',
    async (token) => {
      await host.revoke(host.web, token).expect(200, '{}')
      await untouched()
    },
  )

  it('a token that is revoked already', async () => {
    await host.revoke(host.web, tokens.refresh_token).expect(200, '{}')
    await host.revoke(host.web, tokens.refresh_token).expect(200, '{}')
    await host.revoke(host.web, tokens.access_token).expect(200, '{}')
  })
})

describe('a revocation request that cannot be answered', () => {
  it('names no token: invalid_request', async () => {
    expect((await host.revoke(host.web, '').expect(400)).body.error).toBe('invalid_request')
  })

  it('comes from a client that fails to authenticate: 401, and the token lives', async () => {
    await host.revoke({ ...host.web, clientSecret: 'wrong' }, tokens.refresh_token).expect(401)
    await host.revoke(undefined, tokens.refresh_token).expect(401)
    expect(await host.isAlive(tokens)).toBe(true)
  })
})
