// The times in every JWT that is verified (RFC 7519 §4.1.4 to §4.1.6): two clocks are ten seconds apart at most.
import { importJWK, SignJWT } from 'jose'
import { generateSigningKey, jwt } from '../../src'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

const audience = 'https://api.example.com'
const { d, ...published } = generateSigningKey()
let remote: RemoteHost
beforeAll(async () => {
  const keys = { ...published, d: d as string }
  remote = await createRemoteHost({ accessTokens: jwt({ keys, audience, stateless: true }) })
})
afterAll(() => remote.close())

async function tokenWith(times: (now: number) => object): Promise<string> {
  const { now } = remote.host.clock
  const { clientId } = remote.host.web
  const claims = { iss: remote.issuer, sub: 'alice', aud: audience, client_id: clientId, jti: 'x', scope: 'read' }
  return new SignJWT({ ...claims, iat: now, exp: now + 60, ...times(now) })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: published.kid as string })
    .sign(await importJWK({ ...published, d: d as string } as never, 'ES256'))
}

describe.each<[string, (token: string) => PromiseLike<{ status: number }>]>([
  ['the guard beside the server', (token) => remote.host.me(token)],
  ['a guard elsewhere', (token) => createApi(remote, { resource: audience }).call(token)],
])('an access token at %s', (_where, call) => {
  it.each<[string, number, (now: number) => object]>([
    ['iat ten seconds ahead is taken', 200, (now) => ({ iat: now + 10 })],
    ['iat further ahead is refused', 401, (now) => ({ iat: now + 11 })],
    ['nbf ten seconds ahead is taken', 200, (now) => ({ nbf: now + 10 })],
    ['nbf further ahead is refused', 401, (now) => ({ nbf: now + 11 })],
    ['nbf that is no number is refused', 401, () => ({ nbf: 'now' })],
    ['exp in a second is taken', 200, (now) => ({ exp: now + 1 })],
    ['exp now is refused', 401, (now) => ({ exp: now })],
  ])('%s', async (_what, status, times) => {
    expect((await call(await tokenWith(times))).status).toBe(status)
  })

  it('that was too early is taken when its time has come, and again until it ends', async () => {
    const token = await tokenWith((now) => ({ nbf: now + 30 }))
    const statuses: number[] = []
    for (const seconds of [0, 19, 1, 39, 1]) {
      remote.host.clock.advance(seconds)
      statuses.push((await call(token)).status)
    }
    expect(statuses).toEqual([401, 401, 200, 200, 401])
  })
})
