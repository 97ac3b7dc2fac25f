// The first argument of everything that is mounted: what is no server is refused at start-up, not at the first request.
import { adminRouter } from '../src/admin'
import { developerRouter } from '../src/developer'
import {
  type AuthorizationServer,
  authorizeRouter,
  bearerGuard,
  bearerStrategy,
  clientsRouter,
  connectedAppsRouter,
  introspectRouter,
  metadataRouter,
  oauthRouter,
  protectedResourceRouter,
  pushedAuthorizationRouter,
  registerRouter,
  remoteServer,
  revokeRouter,
  tokenRouter,
} from '../src/index'

const resource = 'https://api.example.com'
const decide = () => ({ allow: false as const })
const protect = () => {}

const routers: [string, (server: AuthorizationServer) => unknown][] = [
  ['authorizeRouter', (server) => authorizeRouter(server, { decide })],
  ['tokenRouter', (server) => tokenRouter(server)],
  ['revokeRouter', (server) => revokeRouter(server)],
  ['pushedAuthorizationRouter', (server) => pushedAuthorizationRouter(server)],
  ['introspectRouter', (server) => introspectRouter(server)],
  ['clientsRouter', (server) => clientsRouter(server, { protect, admin: 'clients' })],
  ['registerRouter', (server) => registerRouter(server, { protect: 'open', scopes: 'read' })],
  ['metadataRouter', (server) => metadataRouter(server)],
  ['connectedAppsRouter', (server) => connectedAppsRouter(server)],
  ['developerRouter', (server) => developerRouter(server, { scopes: ['read'] })],
  ['adminRouter', (server) => adminRouter(server, { protect: () => {} })],
  ['oauthRouter', (server) => oauthRouter(server, { decide, protect: false })],
]
const anywhere: typeof routers = [
  ['bearerGuard', (server) => bearerGuard(server, { scope: 'read' })],
  ['bearerStrategy', (server) => bearerStrategy(server)],
  ['protectedResourceRouter', (server) => protectedResourceRouter(server, { resource })],
]

describe.each([...routers, ...anywhere])('%s', (_, mount) => {
  it.each([undefined, null, {}, resource])('refuses %p', (value) => {
    expect(() => mount(value as never)).toThrow(/value that createAuthorizationServer returned/)
  })
})

const remote = remoteServer({ issuer: 'https://auth.example.com', resource })

it.each(routers)('%s refuses a remoteServer, which keeps nothing here', (_, mount) => {
  expect(() => mount(remote as never)).toThrow(/only guards accept a remoteServer/)
})

it.each(anywhere)('%s takes a remoteServer', (_, mount) => {
  expect(() => mount(remote as never)).not.toThrow()
})
