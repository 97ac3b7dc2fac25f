/**
 * A host app in a process of its own, with a connection of its own. It loads its driver (named by the first argument),
 * waits for the message that says which store, and answers with its port. What a process must not have, such as a
 * rejection that nobody handled, is told to the parent.
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import {
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  clientCredentials,
  clientSecret,
  createAuthorizationServer,
  deviceAuthorizationRouter,
  deviceCode,
  deviceRouter,
  dpop,
  issueCode,
  jwtBearer,
  mutualTls,
  privateKeyJwt,
  pushedAuthorizationRequests,
  pushedAuthorizationRouter,
  refreshToken,
  revokeRouter,
  tokenExchange,
  tokenRouter,
} from '../../../src/index'
import { issuePersonalToken, personalTokens, revokePersonalToken } from '../../../src/personal-tokens'
import { certificateHeader, challenge, clientId, idp, issuer, personalClientId, scope } from './session'
import { loadDriver, type Store } from './stores'

export type FromApp = { port: number } | { unhandled: string }

const tell = (message: FromApp) => process.send?.(message)
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error) => tell({ unhandled: String(error instanceof Error ? error.stack : error) }))
}
process.once('disconnect', () => process.exit())

async function main(): Promise<void> {
  const store = new Promise<Store>((resolve) => process.once('message', resolve as (message: unknown) => void))
  const open = await loadDriver(process.argv[2] as Store['kind'])
  const { storage } = await open(await store)

  const { IDP_KEY: idpKey } = process.env
  const issuers = [{ issuer: idp, keys: [JSON.parse(idpKey ?? 'null')] }]
  const user = ({ sub }: { sub: string }) => sub
  // as behind a proxy, whose CA vouches for each
  const tls = mutualTls({ certificate: (req) => req.headers[certificateHeader], verified: () => true })
  const happened: Record<string, number> = {}
  const server = createAuthorizationServer({
    issuer,
    storage,
    scopes: [scope],
    grants: [
      authorizationCode(),
      clientCredentials(),
      refreshToken(),
      deviceCode(),
      ...(idpKey ? [jwtBearer({ issuers, user })] : []),
      tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
    ],
    accessTokens: personalTokens({ prefix: 'acme_pat_' }),
    requests: [pushedAuthorizationRequests()],
    authorizationDetails: { payment: { members: ['creditor', 'amount'], check: () => {}, describe: () => 'Pay' } },
    // the tests enter the code of a device as often as they like
    throttle: false,
    endpoints: { device: '/device' },
    clientAuthentication: [clientSecret(), privateKeyJwt(), tls],
    senderConstraints: [dpop(), tls],
    onEvent(event) {
      const name = event.type === 'token.issued' ? `${event.type} ${event.grantType}` : event.type
      happened[name] = (happened[name] ?? 0) + 1
    },
  })
  const app = express()
  app.use('/token', tokenRouter(server))
  app.use('/revoke', revokeRouter(server))
  app.use('/par', pushedAuthorizationRouter(server))
  const decide = () => ({ allow: true, userId: 'ada' }) as const
  app.use('/authorize', authorizeRouter(server, { decide, response: 'json' }))
  app.use('/device_authorization', deviceAuthorizationRouter(server))
  app.use('/device', (req, _res, next) => {
    req.user = { id: 'ada' }
    next()
  })
  app.use('/device', deviceRouter(server, { decide }))
  app.get('/me', bearerGuard(server, { scope }), (req, res) => void res.json(req.user))
  app.post('/code/:userId', (req, res) => {
    const named = { clientId, ...(typeof req.query.client_id === 'string' && { clientId: req.query.client_id }) }
    issueCode(server, { ...named, userId: req.params.userId, codeChallenge: challenge }).then(
      (issued) => res.json(issued),
      (error) => res.status(error.status ?? 500).json(error),
    )
  })
  app.post('/personal-tokens', (_req, res) => {
    const asked = { clientId: personalClientId, userId: 'ada', name: 'script', expiresIn: 3600 }
    issuePersonalToken(server, asked).then(
      (issued) => res.json(issued),
      (error) => res.status(error.status ?? 500).json(error),
    )
  })
  app.post('/personal-tokens/:id/revoke', (req, res) => {
    revokePersonalToken(server, { userId: 'ada', id: req.params.id }).then(
      (revoked) => res.json({ revoked }),
      (error) => res.status(error.status ?? 500).json(error),
    )
  })
  app.get('/happened', (_req, res) => {
    res.json(happened)
    for (const name of Object.keys(happened)) delete happened[name]
  })
  const listening = app.listen(0, '127.0.0.1', () => tell({ port: (listening.address() as AddressInfo).port }))
  // the tests keep connections for longer than five seconds, and one that is closed while they write gives no answer
  listening.keepAliveTimeout = 600_000
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
