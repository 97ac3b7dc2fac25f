/** The output and questions of a command: results on stdout, everything else on stderr. */
import { createInterface } from 'node:readline'
import { exit, Refusal } from './refusal'
import { safeJson, shown } from './shown'

export interface Terminal {
  readonly json: boolean
  /** Prints a line of the result, or with `--json` the value. Resolves when the reader can take more. */
  result(line: string, value: unknown): Promise<void>
  /** Prints text unchanged: SQL, a key, help. */
  exact(text: string): Promise<void>
  /** Prints a message beside the result. Programs need not read it. */
  say(line: string): void
  /** Shows the progress of long work in one line, only on a terminal. */
  progress(line: string): void
  /** Returns if the answer is yes. Refuses if no one can be asked and `--yes` is missing. */
  confirm(question: string): Promise<void>
  /** Hides a secret in all later output. */
  conceal(secret: string): void
}

/** Milliseconds between progress updates. */
const PACE = 100

export function terminal({ json, yes }: { json: boolean; yes: boolean }): Terminal {
  const { stdin, stdout, stderr } = process
  const secrets = new Set<string>()
  let isProgressing = false
  let nextProgress = 0

  const without = (text: string) => [...secrets].reduce((said, secret) => said.replaceAll(secret, '***'), text)
  const write = (text: string) =>
    stdout.write(text) ? Promise.resolve() : new Promise<void>((resolve) => stdout.once('drain', resolve))
  const endProgress = () => {
    if (isProgressing) stderr.write('\r\u001b[K')
    isProgressing = false
  }
  return {
    json,
    result: (line, value) => write(`${json ? safeJson(value) : line}\n`),
    exact: (text) => write(text.endsWith('\n') ? text : `${text}\n`),
    say(line) {
      endProgress()
      stderr.write(`${without(line)}\n`)
    },
    progress(line) {
      if (!stderr.isTTY || performance.now() < nextProgress) return
      nextProgress = performance.now() + PACE
      isProgressing = true
      stderr.write(`\r\u001b[K${shown(line, (stderr.columns ?? 80) - 1)}`)
    },
    async confirm(question) {
      endProgress()
      if (yes) return
      if (!stdin.isTTY || !stderr.isTTY) {
        throw new Refusal(`${question} Add --yes to say so where no terminal is there to ask.`, exit.declined)
      }
      if (!/^y(es)?$/i.test(await ask(`${question} [y/N] `))) throw new Refusal('Nothing was changed.', exit.declined)
    },
    conceal(secret) {
      // a short one would hide parts of every sentence
      if (secret.length > 2) secrets.add(secret)
    },
  }
}

function ask(question: string): Promise<string> {
  const { stdin, stderr } = process
  return new Promise((resolve, reject) => {
    const reader = createInterface({ input: stdin, output: stderr })
    const interrupted = () => {
      reject(new Refusal('Nothing was changed.', exit.interrupted))
      reader.close()
    }
    reader.once('SIGINT', interrupted)
    // the end of the input (Ctrl-D) is not a yes
    reader.once('close', () => resolve(''))
    reader.question(question, (answer) => {
      resolve(answer.trim())
      reader.close()
    })
  })
}
