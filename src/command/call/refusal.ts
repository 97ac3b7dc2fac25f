/** How a command fails: one sentence and an exit code. */

/** Exit codes, as `--help` lists them. */
export const exit = { done: 0, failed: 1, usage: 2, findings: 3, declined: 4, interrupted: 130 } as const

/** An error that ends a command with one sentence, without a stack. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code: number = exit.failed,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'Refusal'
  }
}

/** The error for wrong arguments. */
export function misused(problem: string): Refusal {
  return new Refusal(problem, exit.usage)
}
