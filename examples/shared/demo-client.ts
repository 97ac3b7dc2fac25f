/** A client in a web page: the authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636), in plain JavaScript. */
import { type Request, Router } from 'express'
import { escapeHtml, sendPage } from './page'
import type { User } from './users'

export interface DemoClientOptions {
  issuer: string
  clientId: string
  scope: string
  /** The path of the API that the page calls with its access token. */
  api: string
  /** The path of the page where users see which apps have access. */
  account: string
}

/** The client's page at `/`, which is its redirect URI, too. */
export function demoClient(options: DemoClientOptions): Router {
  const router = Router()
  router.get('/', (req, res) => {
    // one name for one server: what the page keeps under `localhost` is out of reach under the issuer's name
    if (req.headers.host !== new URL(options.issuer).host) return res.redirect(`${options.issuer}/`)
    sendPage(res, 'Demo client', `${body}\n${account(req, options)}`, script(options))
  })
  return router
}

const body = `<h1>A client of your authorization server</h1>
<p>This page asks the server for an access token and shows what the API answers to it.</p>
<noscript><p class="bad">This client is a script, and your browser runs none.</p></noscript>
<div class="actions">
<button class="primary" type="button" id="connect" hidden>Get an access token</button>
<button class="primary" type="button" id="call" hidden>Call API</button>
<button type="button" id="refresh" hidden>Refresh</button>
<button type="button" id="revoke" hidden>Revoke</button>
</div>
<div role="status">
<p id="step"></p>
<pre id="answer" tabindex="0" aria-label="The answer of the API" hidden></pre>
</div>`

function account(req: Request, { account }: DemoClientOptions): string {
  const user = req.user as User | undefined
  if (!user) return ''
  return `<form class="account" method="post" action="/logout">
<span>Signed in as <strong>${escapeHtml(user.name)}</strong></span>
<span><a href="${account}">Connected apps</a> <button type="submit">Sign out</button></span>
</form>`
}

const script = ({ issuer, clientId, scope, api }: DemoClientOptions): string => `
const issuer = ${JSON.stringify(issuer)}
const clientId = ${JSON.stringify(clientId)}
const scope = ${JSON.stringify(scope)}
const api = ${JSON.stringify(api)}
const redirectUri = issuer + '/'

const element = (id) => document.getElementById(id)
const encode = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
const random = () => encode(crypto.getRandomValues(new Uint8Array(32)))
const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))

// Kept for this tab alone. Any script of this origin can read it: that is why the page allows no other script.
const load = (name) => JSON.parse(sessionStorage.getItem(name))
const save = (name, value) => sessionStorage.setItem(name, JSON.stringify(value))

let metadata
async function discover() {
  const response = await fetch(issuer + '/.well-known/oauth-authorization-server')
  metadata = await response.json()
  if (metadata.issuer !== issuer) throw new Error('The metadata is of another server.')
}

async function connect() {
  const codeVerifier = random()
  const state = random()
  save('pending', { codeVerifier, state })
  const url = new URL(metadata.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, state,
    code_challenge: encode(await sha256(codeVerifier)), code_challenge_method: 'S256',
  })
  location.assign(url)
}

async function comeBack(response) {
  const pending = load('pending')
  sessionStorage.removeItem('pending')
  history.replaceState(null, '', '/') // the code is for nobody's history
  if (pending === null || response.get('state') !== pending.state || response.get('iss') !== issuer) {
    throw new Error('That was no answer to a question of this page. Try again.')
  }
  if (response.has('error')) throw new Error(response.get('error') + ': ' + response.get('error_description'))
  save('tokens', await post(metadata.token_endpoint, {
    grant_type: 'authorization_code', code: response.get('code'), redirect_uri: redirectUri,
    code_verifier: pending.codeVerifier,
  }))
  await call('You allowed it. The API answers:')
}

async function call(step) {
  const response = await fetch(api, { headers: { Authorization: 'Bearer ' + load('tokens').access_token } })
  show(step, response.status + ' ' + JSON.stringify(await response.json(), null, 2))
}

async function refresh() {
  save('tokens', await post(metadata.token_endpoint, {
    grant_type: 'refresh_token', refresh_token: load('tokens').refresh_token,
  }))
  await call('Refreshed. With the new access token the API answers:')
}

async function revoke() {
  await post(metadata.revocation_endpoint, { token: load('tokens').refresh_token })
  await call('Revoked. To the same access token the API answers:')
  sessionStorage.removeItem('tokens')
}

async function post(url, parameters) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ client_id: clientId, ...parameters }) })
  const answer = await response.json()
  if (response.ok) return answer
  if (answer.error === 'invalid_grant') sessionStorage.removeItem('tokens')
  throw new Error(answer.error + ': ' + answer.error_description)
}

function show(step, answer) {
  element('step').textContent = step
  element('answer').textContent = answer ?? ''
  element('answer').hidden = answer === undefined
}

/** One step at a time, and its failure in words. */
async function run(action) {
  const buttons = document.querySelectorAll('.actions button')
  for (const button of buttons) button.disabled = true
  element('step').classList.remove('bad')
  try {
    await action()
  } catch (error) {
    show(error.message)
    element('step').classList.add('bad')
  }
  for (const button of buttons) {
    button.disabled = false
    button.hidden = (button.id === 'connect') === (load('tokens') !== null)
  }
}

element('connect').onclick = () => run(connect)
element('call').onclick = () => run(() => call('The API answers:'))
element('refresh').onclick = () => run(refresh)
element('revoke').onclick = () => run(revoke)

const response = new URLSearchParams(location.search)
await run(async () => {
  await discover()
  if (response.has('state') || response.has('error')) await comeBack(response)
})
`
