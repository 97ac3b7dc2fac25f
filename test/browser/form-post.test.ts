// response_mode=form_post in a real browser: the page posts itself, by its script or by its button, to an app elsewhere, which
// goes on from there.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from '../../examples/your-app/quickstart'
import { createAuthorizationServer, memoryStorage, registerClient } from '../../src/index'
import { allow, button, signIn, useBrowser } from './browser'

const storage = memoryStorage()
const browser = useBrowser((issuer) => createApp(issuer, storage))

/** What the app was posted. */
interface Received {
  form: URLSearchParams
  headers: IncomingHttpHeaders
}
let app: Server
let received: Received[] = []
/** Another site than the server's, which is at 127.0.0.1. */
let site: string

beforeAll(async () => {
  app = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    if (req.method !== 'POST') return void res.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Signed in</h1>')
    received.push({ form: new URLSearchParams(Buffer.concat(chunks).toString()), headers: req.headers })
    // what a form-action of the page would be applied to
    res.writeHead(303, { Location: `${site}/done` }).end()
  })
  await once(app.listen(0, '127.0.0.1'), 'listening')
  site = `http://localhost:${(app.address() as AddressInfo).port}`
})
beforeEach(() => {
  received = []
})
afterAll(() => void app.close())

async function request(): Promise<string> {
  const redirectUri = `${site}/callback`
  const server = createAuthorizationServer({ issuer: browser.issuer, storage, scopes: ['profile'] })
  const { client } = await registerClient(server, {
    redirectUris: [redirectUri],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'],
  })
  const more = { response_mode: 'form_post', client_id: client.clientId, redirect_uri: redirectUri, state: 'ö & "x"' }
  return browser.authorizationUrl(more)
}

it('posts the answer by itself, from our origin, and the app goes on where it likes', async () => {
  const page = await browser.open(await request())
  await signIn(page)
  await allow(page)
  await page.getByRole('heading', { name: 'Signed in' }).waitFor()
  expect(page.url()).toBe(`${site}/done`)
  const [{ form, headers }] = received as [Received]
  expect(received).toHaveLength(1)
  expect(Object.fromEntries(form)).toEqual({ code: expect.any(String), state: 'ö & "x"', iss: browser.issuer })
  expect(headers.origin).toBe(browser.issuer)
  expect(headers.referer ?? `${browser.issuer}/`).toBe(`${browser.issuer}/`)
})

it('posts an error, too', async () => {
  const page = await browser.open(await request())
  await signIn(page)
  await button(page, 'Deny').click()
  await page.getByRole('heading', { name: 'Signed in' }).waitFor()
  expect(received[0]?.form.get('error')).toBe('access_denied')
})

it('without scripts has a button', async () => {
  const page = await browser.open(await request(), { javaScriptEnabled: false })
  await signIn(page)
  await allow(page)
  await page.getByRole('heading', { name: 'Continue to localhost' }).waitFor()
  expect(received).toHaveLength(0)
  await button(page, 'Continue').click()
  await page.getByRole('heading', { name: 'Signed in' }).waitFor()
  expect(received[0]?.form.get('code')).toEqual(expect.any(String))
})
