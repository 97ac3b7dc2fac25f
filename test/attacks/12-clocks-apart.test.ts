// ATTACKS.md row 12: "sign out everywhere" by a process whose clock is behind left alive what another one had begun.
import {
  createAuthorizationServer,
  deleteClient,
  issueCode,
  issueTokens,
  listGrants,
  revokeGrants,
} from '../../src/index'
import { createHost, type Host, issuer, pkce, type Tokens } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

/** Another process over the same store, by whose clock it is another time. */
function processAt({ storage, server, clock }: Host, seconds: number) {
  return createAuthorizationServer({
    issuer,
    storage,
    scopes: [...server.scopes.keys()],
    now: () => clock.now + seconds,
  })
}

const targets: [string, { userId: string } | { clientId: string }][] = [
  ['a user', { userId: 'alice' }],
  ['a client', { clientId: 'web' }],
]

describe.each(targets)('revoking %s', (_, target) => {
  it.each([0, 1, 2, 5])('by a clock that is %i seconds behind ends every session that is there', async (seconds) => {
    const tokens = await host.signIn()
    const refreshed = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    await revokeGrants(processAt(host, -seconds), target)
    for (const each of [tokens, refreshed]) {
      expect(await host.isAlive(each)).toBe(false)
      expect((await host.refresh(host.web, each.refresh_token)).body.error).toBe('invalid_grant')
    }
    expect(await listGrants(host.server)).toEqual([])
  })

  it('by a clock that is behind ends codes that wait for their exchange, and tokens without a grant', async () => {
    const code = await host.code()
    const { access_token } = (await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' }))
      .body as Tokens
    await revokeGrants(processAt(host, -2), target)
    expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
    if ('clientId' in target) expect(await host.isAlive({ access_token })).toBe(false)
  })

  it('leaves whoever signs in a second later signed in, however many of them were signed in before', async () => {
    for (let n = 0; n < 3; n++) await host.signIn()
    await revokeGrants(host.server, target)
    host.clock.advance(1)
    const tokens = await host.signIn()
    expect(await host.isAlive(tokens)).toBe(true)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })

  it('by a clock that is behind leaves whoever signs in afterwards signed in, where nothing of theirs is newer', async () => {
    const old = await host.signIn()
    host.clock.advance(600)
    const other = await host.signIn(host.native, {}, 'bob')
    await revokeGrants(processAt(host, -2), target)
    const tokens = await host.signIn()
    expect(await host.isAlive(old)).toBe(false)
    expect(await host.isAlive(tokens)).toBe(true)
    expect(await host.isAlive(other)).toBe(true)
  })
})

it('a client that is deleted by a clock that is behind takes its sessions with it', async () => {
  const behind = processAt(host, -2)
  const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  const { code } = await issueCode(host.server, { clientId: 'web', userId: 'alice', codeChallenge: pkce.challenge })
  await deleteClient(behind, 'web')
  await host.register({ clientId: 'web', clientSecret: host.web.clientSecret as string })
  expect(await host.isAlive({ access_token })).toBe(false)
  expect((await host.exchange(host.web, code, { redirect_uri: undefined })).body.error).toBe('invalid_grant')
})
