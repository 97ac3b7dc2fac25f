// ATTACKS.md row 43, of the store: everybody knows the id of a public client. What they can have stored in its name, by
// requests of their own making, is so much for each network; and who is right is not held up by it.
import { dpop, pushedAuthorizationRequests } from '../../src'
import { type ProofKey, proof, proofKey } from '../support/dpop'
import { createHost, type Host, issuer, paths } from '../support/host'

/** Stored requests of one network in a quarter of an hour. */
const MOST = 300

let key: ProofKey
let host: Host
beforeEach(async () => {
  key = await proofKey()
  host = await createHost({ requests: [pushedAuthorizationRequests()], senderConstraints: [dpop()] })
  host.app.set('trust proxy', 'loopback')
})

const from = (network: string) => ({ 'X-Forwarded-For': network })
const inserts = () => host.storage.calls.filter((call) => call === 'grants.insert').length
/** As often as that, one after the other: the statuses, each with how often it came. */
async function often(times: number, ask: (n: number) => Promise<{ status: number }>): Promise<Record<number, number>> {
  const found: Record<number, number> = {}
  for (let n = 0; n < times; n++) {
    const { status } = await ask(n)
    found[status] = (found[status] ?? 0) + 1
  }
  return found
}
const tooMany = {
  error: 'temporarily_unavailable',
  error_description: 'Too many requests of public clients. Try again later.',
}

it('a network has 300 requests of public clients pushed in a quarter of an hour, and then waits', async () => {
  const push = (network: string) => host.push(host.native).set(from(network))
  expect(await often(MOST + 20, () => push('198.51.100.1'))).toEqual({ 201: MOST, 429: 20 })
  expect(inserts()).toBe(MOST)
  const refused = await push('198.51.100.1')
  expect([refused.body, Number(refused.headers['retry-after']) > 0]).toEqual([tooMany, true])
  expect(host.events).toContainEqual(
    expect.objectContaining({ type: 'attempt.throttled', kind: 'public_client', clientId: 'native' }),
  )
  // others are not held up, nor a client there that proves who it is
  expect((await push('203.0.113.9')).status).toBe(201)
  expect((await host.push(host.web).set(from('198.51.100.1'))).status).toBe(201)
})

it('a /48 of IPv6 is one network', async () => {
  const ask = (n: number) => host.push(host.native).set(from(`2001:db8:1:${n.toString(16)}::1`))
  expect(await often(MOST + 5, ask)).toEqual({ 201: MOST, 429: 5 })
})

it('what is wrong with a pushed request is told as ever, and counts for nothing', async () => {
  const wrong = () => host.push(host.native, { redirect_uri: 'https://evil.example/' }).set(from('198.51.100.1'))
  expect(await often(MOST + 5, wrong)).toEqual({ 400: MOST + 5 })
  expect(inserts()).toBe(0)
})

it('proofs of a public client, for codes that are none: so many rows for a network, and no one else is shut out', async () => {
  const guess = async (network = '198.51.100.1') =>
    host
      .send(paths.token, host.native, { grant_type: 'refresh_token', refresh_token: 'made.up' })
      .set({ ...from(network), DPoP: await proof(key) })
  expect(await often(MOST + 20, () => guess())).toEqual({ 400: MOST, 429: 20 })
  expect(inserts()).toBe(MOST)
  expect((await guess()).body).toEqual(tooMany)
  expect((await guess('203.0.113.9')).body.error).toBe('invalid_grant')
})

it('a proof that comes with a pushed request counts with it, once', async () => {
  const push = async () =>
    host
      .push(host.native)
      .set({ ...from('198.51.100.1'), DPoP: await proof(key, { url: `${issuer}${paths.pushedAuthorization}` }) })
  expect(await often(MOST + 1, push)).toEqual({ 201: MOST, 429: 1 })
})

it('a network of users who sign in and refresh has no such limit', async () => {
  const proven = async (sent: ReturnType<Host['exchange']>) =>
    sent.set({ ...from('198.51.100.1'), DPoP: await proof(key, { now: host.clock.now }) })
  let token = (await proven(host.exchange(host.native, await host.code(host.native)))).body.refresh_token
  const ask = async () => {
    const answer = await proven(host.refresh(host.native, token))
    token = answer.body.refresh_token
    return answer
  }
  expect(await often(MOST + 5, ask)).toEqual({ 200: MOST + 5 })
  expect(host.eventTypes()).not.toContain('attempt.throttled')
})

it('without a throttle of the server nothing is counted: the host has one in front', async () => {
  host = await createHost({ requests: [pushedAuthorizationRequests()], throttle: false })
  expect(await often(MOST + 1, () => host.push(host.native))).toEqual({ 201: MOST + 1 })
})
