// What examples/storage-adapter/README.md tells the writer of an adapter is what the library really does: what it hands to
// storage, in flows with ids as long as they may be and with hostile requests, and what a mark covers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import {
  approve,
  authorizationCode,
  authorizeRouter,
  bearerGuard,
  clientCredentials,
  consentPage,
  deviceCode,
  dpop,
  issueTokens,
  memoryStorage,
  pushedAuthorizationRequests,
  refreshToken,
  tokenRouter,
} from '../../src/index'
import { credential, grant, NOW } from '../../src/storage/contract/rows'
import { answerConsent, askConsent } from '../support/consent'
import { answerDevice, poll, startDevice } from '../support/device'
import { proof, proofKey } from '../support/dpop'
import { nastyText, runs } from '../support/fuzz'
import { answerOf, createHost, deviceGrant, type HostOptions, paths, pkce } from '../support/host'
import { bounds, documented, page } from './support/documented'

jest.setTimeout(120_000)

async function watched(options: HostOptions = {}) {
  const { storage, faults, kinds } = documented(memoryStorage())
  const host = await createHost({
    storage,
    throttle: false,
    grants: [authorizationCode(), clientCredentials(), refreshToken(), deviceCode()],
    requests: [pushedAuthorizationRequests()],
    senderConstraints: [dpop()],
    resources: ['https://api.example', 'https://mail.example'],
    ...options,
  })
  return { host, faults, kinds }
}

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
const keepable = nastyText.filter((text) => text !== '' && text.isWellFormed() && !text.includes('\0'))
/** Every text of `some`, and the longest. */
const upTo = (most: number, some: fc.Arbitrary<string>) =>
  fc.oneof(
    some.map((text) => text.slice(0, most)),
    some.map((text) => text.padEnd(most, 'x').slice(0, most)),
  )

it('the types say the same as the page', () => {
  const source = readFileSync(join(__dirname, '../../src/storage.ts'), 'utf8')
  const said: Record<string, unknown> = {}
  for (const [, owner = '', body = ''] of source.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)) {
    for (const [, words = '', name = ''] of body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)/g)) {
      const [, least, most, characters] = /(\d+) to (\d+) characters of[\s*]*`(\[.+\])`/.exec(words) ?? []
      if (characters) said[`${owner}.${name}`] = { least: Number(least), most: Number(most), characters }
    }
  }
  expect(said).toEqual(bounds)
  expect(Object.keys(bounds)).toHaveLength(9)
})

it('is handed what the page says by every flow, with the longest ids of users and clients', async () => {
  const seen = new Set<string>()
  const property = fc.asyncProperty(upTo(255, printable), keepable, keepable, async (clientId, userId, state) => {
    fc.pre(clientId !== '')
    const { host, faults, kinds } = await watched()
    const person = { id: userId, name: 'Someone' }
    for (const name of ['alice', userId]) host.people.set(name, person)
    const native = await host.register({
      clientId,
      tokenEndpointAuthMethods: ['none'],
      grantTypes: ['authorization_code', 'refresh_token', deviceGrant],
      resources: ['https://api.example', 'https://mail.example'],
    })
    const key = await proofKey()
    const first = await host.signIn(native, { state })
    const bound = { DPoP: await proof(key) }
    const second = await host.refresh(native, first.refresh_token, { resource: 'https://mail.example' }).set(bound)
    const third = await host.refresh(native, second.body.refresh_token ?? first.refresh_token)
    await host.introspect(host.api, third.body.access_token ?? first.access_token)
    await host.push(host.web, { state })
    const device = await startDevice(host, native)
    await answerDevice(host, device.user_code)
    host.clock.advance(60)
    await poll(host, native, device.device_code).expect(200)
    await host.token(host.web, { grant_type: 'client_credentials' }).expect(200)
    await host.revoke(native, first.access_token)
    await host.revoke(native, third.body.refresh_token ?? first.refresh_token)
    for (const kind of kinds) seen.add(kind)
    expect(faults).toEqual([])
  })
  await fc.assert(property, runs(12))
  expect([...seen].sort()).toEqual([
    'access_token',
    'authorization_code',
    'consent',
    'device_code',
    'device_entry',
    'jti',
    'pushed_request',
    'refresh_replay',
    'refresh_token',
    'user_code',
  ])
})

it('is handed the same by sessions that begin with an access token, however many come between', async () => {
  const { host, faults } = await watched({
    grants: [authorizationCode(), refreshToken()],
    mount(app, server) {
      const decide = approve({ clients: () => true, fromTokensOf: ['web'] })
      app.use(paths.authorize, bearerGuard(server, { user: false }), authorizeRouter(server, { decide }))
      app.use(paths.token, tokenRouter(server))
    },
  })
  let { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
  for (let times = 0; times < 5; times++) {
    const answer = await host.authorize(host.web).auth(access_token, { type: 'bearer' })
    const { body } = await host.exchange(host.web, answerOf(answer).code as string).expect(200)
    const { body: next } = await host.refresh(host.web, body.refresh_token).expect(200)
    access_token = next.access_token
  }
  expect(faults).toEqual([])
})

it('is handed the same by the consent page', async () => {
  const { host, faults, kinds } = await watched({ decide: consentPage({ signIn: '/login', switchUser: '/logout' }) })
  const { query, fields } = await askConsent(host, host.web)
  await answerConsent(host, query, fields)
  expect([...kinds]).toEqual(expect.arrayContaining(['consent', 'authorization_code']))
  expect(faults).toEqual([])
})

it('is asked for ids of our syntax only, whatever a stranger sends as a token, code, id or transaction', async () => {
  const { host, faults } = await watched()
  const { access_token, refresh_token } = await host.signIn()
  const code = await host.code()
  const pushed = (await host.push()).body.request_uri as string
  const nearly = fc
    .tuple(fc.constantFrom(access_token, refresh_token, code, pushed), fc.nat(), nastyText)
    .map(([token, at, text]) => token.slice(0, at % token.length) + text + token.slice((at % token.length) + 1))
  const property = fc.asyncProperty(fc.oneof(nearly, nastyText), async (text) => {
    await host.refresh(host.web, text)
    await host.exchange(host.web, text)
    await poll(host, host.web, text)
    await host.introspect(host.api, text)
    await host.revoke(host.web, text)
    await host.open({ client_id: 'web', request_uri: text })
    await host.authorize(host.web, { client_id: text })
    await host
      .http()
      .post(paths.device)
      .set('X-User', 'alice')
      .type('form')
      .send({ device_transaction: text, user_code: text })
    if (/^[\x20-\x7e]*$/.test(text)) await host.me(text)
    expect(faults).toEqual([])
  })
  await fc.assert(property, { ...runs(120), interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false })
})

it('gets no more JSON than the page says, from the largest requests that are taken', async () => {
  const { host, faults, kinds } = await watched()
  const { clientId, redirectUri } = host.native
  const start = new URLSearchParams({
    ...{ client_id: clientId, redirect_uri: redirectUri, response_type: 'code', code_challenge: pkce.challenge },
    code_challenge_method: 'S256',
  })
  // JSON writes some of them as two characters, and some as six
  for (const character of ['x', '"', '\\', '\u0001', '\u007f', 'é', '\u2028']) {
    for (const bytes of [20_000, 60_000, 65_000]) {
      const state = character.repeat(bytes / Buffer.byteLength(character))
      await host.http().post(paths.pushedAuthorization).type('form').send(`${start}&state=${state}`).expect(201)
    }
  }
  expect([...kinds]).toEqual(['pushed_request'])
  expect(faults).toEqual([])
})

describe('a mark covers what the table of the page says', () => {
  const rows = [...page.matchAll(/^\| stored (before|after) `revoke` \| (.*) \| (have it|do not have it) \|$/gm)]
  const offsets: Record<string, number> = { 'before `now`': -1, '`now`': 0, 'after `now`': 1 }

  it('which has every case', () => {
    expect(rows).toHaveLength(6)
    expect(new Set(rows.map(([, when, started]) => `${when} ${started}`)).size).toBe(6)
  })

  it.each(rows.map((row) => row.slice(1) as [string, string, string]))(
    'a row stored %s it, with startedAt %s: find and list %s',
    async (when, started, answer) => {
      for (const target of [{ userId: 'ada' }, { clientId: 'client-1' }]) {
        const { grants } = memoryStorage()
        const startedAt = NOW + (offsets[started] as number)
        const [row, stored] = [
          credential({ grantId: 'g1', userId: 'ada', startedAt }),
          grant({ userId: 'ada', startedAt }),
        ]
        const insert = () => grants.insert([row], stored)
        if (when === 'before') await insert()
        await grants.revoke(target, NOW)
        if (when === 'after') await insert()
        const isThere = answer === 'have it'
        expect(await grants.find(row.id)).toEqual(isThere ? row : undefined)
        expect(await grants.list({ limit: 10 })).toEqual(isThere ? [stored] : [])
      }
    },
  )
})
