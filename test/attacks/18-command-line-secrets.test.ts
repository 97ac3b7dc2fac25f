// ATTACKS.md row 18 on the command line: passwords and keys are taken from no argument, and printed by no failure.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCommand } from '../command/support/command'
import { freePort } from '../support/free-port'

const command = buildCommand()
const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true, force: true })
})

const password = 'p4ssw0rd@of:the/database'
const encoded = encodeURIComponent(password)
const isSilent = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
  for (const secret of [password, encoded]) expect(`${stdout}${stderr}`).not.toContain(secret)
}

it.each(['postgres', 'mysql', 'redis'])('the password of a %s that is away is not printed', async (scheme) => {
  const name = scheme === 'redis' ? '0' : 'oauth'
  const url = `${scheme}://ada:${encoded}@127.0.0.1:${await freePort()}/${name}`
  const ended = await command(['clients', 'list'], { env: { DATABASE_URL: url } })
  expect([ended.code, ended.stdout]).toEqual([1, ''])
  expect(ended.stderr.trim().split('\n')).toHaveLength(1)
  expect(ended.stderr).toContain(`${scheme}://127.0.0.1`)
  isSilent(ended)
})

it.each([
  ['a URL that is none', `postgres://ada:${password}@[x/oauth`],
  ['another scheme', `oracle://ada:${encoded}@127.0.0.1/oauth`],
  ['the password alone', password],
])('%s in the environment is refused without being printed', async (_name, url) => {
  const ended = await command(['clients', 'list'], { env: { DATABASE_URL: url } })
  expect([ended.code, ended.stdout]).toEqual([2, ''])
  isSilent(ended)
})

it.each([
  `postgres://ada:${encoded}@127.0.0.1/oauth`,
  `mysql://127.0.0.1/oauth?password=${encoded}`,
  `mysql://127.0.0.1/oauth?pass%77ord=${encoded}`,
  `mysql://127.0.0.1/oauth?password1=${encoded}`,
])('a password in --database is refused, because every user of the machine sees it there: %#', async (url) => {
  const ended = await command(['clients', 'list', '--database', url])
  expect([ended.code, ended.stdout]).toEqual([2, ''])
  expect(ended.stderr).toContain('DATABASE_URL')
  isSilent(ended)
})

const mistyped = [
  'postgres:/u:s3cret@127.0.0.1:1/db',
  'postgres:u:s3cret@127.0.0.1:1/db',
  'mysql:///u:s3cret@127.0.0.1:1/db',
  'postgres:///u:s3cret',
  'postgres://app:12345/6s3cret@127.0.0.1/prod',
  'redis://app:12345#s3cret@127.0.0.1/0',
  'mysql://app:12345?s3cret@127.0.0.1/prod',
]
it.each(mistyped)('a URL in which the password is no password is refused without being printed: %s', async (url) => {
  for (const [args, env] of [
    [['--database', url], {}],
    [[], { DATABASE_URL: url }],
  ] as const) {
    const { code, stdout, stderr } = await command(['clients', 'list', ...args], { env })
    expect([code, stdout, stderr]).toEqual([2, '', expect.not.stringMatching(/s3cret|12345/)])
  }
})

it('no option takes a secret itself, and one in the place of its source is not printed', async () => {
  for (const option of ['--secret', '--password', '--client-secret']) {
    const ended = await command(['clients', 'add', option, password, '--database', 'sqlite:x.db'])
    expect(ended.code).toBe(2)
    isSilent(ended)
  }
  const file = join(folder, 'oauth.db')
  expect((await command(['migrate', '--database', `sqlite:${file}`])).code).toBe(0)
  const ended = await command(['clients', 'add', '--secret-from', password, '--database', `sqlite:${file}`])
  expect([ended.code, ended.stdout]).toEqual([1, ''])
  isSilent(ended)
})

it('a secret that is chosen is never printed, and one that is made is printed once', async () => {
  const at = ['--database', `sqlite:${join(folder, 'oauth.db')}`]
  const chosen = await command(['clients', 'add', '--id', 'a', '--secret-from', '-', ...at], { input: `${password}\n` })
  expect(chosen.code).toBe(0)
  isSilent(chosen)
  const made = await command(['clients', 'add', '--id', 'b', ...at])
  const [, secret = ''] = /client_secret: (\S+)/.exec(made.stdout) ?? []
  expect(secret).toMatch(/^[\w-]{43}$/)
  expect(`${made.stdout}${made.stderr}`.split(secret)).toHaveLength(2)
  expect((await command(['clients', 'list', '--json', ...at])).stdout).not.toContain(secret)
})

it('a file of keys that is broken is refused without its text', async () => {
  const file = join(folder, 'keys.json')
  for (const text of [
    `{"current":{"kty":"EC","d":"${encoded}"`,
    `{"current":{"kty":"EC","d":"${encoded}"}}`,
    password,
  ]) {
    writeFileSync(file, text)
    const ended = await command(['keys', 'public', '--from', file])
    expect([ended.code, ended.stdout]).toEqual([1, ''])
    isSilent(ended)
  }
})
