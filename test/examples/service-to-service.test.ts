// examples/service-to-service: two services call an API, one with a secret, one with a key.
import { type JsonWebKey, randomBytes } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import { createApp, tokenSource } from '../../examples/service-to-service/service-to-service'
import { listen } from '../../examples/shared/start'
import { type Example, paste, startExample } from '../support/example'

describe('npm run example -- service-to-service', () => {
  let app: Example
  beforeAll(async () => {
    app = await startExample('service-to-service')
  })
  afterAll(() => app.stop())

  it('reads with a secret, writes with a key, and may not write with the scope to read', async () => {
    await app.line('POST: 403')
    const answers = app.printed().match(/^(GET|POST): .*$/gm)
    expect(answers?.slice(0, 2)).toEqual(['GET: 200 {"readBy":"reader"}', 'POST: 201 {"writtenBy":"writer"}'])
  })

  it('prints a line that gets a token, without a refresh token (RFC 6749 §4.4.3)', async () => {
    const answer = await paste(await app.line('curl '))
    expect(answer).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'reports:read',
    })
  })
})

it('asks once for many who wait, once more after a failure, and refuses the key of another', async () => {
  const keys = await oauth.generateKeyPair('ES256')
  const publicKey = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const app = await listen((issuer) => createApp(issuer, publicKey as JsonWebKey))
  let asked = 0
  const byKey = oauth.PrivateKeyJwt(keys.privateKey)
  const counted: oauth.ClientAuth = (...request) => {
    asked++
    if (asked === 1) throw new Error('no key yet')
    return byKey(...request)
  }
  const token = await tokenSource(app.issuer, 'writer', counted)
  await expect(token()).rejects.toThrow('no key yet')
  const [first, second] = await Promise.all([token(), token()])
  expect(await token()).toBe(first)
  expect([second, asked]).toEqual([first, 2])
  const stranger = await oauth.generateKeyPair('ES256')
  const refused = await tokenSource(app.issuer, 'writer', oauth.PrivateKeyJwt(stranger.privateKey))
  await expect(refused()).rejects.toMatchObject({ error: 'invalid_client' })
  const guessed = await tokenSource(app.issuer, 'reader', oauth.ClientSecretBasic(randomBytes(32).toString('hex')))
  await expect(guessed()).rejects.toMatchObject({ status: 401 })
  await app.close()
})
