import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Express, Request, RequestHandler } from 'express'
import type { Test } from 'supertest'
import { bodyParameters } from '../../src/http/request'
import { frameworks } from '../support/frameworks'
import { encode, type Host, paths } from '../support/host'

const form = 'application/x-www-form-urlencoded'
const json = 'application/json'

/** Listens for as long as `use` needs the port. */
async function listening<T>(app: Express, use: (port: number) => Promise<T>): Promise<T> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    return await use((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** As they are: supertest would make a form or JSON of a buffer. */
const sendBytes = (sent: Test, body: string | Buffer) => sent.serialize((bytes) => bytes).send(body as string)

describe('a body that breaks off', () => {
  const begin = (length: number) => {
    const headers = { 'content-type': form, 'content-length': String(length) }
    return Object.assign(new Readable({ read() {} }), { headers, url: '/' }) as Readable & Request
  }

  it('is invalid_request', async () => {
    for (const error of [undefined, new Error('reset')]) {
      const req = begin(10)
      const refused = expect(bodyParameters(req)).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
      req.push('a=b')
      req.destroy(error)
      await refused
    }
  })

  it('ends nothing after it was refused for its length', async () => {
    const req = begin(70_000)
    const refused = expect(bodyParameters(req)).rejects.toMatchObject({ code: 'invalid_request', status: 413 })
    req.push(Buffer.alloc(70_000))
    await refused
    req.destroy(new Error('reset'))
    await new Promise((resolve) => req.once('close', resolve))
  })
})

describe.each(frameworks)('request bodies on %s', (_, { createHost, express }) => {
  let host: Host

  /** Credentials and grant of a good request. */
  const good = () => ({
    grant_type: 'client_credentials',
    client_id: 'web',
    client_secret: String(host.web.clientSecret),
  })
  const asJson = (more: object = {}) => JSON.stringify({ ...good(), ...more })
  const asForm = (more = '') => `${encode(good())}${more}`
  const post = (type: string | undefined, body: string | Buffer) => {
    const sent = host.http().post(paths.token)
    if (type !== undefined) sent.set('Content-Type', type)
    return sendBytes(sent, body)
  }
  const expectInvalidRequest = async (type: string, body: string | Buffer) => {
    const answer = await post(type, body)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
  }

  // the parsers that hosts put in front of everything
  const parsers: [string, RequestHandler[]][] = [
    ['no parser', []],
    ['express.json()', [express.json()]],
    ['express.urlencoded({ extended: true })', [express.urlencoded({ extended: true })]],
    ['express.urlencoded({ extended: false })', [express.urlencoded({ extended: false })]],
    ['both', [express.json(), express.urlencoded({ extended: true })]],
    ['express.text() of everything', [express.text({ type: () => true })]],
    ['express.raw() of everything', [express.raw({ type: () => true })]],
  ]

  describe.each(parsers)('behind %s of the host', (name, before) => {
    const leavesText = !/json|urlencoded|both/.test(name)
    const parsesJson = /json|both/.test(name)
    // such as a session store: by the time it goes on, what a parser has read to its end is closed
    const later: RequestHandler = (req, _res, next) =>
      void (req.readableEnded && !req.closed ? req.once('close', next) : next())

    beforeEach(async () => {
      host = await createHost({ before: [...before, later] })
    })

    it('an empty one that says it is chunked is a request without parameters, and keeps nobody waiting', async () => {
      expect(await listening(host.app, (port) => sendInPieces(port, []))).toBe(401)
    })

    it('a form and a JSON object are taken, with a charset and without', async () => {
      for (const type of [
        form,
        `${form} ; charset=UTF-8`,
        `${form};charset=UTF-8`,
        `${form}; charset="utf-8"`,
        form.toUpperCase(),
      ]) {
        expect((await post(type, asForm('&scope=read')).expect(200)).body.scope).toBe('read')
      }
      for (const type of [json, `${json} ; charset=utf-8`, `${json}; charset=utf-8`]) {
        expect((await post(type, asJson({ scope: 'read' })).expect(200)).body.scope).toBe('read')
      }
    })

    it('empty parameters count as absent (RFC 6749 §3.2)', async () => {
      expect((await post(form, asForm('&scope=')).expect(200)).body.scope).toBe('read write')
      expect((await post(json, asJson({ scope: '' })).expect(200)).body.scope).toBe('read write')
    })

    it('characters beyond ASCII and encoded ones arrive as they were sent', async () => {
      const secret = 'ä€\u{1f600} +&=%'
      const { clientId } = await host.register({ clientSecret: secret, grantTypes: ['client_credentials'] })
      const credentials = { client_id: clientId, client_secret: secret }
      await post(form, encode({ ...good(), ...credentials })).expect(200)
      await post(json, asJson(credentials)).expect(200)
    })

    it.each([
      ['a parameter twice', '&scope=read&scope=read'],
      ['a parameter twice, once empty', '&scope=read&scope='],
      ['an unknown parameter twice', '&foo=1&foo=2'],
      ['a null byte', '&scope=a%00b'],
      ['a null byte in a name', '&sc%00ope=a'],
    ])('a form with %s is invalid_request', async (_, more) => {
      await expectInvalidRequest(form, asForm(more))
    })

    it.each<[string, object]>([
      ['a list', { scope: ['read'] }],
      ['an empty list', { scope: [] }],
      ['an object', { scope: { read: true } }],
      ['a number', { scope: 1 }],
      ['a boolean', { scope: true }],
      ['null', { scope: null }],
      ['a null byte', { scope: 'a\0b' }],
      ['half a surrogate pair', { scope: '\ud800' }],
    ])('JSON with %s in the place of a string is invalid_request', async (_, more) => {
      await expectInvalidRequest(json, asJson(more))
    })

    it('JSON that is no object is invalid_request', async () => {
      await expectInvalidRequest(json, '[]')
      await expectInvalidRequest(json, '[{"grant_type":"client_credentials"}]')
      if (!parsesJson) for (const text of ['"text"', '5', 'null', 'true']) await expectInvalidRequest(json, text)
    })

    it('names that are members of every object are names like all others', async () => {
      for (const member of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        expect((await post(form, asForm(`&${member}=x`))).status).toBe(200)
      }
      const text = `${asJson().slice(0, -1)},"__proto__":"x","constructor":"x"}`
      expect((await post(json, text)).status).toBe(200)
      expect(({} as Record<string, unknown>).x).toBeUndefined()
    })

    it('nothing can be smuggled in by way of a prototype', async () => {
      const smuggled = `{"__proto__":${asJson()}}`
      const answer = await post(json, smuggled)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    })

    if (leavesText) {
      it('JSON with a member twice is invalid_request', async () => {
        for (const more of ['"scope":"read","scope":"read"', '"scope":"a","sc\\u006fpe":"b"', '"x":"\\"","x":"\\\\"']) {
          await expectInvalidRequest(json, `${asJson().slice(0, -1)},${more}}`)
        }
        await post(json, `${asJson().slice(0, -1)},"x":"\\"","y":"\\\\"}`).expect(200)
      })

      it('JSON that cannot be parsed is invalid_request', async () => {
        for (const text of ['{', asJson().slice(0, -1), `${asJson()}}`, "{'a':'b'}", '{"a":"b",}']) {
          await expectInvalidRequest(json, text)
        }
      })

      it('a form that cannot be decoded is invalid_request', async () => {
        for (const more of ['&scope=%zz', '&scope=%', '&scope=%ff', '&scope=%ED%A0%80', '&%zz=x']) {
          await expectInvalidRequest(form, asForm(more))
        }
      })

      it.each<[string, string | undefined]>([
        ['no content type', undefined],
        ['text/plain', 'text/plain'],
        ['multipart/form-data', 'multipart/form-data; boundary=x'],
        ['a list of types', `${form}, ${json}`],
        ['JSON of a kind', 'application/json-patch+json'],
        ['another charset of JSON', `${json};charset=utf-16`],
      ])('%s is 415', async (_, type) => {
        const answer = await post(type, Buffer.from(asForm()))
        expect([answer.status, answer.body.error]).toEqual([415, 'invalid_request'])
      })
    }
  })

  describe('read by the endpoint itself', () => {
    beforeEach(async () => {
      host = await createHost()
    })

    /** A good form of exactly that many bytes. */
    const ofSize = (bytes: number) => `${asForm('&padding=')}`.padEnd(bytes, 'x')

    it('are taken up to 64 KiB, and then 413', async () => {
      await post(form, ofSize(65_536)).expect(200)
      const answer = await post(form, ofSize(65_537)).expect(413)
      expect(answer.body.error).toBe('invalid_request')
      const text = asJson({ padding: '' })
      await post(json, asJson({ padding: 'x'.repeat(65_536 - text.length) })).expect(200)
      await post(json, asJson({ padding: 'x'.repeat(65_537 - text.length) })).expect(413)
    })

    it('of 10 MB are 413, while the client still sends', async () => {
      expect((await post(form, ofSize(10_000_000))).status).toBe(413)
    })

    it('are read when they come in pieces, without a length', async () => {
      const answer = await listening(host.app, (port) => sendInPieces(port, [...asForm()]))
      expect(answer).toBe(200)
    })

    it('are cut off at 64 KiB when they come in pieces', async () => {
      const piece = 'x'.repeat(1024)
      const answer = await listening(host.app, (port) => sendInPieces(port, [asForm('&p='), ...Array(64).fill(piece)]))
      expect(answer).toBe(413)
    })

    it('that are not UTF-8 are invalid_request', async () => {
      await expectInvalidRequest(form, Buffer.concat([Buffer.from(asForm('&scope=')), Buffer.from([0xff])]))
      await expectInvalidRequest(json, Buffer.from([0x7b, 0xff, 0x7d]))
    })

    it('may name their charset in any of its ways, and other parameters beside', async () => {
      for (const parameters of ['charset=utf8', 'charset=US-ASCII', 'charset="utf-8"', 'x-charset=latin1', 'a; b=c']) {
        await post(`${form}; ${parameters}`, asForm()).expect(200)
      }
      await post(`${json}; a=b; charset="latin1"`, asJson()).expect(415)
    })

    // Apache HttpClient names ISO-8859-1 unless it is told otherwise
    it.each(['ISO-8859-1', '"iso-8859-1"', 'windows-1252', 'utf-16', 'utf-7', 'x', ''])(
      'that are forms are read as UTF-8, percent-encoded, whatever charset is named: %s (URL §5.1)',
      async (charset) => {
        const type = `${form}; charset=${charset}`
        expect((await post(type, asForm('&scope=%72ead')).expect(200)).body.scope).toBe('read')
        expect((await post(type, asForm('&other=%C3%A9&scope=read')).expect(200)).body.scope).toBe('read')
        // what the charset would make of these bytes is not looked at
        await expectInvalidRequest(type, asForm('&other=%E9'))
        await expectInvalidRequest(type, Buffer.concat([Buffer.from(asForm('&other=')), Buffer.from([0xe9])]))
        await expectInvalidRequest(type, Buffer.from(asForm(), 'utf16le'))
      },
    )

    it('may say that they are not compressed', async () => {
      const sent = host.http().post(paths.token).set('Content-Type', form).set('Content-Encoding', 'identity')
      await sendBytes(sent, asForm()).expect(200)
    })

    it('that are compressed are 415', async () => {
      const sent = host.http().post(paths.token).set('Content-Type', form).set('Content-Encoding', 'gzip')
      await sendBytes(sent, gzipSync(asForm())).expect(415)
    })

    it('that break off leave nothing behind, and the next request is served', async () => {
      await listening(host.app, async (port) => {
        const head = `POST ${paths.token} HTTP/1.1\r\nHost: x\r\nContent-Type: ${form}\r\nContent-Length: 1000\r\n\r\n`
        const socket = connect(port, '127.0.0.1')
        await new Promise<void>((resolve) => socket.write(`${head}${asForm()}`, () => resolve()))
        socket.destroy()
        await new Promise((resolve) => socket.once('close', resolve))
        expect(await sendInPieces(port, [asForm()])).toBe(200)
      })
      expect(host.storage.storedIds()).toHaveLength(1)
      expect(host.reportedErrors()).toEqual([])
    })

    it('that are absent are a request without parameters', async () => {
      for (const type of [undefined, form, 'text/plain']) {
        const sent = host.http().post(paths.token).set('Content-Length', '0')
        expect((await (type === undefined ? sent : sent.set('Content-Type', type))).status).toBe(401)
      }
    })
  })

  it('compressed, are taken from a parser of the host that unpacks them', async () => {
    for (const [parser, type, text] of [
      [express.json(), json, () => asJson()],
      [express.urlencoded({ extended: false }), form, () => asForm()],
      [express.text({ type: '*/*' }), form, () => asForm()],
    ] as const) {
      host = await createHost({ before: [parser] })
      const sent = host.http().post(paths.token).set('Content-Type', type).set('Content-Encoding', 'gzip')
      await sendBytes(sent, gzipSync(text())).expect(200)
    }
  })

  it('that somebody in front has read and thrown away are a server_error that says so', async () => {
    const drain: RequestHandler = (req, _res, next) => void req.resume().on('end', () => next())
    const warnings = jest.spyOn(console, 'warn').mockImplementation(() => {})
    host = await createHost({ before: [drain] })
    const answer = await post(form, asForm()).expect(500)
    expect(warnings.mock.calls.join()).toContain('req.body')
    warnings.mockRestore()
    expect(answer.body.error).toBe('server_error')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining('req.body') } }])
  })

  it("that nobody has read are not what a middleware has put into req.body, which is Express 4's {}", async () => {
    const placeholder: RequestHandler = (req, _res, next) => {
      req.body = {}
      next()
    }
    host = await createHost({ before: [placeholder] })
    await post(form, asForm()).expect(200)
  })

  it('are parsed alike at the authorization endpoint', async () => {
    for (const before of [[], [express.urlencoded({ extended: true })]]) {
      host = await createHost({ before })
      const sent = host.http().post(paths.authorize).set('X-User', 'alice').type('form')
      expect((await sent.send(host.authorizationRequest(host.web))).status).toBe(303)
    }
  })

  it('the query comes from the raw URL, whatever parser the host has set for it', async () => {
    for (const parser of ['simple', 'extended', false] as const) {
      host = await createHost({ before: [] })
      host.app.set('query parser', parser)
      expect((await host.authorize()).status).toBe(302)
      const twice = `${paths.authorize}?${host.authorizationRequest(host.web)}&scope=read&scope=write`
      const answer = await host.http().get(twice).set('X-User', 'alice').expect(302)
      expect(answer.headers.location).toContain('error=invalid_request')
      const nested = `${paths.authorize}?${host.authorizationRequest(host.web)}&scope[]=everything`
      const ignored = await host.http().get(nested).set('X-User', 'alice').expect(302)
      expect(ignored.headers.location).toContain('code=')
    }
  })

  /** A form in these chunks, without `Content-Length`; the status of the answer. */
  function sendInPieces(port: number, pieces: string[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': form, 'Transfer-Encoding': 'chunked' }
      const sent = httpRequest({ port, host: '127.0.0.1', path: paths.token, method: 'POST', headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
      })
      sent.on('error', reject)
      for (const piece of pieces) sent.write(piece)
      sent.end()
    })
  }
})
