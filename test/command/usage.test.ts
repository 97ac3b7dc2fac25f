// What the help and the guide say is so: each command of the guide is run, and each option of an example exists.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from 'jose'
import { generateSigningKey } from '../../src/index'
import { buildCommand } from './support/command'

const command = buildCommand()
const folder = mkdtempSync(join(tmpdir(), 'usage-'))
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true, force: true })
})

const PROGRAM = 'npx express-authorization-server '
const guide = readFileSync(join(__dirname, '../../examples/command-line-tool/README.md'), 'utf8')
const words = (line: string) => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''))
const commandsIn = (text: string) =>
  text.split('\n').flatMap((line) => (line.trim().startsWith(PROGRAM) ? [line.trim().slice(PROGRAM.length)] : []))

it('each command of the guide does what it says, one after the other', async () => {
  const lines = commandsIn(guide).filter((line) => !line.startsWith('check '))
  expect(lines.length).toBeGreaterThan(12)
  for (const line of lines) {
    const { code, stderr } = await command(words(line), { cwd: folder, env: { DATABASE_URL: 'sqlite:oauth.db' } })
    expect([line, code, stderr]).toEqual([line, 0, expect.not.stringContaining('Error')])
  }
})

it('each level has its help, with examples whose options it has', async () => {
  const { code, stdout } = await command(['--help'])
  expect(code).toBe(0)
  for (const text of ['Commands:', 'Examples:', 'Exit codes:', '130']) expect(stdout).toContain(text)
  for (const group of ['keys', 'clients', 'grants']) {
    expect((await command([group, '--help'])).stdout).toContain('Examples:')
  }
  const commands = ['keys make', 'keys rotate', 'keys public', 'schema', 'migrate', 'clients list', 'clients add']
  for (const path of [
    ...commands,
    'clients rotate',
    'clients delete',
    'grants list',
    'grants revoke',
    'cleanup',
    'check',
  ]) {
    const help = await command([...path.split(' '), '--help'])
    expect([path, help.code, help.stderr]).toEqual([path, 0, ''])
    const [options = '', examples = ''] = help.stdout.split('Options:')[1]?.split('Examples:') ?? []
    expect(commandsIn(examples).length).toBeGreaterThan(0)
    for (const line of commandsIn(examples)) {
      expect(line.startsWith(path)).toBe(true)
      const own = line.split(/ [|>] /)[0] ?? ''
      for (const [name] of own.matchAll(/--[a-z-]+/g)) expect(options).toContain(name)
    }
  }
})

it('the exit codes of the help are those of the guide', async () => {
  const { stdout } = await command(['--help'])
  const inHelp = [...(stdout.split('Exit codes:')[1] ?? '').matchAll(/^ {2}(\d+) /gm)].map(([, code]) => code)
  const inGuide = [...guide.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)
  expect(inHelp).toEqual(inGuide)
})

it.each([
  ['no command', []],
  ['an unknown one', ['grant']],
  ['an unknown one of a group', ['clients', 'remove']],
  ['no database', ['clients', 'list']],
  ['an unknown option', ['clients', 'list', '--all', '--database', 'sqlite:x.db']],
  ['an option without its value', ['clients', 'list', '--owner']],
  ['an option that is there twice', ['clients', 'list', '--owner', 'a', '--owner', 'b', '--database', 'sqlite:x.db']],
  ['an empty value', ['clients', 'list', '--owner', '', '--database', 'sqlite:x.db']],
  ['a value too many', ['clients', 'delete', 'a', 'b', '--database', 'sqlite:x.db']],
  ['no id', ['clients', 'delete', '--database', 'sqlite:x.db']],
  ['a name of the prototype', ['__proto__']],
  ['another kind of database', ['schema', 'oracle']],
  ['an algorithm that is not there', ['keys', 'make', '--algorithm', 'HS256']],
  ['a schema of SQLite', ['migrate', '--schema', 'x', '--database', 'sqlite:x.db']],
])('%s is exit code 2, in one sentence', async (_name, args) => {
  const { code, stdout, stderr } = await command(args, { cwd: folder })
  expect(code).toBe(2)
  if (args.length > 0) expect([stdout, stderr.trim().split('\n').length]).toEqual(['', 1])
})

describe('keys', () => {
  const file = join(folder, 'signing.json')
  const read = () => JSON.parse(readFileSync(file, 'utf8'))
  const published = async () =>
    createLocalJWKSet(JSON.parse((await command(['keys', 'public', '--from', file, '--json'])).stdout))
  const signed = async () => {
    const { current } = read()
    const jwt = new SignJWT({}).setProtectedHeader({ alg: current.alg, kid: current.kid })
    return jwt.sign(await importJWK(current, current.alg))
  }

  it('are replaced in three steps, and no token is refused before the last', async () => {
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

  it('come from the environment or standard input, too, and nothing private is published', async () => {
    const key = JSON.stringify(generateSigningKey())
    const fromEnvironment = await command(['keys', 'public', '--from', 'env:KEYS'], { env: { KEYS: key } })
    const fromInput = await command(['keys', 'public', '--from', '-'], { input: key })
    expect(fromEnvironment.stdout).toBe(fromInput.stdout)
    const { keys } = JSON.parse(fromInput.stdout)
    expect(keys).toEqual([expect.not.objectContaining({ d: expect.anything() })])
  })

  it('that the server would refuse are not written', async () => {
    writeFileSync(file, JSON.stringify({ current: { kty: 'oct', k: 'c2VjcmV0' } }))
    const before = readFileSync(file, 'utf8')
    const { code, stderr } = await command(['keys', 'rotate', '--from', file, '--yes'])
    expect([code, readFileSync(file, 'utf8')]).toEqual([1, before])
    expect(stderr).not.toContain('c2VjcmV0')
  })
})
