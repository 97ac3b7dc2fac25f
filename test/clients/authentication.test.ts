import { Worker } from 'node:worker_threads'
import { rotateClientSecret, updateClient } from '../../src'
import { createHost, encode, type Host, type Parameters, paths, type TestClient } from '../support/host'

// bcrypt takes its time, on purpose
jest.setTimeout(30_000)

let host: Host
beforeEach(async () => {
  host = await createHost()
})

/** The endpoints at which clients authenticate, and a request for each that a client with a secret may make. */
const endpoints: [string, string, Parameters][] = [
  ['token', paths.token, { grant_type: 'client_credentials' }],
  ['revocation', paths.revoke, { token: 'x' }],
  ['introspection', paths.introspect, { token: 'x' }],
]

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

/** A token request with this Authorization header and these parameters beside `grant_type`. */
function tryWith(authorization: string | string[] | undefined, parameters: Parameters = {}, path = paths.token) {
  const sent = host.http().post(path).type('form')
  if (authorization !== undefined) sent.set('Authorization', authorization as string)
  return sent.send(encode({ grant_type: 'client_credentials', token: 'x', ...parameters }))
}
const basic = (credentials: string | Buffer, parameters: Parameters = {}) =>
  tryWith(`Basic ${base64(credentials)}`, parameters)

const credentialsOf = ({ clientId, clientSecret = '' }: TestClient) => ({
  client_id: clientId,
  client_secret: clientSecret,
})

/** A client with a secret that a person chose. */
const chosen = (clientSecret: string, clientId = 'chosen') =>
  host.register({ clientId, clientSecret, grantTypes: ['client_credentials'] })

describe.each(endpoints)('client authentication at the %s endpoint (RFC 6749 §2.3.1)', (_, path, parameters) => {
  it('takes Basic', async () => {
    await host.send(path, host.web, parameters).expect(200)
  })

  it('takes client_id and client_secret in the body', async () => {
    await host.send(path, undefined, { ...parameters, ...credentialsOf(host.web) }).expect(200)
  })

  it.each<[string, (client: TestClient) => TestClient]>([
    ['a wrong secret', (client) => ({ ...client, clientSecret: 'wrong' })],
    ['an unknown client', (client) => ({ ...client, clientId: 'unknown' })],
    ['the secret of another client', (client) => ({ ...client, clientId: 'api' })],
  ])('answers %s with 401 invalid_client, and a Basic challenge only where Basic was tried', async (_, wrong) => {
    const withBasic = await host.send(path, wrong(host.web), parameters).expect(401)
    expect(withBasic.headers['www-authenticate']).toBe('Basic realm="OAuth", charset="UTF-8"')
    const inBody = await host.send(path, undefined, { ...parameters, ...credentialsOf(wrong(host.web)) }).expect(401)
    expect(inBody.headers).not.toHaveProperty('www-authenticate')
    for (const { body, headers } of [withBasic, inBody]) {
      expect(body).toEqual({ error: 'invalid_client', error_description: 'Client authentication failed.' })
      expect(headers['cache-control']).toBe('no-store')
    }
    const { clientId } = wrong(host.web)
    const event = { at: host.clock.now, type: 'client.authentication_failed', clientId }
    const reason = 'unknown client or wrong credentials'
    expect(host.events).toEqual([
      { ...event, reason },
      { ...event, reason },
    ])
  })

  it('answers a request without any client with 401 and no challenge', async () => {
    const { headers, body } = await host.send(path, undefined, parameters).expect(401)
    expect(body.error).toBe('invalid_client')
    expect(headers).not.toHaveProperty('www-authenticate')
  })
})

describe('Basic', () => {
  it('comes in any case', async () => {
    const credentials = base64(`web:${host.web.clientSecret}`)
    for (const scheme of ['Basic', 'basic', 'BASIC']) await tryWith(`${scheme} ${credentials}`).expect(200)
    await tryWith(`Basic   ${credentials}`).expect(200)
  })

  it('has its parts form-encoded, as RFC 6749 §2.3.1 says and half of the libraries do', async () => {
    const secret = 'pass-word: 100% +ä'
    await chosen(secret, 'my client')
    const encoded = new URLSearchParams({ 'my client': secret }).toString().replace('=', ':').replaceAll('-', '%2D')
    expect(encoded).toBe('my+client:pass%2Dword%3A+100%25+%2B%C3%A4')
    await basic(encoded).expect(200)
  })

  it.each(['pass:word:more', '100% sure', '%zz%zz%zz', 'a+b+c+d+e', '%2D%2D%2D%2D', 'pässwörter'])(
    'has its parts raw, as the other half does: %s',
    async (secret) => {
      await chosen(secret)
      await basic(`chosen:${secret}`).expect(200)
    },
  )

  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['no colon', 'web'],
    ['no client_id', ':secret'],
    ['a broken percent-encoding', 'web:%zz'],
    ['a broken percent-encoding in the client_id', '%zz:secret'],
    ['bytes that are not UTF-8', Buffer.from([0x77, 0x65, 0x62, 0x3a, 0xff])],
    ['a null byte', 'web:a\0b'],
    ['an encoded null byte', 'web%00:secret'],
    ['an encoded null byte in the secret', 'web:secret%00'],
  ])('with %s is 401 with a challenge, not 500', async (_, credentials) => {
    const answer = await basic(credentials).expect(401)
    expect(answer.body.error).toBe('invalid_client')
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
  })

  it.each(['Basic', 'Basic ', 'Basic %%%', 'Basic a b'])('that is %p is 401 with a challenge', async (header) => {
    const answer = await tryWith(header).expect(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
    expect(host.storage.calls).toEqual([])
    const event = { type: 'client.authentication_failed', reason: 'no client credentials', at: host.clock.now }
    expect(host.events).toEqual([event])
  })

  it('is nothing that storage would have to choke on: no id with a null byte is looked up', async () => {
    const asked: unknown[] = []
    host.storage.replace('clients.find', (call, [id]) => {
      asked.push(id)
      return call()
    })
    await basic('we%00b:secret').expect(401)
    expect(asked.filter((id) => String(id).includes('\0'))).toEqual([])
  })

  it('that is sent twice is invalid_request', async () => {
    const header = `Basic ${base64(`web:${host.web.clientSecret}`)}`
    expect((await tryWith([header, header]).expect(400)).body.error).toBe('invalid_request')
  })

  it('beside a secret in the body is invalid_request (RFC 6749 §2.3)', async () => {
    const answer = await basic(`web:${host.web.clientSecret}`, credentialsOf(host.web)).expect(400)
    expect(answer.body.error).toBe('invalid_request')
  })

  it('may stand beside the same client_id and an empty secret in the body', async () => {
    await basic(`web:${host.web.clientSecret}`, { client_id: 'web', client_secret: '' }).expect(200)
  })

  it('beside another client_id in the body is invalid_request', async () => {
    const answer = await basic(`web:${host.web.clientSecret}`, { client_id: 'native' }).expect(400)
    expect(answer.body.error).toBe('invalid_request')
  })

  it('is what it is compared with, raw or decoded, when a client_id stands in the body', async () => {
    await chosen('a secret 123', 'a+b')
    await basic('a+b:a secret 123', { client_id: 'a+b' }).expect(200)
    await basic('a%2Bb:a secret 123', { client_id: 'a+b' }).expect(200)
    await basic('a+b:a secret 123', { client_id: 'a b' }).expect(401)
  })

  it('leaves another scheme in the header to others: the body decides', async () => {
    await tryWith('Bearer abc', credentialsOf(host.web)).expect(200)
    const answer = await tryWith('Bearer abc').expect(401)
    expect(answer.headers).not.toHaveProperty('www-authenticate')
  })
})

describe('an empty secret counts as none', () => {
  const asPublic = (parameters: Parameters, header?: string) =>
    tryWith(header, { grant_type: 'refresh_token', refresh_token: 'x', ...parameters })

  it.each<[string, Parameters, string | undefined]>([
    ['in the body', { client_id: 'native', client_secret: '' }, undefined],
    ['in Basic', {}, `Basic ${base64('native:')}`],
  ])('%s, so that public clients may send it', async (_, parameters, header) => {
    // past client authentication: what is wrong now is the token
    expect((await asPublic(parameters, header).expect(400)).body.error).toBe('invalid_grant')
  })

  it.each<[string, Parameters, string | undefined]>([
    ['in the body', { client_id: 'web', client_secret: '' }, undefined],
    ['in Basic', {}, `Basic ${base64('web:')}`],
    ['left out', { client_id: 'web' }, undefined],
  ])('%s, and is not enough for a client with a secret', async (_, parameters, header) => {
    await asPublic(parameters, header).expect(401)
  })
})

describe('what the record of the client allows', () => {
  const none = { tokenEndpointAuthMethods: ['none'] } as const
  const basicOnly = { tokenEndpointAuthMethods: ['client_secret_basic'] } as const
  const postOnly = { tokenEndpointAuthMethods: ['client_secret_post'] } as const
  const sometimes = { tokenEndpointAuthMethods: ['none', 'client_secret_post'] } as const
  const generated = { grantTypes: ['refresh_token'] }

  /** Whether the client gets past authentication without a secret, with the right one in each place, and a wrong one. */
  it.each([
    ['none', none, { nothing: true, basic: false, post: false, wrong: false }],
    ['Basic alone', basicOnly, { nothing: false, basic: true, post: false, wrong: false }],
    ['the body alone', postOnly, { nothing: false, basic: false, post: true, wrong: false }],
    ['a secret that is sent sometimes', sometimes, { nothing: true, basic: false, post: true, wrong: false }],
    ['what is the default', {}, { nothing: false, basic: true, post: true, wrong: false }],
  ])('is what it may use: %s', async (_, record, allowed) => {
    const { clientId, clientSecret = 'any secret' } = await host.register({ ...generated, ...record })
    const token = { grant_type: 'refresh_token', refresh_token: 'x' }
    const passes = async (answer: ReturnType<typeof tryWith>) => (await answer).body.error === 'invalid_grant'
    expect({
      nothing: await passes(tryWith(undefined, { ...token, client_id: clientId })),
      basic: await passes(basic(`${clientId}:${clientSecret}`, token)),
      post: await passes(tryWith(undefined, { ...token, client_id: clientId, client_secret: clientSecret })),
      wrong: await passes(tryWith(undefined, { ...token, client_id: clientId, client_secret: 'wrong' })),
    }).toEqual(allowed)
  })
})

describe('a secret', () => {
  const authenticates = async (client: TestClient, clientSecret: string | undefined) =>
    (await tryWith(undefined, { client_id: client.clientId, client_secret: clientSecret })).status === 200

  it('that was chosen costs bcrypt once: then it is remembered, and a wrong one is not', async () => {
    const client = await chosen('a chosen secret')
    const jobs = jest.spyOn(Worker.prototype, 'postMessage')
    const bcryptsOf = async (secret: string) => {
      jobs.mockClear()
      return [await authenticates(client, secret), jobs.mock.calls.length]
    }
    expect(await bcryptsOf('a chosen secret')).toEqual([true, 1])
    expect(await bcryptsOf('a chosen secret')).toEqual([true, 0])
    expect(await bcryptsOf('another secret')).toEqual([false, 1])
    expect(await bcryptsOf('another secret')).toEqual([false, 1])
    jobs.mockRestore()
  })

  it('of a client that does not exist costs as much as a wrong one: the time does not tell which ids exist', async () => {
    const jobs = jest.spyOn(Worker.prototype, 'postMessage')
    await authenticates({ ...host.web, clientId: 'unknown' }, 'some secret')
    await authenticates(host.web, 'some secret')
    await basic('unknown:some%20secret').expect(401)
    // the third can be read in two ways: a known client would be looked at in both
    expect(jobs.mock.calls.map(([job]) => (job as { hash: string }).hash.slice(0, 6))).toEqual(Array(4).fill('$2b$10'))
    jobs.mockRestore()
  })

  it('that was changed is refused at once, though it was remembered', async () => {
    const client = await chosen('a chosen secret')
    expect(await authenticates(client, 'a chosen secret')).toBe(true)
    await updateClient(host.server, client.clientId, { clientSecret: 'a newer secret' })
    expect(await authenticates(client, 'a chosen secret')).toBe(false)
    expect(await authenticates(client, 'a newer secret')).toBe(true)
  })

  it('that was rotated is refused at once, or after the overlap', async () => {
    const { clientSecret: second } = await rotateClientSecret(host.server, 'web')
    expect(await authenticates(host.web, host.web.clientSecret)).toBe(false)
    const { clientSecret: third } = await rotateClientSecret(host.server, 'web', { overlap: 3600 })
    host.clock.advance(3600)
    expect(await authenticates(host.web, second)).toBe(true)
    expect(await authenticates(host.web, third)).toBe(true)
    host.clock.advance(1)
    expect(await authenticates(host.web, second)).toBe(false)
    expect(await authenticates(host.web, third)).toBe(true)
  })

  it('of a deleted client is refused, though it was remembered, also when the id is registered again', async () => {
    const client = await chosen('a chosen secret')
    expect(await authenticates(client, 'a chosen secret')).toBe(true)
    await host.server.storage.clients.delete(client.clientId)
    expect(await authenticates(client, 'a chosen secret')).toBe(false)
    await chosen('another secret')
    expect(await authenticates(client, 'a chosen secret')).toBe(false)
  })

  it('is never in an event', async () => {
    await tryWith(undefined, { client_id: 'web', client_secret: 'a wrong secret' })
    expect(host.events).toHaveLength(1)
    expect(JSON.stringify(host.events)).not.toContain('a wrong secret')
  })
})
