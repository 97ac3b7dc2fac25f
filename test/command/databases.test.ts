// The commands of an operator, as processes of their own, on each database, beside a server that uses the same one.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import express from 'express'
import { listen } from '../../examples/shared/start'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
  issueTokens,
  tokenRouter,
  verifyAccessToken,
} from '../../src/index'
import { type Backend, mysql, postgres, type RunningBackend, redis, sqlite } from '../storage/support/backends'
import { loadDriver, type OpenStore, type Store } from '../storage/support/stores'
import { buildCommand } from './support/command'

const command = buildCommand()
afterAll(() => command.remove())

function urlOf(store: Store): string {
  if (store.kind === 'sqlite') return `sqlite:${store.file}`
  return store.kind === 'postgres' ? store.connectionString : store.url
}

describe.each<Backend>([sqlite, postgres, mysql, redis])('$name', (backend) => {
  backend.describe('and the command line', () => {
    let running: RunningBackend
    let open: OpenStore | undefined
    let url: string
    let isAway = false
    const store = () => (open as OpenStore).storage
    const run = (...args: string[]) => command(args, { env: { DATABASE_URL: url } })
    const json = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json')
      if (code !== 0) throw new Error(`${code} ${stderr}`)
      return stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    }
    const serverWith = (options: Partial<AuthorizationServerOptions> = {}): AuthorizationServer =>
      createAuthorizationServer({
        issuer: 'http://127.0.0.1:3000',
        storage: store(),
        scopes: ['read'],
        onEvent: () => {},
        ...options,
      })
    /** The status of a token request with that secret. */
    async function status(clientId: string, secret: string): Promise<number> {
      const { issuer, close } = await listen(() => express().use('/token', tokenRouter(serverWith())))
      const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      const response = await fetch(`${issuer}/token`, { method: 'POST', headers: { authorization }, body })
      await close()
      return response.status
    }

    beforeAll(async () => {
      running = await backend.start()
      url = urlOf(running.store)
    }, 120_000)
    afterAll(async () => {
      await open?.close()
      if (!isAway) await running?.stop()
    })

    it('refuses before the tables are there, and names the fix', async () => {
      if (running.store.kind === 'redis') return
      const { code, stdout, stderr } = await run('clients', 'list')
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^express-authorization-server: .*migrate.*\n$/)
    })

    it('makes the tables, and changes nothing the second time', async () => {
      const [made] = await json('migrate')
      expect(made).toEqual(running.store.kind === 'redis' ? { ready: true } : { from: 0, to: 2, sessionsEnded: false })
      expect((await run('migrate')).code).toBe(0)
      open = await (await loadDriver(running.store.kind))(running.store)
    })

    it('adds a client whose secret works, gives it another one, and deletes it', async () => {
      const [added] = await json(
        ...['clients', 'add', '--id', 'job', '--name', 'Night job', '--grant-type', 'client_credentials'],
        ...['--scope', 'read'],
      )
      expect(added).toMatchObject({ client_id: 'job', client_name: 'Night job', scope: 'read' })
      expect(await status('job', added.client_secret)).toBe(200)

      const [rotated] = await json('clients', 'rotate', 'job', '--overlap', '600')
      expect(await status('job', added.client_secret)).toBe(200)
      expect(await status('job', rotated.client_secret)).toBe(200)

      // nobody can be asked, and nothing has changed
      expect(await run('clients', 'rotate', 'job')).toMatchObject({ code: 4, stdout: '' })
      expect(await status('job', rotated.client_secret)).toBe(200)
      const [last] = await json('clients', 'rotate', 'job', '--yes')
      expect(await status('job', rotated.client_secret)).toBe(401)
      expect(await status('job', last.client_secret)).toBe(200)

      expect(await run('clients', 'delete', 'job')).toMatchObject({ code: 4, stdout: '' })
      expect(await run('clients', 'delete', 'job', '--yes')).toMatchObject({ code: 0, stderr: '' })
      expect(await status('job', last.client_secret)).toBe(401)
      expect(await run('clients', 'delete', 'job', '--yes')).toEqual({
        code: 1,
        stdout: '',
        stderr: 'express-authorization-server: No client has this id.\n',
      })
    })

    it('lists the clients of every page, or of one owner, without a digest of their secrets', async () => {
      const added = await json(
        'clients',
        'add',
        '--id',
        'zz',
        '--owner',
        'ada',
        '--redirect-uri',
        'https://app.example/',
      )
      const digest = createHash('sha256').update(added[0].client_secret).digest('base64url')
      const { clients } = store()
      const row = { ...(await clients.find('zz')) } as NonNullable<Awaited<ReturnType<typeof clients.find>>>
      const { username: _, ...mine } = row
      for (let n = 100; n < 350; n++) await clients.insert({ ...mine, clientId: `c${n}` })
      const { stdout } = await run('clients', 'list', '--json')
      expect(stdout).not.toContain(digest)
      expect(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).client_id),
      ).toHaveLength(251)
      expect((await json('clients', 'list', '--owner', 'ada')).map(({ client_id }) => client_id)).toEqual(['zz'])
    })

    it('ends quietly where nobody reads on, as with | head -1', async () => {
      const child = command.start(['clients', 'list'], { env: { DATABASE_URL: url } })
      child.stdin?.end()
      let stderr = ''
      child.stderr?.on('data', (text) => {
        stderr += text
      })
      child.stdout?.once('data', () => child.stdout?.destroy())
      const [code] = await once(child, 'close')
      expect([code, stderr]).toEqual([0, ''])
    })

    it('lists what users have authorized, and ends it with its tokens', async () => {
      const server = serverWith()
      const tokens = await Promise.all(
        ['ada', 'ada', 'alan'].map((userId) => issueTokens(server, { clientId: 'zz', userId, scope: '' })),
      )
      expect(await json('grants', 'list', '--client', 'zz')).toHaveLength(3)
      const [first] = await json('grants', 'list', '--user', 'ada')
      expect(first).toMatchObject({ clientId: 'zz', userId: 'ada' })
      expect(await run('grants', 'revoke', '--user', 'ada')).toMatchObject({ code: 4, stdout: '' })
      expect(await json('grants', 'list', '--user', 'ada')).toHaveLength(2)

      await json('grants', 'revoke', `--grant=${first.id}`, '--yes')
      expect(await json('grants', 'list', '--user', 'ada')).toHaveLength(1)
      await json('grants', 'revoke', '--user', 'ada', '--yes')
      const alive = await Promise.allSettled(
        tokens.map((token) => verifyAccessToken(server, String(token.access_token))),
      )
      expect(alive.map((one) => one.status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    })

    it('deletes what has expired, and says how much', async () => {
      const longAgo = serverWith({ now: () => 1_500_000_000 })
      for (let n = 0; n < 3; n++) await issueTokens(longAgo, { clientId: 'zz', userId: 'old', scope: '' })
      const [{ deleted, done }] = await json('cleanup')
      expect(done).toBe(true)
      // Redis has deleted them by itself
      if (running.store.kind !== 'redis') expect(deleted).toBeGreaterThanOrEqual(3)
      expect(await run('cleanup')).toEqual({ code: 0, stdout: 'Deleted 0 expired codes and tokens.\n', stderr: '' })
    })

    it('says in one sentence that the database is away', async () => {
      if (running.store.kind === 'sqlite') return
      await open?.close()
      open = undefined
      await running.stop()
      isAway = true
      const { code, stdout, stderr } = await run('clients', 'list')
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^express-authorization-server: The database at \S+: .*ECONNREFUSED.*\n$/)
    })
  })
})
