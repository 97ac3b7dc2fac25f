// ATTACKS.md row 10: what a replay is made of opened the live session as long as nobody refreshed: a refresh token that was
// used a week ago, found in an old log, and a copy of the store were enough. It goes when the replay window does.
import express from 'express'
import request from 'supertest'
import {
  createAuthorizationServer,
  deleteExpired,
  generateSigningKey,
  jwt,
  memoryStorage,
  opaque,
  refreshToken,
  tokenRouter,
} from '../../src/index'
import type { AccessTokenFormat } from '../../src/types/access-token'
import { createHost, encode, type Host, issuer, type Tokens } from '../support/host'

const WEEK = 7 * 86_400
const formats: [string, () => AccessTokenFormat][] = [
  ['opaque tokens', () => opaque({ ttl: 2 * WEEK })],
  ['JWTs', () => jwt({ keys: generateSigningKey(), audience: issuer, ttl: 2 * WEEK })],
]

/** A thief who runs this very library over a copy of the store, by a clock of their own, and presents a token. */
async function presentToCopy(host: Host, format: AccessTokenFormat, token: string, now: number) {
  const storage = memoryStorage()
  for (const client of await host.storage.clients.list({ limit: 100 })) await storage.clients.insert(client)
  const found = await Promise.all(host.storage.storedIds().map((id) => host.storage.grants.find(id)))
  const rows = found.flatMap((row) => row ?? [])
  for (const grant of await host.storage.grants.list({ limit: 100 })) {
    await storage.grants.insert(
      rows.filter(({ grantId }) => grantId === grant.id),
      grant,
    )
  }
  const server = createAuthorizationServer({
    issuer,
    storage,
    scopes: [...host.server.scopes.keys()],
    accessTokens: format,
    now: () => now,
  })
  const parameters = { grant_type: 'refresh_token', refresh_token: token, client_id: 'native' }
  const app = express().use(tokenRouter(server))
  const { body } = await request(app).post('/').type('form').send(encode(parameters))
  return body as Partial<Tokens>
}

describe.each(formats)('a token of last week and a copy of the store, of %s,', (_, makeFormat) => {
  let host: Host
  let format: AccessTokenFormat
  let old: Tokens
  let live: Tokens
  let usedAt: number
  beforeEach(async () => {
    format = makeFormat()
    host = await createHost({ accessTokens: format })
    old = await host.signIn(host.native)
    live = (await host.refresh(host.native, old.refresh_token).expect(200)).body as Tokens
    usedAt = host.clock.now
  })
  const stolen = () => presentToCopy(host, format, old.refresh_token, usedAt)

  it('are the session within the window (so that the tests below mean something)', async () => {
    const { access_token, refresh_token } = await stolen()
    expect([access_token, refresh_token]).toEqual([live.access_token, live.refresh_token])
  })

  it('are nothing once what has expired is deleted', async () => {
    host.clock.advance(61)
    await deleteExpired(host.server)
    expect((await stolen()).access_token).toBeUndefined()
    host.clock.advance(WEEK - 61)
    expect((await stolen()).access_token).toBeUndefined()
    expect(await host.isAlive(live)).toBe(true)
    await host.refresh(host.native, live.refresh_token).expect(200)
  })

  it('are nothing once others have signed in, where nobody deletes', async () => {
    host.clock.advance(WEEK)
    for (let n = 0; n < 4; n++) await host.signIn(host.web, {}, 'bob')
    expect((await stolen()).access_token).toBeUndefined()
    await host.refresh(host.native, live.refresh_token).expect(200)
  })

  it('are nothing once the session went on', async () => {
    await host.refresh(host.native, live.refresh_token).expect(200)
    expect((await stolen()).access_token).toBeUndefined()
  })
})

it('where there is no window, nothing is kept for it', async () => {
  const format = opaque()
  const grants = [...(await createHost()).server.grants.values()].filter(
    ({ grantType }) => grantType !== 'refresh_token',
  )
  const host = await createHost({ grants: [...grants, refreshToken({ replayWindow: 0 })], accessTokens: format })
  const old = await host.signIn(host.native)
  await host.refresh(host.native, old.refresh_token).expect(200)
  expect((await presentToCopy(host, format, old.refresh_token, host.clock.now)).access_token).toBeUndefined()
})
