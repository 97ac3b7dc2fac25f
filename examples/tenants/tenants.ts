/**
 * Many issuers in one process: each tenant has a server value of its own, with its own issuer, clients, users and tokens,
 * and each request is answered by that of its tenant. A token of one tenant is nothing to another.
 */
import express, { type Express, type RequestHandler } from 'express'
import {
  type AuthorizationServer,
  bearerGuard,
  clientCredentials,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
} from 'express-authorization-server'
import { start } from '../shared/start'

/** What one tenant has. With a database: one storage for each, such as `postgresStorage(pool, { prefix: 'acme_' })`. */
interface Tenant {
  server: AuthorizationServer
  router: RequestHandler
  guard: RequestHandler
}

async function createTenant(origin: string, name: string): Promise<Tenant> {
  const server = createAuthorizationServer({
    issuer: `${origin}/${name}`,
    storage: memoryStorage(),
    scopes: { read: 'See the notes' },
    grants: [clientCredentials()],
  })
  const client = { clientId: 'demo', clientSecret: `secret of ${name}`, scopes: ['read'] }
  await registerClient(server, { ...client, grantTypes: ['client_credentials'] })
  // the endpoints are below the path of the issuer, and the metadata is where RFC 8414 §3.1 has it
  return { server, router: oauthRouter(server, { protect: false }), guard: bearerGuard(server, { scope: 'read' }) }
}

/** The app, to be served at `origin`. */
export async function createApp(origin: string): Promise<Express> {
  const tenants = new Map<string, Tenant>()
  for (const name of ['acme', 'globex']) tenants.set(name, await createTenant(origin, name))

  const app = express().disable('x-powered-by')
  // Every endpoint of a tenant: /acme/oauth2/token, and /.well-known/oauth-authorization-server/acme
  app.use((req, res, next) => {
    const name = /^\/(?:\.well-known\/[^/]+\/)?([^/]+)/.exec(req.path)?.[1]
    const tenant = tenants.get(name ?? '')
    if (tenant) tenant.router(req, res, next)
    else next()
  })
  // A route that all of them have: the guard is that of the tenant
  app.get(
    '/:tenant/notes',
    (req, res, next) => {
      const tenant = tenants.get(req.params.tenant)
      if (tenant) tenant.guard(req, res, next)
      else res.sendStatus(404)
    },
    (req, res) => void res.json({ tenant: req.params.tenant, client: req.authInfo?.clientId }),
  )
  return app
}

function instructions(origin: string): string[] {
  const token = (name: string) =>
    `curl -sS -u 'demo:secret of ${name}' -d grant_type=client_credentials ${origin}/${name}/oauth2/token`
  const notes = (name: string, of: string) =>
    `curl -sS -H "Authorization: Bearer $(${token(of)} | cut -d '"' -f 4)" ${origin}/${name}/notes`
  return [
    `curl -sS ${origin}/.well-known/oauth-authorization-server/acme`,
    notes('acme', 'acme'),
    notes('globex', 'acme'),
  ]
}

if (require.main === module) void start(createApp, instructions)
