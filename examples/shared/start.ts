/** Starts an example on the loopback interface alone: for a person on PORT (3000), for a test on any free port. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** What every example exports. `issuer` is where it will be reached, such as `http://127.0.0.1:3000`. */
export type CreateApp = (issuer: string) => Express | Promise<Express>

export interface RunningApp {
  issuer: string
  close(): Promise<void>
}

/** Listens first, so that the app is made for the port that it really has. With `tls` it is https. */
export async function listen(createApp: CreateApp, port = 0, tls?: ServerOptions): Promise<RunningApp> {
  const server = (tls ? createTlsServer(tls) : createServer()).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  try {
    server.on('request', await createApp(issuer))
    return { issuer, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The main program of an example: `if (require.main === module) void start(createApp, (issuer) => ['a line to print'])`. */
export async function start(
  createApp: CreateApp,
  describe: (issuer: string) => string[] = () => [],
  tls?: ServerOptions,
): Promise<void> {
  const port = Number(process.env.PORT || 3000)
  try {
    const { issuer } = await listen(createApp, port, tls)
    console.log([`listening on ${issuer}`, ...describe(issuer)].join('\n'))
  } catch (error) {
    console.error(reason(error, port))
    process.exitCode = 1
  }
}

function reason(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another one: PORT=${port + 1} npm start`
  if (code === 'EACCES') return `Port ${port} needs privileges. Choose one above 1023: PORT=3000 npm start`
  if (code === 'ERR_SOCKET_BAD_PORT') return `PORT must be a number from 0 to 65535, not ${process.env.PORT}`
  return error
}
