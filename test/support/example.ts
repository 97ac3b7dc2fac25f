/** An example as a person meets it: `npm run example -- NAME` in a process of its own, and the lines that it prints. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port'

export interface Example {
  issuer: string
  /** What it has printed so far. */
  printed(): string
  /** Waits until it has printed a line with this in it. */
  line(part: string): Promise<string>
  stop(): Promise<void>
}

/** Starts it, on a free port or on that of `env`, and waits until it listens. */
export async function startExample(name: string, env: Record<string, string> = {}): Promise<Example> {
  const port = env.PORT ?? (await freePort())
  const example = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), name], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [example.stdout, example.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const ended = once(example, 'exit').then(() => true)
  const line = async (part: string): Promise<string> => {
    for (;;) {
      const found = text.split('\n').find((one, n, all) => n < all.length - 1 && one.includes(part))
      if (found !== undefined) return found
      const over = await Promise.race([ended, once(example.stdout, 'data').then(() => false)])
      if (over) throw new Error(`${name} has ended without "${part}": ${text}`)
    }
  }
  const issuer = (await line('listening on ')).replace('listening on ', '')
  return {
    issuer,
    printed: () => text,
    line,
    async stop() {
      example.kill()
      await ended
    },
  }
}

/** Pastes a line into a shell: the JSON that it prints. */
export async function paste(line: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line.replace('curl ', 'curl -sS ')])
  return JSON.parse(stdout) as Record<string, unknown>
}
