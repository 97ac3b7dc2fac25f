// `keys`: what is made, replaced and published, and to whom the file belongs.
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose'
import { generateSigningKey } from '../../src/index'
import { buildCommand } from './support/command'

const command = buildCommand()
const folder = mkdtempSync(join(tmpdir(), 'keys-'))
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true, force: true })
})

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const file = join(folder, 'signing.json')
const read = () => JSON.parse(readFileSync(file, 'utf8'))
const published = async () =>
  createLocalJWKSet(JSON.parse((await command(['keys', 'public', '--from', file, '--json'])).stdout))
const signed = async () => {
  const { current } = read()
  const jwt = new SignJWT({}).setProtectedHeader({ alg: current.alg, kid: current.kid })
  return jwt.sign(await importJWK(current, current.alg))
}

it('keys are replaced in three steps, and no token is refused before the last', async () => {
  expect((await command(['keys', 'make', '--out', file])).code).toBe(0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const old = await signed()
  // a file that is there is not written over
  expect((await command(['keys', 'make', '--out', file])).code).toBe(2)
  await jwtVerify(old, await published())

  expect((await command(['keys', 'rotate', '--from', file])).code).toBe(0)
  await jwtVerify(await signed(), await published())
  const early = await command(['keys', 'rotate', '--from', file])
  expect([early.code, Object.keys(read())]).toEqual([4, ['current', 'next']])

  expect((await command(['keys', 'rotate', '--from', file, '--yes'])).code).toBe(0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(Object.keys(read())).toEqual(['current', 'retired'])
  const keys = await published()
  for (const token of [old, await signed()]) await jwtVerify(token, keys)

  expect((await command(['keys', 'rotate', '--from', file, '--forget', '--yes'])).code).toBe(0)
  const last = await published()
  await expect(jwtVerify(old, last)).rejects.toThrow('no applicable key')
  await jwtVerify(await signed(), last)
})

it('keys come from the environment or standard input, too, and nothing private is published', async () => {
  const key = JSON.stringify(generateSigningKey())
  const fromEnvironment = await command(['keys', 'public', '--from', 'env:KEYS'], { env: { KEYS: key } })
  const fromInput = await command(['keys', 'public', '--from', '-'], { input: key })
  expect(fromEnvironment.stdout).toBe(fromInput.stdout)
  const { keys } = JSON.parse(fromInput.stdout)
  expect(keys).toEqual([expect.not.objectContaining({ d: expect.anything() })])
})

it('keys keep the owner and the mode of their file, whatever the umask', async () => {
  writeFileSync(file, JSON.stringify({ current: generateSigningKey() }))
  chmodSync(file, 0o640)
  // of another user, where this one may give files away
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(file, 65534, 65533)
  const { uid, gid, mode } = statSync(file)
  const umask = process.umask(0o077)
  const { code } = await command(['keys', 'rotate', '--from', file]).finally(() => process.umask(umask))
  expect([code, Object.keys(read())]).toEqual([0, ['current', 'next']])
  expect(statSync(file)).toMatchObject({ uid, gid, mode })
})

// of util-linux: one who is not root, and may write in the folder
const another = ['--reuid=65534', '--regid=65534', '--clear-groups']
const canBeAnother = spawnSync('/usr/bin/setpriv', [...another, process.execPath, '--version']).status === 0
const asAnother = canBeAnother ? it : it.skip
asAnother('keys are not replaced by somebody who cannot give them the owner that they have', async () => {
  const open = mkdtempSync(join(folder, 'open-'))
  for (const place of [folder, open, command.folder]) chmodSync(place, 0o777)
  const shared = join(open, 'keys.json')
  writeFileSync(shared, JSON.stringify({ current: generateSigningKey() }))
  chmodSync(shared, 0o644)
  const before = readFileSync(shared, 'utf8')
  const user = [...another, '/bin/sh', '-c', '"$0" "$@" 2>&1; echo $?']
  const { stdout } = spawnSync(
    '/usr/bin/setpriv',
    [...user, process.execPath, command.main, 'keys', 'rotate', '--from', shared],
    {
      encoding: 'utf8',
    },
  )
  expect(stdout).toMatch(/^express-authorization-server: The keys were not changed, .*\n1\n$/)
  expect([readFileSync(shared, 'utf8'), readdirSync(open)]).toEqual([before, ['keys.json']])
})

it.each([
  ['PEM', () => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['JWK', () => JSON.stringify(privateKey.export({ format: 'jwk' }))],
])('keys that are one %s become a set after a question alone', async (form, text) => {
  const single = join(folder, `single-${form}`)
  writeFileSync(single, text())
  const asked = await command(['keys', 'rotate', '--from', single])
  expect([asked.code, asked.stderr, readFileSync(single, 'utf8')]).toEqual([4, expect.stringContaining(form), text()])
  expect((await command(['keys', 'rotate', '--from', single, '--yes'])).code).toBe(0)
  expect(Object.keys(JSON.parse(readFileSync(single, 'utf8')))).toEqual(['current', 'next'])
  // elsewhere it is printed, and nothing is replaced
  expect((await command(['keys', 'rotate', '--from', '-'], { input: text() })).code).toBe(0)
})

it('keys of RSA without alg are followed by one whose algorithm is named', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const bare = rsa.export({ format: 'jwk' })
  for (const input of [JSON.stringify(bare), rsa.export({ type: 'pkcs8', format: 'pem' }).toString()]) {
    const { code, stdout, stderr } = await command(['keys', 'rotate', '--from', '-'], { input })
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining('--algorithm')])
    const named = await command(['keys', 'rotate', '--from', '-', '--algorithm', 'PS256'], { input })
    expect(JSON.parse(named.stdout).next.alg).toBe('PS256')
  }
  const input = JSON.stringify({ current: { ...bare, alg: 'PS256' } })
  const said = await command(['keys', 'rotate', '--from', '-'], { input })
  expect(JSON.parse(said.stdout).next.alg).toBe('PS256')
})

it('keys that the server would refuse are not written', async () => {
  writeFileSync(file, JSON.stringify({ current: { kty: 'oct', k: 'c2VjcmV0' } }))
  const before = readFileSync(file, 'utf8')
  const { code, stderr } = await command(['keys', 'rotate', '--from', file, '--yes'])
  expect([code, readFileSync(file, 'utf8')]).toEqual([1, before])
  expect(stderr).not.toContain('c2VjcmV0')
})
