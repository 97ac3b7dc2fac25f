// A page of another origin that signs its users in with oidc-client-ts, renews in silence in a frame, and signs them out.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import express from 'express'
import { authentication, signIn as signInPages } from '../../examples/shared/sign-in'
import { listen, type RunningApp } from '../../examples/shared/start'
import { createUsers } from '../../examples/shared/users'
import {
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  memoryStorage,
  oauthRouter,
  registerClient,
} from '../../src'
import { endSessionRouter, openid } from '../../src/openid'
import { allow, signIn, useBrowser } from './browser'

const script = readFileSync(join(dirname(require.resolve('oidc-client-ts')), '../browser/oidc-client-ts.min.js'))

let party: RunningApp
let issuerOfParty = ''
afterAll(() => party.close())

/** The page: its buttons do what their words say, and `#state` says what came of it. */
const pageOf = (origin: string) => `<!doctype html><html lang="en"><title>Page</title><p id="state">starting</p>
<button id="in">In</button><button id="renew">Renew</button><button id="out">Out</button>
<script src="/oidc.js"></script><script>
const manager = new oidc.UserManager({
  authority: '${issuerOfParty}', client_id: 'page', redirect_uri: '${origin}/', post_logout_redirect_uri: '${origin}/',
  silent_redirect_uri: '${origin}/silent', scope: 'openid profile', loadUserInfo: true, automaticSilentRenew: false,
})
const say = (user) => { document.getElementById('state').textContent = user ? 'Hello, ' + user.profile.name : 'nobody' }
const told = (error) => { document.getElementById('state').textContent = 'error: ' + error.message }
document.getElementById('in').onclick = () => manager.signinRedirect({ max_age: 3600 }).catch(told)
document.getElementById('out').onclick = () => manager.signoutRedirect().catch(told)
document.getElementById('renew').onclick = async () => {
  const before = await manager.getUser()
  // without its refresh token the library renews in a frame
  await manager.storeUser(new oidc.User({ ...before, refresh_token: undefined }))
  const after = await manager.signinSilent().catch(told)
  if (after) document.getElementById('state').textContent = 'renewed: ' + (after.access_token !== before.access_token)
}
const start = async () => {
  if (location.search.includes('code=')) {
    await manager.signinCallback()
    history.replaceState(null, '', '/')
  } else if (location.search.includes('state=')) await manager.signoutCallback()
  say(await manager.getUser())
}
start().catch(told)
</script></html>`

const silent = `<!doctype html><title>Silent</title><script src="/oidc.js"></script><script>
new oidc.UserManager({ authority: '', client_id: '', redirect_uri: '' }).signinSilentCallback()
</script>`

const browser = useBrowser(async (issuer) => {
  issuerOfParty = issuer
  party = await listen((origin) => {
    const app = express()
    app.get('/oidc.js', (_req, res) => void res.type('js').send(script))
    app.get('/silent', (_req, res) => void res.send(silent))
    app.get('/favicon.ico', (_req, res) => void res.sendStatus(204))
    app.get('/', (_req, res) => void res.send(pageOf(origin)))
    return app
  }, 0)
  const person = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }
  const users = await createUsers([person])
  const server = createAuthorizationServer({
    ...{ issuer, storage: memoryStorage(), scopes: [], endpoints: { endSession: '/oauth2/logout' } },
    openid: openid({ keys: generateSigningKey('RS256'), authentication }),
    users: { find: users.find, current: (req) => req.user, signIn: '/login' },
  })
  await registerClient(server, {
    clientId: 'page',
    tokenEndpointAuthMethods: ['none'],
    redirectUris: [`${party.issuer}/`, `${party.issuer}/silent`],
    postLogoutRedirectUris: [`${party.issuer}/`],
    scopes: ['openid', 'profile'],
  })
  const app = express()
  app.use(signInPages({ users }))
  const signOut = (req: express.Request) => new Promise<void>((done) => req.logout(() => done()))
  app.use('/oauth2/logout', endSessionRouter(server, { signOut }))
  const decide = consentPage({ remember: { publicClients: ['page'] } })
  app.use(oauthRouter(server, { decide, protect: false, cors: { origin: [party.issuer] } }))
  return app
})

it('signs in, renews in a hidden frame, and signs out at both', async () => {
  const page = await browser.open(browser.issuer)
  await page.goto(party.issuer)
  const says = (words: string) => page.locator('#state', { hasText: words }).waitFor()
  await says('nobody')
  await page.locator('#in').click()
  await signIn(page)
  await allow(page)
  await says('Hello, Ada Lovelace')
  await page.locator('#renew').click()
  await says('renewed: true')
  await page.locator('#out').click()
  await says('nobody')
  // nobody is signed in at the server either
  await page.locator('#in').click()
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
})
