// ATTACKS.md row 22 on a terminal: text of strangers moves no cursor, types nothing and hangs nothing.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import fc from 'fast-check'
import { safeJson, shown } from '../../src/command/call/shown'
import { buildCommand } from '../command/support/command'

const command = buildCommand()
const folder = mkdtempSync(join(tmpdir(), 'escapes-'))
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** A title for the window, a cleared screen, a line that is turned around, a C1 sequence, and a new line. */
const hostile = '\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\u009b31m\r\nclient_id: admin\ud800'
/** What no line of ours has, but for the tabs between columns. */
const unsafe = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/u

it('is shown as text, whatever it is', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, (given) => {
      expect(shown(given)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(safeJson(given)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(JSON.parse(safeJson({ given }))).toEqual({ given })
    }),
  )
})

it('in the name of a client prints one line, and JSON that means the same', async () => {
  const file = join(folder, 'oauth.db')
  const database = new Database(file)
  const storage = sqliteStorage(database)
  storage.migrate()
  const name = hostile.replace('\ud800', '')
  await storage.clients.insert({
    clientId: 'app',
    version: 1,
    name,
    secrets: [],
    redirectUris: [],
    tokenEndpointAuthMethods: ['none'],
    createdAt: 1,
    updatedAt: 1,
  })
  database.close()
  const at = ['--database', `sqlite:${file}`]
  const lines = await command(['clients', 'list', ...at])
  expect(lines.stdout).not.toMatch(unsafe)
  expect(lines.stdout.trim().split('\n')).toHaveLength(1)
  const json = await command(['clients', 'list', '--json', ...at])
  expect(json.stdout).not.toMatch(unsafe)
  expect(JSON.parse(json.stdout).client_name).toBe(name)
  const refused = await command(['clients', 'delete', 'app', ...at])
  expect(refused).toMatchObject({ code: 4, stdout: '' })
  expect(refused.stderr).not.toMatch(unsafe)
})

it('in an argument that is wrong is not printed as it is', async () => {
  for (const args of [[hostile.replace('\ud800', '')], ['clients', 'list', `--${hostile.replace('\ud800', '')}`]]) {
    const { code, stderr } = await command(args)
    expect(code).toBe(2)
    expect(stderr).not.toMatch(unsafe)
  }
})

describe('a server that is looked at', () => {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) server.close()
  })

  /** Answers each request with what `bytes` makes of the URL, byte by byte as it is. */
  async function serve(answer: (path: string, socket: Socket, issuer: string) => void): Promise<string> {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).once('data', (data) => answer(String(data).split(' ')[1] ?? '', socket, issuer()))
    })
    servers.push(server)
    const issuer = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return issuer()
  }
  const send = (socket: Socket, body: string, more = '', status = '200 OK') =>
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${more}connection: close\r\n\r\n${body}`,
      'utf8',
    )
  const check = (issuer: string) =>
    command(['check', issuer, '--client-id', 'app', '--redirect-uri', 'https://app.example/'])

  it('prints nothing of its own into the terminal', async () => {
    const issuer = await serve((path, socket, origin) => {
      const more = `x-powered-by: \u009b31m${hostile.slice(0, 2).replace('\u001b', '')}\r\nset-cookie: \u009b31m=x\r\n`
      if (!path.startsWith('/.well-known/o')) {
        send(socket, JSON.stringify({ keys: [{ kty: 'RSA', kid: hostile, n: 'AQAB', e: 'AQAB' }] }), more)
        return
      }
      const said = {
        issuer: hostile,
        response_types_supported: ['code', hostile, 'token'],
        id_token_signing_alg_values_supported: ['none'],
        [`${hostile}_alg_values_supported`]: ['HS256'],
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        other_endpoint: `https://other.example/${hostile}`,
      }
      send(socket, JSON.stringify(said), more)
    })
    const { code, stdout, stderr } = await check(issuer)
    expect([code, `${stdout}${stderr}`.replaceAll(/[\t\n]/g, '')]).toEqual([3, expect.not.stringMatching(unsafe)])
    expect(stdout).toContain('[weak_keys]')
    expect(stdout).toContain('\\u{1b}')
  })

  it.each<[string, (path: string, socket: Socket, issuer: string) => void]>([
    ['never answers', () => {}],
    [
      'never ends',
      (_path, socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n')
        const more = () =>
          void (
            socket.destroyed || (socket.write('x'.repeat(65_536)) ? setImmediate(more) : socket.once('drain', more))
          )
        more()
      },
    ],
    [
      'wants another protocol',
      (_path, socket) => void socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
    [
      'sends headers without end',
      (_path, socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const more = () =>
          void (
            socket.destroyed ||
            (socket.write(`a: ${'x'.repeat(4096)}\r\n`) ? setImmediate(more) : socket.once('drain', more))
          )
        more()
      },
    ],
    ['hangs up', (_path, socket) => void socket.destroy()],
    ['sends nested JSON', (_path, socket) => void send(socket, '['.repeat(200_000))],
    [
      'redirects in a circle',
      (path, socket, issuer) => {
        if (!path.startsWith('/.well-known/o')) return void send(socket, '', `location: ${path}\r\n`, '302 Found')
        const said = {
          issuer,
          response_types_supported: ['code'],
          authorization_endpoint: `${issuer}/a`,
          token_endpoint: `${issuer}/t`,
        }
        send(socket, JSON.stringify(said))
      },
    ],
    [
      'answers the metadata alone',
      (path, socket, issuer) => {
        if (!path.startsWith('/.well-known/o')) return
        const said = {
          issuer,
          response_types_supported: ['code'],
          authorization_endpoint: `${issuer}/a`,
          token_endpoint: `${issuer}/t`,
        }
        send(socket, JSON.stringify(said))
      },
    ],
  ])('that %s does not hang the command, and ends it in sentences', async (_name, answer) => {
    const { code, stderr } = await check(await serve(answer))
    expect([1, 3]).toContain(code)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
