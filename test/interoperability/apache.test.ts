// Apache with mod_auth_openidc of Debian, which signs people in for the app behind it: the server of examples/openid/openid.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { createApp, shop } from '../../examples/openid/openid'
import { listen } from '../../examples/shared/start'
import { freePort } from '../support/free-port'
import { describeApache, startApache } from './apache'
import { openBrowser } from './browser'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The server, and an app of which it knows nothing: Apache is in front of it, and says in headers who has signed in. */
async function start() {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const provider = await listen((issuer) =>
    createApp(issuer, origin, {
      backchannelLogoutUri: `${origin}/callback?logout=backchannel`,
      backchannelLogoutSessionRequired: true,
    }),
  )
  closing.push(provider.close)
  const app = await listen(() => {
    const behind = express()
    behind.get('/', (_req, res) => void res.send('the shop'))
    behind.get('/private', (req, res) => void res.json(req.headers))
    return behind
  })
  closing.push(app.close)
  const apache = await startApache(port, [
    `OIDCProviderMetadataURL ${provider.issuer}/.well-known/openid-configuration`,
    `OIDCClientID ${shop.clientId}`,
    `OIDCClientSecret ${shop.clientSecret}`,
    `OIDCRedirectURI ${origin}/callback`,
    'OIDCCryptoPassphrase for-this-test-alone',
    'OIDCScope "openid profile email"',
    'OIDCPKCEMethod S256',
    'OIDCPassClaimsAs headers',
    'OIDCRemoteUserClaim sub',
    // the fetch of Node says that it is a script, which Apache sends to no page
    'OIDCUnAuthAction auth true',
    'OIDCInfoHook access_token id_token',
    '<Location />',
    `  ProxyPass ${app.issuer}/`,
    '</Location>',
    // its own
    '<Location /callback>',
    '  ProxyPass !',
    '</Location>',
    '<LocationMatch ^/(private|callback)>',
    '  AuthType openid-connect',
    '  Require valid-user',
    '</LocationMatch>',
  ])
  closing.push(apache.stop)
  const browser = openBrowser()
  return {
    issuer: provider.issuer,
    origin,
    browser,
    /** What the app says to somebody who has just signed in. */
    async signIn() {
      const { location } = await browser.get(`${origin}/private`)
      const answer = await browser.get(await browser.authorize(location as string))
      const page = await browser.follow(answer, origin)
      if (page.status === 200) return page
      throw new Error(`Apache did not let the browser in: ${page.status} ${page.text} ${apache.log()}`)
    },
    /** What Apache knows of the session. */
    info: async (more = '') => JSON.parse((await browser.get(`${origin}/callback?info=json${more}`)).text),
  }
}

describeApache('mod_auth_openidc in Apache', () => {
  it('signs in from discovery to userinfo and to a refresh, for an app that knows nothing of it', async () => {
    const { issuer, browser, signIn, info } = await start()
    const headers = JSON.parse((await signIn()).text)
    expect(headers).toMatchObject({
      // of the id_token, which it has verified by the keys that discovery names
      ...{ oidc_claim_iss: issuer, oidc_claim_aud: 'shop', oidc_claim_sub: '1', oidc_claim_amr: 'pwd' },
      // of userinfo
      ...{ oidc_claim_name: 'Ada Lovelace', oidc_claim_email: 'ada@example.com', oidc_claim_email_verified: '1' },
    })
    const before = await info()
    const { access_token, id_token } = await info('&access_token_refresh_interval=0')
    expect(before.access_token).toBe(headers.oidc_access_token)
    expect(access_token).not.toBe(before.access_token)
    expect(id_token).toMatchObject({ sub: '1', auth_time: before.id_token.auth_time, sid: before.id_token.sid })
    const userinfo = await fetch(`${issuer}/oauth2/userinfo`, { headers: { Authorization: `Bearer ${access_token}` } })
    expect(await userinfo.json()).toMatchObject({ sub: '1' })
    expect(browser.cookies.has('mod_auth_openidc_session')).toBe(true)
  })

  it('signs out at both apps, and comes back', async () => {
    const { issuer, origin, browser, signIn } = await start()
    await signIn()
    const leaving = await browser.get(`${origin}/callback?logout=${encodeURIComponent(`${origin}/`)}`)
    expect(leaving.location).toMatch(`${issuer}/oauth2/logout?id_token_hint=`)
    const page = await browser.follow(leaving)
    expect([page.url, page.text]).toEqual([`${origin}/`, 'the shop'])
    // a password again
    expect((await browser.follow(await browser.get(`${origin}/private`))).text).toContain('>Sign in</button>')
  })

  it('is told by the back channel when somebody signs out at the server, and asks for a new sign-in', async () => {
    const { issuer, origin, browser, signIn } = await start()
    await signIn()
    const page = await browser.submit(await browser.get(`${issuer}/oauth2/logout`), 'Sign out')
    expect(page.text).toContain('You are signed out')
    // the server tells it after its own answer
    while ((await browser.get(`${origin}/private`)).status === 200) await sleep(20)
    expect((await browser.get(`${origin}/private`)).location).toMatch(`${issuer}/oauth2/authorize?`)
  })
})
