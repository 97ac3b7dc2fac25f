// examples/developer-portal/developer-portal.ts: its users make an app and a token on a page, and both work at once.
import { createApp } from '../../examples/developer-portal/developer-portal'
import { listen, type RunningApp } from '../../examples/shared/start'
import { fieldsOf } from '../support/consent'
import { secretIn } from '../support/developer'

let app: RunningApp
beforeAll(async () => {
  app = await listen(createApp)
})
afterAll(() => app.close())

const headers = { authorization: `Basic ${btoa('ada:analytical engine')}` }
const page = async (query: string) => {
  const answer = await fetch(`${app.issuer}/developer${query}`, { headers })
  return { status: answer.status, text: await answer.text() }
}
async function fill(query: string, fields: Record<string, string>) {
  const body = new URLSearchParams({ ...fieldsOf(await page(query)), ...fields })
  const answer = await fetch(`${app.issuer}/developer`, { method: 'POST', headers, body })
  return { status: answer.status, text: await answer.text() }
}

it('a token that was made on the page reads the notes of its user', async () => {
  const token = secretIn(await fill('?page=new-token', { name: 'backup', 'scope:notes:read': 'on', days: '30' }))
  const notes = await fetch(`${app.issuer}/notes`, { headers: { authorization: `Bearer ${token}` } })
  expect(await notes.json()).toEqual(['Weave algebraical patterns.'])
})

it('a machine that was made on the page gets a token with its secret', async () => {
  const made = await fill('?page=new&kind=machine', { client_name: 'Robot', 'scope:notes:read': 'on' })
  const [, clientId = ''] = /\?app=([\w-]+)/.exec(made.text) ?? []
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const basic = { authorization: `Basic ${btoa(`${clientId}:${secretIn(made)}`)}` }
  const answer = await fetch(`${app.issuer}/oauth2/token`, { method: 'POST', headers: basic, body })
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ scope: 'notes:read' })])
  expect((await page('')).text).toContain('Robot')
})

it('sends a browser that is not signed in to the sign-in page, and back', async () => {
  const answer = await fetch(`${app.issuer}/developer?page=new`, { redirect: 'manual' })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?return_to=%2Fdeveloper%3Fpage%3Dnew'])
})
