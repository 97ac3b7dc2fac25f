// ATTACKS.md row 11: whatever is revoked is revoked whole.
import {
  deleteClient,
  issueCode,
  issueTokens,
  listGrants,
  registerClient,
  revokeGrants,
  rotateClientSecret,
} from '../../src/index'
import { createHost, type Host, pkce, type Tokens } from '../support/host'

let host: Host
let sessions: { laptop: Tokens; phone: Tokens; other: Tokens; bob: Tokens }
beforeEach(async () => {
  host = await createHost()
  await host.register({ clientId: 'other' })
  sessions = {
    laptop: await host.signIn(),
    phone: await host.signIn(),
    other: await host.signIn({ ...host.web, ...(await secretOf('other')) }),
    bob: await host.signIn(host.web, {}, 'bob'),
  }
})
async function secretOf(clientId: string) {
  return { clientId, ...(await rotateClientSecret(host.server, clientId)) }
}

async function alive(): Promise<string[]> {
  const names: string[] = []
  for (const [name, tokens] of Object.entries(sessions)) if (await host.isAlive(tokens)) names.push(name)
  return names
}
async function isDead(tokens: Tokens): Promise<void> {
  expect(await host.isAlive(tokens)).toBe(false)
  expect((await host.introspect(host.api, tokens.access_token)).body).toEqual({ active: false })
  const answer = await host.refresh(host.web, tokens.refresh_token)
  expect([400, 401]).toContain(answer.status)
}

it('revoking a refresh token kills the access tokens of its grant, older ones too, and no other session', async () => {
  const { laptop } = sessions
  const second = (await host.refresh(host.web, laptop.refresh_token).expect(200)).body as Tokens
  expect(await host.isAlive(laptop)).toBe(true)
  await host.revoke(host.web, second.refresh_token).expect(200)
  await isDead(laptop)
  await isDead(second)
  expect(await alive()).toEqual(['phone', 'other', 'bob'])
})

it('revoking an access token ends that token, and its session goes on (RFC 7009 §2)', async () => {
  const { laptop } = sessions
  await host.revoke(host.web, laptop.access_token).expect(200)
  expect(await host.isAlive(laptop)).toBe(false)
  expect((await host.introspect(host.api, laptop.access_token)).body).toEqual({ active: false })
  const second = (await host.refresh(host.web, laptop.refresh_token).expect(200)).body as Tokens
  expect(await host.isAlive(second)).toBe(true)
  expect(await host.isAlive(laptop)).toBe(false)
})

it('revoking by user kills every session, code and question of that user, at every client', async () => {
  const code = await host.code()
  const issued = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  const { code: handed } = await issueCode(host.server, {
    clientId: 'web',
    userId: 'alice',
    codeChallenge: pkce.challenge,
  })
  await revokeGrants(host.server, { userId: 'alice' })
  expect(await alive()).toEqual(['bob'])
  for (const tokens of [sessions.laptop, sessions.phone, sessions.other]) await isDead(tokens)
  expect(await host.isAlive(issued as Tokens)).toBe(false)
  for (const each of [code, handed]) {
    expect((await host.exchange(host.web, each)).body.error).toBe('invalid_grant')
    expect((await host.exchange(host.web, each, { redirect_uri: undefined })).body.error).toBe('invalid_grant')
  }
  expect(await listGrants(host.server, { userId: 'alice' })).toEqual([])
})

it('revoking by grant kills that session', async () => {
  const [grant] = await listGrants(host.server, { userId: 'bob' })
  await revokeGrants(host.server, { grantId: grant?.id as string })
  await isDead(sessions.bob)
  expect(await alive()).toEqual(['laptop', 'phone', 'other'])
})

it.each([
  ['revoking by client', () => revokeGrants(host.server, { clientId: 'web' })],
  ['deleting the client', () => deleteClient(host.server, 'web')],
])('%s kills every token of it, those without a user too', async (_, act) => {
  const own = (await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' }).expect(200))
    .body as Tokens
  const code = await host.code()
  expect(await host.isAlive(own)).toBe(true)
  await act()
  expect(await alive()).toEqual(['other'])
  expect(await host.isAlive(own)).toBe(false)
  for (const tokens of [sessions.laptop, sessions.phone, sessions.bob]) await isDead(tokens)
  expect([400, 401]).toContain((await host.exchange(host.web, code)).status)
})

it('a deleted client that is registered again gets nothing of the old one', async () => {
  const code = await host.code(host.native)
  const old = await host.signIn(host.native)
  await deleteClient(host.server, 'native')
  await registerClient(host.server, {
    clientId: 'native',
    redirectUris: [host.native.redirectUri],
    scopes: ['read', 'write'],
    tokenEndpointAuthMethods: ['none'],
  })
  expect(await host.isAlive(old)).toBe(false)
  expect((await host.exchange(host.native, code)).body.error).toBe('invalid_grant')
  expect((await host.refresh(host.native, old.refresh_token)).body.error).toBe('invalid_grant')
  // what begins a second later is the new client's
  host.clock.advance(1)
  expect(await host.isAlive(await host.signIn(host.native))).toBe(true)
})

it('a code that is replayed kills what it became, after refreshes too', async () => {
  const code = await host.code()
  const first = (await host.exchange(host.web, code).expect(200)).body as Tokens
  const second = (await host.refresh(host.web, first.refresh_token).expect(200)).body as Tokens
  expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
  await isDead(first)
  await isDead(second)
})
