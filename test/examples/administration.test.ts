// examples/administration/administration.ts: an administrator finds an app and disables it, and it gets nothing more.
import { createApp } from '../../examples/administration/administration'
import { listen, type RunningApp } from '../../examples/shared/start'
import { fieldsOf } from '../support/consent'
import { later } from '../support/later'

let app: RunningApp
beforeAll(async () => {
  app = await listen(createApp)
})
afterAll(() => app.close())

const basic = (user: string) => ({ authorization: `Basic ${btoa(user)}` })
const ada = basic('ada:analytical engine')
const page = async (query: string, headers = ada) => {
  const answer = await fetch(`${app.issuer}/admin/oauth${query}`, { headers, redirect: 'manual' })
  return { status: answer.status, text: await answer.text(), location: answer.headers.get('location') }
}
const machine = () =>
  fetch(`${app.issuer}/oauth2/token`, {
    method: 'POST',
    headers: basic('printer:ink and paper'),
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })

it('finds an app by its name, and disables it: its token stops, and it gets no other', async () => {
  expect((await page('?find=photo&by=name')).text).toContain('Photo Printer')
  const { access_token } = (await (await machine()).json()) as { access_token: string }
  const notes = () => fetch(`${app.issuer}/notes`, { headers: { authorization: `Bearer ${access_token}` } })
  expect((await notes()).status).toBe(200)
  const fields = fieldsOf(await page('?client=printer&page=disable'))
  later(1)
  const body = new URLSearchParams(fields)
  const done = await fetch(`${app.issuer}/admin/oauth`, { method: 'POST', headers: ada, body, redirect: 'manual' })
  expect([done.status, (await notes()).status, (await machine()).status]).toEqual([303, 401, 401])
})

it('shows its users nothing of it, and sends a browser that is not signed in to the sign-in page', async () => {
  expect(await page('', basic('grace:compiled program'))).toMatchObject({ status: 403, text: 'Administrators only.' })
  const { status, location } = await page('?user=3', {} as never)
  expect([status, location]).toEqual([303, '/login?return_to=%2Fadmin%2Foauth%3Fuser%3D3'])
})
