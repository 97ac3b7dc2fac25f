import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  authorizeRouter,
  createAuthorizationServer,
  generateSigningKey,
  introspectRouter,
  issueTokens,
  jwt,
  opaque,
  refreshToken,
  tokenRouter,
} from '../../src'
import type { AccessTokenFormat } from '../../src/types/access-token'
import { createHost, type Host, issuer, paths, type TestClient, type Tokens } from '../support/host'

let host: Host
let tokens: Tokens
beforeEach(async () => {
  host = await createHost()
  tokens = await host.signIn(host.web, { scope: 'read' })
})

async function seenBy(client: TestClient, token: string): Promise<unknown> {
  return (await host.introspect(client, token).expect(200)).body
}
const inactive = { active: false }

describe('introspection (RFC 7662 §2.2)', () => {
  const described = () => ({
    active: true,
    scope: 'read',
    client_id: 'web',
    sub: 'alice',
    iss: issuer,
    iat: host.clock.now,
    exp: host.clock.now + 3600,
  })

  it('shows a client its own access token', async () => {
    expect(await seenBy(host.web, tokens.access_token)).toEqual({ ...described(), token_type: 'Bearer' })
  })

  it('shows a client its own refresh token', async () => {
    const exp = host.clock.now + 14 * 24 * 3600
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual({ ...described(), exp })
  })

  it("shows a client's own token without a user", async () => {
    const own = await issueTokens(host.server, { clientId: 'web', scope: 'read' })
    const { sub: _, ...withoutUser } = described()
    expect(await seenBy(host.web, own.access_token)).toEqual({ ...withoutUser, token_type: 'Bearer' })
  })

  it('leaves out a scope that is empty', async () => {
    const client = await host.register({ scopes: [] })
    const own = await issueTokens(host.server, { clientId: client.clientId })
    expect(await seenBy(client, own.access_token)).not.toHaveProperty('scope')
  })

  it('shows a resource server every access token, and no refresh token', async () => {
    expect(await seenBy(host.api, tokens.access_token)).toMatchObject({ active: true, client_id: 'web' })
    expect(await seenBy(host.api, tokens.refresh_token)).toEqual(inactive)
  })

  it('is kept by nobody', async () => {
    const { headers } = await host.introspect(host.web, tokens.access_token).expect(200)
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('changes nothing', async () => {
    await seenBy(host.web, tokens.refresh_token)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })
})

describe('everything else is {"active":false} and nothing more (RFC 7662 §2.2)', () => {
  it('the tokens of another client', async () => {
    const other = await host.register({ clientId: 'other' })
    expect(await seenBy(other, tokens.access_token)).toEqual(inactive)
    expect(await seenBy(other, tokens.refresh_token)).toEqual(inactive)
  })

  it('an expired token, in the second that exp names', async () => {
    host.clock.advance(3599)
    expect(await seenBy(host.web, tokens.access_token)).toMatchObject({ active: true })
    host.clock.advance(1)
    expect(await seenBy(host.web, tokens.access_token)).toEqual(inactive)
    host.clock.advance(14 * 24 * 3600 - 3600)
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual(inactive)
  })

  it('a revoked token', async () => {
    await host.revoke(host.web, tokens.access_token)
    expect(await seenBy(host.web, tokens.access_token)).toEqual(inactive)
    await host.revoke(host.web, tokens.refresh_token)
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual(inactive)
  })

  it('a refresh token beyond a maxAge that came later than the session, whose end is told before', async () => {
    const later = createAuthorizationServer({
      issuer,
      storage: host.storage,
      scopes: [...host.server.scopes.keys()],
      grants: [authorizationCode(), refreshToken({ maxAge: 1000 })],
      now: () => host.clock.now,
    })
    const ask = async () =>
      (
        await request(express().use(introspectRouter(later)))
          .post('/')
          .type('form')
          .auth('web', host.web.clientSecret as string)
          .send({ token: tokens.refresh_token })
      ).body
    expect(await ask()).toMatchObject({ active: true, exp: host.clock.now + 1000 })
    host.clock.advance(1000)
    expect(await ask()).toEqual({ active: false })
  })

  it('a refresh token that is not the current one any more', async () => {
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual(inactive)
    expect(await seenBy(host.web, body.refresh_token)).toMatchObject({ active: true })
  })

  it('the tokens of a user who is gone', async () => {
    host.people.delete('alice')
    expect(await seenBy(host.web, tokens.access_token)).toEqual(inactive)
    expect(await seenBy(host.api, tokens.access_token)).toEqual(inactive)
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual(inactive)
  })

  it('a code', async () => {
    expect(await seenBy(host.web, await host.code())).toEqual(inactive)
  })

  it.each(['x', 'x.y', '\u{1f600}', 'a'.repeat(9999)])('what is no token: %.30s', async (token) => {
    expect(await seenBy(host.web, token)).toEqual(inactive)
  })

  it('a right id with made-up secrets', async () => {
    for (const token of Object.values(tokens).map(String)) {
      const [id] = token.split('.')
      expect(await seenBy(host.web, `${id}.${'A'.repeat(43)}`)).toEqual(inactive)
      expect(await seenBy(host.web, `${id}.${'A'.repeat(86)}`)).toEqual(inactive)
    }
  })
})

describe('a resource server that is bound to its resources sees tokens for these alone (RFC 7662 §4)', () => {
  const files = 'https://files.example.com'
  const mail = 'https://mail.example.com/v1'
  let filesApi: TestClient
  const signIn = async (resource: string) => (await host.signIn(host.web, { scope: 'read', resource })).access_token

  const formats: [string, () => AccessTokenFormat][] = [
    ['opaque', () => opaque()],
    ['JWT', () => jwt({ keys: generateSigningKey(), audience: files })],
    ['stateless JWT', () => jwt({ keys: generateSigningKey(), audience: files, stateless: true })],
  ]
  describe.each(formats)('%s tokens', (_, format) => {
    beforeEach(async () => {
      host = await createHost({ resources: [files, mail], accessTokens: format() })
      filesApi = await host.register({ clientId: 'files-api', grantTypes: [], resourceServer: [`${files}/`] })
    })

    it('for its own resource', async () => {
      expect(await seenBy(filesApi, await signIn(files))).toMatchObject({ active: true, sub: 'alice', aud: files })
      const { access_token } = await host.signIn()
      expect(await seenBy(filesApi, access_token)).toMatchObject({ active: true, aud: files })
    })

    it('not for another resource', async () => {
      const token = await signIn(mail)
      expect(await seenBy(filesApi, token)).toEqual(inactive)
      expect(await seenBy(host.api, token)).toMatchObject({ active: true, aud: mail })
    })

    it('and of a token for several, nothing of the others', async () => {
      const token = await signIn(`${files} ${mail}`)
      expect(await seenBy(filesApi, token)).toMatchObject({ active: true, aud: files })
      expect(await seenBy(host.api, token)).toMatchObject({ active: true, aud: [files, mail] })
    })
  })

  it('is refused for a resource that the server does not have', async () => {
    await expect(host.register({ resourceServer: ['https://other.example'] })).rejects.toMatchObject({
      code: 'invalid_client_metadata',
    })
  })
})

describe('introspectRouter({ resourceServersOnly: true })', () => {
  let bound: TestClient
  beforeEach(async () => {
    host = await createHost({
      resources: ['https://files.example.com', 'https://mail.example.com'],
      mount: (app, server) => {
        app.use(paths.authorize, authorizeRouter(server, { decide: () => ({ allow: true, userId: 'alice' }) }))
        app.use(paths.token, tokenRouter(server))
        app.use(paths.introspect, introspectRouter(server, { resourceServersOnly: true }))
      },
    })
    bound = await host.register({ clientId: 'bound', resourceServer: ['https://mail.example.com'] })
    tokens = await host.signIn(host.web, { scope: 'read' })
  })

  it('answers a client that is no resource server with active: false for its own tokens, too', async () => {
    expect(await seenBy(host.web, tokens.access_token)).toEqual(inactive)
    expect(await seenBy(host.web, tokens.refresh_token)).toEqual(inactive)
    expect(await seenBy(host.api, tokens.access_token)).toMatchObject({ active: true, client_id: 'web' })
  })

  it('shows a resource server neither refresh tokens, nor its own tokens for other resources', async () => {
    const own = await host.signIn(bound, { scope: 'read' })
    expect(await seenBy(bound, own.access_token)).toEqual(inactive)
    expect(await seenBy(bound, own.refresh_token)).toEqual(inactive)
  })

  it('is true or false', () => {
    const wrong = { resourceServersOnly: 'yes' as unknown as boolean }
    expect(() => introspectRouter(host.server, wrong)).toThrow('resourceServersOnly')
  })
})

describe('who may introspect (RFC 7662 §2.1)', () => {
  it('no public client: anybody could try tokens here', async () => {
    const answer = await host.introspect(host.native, tokens.access_token).expect(401)
    expect(answer.body.error).toBe('invalid_client')
    expect(answer.headers).not.toHaveProperty('www-authenticate')
    // RFC 6749 §5.2: the scheme that it used is in the answer
    const byHeader = await host.introspect({ ...host.native, clientSecret: '' }, tokens.access_token).expect(401)
    expect(byHeader.headers['www-authenticate']).toMatch(/^Basic /)
  })

  it('no client that sent no secret, though its record allows that', async () => {
    const client = await host.register({ tokenEndpointAuthMethods: ['none', 'client_secret_basic'] })
    const own = await issueTokens(host.server, { clientId: client.clientId, userId: 'alice' })
    await host.introspect({ clientId: client.clientId, redirectUri: '' }, own.access_token).expect(401)
    expect(await seenBy(client, own.access_token)).toMatchObject({ active: true })
  })

  it('nobody without a client, and nobody with a wrong secret', async () => {
    await host.introspect(undefined, tokens.access_token).expect(401)
    await host.introspect({ ...host.api, clientSecret: 'wrong' }, tokens.access_token).expect(401)
  })

  it('a request without a token is invalid_request', async () => {
    expect((await host.introspect(host.web, '').expect(400)).body.error).toBe('invalid_request')
  })
})
