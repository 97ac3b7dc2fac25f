/**
 * The definition of a command: its texts, its options and its function. `help.ts` prints the first two, `program.ts`
 * calls the last.
 */
import { misused } from './refusal'
import type { Terminal } from './terminal'

interface Option {
  readonly type: 'string' | 'boolean'
  /** May be repeated. */
  readonly multiple?: boolean
  /** The placeholder of its value in the help. */
  readonly value?: string
  readonly words: string
}

export type Options = Readonly<Record<string, Option>>

/** A call of a command: its parsed arguments, and its output. */
export interface Call {
  text(option: string): string | undefined
  list(option: string): readonly string[]
  flag(option: string): boolean
  /** The values without an option, as many as the command's `values`. */
  readonly values: readonly string[]
  readonly terminal: Terminal
}

export interface Command {
  /** One sentence. */
  readonly about: string
  /** More sentences: rules, and the output. */
  readonly details?: readonly string[]
  /** Names of the values without an option. */
  readonly values?: readonly string[]
  readonly options?: Options
  /** Arguments after the program's name, each with a description. */
  readonly examples: readonly (readonly [line: string, words: string])[]
  /** Returns the exit code, if not 0. */
  run(call: Call): Promise<number | undefined>
}

/** Commands with a common first word. */
export interface Group {
  readonly about: string
  readonly commands: Readonly<Record<string, Command>>
}

/** Returns the one of `values` that is given. Refuses others with a list of all. */
export function oneOf<Value extends string>(name: string, given: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === given)
  if (found === undefined) throw misused(`${name} must be one of ${values.join(', ')}.`)
  return found
}

/** A whole number of seconds. */
export function secondsOf(call: Call, option: string): number | undefined {
  const given = call.text(option)
  if (given === undefined) return undefined
  if (/^\d{1,12}$/.test(given)) return Number(given)
  throw misused(`--${option} must be a whole number of seconds.`)
}

/** The value of a required option. */
export function required(call: Call, option: string): string {
  const given = call.text(option)
  if (given) return given
  throw misused(`--${option} is missing.`)
}
