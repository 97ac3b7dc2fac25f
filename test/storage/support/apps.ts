/**
 * Starts host apps in processes of their own. The program is one prebuilt file, and the next process is loaded while
 * the one before still runs, so that fifty can be killed in seconds.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { buildSync } from 'esbuild'
import type { FromApp } from './app'
import type { Store } from './stores'

const packages = ['node_modules', 'test/peers/node_modules']
  .map((folder) => join(__dirname, '..', '..', '..', folder))
  .join(delimiter)

export interface Answer {
  /** 0: the process died, or the connection did, before it answered. */
  status: number
  body: Record<string, unknown>
}

export interface App {
  pid: number
  post(path: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Answer>
  get(path: string, bearer?: string, headers?: Record<string, string>): Promise<Answer>
  /** What it said of rejections that nobody handled. */
  unhandled: string[]
  /** `kill -9`. */
  kill(): Promise<void>
}

export interface Apps {
  /** Starts one on the store. `next` is loaded meanwhile, for the start after this one. */
  start(store: Store, next?: Store['kind']): Promise<App>
  /** Ends all that still run. */
  stop(): Promise<void>
}

/** `env`: what each process finds in its environment, too. */
export function buildApps(env: Readonly<Record<string, string>> = {}): Apps {
  const folder = mkdtempSync(join(tmpdir(), 'apps-'))
  const program = join(folder, 'app.js')
  buildSync({
    entryPoints: [join(__dirname, 'app.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // One finds its native part beside itself, the other one is not needed
    external: ['better-sqlite3', 'pg-native'],
    // `require`, which looks where NODE_PATH says
    supported: { 'dynamic-import': false },
    logLevel: 'error',
  })
  const running = new Set<ChildProcess>()
  const loaded = new Map<Store['kind'], ChildProcess[]>()

  function load(kind: Store['kind']): ChildProcess {
    const child = fork(program, [kind], { env: { ...process.env, ...env, NODE_PATH: packages } })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  return {
    async start(store, next) {
      const child = loaded.get(store.kind)?.shift() ?? load(store.kind)
      const unhandled: string[] = []
      const port = new Promise<number>((resolve, reject) => {
        child.on('message', (message: FromApp) => {
          if ('port' in message) resolve(message.port)
          if ('unhandled' in message) unhandled.push(message.unhandled)
        })
        child.once('exit', () => reject(new Error(`The app ended before it listened: ${unhandled.join()}`)))
      })
      child.send(store)
      if (next) loaded.set(next, [...(loaded.get(next) ?? []), load(next)])
      return appAt(child, await port, unhandled)
    },
    async stop() {
      const ended = [...running].map((child) => once(child, 'exit'))
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(ended)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function appAt(child: ChildProcess, port: number, unhandled: string[]): App {
  const agent = new Agent({ keepAlive: true })
  const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<Answer>((resolve) => {
      const unanswered = () => resolve({ status: 0, body: {} })
      const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response: IncomingMessage) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () => {
          // An answer that breaks off in the middle is none
          if (!response.complete) return unanswered()
          const isPage = response.headers['content-type']?.startsWith('text/html')
          const body = text === '' ? {} : isPage ? { page: text } : JSON.parse(text)
          resolve({ status: response.statusCode as number, body })
        })
        response.on('error', unanswered)
      })
      sent.on('error', unanswered)
      sent.end(body)
    })
  return {
    pid: child.pid as number,
    unhandled,
    post(path, form = {}, headers = {}) {
      const body = new URLSearchParams(form).toString()
      return send('POST', path, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body)
    },
    get(path, bearer, headers = {}) {
      return send('GET', path, bearer === undefined ? headers : { ...headers, authorization: `Bearer ${bearer}` })
    },
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      agent.destroy()
    },
  }
}
