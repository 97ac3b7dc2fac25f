/** A private nginx on a free port, with a folder of its own, for one test file. Nothing of it stays. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dieWithParent } from '../storage/support/private-server'
import { freePort } from './free-port'

const places = ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx']
const program = places.find((place) => spawnSync(place, ['-v']).status === 0)
const missing = 'nginx is not installed: apt-get install nginx'

/** `describe` where there is an nginx, and a skipped block that says what is missing where there is none. */
export function describeNginx(name: string, body: () => void): void {
  if (program !== undefined) return describe(name, body)
  if (process.env.CI === 'true') throw new Error(missing)
  describe.skip(`${name} (${missing})`, body)
}

/** Starts one whose `server` block has these lines. `stop` ends it and removes its folder. */
export async function startNginx(lines: (port: number) => readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-test-'))
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeFolder)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  mkdirSync(join(folder, 'logs'))
  const settings = [
    // one process, which is the one that the test has started
    ...['daemon off;', 'master_process off;', `pid ${folder}/nginx.pid;`, 'error_log stderr;', 'events {}'],
    ...['http {', 'access_log off;', ...temporary, 'server {', ...lines(port), '}', '}'],
  ]
  writeFileSync(join(folder, 'nginx.conf'), settings.join('\n'))
  const [command = '', ...args] = [...dieWithParent('KILL'), program as string]
  const child = spawn(command, [...args, '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (text) => {
    log += text
  })
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${log}`)
    await sleep(20)
  }
  return {
    origin: `https://127.0.0.1:${port}`,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      process.removeListener('exit', removeFolder)
      removeFolder()
      if (existsSync(folder)) throw new Error(`${folder} is still there`)
    },
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
