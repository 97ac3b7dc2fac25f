/**
 * An API that calls another one for its user (RFC 8693). The app has a token for both. The orders API exchanges it for one
 * that is good for invoices alone and says who acts, and so the app's own token never travels on.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  accessToken,
  authorizationCode,
  bearerGuard,
  clientCredentials,
  consentPage,
  createAuthorizationServer,
  issueTokens,
  memoryStorage,
  oauthRouter,
  refreshToken,
  registerClient,
  tokenExchange,
} from 'express-authorization-server'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** The orders API, as a client. A new secret at every start: one in the source would sooner or later be one in production. */
export const orders = { clientId: 'orders', clientSecret: randomBytes(32).toString('base64url') }

/** The host with both APIs, to be served at `issuer`. `print` gets a token of Ada, as the shop would have it. The tests have options of their own. */
export async function createApp(
  issuer: string,
  print: (token: string) => void = () => {},
  options: Partial<AuthorizationServerOptions> = {},
): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }])
  const apis = { orders: `${issuer}/orders`, invoices: `${issuer}/invoices` }
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes: { orders: 'See your orders', invoices: 'See your invoices' },
    resources: [apis.orders, apis.invoices],
    users: { find: users.find, signIn: '/login' },
    grants: [
      authorizationCode(),
      refreshToken(),
      clientCredentials(),
      tokenExchange({
        // only the orders API, only for invoices, and never without its name in the token
        allow({ client, subject, actor, audience }) {
          const isOrders = client.clientId === orders.clientId && actor?.sub === orders.clientId
          const isForInvoices = audience.every((resource) => resource === apis.invoices)
          return isOrders && isForInvoices ? { userId: subject.userId, scope: 'invoices' } : undefined
        },
      }),
    ],
    ...options,
  })
  await registerClient(server, { clientId: 'shop', redirectUris: [`${issuer}/shop`], scopes: ['orders', 'invoices'] })
  await registerClient(server, {
    ...orders,
    grantTypes: [exchangeGrant, 'client_credentials'],
    scopes: ['orders', 'invoices'],
  })
  const made = { clientId: 'shop', userId: '1', scope: 'orders invoices', resource: [apis.orders, apis.invoices] }
  print((await issueTokens(server, made)).access_token)

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.get('/orders', bearerGuard(server, { scope: 'orders', resource: apis.orders }), async (req, res) => {
    const [, sent = ''] = (req.headers.authorization ?? '').split(' ')
    const token = await exchangeFor(issuer, apis.invoices, sent)
    const invoices = await fetch(apis.invoices, { headers: { authorization: `Bearer ${token}` } })
    res.json({ orders: ['a difference engine'], invoices: await invoices.json() })
  })
  app.get('/invoices', bearerGuard(server, { scope: 'invoices', resource: apis.invoices }), (req, res) => {
    const { userId, clientId, actor, exchange } = accessToken(req)
    res.json({ paidBy: userId, askedBy: clientId, actor, exchange })
  })
  return app
}

/** What the orders API does: its own token says who acts, the user's one for whom. */
async function exchangeFor(issuer: string, resource: string, subjectToken: string): Promise<string> {
  const actor = await requestToken(issuer, { grant_type: 'client_credentials', scope: 'orders' })
  return requestToken(issuer, {
    grant_type: exchangeGrant,
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    actor_token: actor,
    actor_token_type: accessTokenType,
    resource,
  })
}

async function requestToken(issuer: string, form: Record<string, string>): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${orders.clientId}:${orders.clientSecret}`).toString('base64')}`
  const body = new URLSearchParams(form)
  const response = await fetch(`${issuer}/oauth2/token`, { method: 'POST', headers: { authorization }, body })
  const { access_token, error, error_description } = (await response.json()) as Record<string, unknown>
  if (typeof access_token !== 'string') throw new Error(`${error}: ${error_description}`)
  return access_token
}

let ofAda = ''
const keep = (token: string) => {
  ofAda = token
}
/** A request at the token endpoint, as a line for a shell. */
const request = (issuer: string, parameters: string) =>
  `curl -sS -u ${orders.clientId}:${orders.clientSecret} ${parameters} ${issuer}/oauth2/token`

if (require.main === module) {
  void start(
    (issuer) => createApp(issuer, keep),
    (issuer) => {
      const actor = `$(${request(issuer, '-d grant_type=client_credentials')} | cut -d '"' -f 4)`
      const subject = `-d grant_type=${exchangeGrant} -d subject_token=${ofAda} -d subject_token_type=${accessTokenType}`
      const acting = `-d "actor_token=${actor}" -d actor_token_type=${accessTokenType} -d resource=${issuer}/invoices`
      return [
        `curl -sS -H 'Authorization: Bearer ${ofAda}' ${issuer}/orders`,
        request(issuer, `${subject} ${acting}`),
        request(issuer, subject), // refused: no actor
      ]
    },
  )
}
