// OpenID Connect Discovery 1.0: the metadata where its clients look.
import { approve, metadataRouter } from '../../src/index'
import { createHost, issuer } from '../support/host'
import { createOpenIdHost, openIdPaths, signingKeys } from '../support/openid'

const decide = approve({ clients: () => true })
const at = '/.well-known/openid-configuration'

it('is the same document as the metadata of RFC 8414, with the members of Discovery §3', async () => {
  const host = await createOpenIdHost({ decide, openid: { acrValues: ['mfa'] } })
  const { body, headers } = await host.http().get(at).expect(200)
  expect(body).toEqual((await host.http().get('/.well-known/oauth-authorization-server')).body)
  expect(headers['cache-control']).toBe('public, max-age=3600')
  // Discovery §4.2
  expect(headers['content-type']).toMatch(/^application\/json/)
  expect(body).toMatchObject({
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    userinfo_endpoint: `${issuer}${openIdPaths.userinfo}`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    claims_parameter_supported: true,
    request_uri_parameter_supported: false,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    acr_values_supported: ['mfa'],
    display_values_supported: ['page'],
  })
  // what says nothing of languages has none to tell
  expect(body).not.toHaveProperty('claims_locales_supported')
  expect(body.scopes_supported).toEqual(expect.arrayContaining(['openid', 'offline_access', 'profile', 'read']))
  expect(body.claims_supported).toEqual(expect.arrayContaining(['sub', 'auth_time', 'email', 'name']))
})

it('is below an issuer with a path, where Discovery §4 puts it, and where RFC 8414 §5 does', async () => {
  const host = await createOpenIdHost({ decide, issuer: `${issuer}/tenants/a`, endpoints: {} })
  for (const path of [`/tenants/a${at}`, `${at}/tenants/a`]) {
    const { body } = await host.http().get(path).expect(200)
    expect(body.issuer).toBe(`${issuer}/tenants/a`)
  }
})

it('publishes keys for id_tokens beside opaque access tokens, and follows them', async () => {
  const [first, second] = signingKeys.current
  if (!first || !second) throw new Error('No keys')
  let keys: { current: object; next?: object; retired?: object[] } = { current: first, next: second }
  const host = await createOpenIdHost({ decide, openid: { keys: () => keys as never } })
  const kids = async () => {
    const { body } = await host.http().get('/.well-known/jwks.json')
    return body.keys.map(({ kid }: { kid: string }) => kid)
  }
  expect(await kids()).toEqual([first.kid, second.kid])
  keys = { current: second, retired: [first] }
  expect(await kids()).toEqual([second.kid, first.kid])
})

it('is served without OpenID Connect only where the host asks for it', async () => {
  const plain = await createHost()
  await plain.http().get(at).expect(418)
  const host = await createHost({
    mount: (app, server) => app.use(metadataRouter(server, { openidConfiguration: true })),
  })
  const { body } = await host.http().get(at).expect(200)
  expect(body).toEqual((await host.http().get('/.well-known/oauth-authorization-server')).body)
  expect(body).not.toHaveProperty('userinfo_endpoint')
})

it('without the option the scope openid is unknown as before', async () => {
  const host = await createHost({ decide })
  const answer = await host.authorize(host.web, { scope: 'openid' })
  expect(answer.headers.location).toContain('error=invalid_scope')
})
