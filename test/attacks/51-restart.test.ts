// ATTACKS.md row 51: what was used, reused or revoked was forgotten after a restart. Here the app is killed (`kill -9`), and
// where there is one the database is restarted, right after each answer.
import { createAuthorizationServer, deleteClient, registerClient, revokeGrants } from '../../src/index'
import { type App, type Apps, buildApps } from '../storage/support/apps'
import { type Backend, mysql, postgres, type RunningBackend, redis, sqlite } from '../storage/support/backends'
import * as session from '../storage/support/session'
import { loadDriver, type OpenStore } from '../storage/support/stores'

/** Milliseconds, for machines that are busy with something else. */
const PATIENCE = 120_000
jest.setTimeout(PATIENCE)

let apps: Apps
beforeAll(() => {
  apps = buildApps()
})
afterAll(() => apps.stop())

describe.each([sqlite, postgres, mysql, redis])('$name', (backend: Backend) => {
  backend.describe('', () => {
    let running: RunningBackend
    let own: OpenStore
    let app: App
    const host = () =>
      createAuthorizationServer({ issuer: 'http://127.0.0.1:3000', storage: own.storage, scopes: [session.scope] })
    const register = () =>
      registerClient(host(), {
        clientId: session.clientId,
        redirectUris: ['http://127.0.0.1/callback'],
        scopes: [session.scope],
        tokenEndpointAuthMethods: ['none'],
      })

    beforeAll(async () => {
      running = await backend.start()
      own = await (await loadDriver(running.store.kind))(running.store)
      await register()
      app = await apps.start(running.store, running.store.kind)
    })
    afterAll(async () => {
      await app.kill()
      await own.close()
      await running.stop()
    })

    async function restart(): Promise<void> {
      await app.kill()
      await running.restart?.()
      app = await apps.start(running.store, running.store.kind)
      expect(app.unhandled).toEqual([])
    }
    const statusOf = async (answer: Promise<{ status: number; body: Record<string, unknown> }>) => {
      const { status, body } = await answer
      return [status, body.error]
    }
    const refused = [400, 'invalid_grant']
    async function expectDead(tokens: session.Tokens): Promise<void> {
      expect((await session.me(app, tokens)).status).toBe(401)
      expect(await statusOf(session.refresh(app, tokens))).toEqual(refused)
    }

    it('knows a code that was used', async () => {
      const code = await session.newCode(app)
      const tokens = session.tokensOf(await session.exchange(app, code))
      await restart()
      expect(await statusOf(session.exchange(app, code))).toEqual(refused)
      expect((await session.me(app, tokens)).status).toBe(200)
    })

    it('knows a refresh token that was just used: it gets the same response', async () => {
      const first = await session.newTokens(app)
      const second = session.tokensOf(await session.refresh(app, first))
      await restart()
      expect(session.tokensOf(await session.refresh(app, first))).toEqual(second)
    })

    it('knows a refresh token whose successor was used: it is a reuse, and the session ends', async () => {
      const first = await session.newTokens(app)
      const second = session.tokensOf(await session.refresh(app, first))
      const third = session.tokensOf(await session.refresh(app, second))
      await restart()
      expect((await session.me(app, third)).status).toBe(200)
      expect(await statusOf(session.refresh(app, first))).toEqual(refused)
      await expectDead(third)
    })

    it('knows that a refresh token was reused', async () => {
      const first = await session.newTokens(app)
      const second = session.tokensOf(await session.refresh(app, first))
      const third = session.tokensOf(await session.refresh(app, second))
      expect(await statusOf(session.refresh(app, first))).toEqual(refused)
      await restart()
      for (const tokens of [third, second, first]) await expectDead(tokens)
    })

    it('knows that a token was revoked, and a code and a session of a user', async () => {
      const [tokens, others] = [await session.newTokens(app), await session.newTokens(app, 'bob')]
      const code = await session.newCode(app, 'bob')
      expect((await session.revoke(app, tokens)).status).toBe(200)
      await revokeGrants(host(), { userId: 'bob' })
      await restart()
      await expectDead(tokens)
      await expectDead(others)
      expect(await statusOf(session.exchange(app, code))).toEqual(refused)
    })

    it('knows that a client was deleted, also when its id was registered again', async () => {
      const tokens = await session.newTokens(app, 'eve')
      await deleteClient(host(), session.clientId)
      await register()
      await restart()
      await expectDead(tokens)
    })
  })
})
