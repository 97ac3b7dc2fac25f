// ATTACKS.md row 60: what strangers can make this server fetch has a pace, for each network that asks and for each host
// that is asked; and what was fetched already costs nobody anything.

import { parseHosts } from '../../src/fetch/hosts-file'
import { memoryThrottle } from '../../src/index'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type HostOptions } from '../support/host'

const redirectUri = 'https://notes.example/cb'
const notes = { client_name: 'Notes', redirect_uris: [redirectUri] }
let documents: DocumentHost
let host: Host
const makeHost = async (options: HostOptions = {}) => {
  host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    ...options,
  })
  host.app.set('trust proxy', 1)
}
beforeEach(async () => {
  documents = await createDocumentHost()
  await makeHost()
})
afterEach(() => documents.close())
const ask = (path: string, network = '198.51.100.1') =>
  host.exchange({ clientId: `${documents.origin}${path}`, redirectUri }, 'x').set('X-Forwarded-For', network)
const many = async (count: number, network: (i: number) => string) => {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push((await ask(`/${i}`, network(i))).status)
  return statuses
}

describe('one network', () => {
  it('has 50 documents fetched in a quarter of an hour, whatever hosts and endpoints it names, and then waits', async () => {
    await many(400, () => '198.51.100.1')
    expect(documents.asked).toHaveLength(50)
    const clientId = `${documents.origin.replace('127.0.0.1', 'localhost')}/other`
    const from = { 'X-Forwarded-For': '198.51.100.1', Accept: 'application/json' }
    for (const refused of [
      await ask('/more'),
      await host.authorize({ clientId, redirectUri }).set(from),
      await host.revoke({ clientId, redirectUri }, 'x').set(from),
      await host.introspect({ clientId, redirectUri }, 'x').set(from),
    ]) {
      expect([refused.status, refused.body]).toEqual([
        429,
        {
          error: 'temporarily_unavailable',
          error_description: 'Too many client metadata documents. Try again later.',
        },
      ])
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(documents.asked).toHaveLength(50)
    expect(host.events).toContainEqual(expect.objectContaining({ type: 'attempt.throttled', kind: 'document' }))
    // somebody else is not held up
    documents.at('/client.json', notes)
    expect((await ask('/client.json', '203.0.113.9')).body.error).toBe('invalid_grant')
  })

  it('is a /48 of IPv6, which one customer may have', async () => {
    await many(60, (i) => `2001:db8:1:${i}::1`)
    expect(documents.asked).toHaveLength(50)
  })

  it('reads on a page that it has to wait, and not that its link is wrong', async () => {
    await many(51, () => '198.51.100.1')
    const clientId = `${documents.origin}/more`
    const page = await host
      .authorize({ clientId, redirectUri }, {}, null)
      .set({ 'X-Forwarded-For': '198.51.100.1', Accept: 'text/html' })
    expect([page.status, page.headers.location, page.type]).toEqual([429, undefined, 'text/html'])
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(page.text).toContain('Wait a moment')
  })

  it('uses what was fetched already as often as it likes, also where that is no longer fresh', async () => {
    const clientId = documents.at('/client.json', notes)
    const code = () => host.authorize({ clientId, redirectUri }).set('X-Forwarded-For', '198.51.100.1').then(answerOf)
    expect(await code()).toHaveProperty('code')
    await many(60, () => '198.51.100.1')
    for (let i = 0; i < 100; i++) expect(await code()).toHaveProperty('code')
    host.clock.advance(600)
    expect(await code()).toHaveProperty('code')
    expect(documents.asked.filter((path) => path === '/client.json')).toHaveLength(1)
  })

  it('waits for a document that others have under way without an attempt of its own', async () => {
    documents.at('/client.json', notes)
    await Promise.all(Array.from({ length: 100 }, () => ask('/client.json')))
    await many(45, () => '198.51.100.1')
    expect(documents.asked).toHaveLength(46)
  })

  it('does so where sixty ask at once, before an attempt of the first is counted', async () => {
    let arrived = 0
    let open = () => {}
    const all = new Promise<void>((resolve) => {
      open = resolve
    })
    const allow = async () => {
      arrived += 1
      if (arrived >= 60) open()
      await all
      return true
    }
    await makeHost({ clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true, allow } })
    documents.at('/client.json', notes)
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('/client.json')))
    expect([...new Set(answers.map(({ body }) => body.error))]).toEqual(['invalid_grant'])
    await many(60, () => '198.51.100.1')
    expect(documents.asked).toHaveLength(50)
  })
})

it('one host is asked 3,600 times in an hour by all networks together, and then a hundred times in ten minutes', async () => {
  const throttle = memoryThrottle()
  const attempt = (i: number) =>
    throttle.take({ kind: 'document', account: 'victim.example', network: `198.18.${i >> 8}.${i & 255}` })
  for (let i = 0; i < 3700; i++) {
    expect(await attempt(i)).toHaveProperty('succeed')
    // once by each network, so that none takes the places of the others
    if (i === 3600) expect(await attempt(i)).toEqual({ retryAfter: expect.any(Number) })
  }
  expect(await attempt(3700)).toEqual({ retryAfter: expect.any(Number) })
  // other hosts have nothing to do with it
  const other = { kind: 'document', account: 'other.example', network: '198.18.255.1' } as const
  expect(await throttle.take(other)).toHaveProperty('succeed')
})

it('a host that limits by itself has no pace here', async () => {
  await makeHost({ throttle: false })
  await many(60, () => '198.51.100.1')
  expect(documents.asked).toHaveLength(60)
})

it('the hosts file is read as hosts(5) says', () => {
  const text =
    '# comment\n127.0.0.1 localhost Box # here\n::1\tlocalhost\r\nfe80::1%lo0 localhost\n0.0.0.0 ads.example\nnonsense\n'
  expect(Object.fromEntries(parseHosts(text))).toEqual({
    localhost: ['127.0.0.1', '::1'],
    box: ['127.0.0.1'],
    'ads.example': ['0.0.0.0'],
  })
})
