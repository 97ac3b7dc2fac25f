// Client authentication by a certificate (RFC 8705 §2): tls_client_auth, self_signed_tls_client_auth, and everything that is none.
import type { ClientMetadata, RegisterClientOptions } from '../../src'
import {
  clientSecret,
  mutualTls,
  privateKeyJwt,
  pushedAuthorizationRequests,
  registerClient,
  registerRouter,
  updateClient,
} from '../../src'
import { authority, certificate, inHeader, type TestCertificate } from '../support/certificates'
import { createHost, type Host, type HostOptions, type Parameters, paths } from '../support/host'

const subject = '/C=DE/O=Example/CN=client'
const names = 'DNS:client.example,URI:https://client.example/a,IP:192.0.2.7,email:ops@client.example'
const ca = authority()
const issued = certificate({ subject, names, by: ca })
const selfSigned = certificate({ subject, names })
const other = certificate({ subject: '/CN=other', by: ca })
const grantTypes = ['client_credentials', 'authorization_code', 'refresh_token']
const byName = { tokenEndpointAuthMethods: ['tls_client_auth'], grantTypes } as const
const byKeys = { tokenEndpointAuthMethods: ['self_signed_tls_client_auth'], grantTypes } as const

/** The header of the proxy, and what it says of the authority. */
const header = 'x-client-cert'
const tls = mutualTls({
  certificate: (req) => req.headers[header],
  verified: (req) => req.headers['x-client-verify'] === 'SUCCESS',
})

let host: Host
const begin = async (options: HostOptions = {}) => {
  host = await createHost({
    clientAuthentication: [clientSecret(), privateKeyJwt(), tls],
    requests: [pushedAuthorizationRequests()],
    ...options,
  })
}
beforeEach(() => begin())

const register = async (record: RegisterClientOptions) => {
  await host.register({ clientId: 'tls', ...record })
}
interface How {
  /** The certificate, or what stands in its header; null for none. */
  by?: TestCertificate | string | null
  /** What the proxy says of its CA. */
  verify?: string
  /** The `client_id`; null for none. */
  id?: string | null
}
/** A request with a certificate, of which the proxy says that a CA has issued it. */
const send = (path: string, parameters: Parameters, { by = issued, verify = 'SUCCESS', id = 'tls' }: How = {}) => {
  const sent = host.send(path, undefined, { client_id: id ?? undefined, ...parameters }).set('x-client-verify', verify)
  return by === null ? sent : sent.set(header, typeof by === 'string' ? by : inHeader(by))
}
const ask = async (how: How = {}) => {
  const { status, body } = await send(paths.token, { grant_type: 'client_credentials' }, how)
  return status === 200 ? 'tokens' : `${status} ${body.error}`
}
const reasons = () =>
  host.events.flatMap((event) => (event.type === 'client.authentication_failed' ? [event.reason] : []))
const refused = '401 invalid_client'

describe('tls_client_auth: the name in the record (§2.1.2)', () => {
  it.each<[string, ClientMetadata]>([
    ['its subject', { tlsClientAuthSubjectDn: 'CN=client,O=Example,C=DE' }],
    ['a DNS name', { tlsClientAuthSanDns: 'Client.Example' }],
    ['a URI', { tlsClientAuthSanUri: 'https://client.example/a' }],
    ['an IP address', { tlsClientAuthSanIp: '192.0.2.7' }],
    ['an email address', { tlsClientAuthSanEmail: 'ops@client.example' }],
  ])('%s proves the client, and no other certificate of the same authority does', async (_, name) => {
    await register({ ...byName, ...name })
    expect([await ask(), await ask({ by: other })]).toEqual(['tokens', refused])
    expect(reasons()).toEqual(['the client certificate has another name'])
  })

  it.each<[string, ClientMetadata]>([
    ['another subject', { tlsClientAuthSubjectDn: 'CN=client2,O=Example,C=DE' }],
    ['a DNS name that ends alike', { tlsClientAuthSanDns: 'example' }],
    ['a wildcard', { tlsClientAuthSanDns: '*.example' }],
    ['its common name as a DNS name', { tlsClientAuthSanDns: 'client' }],
    ['a URI below', { tlsClientAuthSanUri: 'https://client.example/' }],
    ['another address', { tlsClientAuthSanIp: '192.0.2.8' }],
    ['an address in a DNS name', { tlsClientAuthSanDns: '192.0.2.7' }],
    ['an email of the same domain', { tlsClientAuthSanEmail: 'client@client.example' }],
  ])('%s does not', async (_, name) => {
    await register({ ...byName, ...name })
    expect(await ask()).toBe(refused)
  })

  it('an IPv6 address is compared by its bytes (RFC 5952 §8)', async () => {
    await register({ ...byName, tlsClientAuthSanIp: '2001:DB8:0::1' })
    expect(await ask({ by: certificate({ by: ca, names: 'IP:2001:db8::0:1' }) })).toBe('tokens')
  })

  it.each(['NONE', 'FAILED:self-signed certificate', ''])('the proxy says %j: refused', async (verify) => {
    await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
    expect(await ask({ verify })).toBe(refused)
    expect(reasons()).toEqual(['no trusted CA has issued the client certificate'])
  })
})

describe('self_signed_tls_client_auth: the keys in the record (§2.2)', () => {
  it('a certificate in x5c proves the client, whatever its name and whoever issued it', async () => {
    const second = certificate({ subject: '/CN=second' })
    await register({ ...byKeys, jwks: { keys: [selfSigned.jwk, second.jwk] } })
    expect([await ask({ by: selfSigned, verify: 'NONE' }), await ask({ by: second, verify: 'NONE' })]).toEqual([
      'tokens',
      'tokens',
    ])
  })

  it('another certificate does not: not one of the same name, nor one of the same key', async () => {
    await register({ ...byKeys, jwks: { keys: [selfSigned.jwk] } })
    const sameKey = certificate({ subject, more: ['-key', selfSigned.keyFile] })
    for (const by of [certificate({ subject, names }), issued, sameKey]) expect(await ask({ by })).toBe(refused)
    expect(new Set(reasons())).toEqual(new Set(['the client certificate is not among the keys of the client']))
  })

  it('a certificate that is taken out stops working at once', async () => {
    await register({ ...byKeys, jwks: { keys: [selfSigned.jwk] } })
    await updateClient(host.server, 'tls', { jwks: { keys: [other.jwk] } })
    expect([await ask({ by: selfSigned }), await ask({ by: other })]).toEqual([refused, 'tokens'])
  })

  it('only the first of x5c is that of the key (RFC 7517 §4.7): the CA behind it is not the client', async () => {
    await register({ ...byKeys, jwks: { keys: [{ ...issued.jwk, x5c: [issued.x5c, ca.x5c] }] } })
    expect([await ask({ by: issued }), await ask({ by: ca })]).toEqual(['tokens', refused])
  })

  it('x5t#S256 beside x5c says nothing else than x5c', async () => {
    await register({ ...byKeys, jwks: { keys: [{ ...issued.jwk, 'x5t#S256': selfSigned.thumbprint }] } })
    expect([await ask({ by: issued }), await ask({ by: selfSigned })]).toEqual(['tokens', refused])
  })
})

describe('each endpoint where clients authenticate', () => {
  it.each<[string, string, Parameters, number]>([
    ['token', paths.token, { grant_type: 'client_credentials' }, 200],
    ['revocation', paths.revoke, { token: 'x' }, 200],
    ['introspection', paths.introspect, { token: 'x' }, 200],
    [
      'pushed authorization request',
      paths.pushedAuthorization,
      {
        response_type: 'code',
        redirect_uri: 'https://app.example/cb',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      },
      201,
    ],
  ])('%s takes the certificate, and refuses a request without it or with another one', async (_, path, sent, right) => {
    await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
    const statuses = []
    for (const how of [{}, { by: null }, { by: other }, { verify: 'NONE' }, { id: null }, { id: 'nobody' }]) {
      const { status, body } = await send(path, sent, how)
      statuses.push(status === right ? 'taken' : `${status} ${body.error}`)
    }
    expect(statuses).toEqual(['taken', refused, refused, refused, refused, refused])
  })
})

describe('a certificate that is not valid', () => {
  it.each([
    ['has expired', 3650 * 24 * 3600],
    ['begins later', -365 * 24 * 3600],
  ])('%s: refused by both methods, and the response says the same as for any other', async (_, seconds) => {
    await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
    await host.register({ clientId: 'self', ...byKeys, jwks: { keys: [selfSigned.jwk] } })
    host.clock.advance(seconds)
    for (const how of [{}, { id: 'self', by: selfSigned }]) {
      const { status, body } = await send(paths.token, { grant_type: 'client_credentials' }, how)
      expect([status, body]).toEqual([
        401,
        { error: 'invalid_client', error_description: 'Client authentication failed.' },
      ])
    }
    expect(reasons()).toHaveLength(2)
  })

  it.each(['x', 'NONE', `${inHeader(issued)}, ${inHeader(other)}`, inHeader(issued).slice(0, 99)])(
    'that cannot be read (%#): refused, and the event names the fix',
    async (by) => {
      await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
      expect(await ask({ by })).toBe(refused)
      expect(reasons()).toEqual([expect.stringContaining('mutualTls({ certificate }) must return one')])
    },
  )

  it('is none of the business of a client with another method', async () => {
    for (const by of ['x', inHeader(issued)]) {
      const sent = host.token(host.web, { grant_type: 'client_credentials' }).set(header, by)
      expect((await sent).status).toBe(200)
      const code = await host.code(host.native)
      expect((await host.exchange(host.native, code).set(header, by)).body.token_type).toBe('Bearer')
    }
    expect(host.events.filter(({ type }) => type.endsWith('failed') || type === 'proof.refused')).toEqual([])
  })
})

describe('a certificate beside something else (RFC 6749 §2.3)', () => {
  it('never proves a client whose record does not name its method', async () => {
    expect(await ask({ id: 'web' })).toBe(refused)
    await host.register({ clientId: 'named', tokenEndpointAuthMethods: ['client_secret_post'], grantTypes })
    expect(await ask({ id: 'named' })).toBe(refused)
  })

  it('does not help a wrong secret, and takes nothing from a right one', async () => {
    await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
    const wrong = send(paths.token, { grant_type: 'client_credentials' }, { id: null }).auth('tls', 'guess')
    expect((await wrong).status).toBe(401)
    const sent = send(paths.token, { grant_type: 'client_credentials', client_secret: 'guess' })
    expect((await sent).status).toBe(401)
    const right = host.token(host.web, { grant_type: 'client_credentials' })
    expect((await right.set(header, inHeader(issued)).set('x-client-verify', 'SUCCESS')).status).toBe(200)
  })

  it('a header that the host has not named is none', async () => {
    const direct = mutualTls()
    await begin({ clientAuthentication: [clientSecret(), direct] })
    await register({ ...byKeys, jwks: { keys: [selfSigned.jwk] } })
    for (const name of [header, 'client-cert', 'ssl-client-cert', 'x-ssl-cert', 'x-forwarded-client-cert']) {
      const sent = host.token(undefined, { client_id: 'tls', grant_type: 'client_credentials' })
      expect((await sent.set(name, inHeader(selfSigned))).status).toBe(401)
    }
  })
})

describe('a record', () => {
  const change = (changes: ClientMetadata) => registerClient(host.server, { scopes: ['read'], ...changes })

  it.each<[string, ClientMetadata, string]>([
    [
      'tls_client_auth without a name',
      byName,
      'a client with tls_client_auth needs exactly one of tls_client_auth_subject_dn,',
    ],
    [
      'tls_client_auth with two',
      { ...byName, tlsClientAuthSanDns: 'a.example', tlsClientAuthSanUri: 'https://a.example/' },
      'needs exactly one of',
    ],
    [
      'another method beside it',
      {
        ...byName,
        tokenEndpointAuthMethods: ['tls_client_auth', 'client_secret_basic'],
        tlsClientAuthSanDns: 'a.example',
      },
      'cannot have another method beside it',
    ],
    [
      'none beside it',
      { ...byKeys, tokenEndpointAuthMethods: ['none', 'self_signed_tls_client_auth'], jwks: { keys: [issued.jwk] } },
      'a client with self_signed_tls_client_auth cannot have another method beside it',
    ],
    ['self_signed_tls_client_auth without keys', byKeys, 'needs its certificate: jwks with x5c, or jwks_uri'],
    [
      'keys without a certificate',
      { ...byKeys, jwks: { keys: [{ ...issued.jwk, x5c: undefined }] } },
      'needs its certificate',
    ],
    [
      'x5c that is no certificate',
      { ...byKeys, jwks: { keys: [{ ...issued.jwk, x5c: ['MII'] }] } },
      'needs its certificate',
    ],
    ['a name that is none', { ...byName, tlsClientAuthSubjectDn: '/CN=client' }, 'must be a distinguished name'],
    ['a DNS name with a space', { ...byName, tlsClientAuthSanDns: 'a b' }, 'must be a DNS name in ASCII'],
    ['a URI that is none', { ...byName, tlsClientAuthSanUri: 'client' }, 'must be a URI in ASCII'],
    ['an address that is none', { ...byName, tlsClientAuthSanIp: '192.0.2' }, 'must be an IP address'],
    ['an email that is none', { ...byName, tlsClientAuthSanEmail: 'ops' }, 'must be an email address in ASCII'],
    [
      'a flag that is none',
      { ...byName, tlsClientAuthSanDns: 'a', tlsClientCertificateBoundAccessTokens: 1 as never },
      'must be true or false',
    ],
  ])('with %s is refused', async (_, changes, problem) => {
    await expect(change(changes)).rejects.toMatchObject({
      code: 'invalid_client_metadata',
      description: expect.stringContaining(problem),
    })
  })

  it('is made by registration in the words of RFC 8705, and says its certificate by its thumbprint', async () => {
    await begin({
      mount: (app, server) => {
        app.use('/register', registerRouter(server, { protect: 'open', scopes: ['read'] }))
      },
      endpoints: { register: '/register' },
    })
    const ask = (body: object) =>
      host
        .http()
        .post('/register')
        .send({ redirect_uris: ['https://app.example/cb'], ...body })
    const made = await ask({
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [selfSigned.jwk] },
      tls_client_certificate_bound_access_tokens: true,
    })
    expect([made.status, made.body]).toMatchObject([
      201,
      {
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [{ 'x5t#S256': selfSigned.thumbprint }] },
        tls_client_certificate_bound_access_tokens: true,
      },
    ])
    expect(made.body).not.toHaveProperty('client_secret')
    const named = await ask({ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'A.example' })
    expect(named.body).toMatchObject({ tls_client_auth_san_dns: 'a.example' })
    const none = await ask({ token_endpoint_auth_method: 'tls_client_auth' })
    expect([none.status, none.body.error]).toEqual([400, 'invalid_client_metadata'])
  })

  it('names these methods only where the list of the server has them; without `verified` there is no tls_client_auth', async () => {
    await begin({ clientAuthentication: [clientSecret(), mutualTls({ certificate: () => undefined })] })
    await expect(change({ ...byName, tlsClientAuthSanDns: 'a.example' })).rejects.toMatchObject({
      code: 'invalid_client_metadata',
    })
    await expect(change({ ...byKeys, jwks: { keys: [issued.jwk] } })).resolves.toBeDefined()
    await begin({ clientAuthentication: [clientSecret()] })
    await expect(change({ ...byKeys, jwks: { keys: [issued.jwk] } } as never)).rejects.toThrow()
  })
})

describe('the host', () => {
  const askWith = async (options: globalThis.Parameters<typeof mutualTls>[0]) => {
    await begin({ clientAuthentication: [clientSecret(), mutualTls(options)] })
    await register({ ...byKeys, jwks: { keys: [selfSigned.jwk] } })
    const sent = await host.token(undefined, { client_id: 'tls', grant_type: 'client_credentials' })
    return [sent.status, host.reportedErrors().map(({ cause }) => String((cause as Error).message))]
  }

  it('may return an X509Certificate', async () => {
    expect(await askWith({ certificate: () => selfSigned.x509 })).toEqual([200, []])
  })

  it('returns a list of certificates: none of them is the client', async () => {
    expect(await askWith({ certificate: () => [selfSigned.cert] })).toEqual([401, []])
  })

  it.each<[string, unknown]>([
    ['a promise', Promise.resolve(selfSigned.cert)],
    ['what getPeerCertificate() returns without one', {}],
    ['true', true],
  ])('returns %s: 500, and an error that names the fix', async (_, returned) => {
    const [status, errors] = await askWith({ certificate: () => returned as string })
    expect([status, errors]).toEqual([
      500,
      [
        expect.stringContaining(
          'mutualTls({ certificate }) must return an X509Certificate, a text with one, or undefined',
        ),
      ],
    ])
  })

  it.each<[string, unknown]>([
    ['a promise', Promise.resolve(false)],
    ['the word of a header', 'FAILED'],
  ])('says verified by %s: 500, and nobody gets in', async (_, said) => {
    await begin({
      clientAuthentication: [
        clientSecret(),
        mutualTls({ certificate: () => issued.cert, verified: () => said as boolean }),
      ],
    })
    await register({ ...byName, tlsClientAuthSanDns: 'client.example' })
    const sent = await host.token(undefined, { client_id: 'tls', grant_type: 'client_credentials' })
    expect([sent.status, host.reportedErrors().map(({ cause }) => (cause as Error).message)]).toEqual([
      500,
      [expect.stringContaining('mutualTls({ verified }) must return true or false')],
    ])
  })

  it('throws in its function: 500', async () => {
    const certificate = () => {
      throw new Error('no header')
    }
    expect(await askWith({ certificate })).toEqual([500, ['no header']])
  })

  it.each<[object, string]>([
    [{ certificate: 'x-client-cert' }, 'mutualTls({ certificate }) must be a function of the request'],
    [{ verified: true }, 'mutualTls({ verified }) must be a function of the request'],
    [{ aliases: 'http://mtls.example' }, 'mutualTls({ aliases }) must be an https origin without a path'],
    [{ aliases: 'https://mtls.example/' }, 'mutualTls({ aliases }) must be an https origin without a path'],
    [{ aliases: 7 }, 'mutualTls({ aliases }) must be an https origin without a path'],
    [{ dangerouslyAllowLoopback: 'yes' }, 'dangerouslyAllowLoopback'],
    [{ cert: () => undefined }, 'cert'],
  ])('gives %j: a TypeError that names the fix', (options, problem) => {
    expect(() => mutualTls(options)).toThrow(TypeError)
    expect(() => mutualTls(options)).toThrow(problem)
  })
})
