/**
 * A slash at the end of a resource (RFC 8707): clients add it, or leave it out. Everywhere it is the same API, and tokens
 * carry the form that the server has.
 */
import express from 'express'
import request from 'supertest'
import {
  bearerGuard,
  clientsRouter,
  generateSigningKey,
  issueCode,
  issueTokens,
  jwt,
  protectedResourceRouter,
  remoteServer,
  updateClient,
  verifyAccessToken,
} from '../../src/index'
import { createHost, type Host, issuer, pkce } from '../support/host'

const mcp = 'https://host.example/mcp'
const root = 'https://host.example'
/** Registered, and as it is sent. */
const spellings: [registered: string, sent: string][] = [
  [mcp, `${mcp}/`],
  [`${mcp}/`, mcp],
  [root, `${root}/`],
  [`${root}/`, root],
]

describe.each(spellings)('%s, sent as %s', (registered, sent) => {
  const key = generateSigningKey()
  let host: Host
  beforeEach(async () => {
    host = await createHost({ resources: [registered], accessTokens: jwt({ keys: key, audience: registered }) })
  })
  const audienceOf = async (token: string) => (await verifyAccessToken(host.server, token)).claims?.aud

  it('is one API at every endpoint and in the code of the host', async () => {
    const code = await host.code(host.web, { resource: sent })
    const { body } = await host.exchange(host.web, code, { resource: sent }).expect(200)
    expect(await audienceOf(body.access_token)).toBe(registered)
    const refreshed = await host.refresh(host.web, body.refresh_token, { resource: sent }).expect(200)
    expect(await audienceOf(refreshed.body.access_token)).toBe(registered)
    const own = await host.token(host.web, { grant_type: 'client_credentials', resource: sent }).expect(200)
    expect(await audienceOf(own.body.access_token)).toBe(registered)
    const user = { clientId: 'web', userId: 'alice', resource: sent }
    expect(await audienceOf((await issueTokens(host.server, user)).access_token)).toBe(registered)
    const issued = await issueCode(host.server, { ...user, codeChallenge: pkce.challenge })
    const exchanged = await host.exchange(host.web, issued.code, { redirect_uri: undefined, resource: sent })
    expect(await audienceOf(exchanged.body.access_token)).toBe(registered)
    await expect(verifyAccessToken(host.server, body.access_token, { resource: sent })).resolves.toBeTruthy()
  })

  it('is one in client records, which keep the form of the server', async () => {
    const client = await updateClient(host.server, 'web', { resources: [sent] })
    expect(client.resources).toEqual([registered])
    expect(await audienceOf((await host.signIn(host.web, { resource: sent })).access_token)).toBe(registered)
    const api = await updateClient(host.server, 'api', { resourceServer: [sent] })
    expect(api.resourceServer).toEqual([registered])
  })

  it('is one for a caller of the clients API, whoever says for what their token is', async () => {
    const app = express()
    const caller = () => ({ userId: 'alice', scopes: ['read'], audience: [sent] })
    app.use('/clients', clientsRouter(host.server, { protect: (_req, _res, next) => next(), caller }))
    for (const resources of [[sent], [registered], undefined]) {
      const answer = await request(app).post('/clients').send({ scope: 'read', resources }).expect(201)
      expect(answer.body.resources).toEqual([registered])
    }
  })

  it('is one for a guard and for the metadata of the resource, which name the form of the server (RFC 9728)', async () => {
    const app = express()
    app.use(protectedResourceRouter(host.server, { resource: sent }))
    app.get(
      '/api',
      bearerGuard(host.server, { resource: sent, resourceMetadata: true }),
      (_req, res) => void res.json({}),
    )
    const { access_token } = await host.signIn(host.web, { resource: sent })
    await request(app).get('/api').auth(access_token, { type: 'bearer' }).expect(200)
    const path = new URL(registered).pathname.replace(/\/$/, '')
    const { body } = await request(app).get(`/.well-known/oauth-protected-resource${path}`).expect(200)
    expect(body.resource).toBe(registered)
  })

  it('is one for a guard of a remoteServer; which tokens are for it is compared as it is (RFC 7519 §2)', () => {
    const remote = remoteServer({ issuer, resource: registered })
    expect(() => bearerGuard(remote, { resource: sent })).not.toThrow()
    expect(() => bearerGuard(remote, { resource: `${sent}x` })).toThrow(TypeError)
  })
})
