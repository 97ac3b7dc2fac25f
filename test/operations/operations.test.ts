import {
  type Client,
  clientCredentials,
  deleteClient,
  deleteExpired,
  type IssueCodeOptions,
  issueCode,
  issueTokens,
  listClients,
  listGrants,
  OAuthError,
  type RegisterClientOptions,
  registerClient,
  revokeGrants,
  rotateClientSecret,
  updateClient,
  verifyAccessToken,
} from '../../src'
import { createHost, type Host, type HostOptions, pkce, type Tokens } from '../support/host'

let host: Host
beforeEach(() => begin())
async function begin(options: HostOptions = {}): Promise<void> {
  host = await createHost(options)
}

const codeOptions: IssueCodeOptions = { clientId: 'web', userId: 'alice', codeChallenge: pkce.challenge }
const invalidMetadata = { code: 'invalid_client_metadata' }

describe('registerClient', () => {
  it('makes what is left out, and says the secret this once', async () => {
    const { client, clientSecret } = await registerClient(host.server)
    expect(client).toEqual({
      clientId: expect.stringMatching(/^[\w-]{22}$/),
      version: expect.any(Number),
      redirectUris: [],
      tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'],
      secrets: [{ digest: expect.stringMatching(/^[\w-]{43}$/), createdAt: host.clock.now }],
      createdAt: host.clock.now,
      updatedAt: host.clock.now,
    })
    expect(clientSecret).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(client)).not.toContain(clientSecret)
    expect(await host.server.storage.clients.find(client.clientId)).toEqual(client)
  })

  it('keeps a chosen secret as bcrypt, and a public client without any', async () => {
    const chosen = await registerClient(host.server, { clientSecret: 'a chosen secret' })
    expect(chosen.clientSecret).toBe('a chosen secret')
    expect(chosen.client.secrets).toEqual([
      { bcrypt: expect.stringMatching(/^\$2b\$10\$.{53}$/), createdAt: host.clock.now },
    ])
    const open = await registerClient(host.server, { tokenEndpointAuthMethods: ['none'] })
    expect(open).toEqual({ client: expect.objectContaining({ secrets: [] }) })
  })

  it('gives a client without grantTypes the code and the refresh token, and never more', async () => {
    const { clientId } = await host.register()
    const client = { ...host.web, clientId }
    const refused = await host.token(client, { client_id: clientId, grant_type: 'client_credentials' })
    expect(refused.status).toBe(401)
  })

  it.each<[string, RegisterClientOptions, string]>([
    ['clientId', { clientId: 'ä' }, 'clientId'],
    ['clientId, empty', { clientId: '' }, 'clientId'],
    ['clientSecret, 7 bytes', { clientSecret: '1234567' }, 'clientSecret'],
    ['clientSecret, 73 bytes', { clientSecret: `${'ä'.repeat(36)}x` }, 'clientSecret'],
    ['clientSecret, a variable that nobody has set', { clientSecret: String(undefined) }, 'not the text undefined'],
    ['clientSecret, null as text', { clientSecret: String(null) }, 'not the text null'],
    ['clientSecret, an object as text', { clientSecret: String({}) }, 'not the text [object Object]'],
    ['clientSecret, a null byte', { clientSecret: 'a secret\0' }, 'clientSecret'],
    ['scopes', { scopes: ['everything'] }, 'scopes'],
    ['defaultScopes', { scopes: ['read'], defaultScopes: ['write'] }, 'defaultScopes'],
    ['defaultScopes without scopes', { defaultScopes: ['read'] }, 'defaultScopes'],
    ['grantTypes', { grantTypes: ['password'] }, 'grantTypes'],
    ['tokenEndpointAuthMethods', { tokenEndpointAuthMethods: ['magic' as never] }, 'tokenEndpointAuthMethods'],
    ['name', { name: 'a\x07b' }, 'name'],
    ['name, too long', { name: 'x'.repeat(2001) }, 'name'],
    ['requirePkce', { requirePkce: 'yes' as never }, 'requirePkce'],
    ['resourceServer', { resourceServer: true, tokenEndpointAuthMethods: ['none'] }, 'resource server'],
  ])('names the member that is wrong: %s', async (_, options, member) => {
    const refused = registerClient(host.server, options)
    await expect(refused).rejects.toThrow(OAuthError)
    await expect(refused).rejects.toMatchObject({ ...invalidMetadata, status: 400 })
    await expect(refused).rejects.toThrow(member)
  })

  it('takes a secret of 72 bytes', async () => {
    await expect(registerClient(host.server, { clientSecret: 'ä'.repeat(36) })).resolves.toBeDefined()
  })

  it('names a redirect URI that is wrong', async () => {
    const refused = registerClient(host.server, { redirectUris: ['https://app.example/cb', 'http://app.example/'] })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_redirect_uri' })
  })

  it('lets one of 20 take an id', async () => {
    const tries = Array.from({ length: 20 }, () => registerClient(host.server, { clientId: 'mine' }))
    const results = await Promise.allSettled(tries)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    expect(refused).toHaveLength(19)
    for (const reason of refused) {
      expect(reason).toMatchObject({
        ...invalidMetadata,
        status: 409,
        description: expect.stringContaining('updateClient'),
      })
    }
  })

  it.each(['secrets', 'version', 'admin', 'requirePKCE'])(
    'refuses %s, which is no member of it, as updateClient does',
    async (member) => {
      const given = { clientId: 'new', [member]: true } as never
      await expect(registerClient(host.server, given)).rejects.toThrow(`Unknown registerClient option ${member}`)
      expect(await host.server.storage.clients.find('new')).toBeUndefined()
      await expect(updateClient(host.server, 'web', { [member]: true } as never)).rejects.toThrow(
        `Unknown updateClient member ${member}`,
      )
    },
  )
})

describe('updateClient', () => {
  it('changes what is named, and nothing else', async () => {
    host.clock.advance(5)
    const before = (await host.server.storage.clients.find('web')) as Client
    const after = await updateClient(host.server, 'web', { name: 'New' })
    expect(after).toEqual({ ...before, name: 'New', version: before.version + 1, updatedAt: host.clock.now })
  })

  it('changes nothing where a member is undefined: a setting that is not set is a mistake', async () => {
    const before = await host.server.storage.clients.find('web')
    for (const member of ['name', 'redirectUris', 'scopes', 'clientSecret']) {
      await expect(updateClient(host.server, 'web', { [member]: undefined })).rejects.toThrow(`${member} is undefined`)
    }
    expect(await host.server.storage.clients.find('web')).toEqual(before)
  })

  it('checks the record as a whole', async () => {
    await updateClient(host.server, 'web', { defaultScopes: ['write'] })
    await expect(updateClient(host.server, 'web', { scopes: ['read'] })).rejects.toMatchObject(invalidMetadata)
    const secret = updateClient(host.server, 'native', { clientSecret: 'a chosen secret' })
    await expect(secret).rejects.toMatchObject(invalidMetadata)
  })

  it('loses none of 20 changes at the same time', async () => {
    const names = ['name', 'description', 'username'] as const
    const before = (await host.server.storage.clients.find('web')) as Client
    await Promise.all([
      ...names.map((name) => updateClient(host.server, 'web', { [name]: name })),
      ...Array.from({ length: 17 }, () => updateClient(host.server, 'web', { requirePkce: true })),
    ])
    expect(await host.server.storage.clients.find('web')).toMatchObject({
      name: 'name',
      description: 'description',
      username: 'username',
      version: before.version + 20,
    })
  })

  it('gives up on storage that never takes the change', async () => {
    host.storage.replace('clients.update', () => false)
    await expect(updateClient(host.server, 'web', { name: 'x' })).rejects.toMatchObject({ status: 503 })
  })

  it('knows no client that is not there', async () => {
    await expect(updateClient(host.server, 'nobody', {})).rejects.toMatchObject({ code: 'invalid_client', status: 404 })
  })
})

describe('deleteClient', () => {
  it('ends everything of the client, revoked before and after', async () => {
    const tokens = await host.signIn()
    const code = await host.code()
    host.storage.calls.length = 0
    expect(await deleteClient(host.server, 'web')).toBe(true)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.revoke', 'clients.delete', 'grants.revoke'])
    expect(await host.isAlive(tokens)).toBe(false)
    await host.exchange(host.web, code).expect(401)
    expect(host.eventTypes()).toContain('client.deleted')
  })

  it('ends it also when the same id is registered again', async () => {
    const tokens = await host.signIn()
    await deleteClient(host.server, 'web')
    host.clock.advance(1)
    const again = await host.register({ clientId: 'web' })
    expect(await host.isAlive(tokens)).toBe(false)
    await host.refresh(again, tokens.refresh_token).expect(400)
    expect(await host.isAlive(await host.signIn(again))).toBe(true)
  })

  it('answers false when there was none', async () => {
    expect(await deleteClient(host.server, 'nobody')).toBe(false)
    expect(host.eventTypes()).toEqual([])
  })

  it('leaves nothing alive when it breaks off in between', async () => {
    const tokens = await host.signIn()
    host.storage.replace('clients.delete', () => Promise.reject(new Error('no database')))
    await expect(deleteClient(host.server, 'web')).rejects.toMatchObject({ status: 503 })
    expect(await host.isAlive(tokens)).toBe(false)
  })
})

it('issueTokens takes a user that was not found for a mistake, and never for nobody', async () => {
  const row = undefined as { id: string } | undefined
  const issued = issueTokens(host.server, { clientId: 'web', userId: row?.id as string })
  await expect(issued).rejects.toThrow('userId must be a non-empty string')
})

describe('rotateClientSecret', () => {
  it('gives a new secret, and ends the old one at once', async () => {
    const { clientSecret } = await rotateClientSecret(host.server, 'web')
    await host.token(host.web, { grant_type: 'client_credentials' }).expect(401)
    await host.token({ ...host.web, clientSecret }, { grant_type: 'client_credentials' }).expect(200)
    expect((await host.server.storage.clients.find('web'))?.secrets).toHaveLength(1)
  })

  it('is for every client that may have one, also where it may do without', async () => {
    const sometimes = await host.register({ tokenEndpointAuthMethods: ['none', 'client_secret_post'] })
    expect(sometimes.clientSecret).toBeDefined()
    const { clientSecret } = await rotateClientSecret(host.server, sometimes.clientId)
    expect(clientSecret).not.toBe(sometimes.clientSecret)
  })

  it('never makes an overlap longer than it was, and keeps no secret that is over', async () => {
    await rotateClientSecret(host.server, 'web', { overlap: 10 })
    await rotateClientSecret(host.server, 'web', { overlap: 1000 })
    const { now } = host.clock
    const expiries = async () =>
      (await host.server.storage.clients.find('web'))?.secrets.map(({ expiresAt }) => expiresAt)
    // in whole seconds: the last one counts
    expect(await expiries()).toEqual([undefined, now + 1001, now + 11])
    host.clock.advance(11)
    await rotateClientSecret(host.server, 'web', { overlap: 1000 })
    expect(await expiries()).toEqual([undefined, now + 1012, now + 1001])
  })

  it.each([-1, 1.5, Number.NaN, '60'])('refuses an overlap of %p', async (overlap) => {
    await expect(rotateClientSecret(host.server, 'web', { overlap: overlap as never })).rejects.toThrow(
      'rotateClientSecret({ overlap }) must be a whole number of seconds',
    )
  })

  it('has none for a public client', async () => {
    await expect(rotateClientSecret(host.server, 'native')).rejects.toMatchObject(invalidMetadata)
  })
})

describe('listClients', () => {
  it('lists all, or those of a user, ordered by id', async () => {
    await registerClient(host.server, { clientId: 'hers', username: 'alice' })
    expect((await listClients(host.server)).map(({ clientId }) => clientId)).toEqual(['api', 'hers', 'native', 'web'])
    expect((await listClients(host.server, { username: 'alice' })).map(({ clientId }) => clientId)).toEqual(['hers'])
  })
})

describe('issueCode', () => {
  it('issues a code that the client exchanges, by the same rules', async () => {
    const { code, expiresIn } = await issueCode(host.server, {
      ...codeOptions,
      redirectUri: host.web.redirectUri,
      scope: ['read'],
    })
    expect(expiresIn).toBe(60)
    expect(host.events).toContainEqual({
      at: host.clock.now,
      type: 'code.issued',
      clientId: 'web',
      userId: 'alice',
      scope: ['read'],
    })
    await host.exchange(host.web, code, { code_verifier: undefined }).expect(400)
    await host.exchange(host.web, code, { redirect_uri: 'https://app.example/other' }).expect(400)
    const { body } = await host.exchange(host.web, code).expect(200)
    expect((await host.me(body.access_token)).body.authInfo).toMatchObject({ userId: 'alice', scope: ['read'] })
  })

  it('issues a code without a redirect URI, where the client was given it in another way', async () => {
    const { code } = await issueCode(host.server, codeOptions)
    await host.exchange(host.web, code, { redirect_uri: 'https://evil.example' }).expect(400)
    await host.exchange(host.web, code, { redirect_uri: undefined }).expect(200)
  })

  it('issues a code without a challenge, where the client need not have one', async () => {
    const old = await host.register({ requirePkce: false })
    const { code } = await issueCode(host.server, { ...codeOptions, clientId: old.clientId, codeChallenge: undefined })
    await host.exchange(old, code, { redirect_uri: undefined, code_verifier: undefined }).expect(200)
  })

  it.each<[string, Partial<IssueCodeOptions>, object]>([
    ['an unknown client', { clientId: 'nobody' }, { code: 'invalid_client', status: 404 }],
    ['a client that may not use codes', { clientId: 'api' }, { code: 'unauthorized_client' }],
    ['a redirect URI of others', { redirectUri: 'https://evil.example' }, { code: 'invalid_request' }],
    ['more scope than the client may have', { scope: 'admin' }, { code: 'invalid_scope' }],
    ['an unknown scope', { scope: ['read', 'x'] }, { code: 'invalid_scope' }],
    ['no challenge', { codeChallenge: undefined }, { code: 'invalid_request' }],
    ['a challenge that is none', { codeChallenge: 'x' }, { code: 'invalid_request' }],
    ['no user', { userId: '' }, { name: 'TypeError' }],
    ['a user that is no id', { userId: { id: 'alice' } as never }, { name: 'TypeError' }],
  ])('refuses %s', async (_, options, error) => {
    await expect(issueCode(host.server, { ...codeOptions, ...options })).rejects.toMatchObject(error)
    expect(host.storage.storedIds()).toEqual([])
  })
})

it('issueCode says what it needs on a server without codes', async () => {
  const { server } = await createHost({ grants: [clientCredentials()] })
  await expect(issueCode(server, codeOptions)).rejects.toThrow('issueCode needs authorizationCode()')
})

describe('issueTokens', () => {
  it("issues a user's tokens, with a refresh token where the client may use it", async () => {
    const tokens = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'read' })
    expect((await host.me(tokens.access_token)).body.user).toEqual({ id: 'alice', name: 'Alice' })
    await host.refresh(host.web, String(tokens.refresh_token)).expect(200)
  })

  it('takes a request for what it is, and refuses another client or a grant beside it', async () => {
    const client = await host.storage.clients.find('web')
    const request = { client, grantType: 'urn:x', parameters: new Map(), startedAt: host.clock.now } as never
    await expect(issueTokens(host.server, { clientId: 'native', request })).rejects.toThrow('clientId must be that of')
    await expect(issueTokens(host.server, { clientId: 'web', grantType: 'urn:x', request })).rejects.toThrow(
      'the request has a grantType already',
    )
    await issueTokens(host.server, { clientId: 'web', request })
    expect(host.events).toContainEqual(expect.objectContaining({ type: 'token.issued', grantType: 'urn:x' }))
  })

  it('takes no text for a flag', async () => {
    const issued = issueTokens(host.server, { clientId: 'web', userId: 'alice', refreshToken: 'false' as never })
    await expect(issued).rejects.toThrow("issueTokens's refreshToken must be true or false")
  })

  it('issues none where the host says so', async () => {
    const tokens = await issueTokens(host.server, { clientId: 'web', userId: 'alice', refreshToken: false })
    expect(tokens).not.toHaveProperty('refresh_token')
  })

  it("issues a client's own token, without a refresh token unless the host says so", async () => {
    expect(await issueTokens(host.server, { clientId: 'web' })).not.toHaveProperty('refresh_token')
    const tokens = await issueTokens(host.server, { clientId: 'web', refreshToken: true })
    expect((await host.refresh(host.web, String(tokens.refresh_token)).expect(200)).body.scope).toBe('read write')
  })

  it.each<[string, object, object]>([
    ['an unknown client', { clientId: 'nobody' }, { code: 'invalid_client', status: 404 }],
    ['an unknown scope', { clientId: 'web', scope: 'x' }, { code: 'invalid_scope' }],
    ['an empty user', { clientId: 'web', userId: '' }, { name: 'TypeError' }],
    ['a user that is no id', { clientId: 'web', userId: Number.NaN }, { name: 'TypeError' }],
    ['a user that is null', { clientId: 'web', userId: null }, { name: 'TypeError' }],
    [
      'a refresh token for a client that may not use it',
      { clientId: 'api', userId: 'alice', refreshToken: true },
      { code: 'unauthorized_client' },
    ],
  ])('refuses %s', async (_, options, error) => {
    await expect(issueTokens(host.server, options as never)).rejects.toMatchObject(error)
    expect(host.storage.storedIds()).toEqual([])
  })

  it('answers what the token endpoint would, tokenResponse included', async () => {
    await begin({ tokenResponse: (body, { grantType }) => ({ ...body, grantType }) })
    expect(await issueTokens(host.server, { clientId: 'web' })).toHaveProperty('grantType', 'issueTokens')
  })
})

describe('verifyAccessToken', () => {
  it('says what a token stands for', async () => {
    const { access_token } = await host.signIn(host.web, { scope: 'read' })
    expect(await verifyAccessToken(host.server, access_token, { scope: 'read' })).toEqual({
      clientId: 'web',
      userId: 'alice',
      scope: ['read'],
      expiresAt: host.clock.now + 3600,
      grantId: access_token.split('~')[0],
    })
  })

  it('throws what the guard would answer', async () => {
    const { access_token } = await host.signIn(host.web, { scope: 'read' })
    const verify = (token: unknown, scope: string | string[] = []) =>
      verifyAccessToken(host.server, token as string, { scope })
    await expect(verify(access_token, ['read', 'write'])).rejects.toMatchObject({
      code: 'insufficient_scope',
      status: 403,
    })
    for (const token of ['x', '', undefined, null, {}, ['a']]) {
      await expect(verify(token)).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
    }
    host.storage.replace('grants.find', () => Promise.reject(new Error('no database')))
    await expect(verify(access_token)).rejects.toMatchObject({ code: 'server_error', status: 503 })
    host.storage.restore()
    host.people.delete('alice')
    await expect(verify(access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })
})

describe('listGrants', () => {
  it('lists the authorizations in force: of a user, of a client, of both', async () => {
    const ofWeb = await host.signIn(host.web, { scope: 'read' })
    await host.signIn(host.native)
    await host.signIn(host.web, {}, 'bob')
    await issueTokens(host.server, { clientId: 'web' })
    const listed = async (query: object) =>
      (await listGrants(host.server, query)).map(({ clientId, userId }) => `${clientId} ${userId}`).sort()
    expect(await listed({})).toEqual(['native alice', 'web alice', 'web bob'])
    expect(await listed({ userId: 'alice' })).toEqual(['native alice', 'web alice'])
    expect(await listed({ clientId: 'web' })).toEqual(['web alice', 'web bob'])
    expect(await listGrants(host.server, { userId: 'alice', clientId: 'web' })).toEqual([
      {
        id: ofWeb.access_token.split('~')[0],
        clientId: 'web',
        userId: 'alice',
        scope: ['read'],
        data: {},
        startedAt: host.clock.now,
        expiresAt: host.clock.now + 14 * 24 * 3600,
      },
    ])
  })

  it('leaves out what was revoked or has expired', async () => {
    const tokens = await host.signIn()
    await host.signIn()
    await host.revoke(host.web, tokens.refresh_token)
    expect(await listGrants(host.server)).toHaveLength(1)
    host.clock.advance(14 * 24 * 3600)
    expect(await listGrants(host.server)).toEqual([])
  })

  it('lists more than a page of storage holds', async () => {
    for (let i = 0; i < 201; i++) await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    const ids = (await listGrants(host.server, { userId: 'alice' })).map(({ id }) => id)
    expect(new Set(ids).size).toBe(201)
  })

  it('ends on storage whose list does not advance', async () => {
    const grant = { id: 'x', clientId: 'web', scope: [], startedAt: 0, expiresAt: host.clock.now + 10, data: {} }
    host.storage.replace('grants.list', () => Array(100).fill(grant))
    await expect(listGrants(host.server)).rejects.toMatchObject({ status: 503 })
  })
})

describe('revokeGrants', () => {
  let hers: Tokens
  let his: Tokens
  let native: Tokens
  beforeEach(async () => {
    hers = await host.signIn()
    his = await host.signIn(host.web, {}, 'bob')
    native = await host.signIn(host.native)
  })
  const alive = async () => [await host.isAlive(hers), await host.isAlive(his), await host.isAlive(native)]
  const canRefresh = async () => [
    (await host.refresh(host.web, hers.refresh_token)).status === 200,
    (await host.refresh(host.web, his.refresh_token)).status === 200,
    (await host.refresh(host.native, native.refresh_token)).status === 200,
  ]

  it.each([
    ['one authorization', () => ({ grantId: hers.access_token.split('~')[0] as string }), [false, true, true]],
    ['a user: sign out everywhere', () => ({ userId: 'alice' }), [false, true, false]],
    ['a client', () => ({ clientId: 'web' }), [false, false, true]],
  ])('ends %s: codes, access tokens and refresh tokens, in one call', async (_, target, expected) => {
    host.storage.calls.length = 0
    await revokeGrants(host.server, target())
    expect(host.storage.calls).toEqual(['grants.revoke'])
    expect(await alive()).toEqual(expected)
    expect(await canRefresh()).toEqual(expected)
    expect(host.events).toContainEqual({ type: 'grant.revoked', at: host.clock.now, ...target() })
  })

  it('ends codes that were not exchanged yet', async () => {
    const code = await host.code()
    await revokeGrants(host.server, { userId: 'alice' })
    await host.exchange(host.web, code).expect(400)
  })

  it("ends a client's own tokens", async () => {
    const own = await issueTokens(host.server, { clientId: 'web', scope: 'read' })
    await revokeGrants(host.server, { clientId: 'web' })
    expect(await host.isAlive(own)).toBe(false)
  })

  it('does not touch what begins in the next second', async () => {
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(1)
    expect(await host.isAlive(await host.signIn())).toBe(true)
  })

  it.each([
    {},
    { userId: '' },
    { userId: { id: 'alice' } },
    { userId: 'alice', clientId: 'web' },
    { grantId: null },
    undefined,
  ])('refuses %j, which names not one of the three', async (target) => {
    await expect(revokeGrants(host.server, target as never)).rejects.toThrow(TypeError)
    expect(await alive()).toEqual([true, true, true])
  })

  it('goes by the member that is there, not by one that is undefined', async () => {
    await revokeGrants(host.server, { userId: undefined, clientId: 'web' } as never)
    expect(await alive()).toEqual([false, false, true])
  })

  it('throws, and does not pretend, when storage fails', async () => {
    host.storage.replace('grants.revoke', () => Promise.reject(new Error('no database')))
    await expect(revokeGrants(host.server, { userId: 'alice' })).rejects.toMatchObject({ status: 503 })
    expect(host.eventTypes()).not.toContain('grant.revoked')
  })
})

describe('deleteExpired', () => {
  it('answers how many codes and tokens went, and takes no other', async () => {
    const tokens = await host.signIn()
    await issueTokens(host.server, { clientId: 'web' })
    expect(await deleteExpired(host.server)).toBe(0)
    host.clock.advance(3600)
    expect(await deleteExpired(host.server)).toBe(3)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })

  it('lets other work be done between batches, also with a store that answers in the same turn', async () => {
    let turns = 0
    const seen: number[] = []
    host.storage.replace('grants.deleteExpired', () => {
      seen.push(turns)
      setImmediate(() => turns++)
      return seen.length < 4 ? 1000 : 0
    })
    await deleteExpired(host.server)
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('goes on while there is more than one batch', async () => {
    const left = [1000, 1000, 3]
    host.storage.replace('grants.deleteExpired', () => left.shift())
    expect(await deleteExpired(host.server)).toBe(2003)
  })
})

describe('a password reset', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['issueTokens', () => issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })],
    ['issueCode', () => issueCode(host.server, codeOptions)],
  ])('while %s is under way leaves nothing alive', async (_, issue) => {
    const pause = host.storage.pauseBefore('grants.insert')
    const issued = issue()
    await pause.reached
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(1)
    pause.resume()
    const { access_token, code } = (await issued) as { access_token?: string; code?: string }
    if (access_token !== undefined) expect(await host.isAlive({ access_token })).toBe(false)
    else await host.exchange(host.web, String(code), { redirect_uri: undefined }).expect(400)
  })
})
