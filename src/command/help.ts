/** The help of each level, with examples. */
import type { Command, Group, Options } from './call/call'

export const PROGRAM = 'express-authorization-server'

export const commonOptions: Options = {
  json: { type: 'boolean', words: 'print JSON, one value in each line' },
  yes: { type: 'boolean', words: 'answer each question with yes' },
  help: { type: 'boolean', words: 'this text' },
}

const exitCodes = [
  '0    done',
  '1    failed: the database is away, there is no such client',
  '2    the arguments are wrong',
  '3    check found something',
  '4    a question had no yes, or no terminal to be asked on',
  '130  stopped by Ctrl-C',
]

export function programHelp(groups: Readonly<Record<string, Command | Group>>): string {
  const entries = Object.entries(groups)
  return sections(
    `Usage: npx ${PROGRAM} COMMAND [OPTIONS]`,
    ['Commands:', table(entries.map(([name, { about }]) => [name, about]))],
    ['Options:', optionTable(commonOptions), '  --version'],
    [
      'Examples:',
      ...entries.flatMap(([, entry]) =>
        exampleLines('commands' in entry ? firstExamples(entry) : entry.examples.slice(0, 1)),
      ),
    ],
    ['Exit codes:', ...exitCodes.map((line) => `  ${line}`)],
    `The help of one command: npx ${PROGRAM} COMMAND --help`,
  )
}

const firstExamples = ({ commands }: Group) => Object.values(commands).flatMap(({ examples }) => examples.slice(0, 1))

export function groupHelp(name: string, group: Group): string {
  return sections(
    `Usage: npx ${PROGRAM} ${name} COMMAND [OPTIONS]`,
    group.about,
    ['Commands:', table(Object.entries(group.commands).map(([command, { about }]) => [command, about]))],
    ['Examples:', ...exampleLines(firstExamples(group))],
    ['Options:', optionTable(commonOptions)],
  )
}

export function commandHelp(
  path: string,
  { about, details = [], values = [], options = {}, examples }: Command,
): string {
  return sections(
    `Usage: npx ${[PROGRAM, path, ...values, '[OPTIONS]'].join(' ')}`,
    [about, ...details],
    ['Options:', optionTable({ ...options, ...commonOptions })],
    ['Examples:', ...exampleLines(examples)],
  )
}

function sections(...parts: readonly (string | readonly string[])[]): string {
  return `${parts.map((part) => [part].flat().join('\n')).join('\n\n')}\n`
}

function exampleLines(examples: Command['examples']): string[] {
  return examples.flatMap(([line, words]) => [`  # ${words}`, `  npx ${PROGRAM} ${line}`])
}

function optionTable(options: Options): string {
  return table(
    Object.entries(options).map(([name, { value, words }]) => [`--${name}${value ? ` ${value}` : ''}`, words] as const),
  )
}

function table(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
