// ATTACKS.md row 43: a bound counts the resource and not the promise around it. What strangers had us begin ends when its
// time is over, and while it goes on it takes nothing that the host app needs.

import dns from 'node:dns'
import { resolveName } from '../../src/fetch/resolve-name'
import { createHost, type Host } from '../support/host'
import { createNameServer, type NameServer } from '../support/name-server'

const redirectUri = 'https://notes.example/cb'
let host: Host
let names: NameServer
beforeEach(async () => {
  host = await createHost({ clientIdMetadataDocuments: { scopes: ['read'] } })
  host.app.set('trust proxy', 1)
})
afterEach(() => {
  names.close()
  jest.restoreAllMocks()
})
const ask = (clientId: string, network: string) =>
  host.exchange({ clientId, redirectUri }, 'x').set('X-Forwarded-For', network)

describe('a client metadata document whose host has a silent name server', () => {
  it('leaves no lookup behind, and none of them is one of those that the whole process shares', async () => {
    names = await createNameServer(() => undefined)
    const shared = jest.spyOn(dns, 'lookup')
    let over = false
    const answers = Promise.all(
      Array.from({ length: 300 }, (_, i) => ask(`https://h${i % 60}.example/${i}`, `198.51.100.${i % 200}`)),
    ).finally(() => {
      over = true
    })
    while (names.asked.length < 100 && !over) await new Promise(setImmediate)
    expect(await names.pending()).toBeGreaterThan(0)
    const began = performance.now()
    await new Promise<void>((done, failed) => dns.lookup('localhost', (error) => (error ? failed(error) : done())))
    expect(performance.now() - began).toBeLessThan(2000)

    expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([400]))
    expect(await names.pending()).toBe(0)
    const strangers = shared.mock.calls.map(([name]) => name).filter((name) => name.endsWith('.example'))
    expect(strangers).toEqual([])
    // and no place is taken any more
    names.close()
    names = await createNameServer(() => [])
    const again = await Promise.all(
      Array.from({ length: 100 }, (_, i) => ask(`https://a${i % 20}.example/${i}`, `198.51.100.${i}`)),
    )
    expect(again.map(({ body }) => body.error_description)).not.toContain(expect.stringContaining('Too many'))
    expect(new Set(names.asked).size).toBe(20)
  })

  it('asks nothing any more once its fetch was given up', async () => {
    names = await createNameServer(() => undefined)
    const giveUp = new AbortController()
    const lookup = resolveName('given-up.example', giveUp.signal)
    expect(await names.pending()).toBe(2)
    giveUp.abort()
    await expect(lookup).rejects.toThrow('ECANCELLED')
    expect(await names.pending()).toBe(0)
  })

  it('is given up within its own time: a name with many silent servers holds nothing longer', async () => {
    names = await createNameServer(() => undefined)
    const began = performance.now()
    expect((await ask('https://slow.example/client', '198.51.100.1')).status).toBe(400)
    expect(performance.now() - began).toBeLessThan(5900)
    expect(await names.pending()).toBe(0)
    const packets = names.asked.length
    expect(names.asked).toContain('slow.example')
    await ask('https://slow.example/client', '198.51.100.1')
    // what could not be had is not asked for again at once
    expect(names.asked).toHaveLength(packets)
  })
})
