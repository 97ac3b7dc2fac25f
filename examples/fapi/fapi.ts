/**
 * A bank, set up as the FAPI 2.0 Security Profile asks: over TLS, with pushed requests, keys in the place of secrets, and
 * tokens that a thief cannot use. The README.md beside it has the option for each requirement. A second process is a client:
 * it keeps its private key, and tells the bank the public one.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import express, { type Express, type RequestHandler } from 'express'
import {
  type AuthorizationServerOptions,
  authorizationCode,
  bearerGuard,
  type ClientMetadata,
  consentPage,
  createAuthorizationServer,
  dpop,
  memoryStorage,
  oauthRouter,
  opaque,
  privateKeyJwt,
  pushedAuthorizationRequests,
  refreshToken,
  registerClient,
  requestObjects,
  resourceOwner,
} from 'express-authorization-server'
import { runClient } from '../shared/fapi-client'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { makeCertificate, tlsOptions } from '../shared/tls'
import { createUsers, type User } from '../shared/users'

const people = [{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }]
const balances = new Map([['1', '£1,842.00']])
/** §5.4.1 has these and EdDSA. */
const algorithms = ['ES256', 'PS256'] as const

/** The app, to be served at `issuer`. The tests have options of their own. */
export async function createApp(
  issuer: string,
  client: Pick<ClientMetadata, 'jwks' | 'redirectUris'>,
  options: Partial<AuthorizationServerOptions> = {},
): Promise<Express> {
  const users = await createUsers(people)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { accounts: 'See your accounts and their balances', payments: 'Pay from your accounts' },
    users: { find: users.find, signIn: '/login' },
    grants: [authorizationCode({ ttl: 60 }), refreshToken({ rotate: 'public-clients' })],
    accessTokens: opaque({ ttl: 300 }),
    clientAuthentication: [privateKeyJwt({ audience: 'issuer' })],
    senderConstraints: [dpop({ algorithms })],
    requests: [pushedAuthorizationRequests({ ttl: 60, required: true }), requestObjects({ algorithms })],
    ...options,
  })
  await registerClient(server, {
    ...client,
    clientId: 'ledger',
    name: 'Ledger',
    scopes: ['accounts'],
    tokenEndpointAuthMethods: ['private_key_jwt'],
    tokenEndpointAuthSigningAlg: 'ES256',
    dpopBoundAccessTokens: true,
  })

  const app = express().disable('x-powered-by')
  app.use(strictTransportSecurity)
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.get('/accounts', bearerGuard(server, { scope: 'accounts', senderConstrained: true }), (req, res) => {
    const { id, name } = resourceOwner(req) as User
    res.json({ owner: name, balance: balances.get(id) })
  })
  app.post('/payments', bearerGuard(server, { scope: 'payments', senderConstrained: true }), (_req, res) => {
    res.status(201).json({ paid: true })
  })
  return app
}

/** §5.2.3. In production ask for the preload list, too: https://hstspreload.org */
const strictTransportSecurity: RequestHandler = (_req, res, next) => {
  res.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains')
  next()
}

/** The client, which ends with this process, and what it says of itself. */
async function startClient(issuer: string, certificate: string) {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate }
  const client = fork(__filename, ['client', issuer], { env, execArgv: ['--import', 'tsx'] })
  const died = once(client, 'exit').then(() => {
    throw new Error('The client has not started')
  })
  const [said] = await Promise.race([once(client, 'message'), died])
  return said as { url: string; metadata: Pick<ClientMetadata, 'jwks' | 'redirectUris'> }
}

async function runBoth(): Promise<void> {
  const certificate = makeCertificate()
  let clientUrl = ''
  await start(
    async (issuer) => {
      const { url, metadata } = await startClient(issuer, certificate.file)
      clientUrl = url
      return createApp(issuer, metadata)
    },
    (issuer) => {
      const curl = `curl -sS --cacert ${certificate.file}`
      return [
        `Open ${clientUrl} (browsers warn of its certificate), and sign in as ada with the password  analytical engine`,
        `${curl} ${issuer}/.well-known/oauth-authorization-server`,
        `${curl} -i ${issuer}/accounts`,
        `${curl} -i '${issuer}/oauth2/authorize?response_type=code&client_id=ledger'`,
        `${curl} -d client_id=ledger ${issuer}/oauth2/par`,
      ]
    },
    tlsOptions(certificate),
  )
}

if (require.main === module) void (process.argv[2] === 'client' ? runClient(process.argv[3] as string) : runBoth())
