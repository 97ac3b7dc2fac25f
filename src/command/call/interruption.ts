/** Ctrl-C: finishes the current write. A second one ends the process at once. */
import { exit } from './refusal'

let isInterrupted = false
let underWay = 0

const SIGNALS = { SIGINT: exit.interrupted, SIGTERM: 143 } as const

/** From now on a signal ends the process, but not during a step in `finished`. */
export function watchSignals(): void {
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isInterrupted || underWay === 0) process.exit(code)
      isInterrupted = true
      process.exitCode = code
    })
  }
}

/** Whether long work must stop after its current step. */
export function wasInterrupted(): boolean {
  return isInterrupted
}

/** Completes a step despite signals: its write, and its output that is printed only once. */
export async function finished<T>(step: () => Promise<T>): Promise<T> {
  underWay++
  try {
    return await step()
  } finally {
    underWay--
    if (isInterrupted && underWay === 0) process.exit()
  }
}
