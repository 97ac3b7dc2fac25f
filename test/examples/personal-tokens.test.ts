// examples/personal-tokens/personal-tokens.ts: a user makes a token, uses it, sees it, and revokes it.
import { createApp } from '../../examples/personal-tokens/personal-tokens'
import { listen, type RunningApp } from '../../examples/shared/start'

let app: RunningApp
beforeAll(async () => {
  app = await listen(createApp)
})
afterAll(() => app.close())

const basic = (user: string) => ({ authorization: `Basic ${btoa(user)}` })
const ada = basic('ada:analytical engine')
const alan = basic('alan:imitation game')

const make = (form: [string, string][], headers: Record<string, string> = ada) =>
  fetch(`${app.issuer}/tokens`, { method: 'POST', headers, body: new URLSearchParams(form) })
const bearer = (token: string, init: RequestInit = {}) =>
  fetch(`${app.issuer}/notes`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
const page = async (headers = ada) => (await fetch(`${app.issuer}/tokens`, { headers })).text()
const revoke = (id: string, headers = ada) =>
  fetch(`${app.issuer}/tokens/${id}/revoke`, { method: 'POST', headers, redirect: 'manual' })

it('makes a token that reads notes and writes none, until it is revoked by its user alone', async () => {
  const made = await make([
    ['name', 'backup <script>'],
    ['scope', 'notes:read'],
    ['life', '7'],
  ])
  expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
  const token = await made.text()
  expect(token).toMatch(/^notes_pat_[0-9A-Za-z]{71}$/)
  expect(await (await bearer(token)).json()).toEqual(['Weave algebraical patterns.'])
  const writing = { method: 'POST', body: '{"text":"x"}', headers: { 'content-type': 'application/json' } }
  expect((await bearer(token, writing)).status).toBe(403)

  const listed = await page()
  expect(listed).toContain('<h2>backup &#60;script&#62;</h2>')
  expect(listed).toMatch(/last used \d{4}-\d\d-\d\d/)
  expect(listed).not.toContain(token)
  expect(await page(alan)).not.toContain('backup')
  const [, id = ''] = /\/tokens\/(\w+)\/revoke/.exec(listed) ?? []
  expect((await revoke(id, alan)).status).toBe(404)
  expect((await bearer(token)).status).toBe(200)
  expect((await revoke(id)).status).toBe(303)
  expect((await bearer(token)).status).toBe(401)
})

it('shows a new one to a browser once, with both scopes', async () => {
  const form: [string, string][] = [
    ['name', 'both'],
    ['scope', 'notes:read'],
    ['scope', 'notes:write'],
    ['life', '90'],
  ]
  const made = await (await make(form, { ...ada, accept: 'text/html' })).text()
  const [, token = ''] = /<code>(\w+)<\/code>/.exec(made) ?? []
  const writing = { method: 'POST', body: '{"text":"x"}', headers: { 'content-type': 'application/json' } }
  expect((await bearer(token, writing)).status).toBe(201)
  expect(await page()).not.toContain(token)
})

it('lets nobody make one without a sign-in, by another site, by a token, or with a name or scope that cannot be', async () => {
  const form: [string, string][] = [
    ['name', 'x'],
    ['scope', 'notes:read'],
  ]
  expect((await make(form, {})).status).toBe(401)
  expect((await make(form, { ...ada, origin: 'https://evil.example' })).status).toBe(403)
  const token = await (await make(form)).text()
  expect((await make(form, { authorization: `Bearer ${token}` })).status).toBe(401)
  expect((await make([['name', '']])).status).toBe(400)
  expect(
    (
      await make([
        ['name', 'x'],
        ['scope', 'admin'],
      ])
    ).status,
  ).toBe(400)
})
