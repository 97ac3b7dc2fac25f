// ATTACKS.md row 6: only the port of a loopback IP address is free (RFC 8252 §7.3, §8.3), and of a name below localhost for
// a client that introduced itself; and only for that very host.
import { createHost, type Host } from '../support/host'

let host: Host
beforeAll(async () => {
  host = await createHost()
  for (const [clientId, redirectUri] of Object.entries({
    v4: 'http://127.0.0.1/cb',
    v6: 'http://[::1]:1234/cb',
    named: 'http://localhost:1234/cb',
    web8443: 'https://app.example:8443/cb',
    tls: 'https://127.0.0.1:8443/cb',
  })) {
    await host.register({ clientId, tokenEndpointAuthMethods: ['none'] }, redirectUri)
  }
})
const codeAt = async (clientId: string, redirect_uri: string) => {
  const answer = await host.authorize({ clientId, redirectUri: redirect_uri })
  return answer.headers.location
}

it.each([
  ['v4', 'http://127.0.0.1/cb'],
  ['v4', 'http://127.0.0.1:1/cb'],
  ['v4', 'http://127.0.0.1:65535/cb'],
  ['v6', 'http://[::1]/cb'],
  ['v6', 'http://[::1]:49152/cb'],
  ['named', 'http://localhost:1234/cb'],
])('the program registered as %s gets its code at %s', async (clientId, uri) => {
  expect(await codeAt(clientId, uri)).toMatch(new RegExp(`^${uri.replace(/[[\].]/g, '\\$&')}\\?code=`))
})

it.each([
  ['v4', 'http://[::1]:1/cb'],
  ['v4', 'http://localhost:1/cb'],
  ['v4', 'http://localhost/cb'],
  ['v4', 'http://127.0.0.2/cb'],
  ['v4', 'http://127.1/cb'],
  ['v4', 'http://2130706433/cb'],
  ['v4', 'http://0.0.0.0/cb'],
  ['v4', 'http://[::ffff:127.0.0.1]/cb'],
  ['v4', 'http://127.0.0.1:80@evil.example/cb'],
  ['v4', 'http://127.0.0.1:1.evil.example/cb'],
  ['v4', 'http://127.0.0.1.evil.example/cb'],
  ['v4', 'http://127.0.0.1:/cb'],
  ['v4', 'http://127.0.0.1:99999/cb'],
  ['v4', 'http://127.0.0.1:1/other'],
  ['v4', 'http://127.0.0.1:1/cb?x=y'],
  ['v4', 'https://127.0.0.1:1/cb'],
  ['v6', 'http://127.0.0.1:1234/cb'],
  ['v6', 'http://[::2]:1234/cb'],
  ['v6', 'http://[0:0:0:0:0:0:0:1]:1234/cb'],
  ['named', 'http://localhost:4321/cb'],
  ['named', 'http://localhost/cb'],
  ['named', 'http://127.0.0.1:1234/cb'],
  ['named', 'http://localhost.evil.example:1234/cb'],
  ['web8443', 'https://app.example/cb'],
  ['web8443', 'https://app.example:8444/cb'],
  ['tls', 'https://127.0.0.1:8444/cb'],
])('nothing is sent for %s to %s', async (clientId, uri) => {
  expect(await codeAt(clientId, uri)).toBeUndefined()
})

it('a code sent to one port is not redeemed with another (RFC 6749 §4.1.3)', async () => {
  const redirect_uri = 'http://127.0.0.1:1111/cb'
  const client = { clientId: 'v4', redirectUri: 'http://127.0.0.1/cb' }
  const code = await host.code(client, { redirect_uri })
  for (const other of ['http://127.0.0.1:2222/cb', client.redirectUri]) {
    const answer = await host.exchange(client, code, { redirect_uri: other })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  }
  await host.exchange(client, code, { redirect_uri }).expect(200)
})
