// A Nest app with TypeORM's own pool: a process, a real PostgreSQL, and tables of OAuth beside those of the app.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { authorizationUrl, exchange } from '../hosts/client'
import { wholeFlow } from '../hosts/flow'
import { openBrowser } from '../interoperability/browser'
import { describePostgres, startPostgres, type TestPostgres } from '../storage/support/postgres'

describePostgres('Nest with TypeORM', () => {
  let postgres: TestPostgres
  let running: ChildProcess
  let issuer: string

  async function start(port = '0'): Promise<void> {
    const program = join(__dirname, 'nest-typeorm.ts')
    running = spawn(process.execPath, ['--require', 'tsx/cjs', program, postgres.connectionString], {
      // decorators and paths are those of this folder
      env: { ...process.env, PORT: port, TSX_TSCONFIG_PATH: join(__dirname, 'tsconfig.json') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
    issuer = String(printed).trim().replace('listening on ', '')
  }
  async function stop(): Promise<void> {
    running.kill()
    await once(running, 'exit')
  }
  beforeAll(async () => {
    postgres = await startPostgres()
    await start()
  })
  afterAll(async () => {
    await stop()
    await postgres.stop()
  })

  it('takes the whole flow', async () => {
    const { authorize } = openBrowser()
    expect(await wholeFlow({ issuer, api: `${issuer}/api/me`, authorize })).toEqual(['Ada', 'Ada'])
  })

  it('knows its tokens after a restart', async () => {
    const answer = await openBrowser().authorize(authorizationUrl(issuer))
    const { access_token } = await exchange(issuer, answer)
    await stop()
    await start(new URL(issuer).port)
    const response = await fetch(`${issuer}/api/me`, { headers: { Authorization: `Bearer ${access_token}` } })
    expect([response.status, await response.json()]).toEqual([200, 'Ada'])
  })
})
