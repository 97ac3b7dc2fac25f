/** A client as the FAPI 2.0 Security Profile has it (§5.3.3), with openid-client: a web app with a server, and a key of its own. */
import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import session from 'express-session'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import * as openid from 'openid-client'
import { escapeHtml, sendPage } from './page'
import { listen } from './start'
import { makeCertificate, tlsOptions } from './tls'

/** What belongs to one browser while its user is at the bank (§5.3.3.2). */
interface Pending {
  pkceCodeVerifier: string
  expectedState: string
}

/** The app, to be served at `url`, of the client `ledger` that signs with `key`. */
function createClient(issuer: string, url: string, key: openid.CryptoKey): Express {
  // found at the first request: the bank starts after its client
  let config: Promise<openid.Configuration> | undefined
  const bank = () => {
    config ??= openid.discovery(new URL(issuer), 'ledger', undefined, openid.PrivateKeyJwt(key), {
      algorithm: 'oauth2',
    })
    return config
  }
  const proofKeys = openid.randomDPoPKeyPair('ES256')
  const dpop = async () => openid.getDPoPHandle(await bank(), await proofKeys)

  const app = express().disable('x-powered-by')
  const cookie = { httpOnly: true, secure: true, sameSite: 'lax' } as const
  const secret = randomBytes(32).toString('hex')
  app.use(session({ name: 'ledger', secret, cookie, resave: false, saveUninitialized: false }))

  app.get('/', (_req, res) => sendPage(res, 'Ledger', '<h1>Ledger</h1><p><a href="/connect">Read my balance</a></p>'))

  app.get('/connect', async (req, res) => {
    const pending = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: openid.randomState() }
    Object.assign(req.session, { pending })
    const request = {
      redirect_uri: `${url}/callback`,
      scope: 'accounts',
      state: pending.expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.pkceCodeVerifier),
      code_challenge_method: 'S256',
    }
    const there = await openid.buildAuthorizationUrlWithPAR(await bank(), request, { DPoP: await dpop() })
    res.redirect(303, there.href)
  })

  app.get('/callback', async (req, res) => {
    const { pending } = req.session as { pending?: Pending }
    if (!pending) return void res.redirect(303, '/')
    // a new session: whoever planted the id of this one must not have it later
    await new Promise<void>((done, failed) => req.session.regenerate((error) => (error ? failed(error) : done())))
    const options = { DPoP: await dpop() }
    const answer = new URL(req.url, url)
    const first = await openid.authorizationCodeGrant(await bank(), answer, pending, undefined, options)
    // at once, to show it: the access token is another one, the refresh token stays the same
    const refreshToken = first.refresh_token as string
    const tokens = await openid.refreshTokenGrant(await bank(), refreshToken, undefined, options)
    const call = [new URL('/accounts', issuer), 'GET', null, undefined, options] as const
    const account = await openid.fetchProtectedResource(await bank(), tokens.access_token, ...call)
    const shown = { token_type: tokens.token_type, expires_in: tokens.expires_in, account: await account.json() }
    sendPage(res, 'Ledger', `<h1>Your balance</h1><pre>${escapeHtml(JSON.stringify(shown, null, 2))}</pre>`)
  })
  return app
}

/** The process of the client: tells its parent where it is and what to register, and ends with it. */
export async function runClient(issuer: string): Promise<void> {
  process.once('disconnect', () => process.exit())
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'ledger-1' }
  const port = process.env.PORT === '0' ? 0 : Number(new URL(issuer).port) + 1
  const { issuer: url } = await listen(
    (own) => createClient(issuer, own, privateKey),
    port,
    tlsOptions(makeCertificate()),
  )
  process.send?.({ url, metadata: { jwks: { keys: [jwk] }, redirectUris: [`${url}/callback`] } })
}
