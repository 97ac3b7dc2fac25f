import express from 'express'
import request from 'supertest'
import {
  type AuthorizationServer,
  authorizationCode,
  clientCredentials,
  createAuthorizationServer,
  type Endpoints,
  type GrantType,
  implicit,
  memoryStorage,
  metadataRouter,
  oauthRouter,
  password,
  protectedResourceRouter,
  refreshToken,
} from '../../src'
import { createHost, type Host, type HostOptions, issuer, paths } from '../support/host'

const wellKnown = '/.well-known/oauth-authorization-server'
const metadataOf = async (host: Host, path = wellKnown) => (await host.http().get(path).expect(200)).body

const endpoints = {
  authorize: paths.authorize,
  token: paths.token,
  revoke: paths.revoke,
  introspect: paths.introspect,
}

describe('the metadata document (RFC 8414)', () => {
  it('says what a default server can do', async () => {
    const answer = await (await createHost()).http().get(wellKnown).expect(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['cache-control']).toBe('public, max-age=3600')
    const algorithms = ['ES256', 'PS256', 'RS256', 'ES384', 'PS384', 'RS384', 'ES512', 'PS512', 'RS512']
    expect(answer.body).toEqual({
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      token_endpoint: `${issuer}/oauth2/token`,
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      revocation_endpoint: `${issuer}/oauth2/revoke_token`,
      revocation_endpoint_auth_methods_supported: [
        'none',
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
      ],
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      introspection_endpoint_auth_signing_alg_values_supported: algorithms,
      scopes_supported: ['read', 'write', 'clients', 'admin'],
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
    })
  })

  it.each<[string, string, string, string]>([
    ['a path', 'https://auth.example.com/tenant/a', `${wellKnown}/tenant/a`, 'https://auth.example.com'],
    ['a slash at its end', 'https://auth.example.com/', wellKnown, 'https://auth.example.com'],
    ['a path with a slash at its end', 'https://auth.example.com/a/', `${wellKnown}/a`, 'https://auth.example.com'],
    ['a port', 'http://localhost:3000', wellKnown, 'http://localhost:3000'],
    [
      'characters that mean something in routes',
      'https://a.example/(x)*:y',
      `${wellKnown}/(x)*:y`,
      'https://a.example',
    ],
  ])('of an issuer with %s is at the place of RFC 8414 §3.1, and its issuer is byte-equal', async (...parts) => {
    const [, name, place, origin] = parts
    const document = await metadataOf(await createHost({ issuer: name }), place)
    expect(document.issuer).toBe(name)
    expect(document.token_endpoint).toBe(`${origin}/oauth2/token`)
  })

  it('never follows the Host header, or what proxies say', async () => {
    const host = await createHost()
    const plain = await metadataOf(host)
    const { body } = await host
      .http()
      .get(wellKnown)
      .set('Host', 'evil.example')
      .set('X-Forwarded-Host', 'evil.example')
      .set('X-Forwarded-Proto', 'http')
    expect(body).toEqual(plain)
  })

  it('answers HEAD, and nothing but GET and HEAD', async () => {
    const host = await createHost()
    const head = await host.http().head(wellKnown).expect(200)
    expect(head.headers['content-type']).toBe('application/json')
    expect(head.text).toBeUndefined()
    await host.http().post(wellKnown).expect(405).expect('Allow', 'GET, HEAD')
  })

  it('leaves everything else to the host, the root above all', async () => {
    const host = await createHost({
      mount(app, server) {
        app.use(metadataRouter(server))
        app.get('/', (_req, res) => void res.send('home'))
      },
    })
    await host.http().get('/').expect(200, 'home')
    for (const path of ['/.well-known/', `${wellKnown}/tenant`, `/x${wellKnown}`, '/oauth-authorization-server']) {
      await host.http().get(path).expect(418)
    }
    await host.http().post('/').expect(418)
  })
})

describe('a member is there exactly when its path is in endpoints', () => {
  const withEndpoints = async (mounted: Endpoints) =>
    metadataOf(await createHost({ endpoints: mounted, mount: (app, server) => void app.use(metadataRouter(server)) }))
  const { authorize, token } = endpoints

  it.each<[string, Endpoints, string[]]>([
    ['revoke', { ...endpoints, introspect: undefined as never }, ['revocation_endpoint']],
    ['introspect', { authorize, token, introspect: '/i' }, ['introspection_endpoint']],
    ['neither', { authorize, token }, []],
  ])('%s', async (_, mounted, members) => {
    const { introspect, ...others } = mounted
    const document = await withEndpoints(introspect === undefined ? others : mounted)
    const optional = ['revocation_endpoint', 'introspection_endpoint']
    expect(Object.keys(document).filter((name) => optional.includes(name))).toEqual(members)
  })

  it.each<['authorize' | 'token']>([['authorize'], ['token']])('and without %s it does not start', (missing) => {
    const { [missing]: _, ...others } = endpoints
    const server = serverWith({ endpoints: others })
    const fix = `metadataRouter needs endpoints.${missing}: set createAuthorizationServer({ endpoints: { ${missing}:`
    expect(() => metadataRouter(server)).toThrow(new TypeError(`${fix} '/oauth2/${missing}' } })`))
  })

  function serverWith(options: HostOptions): AuthorizationServer {
    return createAuthorizationServer({ issuer, storage: memoryStorage(), scopes: [], ...options })
  }

  it('which only what a grant needs is asked for', () => {
    expect(() =>
      metadataRouter(serverWith({ endpoints: { token }, grants: [clientCredentials(), refreshToken()] })),
    ).not.toThrow()
    expect(() => metadataRouter(serverWith({ endpoints: { authorize }, grants: [implicit()] }))).not.toThrow()
    const both = [authorizationCode(), implicit()]
    expect(() => metadataRouter(serverWith({ endpoints: { authorize }, grants: both }))).toThrow('endpoints.token')
  })
})

describe('it follows the grants', () => {
  const own: GrantType = { grantType: 'urn:example:own', handle: () => Promise.reject(new Error()) }
  it.each<[string, GrantType[], object, string[]]>([
    [
      'client credentials alone',
      [clientCredentials()],
      { response_types_supported: [], grant_types_supported: ['client_credentials'] },
      ['code_challenge_methods_supported'],
    ],
    [
      'the legacy ones',
      [authorizationCode(), implicit(), password({ verify: () => undefined })],
      {
        response_types_supported: ['code', 'token'],
        response_modes_supported: ['query', 'fragment', 'form_post'],
        grant_types_supported: ['authorization_code', 'implicit', 'password'],
        code_challenge_methods_supported: ['S256'],
      },
      [],
    ],
    ['one of the host', [own], { grant_types_supported: ['urn:example:own'] }, ['code_challenge_methods_supported']],
  ])('%s', async (_, grants, present, absent) => {
    const document = await metadataOf(await createHost({ grants }))
    expect(document).toMatchObject(present)
    for (const member of absent) expect(document).not.toHaveProperty(member)
  })
})

describe('oauthRouter', () => {
  const withOAuthRouter = (options: HostOptions) =>
    createHost({
      ...options,
      mount: (app, server) =>
        void app.use(oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect: false })),
    })

  it('passes its own paths, so that the metadata names what is mounted', async () => {
    const host = await withOAuthRouter({ endpoints: {} })
    const document = await metadataOf(host)
    expect(document).toMatchObject({
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      revocation_endpoint: `${issuer}/oauth2/revoke_token`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
    })
    for (const url of [document.token_endpoint, document.revocation_endpoint, document.introspection_endpoint]) {
      await host.http().get(new URL(url).pathname).expect(405)
    }
    await host.http().get(new URL(document.authorization_endpoint).pathname).expect(400)
  })

  it('mounts at the paths of the endpoints option, where there are any', async () => {
    const host = await withOAuthRouter({ endpoints: { token: '/api/token' } })
    expect((await metadataOf(host)).token_endpoint).toBe(`${issuer}/api/token`)
    await host.http().get('/api/token').expect(405)
    await host.http().get('/oauth2/token').expect(418)
  })

  it('leaves out lists of nothing (RFC 8414 §3.2, RFC 9728 §3.2), but for what is required (§2)', async () => {
    const resource = 'https://api.example.com'
    const server = createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: [],
      grants: [clientCredentials()],
      resources: [resource],
      endpoints: { token: '/token' },
    })
    const app = express().use(metadataRouter(server), protectedResourceRouter(server, { resource }))
    const { body } = await request(app).get('/.well-known/oauth-authorization-server').expect(200)
    for (const member of ['scopes_supported', 'response_modes_supported']) expect(body).not.toHaveProperty(member)
    expect(body.response_types_supported).toEqual([])
    const api = await request(app).get('/.well-known/oauth-protected-resource').expect(200)
    expect(api.body).not.toHaveProperty('scopes_supported')
  })

  it('has no authorization endpoint where no grant asks users', async () => {
    const host = await withOAuthRouter({ endpoints: {}, grants: [clientCredentials()] })
    expect(await metadataOf(host)).not.toHaveProperty('authorization_endpoint')
    await host.http().get('/oauth2/authorize').expect(418)
  })
})
