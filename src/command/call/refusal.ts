/** How a command ends that does not do what was asked: in one sentence, with an exit code. */

/** Exit codes, as `--help` lists them. */
export const exit = { done: 0, failed: 1, usage: 2, findings: 3, declined: 4, interrupted: 130 } as const

/** What ends a command in one sentence, without a stack. */
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

/** The arguments are wrong. */
export function misused(problem: string): Refusal {
  return new Refusal(problem, exit.usage)
}
