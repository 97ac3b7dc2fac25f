import {
  authorizationCode,
  clientCredentials,
  type GrantType,
  implicit,
  issueTokens,
  OAuthError,
  opaque,
  password,
  refreshToken,
  updateClient,
} from '../../src'
import { createHost, encode, type Host, type HostOptions, type Parameters, paths } from '../support/host'

let host: Host
const ok = <T extends { status: number }>(answer: T): T => {
  expect(answer.status).toBe(200)
  return answer
}
beforeEach(async () => {
  host = await createHost()
})

const ask = (parameters: Parameters = {}, client = host.web) =>
  host.token(client, { grant_type: 'client_credentials', ...parameters })

async function expectError(parameters: Parameters, error: string, client = host.web): Promise<void> {
  const answer = await ask(parameters, client)
  expect([answer.status, answer.body.error]).toEqual([400, error])
}

describe('a token response (RFC 6749 §5.1)', () => {
  it('is application/json exactly, and kept by nobody', async () => {
    const { headers } = await ask().expect(200)
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    })
  })

  it('has the members of RFC 6749, and no id_token', async () => {
    const { access_token, refresh_token, ...others } = await host.signIn()
    expect(others).toEqual({ token_type: 'Bearer', expires_in: 3600, scope: 'read write' })
  })

  it('has the lifetime of the option, in seconds', async () => {
    host = await createHost({ accessTokens: opaque({ ttl: 600 }) })
    const { body } = await ask({ scope: 'read' })
    expect(body.expires_in).toBe(600)
    host.clock.advance(599)
    expect(await host.isAlive(body)).toBe(true)
    host.clock.advance(1)
    expect(await host.isAlive(body)).toBe(false)
  })

  it('has whole seconds, whatever fractions the clock has', async () => {
    host = await createHost({ now: () => 1_800_000_000.9 })
    expect((await ask({ scope: 'read' })).body.expires_in).toBe(3600)
    await host.signIn()
    expect(host.events.map(({ at }) => at)).toEqual([1_800_000_000, 1_800_000_000, 1_800_000_000])
  })
})

describe('the scope of a token response (RFC 6749 §3.3)', () => {
  it.each<[string, string | undefined, string]>([
    ['what was asked', 'write', 'write'],
    ['each scope once', 'read  read write read', 'read write'],
    ['all that the client may have, when nothing was asked', undefined, 'read write'],
    ['all that the client may have, when an empty scope was asked', '', 'read write'],
  ])('is %s', async (_, scope, echoed) => {
    expect((await ask({ scope }).expect(200)).body.scope).toBe(echoed)
  })

  it('is the default scope of the record, when nothing was asked', async () => {
    await updateClient(host.server, 'web', { defaultScopes: ['read'] })
    expect((await ask()).body.scope).toBe('read')
    expect((await ask({ scope: 'write' })).body.scope).toBe('write')
  })

  it('is left out when it is empty: a record without scopes has none', async () => {
    const { clientId, clientSecret } = await host.register({ grantTypes: ['client_credentials'], scopes: [] })
    const client = { ...host.web, clientId, ...(clientSecret !== undefined && { clientSecret }) }
    expect((await ask({}, client).expect(200)).body).not.toHaveProperty('scope')
    await expectError({ scope: 'read' }, 'invalid_scope', client)
  })

  it.each([
    ['unknown', 'read nothing'],
    ['not of this client', 'read admin'],
    ['another case', 'READ'],
    ['malformed', 'read "write"'],
    ['outside ASCII', 'read é'],
    ['a tab in the place of a space', 'read\twrite'],
  ])('is invalid_scope, and never dropped, when it is %s', async (_, scope) => {
    await expectError({ scope }, 'invalid_scope')
    expect(host.storage.storedIds()).toEqual([])
  })
})

describe('a token request that cannot be answered (RFC 6749 §5.2)', () => {
  it.each<[string, Parameters, string]>([
    ['no grant_type', { grant_type: undefined }, 'invalid_request'],
    ['an empty grant_type', { grant_type: '' }, 'invalid_request'],
    ['an unknown grant_type', { grant_type: 'magic' }, 'unsupported_grant_type'],
    ['a grant_type in another case', { grant_type: 'Client_Credentials' }, 'unsupported_grant_type'],
    ['the name of a member of every object', { grant_type: '__proto__' }, 'unsupported_grant_type'],
    ['a grant that the server does not have', { grant_type: 'password' }, 'unsupported_grant_type'],
  ])('names its error: %s', async (_, parameters, error) => {
    await expectError(parameters, error)
  })

  it('is answered with a string error and a description, both for machines', async () => {
    const answer = await ask({ grant_type: 'magic' }).expect(400)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(answer.body).toEqual({
      error: 'unsupported_grant_type',
      error_description: 'This grant_type is not supported.',
    })
    expect(answer.headers).not.toHaveProperty('www-authenticate')
  })

  it.each(['authorization_code', 'refresh_token', 'client_credentials'])(
    'is unauthorized_client when the record of the client does not have %s',
    async (grant_type) => {
      await expectError({ grant_type, code: 'x', refresh_token: 'x' }, 'unauthorized_client', host.api)
    },
  )

  it('learns nothing about grants while the client is not authenticated', async () => {
    for (const grant_type of ['magic', 'client_credentials', undefined]) {
      const answer = await ask({ grant_type }, { ...host.web, clientSecret: 'wrong' }).expect(401)
      expect(answer.body.error).toBe('invalid_client')
    }
  })
})

describe('parameters in the URL', () => {
  const inUrl = (parameters: Parameters = {}) => {
    const { clientId, clientSecret } = host.web
    const all = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, ...parameters }
    return `${paths.token}?${encode(all)}`
  }

  it('are ignored: credentials in URLs end up in logs (RFC 6749 §2.3.1)', async () => {
    await host.http().post(inUrl()).expect(401)
    await host.http().get(inUrl()).expect(405).expect('Allow', 'POST')
    expect((await host.token(host.web, {}).expect(400)).body.error).toBe('invalid_request')
  })

  describe('where the tokenRouter says so', () => {
    beforeEach(async () => {
      host = await createHost({ tokenRouter: { parametersFrom: ['body', 'query'] } })
    })

    it('are taken, by GET too', async () => {
      await host.http().get(inUrl()).expect(200).expect('Cache-Control', 'no-store')
      await host.http().post(inUrl()).expect(200)
    })

    it('are one with the body: what is in both is repeated (RFC 6749 §3.2)', async () => {
      const answer = await host.http().post(inUrl()).type('form').send({ scope: 'read' }).expect(200)
      expect(answer.body.scope).toBe('read')
      const twice = await host
        .http()
        .post(inUrl({ scope: 'read' }))
        .type('form')
        .send({ scope: 'read' })
        .expect(400)
      expect(twice.body.error).toBe('invalid_request')
    })
  })
})

describe('the tokenResponse option', () => {
  const respond = async (tokenResponse: HostOptions['tokenResponse']) => {
    host = await createHost({ tokenResponse: tokenResponse as NonNullable<typeof tokenResponse> })
    return ask({ scope: 'read' })
  }

  it('adds members, and bends the standard ones for an old API', async () => {
    const { body } = await respond((response) => ({ ...response, token_type: 'bearer', state: 'on' })).then(ok)
    expect(body).toMatchObject({ token_type: 'bearer', state: 'on', expires_in: 3600 })
  })

  it('may answer later', async () => {
    const { body } = await respond(async (response) => ({ ...response, late: true })).then(ok)
    expect(body.late).toBe(true)
  })

  it('knows whose tokens they are, at every grant', async () => {
    const seen: unknown[] = []
    host = await createHost({
      grants: [authorizationCode(), refreshToken(), clientCredentials(), implicit()],
      tokenResponse(body, context) {
        seen.push(context)
        return body
      },
    })
    const { refresh_token } = await host.signIn(host.web, { scope: 'read' })
    await host.refresh(host.web, refresh_token).expect(200)
    await host.refresh(host.web, refresh_token).expect(200)
    await host.authorize(host.web, { response_type: 'token', scope: 'read' }).expect(302)
    await ask({ scope: 'read' }).then(ok)
    const client = expect.objectContaining({ clientId: 'web' })
    const context = { client, userId: 'alice', scope: ['read'], parameters: expect.any(Map) }
    expect(seen).toEqual([
      { ...context, grantType: 'authorization_code' },
      { ...context, grantType: 'refresh_token' },
      { ...context, grantType: 'refresh_token' },
      { ...context, grantType: 'implicit' },
      { ...context, grantType: 'client_credentials', userId: undefined },
    ])
  })

  it('leaves out members that have no value, never null', async () => {
    const { body } = await respond((response) => ({ ...response, scope: undefined, more: null, zero: 0 })).then(ok)
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, zero: 0 })
  })

  it.each([undefined, null, 'text', 5])(
    'is a server_error when it answers %p, and nothing is stored',
    async (value) => {
      const answer = await respond(() => value as never)
      expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
      expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining('tokenResponse') } }])
      expect(host.storage.storedIds()).toEqual([])
    },
  )

  it('that throws is a server_error, without a word of it on the wire; a code is not used up', async () => {
    let isBroken = true
    host = await createHost({
      tokenResponse(body) {
        if (isBroken) throw new Error('secret detail')
        return body
      },
    })
    const code = await host.code()
    const answer = await host.exchange(host.web, code).expect(500)
    expect(answer.text).not.toContain('secret detail')
    isBroken = false
    await host.exchange(host.web, code).expect(200)
  })
})

describe("a host's own grant", () => {
  const grantType = 'https://example.com/grants/ticket'
  const ticket: GrantType = {
    grantType,
    async handle(server, request) {
      const userId = request.parameters.get('ticket')
      if (userId === 'broken') throw new Error('the ticket office is closed')
      if (userId === undefined) throw new OAuthError('invalid_grant', 'No such ticket.')
      return issueTokens(server, { clientId: request.client.clientId, userId, request })
    },
  }
  const redeem = (parameters: Parameters, client = host.web) =>
    host.token(client, { grant_type: grantType, ...parameters })

  beforeEach(async () => {
    host = await createHost({ grants: [ticket, refreshToken()] })
  })

  it('is a value of the same shape, under a grant_type of its own (RFC 6749 §4.5)', async () => {
    const { body } = await redeem({ ticket: 'alice' }).expect(200)
    expect((await host.me(body.access_token)).body.authInfo.userId).toBe('alice')
    await host.refresh(host.web, body.refresh_token).expect(200)
    expect(host.events).toContainEqual(expect.objectContaining({ type: 'token.issued', grantType }))
  })

  it('is refused to a client whose record does not have it', async () => {
    const client = await host.register({ grantTypes: ['refresh_token'] })
    expect((await redeem({ ticket: 'alice' }, client).expect(400)).body.error).toBe('unauthorized_client')
  })

  it('refuses with an OAuthError', async () => {
    const answer = await redeem({}).expect(400)
    expect(answer.body).toEqual({ error: 'invalid_grant', error_description: 'No such ticket.' })
  })

  it('is a server_error when it throws anything else', async () => {
    const answer = await redeem({ ticket: 'broken' }).expect(500)
    expect(answer.body).toEqual({ error: 'server_error', error_description: expect.not.stringContaining('office') })
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: 'the ticket office is closed' } }])
  })
})

describe('one grant that is switched on', () => {
  it('leaves everything else as strict as it was', async () => {
    host = await createHost({ grants: [password({ verify: () => undefined })] })
    expect([...host.server.grants.keys()]).toEqual(['password'])
    for (const grant_type of ['authorization_code', 'client_credentials', 'refresh_token']) {
      await expectError({ grant_type }, 'unsupported_grant_type')
    }
  })
})
