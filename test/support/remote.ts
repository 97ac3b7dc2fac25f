/** An authorization server on a port of its own, whose answers can be counted and bent, for guards in another process. */
import type { RequestHandler } from 'express'
import express from 'express'
import request from 'supertest'
import { listen } from '../../examples/shared/start'
import {
  type AuthorizationServerEvent,
  type BearerGuardOptions,
  bearerGuard,
  type RemoteServerOptions,
  remoteServer,
} from '../../src/index'
import { createHost, type Host, type HostOptions } from './host'

export interface RemoteHost {
  host: Host
  issuer: string
  /** The paths that were asked for, in order. */
  asked: string[]
  /** Stands in for the server while it is set. */
  bend: RequestHandler | undefined
  close(): Promise<void>
}

export async function createRemoteHost(options: HostOptions = {}): Promise<RemoteHost> {
  const remote = { asked: [] as string[], bend: undefined as RequestHandler | undefined }
  let host: Host | undefined
  const watch: RequestHandler = (req, res, next) => {
    remote.asked.push(req.path)
    if (remote.bend) remote.bend(req, res, next)
    else next()
  }
  const { issuer, close } = await listen(async (name) => {
    const { before = [] } = options
    host = await createHost({ issuer: name, ...options, before: [watch, ...before] })
    return host.app
  })
  return Object.assign(remote, { host: host as Host, issuer, close })
}

/** An API whose guard knows the server only by its name. */
export function createApi(
  { issuer, host }: Pick<RemoteHost, 'issuer' | 'host'>,
  options: Partial<RemoteServerOptions> = {},
  guard: BearerGuardOptions = {},
) {
  const events: AuthorizationServerEvent[] = []
  const onEvent = (event: AuthorizationServerEvent) => void events.push(event)
  const server = remoteServer({ issuer, now: () => host.clock.now, onEvent, ...options })
  const app = express()
  app.get('/', bearerGuard(server, guard), (req, res) => void res.json({ user: req.user, authInfo: req.authInfo }))
  return {
    server,
    app,
    events,
    call: (token: string) => request(app).get('/').auth(token, { type: 'bearer' }),
    /** What the host was told went wrong. */
    causes: () => events.map((event) => (event.type === 'error' ? String(event.error.cause) : event.type)),
  }
}
