// ATTACKS.md row 12: whatever is being issued while its grant, user or client is revoked or deleted is dead on arrival.
import type { Response } from 'supertest'
import {
  authorizationCode,
  clientCredentials,
  deleteClient,
  implicit,
  issueTokens,
  listGrants,
  password,
  refreshToken,
  registerClient,
  revokeGrants,
} from '../../src/index'
import { answerOf, createHost, type Host, paths, type Tokens } from '../support/host'
import { gate, type StorageMethod } from '../support/storage'

const chosen = 'a secret that somebody chose'

async function makeHost(verify: () => Promise<string> | string = () => 'alice'): Promise<Host> {
  const grants = [authorizationCode(), clientCredentials(), refreshToken(), password({ verify }), implicit()]
  return createHost({ grants, throttle: false })
}

/** What may be under way, and the storage call in front of which it is held. */
const underWay: Record<string, { method: StorageMethod; begin: (host: Host) => Promise<() => PromiseLike<Response>> }> =
  {
    'a code exchange': {
      method: 'grants.transition',
      async begin(host) {
        const code = await host.code()
        return () => host.exchange(host.web, code)
      },
    },
    'a refresh': {
      method: 'grants.transition',
      async begin(host) {
        const { refresh_token } = await host.signIn()
        return () => host.refresh(host.web, refresh_token)
      },
    },
    'a second refresh': {
      method: 'grants.transition',
      async begin(host) {
        const first = await host.signIn()
        const second = (await host.refresh(host.web, first.refresh_token)).body as Tokens
        return () => host.refresh(host.web, second.refresh_token)
      },
    },
    'a sign-in by password': {
      method: 'grants.insert',
      async begin(host) {
        return () => host.token(host.web, { grant_type: 'password', username: 'alice', password: 'right' })
      },
    },
    'an authorization that makes a code': {
      method: 'grants.insert',
      async begin(host) {
        return () => host.authorize()
      },
    },
    'an authorization that makes a token': {
      method: 'grants.insert',
      async begin(host) {
        return () => host.authorize(host.web, { response_type: 'token' })
      },
    },
  }

const revocations: Record<string, (host: Host) => Promise<unknown>> = {
  'the user is revoked': (host) => revokeGrants(host.server, { userId: 'alice' }),
  'the client is revoked': (host) => revokeGrants(host.server, { clientId: 'web' }),
  'the client is deleted': (host) => deleteClient(host.server, 'web'),
  'the client is deleted and its id registered by somebody else': async (host) => {
    await deleteClient(host.server, 'web')
    await registerAgain(host)
  },
  'every grant is revoked by its id': async (host) => {
    const ids = host.storage.storedIds().map((id) => id.slice(0, id.indexOf('~')))
    for (const grantId of new Set(ids)) await revokeGrants(host.server, { grantId })
  },
}

const registerAgain = (host: Host) =>
  registerClient(host.server, {
    clientId: 'web',
    clientSecret: chosen,
    redirectUris: [host.web.redirectUri],
    scopes: ['read', 'write'],
    grantTypes: [...host.server.grants.keys()],
  })

/** The access token of an answer, whichever way it came; or the code. */
function loot(answer: Response): {
  token?: string | undefined
  refresh?: string | undefined
  code?: string | undefined
} {
  const { access_token, code } = answerOf(answer)
  return { token: answer.body?.access_token ?? access_token, refresh: answer.body?.refresh_token, code }
}

async function nothingLives(host: Host, answer: Response): Promise<void> {
  const { token, refresh, code } = loot(answer)
  if (token !== undefined) expect(await host.isAlive({ access_token: token })).toBe(false)
  // for whoever has the client now, and a second later
  if (!(await host.storage.clients.find('web'))) await registerAgain(host)
  host.clock.advance(1)
  for (const clientSecret of [host.web.clientSecret as string, chosen]) {
    const web = { ...host.web, clientSecret }
    if (refresh !== undefined) expect([400, 401]).toContain((await host.refresh(web, refresh)).status)
    if (code !== undefined) expect([400, 401]).toContain((await host.exchange(web, code)).status)
  }
  expect(await listGrants(host.server, { userId: 'alice' })).toEqual([])
}

describe.each(Object.entries(underWay))('%s, held just before it is stored,', (name, { method, begin }) => {
  // a new authorization has no id that anybody could know
  const possible = Object.entries(revocations).filter(
    ([how]) => method === 'grants.transition' || !how.includes('its id'),
  )

  it.each(possible)('leaves nothing alive when %s', async (_, revoke) => {
    const host = await makeHost()
    const act = await begin(host)
    const pause = host.storage.pauseBefore(method)
    const answering = Promise.resolve(act())
    await Promise.race([pause.reached, answering])
    await revoke(host)
    pause.resume()
    const answer = await answering
    if (method === 'grants.transition') expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    await nothingLives(host, answer)
  })

  it('lives when nothing happens (so that the tests above mean something)', async () => {
    const host = await makeHost()
    const act = await begin(host)
    const pause = host.storage.pauseBefore(method)
    const answering = Promise.resolve(act())
    await pause.reached
    pause.resume()
    const { token, code } = loot(await answering)
    expect(token ?? code).toEqual(expect.any(String))
    if (token !== undefined) expect(await host.isAlive({ access_token: token })).toBe(true)
    else await host.exchange(host.web, code as string).expect(200)
    expect(name).toBeTruthy()
  })
})

it('a password that was checked before it was reset, and everything revoked, opens nothing', async () => {
  const checked = gate()
  const atDatabase = gate()
  const host = await makeHost(async () => {
    atDatabase.open()
    await checked.opened
    return 'alice'
  })
  const answering = Promise.resolve(
    host.token(host.web, { grant_type: 'password', username: 'alice', password: 'the old one' }),
  )
  await Promise.race([atDatabase.opened, answering.then(() => {})])
  host.clock.advance(5)
  await revokeGrants(host.server, { userId: 'alice' })
  checked.open()
  await nothingLives(host, await answering)
})

it('a client that proved its secret just before it was deleted and its id registered again gets no token of the new one', async () => {
  const host = await makeHost()
  const pause = host.storage.pauseBefore('grants.insert')
  const answering = Promise.resolve(host.token(host.web, { grant_type: 'client_credentials', scope: 'read' }))
  await pause.reached
  host.clock.advance(5)
  await revocations['the client is deleted and its id registered by somebody else']?.(host)
  host.clock.advance(5)
  pause.resume()
  const { token } = loot(await answering)
  if (token !== undefined) expect(await host.isAlive({ access_token: token })).toBe(false)
})

it('a client deleted while a token is being inserted stays deleted for that token: revoked before and after', async () => {
  const host = await makeHost()
  const deleting = host.storage.pauseBefore('clients.delete')
  const deleted = deleteClient(host.server, 'web')
  await deleting.reached
  // between the first mark and the deletion a request still finds the client
  host.clock.advance(1)
  const answer = await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' }).expect(200)
  deleting.resume()
  await deleted
  expect(await host.isAlive(answer.body as Tokens)).toBe(false)
})

it('a question that was asked before the user was revoked is answered with nothing', async () => {
  const host = await makeHost()
  const tokens = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  const code = await host.code()
  await revokeGrants(host.server, { userId: 'alice' })
  expect(await host.isAlive(tokens as Tokens)).toBe(false)
  expect((await host.http().post(paths.token).type('form').send(`code=${code}`)).status).toBe(401)
  expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
})
