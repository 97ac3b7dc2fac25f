// ATTACKS.md row 1: three popular libraries answered N parallel exchanges of one code with N grants of tokens.
import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  clientSecret,
  createAuthorizationServer,
  deviceCode,
  type GrantType,
  jwtBearer,
  memoryStorage,
  mutualTls,
  type OAuthStorage,
  refreshToken,
  tokenExchange,
  tokenRouter,
} from '../../src/index'
import { mysql, postgres, redis, sqlite } from '../storage/support/backends'
import { loadDriver } from '../storage/support/stores'
import { type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { certificate, inHeader, type TestCertificate } from '../support/certificates'
import { answerDevice, startDevice } from '../support/device'
import { createHost, deviceGrant, encode, type Host, issuer, pkce, type TestClient, type Tokens } from '../support/host'
import { gate, type StorageMethod } from '../support/storage'

const RACERS = 20
/** Milliseconds, for machines that are busy with something else. */
const PATIENCE = 120_000
const idp = 'https://idp.example'
const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

interface Opened {
  storage: OAuthStorage
  close: () => Promise<void>
}

/** Every store that the attack is tried on. */
const stores: [string, (name: string, body: () => void) => void, () => Promise<Opened>][] = [
  ['memory', describe, async () => ({ storage: memoryStorage(), close: async () => {} })],
  ...[sqlite, postgres, mysql, redis].map((backend): (typeof stores)[number] => [
    backend.name,
    backend.describe,
    async () => {
      const { store, stop } = await backend.start()
      const { storage, close } = await (await loadDriver(store.kind))(store)
      return { storage, close: () => close().then(stop) }
    },
  ]),
]

let key: ClientKey
/** Two of one client. */
let certificates: readonly [TestCertificate, TestCertificate]
beforeAll(async () => {
  key = await clientKey('ES256', 'idp')
  certificates = [certificate(), certificate()]
})

const payment = { members: ['amount'], check: () => {}, describe: () => 'Pay' }
const pay = (...amounts: string[]) => JSON.stringify(amounts.map((amount) => ({ type: 'payment', amount })))
const tls = mutualTls({ certificate: (req) => req.headers['x-client-cert'] })
/** What both processes have beside their grants. */
const common = {
  authorizationDetails: { payment },
  clientAuthentication: [clientSecret(), tls],
  senderConstraints: [tls],
}

const grantsOf = (): GrantType[] => [
  authorizationCode(),
  refreshToken(),
  deviceCode(),
  jwtBearer({ issuers: [{ issuer: idp, keys: [key.jwk] }], user: ({ sub }) => sub }),
  tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
]

/** A second process over the same store. */
function secondProcess(host: Host, grants = grantsOf()) {
  const server = createAuthorizationServer({
    issuer,
    storage: host.storage,
    scopes: [...host.server.scopes.keys()],
    users: { find: (id) => host.people.get(id) },
    grants,
    now: () => host.clock.now,
    ...common,
  })
  return express().use('/oauth2/token', tokenRouter(server))
}

/** Nobody goes on before all have called `method`: the worst moment for a store that reads first and writes then. */
function together({ storage }: Host, method: StorageMethod): void {
  const all = gate()
  let racers = 0
  storage.replace(method, async (call) => {
    // what reads is held after it has read, what writes before
    const found = method === 'grants.find' ? await call() : undefined
    racers++
    if (racers === RACERS) all.open()
    await all.opened
    return method === 'grants.find' ? found : call()
  })
}

describe.each(stores)('parallel redemption over %s', (_, describeStore, open) => {
  describeStore('', () => {
    let opened: Opened
    let host: Host
    let apps: express.Express[]
    beforeAll(async () => {
      jest.spyOn(console, 'info').mockImplementation(() => {})
      opened = await open()
      host = await createHost({ storage: opened.storage, grants: grantsOf(), ...common })
      apps = [host.app, secondProcess(host)]
    }, PATIENCE)
    afterEach(() => host.storage.restore())
    afterAll(async () => {
      await opened.close()
      jest.restoreAllMocks()
    }, PATIENCE)

    /** The same request, at the same time, to both processes in turn. */
    const race = (
      parameters: Record<string, string>,
      client: TestClient = host.native,
      at: StorageMethod = 'grants.find',
    ) => raceOf([parameters], client, at)
    /** The same with several requests in turn, each sent to both processes; and with the certificate of each. */
    const raceOf = (
      each: readonly Record<string, string>[],
      client: TestClient = host.native,
      at: StorageMethod = 'grants.find',
      held: readonly TestCertificate[] = [],
    ) => {
      together(host, at)
      const { clientId: client_id, clientSecret: client_secret } = client
      const racers = Array.from({ length: RACERS }, (_, n) => {
        const turn = Math.floor(n / 2)
        const made = held[turn % held.length]
        return request(apps[n % 2] as express.Express)
          .post('/oauth2/token')
          .type('form')
          .set(made ? { 'X-Client-Cert': inHeader(made) } : {})
          .send(encode({ client_id, client_secret, ...each[turn % each.length] }))
      })
      return Promise.all(racers)
    }
    /** A client that authenticates by one of two certificates, and whose tokens are bound to it (RFC 8705 §2.2, §3). */
    const certified = () =>
      host.register({
        ...{ tokenEndpointAuthMethods: ['self_signed_tls_client_auth'], tlsClientCertificateBoundAccessTokens: true },
        jwks: { keys: certificates.map(({ jwk }) => jwk) },
      })
    const boundTo = async ({ access_token }: Tokens) => (await host.introspect(host.api, access_token)).body.cnf
    /** Whose certificate came with the answer at this place. */
    const holderOf = (at: number) => certificates[Math.floor(at / 2) % 2] as TestCertificate
    const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()

    it('of one authorization code gives one grant of tokens, which lives', async () => {
      const code = await host.code(host.native)
      const redirect_uri = host.native.redirectUri
      const answers = await race({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: pkce.verifier })
      const winners = answers.filter(({ status }) => status === 200)
      expect(winners).toHaveLength(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      expect(await host.isAlive(winners[0]?.body)).toBe(true)
      const grantId = code.slice(0, code.indexOf('~'))
      const access = host.storage.storedIds().filter((id) => id.startsWith(grantId) && /~[ab]$/.test(id))
      expect(access).toHaveLength(1)
    })

    it('of one refresh token gives one successor, the same response to all inside the window', async () => {
      const tokens = await host.signIn(host.native)
      const answers = await race({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
      expect(statuses(answers)).toEqual(Array(RACERS).fill(200))
      const bodies = new Set(answers.map(({ text }) => text))
      expect(bodies.size).toBe(1)
      const successor = answers[0]?.body as Tokens
      expect(successor.refresh_token).not.toBe(tokens.refresh_token)
      expect(await host.isAlive(successor)).toBe(true)
      host.storage.restore()
      await host.refresh(host.native, successor.refresh_token).expect(200)
    })

    it('of one refresh token for two payments (RFC 9396) gives the details of the first request alone', async () => {
      const tokens = await host.signIn(host.native, { scope: 'read', authorization_details: pay('1.00', '2.00') })
      const asked = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token as string }
      const answers = await raceOf(['1.00', '2.00'].map((one) => ({ ...asked, authorization_details: pay(one) })))
      const winners = answers.filter(({ status }) => status === 200)
      const losers = answers.filter(({ status }) => status !== 200)
      expect(new Set(winners.map(({ text }) => text)).size).toBe(1)
      expect([winners.length, losers.length]).toEqual([RACERS / 2, RACERS / 2])
      for (const { body } of losers) expect(body.error).toBe('invalid_authorization_details')
      expect(await host.isAlive(winners[0]?.body)).toBe(true)
    })

    it('of one code for either of two payments (RFC 9396) pays one of them', async () => {
      const code = await host.code(host.native, { authorization_details: pay('1.00', '2.00') })
      const redirect_uri = host.native.redirectUri
      const asked = { grant_type: 'authorization_code', code, redirect_uri, code_verifier: pkce.verifier }
      const amounts = ['1.00', '2.00']
      const answers = await raceOf(amounts.map((one) => ({ ...asked, authorization_details: pay(one) })))
      const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
      expect(won).toHaveLength(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      const [at = -1] = won
      const { body } = answers[at] as { body: Tokens }
      expect(JSON.stringify(body.authorization_details)).toBe(pay(amounts[Math.floor(at / 2) % 2] as string))
      expect((await host.introspect(host.api, body.access_token)).body.authorization_details).toEqual(
        body.authorization_details,
      )
    })

    it('of one code with two certificates (RFC 8705 §3) gives one token, bound to that of the winner', async () => {
      const client = await certified()
      const code = await host.code(client)
      const redirect_uri = client.redirectUri
      const asked = { grant_type: 'authorization_code', code, redirect_uri, code_verifier: pkce.verifier }
      const answers = await raceOf([asked], client, 'grants.find', certificates)
      const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
      expect(won).toHaveLength(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      const [at = -1] = won
      expect(await boundTo(answers[at]?.body)).toEqual({ 'x5t#S256': holderOf(at).thumbprint })
    })

    it('of one refresh token with two certificates gives the response to the first of them alone', async () => {
      const client = await certified()
      const [first] = certificates
      const exchange = host.exchange(client, await host.code(client)).set('X-Client-Cert', inHeader(first))
      const tokens = (await exchange.expect(200)).body as Tokens
      const asked = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token as string }
      const answers = await raceOf([asked], client, 'grants.find', certificates)
      const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
      expect(won).toHaveLength(RACERS / 2)
      expect(new Set(won.map((at) => answers[at]?.text)).size).toBe(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      const [at = -1] = won
      expect(await boundTo(answers[at]?.body)).toEqual({ 'x5t#S256': holderOf(at).thumbprint })
      expect(host.eventTypes()).not.toContain('refresh.reused')
    })

    it('of one refresh token gives one successor at most where no window is open', async () => {
      const tokens = await host.signIn(host.native)
      const both = apps
      const grants = [authorizationCode(), refreshToken({ replayWindow: 0 })]
      apps = [secondProcess(host, grants), secondProcess(host, grants)]
      const answers = await race({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
      apps = both
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    })

    it('of one device code gives one grant of tokens, which lives', async () => {
      const { device_code, user_code } = await startDevice(host, host.web)
      await answerDevice(host, user_code)
      const answers = await race({ grant_type: deviceGrant, device_code }, host.web)
      const winners = answers.filter(({ status }) => status === 200)
      expect(winners).toHaveLength(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      expect(await host.isAlive(winners[0]?.body)).toBe(true)
    })

    it('of one assertion gives one token, which lives (RFC 7523 §3, item 7)', async () => {
      const assertion = await signAssertion('alice', key, { claims: { iss: idp } })
      const answers = await race({ grant_type: bearerGrant, assertion }, host.web, 'grants.insert')
      const winners = answers.filter(({ status }) => status === 200)
      expect(winners).toHaveLength(1)
      for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
      expect(await host.isAlive(winners[0]?.body)).toBe(true)
    })

    it('of one subject token gives each a token of its own, and ends none (RFC 8693 §2.1)', async () => {
      const tokens = await host.signIn(host.native)
      const subject = {
        subject_token: tokens.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }
      const answers = await race({ grant_type: exchangeGrant, ...subject }, host.web)
      expect(statuses(answers)).toEqual(Array(RACERS).fill(200))
      const made = answers.map(({ body }) => body as Tokens)
      expect(new Set(made.map(({ access_token }) => access_token)).size).toBe(RACERS)
      for (const one of [tokens, ...made]) expect(await host.isAlive(one)).toBe(true)
      host.storage.restore()
      await host.revoke(host.native, tokens.refresh_token).expect(200)
      for (const one of [tokens, ...made]) expect(await host.isAlive(one)).toBe(false)
    })

    it('of one access token at the revocation endpoint is 200 for all, and it is dead', async () => {
      const tokens = await host.signIn(host.native)
      const answers = await Promise.all(
        Array.from({ length: RACERS }, () => host.revoke(host.native, tokens.access_token)),
      )
      expect(statuses(answers)).toEqual(Array(RACERS).fill(200))
      expect(await host.isAlive(tokens)).toBe(false)
    })
  })
})
