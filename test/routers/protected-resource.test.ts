// Protected resource metadata (RFC 9728): from the URL of an API to its authorization server.
import express from 'express'
import request from 'supertest'
import {
  bearerGuard,
  createAuthorizationServer,
  dpop,
  generateSigningKey,
  issueTokens,
  jwt,
  memoryStorage,
  mutualTls,
  type ProtectedResourceRouterOptions,
  protectedResourceRouter,
  remoteServer,
  requireScope,
} from '../../src'
import type { SenderConstraint } from '../../src/types/capability'
import { createHost, issuer } from '../support/host'

const resource = 'https://api.example.com/mcp'
const place = '/.well-known/oauth-protected-resource/mcp'
const resources = [resource, 'https://api.example.com', 'https://other.example/v1/']

describe('the document about a resource (§2, §3)', () => {
  const documentOf = async (options: ProtectedResourceRouterOptions, path: string) => {
    const host = await createHost({
      resources,
      mount: (app, server) => void app.use(protectedResourceRouter(server, options)),
    })
    return { host, answer: await host.http().get(path) }
  }

  it('names the resource, its authorization server, and every scope of a server in this process', async () => {
    const { answer } = await documentOf({ resource }, place)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['cache-control']).toBe('public, max-age=3600')
    expect(answer.body).toEqual({
      resource,
      authorization_servers: [issuer],
      scopes_supported: ['read', 'write', 'clients', 'admin'],
      bearer_methods_supported: ['header'],
    })
  })

  it('says what it is told to say', async () => {
    const options = {
      resource,
      scopes: 'read',
      name: 'Files',
      metadata: {
        resource_documentation: 'https://api.example.com/docs',
        resource_policy_uri: 'https://api.example.com/policy',
        resource_tos_uri: 'https://api.example.com/terms',
        'resource_name#de': 'Dateien',
      },
    }
    expect((await documentOf(options, place)).answer.body).toMatchObject({
      scopes_supported: ['read'],
      resource_name: 'Files',
      resource_documentation: 'https://api.example.com/docs',
      resource_policy_uri: 'https://api.example.com/policy',
      resource_tos_uri: 'https://api.example.com/terms',
      'resource_name#de': 'Dateien',
    })
  })

  it.each(['resource', 'authorization_servers', 'scopes_supported', 'bearer_methods_supported', 'resource_name'])(
    'says %s itself, by options of its own',
    async (member) => {
      const { host } = await documentOf({ resource }, place)
      const options = { resource, metadata: { [member]: 'https://evil.example' } }
      expect(() => protectedResourceRouter(host.server, options)).toThrow(
        `protectedResourceRouter sets ${member} itself`,
      )
    },
  )

  it('takes its metadata as an object alone', async () => {
    const { host } = await documentOf({ resource }, place)
    const options = { resource, metadata: 'docs' as never }
    expect(() => protectedResourceRouter(host.server, options)).toThrow("protectedResourceRouter's metadata must be")
  })

  it.each([
    ['https://api.example.com', '/.well-known/oauth-protected-resource'],
    ['https://other.example/v1/', '/.well-known/oauth-protected-resource/v1'],
  ])('about %s is at %s', async (about, path) => {
    const { host, answer } = await documentOf({ resource: about }, path)
    expect(answer.body.resource).toBe(about)
    await host.http().get(`${path}/x`).expect(418)
    await host.http().get('/').expect(418)
    await host.http().head(path).expect(200)
    await host.http().post(path).expect(405)
  })

  it('may be read by web pages of another origin where cors is given', async () => {
    const { host } = await documentOf({ resource, cors: { origin: 'https://page.example' } }, place)
    const { headers } = await host.http().get(place).set('Origin', 'https://page.example')
    expect(headers['access-control-allow-origin']).toBe('https://page.example')
  })

  it('about an API of another process names the scopes that it is given, or none', async () => {
    const remote = remoteServer({ issuer, resource })
    const app = express().use(protectedResourceRouter(remote, { resource }))
    expect((await request(app).get(place).expect(200)).body).toEqual({
      resource,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /needs resource/],
    ['no resource', {}, /needs resource/],
    ['a resource that the server does not have', { resource: 'https://x.example' }, /not in the server's/],
    ['a resource that is no URL', { resource: 'urn:api' }, /^protectedResourceRouter: .* must be an https URL/],
    ['a resource with a query', { resource: 'https://api.example.com/?x' }, /must be an https URL/],
  ])('is not served, and the host does not start: %s', (_, options, message) => {
    const server = createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: [],
      resources: [resource, 'urn:api', 'https://api.example.com/?x'],
    })
    expect(() => protectedResourceRouter(server, options as ProtectedResourceRouterOptions)).toThrow(message)
  })
})

describe('the challenge of a guard with resourceMetadata (§5.1)', () => {
  const challengesOf = async () => {
    const host = await createHost({
      accessTokens: jwt({ keys: generateSigningKey(), audience: resource }),
      mount(app, server) {
        app.get('/mcp', bearerGuard(server, { resource, resourceMetadata: true, scope: 'read' }), requireScope('write'))
        app.get('/any', bearerGuard(server, { resourceMetadata: true }), (_req, res) => void res.end())
        app.get('/plain', bearerGuard(server, { resource, scope: 'read' }))
      },
    })
    const challenge = async (path: string, token?: string) => {
      const sent = host.http().get(path)
      const { headers } = await (token === undefined ? sent : sent.auth(token, { type: 'bearer' }))
      return headers['www-authenticate']
    }
    return { host, challenge }
  }
  const metadata = `resource_metadata="https://api.example.com${place}"`

  it('says where the document is, and which scope to ask for, when no token was sent', async () => {
    const { challenge } = await challengesOf()
    expect(await challenge('/mcp')).toBe(`Bearer realm="api", scope="read", ${metadata}`)
    expect(await challenge('/any')).toBe(`Bearer realm="api", ${metadata}`)
  })

  it('says so, too, when the token is bad or has too little scope', async () => {
    const { host, challenge } = await challengesOf()
    expect(await challenge('/mcp', 'bad')).toMatch(/error="invalid_token".*, scope="read", resource_metadata="/)
    const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
    expect(await challenge('/mcp', access_token)).toMatch(
      /error="insufficient_scope".*, scope="write", resource_metadata="/,
    )
  })

  it('is bare without the option', async () => {
    const { challenge } = await challengesOf()
    expect(await challenge('/plain')).toBe('Bearer realm="api"')
  })

  it('needs a resource that has a URL', async () => {
    const options = { issuer, storage: memoryStorage(), scopes: [] }
    const none = createAuthorizationServer(options)
    expect(() => bearerGuard(none, { resourceMetadata: true })).toThrow(/resourceMetadata needs resource/)
    const urn = createAuthorizationServer({ ...options, resources: ['urn:api'] })
    expect(() => bearerGuard(urn, { resourceMetadata: true })).toThrow(/^bearerGuard: .* must be an https URL/)
  })

  it('works at a guard in another process', async () => {
    const guard = bearerGuard(remoteServer({ issuer, resource }), { resourceMetadata: true, scope: 'read' })
    const { headers } = await request(express().use(guard)).get('/').expect(401)
    expect(headers['www-authenticate']).toBe(`Bearer realm="api", scope="read", ${metadata}`)
  })
})

describe('what the API verifies of bound tokens (§2)', () => {
  const members = async (senderConstraints: SenderConstraint[], senderConstrained?: boolean) => {
    const server = createAuthorizationServer({
      ...{ issuer, storage: memoryStorage(), scopes: [], resources: [resource] },
      senderConstraints,
    })
    const options = { resource, ...(senderConstrained !== undefined && { senderConstrained }) }
    const { body } = await request(express().use(protectedResourceRouter(server, options)))
      .get(place)
      .expect(200)
    return Object.fromEntries(Object.entries(body).filter(([name]) => /^(dpop|tls)_/.test(name)))
  }
  const algorithms = { dpop_signing_alg_values_supported: ['ES256'] }
  const proofs = dpop({ algorithms: ['ES256'] })
  const certificates = { tls_client_certificate_bound_access_tokens: true }

  it('is said by the constraints of the server, and whether it takes no others by senderConstrained', async () => {
    expect(await members([])).toEqual({})
    expect(await members([proofs])).toEqual(algorithms)
    expect(await members([proofs], true)).toEqual({ ...algorithms, dpop_bound_access_tokens_required: true })
    expect(await members([mutualTls()])).toEqual(certificates)
    expect(await members([mutualTls()], true)).toEqual(certificates)
    // one of both is required, and DPoP is not
    expect(await members([proofs, mutualTls()], true)).toEqual({ ...algorithms, ...certificates })
  })

  it('by those of a server elsewhere, too', async () => {
    const server = remoteServer({ issuer, resource, senderConstraints: [proofs] })
    const { body } = await request(express().use(protectedResourceRouter(server, { resource })))
      .get(place)
      .expect(200)
    expect(body).toMatchObject(algorithms)
  })

  it('senderConstrained needs something that binds', async () => {
    await expect(members([], true)).rejects.toThrow('needs senderConstraints: [dpop()] of the server')
    await expect(members([proofs], 'yes' as never)).rejects.toThrow(TypeError)
  })
})
