// Nest's `@Controller(':tenant')`: a route with a parameter, in a function that Nest has wrapped, and a body that was read.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

let running: ChildProcess
let origin: string
beforeAll(async () => {
  running = spawn(process.execPath, ['--require', 'tsx/cjs', join(__dirname, 'nest-tenants.ts')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
  origin = String(printed).trim().replace('listening on ', '')
}, 60_000)
afterAll(async () => {
  running.kill()
  await once(running, 'exit')
})

const token = (tenant: string, secretOf = tenant) =>
  fetch(`${origin}/${tenant}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`app:the secret of ${secretOf}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })

it.each(['acme', 'globex'])('the token endpoint of %s is that of its own server', async (tenant) => {
  const answer = await token(tenant)
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ scope: 'read' })])
  expect((await token(tenant, tenant === 'acme' ? 'globex' : 'acme')).status).toBe(401)
})

it('so is the authorization endpoint', async () => {
  const answer = await fetch(`${origin}/acme/authorize?client_id=nobody`)
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('No client has this id')])
})
