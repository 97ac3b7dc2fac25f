/** The command line as its users have it: a process of its own, of the sources as they are now. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(__dirname, '../../..')

/** Where better-sqlite3 is, for a Node without SQLite of its own. */
const peers = join(root, 'test/peers/node_modules')

/** What the command sees of the environment: nothing of this run that would change what it does. */
export function environmentOf(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, NODE_ENV: __, ...inherited } = process.env
  return { ...inherited, NODE_PATH: peers, ...own }
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

interface CallOptions {
  env?: Readonly<Record<string, string>>
  /** What is piped into it. @default an empty input */
  input?: string
  /** Where it is started. @default the folder of the command */
  cwd?: string
  node?: string
}

export interface CommandLine {
  folder: string
  main: string
  /** Runs it to its end. */
  (args: readonly string[], options?: CallOptions): Promise<Ended>
  start(args: readonly string[], options?: CallOptions): ChildProcess
  remove(): void
}

/** Compiles the sources, file by file, into a folder of their own, with the packages of this repository. */
export function buildCommand({ packages = join(root, 'node_modules') } = {}): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'command-'))
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  buildSync({
    entryPoints: sources.filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).map((name) => join(root, 'src', name)),
    outdir: join(folder, 'dist'),
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(packages, join(folder, 'node_modules'), 'junction')
  const main = join(folder, 'dist/command/main.js')
  const start = (args: readonly string[], { env, cwd = folder, node = process.execPath }: CallOptions = {}) =>
    spawn(node, [main, ...args], { cwd, env: environmentOf(env) })
  const call = async (args: readonly string[], options: CallOptions = {}) => {
    const child = start(args, options)
    child.stdin?.on('error', () => {}).end(options.input ?? '')
    return ended(child)
  }
  return Object.assign(call, { folder, main, start, remove: () => rmSync(folder, { recursive: true, force: true }) })
}

/** What a process has printed when it is over. */
async function ended(child: ChildProcess): Promise<Ended> {
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...printed }
}
