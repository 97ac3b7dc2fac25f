// What a token is bound to is what was authorized: nothing of the host's that happens to stand beside it, nothing left out.
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
