// Personal access tokens on every store, by two servers with a connection each: used at the same time, revoked meanwhile, and
// a revocation that is remembered for as long as the longest of them lives.
import express from 'express'
import request from 'supertest'
import {
  bearerGuard,
  createAuthorizationServer,
  deleteExpired,
  memoryStorage,
  registerClient,
  revokeGrants,
} from '../../src'
import { issuePersonalToken, listPersonalTokens, personalTokens, revokePersonalToken } from '../../src/personal-tokens'
import type { OAuthStorage } from '../../src/storage'
import { mysql, postgres, redis, sqlite } from './support/backends'
import { loadDriver } from './support/stores'

const DAY = 86_400
const RACERS = 20
const PATIENCE = 240_000

interface Stores {
  connections: OAuthStorage[]
  stop(): Promise<void>
}

const memory = {
  name: 'memory',
  describe,
  async open(): Promise<Stores> {
    const storage = memoryStorage()
    return { connections: [storage, storage], stop: async () => {} }
  },
}
const durable = [sqlite, postgres, mysql, redis].map((backend) => ({
  name: backend.name,
  describe: backend.describe,
  async open(): Promise<Stores> {
    const running = await backend.start()
    const connect = await loadDriver(running.store.kind)
    const open = [await connect(running.store), await connect(running.store)]
    return {
      connections: open.map(({ storage }) => storage),
      async stop() {
        for (const { close } of open) await close()
        await running.stop()
      },
    }
  },
}))

describe.each([memory, ...durable])('personal tokens on $name', (backend) => {
  backend.describe('', () => {
    // Redis counts from its own clock when a row may go: so the tests begin now
    let now = Math.floor(Date.now() / 1000)
    /** How often a use was written, and how often another request was faster. */
    const written = { true: 0, false: 0 }
    const underWay = new Set<unknown>()
    const events: string[] = []
    let stores: Stores
    let servers: ReturnType<typeof serve>[]

    /** A host of its own over one connection. */
    function serve(storage: OAuthStorage) {
      const { grants } = storage
      const counted = async (...args: Parameters<typeof grants.transition>) => {
        const answer = Promise.resolve(grants.transition(...args))
        underWay.add(answer)
        const done = await answer.finally(() => underWay.delete(answer))
        written[`${done}`]++
        return done
      }
      const server = createAuthorizationServer({
        issuer: 'https://auth.example.com',
        storage: { clients: storage.clients, grants: { ...grants, transition: counted } },
        scopes: ['read'],
        accessTokens: personalTokens({ prefix: 'acme_pat_' }),
        onEvent: ({ type }) => events.push(type),
        now: () => now,
      })
      const app = express().get('/me', bearerGuard(server), (req, res) => void res.json(req.user))
      return { server, me: (token: string) => request(app).get('/me').auth(token, { type: 'bearer' }) }
    }
    /** The same at the same time, in turns at each server: the statuses. */
    const race = async (token: string) => {
      const racers = Array.from({ length: RACERS }, (_, racer) => servers[racer % 2]?.me(token))
      return (await Promise.all(racers)).map((answer) => answer?.status)
    }
    const first = () => (servers[0] as (typeof servers)[0]).server
    const other = () => (servers[1] as (typeof servers)[0]).server
    const issue = (userId: string, expiresIn = 30 * DAY) =>
      issuePersonalToken(first(), { clientId: 'personal', userId, name: 'script', scope: 'read', expiresIn })

    beforeAll(async () => {
      stores = await backend.open()
      servers = stores.connections.map(serve)
      await registerClient(first(), { clientId: 'personal', grantTypes: [], scopes: ['read'] })
    }, PATIENCE)
    afterAll(async () => {
      while (underWay.size > 0) await new Promise(setImmediate)
      await stores.stop()
      expect(events.filter((type) => type === 'error')).toEqual([])
    })

    it('lets all of many requests in, and writes once an hour that it was used', async () => {
      const { token, id } = await issue('ada')
      for (const hour of [0, 1]) {
        now += hour * 3600
        Object.assign(written, { true: 0, false: 0 })
        expect(await race(token)).toEqual(Array(RACERS).fill(200))
        // who was slower has been told so
        while (written.true === 0) await new Promise(setImmediate)
        expect(await race(token)).toEqual(Array(RACERS).fill(200))
        expect(written.true).toBe(1)
        expect(await listPersonalTokens(other(), { userId: 'ada' })).toMatchObject([{ id, lastUsedAt: now }])
      }
    })

    it('ends at both at once, by its user, its id and its text, and comes back by no use', async () => {
      const ends = [
        (_token: string, _id: string) => revokeGrants(first(), { userId: 'bob' }),
        (_token: string, id: string) => revokePersonalToken(first(), { userId: 'bob', id }),
        (token: string) => revokePersonalToken(first(), { token }),
      ]
      for (const end of ends) {
        now += 3600
        const { token, id } = await issue('bob')
        const [statuses] = await Promise.all([race(token), end(token, id)])
        expect(new Set([200, 401, ...statuses])).toEqual(new Set([200, 401]))
        expect(await race(token)).toEqual(Array(RACERS).fill(401))
        expect(await listPersonalTokens(other(), { userId: 'bob' })).toEqual([])
        expect(await revokePersonalToken(other(), { userId: 'bob', id })).toBe(false)
      }
    })

    it('stays dead for as long as it would have lived, whatever is cleaned up', async () => {
      now += 10
      const { token } = await issue('eve', 365 * DAY)
      await revokeGrants(other(), { userId: 'eve' })
      const { token: later } = await issue('mia', 365 * DAY)
      now += 364 * DAY
      await deleteExpired(first())
      expect(await race(token)).toEqual(Array(RACERS).fill(401))
      expect(await race(later)).toEqual(Array(RACERS).fill(200))
    })
  })
})
