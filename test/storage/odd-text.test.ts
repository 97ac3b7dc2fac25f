// Text that stores keep differently (NUL, half a character) never reaches one: PostgreSQL refuses it, and in SQLite two ids with
// different halves are one, so that a revocation of one user ended the session of another.
import { issueCode, issueTokens, listGrants, registerClient, revokeGrants } from '../../src/index'
import { createHost, type Host, type HostOptions, paths, pkce } from '../support/host'
import { observedStorage } from '../support/storage'

const odd = ['a\0b', '\0', 'half \ud83d', '\udc00']

/** A store that sees what it is called with. What stands in JSON is kept alike by all. */
function pickyStorage() {
  const storage = observedStorage()
  const seen: unknown[] = []
  const look = (call: () => unknown, args: readonly unknown[]) => {
    seen.push(...args)
    return call()
  }
  for (const method of ['clients.find', 'clients.list', 'grants.find', 'grants.list', 'grants.insert'] as const) {
    storage.replace(method, look)
  }
  return { storage, seen }
}

/** JSON writes both as an escape. */
const oddSeen = (seen: readonly unknown[]) => /\\u(0000|d[89a-f])/i.test(JSON.stringify(seen))

async function start(options: HostOptions = {}): Promise<Host & { seen: unknown[] }> {
  const { storage, seen } = pickyStorage()
  return Object.assign(await createHost({ storage, ...options }), { seen })
}

describe.each(odd)('the user id %j', (userId) => {
  it('is refused with one error by every operation', async () => {
    const { server, web, seen } = await start()
    const calls: Record<string, () => Promise<unknown>> = {
      'issueTokens: userId': () => issueTokens(server, { clientId: web.clientId, userId }),
      'issueCode: userId': () => issueCode(server, { clientId: web.clientId, userId, codeChallenge: pkce.challenge }),
      'listGrants: userId': () => listGrants(server, { userId }),
      'revokeGrants: userId': () => revokeGrants(server, { userId }),
      username: () => registerClient(server, { username: userId, redirectUris: ['https://app.example/callback'] }),
    }
    for (const [name, call] of Object.entries(calls)) {
      await expect(call()).rejects.toThrow(
        `${name} must be well-formed Unicode without NUL characters, because stores keep other text differently`,
      )
    }
    expect(oddSeen(seen)).toBe(false)
  })

  it('is an error of the host that names the option, where a directory hands it out', async () => {
    const host = await start({ decide: () => ({ allow: true, userId }) as const })
    await host.authorize(host.web)
    expect(String((host.reportedErrors()[0] as Error).cause)).toMatch(
      /decide must return .* with a userId that is well-formed Unicode/,
    )
    expect(oddSeen(host.seen)).toBe(false)
  })
})

it('a client id with NUL is that of no client, however it is sent, and asks no store for it', async () => {
  const host = await start()
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
  for (const pair of ['%00:secret', 'a%00b:secret', '\0:secret']) {
    const answer = await host
      .http()
      .post(paths.token)
      .set('authorization', basic(pair))
      .type('form')
      .send({ grant_type: 'client_credentials' })
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
  }
  for (const path of [`${paths.authorize}?client_id=%00`, `${paths.clients}/%00`]) {
    expect((await host.http().get(path)).status).toBeLessThan(500)
  }
  expect(oddSeen(host.seen)).toBe(false)
})
