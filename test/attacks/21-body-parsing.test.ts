// ATTACKS.md row 21: bodies that two parsers read in two ways, behind every parser that a host may have in front.
import express, { type RequestHandler } from 'express'
import { createHost, encode, type Host, paths } from '../support/host'
import { exchange, type Listening, listen, request } from '../support/raw'

const form = 'application/x-www-form-urlencoded'
const parsers: [string, RequestHandler[]][] = [
  ['no parser of the host', []],
  ['express.json and express.urlencoded', [express.json(), express.urlencoded({ extended: true })]],
  ['the simple query parser', [express.json(), express.urlencoded({ extended: false })]],
  [
    'parsers that take everything',
    [express.json({ strict: false }), express.urlencoded({ extended: true, limit: '20mb' })],
  ],
  ['express.text', [express.text({ type: () => true, limit: '20mb' })]],
  ['express.raw', [express.raw({ type: () => true, limit: '20mb' })]],
  [
    'a parser that sets req.body to {} and reads nothing',
    [
      (req, _res, next) => {
        req.body = {}
        next()
      },
    ],
  ],
]

describe.each(parsers)('behind %s', (_, before) => {
  let host: Host
  let listening: Listening
  beforeAll(async () => {
    host = await createHost({ before, throttle: false })
    listening = await listen(host.app)
  })
  afterAll(() => listening.close())

  const send = async (type: string, body: string, headers: readonly string[] = []) => {
    const answer = await exchange(
      listening.port,
      request('POST', paths.token, [`Content-Type: ${type}`, ...headers], body),
      5000,
    )
    return { status: answer?.status, body: answer?.body ?? '' }
  }
  const right = () => ({
    grant_type: 'client_credentials',
    client_id: 'web',
    client_secret: host.web.clientSecret as string,
  })

  it('what is right is taken', async () => {
    expect((await send(form, encode(right()))).status).toBe(200)
    expect((await send('application/json', JSON.stringify(right()))).status).toBe(200)
    expect((await send(`${form};charset=UTF-8`, encode(right()))).status).toBe(200)
    expect((await send('application/json; charset="utf-8"', JSON.stringify(right()))).status).toBe(200)
  })

  it.each<[string, string, (body: ReturnType<typeof right>) => string]>([
    ['a duplicate parameter', form, (body) => `${encode(body)}&client_id=native`],
    ['a duplicate with an encoded name', form, (body) => `${encode(body)}&client%5fid=native`],
    ['a duplicate that is empty', form, (body) => `${encode(body)}&client_secret=`],
    ['an array', form, (body) => `${encode({ ...body, client_id: undefined })}&client_id[]=web`],
    [
      'an index',
      form,
      (body) => `${encode({ ...body, client_secret: undefined })}&client_secret[0]=${body.client_secret}`,
    ],
    ['an object', form, (body) => `${encode({ ...body, grant_type: undefined })}&grant_type[a]=client_credentials`],
    [
      'a nested object',
      form,
      (body) => `${encode({ ...body, grant_type: undefined })}&grant_type[__proto__][a]=client_credentials`,
    ],
    ['NUL', form, (body) => `${encode(body)}&scope=read%00`],
    ['NUL in a name', form, (body) => encode({ ...body, client_id: undefined, 'client_id\0': 'web' })],
    ['an array in JSON', 'application/json', (body) => JSON.stringify({ ...body, client_id: ['web'] })],
    ['an object in JSON', 'application/json', (body) => JSON.stringify({ ...body, client_id: { toString: 'web' } })],
    ['a number in JSON', 'application/json', (body) => JSON.stringify({ ...body, client_secret: 1 })],
    ['null in JSON', 'application/json', (body) => JSON.stringify({ ...body, client_secret: null })],
    ['true in JSON', 'application/json', (body) => JSON.stringify({ ...body, client_secret: true })],
    ['a list as the body', 'application/json', (body) => JSON.stringify([body])],
    ['a string as the body', 'application/json', (body) => JSON.stringify(encode(body))],
    ['truncated JSON', 'application/json', (body) => JSON.stringify(body).slice(0, -1)],
    ['JSON with a comment', 'application/json', (body) => `${JSON.stringify(body)}//`],
    ['two JSON values', 'application/json', (body) => JSON.stringify(body).repeat(2)],
    ['a form called JSON', 'application/json', (body) => encode(body)],
    ['JSON called a form', form, (body) => JSON.stringify(body)],
    ['text', 'text/plain', (body) => encode(body)],
    [
      'a multipart form',
      'multipart/form-data; boundary=x',
      (body) => `--x\r\nContent-Disposition: form-data; name="client_id"\r\n\r\n${body.client_id}\r\n--x--`,
    ],
    ['no type', '', (body) => encode(body)],
    ['a type in a type', `text/plain; x=${form}`, (body) => encode(body)],
    ['two types', `application/json, ${form}`, (body) => JSON.stringify(body)],
    ['a suffix', 'application/x+json', (body) => JSON.stringify(body)],
    [
      'UTF-16',
      'application/json; charset=utf-16le',
      (body) => Buffer.from(JSON.stringify(body), 'utf16le').toString('latin1'),
    ],
    ['bytes that are not UTF-8', 'application/json', (body) => JSON.stringify({ ...body, scope: '\xff' })],
    ['an empty body', form, () => ''],
  ])('%s gives no token and no 5xx', async (_name, type, body) => {
    const answer = await send(type, body(right()))
    // a parser of the host refuses some of it itself, and the harness makes 599 of that
    expect([400, 401, 413, 415, 599]).toContain(answer.status)
    expect(answer.body).not.toContain('access_token')
  })

  it.each(['iso-8859-1', 'utf-7', 'x'])(
    'a form is the same form under the charset %s, which it cannot have',
    async (charset) => {
      const plain = `${encode(right())}&client%5Fid=native`
      // a parser of the host may refuse such a type by itself; whoever reads it finds the same parameters
      expect([200, 599]).toContain((await send(`${form}; charset=${charset}`, encode(right()))).status)
      expect([400, 599]).toContain((await send(`${form}; charset=${charset}`, plain)).status)
    },
  )

  it('__proto__ and constructor are names like any other, and pollute nothing', async () => {
    const polluted = { ...right(), constructor: 'x', hasOwnProperty: 'y', toString: 'z' }
    expect((await send('application/json', JSON.stringify(polluted))).status).toBe(200)
    const text = `{"__proto__":"x",${JSON.stringify(right()).slice(1)}`
    expect((await send('application/json', text)).status).toBe(200)
    const nested = `{"__proto__":{"client_secret":"x"},${JSON.stringify(right()).slice(1)}`
    expect([400, 200]).toContain((await send('application/json', nested)).status)
    await send(form, `${encode(right())}&__proto__[polluted]=1&constructor[prototype][polluted]=1`)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).client_secret).toBeUndefined()
  })

  it('a member that only a prototype has is not there', async () => {
    const inherited = `{"__proto__":{"grant_type":"client_credentials","client_id":"web","client_secret":"${host.web.clientSecret}"}}`
    const answer = await send('application/json', inherited)
    expect([400, 401]).toContain(answer.status)
    expect(answer.body).not.toContain('access_token')
  })

  it('ten megabytes are 413, and the server goes on', async () => {
    const answer = await send(form, `a=${'x'.repeat(10_000_000)}`)
    // 401 where the host has raised the limit of its own parser: then it is its memory
    expect([401, 413, 599]).toContain(answer.status)
    expect((await send(form, encode(right()))).status).toBe(200)
  })

  it('a compressed body is not taken for what it is not', async () => {
    const answer = await send(form, encode(right()), ['Content-Encoding: gzip'])
    expect([400, 415, 599]).toContain(answer.status)
  })
})

it('duplicate members of JSON are seen where the library reads the body itself', async () => {
  const host = await createHost()
  const text = `{"grant_type":"client_credentials","client_id":"web","client_secret":"x","client_secret":"${host.web.clientSecret}"}`
  const answer = await host.http().post(paths.token).type('json').send(text)
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
})

it('parameters in the query of a POST are no parameters (pollution between query and body)', async () => {
  const host = await createHost()
  const query = encode({ grant_type: 'password', client_id: 'native', scope: 'admin', client_secret: 'x' })
  const answer = await host
    .http()
    .post(`${paths.token}?${query}`)
    .auth('web', host.web.clientSecret as string)
    .type('form')
    .send('grant_type=client_credentials')
  expect([answer.status, answer.body.scope]).toEqual([200, 'read write'])
})

it.each([paths.revoke, paths.introspect])('a token in the query of a POST to %s is none', async (path) => {
  const host = await createHost()
  const { access_token: token } = await host.signIn()
  const ask = () =>
    host
      .http()
      .post(`${path}?${encode({ token })}`)
      .auth('web', host.web.clientSecret as string)
  for (const asked of [ask(), ask().type('form').send('token_type_hint=access_token')]) {
    const { status, body } = await asked
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  }
  await host.me(token).expect(200)
})

it('where an old API has parameters in the query, what is in both places is refused', async () => {
  const host = await createHost({ tokenRouter: { parametersFrom: ['body', 'query'] } })
  const right = { grant_type: 'client_credentials', client_id: 'web', client_secret: host.web.clientSecret as string }
  await host
    .http()
    .get(`${paths.token}?${encode(right)}`)
    .expect(200)
  const answer = await host
    .http()
    .post(`${paths.token}?${encode(right)}`)
    .type('form')
    .send('grant_type=client_credentials')
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
})
