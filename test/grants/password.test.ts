import {
  deleteClient,
  OAuthError,
  type PasswordOptions,
  password,
  refreshToken,
  registerClient,
  revokeGrants,
} from '../../src/index'
import { createHost, type Host, type Parameters } from '../support/host'
import { gate } from '../support/storage'

let host: Host
beforeEach(() => begin())

const verify: PasswordOptions['verify'] = (username, secret) =>
  username === 'alice' && secret === 'correct horse' ? 'alice' : undefined

async function begin(check = verify): Promise<void> {
  host = await createHost({ grants: [password({ verify: check }), refreshToken()] })
}

const signIn = (parameters: Parameters = {}, client = host.web) =>
  host.token(client, { grant_type: 'password', username: 'alice', password: 'correct horse', ...parameters })

describe('the password grant (RFC 6749 §4.3)', () => {
  it('is not there unless it is named (RFC 9700 §2.4)', async () => {
    host = await createHost()
    expect((await signIn().expect(400)).body.error).toBe('unsupported_grant_type')
    const registration = registerClient(host.server, { grantTypes: ['password'] })
    await expect(registration).rejects.toThrow(/grantTypes must be grants that the server has/)
  })

  it('gives tokens for the right password', async () => {
    const { body } = await signIn({ scope: 'read' }).expect(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: expect.any(String),
      scope: 'read',
    })
    expect((await host.me(body.access_token)).body.user).toEqual({ id: 'alice', name: 'Alice' })
    await host.refresh(host.web, body.refresh_token).expect(200)
  })

  it('counts no attempt at a password that is not looked at, because too many wait', async () => {
    let isFull = true
    const requirePlace = () => {
      if (isFull) throw new OAuthError('temporarily_unavailable', 'Too many at once.', { status: 503 })
    }
    await begin(Object.assign(verify.bind(undefined), { requirePlace }))
    for (let tries = 0; tries < 30; tries++) await signIn().expect(503)
    isFull = false
    await signIn().expect(200)
  })

  it('takes two storage calls', async () => {
    await signIn().expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
  })

  it('is refused to a client whose record does not have it, before the password is looked at', async () => {
    const check = jest.fn(verify)
    await begin(check)
    const client = await host.register({ grantTypes: ['refresh_token'] })
    expect((await signIn({}, client).expect(400)).body.error).toBe('unauthorized_client')
    expect(check).not.toHaveBeenCalled()
  })

  it('works for a public client whose record has it', async () => {
    const client = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: ['password'] })
    await signIn({}, client).expect(200)
  })

  it.each<[string, Parameters]>([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown user', { username: 'mallory' }],
  ])('answers %s with the same invalid_grant (RFC 6749 §5.2)', async (_, parameters) => {
    const answer = await signIn(parameters).expect(400)
    expect(answer.body).toEqual({
      error: 'invalid_grant',
      error_description: 'The username or the password is wrong.',
    })
    expect(host.events).toMatchObject([{ type: 'password.failed', clientId: 'web' }])
  })

  it.each<[string, Parameters]>([
    ['no username', { username: undefined }],
    ['no password', { password: undefined }],
    ['an empty password', { password: '' }],
  ])('answers %s with invalid_request', async (_, parameters) => {
    expect((await signIn(parameters).expect(400)).body.error).toBe('invalid_request')
  })

  it('answers a wrong scope before the password is checked, so that it does not tell whether that was right', async () => {
    for (const secret of ['correct horse', 'wrong']) {
      const answer = await signIn({ scope: 'everything', password: secret }).expect(400)
      expect(answer.body.error).toBe('invalid_scope')
    }
  })

  it('gives nothing to a user whom users.find does not know', async () => {
    host.people.delete('alice')
    expect((await signIn().expect(400)).body.error).toBe('invalid_grant')
  })

  it.each<[string, PasswordOptions['verify'], string]>([
    ['an id', () => 'alice', 'alice'],
    ['a user value', () => ({ id: 'alice' }), 'alice'],
    ['a number', () => ({ id: 7 }), '7'],
    ['a bigint', () => ({ id: 7n }), '7'],
  ])('takes %s for a yes', async (_, check, id) => {
    await begin(check)
    host.people.set('7', { id: '7', name: 'Seven' })
    const { body } = await signIn().expect(200)
    expect((await host.me(body.access_token)).body.authInfo.userId).toBe(id)
  })

  it('says from where the password came, and needs a function', async () => {
    const seen: unknown[] = []
    await begin((...presented) => {
      seen.push(presented)
      return 'alice'
    })
    await signIn().expect(200)
    expect(seen).toEqual([['alice', expect.any(String), { network: '127.0.0.1' }]])
    for (const options of [undefined, {}, { verify: 'alice' }]) {
      expect(() => password(options as never)).toThrow(/^password\({ verify }\) must be a function/)
    }
  })

  it.each([0, -1, 1, 7, Number.NaN, 1n])('takes %p for a mistake: a count of rows would be a user', async (value) => {
    await begin(() => value as never)
    expect((await signIn().expect(500)).body.error).toBe('server_error')
    expect(String(host.reportedErrors()[0]?.cause)).toContain('password({ verify }) must return')
  })

  it.each([undefined, null, false, ''])('takes %p for a no', async (value) => {
    await begin(() => value as undefined)
    expect((await signIn().expect(400)).body.error).toBe('invalid_grant')
  })

  it.each<[unknown, RegExp]>([
    [true, /a boolean/],
    [{}, /an object without an id/],
    [{ id: '' }, /an empty id/],
    [{ id: null }, /an object without an id/],
    [{ _id: 'alice' }, /an object with _id and no id/],
    [{ sub: 'alice' }, /an object with sub and no id/],
    [{ id: { toString: () => 'alice' } }, /an id of type object/],
    [[], /a list/],
  ])('takes %j for a user without a usable id, and for a mistake of the host', async (value, words) => {
    await begin(() => value as never)
    expect((await signIn().expect(500)).body.error).toBe('server_error')
    const cause = String(host.reportedErrors()[0]?.cause)
    expect(cause).toContain('password({ verify }) returned')
    expect(cause).toContain('Return { id: String(…) }')
    expect(cause).toMatch(words)
  })

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ])('gives nothing when verify %s, and reports the cause', async (_, check) => {
    await begin(check)
    const answer = await signIn().expect(500)
    expect(answer.text).not.toContain('database')
    expect(host.reportedErrors()).toMatchObject([{ code: 'server_error', cause: { message: 'no database' } }])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['the password is reset and everything of the user revoked', () => revokeGrants(host.server, { userId: 'alice' })],
    ['the client is deleted', () => deleteClient(host.server, 'web')],
  ])('leaves nothing alive when %s between the check of the password and the insert', async (_, interrupt) => {
    const checked = gate()
    const revoked = gate()
    await begin(async (...presented) => {
      const user = await verify(...presented)
      checked.open()
      await revoked.opened
      return user
    })
    const answer = signIn().then((response) => response)
    await checked.opened
    await interrupt()
    host.clock.advance(1)
    revoked.open()
    const { body } = await answer
    expect(await host.isAlive(body)).toBe(false)
    expect((await host.refresh(host.web, body.refresh_token)).status).not.toBe(200)
  })

  it('lets the user sign in again in the second after everything was revoked', async () => {
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(1)
    expect(await host.isAlive((await signIn().expect(200)).body)).toBe(true)
  })
})
