// What a token is bound to is what was authorized: nothing of the host's that happens to stand beside it, nothing left out.

import type { Credential } from '../../src'
import { memoryStorage } from '../../src'
import { createHost } from '../support/host'

const files = 'https://files.example.com'

describe('a server that names resources for the first time', () => {
  it('takes what it has issued before for its default resource, whatever grant it came by', async () => {
    const storage = memoryStorage()
    const before = await createHost({ storage })
    const exchanged = await before.signIn()
    const refreshed = await before.refresh(before.web, (await before.signIn()).refresh_token).expect(200)
    const after = await createHost({ storage: withoutClients(storage), resources: [files] })
    expect(await after.isAlive(refreshed.body)).toBe(true)
    expect(await after.isAlive(exchanged)).toBe(true)
  })
})

/** The same grants, for a host that registers its clients anew. */
function withoutClients(storage: ReturnType<typeof memoryStorage>) {
  return { clients: memoryStorage().clients, grants: storage.grants }
}

describe('a decider that says when the user signed in', () => {
  it.each([
    ['as no number', Number.NaN],
    ['as a text', '1800000000' as never],
    ['as a Date', new Date(0) as never],
  ])('%s: the host hears of it', async (_, startedAt) => {
    const host = await createHost({ decide: () => ({ allow: true, userId: 'alice', startedAt }) })
    expect((await host.authorize()).headers.location).toContain('error=server_error')
    expect(String(host.reportedErrors()[0]?.cause)).toContain('startedAt')
  })

  it('to the millisecond is taken at its second: stores keep whole ones', async () => {
    const host = await createHost({
      decide: (request) => ({ allow: true, userId: 'alice', startedAt: request.startedAt - 0.25 }),
    })
    const starts: number[] = []
    host.storage.replace('grants.insert', (call, [rows]) => {
      for (const { startedAt } of rows as Credential[]) starts.push(startedAt)
      return call()
    })
    await host.code()
    expect(starts).toEqual([host.clock.now - 1])
  })
})

describe('what a decider writes to the request', () => {
  it.each([
    ['a record of its own', { account: { passwordHash: 'hash of alice' } }],
    ['the grant of somebody else', { grantId: 'A'.repeat(22) }],
    ['another challenge', { codeChallenge: undefined }],
  ])('is bound to no code, %s: the host hears of it', async (_, written) => {
    const host = await createHost({
      decide(request) {
        Object.assign(request, written)
        return { allow: true, userId: 'alice' }
      },
    })
    expect((await host.authorize()).headers.location).toContain('error=server_error')
    expect(host.reportedErrors()[0]?.cause).toBeInstanceOf(TypeError)
    expect(host.storage.storedIds()).toEqual([])
  })
})
