// The script of a single-page app: sign-in by redirect, PKCE, and an API of another origin.
import * as oauth from './oauth4webapi.js' // with a bundler: 'oauth4webapi'

const { issuer, api } = await (await fetch('/config.json')).json()
const client = { client_id: 'single-page-app' } // and no secret: everybody can read this file
const redirectUri = `${location.origin}/`
const http = { [oauth.allowInsecureRequests]: true } // for http on loopback; leave it out in production
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...http })
const as = await oauth.processDiscoveryResponse(new URL(issuer), found)
let accessToken // in memory alone

async function connect() {
  const codeVerifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  sessionStorage.setItem('pending', JSON.stringify({ codeVerifier, state })) // this tab alone needs them
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: 'profile',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  })
  location.assign(url)
}

async function comeBack(url) {
  const { codeVerifier, state } = JSON.parse(sessionStorage.getItem('pending') ?? '{}')
  sessionStorage.removeItem('pending')
  history.replaceState(null, '', '/') // the code does not stay in the address bar
  const answer = oauth.validateAuthResponse(as, client, url, state) // throws for an error, another state, another issuer
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    answer,
    redirectUri,
    codeVerifier,
    http,
  )
  keep(await oauth.processAuthorizationCodeResponse(as, client, response))
}

async function refresh() {
  const token = sessionStorage.getItem('refresh_token')
  if (token === null) throw new Error('Connect first')
  const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, http)
  keep(await oauth.processRefreshTokenResponse(as, client, response))
}

/** Each refresh returns a new refresh token: the old one does not work again. */
function keep(tokens) {
  accessToken = tokens.access_token
  sessionStorage.setItem('refresh_token', tokens.refresh_token)
}

async function callApi() {
  const ask = () => fetch(api, { headers: { Authorization: `Bearer ${accessToken}` } })
  let response = await ask()
  if (response.status === 401) {
    await refresh()
    response = await ask()
  }
  show(JSON.stringify(await response.json()))
}

async function signOut() {
  const token = sessionStorage.getItem('refresh_token') ?? ''
  await oauth.revocationRequest(as, client, oauth.None(), token, http)
  sessionStorage.clear()
  accessToken = undefined
  show('Disconnected')
}

const show = (words) => {
  document.getElementById('state').textContent = words
}
const run = (action) => action().catch((error) => show(error.error_description ?? error.message))
for (const [id, action] of Object.entries({ connect, callApi, signOut })) {
  document.getElementById(id).onclick = () => run(action)
}
if (/[?&](code|error)=/.test(location.search)) {
  await run(async () => {
    await comeBack(new URL(location.href))
    show('Connected')
  })
} else if (sessionStorage.getItem('refresh_token')) {
  await run(async () => {
    await refresh()
    show('Connected')
  })
}
