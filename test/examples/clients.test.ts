// examples/clients: the curl lines of the guide, pasted in their order, and what another user may not do.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Example, startExample } from '../support/example'

const guide = readFileSync(join(__dirname, '../../examples/clients/README.md'), 'utf8')
const lines = [...guide.matchAll(/^curl .*$/gm)].map(([line]) => line)
const folder = mkdtempSync(join(tmpdir(), 'clients-'))

let app: Example
beforeAll(async () => {
  app = await startExample('clients')
})
afterAll(async () => {
  await app.stop()
  rmSync(folder, { recursive: true })
})

/** Status and body of a line of the guide, or of one like it. */
async function paste(line = '') {
  const command = line.replace('curl ', "curl -sS -w '\\n%{http_code}' ").replace('http://127.0.0.1:3000', app.issuer)
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: folder })
  const [, body = '', status] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? []
  return { status: Number(status), body: body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body }
}

it('npm run example -- clients: each curl line of the guide works, in its order', async () => {
  const [signIn, make, list, change, secret, remove] = lines
  expect(lines).toHaveLength(6)
  expect((await paste(list)).status).toBe(401)
  expect((await paste(signIn)).status).toBe(303)
  const made = await paste(make)
  expect(made).toMatchObject({ status: 201, body: { client_id: 'calendar', client_secret: expect.any(String) } })
  const named = { client_id: 'calendar', client_name: 'Calendar', username: '1', scope: 'profile' }
  expect(JSON.stringify((await paste(list)).body)).toContain('calendar')
  expect(made.body).toMatchObject(named)
  expect(await paste(change)).toMatchObject({ status: 200, body: { client_name: 'My calendar' } })
  const given = await paste(secret)
  expect(given.body.client_secret).not.toBe(made.body.client_secret)
  const token = `curl -u calendar:${given.body.client_secret} -d grant_type=client_credentials http://127.0.0.1:3000/oauth2/token`
  expect(await paste(token)).toMatchObject({ status: 200, body: { scope: 'profile' } })
  // another user sees nothing of it, and nobody gives a scope that they do not hold
  await paste(
    (signIn ?? '')
      .replace('ada', 'alan')
      .replace('analytical engine', 'imitation game')
      .replace('-c cookies', '-c alan'),
  )
  expect((await paste((change ?? '').replace('-b cookies', '-b alan'))).status).toBe(404)
  expect((await paste((make ?? '').replace('"profile"', '"admin"').replace('"calendar"', '"other"'))).body.error).toBe(
    'insufficient_scope',
  )
  expect((await paste((make ?? '').replace('redirect_uris', 'redirect_uri'))).body.error).toBe(
    'invalid_client_metadata',
  )
  expect((await paste(remove)).status).toBe(204)
  expect((await paste(token)).status).toBe(401)
})
