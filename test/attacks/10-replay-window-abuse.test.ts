// ATTACKS.md row 10: the replay window forgives a lost response, and nothing else.
import { authorizationCode, deleteClient, refreshToken, revokeGrants } from '../../src/index'
import { createHost, type Host, type Tokens } from '../support/host'

let host: Host
let first: Tokens
beforeEach(async () => {
  host = await createHost()
  first = await host.signIn()
})
const next = async (tokens: Tokens): Promise<Tokens> =>
  (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens

const idOf = ({ refresh_token }: Tokens, suffix: string) => `${refresh_token.split('~', 1)[0]}~${suffix}`

async function expectReuse(tokens: Tokens, ...dead: Tokens[]): Promise<void> {
  const answer = await host.refresh(host.web, tokens.refresh_token)
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  expect(answer.body).not.toHaveProperty('access_token')
  for (const each of dead) {
    expect(await host.isAlive(each)).toBe(false)
    await host.refresh(host.web, each.refresh_token).expect(400)
  }
}

describe('inside the replay window, no tokens come', () => {
  it('for a revoked refresh token', async () => {
    const second = await next(first)
    await host.revoke(host.web, second.refresh_token).expect(200)
    await expectReuse(first, first, second)
    await expectReuse(second)
  })

  it.each([
    ['its user', { userId: 'alice' }],
    ['its client', { clientId: 'web' }],
  ])('for one of which %s was revoked', async (_, target) => {
    const second = await next(first)
    await revokeGrants(host.server, target)
    await expectReuse(first, first, second)
  })

  it('for one of a deleted client', async () => {
    await next(first)
    await deleteClient(host.server, 'web')
    expect((await host.refresh(host.web, first.refresh_token)).status).toBe(401)
  })

  it('for one of an older generation: it is a reuse, and the session ends', async () => {
    const second = await next(first)
    const third = await next(second)
    await expectReuse(first, first, second, third)
    expect(host.eventTypes()).toContain('refresh.reused')
  })

  it('for one whose successor was already used', async () => {
    const second = await next(first)
    const third = await next(second)
    const fourth = await next(third)
    await expectReuse(second, third, fourth)
  })

  it('for one of which every second after the window counts', async () => {
    const second = await next(first)
    host.clock.advance(60)
    expect((await host.refresh(host.web, first.refresh_token).expect(200)).body.refresh_token).toBe(
      second.refresh_token,
    )
    host.clock.advance(1)
    await expectReuse(first, second)
  })

  it('for one whose successor has expired with it', async () => {
    host = await createHost({ grants: [authorizationCode(), refreshToken({ ttl: 30, maxAge: 40 })] })
    first = await host.signIn()
    await next(first)
    host.clock.advance(30)
    await expectReuse(first)
  })

  it('for another client, another scope, or a user who is gone', async () => {
    await next(first)
    const other = await host.register({ clientId: 'other' })
    expect((await host.refresh(other, first.refresh_token)).body.error).toBe('invalid_grant')
    expect((await host.refresh(host.web, first.refresh_token, { scope: 'read' })).body.error).toBe('invalid_scope')
    host.people.delete('alice')
    expect((await host.refresh(host.web, first.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('that are more than the first time: the same tokens, the same scope, the time that is left', async () => {
    const narrow = (await host.refresh(host.web, first.refresh_token, { scope: 'read' }).expect(200)).body
    host.clock.advance(10)
    const answer = await host.refresh(host.web, first.refresh_token, { scope: 'read' }).expect(200)
    expect(answer.body).toEqual({ ...narrow, expires_in: narrow.expires_in - 10 })
    expect((await host.refresh(host.web, first.refresh_token)).body.error).toBe('invalid_scope')
  })

  it('by the clock going backwards: an age is never negative', async () => {
    const second = await next(first)
    host.clock.advance(-30)
    await host.refresh(host.web, first.refresh_token).expect(200)
    host.clock.advance(30 + 61)
    await expectReuse(first, second)
  })
})

describe('guessing', () => {
  it('half of a refresh token opens nothing and ends nothing', async () => {
    const [id, secret = ''] = first.refresh_token.split('.') as [string, string]
    const [stable, rotating] = [secret.slice(0, 43), secret.slice(43)]
    const noise = 'A'.repeat(43)
    const guesses = [
      `${id}.${stable}`,
      `${id}.${rotating}`,
      `${id}.${noise}${rotating}`,
      `${id}.${rotating}${stable}`,
      `${id}.${noise}${noise}`,
    ]
    for (const guess of [...guesses, id, `${id}.`, `${first.refresh_token}A`, first.refresh_token.slice(0, -1)]) {
      const answer = await host.refresh(host.web, guess)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    }
    expect(await host.isAlive(first)).toBe(true)
    await next(first)
  })

  it('what a replay is made of yields nothing to anybody who has the store and not the token', async () => {
    const second = await next(first)
    const row = JSON.stringify(['r', 'n'].map((suffix) => host.storage.stored(idOf(first, suffix))))
    expect(row).toContain('nonce')
    for (const secret of [second.access_token, second.refresh_token].flatMap((token) => token.split('.').slice(1))) {
      expect(row).not.toContain(secret.slice(-43))
    }
  })

  it('a row that is gone answers no replay, and ends nothing: a cleanup may be ahead of the window', async () => {
    const second = await next(first)
    host.storage.replace('grants.find', (call, [id]) => (id === idOf(first, 'n') ? undefined : call()))
    expect((await host.refresh(host.web, first.refresh_token)).body.error).toBe('invalid_grant')
    expect(await host.isAlive(second)).toBe(true)
    await next(second)
  })

  it('a row of an older refresh answers no replay', async () => {
    const second = await next(first)
    const old = host.storage.stored(idOf(first, 'n'))
    await next(second)
    host.storage.replace('grants.find', (call, [id]) => (id === idOf(first, 'n') ? old : call()))
    for (const token of [second, first]) {
      const { status, body } = await host.refresh(host.web, token.refresh_token)
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
  })

  it.each(['accessId', 'scope', 'refreshedAt', 'accessExpiresAt', 'nonce', 'sealed'])(
    'a row whose %s was changed answers no replay',
    async (member) => {
      await next(first)
      const row = host.storage.stored(idOf(first, 'n'))
      if (!row) throw new Error('the row is gone')
      const data = { ...row.data, [member]: member.endsWith('At') ? 1 : 'read' }
      await host.storage.grants.transition(row.id, row.state, { ...row, data }, [])
      const answer = await host.refresh(host.web, first.refresh_token)
      expect(answer.status).toBe(400)
      expect(answer.body).not.toHaveProperty('access_token')
    },
  )
})
