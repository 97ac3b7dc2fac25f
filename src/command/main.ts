#!/usr/bin/env node
import { watchSignals } from './call/interruption'
/** The package's command, as `npx` runs it. */
import { exit } from './call/refusal'
import { run } from './program'

// `| head -1` closes the pipe early: not a failure
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exit.done : exit.failed),
)
process.stderr.on('error', () => {})
// without Node's warnings about new features, such as node:sqlite
process.removeAllListeners('warning')
process.on('warning', ({ name, message }) => {
  if (name !== 'ExperimentalWarning') console.error(message)
})
watchSignals()

/** Milliseconds for drivers to close their connections. */
const LAST = 3000

void run(process.argv.slice(2)).then((code) => {
  process.exitCode ??= code
  setTimeout(() => process.exit(), LAST).unref()
})

// biome-ignore lint/complexity/noUselessEmptyExport: esbuild takes a file without exports for a script, in this package
export {}
