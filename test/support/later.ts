/** Time that people take, without waiting for it: from now on what runs in this process takes the time for so much later. */

const { now } = Date
let milliseconds = 0

export function later(seconds: number): void {
  milliseconds += seconds * 1000
  Date.now = () => now() + milliseconds
}
