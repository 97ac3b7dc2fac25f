// ATTACKS.md row 19: whether a client or a user exists must not show in the work that a refusal costs. The work is
// counted, not timed: bcrypt jobs as the worker threads get them, and comparisons of digests in constant time.
import { allJobs, costOf } from '../passwords/recorded-workers'

jest.mock('node:worker_threads', () =>
  jest.requireActual<typeof import('../passwords/recorded-workers')>('../passwords/recorded-workers').workerThreads(),
)

const constantTime = { comparisons: 0 }
jest.mock('node:crypto', () => {
  const real = jest.requireActual<typeof import('node:crypto')>('node:crypto')
  const timingSafeEqual: typeof real.timingSafeEqual = (left, right) => {
    constantTime.comparisons++
    return real.timingSafeEqual(left, right)
  }
  return { ...real, timingSafeEqual }
})

import {
  authorizationCode,
  bcryptPasswords,
  type Client,
  clientCredentials,
  consentPage,
  password,
  refreshToken,
  rotateClientSecret,
  updateClient,
} from '../../src/index'
import { hashSecret } from '../../src/passwords/bcrypt'
import { answerConsent, askConsent } from '../support/consent'
import { createHost, encode, type Host, paths, pkce } from '../support/host'

let host: Host
beforeAll(async () => {
  const hash = await hashSecret('the right one')
  const users: Record<string, { id: string; passwordHash: string | null }> = {
    alice: { id: 'alice', passwordHash: hash },
    bob: { id: 'bob', passwordHash: null },
  }
  const verify = bcryptPasswords({ findByUsername: (name) => (Object.hasOwn(users, name) ? users[name] : undefined) })
  host = await createHost({
    grants: [authorizationCode(), clientCredentials(), refreshToken(), password({ verify })],
    throttle: false,
  })
  await host.register({ clientId: 'chosen', clientSecret: 'a chosen secret' })
  await host.register({
    clientId: 'basic',
    clientSecret: 'a chosen secret',
    tokenEndpointAuthMethods: ['client_secret_basic'],
  })
  await host.register({ clientId: 'rotating' })
  await rotateClientSecret(host.server, 'rotating', { overlap: 60 })
  await host.register({ clientId: 'expired', clientSecret: 'a chosen secret' })
  const record = (await host.storage.clients.find('expired')) as Client
  const { version } = record
  const secrets = record.secrets.map((secret) => ({ ...secret, expiresAt: host.clock.now }))
  await host.storage.clients.update({ ...record, secrets, version: version + 1 }, version)
})

async function costsOf(attempt: () => PromiseLike<{ status: number; body: { error?: string } }>) {
  const before = allJobs().length
  const { status, body } = await attempt()
  return { status, error: body.error, costs: allJobs().slice(before).map(costOf) }
}

const post = (clientId: string, clientSecret?: string) => () =>
  host
    .http()
    .post(paths.token)
    .type('form')
    .send(encode({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }))
const basic = (clientId: string, clientSecret: string) => () =>
  host.http().post(paths.token).auth(clientId, clientSecret).type('form').send('grant_type=client_credentials')

describe('client authentication costs the same work,', () => {
  const refused = { status: 401, error: 'invalid_client', costs: [10] }

  it.each<[string, () => ReturnType<ReturnType<typeof post>>]>([
    ['unknown, in the body', post('nobody', 'guess')],
    ['unknown, in Basic', basic('nobody', 'guess')],
    ['known with a chosen secret, in the body', post('chosen', 'guess')],
    ['known with a chosen secret, in Basic', basic('chosen', 'guess')],
    ['known with a generated secret', post('web', 'guess')],
    ['known with two generated secrets', post('rotating', 'guess')],
    ['known without a secret', post('native', 'guess')],
    ['known with another method', post('basic', 'guess')],
    ['known with another method, and the right secret', post('basic', 'a chosen secret')],
    ['known with a secret that is over, and the right one', post('expired', 'a chosen secret')],
    ['known, and the secret is longer than bcrypt reads', post('chosen', 'x'.repeat(100))],
    ['unknown, and the secret is longer than bcrypt reads', post('nobody', 'x'.repeat(100))],
  ])('client %s', async (_, attempt) => {
    expect(await costsOf(attempt)).toEqual(refused)
  })

  // RFC 6749 §2.3.1 has Basic form-encoded, and half of the libraries send it raw: two readings, two looks, for everybody
  it.each<[string, () => ReturnType<ReturnType<typeof post>>]>([
    ['unknown', basic('nobody', 'gue%73s')],
    ['unknown, with an encoding in its id', basic('no%62ody', 'gue%73s')],
    ['known with a chosen secret', basic('chosen', 'gue%73s')],
    ['known with a generated secret', basic('web', 'gue%73s')],
  ])('in each reading of Basic: client %s', async (_, attempt) => {
    expect(await costsOf(attempt)).toEqual({ ...refused, costs: [10, 10] })
  })

  it.each([
    ['unknown', post('nobody')],
    ['known', post('web')],
    ['known with a chosen secret', post('chosen')],
  ])('and none where no secret was sent: client %s', async (_, attempt) => {
    expect(await costsOf(attempt)).toEqual({ ...refused, costs: [] })
  })
})

describe('a sign-in by password costs the same work,', () => {
  const signIn = (username: string, secret: string) => () =>
    host.token(host.web, { grant_type: 'password', username, password: secret })

  it.each([
    ['unknown', 'nobody', 'guess'],
    ['unknown, a name of Object.prototype', '__proto__', 'guess'],
    ['known', 'alice', 'guess'],
    ['known, without a password', 'bob', 'guess'],
    ['known, and the password is longer than bcrypt reads', 'alice', 'x'.repeat(100)],
    ['unknown, and the password is longer than bcrypt reads', 'nobody', 'x'.repeat(100)],
  ])('user %s', async (_, username, secret) => {
    expect(await costsOf(signIn(username, secret))).toEqual({ status: 400, error: 'invalid_grant', costs: [10] })
  })

  it('and the answers are the same to the letter', async () => {
    const texts = await Promise.all(
      ['nobody', 'alice', 'bob'].map(async (name) => (await signIn(name, 'guess')()).text),
    )
    expect(new Set(texts).size).toBe(1)
  })
})

describe('a secret is compared in constant time:', () => {
  /** Runs `attempt` and tells whether a comparison in constant time was among what it did. */
  const compares = async (attempt: () => PromiseLike<unknown>) => {
    constantTime.comparisons = 0
    await attempt()
    return constantTime.comparisons > 0
  }
  const wrong = (token: string) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`

  it('a generated client secret', async () => {
    expect(await compares(post('web', 'guess'))).toBe(true)
  })

  it('an authorization code, and its PKCE challenge', async () => {
    const code = await host.code(host.native)
    expect(await compares(() => host.exchange(host.native, wrong(code)))).toBe(true)
    const verifier = wrong(pkce.verifier)
    constantTime.comparisons = 0
    await host.exchange(host.native, code, { code_verifier: verifier })
    expect(constantTime.comparisons).toBe(2)
  })

  it('an access token and both halves of a refresh token', async () => {
    const tokens = await host.signIn(host.native)
    expect(await compares(() => host.me(wrong(tokens.access_token)))).toBe(true)
    const [id, secret = ''] = tokens.refresh_token.split('.') as [string, string]
    expect(
      await compares(() => host.refresh(host.native, `${id}.${wrong(secret.slice(0, 43))}${secret.slice(43)}`)),
    ).toBe(true)
    expect(await compares(() => host.revoke(host.native, wrong(tokens.access_token)))).toBe(true)
    expect(await compares(() => host.introspect(host.api, wrong(tokens.access_token)))).toBe(true)
    // a wrong rotating half with the right stable one is a reuse, and the end of the grant
    constantTime.comparisons = 0
    await host.refresh(host.native, wrong(tokens.refresh_token))
    expect(constantTime.comparisons).toBeGreaterThanOrEqual(2)
  })

  it('a consent transaction', async () => {
    const asking = await createHost({ decide: consentPage({ signIn: '/login' }) })
    const { query, fields } = await askConsent(asking, asking.web)
    const forged = { consent_transaction: wrong(fields.consent_transaction as string) }
    expect(await compares(() => answerConsent(asking, query, forged))).toBe(true)
  })
})

it('a changed secret is refused at once, whatever was remembered of the old one', async () => {
  await post('chosen', 'a chosen secret')().expect(400)
  await updateClient(host.server, 'chosen', { clientSecret: 'another chosen one' })
  expect((await post('chosen', 'a chosen secret')()).status).toBe(401)
})
