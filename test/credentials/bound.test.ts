// What a secret is bound to: the formula of the digest, and columns that differ from what was bound.
import { authorizationOf, credentialOf, hasSecret, isExpired } from '../../src/credentials/bound'
import type { Credential } from '../../src/storage'
import { createHost, startOfTime } from '../support/host'

const secret = 'S'.repeat(43)
const authorization = {
  clientId: 'web',
  userId: 'alice',
  grantId: 'AAAAAAAAAAAAAAAAAAAAAA',
  scope: ['read', 'write'],
  startedAt: 1000,
  audience: ['https://api.example.com'],
}
const made = (): Credential =>
  credentialOf({ id: `${authorization.grantId}~a`, kind: 'access_token', secret }, authorization, {
    issuedAt: 1000,
    expiresAt: 4600,
  })

describe('a row of a credential', () => {
  it('proves its secret and no other, and says what was authorized', () => {
    expect(hasSecret(made(), secret)).toBe(true)
    expect(hasSecret(made(), 'T'.repeat(43))).toBe(false)
    expect(authorizationOf(made())).toEqual(authorization)
    expect(isExpired({ now: () => 4600 }, made())).toBe(true)
  })

  it('of format 1 is read by every later version: this one was written by the first', () => {
    const written: Credential = {
      id: 'AAAAAAAAAAAAAAAAAAAAAA~a',
      kind: 'access_token',
      state: '-8_rcUyCSxD0egTHDeSYS8Owz2Hpzd9_Z6yQSWAmOWw',
      digest: '-8_rcUyCSxD0egTHDeSYS8Owz2Hpzd9_Z6yQSWAmOWw',
      clientId: 'web',
      userId: 'alice',
      grantId: 'AAAAAAAAAAAAAAAAAAAAAA',
      scope: ['read', 'write'],
      startedAt: 1000,
      issuedAt: 1000,
      expiresAt: 4600,
      data: {
        format: 1,
        bound: {
          userId: 'alice',
          grantId: 'AAAAAAAAAAAAAAAAAAAAAA',
          scope: ['read', 'write'],
          startedAt: 1000,
          audience: ['https://api.example.com'],
        },
      },
    }
    expect(hasSecret(written, secret)).toBe(true)
    expect(made()).toEqual(written)
  })

  it('of a format that is not known proves nothing', () => {
    const row = made()
    for (const format of [0, 2, '1', undefined]) {
      expect(hasSecret({ ...row, data: { ...row.data, format } }, secret)).toBe(false)
    }
    expect(hasSecret({ ...row, data: {} }, secret)).toBe(false)
  })

  it('may come back with its names in another order, as from a jsonb column', () => {
    const row = made()
    const turned = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, member]) => [name, turned(member)]),
          )
    expect(hasSecret({ ...row, data: turned(row.data) as Credential['data'] }, secret)).toBe(true)
  })

  it.each<[string, Partial<Credential>]>([
    ['another user', { userId: 'bob' }],
    ['no user', { userId: undefined as never }],
    ['another grant', { grantId: 'BBBBBBBBBBBBBBBBBBBBBB' }],
    ['no grant', { grantId: undefined as never }],
    ['another client', { clientId: 'app' }],
    ['more scope', { scope: ['read', 'write', 'admin'] }],
    ['less scope', { scope: ['read'] }],
    ['a later beginning, which no revocation would reach', { startedAt: 2000 }],
    ['an id of another grant', { id: 'BBBBBBBBBBBBBBBBBBBBBB~a' }],
  ])('whose column says %s is dead', (_, column) => {
    expect(hasSecret({ ...made(), ...column }, secret)).toBe(false)
  })

  it.each<[string, object]>([
    ['another user', { userId: 'bob' }],
    ['other resources', { audience: ['https://other.example.com'] }],
    ['a member more', { actor: 'bob' }],
    ['more scope', { scope: ['read', 'write', 'admin'] }],
  ])('whose bound value says %s is dead, also where its columns agree', (_, member) => {
    const row = made()
    const bound = { ...(row.data.bound as object), ...member }
    expect(hasSecret({ ...row, ...member, data: { ...row.data, bound } } as Credential, secret)).toBe(false)
  })
})

it("the grant's row keeps what has no column, through every refresh", async () => {
  const resources = ['https://a.example.com', 'https://b.example.com']
  const host = await createHost({ resources })
  let tokens = await host.signIn(host.web, { resource: resources[1] as string })
  const grantId = tokens.access_token.split('~')[0] as string
  const stored = async () => (await host.storage.grants.list({ userId: 'alice', limit: 10 }))[0]
  expect(await stored()).toMatchObject({ id: grantId, data: { audience: [resources[1]] } })
  for (let refresh = 0; refresh < 2; refresh++) {
    host.clock.advance(100)
    tokens = (await host.refresh(host.web, tokens.refresh_token)).body
    expect(await stored()).toMatchObject({ id: grantId, startedAt: startOfTime, data: { audience: [resources[1]] } })
  }
})
