// What the help and the guide say is so: each command of the guide is run, and each option of an example exists.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

it('a SQLite file that migrate makes is for its user alone, and one that is there keeps its mode', async () => {
  const file = join(folder, 'made.db')
  const migrate = (place: string) => command(['migrate', '--database', `sqlite:${place}`], { cwd: folder })
  expect((await migrate(file)).code).toBe(0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  chmodSync(file, 0o640)
  expect((await migrate(file)).code).toBe(0)
  expect(statSync(file).mode & 0o777).toBe(0o640)
  // no file of that name is made
  expect((await migrate(':memory:')).code).toBe(0)
  expect(existsSync(join(folder, ':memory:'))).toBe(false)
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

it('an id that begins with a dash, as one of 64 that are generated does, is told how to be written', async () => {
  const at = ['--database', `sqlite:${join(folder, 'dash.db')}`]
  expect((await command(['migrate', ...at])).code).toBe(0)
  const cases: [args: string[], words: string, written: string[], code: number][] = [
    [
      ['grants', 'revoke', '--grant', '-Hc4'],
      'write --grant=VALUE where',
      ['grants', 'revoke', '--grant=-Hc4', '--yes', ...at],
      0,
    ],
    [
      ['clients', 'delete', '-Hc4'],
      'write -- before a last value',
      ['clients', 'delete', '--yes', ...at, '--', '-Hc4'],
      1,
    ],
  ]
  for (const [args, fix, written, code] of cases) {
    const wrong = await command(args)
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(fix) })
    expect((await command(written)).code).toBe(code)
  }
})
