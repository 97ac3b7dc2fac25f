// examples/single-page-app over HTTP: which origin may call what. test/browser/single-page-app.test.ts has the flow.
import { type Example, startExample } from '../support/example'

let app: Example
let page: string
beforeAll(async () => {
  app = await startExample('single-page-app')
  page = /http:\S+/.exec(await app.line('Open '))?.[0] ?? ''
})
afterAll(() => app.stop())

const allowed = async (path: string, origin: string) => {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }
  const response = await fetch(app.issuer + path, { method: 'OPTIONS', headers })
  return response.headers.get('access-control-allow-origin') === origin
}

it.each(['/oauth2/token', '/oauth2/revoke_token', '/api/me'])(
  '%s may be called by the page, and no other',
  async (path) => {
    expect(await allowed(path, page)).toBe(true)
    expect(await allowed(path, 'https://evil.example')).toBe(false)
  },
)

it('serves a page that loads scripts of its own alone, and connects to the issuer', async () => {
  const { headers } = await fetch(page)
  expect(headers.get('content-security-policy')).toContain(
    `script-src 'self'; img-src data:; connect-src 'self' ${app.issuer}`,
  )
  for (const script of ['/app.mjs', '/oauth4webapi.js']) {
    const response = await fetch(page + script)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('javascript'),
    ])
  }
})
