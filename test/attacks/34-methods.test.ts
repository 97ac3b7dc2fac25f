// Beyond ATTACKS.md: other methods, and headers that ask for other methods or other paths.
import { createHost, encode, type Host, paths } from '../support/host'
import { exchange, type Listening, listen, request } from '../support/raw'

let host: Host
let listening: Listening
beforeAll(async () => {
  host = await createHost({ throttle: false })
  listening = await listen(host.app)
})

const methods = [
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'PATCH',
  'PROPFIND',
  'MKCOL',
  'LOCK',
  'SEARCH',
  'M-SEARCH',
  'PURGE',
]
const endpoints: [string, string, string][] = [
  ['authorize', paths.authorize, 'GET, POST'],
  ['token', paths.token, 'POST'],
  ['revoke', paths.revoke, 'POST'],
  ['introspect', paths.introspect, 'POST'],
]

describe.each(endpoints)('the %s endpoint', (_, path, allow) => {
  it.each([...methods, ...(allow.includes('GET') ? [] : ['GET'])])(
    'answers %s with 405 and Allow, and does nothing',
    async (method) => {
      const before = host.events.length
      const target = path === paths.authorize ? `${path}?${host.authorizationRequest(host.web)}` : path
      const answer = await exchange(listening.port, request(method, target, ['X-User: alice']))
      expect([answer?.status, /^Allow: (.*)$/im.exec(answer?.headers ?? '')?.[1]?.trim()]).toEqual([405, allow])
      expect(answer?.headers).not.toMatch(/^(Location|Access-Control)/im)
      if (method !== 'HEAD' && path !== paths.authorize) {
        expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: 'invalid_request' })
      }
      // TRACE would give a script the cookies and tokens of its own request
      expect(answer?.body).not.toContain('X-User')
      expect(host.events).toHaveLength(before)
    },
  )

  it('does not believe X-HTTP-Method-Override and its like', async () => {
    const body = encode({
      grant_type: 'client_credentials',
      client_id: 'web',
      client_secret: host.web.clientSecret,
      _method: 'POST',
      token: 'x',
    })
    for (const header of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const headers = [`${header}: POST`, 'Content-Type: application/x-www-form-urlencoded']
      const answer = await exchange(listening.port, request('PUT', `${path}?_method=POST`, headers, body))
      expect(answer?.status).toBe(405)
    }
  })

  it('answers no preflight where no cors was asked for', async () => {
    const answer = await exchange(
      listening.port,
      request('OPTIONS', path, ['Origin: https://evil.example', 'Access-Control-Request-Method: POST']),
    )
    expect(answer?.headers).not.toMatch(/access-control/i)
  })
})

it('the guard guards every method', async () => {
  for (const method of ['GET', 'HEAD', ...methods]) {
    const answer = await exchange(listening.port, request(method, '/me', ['X-HTTP-Method-Override: GET']))
    expect([401, 405, 418, 200]).toContain(answer?.status)
    expect(answer?.body ?? '').not.toContain('authInfo')
  }
  expect((await exchange(listening.port, request('HEAD', '/me')))?.status).toBe(401)
})

it('the clients API knows its methods below the mount point, too, behind its guard', async () => {
  for (const [method, path] of [
    ['PATCH', '/web'],
    ['GET', '/web/secret'],
    ['DELETE', ''],
    ['PUT', ''],
    ['TRACE', '/web'],
  ] as const) {
    const answer = await exchange(listening.port, request(method, `${paths.clients}${path}`))
    expect(answer?.status).toBe(401)
  }
})
