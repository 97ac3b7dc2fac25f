import type { Request } from 'express'
import fc from 'fast-check'
import { createAuthorizationServer, memoryStorage, OAuthError, registerClient } from '../../src'
import { authenticateClient } from '../../src/clients/authenticated-request'
import { nastyText, runs } from '../support/fuzz'

const server = createAuthorizationServer({
  issuer: 'https://auth.example.com',
  storage: memoryStorage(),
  scopes: ['read'],
  throttle: false,
  onEvent: () => {},
})

/** What Node would make of a request with these Authorization headers. */
function requestWith(...values: string[]): Request {
  const rawHeaders = values.flatMap((value) => ['Authorization', value])
  return { headers: { authorization: values[0] }, rawHeaders, ip: '192.0.2.1' } as unknown as Request
}
const authenticate = (values: string[], parameters: Record<string, string> = {}) =>
  authenticateClient(server, requestWith(...values), new Map(Object.entries(parameters)))

async function outcomeOf(values: string[], parameters: Record<string, string> = {}): Promise<string> {
  try {
    const { client, authenticated } = await authenticate(values, parameters)
    return authenticated ? client.clientId : `${client.clientId} without a secret`
  } catch (error) {
    if (error instanceof OAuthError) return `${error.status} ${error.code}`
    throw error
  }
}
const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`
const form = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

const chosen = 'a:b%20c+d/é=='
let generated: string
beforeAll(async () => {
  const { clientSecret } = await registerClient(server, { clientId: 'app' })
  generated = clientSecret as string
  await registerClient(server, { clientId: 'my app:1', clientSecret: chosen })
  await registerClient(server, { clientId: 'open', tokenEndpointAuthMethods: ['none'] })
  await registerClient(server, {
    clientId: 'post',
    clientSecret: 'post-secret',
    tokenEndpointAuthMethods: ['client_secret_post'],
  })
  await registerClient(server, { clientId: 'plain', clientSecret: 'pass:word%41' })
})

describe('Basic client authentication (RFC 6749 §2.3.1)', () => {
  it('takes id and secret form-encoded, as the RFC has them, and as they are, as half of the libraries send them', async () => {
    expect(await outcomeOf([basic(`app:${generated}`)])).toBe('app')
    expect(await outcomeOf([basic(`app:${generated.replaceAll('-', '%2D').replaceAll('_', '%5F')}`)])).toBe('app')
    expect(await outcomeOf([basic(`${form('my app:1')}:${form(chosen)}`)])).toBe('my app:1')
    expect(await outcomeOf([basic(`my%20app%3A1:${encodeURIComponent(chosen)}`)])).toBe('my app:1')
    expect(await outcomeOf([basic('plain:pass:word%41')])).toBe('plain')
    expect(await outcomeOf([basic('plain:pass%3Aword%2541')])).toBe('plain')
  })

  it.each(['Basic', 'basic', 'BASIC', 'bAsIc'])('takes the scheme as %s', async (scheme) => {
    expect(await outcomeOf([basic(`app:${generated}`).replace('Basic', scheme)])).toBe('app')
  })

  it('takes several spaces, base64url, and base64 without padding', async () => {
    expect(await outcomeOf([basic(`app:${generated}`).replace(' ', '   ')])).toBe('app')
    expect(await outcomeOf([basic(`app:${generated}`).replace(/=+$/, '')])).toBe('app')
    expect(await outcomeOf([`Basic ${Buffer.from(`app:${generated}`).toString('base64url')}`])).toBe('app')
  })

  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['no colon', 'app'],
    ['a colon alone', ':'],
    ['no id', ':secret'],
    ['an empty secret where one is needed', 'app:'],
    ['a wrong secret', 'app:wrong'],
    ['a secret in another case', 'plain:PASS:word%41'],
    ['a secret with something behind it', 'plain:pass:word%41 '],
    ['an id in another case', 'PLAIN:pass:word%41'],
    ['an unknown client', 'nobody:secret'],
    ['a malformed encoding', '%zz:%zz'],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x3a, 0xff, 0xfe])],
    ['NUL', 'app\0:x'],
    ['a client that sends its secret in the body only', 'post:post-secret'],
    ['a secret for a client that has none', 'open:secret'],
    ['a name of Object.prototype', '__proto__:x'],
  ])('refuses %s', async (_, text) => {
    expect(await outcomeOf([basic(text)])).toBe('401 invalid_client')
  })

  it.each(['Basic', 'Basic ', 'Basic @@@@', 'Basic a b', 'Basic YXBw\tOng='])('refuses %j', async (header) => {
    expect(await outcomeOf([header])).toBe('401 invalid_client')
    // and does not look for another way in
    expect(await outcomeOf([header], { client_id: 'open' })).toBe('401 invalid_client')
  })

  it('takes an empty secret as none, for a client that has none', async () => {
    expect(await outcomeOf([basic('open:')])).toBe('open without a secret')
  })

  it('refuses two headers, whichever is right', async () => {
    const right = basic(`app:${generated}`)
    expect(await outcomeOf([right, right])).toBe('400 invalid_request')
    expect(await outcomeOf([right, basic('open:')])).toBe('400 invalid_request')
    expect(await outcomeOf(['Bearer x', right])).toBe('400 invalid_request')
  })

  it('refuses a secret in header and body, and another client_id in the body (RFC 6749 §2.3)', async () => {
    const header = [basic(`app:${generated}`)]
    expect(await outcomeOf(header, { client_id: 'app', client_secret: generated })).toBe('400 invalid_request')
    expect(await outcomeOf(header, { client_secret: 'x' })).toBe('400 invalid_request')
    expect(await outcomeOf(header, { client_id: 'open' })).toBe('400 invalid_request')
    expect(await outcomeOf([basic('open:')], { client_id: 'app' })).toBe('400 invalid_request')
    expect(await outcomeOf(header, { client_id: 'app' })).toBe('app')
  })

  it('ignores other schemes: the body decides', async () => {
    for (const header of ['Bearer abc', 'Digest username="app"', 'Basically x', '', 'basic:x', 'Digest basic']) {
      expect(await outcomeOf([header], { client_id: 'open' })).toBe('open without a secret')
    }
  })

  it('lets nobody in with any other text, and fails in no other way', async () => {
    const base64 = fc.oneof(
      nastyText.map((text) => basic(text)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => basic(Buffer.from(bytes))),
    )
    const header = fc.oneof(
      base64,
      nastyText.map((text) => `Basic ${text}`),
      nastyText,
    )
    await fc.assert(
      fc.asyncProperty(header, async (value) => {
        expect(['401 invalid_client', '400 invalid_request']).toContain(await outcomeOf([value]))
      }),
      runs(40),
    )
  })

  it('lets in any client with its secret, in both encodings', async () => {
    // bcrypt takes its time, so the secrets here are generated and only the ids are strange
    const id = fc
      .string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 })
      .filter((text) => /^[\x20-\x7e]+$/.test(text))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { minLength: 1, maxLength: 3 }), async (ids) => {
        for (const clientId of ids) {
          const { clientSecret } = await registerClient(server, { clientId }).catch(() => ({ clientSecret: undefined }))
          if (clientSecret === undefined) continue
          expect(await outcomeOf([basic(`${form(clientId)}:${form(clientSecret)}`)])).toBe(clientId)
          const ambiguous = clientId.includes(':') || /[%+]/.test(clientId)
          if (!ambiguous) expect(await outcomeOf([basic(`${clientId}:${clientSecret}`)])).toBe(clientId)
        }
      }),
      runs(60),
    )
  })
})
