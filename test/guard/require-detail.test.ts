// requireDetail: what an API asks of the authorization details of a token (RFC 9396 §9), here and in another process.
import express from 'express'
import request from 'supertest'
import {
  accessToken,
  bearerGuard,
  bearerStrategy,
  generateSigningKey,
  jwt,
  OAuthError,
  remoteServer,
  requireDetail,
} from '../../src/index'
import { createHost, type Host } from '../support/host'
import { createRemoteHost } from '../support/remote'

const payment = {
  members: ['amount'],
  check: () => {},
  describe: () => 'Pay',
}
const pay = (amount: string) => ({ type: 'payment', amount })
const asked = (...details: object[]) => ({ scope: 'read', authorization_details: JSON.stringify(details) })

const challengeOf = ({ headers }: { headers: Record<string, string> }) => headers['www-authenticate']

/** The API behind this guard. */
function api(guard: express.RequestHandler) {
  const app = express()
  const fits = (detail: Readonly<Record<string, unknown>>, req: express.Request) => detail.amount === req.query.amount
  app.get('/any', guard, requireDetail('payment'), (_req, res) => void res.json({ done: true }))
  app.get('/pay', guard, requireDetail('payment', fits), (req, res) => void res.json(accessToken(req)))
  app.get(
    '/async',
    guard,
    requireDetail('payment', async (...of) => fits(...of)),
    (_req, res) => void res.json({}),
  )
  app.get('/account', guard, requireDetail('account'), (_req, res) => void res.json({}))
  app.get('/wrong', guard, requireDetail('payment', (() => 'yes') as never), (_req, res) => void res.json({}))
  app.get(
    '/throws',
    guard,
    requireDetail('payment', () => JSON.parse('{')),
    (_req, res) => void res.json({}),
  )
  app.get('/open', requireDetail('payment'), (_req, res) => void res.json({}))
  app.use(((error, _req, res, _next) => void res.status(599).json(String(error))) as express.ErrorRequestHandler)
  return (path: string, token: string) => request(app).get(path).auth(token, { type: 'bearer' })
}

let host: Host
beforeEach(async () => {
  host = await createHost({ authorizationDetails: { payment, account: payment } })
})

describe('requireDetail', () => {
  it('admits a request whose token has one that fits', async () => {
    const call = api(bearerGuard(host.server))
    const { access_token } = await host.signIn(host.web, asked(pay('10.00'), pay('20.00')))
    await call('/any', access_token).expect(200)
    await call('/pay?amount=20.00', access_token).expect(200)
    await call('/async?amount=20.00', access_token).expect(200)
  })

  it.each(['/pay?amount=99.00', '/async?amount=99.00', '/account'])('refuses %s', async (path) => {
    const call = api(bearerGuard(host.server, { realm: 'bank' }))
    const { access_token } = await host.signIn(host.web, asked(pay('10.00')))
    const answer = await call(path, access_token).expect(403)
    expect(answer.body.error).toBe('insufficient_scope')
    // no scope would mend it
    expect(challengeOf(answer)).toMatch(/^Bearer realm="bank", error="insufficient_scope", error_description="[^"]*"$/)
  })

  it('refuses a token without details, and one of which none is left', async () => {
    const call = api(bearerGuard(host.server))
    const plain = await host.signIn()
    expect((await call('/any', plain.access_token)).status).toBe(403)
  })

  it('goes by what the token is bound to, whatever stands in req.authInfo', async () => {
    const guard: express.RequestHandler = (req, res, next) =>
      bearerGuard(host.server)(req, res, (error?: unknown) => {
        req.authInfo = { authorizationDetails: [pay('99.00')] }
        next(error)
      })
    const { access_token } = await host.signIn(host.web, asked(pay('10.00')))
    expect((await api(guard)('/pay?amount=99.00', access_token)).status).toBe(403)
  })

  it.each([
    ['/wrong', 'must return true or false, not a string'],
    ['/throws', 'SyntaxError'],
  ])('admits nobody by a function of the host that is wrong: %s', async (path, problem) => {
    const { access_token } = await host.signIn(host.web, asked(pay('10.00')))
    const { body } = await api(bearerGuard(host.server))(path, access_token).expect(599)
    expect(body).toContain(problem)
  })

  it('admits nobody without a guard in front of it', async () => {
    const { access_token } = await host.signIn(host.web, asked(pay('10.00')))
    const { body } = await api(bearerGuard(host.server))('/open', access_token).expect(599)
    expect(body).toContain('requireDetail needs bearerGuard or bearerStrategy in front of it')
  })

  it('throws at start-up for what is no type and no function', () => {
    expect(() => requireDetail(undefined as never)).toThrow("such as 'payment', not undefined")
    expect(() => requireDetail('')).toThrow(TypeError)
    expect(() => requireDetail('payment', { amount: '1' } as never)).toThrow('must be a function: (detail, req)')
  })

  it('has its name beside the strategy', () => {
    expect(bearerStrategy(host.server).name).toBe('bearer')
    expect(new OAuthError('invalid_authorization_details', 'x').status).toBe(400)
  })
})

describe('in another process', () => {
  const resource = 'https://api.example'

  it('knows the details of a JWT, and of an introspected token', async () => {
    const accessTokens = jwt({ keys: generateSigningKey(), audience: resource })
    const remote = await createRemoteHost({ authorizationDetails: { payment }, accessTokens })
    const { host: own, issuer } = remote
    const { access_token } = await own.signIn(own.web, asked(pay('10.00')))
    const introspect = { clientId: own.api.clientId, clientSecret: own.api.clientSecret as string }
    const now = () => own.clock.now
    for (const server of [
      remoteServer({ issuer, resource, now }),
      remoteServer({ issuer, resource, introspect, now }),
    ]) {
      const call = api(bearerGuard(server))
      const { body } = await call('/pay?amount=10.00', access_token).expect(200)
      expect(body.authorizationDetails).toEqual([pay('10.00')])
      await call('/pay?amount=99.00', access_token).expect(403)
    }
    await remote.close()
  })

  it('believes no answer of introspection whose details are none', async () => {
    const remote = await createRemoteHost({ authorizationDetails: { payment } })
    const { host: own, issuer } = remote
    const { access_token } = await own.signIn(own.web, asked(pay('10.00')))
    const introspect = { clientId: own.api.clientId, clientSecret: own.api.clientSecret as string }
    const call = api(bearerGuard(remoteServer({ issuer, introspect, now: () => own.clock.now, onEvent: () => {} })))
    for (const details of ['payment', [{ amount: '10.00' }], { type: 'payment' }]) {
      remote.bend = (req, res, next) => {
        if (!req.path.endsWith('introspect')) return next()
        res.json({ active: true, client_id: 'web', token_type: 'Bearer', authorization_details: details })
      }
      expect((await call('/any', access_token)).status).toBe(503)
    }
    await remote.close()
  })
})
