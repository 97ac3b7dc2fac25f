/** A private Redis on a free port, in a temporary folder, for one test file. Nothing of it stays. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dieWithParent, freeze } from './private-server'

export interface RunningRedis {
  /** Of the node, or of the first node of the cluster. */
  url: string
  stop(): Promise<void>
  /** Ends it in order, if it runs, and starts it again on the same port with the same data. */
  restart(): Promise<void>
  /** What a power failure does to the process. */
  kill(): Promise<void>
  /** It hangs from now on, without closing its connections, until the returned function is called. */
  freeze(): () => void
}

export interface RedisSettings {
  /** Makes a cluster of so many nodes. */
  cluster?: number
  /** Lines of redis.conf, by name. */
  config?: Record<string, string>
}

const programs = { server: 'redis-server', cli: 'redis-cli' }
const isInstalled = spawnSync(programs.server, ['--version']).status === 0
const missing = 'redis-server is not installed: apt-get install redis-server'

/** `describe` where there is a Redis server, and a skipped block that says what is missing where there is none. */
export function describeRedis(name: string, body: () => void): void {
  if (isInstalled) return describe(name, body)
  if (process.env.CI === 'true') throw new Error(missing)
  describe.skip(`${name} (${missing})`, body)
}

export async function startRedis({ cluster, config = {} }: RedisSettings = {}): Promise<RunningRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'))
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  const settings = { appendonly: 'yes', ...config, ...(cluster && { 'cluster-enabled': 'yes' }) }
  const nodes: Node[] = []
  process.once('exit', removeFolder)
  try {
    for (let n = 0; n < (cluster ?? 1); n++) nodes.push(await startNode(join(folder, String(n)), settings))
    if (cluster) await makeCluster(nodes)
  } catch (error) {
    for (const node of nodes) await node.end('SIGKILL')
    removeFolder()
    throw error
  }
  return {
    url: `redis://127.0.0.1:${nodes[0]?.port}`,
    async stop() {
      for (const node of nodes) await node.end('SIGKILL')
      process.removeListener('exit', removeFolder)
      // What is killed while it rewrites its file leaves a child that goes on with that for a moment
      for (let tries = 1; ; tries++) {
        try {
          return removeFolder()
        } catch (error) {
          if (tries === 20) throw error
          await sleep(50)
        }
      }
    },
    async restart() {
      for (const node of nodes) await node.end('SIGTERM')
      for (const node of nodes) await node.start()
    },
    async kill() {
      for (const node of nodes) await node.end('SIGKILL')
    },
    freeze() {
      const thaws = nodes.map((node) => node.freeze())
      return () => {
        for (const thaw of thaws) thaw()
      }
    },
  }
}

interface Node {
  port: number
  start(): Promise<void>
  end(signal: NodeJS.Signals): Promise<void>
  freeze(): () => void
}

async function startNode(dir: string, settings: Record<string, string>): Promise<Node> {
  mkdirSync(dir)
  let running: ChildProcess | undefined
  const killAtExit = () => running?.kill('SIGKILL')
  process.once('exit', killAtExit)
  const node: Node = {
    port: 0,
    async start() {
      const options = { port: String(node.port), bind: '127.0.0.1', dir, save: '', daemonize: 'no', ...settings }
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
      const [command, ...rest] = [...dieWithParent('KILL'), programs.server]
      const child = spawn(command as string, [...rest, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      let log = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text))
      running = child
      while (!(await answers(node.port))) {
        if (child.exitCode !== null) throw new Error(`redis-server ended: ${log}`)
        await sleep(10)
      }
    },
    freeze: () => freeze(running?.pid as number),
    async end(signal) {
      const child = running
      running = undefined
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      // Redis refuses to end while it writes its first file: it is asked again until it does
      for (let asked = 0; child.exitCode === null && child.signalCode === null; asked++) {
        child.kill(asked < 100 ? signal : 'SIGKILL')
        await Promise.race([exited, sleep(100)])
      }
    },
  }
  for (let tries = 0; ; tries++) {
    node.port = await freePort()
    try {
      await node.start()
      return node
    } catch (error) {
      // Somebody else may have taken the port meanwhile
      if (tries === 3) throw error
    }
  }
}

/** Whether it takes commands there: it may still be loading its data. */
async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (data) => finish(String(data).startsWith('+PONG')))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
  })
}

/** Below 55535, because a node of a cluster also listens 10000 above its port. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    await once(server, 'close')
    if (port < 55_535) return port
  }
}

async function makeCluster(nodes: readonly Node[]): Promise<void> {
  const cli = (port: number, ...args: string[]) =>
    execFileSync(programs.cli, ['-p', String(port), ...args], { encoding: 'utf8' })
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  cli(nodes[0]?.port as number, '--cluster', 'create', ...addresses, '--cluster-yes')
  for (const { port } of nodes) while (!cli(port, 'cluster', 'info').includes('cluster_state:ok')) await sleep(20)
}
