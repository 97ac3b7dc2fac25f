// What follows a refresh token is made of it: the same from the same, and another from anything else.
import { type Refresh, successorOf } from '../../src/tokens/replay'
import type { RefreshSettings } from '../../src/tokens/rotation'

const settings: RefreshSettings = { ttl: 60, maxAge: undefined, rotate: true, replayWindow: 60, accessTokenTtl: 60 }
const row = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA~r',
  kind: 'refresh_token',
  state: '',
  digest: '',
  clientId: 'web',
  scope: ['read'],
  startedAt: 1,
  issuedAt: 1,
  expiresAt: 100,
  data: {},
}
const token = (letter: string) => ({
  id: row.id,
  token: `${row.id}.${'S'.repeat(43)}${letter.repeat(43)}`,
  stable: 'S'.repeat(43),
  rotatingDigest: 'D'.repeat(43),
})
const refresh: Refresh = {
  accessId: 'AAAAAAAAAAAAAAAAAAAAAA~b',
  scope: 'read',
  resource: '',
  refreshedAt: 10,
  accessExpiresAt: 3610,
  nonce: 'N'.repeat(43),
}
const secretsOf = ({ accessSecret, refreshToken, state }: ReturnType<typeof successorOf>) => [
  accessSecret,
  refreshToken.slice(-43),
  state,
]

describe('what follows a refresh token', () => {
  it('is the same for the same token, row and refresh, and three different secrets', () => {
    const first = successorOf(settings, row, token('R'), refresh)
    expect(successorOf(settings, { ...row }, token('R'), { ...refresh })).toEqual(first)
    expect(new Set(secretsOf(first)).size).toBe(3)
    for (const secret of secretsOf(first)) expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('is the same in each version of this package: some processes are newer while an update is rolled out', () => {
    expect(secretsOf(successorOf(settings, row, token('R'), refresh))).toEqual([
      'JTfGkLkbRyx5nUEQAHE8VsmVClk75dSVHNooo9R76cE',
      '6hlkyYefRNPDB1boC3atEwacZq_o_fwG6aLfI3yftLk',
      'EqGwa_7dCPwlKc13iVchwVfpqBLDK74r8ACCBo9PD90',
    ])
  })

  it.each([
    ['another token', row, token('Q'), refresh],
    ['another nonce', row, token('R'), { ...refresh, nonce: 'O'.repeat(43) }],
    ['another scope', row, token('R'), { ...refresh, scope: 'read write' }],
    ['another resource', row, token('R'), { ...refresh, resource: 'https://api.example' }],
    ['the other access token row', row, token('R'), { ...refresh, accessId: 'AAAAAAAAAAAAAAAAAAAAAA~a' }],
    ['another time', row, token('R'), { ...refresh, refreshedAt: 11 }],
    ['another expiry', row, token('R'), { ...refresh, accessExpiresAt: 3611 }],
    ['another client', { ...row, clientId: 'app' }, token('R'), refresh],
    ['another grant', { ...row, id: 'BAAAAAAAAAAAAAAAAAAAAA~r' }, token('R'), refresh],
    ['another key', row, token('R'), { ...refresh, jkt: 'K'.repeat(43) }],
  ])('shares no secret with that of %s', (_, otherRow, otherToken, otherRefresh) => {
    const first = secretsOf(successorOf(settings, row, token('R'), refresh))
    const other = secretsOf(successorOf(settings, otherRow, otherToken, otherRefresh))
    expect(first.filter((secret) => other.includes(secret))).toEqual([])
  })

  it('is the token itself where tokens do not rotate, and a state that still changes', () => {
    const still = { ...settings, rotate: false }
    const first = successorOf(still, row, token('R'), refresh)
    expect(first.refreshToken).toBe(token('R').token)
    expect(first.state.startsWith(`${'D'.repeat(43)}#`)).toBe(true)
    expect(successorOf(still, row, token('R'), { ...refresh, nonce: 'O'.repeat(43) }).state).not.toBe(first.state)
  })
})
