#!/usr/bin/env node
import { watchSignals } from './call/interruption'
/** The command of the package, as `npx` starts it. */
import { exit } from './call/refusal'
import { run } from './program'

// `| head -1` has read enough: that is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exit.done : exit.failed),
)
process.stderr.on('error', () => {})
// without Node's own words of features that are new, such as node:sqlite
process.removeAllListeners('warning')
process.on('warning', ({ name, message }) => {
  if (name !== 'ExperimentalWarning') console.error(message)
})
watchSignals()

/** Milliseconds in which a driver may still close its connections. */
const LAST = 3000

void run(process.argv.slice(2)).then((code) => {
  process.exitCode ??= code
  setTimeout(() => process.exit(), LAST).unref()
})
