/**
 * A bank, and a shop that is paid by it. The shop asks for one payment (authorization details, RFC 9396). It signs the request
 * (RFC 9101), so that it cannot deny it later, and pushes it (RFC 9126). Its customer reads at the bank who gets how much. The
 * token is bound to a key of the shop (DPoP), and good for that payment once. A large one needs a second factor (step-up,
 * RFC 9470). `npm run example -- payments` runs both.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express, type Request, type RequestHandler, Router, urlencoded } from 'express'
import {
  accessToken,
  authorizationCode,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  dpop,
  generateSigningKey,
  memoryStorage,
  OAuthError,
  oauthRouter,
  pushedAuthorizationRequests,
  registerClient,
  requestObjects,
  requireDetail,
} from 'express-authorization-server'
import { openid } from 'express-authorization-server/openid'
import session from 'express-session'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import * as client from 'openid-client'
import { escapeHtml, sendPage } from '../shared/page'
import { authentication, sameOrigin, signIn } from '../shared/sign-in'
import { listen, start } from '../shared/start'
import { createUsers } from '../shared/users'

const people = [{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }]
/** What an authenticator app would show. */
const secondFactor = '314159'
/** From this amount on a payment is a large one. */
const LARGE = 1000

const shop = { clientId: 'shop', clientSecret: randomBytes(32).toString('base64url') }
/** What the shop signs its requests with. The bank has the public half. */
const signingKeys = generateKeyPair('ES256')
const kid = 'shop-1'

/** The bank, to be served at `issuer`. */
export async function createApp(issuer: string, shopAt = 'http://127.0.0.1:3001'): Promise<Express> {
  const users = await createUsers(people)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes: [],
    grants: [authorizationCode()], // no refresh token: what pays once is asked for once
    // in the URL anybody on the way could read the payment, and change what is not signed
    requests: [
      pushedAuthorizationRequests({ required: true }),
      requestObjects({ algorithms: ['ES256'], required: true }),
    ],
    senderConstraints: [dpop()],
    authorizationDetails: {
      payment: {
        members: ['id', 'amount', 'creditor'],
        check({ id, amount, creditor }) {
          const isText = (value: unknown) => typeof value === 'string' && /^[\w .-]{1,70}$/.test(value)
          if (isText(id) && isText(creditor) && /^\d{1,7}\.\d\d$/.test(String(amount))) return
          throw new OAuthError('invalid_authorization_details', 'A payment has id, amount (like 20.00) and creditor.')
        },
        describe: ({ amount, creditor }) => `Pay £${amount} to ${creditor}, once`,
      },
    },
    openid: openid({
      keys: generateSigningKey('RS256'), // in production one that you keep with your other secrets
      authentication: (req) => {
        const known = authentication(req)
        const { factorAt } = req.session as FactorSession
        // the second factor is a sign-in, too: the later of the two counts
        return known && (factorAt === undefined ? { ...known, acr: 'pwd' } : { ...known, acr: 'mfa', time: factorAt })
      },
      acrValues: ['pwd', 'mfa'],
    }),
    users: {
      find: users.find,
      current: (req) => req.user,
      // what the request wants of the sign-in is in the query of the way back
      signIn: (returnTo) => {
        const { searchParams } = new URL(returnTo, issuer)
        const page = searchParams.get('acr_values')?.split(' ').includes('mfa') ? '/second-factor' : '/login'
        return `${page}?${new URLSearchParams({ return_to: returnTo })}`
      },
    },
  })
  const key = { ...(await exportJWK((await signingKeys).publicKey)), kid, alg: 'ES256', use: 'sig' }
  await registerClient(server, {
    ...shop,
    jwks: { keys: [key] },
    name: 'The shop',
    redirectUris: [`${shopAt}/callback`],
    scopes: ['openid'],
    dpopBoundAccessTokens: true,
    authorizationDetailsTypes: ['payment'],
  })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use('/second-factor', secondFactorPage())
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.post('/payments/:id', express.json(), ...payments(server))
  return app
}

interface FactorSession {
  factorAt?: number
}

/** Asks whoever has signed in for the number that an authenticator app shows. */
function secondFactorPage(): Router {
  const router = Router()
  router.use((req, res, next) => {
    if (req.user) return next()
    res.redirect(`/login?${new URLSearchParams({ return_to: req.originalUrl })}`)
  })
  router.get('/', (_req, res) => {
    const field = '<label for="code">Code</label><input id="code" name="code" autocomplete="one-time-code" required>'
    const button = '<div class="actions"><button class="primary" type="submit">Confirm</button></div>'
    sendPage(res, 'Second factor', `<h1>Enter the code of your app</h1><form method="post">${field}${button}</form>`)
  })
  router.post('/', sameOrigin, urlencoded({ extended: false }), (req, res) => {
    if (req.body.code !== secondFactor) return void res.status(401).type('text').send('That is not the code.\n')
    Object.assign(req.session, { factorAt: Math.floor(Date.now() / 1000) })
    const { return_to: path } = req.query
    res.redirect(303, typeof path === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/')
  })
  return router
}

/** The API: pays what the token is for, and nothing else, once. */
function payments(server: Parameters<typeof bearerGuard>[0]): RequestHandler[] {
  const paid = new Set<string>() // in production a unique column of the payments
  const small = bearerGuard(server, { senderConstrained: true, acr: ['pwd', 'mfa'] })
  const large = bearerGuard(server, { senderConstrained: true, acr: 'mfa', maxAge: 300 })
  const isLarge = ({ body }: Request) => Number(body?.amount) >= LARGE
  return [
    // one guard for each request: it counts the proof of the key
    (req, res, next) => (isLarge(req) ? large : small)(req, res, next),
    requireDetail('payment', ({ id, amount }, req) => id === req.params.id && amount === req.body?.amount),
    (req, res) => {
      const { userId } = accessToken(req)
      const key = JSON.stringify([userId, req.params.id])
      if (paid.has(key)) return void res.status(409).json({ error: 'This payment was made already.' })
      paid.add(key)
      res.status(201).json({ paid: req.body.amount, by: userId })
    },
  ]
}

/** What the shop keeps in its own session. */
interface ShopSession {
  order?: { id: string; amount: string }
  request?: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string }
}

/** The shop, another developer's app, at `origin`. */
export function createShop(origin: string, issuer: string): Express {
  // http on loopback is for trying it out
  const options = { execute: [client.allowInsecureRequests] }
  const known = client.discovery(new URL(issuer), shop.clientId, shop.clientSecret, undefined, options)
  known.catch(() => undefined)
  const keyPair = client.randomDPoPKeyPair()
  const bank = async () => {
    const config = await known
    return { config, DPoP: client.getDPoPHandle(config, await keyPair) }
  }
  const kept = (req: Request) => req.session as typeof req.session & ShopSession
  const detailOf = (order: object) => ({ type: 'payment', ...order, creditor: 'The shop' })

  const app = express().disable('x-powered-by')
  app.use(session({ secret: randomBytes(32).toString('hex'), name: 'shop', resave: false, saveUninitialized: false }))

  /** Where the customer allows the payment. `more` is what the bank has asked for. */
  const askFor = async (req: Request, more: Record<string, string> = {}) => {
    const { config, DPoP } = await bank()
    const request = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    kept(req).request = request
    const parameters = {
      redirect_uri: `${origin}/callback`,
      scope: 'openid',
      authorization_details: JSON.stringify([detailOf(kept(req).order as object)]),
      code_challenge: await client.calculatePKCECodeChallenge(request.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: request.expectedState,
      nonce: request.expectedNonce,
      ...more,
    }
    const signingKey = { key: (await signingKeys).privateKey, kid }
    const { searchParams: signed } = await client.buildAuthorizationUrlWithJAR(config, parameters, signingKey)
    return (await client.buildAuthorizationUrlWithPAR(config, signed, { DPoP })).href
  }

  app.get('/', (_req, res) => {
    const button = (amount: string) => `<button class="primary" name="amount" value="${amount}">Pay £${amount}</button>`
    const form = `<form action="/pay"><div class="actions">${button('20.00')}${button('2000.00')}</div></form>`
    sendPage(res, 'The shop', `<h1>The shop</h1>${form}`)
  })

  app.get('/pay', async (req, res) => {
    // a session that somebody else has planted in this browser is not the one that pays
    await new Promise<void>((done, failed) => req.session.regenerate((error) => (error ? failed(error) : done())))
    const amount = req.query.amount === '2000.00' ? '2000.00' : '20.00'
    kept(req).order = { id: randomBytes(8).toString('hex'), amount }
    res.redirect(await askFor(req))
  })

  app.get('/callback', async (req, res) => {
    const { order, request } = kept(req)
    if (!order || !request) return res.redirect('/')
    const { config, DPoP } = await bank()
    try {
      const tokens = await client.authorizationCodeGrant(config, new URL(req.originalUrl, origin), request, undefined, {
        DPoP,
      })
      const url = new URL(`${issuer}/payments/${order.id}`)
      const headers = new Headers({ 'Content-Type': 'application/json' })
      const body = JSON.stringify({ amount: order.amount })
      const answer = await client.fetchProtectedResource(config, tokens.access_token, url, 'POST', body, headers, {
        DPoP,
      })
      const said = answer.status === 201 ? `Paid £${order.amount}. Thank you!` : `Not paid: ${await answer.text()}`
      sendPage(res, 'The shop', `<h1>${escapeHtml(said)}</h1><p><a href="/">Back to the shop</a></p>`)
    } catch (error) {
      const more = stepUpOf(error)
      if (more) return res.redirect(await askFor(req, more))
      sendPage(res.status(400), 'The shop', `<h1>Not paid: ${escapeHtml((error as Error).message)}</h1>`)
    }
  })
  return app
}

/** What a challenge wants of the next request (RFC 9470 §4); undefined for every other error. */
function stepUpOf(error: unknown): Record<string, string> | undefined {
  if (!(error instanceof client.WWWAuthenticateChallengeError)) return undefined
  const { parameters } = error.cause.find((one) => one.parameters.error === 'insufficient_user_authentication') ?? {}
  if (!parameters) return undefined
  const { acr_values, max_age } = parameters
  return { ...(acr_values && { acr_values }), ...(max_age && { max_age }) }
}

/** A request as the shop signs it. Good for an hour, so that there is time to paste it. */
async function signed(issuer: string, parameters: JWTPayload): Promise<string> {
  return new SignJWT({ ...parameters, client_id: shop.clientId })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid })
    .setIssuer(shop.clientId)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign((await signingKeys).privateKey)
}

async function runBoth(): Promise<void> {
  let lines: string[] = []
  await start(
    async (issuer) => {
      const port = process.env.PORT === '0' ? 0 : Number(new URL(issuer).port) + 1
      // the shop looks the bank up when it is there
      const { issuer: shopAt } = await listen((origin) => lazily(() => createShop(origin, issuer)), port)
      const payment = { type: 'payment', id: '1', amount: '20.00', creditor: 'The shop' }
      const request = {
        ...{ response_type: 'code', scope: 'openid', redirect_uri: `${shopAt}/callback` },
        ...{ code_challenge: 'E'.repeat(43), code_challenge_method: 'S256' },
      }
      const good = await signed(issuer, { ...request, authorization_details: [payment] })
      const unknown = await signed(issuer, { ...request, authorization_details: [{ ...payment, currency: 'XXX' }] })
      const push = `curl -sS -u ${shop.clientId}:${shop.clientSecret} ${issuer}/oauth2/par`
      const unsigned = Object.entries(request).map(([name, value]) => `-d ${name}=${value}`)
      lines = [
        `Open ${shopAt}, pay, and sign in as ada with the password  analytical engine  and the code  ${secondFactor}`,
        `curl -sS ${issuer}/.well-known/oauth-authorization-server`,
        `${push} -d request=${good}`,
        `${push} -d request=${unknown}`,
        `${push} ${unsigned.join(' ')} --data-urlencode 'authorization_details=${JSON.stringify([payment])}'`,
      ]
      return createApp(issuer, shopAt)
    },
    () => lines,
  )
}

/** An app that is made by its first request. */
function lazily(make: () => Express): Express {
  let made: Express | undefined
  return express().use((req, res, next) => {
    made ??= make()
    made(req, res, next)
  })
}

if (require.main === module) void runBoth()
