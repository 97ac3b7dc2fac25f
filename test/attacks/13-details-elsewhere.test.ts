// ATTACKS.md row 13, widening: a token for two APIs, with a payment that is for one of them (RFC 9396 §9.1), at the other one.
import express from 'express'
import request from 'supertest'
import {
  accessToken,
  bearerGuard,
  generateSigningKey,
  jwt,
  remoteServer,
  requireDetail,
  verifyAccessToken,
} from '../../src/index'
import { createHost, type HostOptions } from '../support/host'
import { createRemoteHost } from '../support/remote'

const [bank, shop, third] = ['https://bank.example', 'https://shop.example', 'https://third.example']
const payment = { members: ['amount', 'locations'], check: () => {}, describe: () => 'Pay' }
const pay = (amount: string, ...locations: string[]) => ({ type: 'payment', amount, locations })
const details = [pay('10.00', bank), pay('20.00', bank, shop), pay('30.00', 'https://nowhere.example')]
const asked = { scope: 'read', resource: `${bank} ${shop}`, authorization_details: JSON.stringify(details) }

const options: HostOptions = { resources: [bank, shop, third], authorizationDetails: { payment } }
const opaque = () => options
const signed = (stateless: boolean) => () => ({
  ...options,
  accessTokens: jwt({ keys: generateSigningKey(), audience: third, stateless }),
})

/** Which payments an API behind this guard sees, and whether it lets one of ten pass. */
async function seenBy(guard: express.RequestHandler, token: string): Promise<unknown[]> {
  const app = express()
  const ofTen = requireDetail('payment', ({ amount }) => amount === '10.00')
  app.get('/', guard, (req, res) => void res.json(accessToken(req).authorizationDetails))
  app.get('/ten', guard, ofTen, (_req, res) => void res.json({}))
  const call = (path: string) => request(app).get(path).auth(token, { type: 'bearer' })
  const { body } = await call('/').expect(200)
  return [body.map(({ amount }: { amount: string }) => amount), (await call('/ten')).status]
}

const atBank = [['10.00', '20.00', '30.00'], 200]
const atShop = [['20.00', '30.00'], 403]

it.each([
  ['opaque', opaque],
  ['a JWT', signed(false)],
  ['a stateless JWT', signed(true)],
])('%s: each API of this server sees what is for it', async (_, make) => {
  const host = await createHost(make())
  const { access_token } = await host.signIn(host.web, asked)
  expect(await seenBy(bearerGuard(host.server, { resource: bank }), access_token)).toEqual(atBank)
  expect(await seenBy(bearerGuard(host.server, { resource: shop }), access_token)).toEqual(atShop)
  const seen = await verifyAccessToken(host.server, access_token, { resource: shop })
  expect(seen.authorizationDetails).toEqual(details.slice(1))
})

it('and so does one in another process, which knows no resources but those of the token', async () => {
  const remote = await createRemoteHost(signed(false)())
  const { host, issuer } = remote
  const { access_token } = await host.signIn(host.web, asked)
  const guardAt = (resource: string) => bearerGuard(remoteServer({ issuer, resource, now: () => host.clock.now }))
  expect(await seenBy(guardAt(bank), access_token)).toEqual(atBank)
  expect(await seenBy(guardAt(shop), access_token)).toEqual(atShop)
  await remote.close()
})
