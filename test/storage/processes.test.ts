// What only several processes can show: races between them, `kill -9` in the middle of everything, and a database that
// goes away. Apps are processes of their own (support/app.ts), stores are real servers.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  authorizationCode,
  clientCredentials,
  clientSecret,
  createAuthorizationServer,
  deviceCode,
  jwtBearer,
  mutualTls,
  type OAuthStorage,
  privateKeyJwt,
  refreshToken,
  registerClient,
  tokenExchange,
} from '../../src/index'
import { asserted, type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { certificate, inHeader, type TestCertificate } from '../support/certificates'
import { type ProofKey, proof, proofKey } from '../support/dpop'
import { type Answer, type App, type Apps, buildApps } from './support/apps'
import { type Backend, mysql, postgres, type RunningBackend, redis, sqlite } from './support/backends'
import * as session from './support/session'
import { loadDriver, type OpenStore } from './support/stores'

const RACERS = 50
/** Requests with DPoP proofs. */
const PROVERS = 20
/** Of each store with two processes, and again with four: 216 in all. */
const ROUNDS = 36
const KILLS = 50
/** Milliseconds, for machines that are busy with something else. */
const PATIENCE = 480_000
/** Clients that work at the same time. */
const WORKERS = 6

let apps: Apps
let key: ClientKey
/** Of the client `backend`, which exchanges tokens. */
let secret: string
/** Of as many instances of a client. */
let proofKeys: readonly ProofKey[]
/** All with the name that the record of one client has. */
let certificates: readonly TestCertificate[]
/** Of another name. */
let stranger: TestCertificate

beforeAll(async () => {
  key = await clientKey()
  apps = buildApps({ IDP_KEY: JSON.stringify(key.jwk) })
  certificates = Array.from({ length: 4 }, () => certificate({ names: 'DNS:certified.example' }))
  stranger = certificate({ names: 'DNS:stranger.example' })
  proofKeys = await Promise.all(Array.from({ length: PROVERS }, () => proofKey()))
})
afterAll(() => apps.stop())

describe.each([sqlite, postgres, mysql, redis])('$name', (backend: Backend) => {
  backend.describe('', () => {
    let running: RunningBackend
    let own: OpenStore

    beforeAll(async () => {
      running = await backend.start()
      own = await (await loadDriver(running.store.kind))(running.store)
      const server = createAuthorizationServer({
        issuer: session.issuer,
        storage: own.storage,
        scopes: ['read'],
        grants: [
          authorizationCode(),
          clientCredentials(),
          refreshToken(),
          deviceCode(),
          jwtBearer({ issuers: [{ issuer: session.idp, keys: [key.jwk] }], user: () => undefined }),
          tokenExchange({ allow: () => undefined }),
        ],
        clientAuthentication: [
          clientSecret(),
          privateKeyJwt(),
          mutualTls({ certificate: () => undefined, verified: () => true }),
        ],
      })
      await registerClient(server, {
        clientId: session.certifiedClientId,
        redirectUris: ['http://127.0.0.1/callback'],
        scopes: [session.scope],
        tokenEndpointAuthMethods: ['tls_client_auth'],
        tlsClientAuthSanDns: 'certified.example',
        tlsClientCertificateBoundAccessTokens: true,
      })
      await registerClient(server, {
        clientId: session.boundAppId,
        redirectUris: ['http://127.0.0.1/callback'],
        scopes: [session.scope],
        tokenEndpointAuthMethods: ['none'],
        tlsClientCertificateBoundAccessTokens: true,
      })
      await registerClient(server, {
        clientId: session.clientId,
        redirectUris: ['http://127.0.0.1/callback'],
        scopes: [session.scope],
        grantTypes: ['authorization_code', 'refresh_token', session.deviceGrant, session.bearerGrant],
        tokenEndpointAuthMethods: ['none'],
      })
      await registerClient(server, {
        clientId: 'robot',
        grantTypes: ['client_credentials'],
        scopes: [session.scope],
        tokenEndpointAuthMethods: ['private_key_jwt'],
        jwks: { keys: [key.jwk] },
      })
      const exchanger = { clientId: 'backend', grantTypes: [session.exchangeGrant], scopes: [session.scope] }
      secret = (await registerClient(server, exchanger)).clientSecret as string
      await registerClient(server, { clientId: session.personalClientId, grantTypes: [], scopes: [session.scope] })
    }, PATIENCE)
    afterAll(async () => {
      await own.close()
      await running.stop()
    })

    it.each([2, 4])(
      'has one winner in every race of %i processes',
      async (processes) => {
        const { kind } = running.store
        const started: App[] = []
        for (let n = 0; n < processes; n++) {
          started.push(await apps.start(running.store, n + 1 < processes ? kind : undefined))
        }
        for (let round = 0; round < ROUNDS; round++) {
          await raceOnce(started)
          await raceWithOneProof(started)
          await raceWithManyKeys(started, own.storage)
          if (round % 6 === 0) await raceOfDevices(started)
          if (round % 12 === 3) await raceOfAssertions(started)
          if (round % 12 === 3) await raceOfExchanges(started)
          if (round % 12 === 1) await raceOfCertificates(started, own.storage)
          if (round % 6 === 3) await raceOfPersonalToken(started, own.storage)
        }
        for (const app of started) {
          expect(app.unhandled).toEqual([])
          await app.kill()
        }
      },
      PATIENCE,
    )

    it(
      `loses nothing and doubles nothing when the app is killed ${KILLS} times in the middle of its work`,
      async () => {
        const { kind } = running.store
        let app = await apps.start(running.store, kind)
        const revoked: Session[] = []
        for (let kill = 0; kill < KILLS; kill++) {
          const sessions = await workUntilKilled(app)
          app = await apps.start(running.store, kill + 1 < KILLS ? kind : undefined)
          await Promise.all(sessions.map((one) => verifyAfterKill(app, own.storage, one)))
          revoked.push(...sessions.filter(({ state }) => state === 'revoked'))
        }
        expect(revoked.length).toBeGreaterThan(KILLS / 2)
        for (const one of revoked) await verifyRevoked(app, one)
        expect(app.unhandled).toEqual([])
        await app.kill()
      },
      PATIENCE,
    )

    const isServer = backend !== sqlite
    if (isServer) {
      it(
        'answers 503 while its connections are cut and the server restarts, and goes on by itself',
        async () => {
          const started = [await apps.start(running.store), await apps.start(running.store)]
          const load = loadOf(started)
          await load.sessions(10)
          await running.cut?.()
          await load.sessions(10)
          await running.restart?.()
          await load.sessions(10)
          const { answers, wrong } = await load.stop()
          expect(wrong).toEqual([])
          expect(answers.get(503)).toBeGreaterThan(0)
          expect((await happened(started)).error).toBeGreaterThan(0)
          for (const app of started) {
            expect(app.unhandled).toEqual([])
            await app.kill()
          }
        },
        PATIENCE,
      )
    }
  })
})

/** Fifty requests each with one assertion, pushed request, code and refresh token, spread over the processes. */
async function raceOnce(started: readonly App[]): Promise<void> {
  const race = (call: (app: App) => Promise<Answer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, racer) => call(started[racer % started.length] as App)))
  const first = started[0] as App

  const claims = { aud: session.issuer }
  const assertion = await signAssertion('robot', key, { claims, now: Math.floor(Date.now() / 1000) })
  const proven = await race((app) => app.post('/token', { grant_type: 'client_credentials', ...asserted(assertion) }))
  const replays = proven.filter(({ status, body }) => status === 401 && body.error === 'invalid_client')
  expect([proven.filter(({ status }) => status === 200).length, replays.length]).toEqual([1, RACERS - 1])

  const requestUri = await session.pushRequest(first)
  const answered = await race((app) => session.answerRequest(app, requestUri))
  const late = answered.filter(({ status, body }) => status === 400 && body.error === 'invalid_request_uri')
  expect([answered.filter(({ status }) => status === 200).length, late.length]).toEqual([1, RACERS - 1])

  const code = await session.newCode(first)
  const exchanged = await race((app) => session.exchange(app, code))
  const refused = exchanged.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant')
  expect([exchanged.filter(({ status }) => status === 200).length, refused.length]).toEqual([1, RACERS - 1])

  const winner = answered.find(({ status }) => status === 200) as Answer
  const paid = await session.exchange(first, winner.body.code as string)
  expect([paid.status, paid.body.authorization_details]).toEqual([200, session.details])
  await happened(started)
  const refreshed = await race((app) => session.refresh(app, session.tokensOf(paid)))
  expect(new Set(refreshed.map(({ status }) => status))).toEqual(new Set([200]))
  // RFC 9396: the same details from each process, whatever order its store keeps their members in
  for (const { body } of refreshed) expect(body.authorization_details).toEqual(session.details)
  const same = new Set(refreshed.map((answer) => JSON.stringify(session.tokensOf(answer))))
  expect(same.size).toBe(1)
  expect(await happened(started)).toEqual({ 'token.issued refresh_token': 1, 'refresh.replayed': RACERS - 1 })
  const answers = await Promise.all(started.map((app) => session.me(app, session.tokensOf(refreshed[0] as Answer))))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
}

/** A device that polls everywhere at once, whose user says yes everywhere at once: one answer counts, and one poll gets tokens. */
async function raceOfDevices(started: readonly App[]): Promise<void> {
  const race = (call: (app: App) => Promise<Answer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, racer) => call(started[racer % started.length] as App)))
  const { deviceCode, userCode } = await session.newDevice(started[0] as App)
  // kept across processes: whoever comes too soon anywhere is told so everywhere
  expect((await session.pollDevice(started[0] as App, deviceCode)).body.error).toBe('authorization_pending')
  const early = await race((app) => session.pollDevice(app, deviceCode))
  expect(Object.keys(kindsOf(early)).filter((kind) => !/^400 (slow_down|authorization_pending)$/.test(kind))).toEqual(
    [],
  )
  expect(kindsOf(early)['400 slow_down']).toBeGreaterThan(0)
  await happened(started)
  const approved = await race((app) => session.approveDevice(app, userCode))
  expect(approved.filter(({ status }) => status === 303)).toHaveLength(1)
  expect((await happened(started))['device.approved']).toBe(1)
  const polled = await race((app) => session.pollDevice(app, deviceCode))
  expect(kindsOf(polled)).toEqual({ '200 Bearer': 1, '400 invalid_grant': RACERS - 1 })
  const winner = polled.find(({ status }) => status === 200) as Answer
  expect((await session.me(started.at(-1) as App, session.tokensOf(winner))).status).toBe(200)
}

/** One assertion of another issuer everywhere at once (RFC 7523 §3, item 7): its `jti` counts once, and gives one token. */
async function raceOfAssertions(started: readonly App[]): Promise<void> {
  const claims = { iss: session.idp, sub: 'ada', aud: session.issuer }
  const assertion = await signAssertion('ada', key, { claims, now: Math.floor(Date.now() / 1000) })
  const answers = await inTurns(started, Array(RACERS).fill(assertion), session.bearAssertion)
  expect(kindsOf(answers)).toEqual({ '200 Bearer': 1, '400 invalid_grant': RACERS - 1 })
  const winner = session.tokensOf(answers.find(({ status }) => status === 200) as Answer)
  for (const app of started) expect((await session.me(app, winner)).status).toBe(200)
}

/** One subject token everywhere at once (RFC 8693): each exchange gives a token of its own, and ends none, until its grant ends. */
async function raceOfExchanges(started: readonly App[]): Promise<void> {
  const tokens = await session.newTokens(started[0] as App)
  const all = Array<string>(RACERS).fill(tokens.access_token)
  const exchange = (app: App, token: string) => session.exchangeToken(app, token, secret)
  const answers = await inTurns(started, all, exchange)
  expect(kindsOf(answers)).toEqual({ '200 Bearer': RACERS })
  const made = answers.map(session.tokensOf)
  expect(new Set(made.map(({ access_token }) => access_token)).size).toBe(RACERS)
  const seen = async (each: readonly session.Tokens[]) =>
    new Set((await inTurns([...started].reverse(), each, session.me)).map(({ status }) => status))
  expect(await seen([tokens, ...made])).toEqual(new Set([200]))
  // its grant ends in the middle of more of them
  const [late] = await Promise.all([inTurns(started, all, exchange), session.revoke(started.at(-1) as App, tokens)])
  const given = late.filter(({ status }) => status === 200).map(session.tokensOf)
  expect(late.filter(({ status }) => status !== 200 && status !== 400)).toEqual([])
  expect(await seen([tokens, ...made, ...given])).toEqual(new Set([401]))
}

/** A personal token that is used everywhere at once, and revoked by one of them: what was written of its use brings nothing back. */
async function raceOfPersonalToken(started: readonly App[], { grants }: OAuthStorage): Promise<void> {
  const race = (call: (app: App) => Promise<Answer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, racer) => call(started[racer % started.length] as App)))
  const [one, other] = [started[0] as App, started.at(-1) as App]
  const use = async (made: Answer) => {
    const answers = await race((app) => app.get('/me', String(made.body.token)))
    return [...new Set(answers.map(({ status }) => status))].sort()
  }
  const used = await one.post('/personal-tokens')
  expect(await use(used)).toEqual([200])
  for (let state: string | undefined; !state?.startsWith('used'); )
    state = (await grants.find(`${used.body.id}~p`))?.state
  const revoke = async ({ body }: Answer) => (await other.post(`/personal-tokens/${body.id}/revoke`)).body
  expect(await revoke(used)).toEqual({ revoked: true })
  expect(await use(used)).toEqual([401])

  const unused = await one.post('/personal-tokens')
  const [seen] = await Promise.all([use(unused), revoke(unused)])
  expect([[200], [200, 401], [401]]).toContainEqual(seen)
  expect(await use(unused)).toEqual([401])
  expect(await grants.find(`${unused.body.id}~p`)).toBeUndefined()
}

const signed = (by: ProofKey) => proof(by, { url: `${session.issuer}/token`, now: Math.floor(Date.now() / 1000) })
const inTurns = <T>(started: readonly App[], each: readonly T[], call: (app: App, one: T) => Promise<Answer>) =>
  Promise.all(each.map((one, racer) => call(started[racer % started.length] as App, one)))
/** How many answers there are of each kind. */
function kindsOf(answers: readonly Answer[]): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const { status, body } of answers) {
    const kind = `${status} ${body.error ?? body.token_type}`
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  return kinds
}

/** One DPoP proof, with an assertion for each request: the proof counts once (RFC 9449 §11.1), and who loses loses nothing else. */
async function raceWithOneProof(started: readonly App[]): Promise<void> {
  const [proofOfAll, ...others] = await Promise.all(proofKeys.map(signed))
  const claims = { aud: session.issuer }
  const now = Math.floor(Date.now() / 1000)
  const assertions = await Promise.all(proofKeys.map(() => signAssertion('robot', key, { claims, now })))
  const send = (app: App, assertion: string, dpop = '') =>
    app.post('/token', { grant_type: 'client_credentials', ...asserted(assertion) }, { dpop })

  const answers = await inTurns(started, assertions, (app, assertion) => send(app, assertion, proofOfAll))
  expect(kindsOf(answers)).toEqual({ '200 DPoP': 1, '400 invalid_dpop_proof': PROVERS - 1 })
  const losers = assertions.filter((_, racer) => answers[racer]?.status !== 200)
  const again = await inTurns(started, losers, (app, one) => send(app, one, others[losers.indexOf(one)]))
  expect(kindsOf(again)).toEqual({ '200 DPoP': PROVERS - 1 })
}

/** One code with as many keys: its tokens are bound to the key of the one that wins. */
async function raceWithManyKeys(started: readonly App[], { grants }: OAuthStorage): Promise<void> {
  const code = await session.newCode(started[0] as App)
  const proofs = await Promise.all(proofKeys.map(signed))
  const answers = await inTurns(started, proofs, (app, one) => session.exchange(app, code, one))
  expect(kindsOf(answers)).toEqual({ '200 DPoP': 1, '400 invalid_grant': PROVERS - 1 })
  const winner = proofKeys[answers.findIndex(({ status }) => status === 200)]
  for (const suffix of ['a', 'r']) {
    const row = await grants.find(`${session.grantOf(code)}~${suffix}`)
    expect(row?.data.bound).toMatchObject({ confirmation: { jkt: winner?.jkt } })
  }
}

/**
 * One code with several certificates (RFC 8705 §3): its tokens are bound to that of the one that wins, in each process. A
 * client that authenticates by one refreshes everywhere at once with its next one, and gets one successor, bound to that.
 */
async function raceOfCertificates(started: readonly App[], { grants }: OAuthStorage): Promise<void> {
  const { boundAppId, certifiedClientId } = session
  const first = started[0] as App
  const held = Array.from({ length: PROVERS }, (_, n) => certificates[n % certificates.length] as TestCertificate)
  const exchange = (code: string, client: string) => (app: App, one: TestCertificate) =>
    session.exchangeHolding(app, inHeader(one), code, client)
  const ofApp = await session.newCode(first, 'ada', boundAppId)
  const answers = await inTurns(started, held, exchange(ofApp, boundAppId))
  expect(kindsOf(answers)).toEqual({ '200 Bearer': 1, '400 invalid_grant': PROVERS - 1 })
  const at = answers.findIndex(({ status }) => status === 200)
  await verifyBound(started, grants, answers[at] as Answer, held[at] as TestCertificate)

  const code = await session.newCode(first, 'ada', certifiedClientId)
  // whoever is not the client uses nothing up, and ends nothing
  const strangers = Array<TestCertificate>(PROVERS).fill(stranger)
  const refused = await inTurns(started, strangers, exchange(code, certifiedClientId))
  expect(kindsOf(refused)).toEqual({ '401 invalid_client': PROVERS })
  const [one, next] = certificates as [TestCertificate, TestCertificate]
  const exchanged = await exchange(code, certifiedClientId)(first, one)
  await verifyBound(started, grants, exchanged, one)
  const { refresh_token } = session.tokensOf(exchanged)
  const form = { grant_type: 'refresh_token', client_id: certifiedClientId, refresh_token }
  const all = Array<TestCertificate>(RACERS).fill(next)
  const refreshed = await inTurns(started, all, (app, made) => session.holding(app, inHeader(made), form))
  expect(kindsOf(refreshed)).toEqual({ '200 Bearer': RACERS })
  expect(new Set(refreshed.map(({ body }) => body.access_token)).size).toBe(1)
  await verifyBound(started, grants, refreshed[0] as Answer, next)
}

/** Taken with that certificate in each process, and neither with another one nor without. */
async function verifyBound(
  started: readonly App[],
  grants: OAuthStorage['grants'],
  answer: Answer,
  to: TestCertificate,
): Promise<void> {
  const tokens = session.tokensOf(answer)
  const row = await grants.find(tokens.access_token.slice(0, tokens.access_token.indexOf('.')))
  expect(row?.data.bound).toMatchObject({ confirmation: { 'x5t#S256': to.thumbprint } })
  const others = certificates.filter((one) => one !== to)
  for (const app of started) {
    expect((await session.me(app, tokens, inHeader(to))).status).toBe(200)
    expect((await session.me(app, tokens)).status).toBe(401)
    for (const one of others) expect((await session.me(app, tokens, inHeader(one))).status).toBe(401)
  }
}

/** What the processes counted since they were asked last, in all. */
async function happened(started: readonly App[]): Promise<Record<string, number>> {
  const total: Record<string, number> = {}
  for (const app of started) {
    for (const [name, times] of Object.entries((await app.get('/happened')).body)) {
      total[name] = (total[name] ?? 0) + Number(times)
    }
  }
  return total
}

/** Clients that begin and end one session after another, and repeat what was answered 503. */
function loadOf(started: readonly App[]) {
  const answers = new Map<number, number>()
  const wrong: string[] = []
  let stopped = false
  let completed = 0

  /** Until the answer is another one than 503. */
  async function persist(what: string, call: () => Promise<Answer>, ...allowed: number[]): Promise<Answer> {
    for (;;) {
      const answer = await call()
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1)
      if (answer.status === 503) {
        await sleep(5)
        continue
      }
      if (!allowed.includes(answer.status)) wrong.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer
    }
  }
  async function work(app: App): Promise<void> {
    while (!stopped && wrong.length === 0) {
      const { body } = await persist('code', () => app.post('/code/ada'), 200)
      // What was answered 503 may have been done: then the code is used, and a second time must not work
      const exchanged = await persist('exchange', () => session.exchange(app, body.code as string), 200, 400)
      if (exchanged.status !== 200) continue
      const refreshed = await persist('refresh', () => session.refresh(app, session.tokensOf(exchanged)), 200)
      const tokens = session.tokensOf(refreshed)
      await persist('access', () => session.me(app, tokens), 200)
      await persist('revoke', () => session.revoke(app, tokens), 200)
      await persist('access after revocation', () => session.me(app, tokens), 401)
      completed++
    }
  }
  const working = Array.from({ length: WORKERS }, (_, worker) => work(started[worker % started.length] as App))

  return {
    /** Resolves after so many more whole sessions, by each worker. */
    async sessions(more: number): Promise<void> {
      const goal = completed + more * WORKERS
      while (completed < goal && wrong.length === 0) await sleep(5)
    },
    async stop() {
      stopped = true
      await Promise.all(working)
      return { answers, wrong }
    },
  }
}

/** What a client knows of its session. */
interface Session {
  code: string
  state: 'code' | 'live' | 'revoked'
  tokens?: session.Tokens
  /** The request that has no answer, so that it may have been done or not. */
  underWay?: 'exchange' | 'refresh' | 'revoke' | undefined
}

/** Clients at work, until the app is killed between two random answers. Gives what each of them knows then. */
async function workUntilKilled(app: App): Promise<Session[]> {
  const sessions: Session[] = []
  const end = 16 + Math.floor(Math.random() * 16)
  let answers = 0
  let killed: Promise<void> | undefined

  /** False: there was no answer, and there will be none. */
  function isAnswered({ status }: Answer): boolean {
    if (++answers === end) killed = app.kill()
    if (status !== 0 && status !== 200) throw new Error(`Under load: ${status}`)
    return status === 200
  }
  async function ask(one: Session, what: Session['underWay'], call: Promise<Answer>): Promise<Answer | undefined> {
    one.underWay = what
    const answer = await call
    if (!isAnswered(answer)) return undefined
    one.underWay = undefined
    return answer
  }
  async function work(worker: number): Promise<void> {
    for (let turn = worker; ; turn++) {
      const issued = await app.post('/code/ada')
      if (!isAnswered(issued)) return
      const one: Session = { code: issued.body.code as string, state: 'code' }
      sessions.push(one)
      const exchanged = await ask(one, 'exchange', session.exchange(app, one.code))
      if (!exchanged) return
      one.state = 'live'
      one.tokens = session.tokensOf(exchanged)
      for (let refreshes = turn % 3; refreshes > 0; refreshes--) {
        const refreshed = await ask(one, 'refresh', session.refresh(app, one.tokens))
        if (!refreshed) return
        one.tokens = session.tokensOf(refreshed)
      }
      if (turn % 3 === 2) continue
      if (!(await ask(one, 'revoke', session.revoke(app, one.tokens)))) return
      one.state = 'revoked'
    }
  }

  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
  await killed
  return sessions
}

async function verifyAfterKill(app: App, storage: OAuthStorage, one: Session): Promise<void> {
  await verifyWhole(storage, one)
  if (one.state === 'revoked') return verifyRevoked(app, one)
  const redeemed = async () => (await session.exchange(app, one.code)).status === 200
  if (!one.tokens) {
    const times = [await redeemed(), await redeemed()].filter(Boolean).length
    // the exchange that was not answered may have been the one
    expect(one.underWay === 'exchange' ? [0, 1] : [1]).toContain(times)
    return
  }
  const { status } = await session.me(app, one.tokens)
  if (one.underWay === 'revoke' && status === 401) return verifyRevoked(app, one)
  expect(status).toBe(200)
  // also where a refresh was not answered: it is repeated, and answered with what it had made, or with something new
  const refreshed = await session.refresh(app, one.tokens)
  expect(refreshed.status).toBe(200)
  expect((await session.me(app, session.tokensOf(refreshed))).status).toBe(200)
  expect(await redeemed()).toBe(false)
}

/**
 * All of a grant, or nothing of it. These are several reads, and the database may be at the last statement of the app that
 * was killed: what is mixed is read again, and half a grant would stay half.
 */
async function verifyWhole({ grants }: OAuthStorage, { code, state, underWay }: Session): Promise<void> {
  const id = session.grantOf(code)
  const partsOf = async () => {
    const [used, access, refresh] = await Promise.all(['c', 'a', 'r'].map((suffix) => grants.find(`${id}~${suffix}`)))
    const [listed] = await grants.list({ userId: 'ada', after: id.slice(0, -1), limit: 1 })
    return [used?.state === 'used', access !== undefined, refresh !== undefined, listed?.id === id]
  }
  let parts = await partsOf()
  for (let again = 0; again < 100 && new Set(parts).size > 1; again++) parts = await partsOf()
  expect(new Set(parts).size).toBe(1)
  if (state === 'live' && underWay !== 'revoke') expect(parts[0]).toBe(true)
}

async function verifyRevoked(app: App, { tokens }: Session): Promise<void> {
  if (!tokens) throw new Error('nothing was revoked')
  expect((await session.me(app, tokens)).status).toBe(401)
  expect((await session.refresh(app, tokens)).status).toBe(400)
}
