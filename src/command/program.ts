/** The command line: finds the command, and turns errors into one sentence and an exit code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../errors'
import type { Call, Command, Group } from './call/call'
import { reasonOf } from './call/reason'
import { exit, misused, Refusal } from './call/refusal'
import { shown } from './call/shown'
import { type Terminal, terminal } from './call/terminal'
import { check } from './check/check'
import { cleanup } from './cleanup'
import { clients } from './clients'
import { grants } from './grants'
import { commandHelp, commonOptions, groupHelp, PROGRAM, programHelp } from './help'
import { keys } from './keys'
import { migrate } from './migrate'
import { schema } from './schema'

const entries: Readonly<Record<string, Command | Group>> = { keys, schema, migrate, clients, grants, cleanup, check }

/** Runs the command in the arguments. Returns the exit code and never throws. */
export async function run(args: readonly string[]): Promise<number> {
  const has = (flag: string) => args.slice(0, [...args, '--'].indexOf('--')).includes(flag)
  const on = terminal({ json: has('--json'), yes: has('--yes') })
  try {
    return await dispatch(args, on, has('--help'))
  } catch (error) {
    const { code, sentence } = described(error)
    on.say(`${PROGRAM}: ${sentence}`)
    return code
  }
}

async function dispatch(args: readonly string[], on: Terminal, isHelp: boolean): Promise<number> {
  const [first = '', second = ''] = args
  if (first === '--version') return printed(on, version())
  if (first === '' || first === 'help' || first === '--help') {
    await on.exact(programHelp(entries))
    return first === '' ? exit.usage : exit.done
  }
  const entry = named(entries, first, 'command')
  if (!('commands' in entry)) return runCommand(entry, first, args.slice(1), on, isHelp)
  if (second === '' || second === '--help') {
    await on.exact(groupHelp(first, entry))
    return second === '' ? exit.usage : exit.done
  }
  return runCommand(named(entry.commands, second, `${first} command`), `${first} ${second}`, args.slice(2), on, isHelp)
}

async function printed(on: Terminal, text: string): Promise<number> {
  await on.exact(text)
  return exit.done
}

function version(): string {
  const manifest = readFileSync(join(__dirname, '../../package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function named<Entry>(all: Readonly<Record<string, Entry>>, name: string, kind: string): Entry {
  const entry = Object.hasOwn(all, name) ? all[name] : undefined
  if (!entry) throw misused(`There is no ${kind} ${shown(name, 40)}. There are ${Object.keys(all).join(', ')}.`)
  return entry
}

async function runCommand(command: Command, path: string, args: string[], on: Terminal, isHelp: boolean) {
  if (isHelp) return printed(on, commandHelp(path, command))
  return (await command.run(callOf(command, args, on))) ?? exit.done
}

/** Parses the arguments of one command. Refuses unknown, missing and repeated ones. */
function callOf({ options = {}, values: names = [] }: Command, args: string[], on: Terminal): Call {
  const known = { ...options, ...commonOptions }
  const { values, positionals, tokens } = parsed(known, args)
  for (const [name, { multiple }] of Object.entries(known)) {
    const times = tokens.filter((token) => token.kind === 'option' && token.name === name).length
    if (!multiple && times > 1) throw misused(`--${name} is there ${times} times.`)
    if (values[name] === '') throw misused(`--${name} is empty.`)
  }
  if (positionals.length < names.length) throw misused(`${names[positionals.length]} is missing.`)
  if (positionals.length > names.length || positionals.includes('')) {
    throw misused(`There is an argument that this command does not take: see --help.`)
  }
  return {
    text: (option) => values[option] as string | undefined,
    list: (option) => (values[option] ?? []) as string[],
    flag: (option) => values[option] === true,
    values: positionals,
    terminal: on,
  }
}

function parsed(options: Command['options'] & object, args: string[]) {
  const config = Object.entries(options).map(
    ([name, { type, multiple = false }]) => [name, { type, multiple }] as const,
  )
  try {
    return parseArgs({ args, options: Object.fromEntries(config), allowPositionals: true, strict: true, tokens: true })
  } catch (error) {
    // the first sentence names the option; the rest is advice for other programs
    const [problem = ''] = messageOf(error).split(/\n|\. /)
    throw misused(`${shown(problem.replace(/\.$/, ''))}: ${fixOf(problem)}see --help.`)
  }
}

/** Generated values, such as ids of grants and clients, may begin with a dash. */
function fixOf(problem: string): string {
  const [, option] = /^Option '--([\w-]+)[^']*' argument is ambiguous/.exec(problem) ?? []
  if (option !== undefined) return `write --${option}=VALUE where the value begins with a dash, or `
  return /^Unknown option '-[^-]/.test(problem) ? 'write -- before a last value that begins with a dash, or ' : ''
}

/** Describes an error in one sentence, without a stack, which only shows our code. */
function described(error: unknown): { code: number; sentence: string } {
  if (error instanceof Refusal) return { code: error.code, sentence: error.message }
  return { code: exit.failed, sentence: shown(reasonOf(error), 1000) }
}
