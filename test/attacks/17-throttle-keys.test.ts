// ATTACKS.md row 17: what a limit counts by must not be what the sender writes. The keys of names and networks are in
// test/passwords/throttle.test.ts; here, what takes all meaning from them: an Express that believes every X-Forwarded-For.
import express from 'express'
import { registerRouter } from '../../src/index'
import { createHost } from '../support/host'

const REGISTER = '/oauth2/register'

async function codesWith(trust: unknown, requests = 3) {
  const host = await createHost()
  const warned = jest.spyOn(console, 'warn').mockImplementation(() => {})
  if (trust !== undefined) host.app.set('trust proxy', trust)
  for (let n = 0; n < requests; n++) await host.http().post('/oauth2/token')
  const printed = warned.mock.calls.length
  warned.mockRestore()
  return { codes: host.events.flatMap((event) => (event.type === 'warning' ? [event.code] : [])), printed }
}

it.each<[string, unknown]>([
  ['true', true],
  ['a function that says yes to everything', () => true],
  ['every address', ['0.0.0.0/1', '128.0.0.0/1']],
])('is warned of once: trust proxy is %s', async (_, trust) => {
  expect(await codesWith(trust)).toEqual({ codes: ['every_proxy_trusted'], printed: 1 })
})

it.each<[string, unknown]>([
  ['not set', undefined],
  ['false', false],
  ['one hop', 1],
  ['three hops', 3],
  ['the addresses of proxies', ['loopback', '10.0.0.0/8']],
  [
    'a function that throws',
    () => {
      throw new Error('not now')
    },
  ],
])('is not warned of: trust proxy is %s', async (_, trust) => {
  expect((await codesWith(trust)).codes).toEqual([])
})

it('is warned of where it is the only app around the router that says so, as for open registration', async () => {
  const host = await createHost({
    mount: (app, server) => {
      const inner = express()
      inner.use(registerRouter(server, { protect: 'open', scopes: ['read'] }))
      app.set('trust proxy', true).use(REGISTER, inner)
    },
  })
  const warned = jest.spyOn(console, 'warn').mockImplementation(() => {})
  await host.http().post(REGISTER).send({})
  warned.mockRestore()
  expect(host.eventTypes()).toContain('warning')
})
