/** Reads secrets from the environment, a file or stdin: every user of the machine can see a process's arguments. */
import { readFileSync } from 'node:fs'
import { misused, Refusal } from './refusal'

/** The accepted sources of `--secret-from` and `--from`. */
export const SOURCES = 'FILE, env:NAME, or - for standard input'

/** Bytes. A key set has a few thousand. */
const MOST = 1024 * 1024

/** Reads the text, without a final line break, which editors and `echo` add. */
export function readSecret(option: string, source: string): string {
  const text = readSource(option, source).replace(/\r?\n$/, '')
  if (text === '') throw new Refusal(`--${option}: there is nothing at ${named(source)}.`)
  return text
}

function readSource(option: string, source: string): string {
  if (source.startsWith('env:')) {
    const name = source.slice('env:'.length)
    const value = process.env[name]
    if (value === undefined) throw new Refusal(`--${option}: the environment has no variable of that name.`)
    return value
  }
  if (source === '-' && process.stdin.isTTY) throw misused(`--${option} - reads standard input: pipe it in.`)
  try {
    const bytes = readFileSync(source === '-' ? 0 : source)
    if (bytes.length > MOST) throw new Refusal(`--${option}: ${named(source)} is too long.`)
    return bytes.toString('utf8')
  } catch (cause) {
    if (cause instanceof Refusal) throw cause
    const { code } = cause as NodeJS.ErrnoException
    // never shows the path, which may be the secret itself by mistake
    throw new Refusal(`--${option}: ${named(source)} cannot be read (${code}). It is one of ${SOURCES}.`)
  }
}

const named = (source: string) =>
  source === '-' ? 'standard input' : source.startsWith('env:') ? 'the variable' : 'the file'
