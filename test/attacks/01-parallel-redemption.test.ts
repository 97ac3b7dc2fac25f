// ATTACKS.md row 1: three popular libraries answered N parallel exchanges of one code with N grants of tokens.
import express from 'express'
import request from 'supertest'
import {
  authorizationCode,
  createAuthorizationServer,
  memoryStorage,
  type OAuthStorage,
  refreshToken,
  tokenRouter,
} from '../../src/index'
import { createHost, encode, type Host, issuer, pkce, type Tokens } from '../support/host'
import { gate } from '../support/storage'

const RACERS = 20

/** Every store that the attack is tried on. */
const storages: [string, () => OAuthStorage][] = [['memory', memoryStorage]]

/** A second process over the same store. */
function secondProcess(host: Host) {
  const server = createAuthorizationServer({
    issuer,
    storage: host.storage,
    scopes: [...host.server.scopes.keys()],
    users: { find: (id) => host.people.get(id) },
    now: () => host.clock.now,
  })
  return express().use('/oauth2/token', tokenRouter(server))
}

/** Nobody goes on before all have read: the worst moment for a store that reads first and writes then. */
function readTogether({ storage }: Host): void {
  const all = gate()
  let readers = 0
  storage.replace('grants.find', async (call) => {
    const found = await call()
    readers++
    if (readers === RACERS) all.open()
    await all.opened
    return found
  })
}

describe.each(storages)('parallel redemption over %s', (_, storage) => {
  let host: Host
  let apps: express.Express[]
  beforeEach(async () => {
    host = await createHost({ storage: storage() })
    apps = [host.app, secondProcess(host)]
  })

  /** The same request, at the same time, to both processes in turn. */
  const race = (parameters: Record<string, string>) => {
    readTogether(host)
    const body = encode({ client_id: host.native.clientId, ...parameters })
    const racers = Array.from({ length: RACERS }, (_, n) =>
      request(apps[n % 2] as express.Express)
        .post('/oauth2/token')
        .type('form')
        .send(body),
    )
    return Promise.all(racers)
  }
  const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()

  it('of one authorization code gives one grant of tokens, which lives', async () => {
    const code = await host.code(host.native)
    const redirect_uri = host.native.redirectUri
    const answers = await race({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: pkce.verifier })
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
    expect(await host.isAlive(winners[0]?.body)).toBe(true)
    const access = host.storage.storedIds().filter((id) => /~[ab]$/.test(id))
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
    await host.refresh(host.native, successor.refresh_token).expect(200)
  })

  it('of one refresh token for two payments (RFC 9396) gives the details of the first request alone', async () => {
    const payment = { members: ['amount'], check: () => {}, describe: () => 'Pay' }
    host = await createHost({ storage: storage(), authorizationDetails: { payment } })
    apps = [host.app, host.app]
    const pay = (amount: string) => JSON.stringify([{ type: 'payment', amount }])
    const both = JSON.stringify([JSON.parse(pay('1.00'))[0], JSON.parse(pay('2.00'))[0]])
    const tokens = await host.signIn(host.native, { scope: 'read', authorization_details: both })
    readTogether(host)
    const answers = await Promise.all(
      Array.from({ length: RACERS }, (_, n) =>
        host.refresh(host.native, tokens.refresh_token, { authorization_details: pay(n % 2 ? '1.00' : '2.00') }),
      ),
    )
    const winners = answers.filter(({ status }) => status === 200)
    const losers = answers.filter(({ status }) => status !== 200)
    expect(new Set(winners.map(({ text }) => text)).size).toBe(1)
    expect([winners.length, losers.length]).toEqual([RACERS / 2, RACERS / 2])
    for (const { body } of losers) expect(body.error).toBe('invalid_authorization_details')
    expect(await host.isAlive(winners[0]?.body)).toBe(true)
  })

  it('of one refresh token gives one successor at most where no window is open', async () => {
    host = await createHost({ storage: storage(), grants: [authorizationCode(), refreshToken({ replayWindow: 0 })] })
    apps = [host.app, host.app]
    const tokens = await host.signIn(host.native)
    const answers = await race({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
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
