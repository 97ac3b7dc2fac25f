// examples/token-exchange/exchange.ts as a person meets it: a process, and lines to paste.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'

let running: ChildProcess
let lines: string[]
beforeAll(async () => {
  running = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), 'exchange'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
  lines = String(printed).trimEnd().split('\n')
}, 60_000)
afterAll(async () => {
  running.kill()
  await once(running, 'exit')
})

const run = async (line: string | undefined) => {
  const { stdout } = await promisify(execFile)('sh', ['-c', line as string])
  return JSON.parse(stdout) as Record<string, unknown>
}
const actor = { sub: 'orders', client_id: 'orders' }

it('prints lines that work as they are: one API calls the other for its user, and in its own name', async () => {
  const [listening, ...commands] = lines
  expect(listening).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/)
  expect(commands).toHaveLength(3)
  expect(await run(commands[0])).toEqual({
    orders: ['a difference engine'],
    invoices: { paidBy: '1', askedBy: 'orders', actor, exchange: 'delegation' },
  })
  const issued = await run(commands[1])
  expect(issued).toMatchObject({ scope: 'invoices', token_type: 'Bearer' })
  const [, invoices = ''] = /resource=(\S+)/.exec(commands[1] as string) ?? []
  const call = await fetch(invoices, { headers: { authorization: `Bearer ${issued.access_token}` } })
  expect(await call.json()).toMatchObject({ actor })
  // good for invoices alone
  const other = await fetch(invoices.replace('/invoices', '/orders'), {
    headers: { authorization: `Bearer ${issued.access_token}` },
  })
  expect(other.status).toBe(401)
  expect(await run(commands[2])).toMatchObject({ error: 'invalid_request' })
})
