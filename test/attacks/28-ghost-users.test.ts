// ATTACKS.md row 28: a user whom the host does not have any more has no tokens either, and is nobody and not an app.
import {
  authorizationCode,
  bcryptPasswords,
  clientCredentials,
  password,
  refreshToken,
  tokenRouter,
  verifyAccessToken,
} from '../../src/index'
import { createHost, type Host, type Tokens } from '../support/host'

let host: Host
beforeEach(async () => {
  const verify = (name: string) => name
  host = await createHost({ grants: [authorizationCode(), clientCredentials(), refreshToken(), password({ verify })] })
})

describe.each<[string, (host: Host) => void]>([
  ['deleted', ({ people }) => void people.delete('alice')],
  ['suspended', ({ people }) => void people.set('alice', null as never)],
  ['false', ({ people }) => void people.set('alice', false as never)],
])('a user who is %s', (_, remove) => {
  it('is 401 at the guard, never a request without a user', async () => {
    const tokens = await host.signIn()
    remove(host)
    const answer = await host.me(tokens.access_token)
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, expect.stringContaining('invalid_token')])
    await expect(verifyAccessToken(host.server, tokens.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('refreshes nothing, exchanges nothing, signs in no more, and is inactive at introspection', async () => {
    const code = await host.code()
    const tokens = await host.signIn()
    const next = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    remove(host)
    for (const token of [tokens, next])
      expect((await host.refresh(host.web, token.refresh_token)).body.error).toBe('invalid_grant')
    expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
    expect((await host.token(host.web, { grant_type: 'password', username: 'alice', password: 'x' })).body.error).toBe(
      'invalid_grant',
    )
    for (const token of [next.access_token, next.refresh_token]) {
      for (const client of [host.web, host.api])
        expect((await host.introspect(client, token)).body).toEqual({ active: false })
    }
  })
})

it('a look-up of users that fails is no access and no refusal that a client would believe', async () => {
  const broken = await createHost({
    users: {
      find: () => {
        throw new Error('users database down')
      },
    },
  })
  const code = await broken.code()
  expect((await broken.exchange(broken.web, code)).status).toBe(500)
  const other = await createHost({ users: { find: () => Promise.reject(new Error('down')) } })
  expect((await other.exchange(other.web, await other.code())).status).toBe(500)
})

it('the failure leaves the code as it was', async () => {
  let up = false
  const flaky = await createHost({ users: { find: (id) => (up ? { id } : Promise.reject(new Error('down'))) } })
  const code = await flaky.code()
  expect((await flaky.exchange(flaky.web, code)).status).toBe(500)
  up = true
  const { body } = await flaky.exchange(flaky.web, code).expect(200)
  up = false
  expect((await flaky.me(body.access_token)).status).toBe(500)
  expect((await flaky.refresh(flaky.web, body.refresh_token)).status).toBe(500)
  up = true
  await flaky.refresh(flaky.web, body.refresh_token).expect(200)
})

it('a handler tells a user from an app: only client credentials have no user', async () => {
  const own = (await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' })).body
  const { body } = await host.me(own.access_token).expect(200)
  expect([body.user, body.authInfo.userId]).toEqual([undefined, undefined])
  const users = (await host.me((await host.signIn()).access_token).expect(200)).body
  expect([users.user.id, users.authInfo.userId]).toEqual(['alice', 'alice'])
})

it('a user whose id is broken gets in nowhere, and not as somebody else with a broken id: the host hears of it', async () => {
  for (const id of [Number.NaN, 2 ** 60, Number.POSITIVE_INFINITY, {}, [], true]) {
    const other = await createHost({
      grants: [password({ verify: () => ({ id }) as never })],
      users: { find: () => ({ id: 'whoever' }) as never },
      mount: (app, server) => void app.use('/oauth2/token', tokenRouter(server)),
    })
    const answer = await other.token(other.web, { grant_type: 'password', username: 'a', password: 'b' })
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    expect(String(other.reportedErrors()[0]?.cause)).toContain('password({ verify }) returned')
  }
  const broken = bcryptPasswords({ findByUsername: () => ({ id: undefined as never, passwordHash: null }) })
  expect(await broken('a', 'b')).toBeUndefined()
})
