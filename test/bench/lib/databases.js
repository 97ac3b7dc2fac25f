// A private PostgreSQL, MariaDB and Redis for the adapters, where their programs are installed. Or, from the environment,
// others: BENCH_POSTGRES_URL, BENCH_MYSQL_URL, BENCH_REDIS_URL.
const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } = require('node:fs')
const { connect, createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { delimiter, join } = require('node:path')

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}

/** @param {number} port */
async function untilOpen(port) {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.end())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`Nothing listens at port ${port}`)
}

/** @param {string} command @param {string[]} args @param {import('node:child_process').SpawnOptions} [options] */
function keepRunning(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: 'ignore' })
  process.on('exit', () => child.kill('SIGKILL'))
  child.unref()
}

/** The URL of a Redis, or undefined. */
async function startRedis() {
  if (process.env.BENCH_REDIS_URL) return process.env.BENCH_REDIS_URL
  if (spawnSync('which', ['redis-server']).status !== 0) return undefined
  const port = await freePort()
  keepRunning('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'])
  await untilOpen(port)
  return `redis://127.0.0.1:${port}`
}

/** The URL of a PostgreSQL, or undefined. It does not wait for the disk. */
async function startPostgres() {
  if (process.env.BENCH_POSTGRES_URL) return process.env.BENCH_POSTGRES_URL
  const debian = '/usr/lib/postgresql'
  const folders = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []
  const bin = [...folders, ...(process.env.PATH ?? '').split(delimiter)].find((folder) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))),
  )
  if (!bin) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'eas-bench-postgres-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  // PostgreSQL refuses to run as root
  const user = process.getuid?.() === 0 ? ids('postgres') : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-N'], {
    ...user,
    stdio: 'ignore',
    cwd: folder,
  })
  const port = await freePort()
  const settings = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', `unix_socket_directories=${folder}`]
  keepRunning(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', ...settings], {
    ...user,
    cwd: folder,
  })
  await untilOpen(port)
  await new Promise((resolve) => setTimeout(resolve, 500))
  return `postgres://bench@127.0.0.1:${port}/postgres`
}

/** The URL of a MariaDB, or undefined. It does not wait for the disk. */
async function startMysql() {
  if (process.env.BENCH_MYSQL_URL) return process.env.BENCH_MYSQL_URL
  const programs = ['/usr/sbin/mariadbd', '/usr/bin/mariadb-install-db', '/usr/bin/mariadb']
  const [server, installer, client] = programs
  if (!server || !installer || !client || !programs.every(existsSync)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'eas-bench-mysql-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  // MariaDB refuses to run as root
  const user = process.getuid?.() === 0 ? ids('mysql') : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  const data = ['--no-defaults', `--datadir=${join(folder, 'data')}`]
  execFileSync(installer, [...data, '--auth-root-authentication-method=normal'], {
    ...user,
    stdio: 'ignore',
    cwd: folder,
  })
  const port = await freePort()
  const place = [`--socket=${join(folder, 'socket')}`, `--port=${port}`, '--bind-address=127.0.0.1']
  const settings = ['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=1G', '--skip-name-resolve']
  keepRunning(server, [...data, ...place, ...settings], { ...user, cwd: folder })
  await untilOpen(port)
  const grant = "CREATE DATABASE bench; CREATE USER bench@'127.0.0.1'; GRANT ALL ON bench.* TO bench@'127.0.0.1'"
  execFileSync(client, ['--no-defaults', '-uroot', `--socket=${join(folder, 'socket')}`, '-e', grant])
  return `mysql://bench@127.0.0.1:${port}/bench`
}

/** @param {string} user */
function ids(user) {
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

module.exports = { startMysql, startPostgres, startRedis }
