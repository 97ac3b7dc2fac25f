/** Ctrl-C: what is being written is finished, and a second one ends the process at once. */
import { exit } from './refusal'

let isInterrupted = false
let underWay = 0

const SIGNALS = { SIGINT: exit.interrupted, SIGTERM: 143 } as const

/** From now on a signal ends the process, but not in the middle of what is `finished`. */
export function watchSignals(): void {
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isInterrupted || underWay === 0) process.exit(code)
      isInterrupted = true
      process.exitCode = code
    })
  }
}

/** Whether long work must stop after the step that it is in. */
export function wasInterrupted(): boolean {
  return isInterrupted
}

/** Does a step whole: what it stores, and what it then prints once. */
export async function finished<T>(step: () => Promise<T>): Promise<T> {
  underWay++
  try {
    return await step()
  } finally {
    underWay--
    if (isInterrupted && underWay === 0) process.exit()
  }
}
