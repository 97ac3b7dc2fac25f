// ATTACKS.md row 58: what an exchanged token keeps of its subject token: the keys, the names that a client may know, and its end.
import {
  authorizationCode,
  clientCredentials,
  consentPage,
  dpop,
  generateSigningKey,
  issueTokens,
  jwt,
  mutualTls,
  refreshToken,
  revokeGrants,
  type TokenExchangeOptions,
  tokenExchange,
  updateClient,
} from '../../src/index'
import { openid, pairwise } from '../../src/openid'
import { issuePersonalToken, listPersonalTokens, personalTokens } from '../../src/personal-tokens'
import { certificate, inHeader } from '../support/certificates'
import { proof, proofKey } from '../support/dpop'
import { createHost, type HostOptions, issuer, type Parameters, type TestClient } from '../support/host'

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const ticket = 'urn:example:token-type:ticket'
const ofActor = (token: string) => ({ actor_token: token, actor_token_type: accessToken })

async function createExchange(options: HostOptions = {}, offered: Partial<TokenExchangeOptions> = {}) {
  const allow: TokenExchangeOptions['allow'] = ({ subject }) => ({ userId: subject.userId, refreshToken: true })
  const exchanging = tokenExchange({ allow, tokenTypes: { [ticket]: () => ({ userId: 'bob' }) }, ...offered })
  const grants = [authorizationCode(), clientCredentials(), refreshToken(), exchanging]
  const host = await createHost({ grants, ...options })
  const grantTypes = [grant, 'authorization_code', 'client_credentials', 'refresh_token']
  const backend = await host.register({ clientId: 'backend', grantTypes }, 'https://backend.example/cb')
  const send = (token: string, more: Parameters = {}, client: TestClient = backend) =>
    host.token(client, { grant_type: grant, subject_token: token, subject_token_type: accessToken, ...more })
  return { host, backend, send }
}

it('a token bound to a certificate is exchanged by its client, or acts, with that certificate only', async () => {
  const [one, two] = [certificate({ subject: '/CN=one' }), certificate({ subject: '/CN=two' })].map(inHeader)
  const tls = mutualTls({ certificate: (req) => req.headers['x-cert'] as string | undefined })
  const { host, send } = await createExchange({ senderConstraints: [tls] })
  for (const id of ['web', 'backend'])
    await updateClient(host.server, id, { tlsClientCertificateBoundAccessTokens: true })
  const subject = (await host.exchange(host.web, await host.code()).set('x-cert', one as string)).body.access_token
  const own = { grant_type: 'client_credentials' }
  const actor = (await host.token(host.web, own).set('x-cert', one as string)).body.access_token
  await send(subject, {}, host.web)
    .set('x-cert', two as string)
    .expect(400)
  await send(subject, ofActor(actor))
    .set('x-cert', two as string)
    .expect(400)
  await send(subject, {}, host.web)
    .set('x-cert', one as string)
    .expect(200)
})

it('a stolen token bound to a key is not exchanged by a public client with the key of the thief', async () => {
  const { host, send } = await createExchange({ senderConstraints: [dpop()] }, { publicClients: ['spa'] })
  const spa = await host.register({ clientId: 'spa', tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
  const [own, thief] = [await proofKey(), await proofKey()]
  const tokens = (await host.exchange(host.web, await host.code()).set('DPoP', await proof(own))).body
  await send(tokens.access_token, {}, spa)
    .set('DPoP', await proof(thief))
    .expect(400)
  await send(tokens.access_token, {}, spa)
    .set('DPoP', await proof(own))
    .expect(200)
})

it.each(['jwt', 'opaque'])('a client with %s tokens does not learn the id of who acts (Core §8.1)', async (form) => {
  const keys = generateSigningKey()
  const { host, backend, send } = await createExchange({
    ...(form === 'jwt' && { accessTokens: jwt({ keys, audience: issuer }) }),
    openid: openid({
      keys,
      authentication: () => ({ time: 1_800_000_000 }),
      subject: pairwise({ salt: 'x'.repeat(40) }),
    }),
  })
  for (const id of ['web', 'backend']) await updateClient(host.server, id, { scopes: ['read', 'write', 'openid'] })
  const alice = await host.signIn(host.web, { scope: 'read openid' })
  const bob = await issueTokens(host.server, { clientId: 'backend', userId: 'bob', scope: 'read' })
  const { body } = await send(alice.access_token, ofActor(bob.access_token)).expect(200)
  const seen = [(await host.introspect(backend, body.access_token)).body]
  if (form === 'jwt') seen.push(JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()))
  for (const { sub, act } of seen) {
    expect([sub, act.sub].filter((name) => ['alice', 'bob'].includes(name))).toEqual([])
    expect(act.sub).toEqual(expect.any(String))
  }
  expect((await host.me(body.access_token)).body.authInfo.actor.sub).toBe('bob')
})

it('a yes of the host to an exchange is no yes of the user on the consent page', async () => {
  const decide = consentPage({ signIn: '/login', switchUser: '/logout', remember: true })
  const { host, backend, send } = await createExchange({ decide })
  await send('a ticket', { subject_token_type: ticket }).expect(200)
  expect((await host.authorize(backend, { scope: 'read' }, 'bob')).status).toBe(200)
})

it('a token that was exchanged for one of an exchanged session ends with that session', async () => {
  const { host, backend, send } = await createExchange()
  const alice = await host.signIn()
  const first = (await send(alice.access_token).expect(200)).body
  const second = (await send(first.access_token, {}, host.web).expect(200)).body
  expect(await host.isAlive(second)).toBe(true)
  await host.revoke(backend, first.refresh_token).expect(200)
  expect([await host.isAlive(second), await host.isAlive(alice)]).toEqual([false, true])
})

it('the access token lives no longer than those of its client', async () => {
  const { host, send } = await createExchange({}, { allow: ({ subject }) => ({ userId: subject.userId }) })
  await updateClient(host.server, 'backend', { accessTokenTtl: 60 })
  const { body } = await send((await host.signIn()).access_token).expect(200)
  expect(body.expires_in).toBe(60)
  host.clock.advance(61)
  expect(await host.isAlive(body)).toBe(false)
})

it('no session goes on for an actor who is somebody else, and may have left since', async () => {
  const { host, backend, send } = await createExchange()
  const alice = await host.signIn()
  const bob = await host.signIn(backend, {}, 'bob')
  const { body } = await send(alice.access_token, ofActor(bob.access_token)).expect(200)
  expect(body.refresh_token).toBeUndefined()
  await revokeGrants(host.server, { userId: 'bob' })
})

it('a limit that the source client gets later holds for the sessions that came of its own', async () => {
  const { host, backend, send } = await createExchange()
  const alice = await host.signIn()
  const { body } = await send(alice.access_token).expect(200)
  await updateClient(host.server, 'web', { refreshToken: { maxAge: 100, ttl: 100 } })
  host.clock.advance(200)
  await host.refresh(backend, body.refresh_token).expect(400)
})

describe('personal tokens', () => {
  const accessTokens = personalTokens({ prefix: 'acme_pat_' })

  it('are not made for a client whose tokens must be bound to its certificate', async () => {
    const { host } = await createExchange({
      accessTokens,
      senderConstraints: [mutualTls({ certificate: () => undefined })],
    })
    const bound = { tlsClientCertificateBoundAccessTokens: true }
    await host.register({ clientId: 'personal', grantTypes: [], scopes: ['read'], ...bound })
    const made = issuePersonalToken(host.server, { clientId: 'personal', userId: 'alice', name: 'x', expiresIn: 60 })
    await expect(made).rejects.toThrow('certificate')
  })

  it('say that they were used when they were exchanged', async () => {
    const { host, send } = await createExchange({ accessTokens })
    await host.register({ clientId: 'personal', grantTypes: [], scopes: ['read'], defaultScopes: ['read'] })
    const options = { clientId: 'personal', userId: 'alice', name: 'x', expiresIn: 600 }
    const { token } = await issuePersonalToken(host.server, options)
    const { body } = await send(token).expect(200)
    const lastUse = async () => (await listPersonalTokens(host.server, { userId: 'alice' }))[0]?.lastUsedAt
    while ((await lastUse()) === undefined) await new Promise(setImmediate)
    expect(await host.isAlive(body)).toBe(true)
  })
})
