// examples/without-sessions: a JWT in a cookie, and one in a header, sign users in. There is no session anywhere.
import { requestOf } from '../../examples/without-sessions/jwt-cookie'
import { openBrowser } from '../interoperability/browser'
import { type Example, startExample } from '../support/example'

let app: Example
afterEach(() => app.stop())

/** What the API says to the token of a code. */
async function me(location: string) {
  const { issuer } = app
  const code = new URL(location).searchParams.get('code') as string
  const form = { grant_type: 'authorization_code', code, code_verifier: 'v'.repeat(43), client_id: 'demo' }
  const body = new URLSearchParams({ ...form, redirect_uri: `${issuer}/callback` })
  const { access_token } = (await (await fetch(`${issuer}/oauth2/token`, { method: 'POST', body })).json()) as {
    access_token: string
  }
  const answer = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${access_token}` } })
  return answer.json()
}

it('npm run example -- jwt-cookie: sign-in, consent page and token, and the only cookie is the JWT', async () => {
  app = await startExample('jwt-cookie')
  expect(await app.line('/oauth2/authorize')).toBe(requestOf(app.issuer))
  const browser = openBrowser()
  const location = await browser.authorize(requestOf(app.issuer))
  expect(await me(location)).toEqual({ id: '1', username: 'ada', name: 'Ada Lovelace' })
  expect([...browser.cookies.keys()]).toEqual(['token'])
  expect(app.printed()).not.toContain('express-authorization-server:')
  browser.cookies.set('token', `${browser.cookies.get('token')}x`)
  expect((await browser.get(requestOf(app.issuer))).location).toMatch(`${app.issuer}/login?return_to=`)
})

it('npm run example -- jwt-header: the front end asks and answers with fetch, and a GET is never a yes', async () => {
  app = await startExample('jwt-header')
  const url = requestOf(app.issuer)
  expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toContain('<script nonce=')
  const login = (password: string) =>
    fetch(`${app.issuer}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'ada', password }),
    })
  expect((await login('wrong')).status).toBe(401)
  const { token } = (await (await login('analytical engine')).json()) as { token: string }
  const headers = { accept: 'application/json', authorization: `Bearer ${token}` }
  expect((await fetch(url, { headers: { accept: 'application/json' } })).status).toBe(401)
  const no = `${app.issuer}/callback?${new URLSearchParams({ error: 'access_denied', state: 's', iss: app.issuer })}`
  const asked = { client: 'Demo', scope: ['profile'], user: 'Ada Lovelace', no }
  expect(await (await fetch(`${url}&answer=allow&state=s`, { headers })).json()).toEqual(asked)
  const answer = (word: string, sent: Record<string, string> = headers) =>
    fetch(url, { method: 'POST', headers: sent, body: new URLSearchParams({ answer: word }) })
  expect((await answer('allow', { accept: 'application/json' })).status).toBe(401)
  expect(await (await answer('deny')).json()).toMatchObject({ error: 'access_denied' })
  const allowed = await answer('allow')
  expect(allowed.status).toBe(200)
  expect(await me(allowed.headers.get('location') as string)).toMatchObject({ username: 'ada' })
})
