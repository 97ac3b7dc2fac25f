// Beyond ATTACKS.md: a header that costs its sender nothing and the server a quarter of a second is a way to stop it.
import { connect } from 'node:net'
import { issueTokens } from '../../src/index'
import { createHost } from '../support/host'
import { type Listening, listen, request } from '../support/raw'

const spaces = ' '.repeat(15_000)
const form = 'application/x-www-form-urlencoded'

/** The time that the event loop was blocked, at the longest, while `act` ran. */
async function longestBlock(act: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  try {
    await act()
  } finally {
    clearInterval(timer)
  }
  return longest
}

describe('parsing takes linear time:', () => {
  let listening: Listening
  let token: string
  beforeAll(async () => {
    const host = await createHost()
    listening = await listen(host.app)
    const portal = await host.register({ scopes: ['clients'] })
    token = (await issueTokens(host.server, { clientId: portal.clientId, userId: 'alice' })).access_token
  })
  afterAll(() => listening.close())

  const requests: [string, string][] = [
    ['spaces in a Bearer header', request('GET', '/me', [`Authorization: Bearer a${spaces}b`])],
    ['spaces before nothing in a Bearer header', request('GET', '/me', [`Authorization: Bearer ${spaces}`])],
    [
      'spaces in a Basic header',
      request('POST', '/oauth2/token', [`Authorization: Basic a${spaces}b`, `Content-Type: ${form}`], 'a=b'),
    ],
    ['spaces in a charset', request('POST', '/oauth2/token', [`Content-Type: ${form}; charset=${spaces}"x`], 'a=b')],
    [
      'quotes in a charset',
      request('POST', '/oauth2/token', [`Content-Type: ${form}; charset=${'"'.repeat(15_000)}`], 'a=b'),
    ],
    [
      'semicolons in a content type',
      request('POST', '/oauth2/token', [`Content-Type: ${form}${';'.repeat(15_000)}x`], 'a=b'),
    ],
    ['commas in Accept', request('GET', '/oauth2/authorize', [`Accept: ${','.repeat(15_000)}`])],
    ['parameters in Accept', request('GET', '/oauth2/authorize', [`Accept: ${'a/b;q=0.1,'.repeat(1500)}`])],
    ['a token of dots', request('GET', '/me', [`Authorization: Bearer ${'.'.repeat(15_000)}`])],
    ['a token of equals signs', request('GET', '/me', [`Authorization: Bearer ${'='.repeat(15_000)}x`])],
    ['a redirect URI of dots', request('GET', `/oauth2/authorize?client_id=web&redirect_uri=${'a.'.repeat(7_000)}`)],
    [
      'a redirect URI below localhost of dots',
      request('GET', `/oauth2/authorize?client_id=web&redirect_uri=http://${'a.'.repeat(7_000)}localhost:1/`),
    ],
    [
      'ten thousand scopes',
      request('POST', '/oauth2/token', [`Content-Type: ${form}`], `scope=${'a+'.repeat(30_000)}`),
    ],
    ['thirty thousand parameters', request('POST', '/oauth2/token', [`Content-Type: ${form}`], '&a=b'.repeat(16_000))],
    [
      'ten thousand members of the clients API',
      request(
        'POST',
        '/oauth2/clients',
        [`Content-Type: ${form}`, 'Authorization: Bearer TOKEN'],
        `grant_types=none${Array.from({ length: 9000 }, (_, index) => `&a${index}`).join('')}`,
      ),
    ],
    [
      'combining marks in a client id, which Unicode puts in order',
      request(
        'POST',
        '/oauth2/token',
        [`Content-Type: ${form}; charset=utf-8`],
        Buffer.from(`client_secret=x&client_id=a${'\u0300'.repeat(15_500)}${'\u0316'.repeat(15_500)}`).toString(
          'latin1',
        ),
      ),
    ],
    ['JSON that is deep', request('POST', '/oauth2/token', ['Content-Type: application/json'], '['.repeat(64_000))],
    [
      'JSON of backslashes',
      request('POST', '/oauth2/token', ['Content-Type: application/json'], `{"a":"${'\\\\'.repeat(31_000)}"}`),
    ],
    ['JSON of quotes', request('POST', '/oauth2/token', ['Content-Type: application/json'], '"'.repeat(64_000))],
  ]
  it.each(requests)('%s', async (_, text) => {
    const send = () =>
      new Promise<string>((resolve) => {
        const socket = connect(listening.port, '127.0.0.1', () => socket.write(text.replace('TOKEN', token), 'latin1'))
        let answer = ''
        socket.on('data', (piece) => {
          answer += piece
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve(answer))
      })
    // the first one is slow for other reasons, and one of three may meet the garbage collector
    await send()
    const blocks: number[] = []
    for (let n = 0; n < 3; n++) {
      blocks.push(
        await longestBlock(async () => {
          expect(await send()).toMatch(/^HTTP\/1\.1 4\d\d /)
        }),
      )
    }
    expect(Math.min(...blocks)).toBeLessThan(60)
  })
})
