/** Servers with one weakness each, by options of the library or by what a host puts in front of it. */
import { generateKeyPairSync } from 'node:crypto'
import type { ServerOptions } from 'node:https'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import type { FindingId } from '../../../src/command/check/kinds'
import {
  type AuthorizationServerOptions,
  authorizationCode,
  clientCredentials,
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  implicit,
  jwt,
  memoryStorage,
  type OAuthRouterOptions,
  oauthRouter,
  password,
  refreshToken,
  registerClient,
} from '../../../src/index'

export const clientId = 'app'
export const redirectUri = 'https://app.example/callback'

type Front = (app: Express, issuer: string) => void

export interface Weakness {
  /** What `check` must find: this, and nothing else. */
  finds: readonly FindingId[]
  options?: (issuer: string) => Partial<AuthorizationServerOptions>
  router?: Partial<OAuthRouterOptions>
  /** What stands in front. */
  before?: Front
  tls?: ServerOptions
}

const metadataPath = '/.well-known/oauth-authorization-server'
const keysPath = '/.well-known/jwks.json'

/** A host with nothing to find, and then with its weakness. */
export async function createWeak(
  issuer: string,
  { options, router, before }: Partial<Weakness> = {},
): Promise<Express> {
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: ['read'],
    users: { find: (id) => (id === 'ada' ? { id } : undefined), current: () => undefined, signIn: '/login' },
    accessTokens: jwt({ keys: generateSigningKey(), audience: `${issuer}/api` }),
    onEvent: () => {},
    ...options?.(issuer),
  })
  await registerClient(server, {
    clientId,
    redirectUris: [redirectUri],
    scopes: ['read'],
    tokenEndpointAuthMethods: ['none'],
    ...(server.grants.has('implicit') && { grantTypes: ['authorization_code', 'implicit'] }),
  })
  const app = express().disable('x-powered-by')
  before?.(app, issuer)
  app.get('/login', (_req, res) => void page(res).send('Sign in'))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false, ...router }))
  return app
}

/** A page as it should be. */
function page(res: Response): Response {
  return res.type('html').set({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
}

/** The sign-in, as `change` leaves it. */
const signIn =
  (change: (res: Response) => void): Front =>
  (app) =>
    void app.get('/login', (_req, res) => {
      change(page(res))
      res.send('Sign in')
    })

const without = (name: string) => signIn((res) => res.removeHeader(name))

/** A document of the server, as `change` leaves it. */
const changed =
  (path: string, change: (document: Record<string, unknown>, issuer: string) => unknown): Front =>
  (app, issuer) =>
    void app.get(path, async (req, res, next) => {
      if (req.headers['x-original']) return next()
      const answer = await fetch(`${issuer}${path}`, { headers: { 'x-original': 'yes' } })
      res.json(change((await answer.json()) as Record<string, unknown>, issuer))
    })

const metadata = (members: Record<string, unknown>) =>
  changed(metadataPath, (document) => ({ ...document, ...members }))
const keys = (list: readonly unknown[]) => changed(keysPath, () => ({ keys: list }))

/** Answers requests in the place of an endpoint, where `answer` does. */
const instead = (path: string, answer: (req: Request, res: Response) => unknown): Front => {
  const handler: RequestHandler = (req, res, next) => {
    answer(req, res)
    if (!res.headersSent) next()
  }
  return (app) => void app.use(path, express.urlencoded({ extended: false }), handler)
}
const authorize = '/oauth2/authorize'
const token = '/oauth2/token'

const json = (res: Response, status: number, error: string) =>
  res.status(status).set('cache-control', 'no-store').json({ error })

/** An authorization response without what `leave` names. */
const respondingWithout = (name: string) =>
  instead(authorize, ({ query }, res) => {
    if (query.response_type !== 'check_unknown') return
    const to = new URL(redirectUri)
    for (const [member, value] of Object.entries({
      error: 'unsupported_response_type',
      state: query.state,
      iss: origin(res),
    })) {
      if (member !== name) to.searchParams.set(member, String(value))
    }
    res.redirect(303, to.href)
  })
const origin = (res: Response) => `http://${res.req.headers.host}`

/** Takes credentials from wherever they are. */
const readingQuery = instead(token, ({ method, query, body = {} }, res) => {
  if (method !== 'POST') return
  const given = { ...query, ...body }
  if (!given.client_id) return json(res, 400, 'invalid_request')
  return json(res, 401, 'invalid_client')
})

const shortKey = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
const grants = [authorizationCode(), clientCredentials(), refreshToken()]

export const weaknesses: Readonly<Record<string, Weakness>> = {
  'public clients without PKCE': { finds: ['pkce_not_required'], options: () => ({ pkce: 'optional' }) },
  'PKCE plain': {
    finds: ['plain_accepted'],
    before: instead(authorize, ({ query }, res) => {
      if (query.code_challenge_method === 'plain') res.redirect(303, '/login')
    }),
  },
  'PKCE plain in the metadata': {
    finds: ['plain_announced'],
    before: metadata({ code_challenge_methods_supported: ['S256', 'plain'] }),
  },
  'no PKCE in the metadata': {
    finds: ['pkce_unannounced'],
    before: metadata({ code_challenge_methods_supported: undefined }),
  },
  'an http issuer': {
    finds: ['issuer_mismatch', 'issuer_http'],
    before: metadata({ issuer: 'http://auth.example' }),
  },
  'the issuer of somebody else': {
    finds: ['issuer_mismatch'],
    before: metadata({ issuer: 'https://other.example' }),
  },
  'an http endpoint': {
    finds: ['endpoint_http', 'endpoint_elsewhere'],
    before: metadata({ revocation_endpoint: 'http://auth.example/revoke' }),
  },
  'an endpoint on another origin': {
    finds: ['endpoint_elsewhere'],
    before: metadata({ token_endpoint: 'https://other.example/token' }),
  },
  'the implicit grant': {
    finds: ['implicit_announced', 'implicit_accepted'],
    options: () => ({ grants: [...grants, implicit()] }),
  },
  'the password grant': {
    finds: ['password_announced'],
    options: () => ({ grants: [...grants, password({ verify: () => undefined })] }),
  },
  'the algorithm none': {
    finds: ['weak_algorithm'],
    before: metadata({ id_token_signing_alg_values_supported: ['RS256', 'none'] }),
  },
  'a shared secret as a signing key': {
    finds: ['weak_algorithm'],
    before: metadata({ token_endpoint_auth_signing_alg_values_supported: ['HS256'] }),
  },
  'introspection without authentication in the metadata': {
    finds: ['introspection_unprotected'],
    before: metadata({ introspection_endpoint_auth_methods_supported: ['none'] }),
  },
  'no iss in the metadata': {
    finds: ['iss_unannounced'],
    before: metadata({ authorization_response_iss_parameter_supported: undefined }),
  },
  'metadata without a token endpoint': { finds: ['metadata_member'], before: metadata({ token_endpoint: undefined }) },
  'two documents that differ': {
    finds: ['metadata_differs'],
    router: { openidConfiguration: true },
    before: changed('/.well-known/openid-configuration', (document) => ({
      ...document,
      jwks_uri: 'https://x.example',
    })),
  },
  'metadata as plain text': {
    finds: ['metadata_type'],
    before: (app, issuer) => {
      app.get(metadataPath, (_req, res, next) => {
        res.type('text')
        next()
      })
      changed(metadataPath, (document) => document)(app, issuer)
    },
  },
  'no metadata': {
    finds: ['metadata_missing'],
    before: (app) => void app.use('/.well-known', (_req, res) => void res.status(404).end()),
  },
  'a response without iss': { finds: ['iss_missing'], before: respondingWithout('iss') },
  'a response without state': { finds: ['state_lost'], before: respondingWithout('state') },
  'an open redirector': {
    finds: ['open_redirect'],
    before: instead(authorize, ({ query }, res) => {
      if (query.client_id === 'check-unknown') res.redirect(303, `${query.redirect_uri}?error=unauthorized_client`)
    }),
  },
  'redirect URIs compared by their beginning': {
    finds: ['redirect_unregistered'],
    before: instead(authorize, ({ query }, res) => {
      const uri = String(query.redirect_uri)
      if (uri !== redirectUri && uri.startsWith(redirectUri)) res.redirect(303, '/login')
    }),
  },
  'a page that shows the request': {
    finds: ['reflected'],
    before: instead(authorize, ({ query }, res) => {
      if (String(query.client_id).startsWith("'")) page(res).status(400).send(`No client ${query.client_id}`)
    }),
  },
  'a sign-in in frames': {
    finds: ['framed'],
    before: signIn((res) => res.set('content-security-policy', "default-src 'none'")),
  },
  'a sign-in that takes any script': {
    finds: ['csp'],
    before: signIn((res) =>
      res.set('content-security-policy', "default-src 'self'; script-src 'unsafe-inline'; frame-ancestors 'none'"),
    ),
  },
  'no nosniff': { finds: ['nosniff'], before: without('x-content-type-options') },
  'no Referrer-Policy': { finds: ['referrer'], before: without('referrer-policy') },
  'a sign-in that caches store': { finds: ['page_stored'], before: without('cache-control') },
  'a cookie without HttpOnly and SameSite': {
    finds: ['cookie_flags'],
    before: signIn((res) => res.cookie('session', 'x')),
  },
  'GET at the token endpoint': {
    finds: ['token_get'],
    before: instead(token, ({ method }, res) => {
      if (method === 'GET') json(res, 401, 'invalid_client')
    }),
  },
  'credentials in the URL': { finds: ['query_parameters'], before: readingQuery },
  'token responses that caches store': {
    finds: ['no_store'],
    before: instead(token, ({ method }, res) => {
      if (method === 'POST') res.status(401).json({ error: 'invalid_client' })
    }),
  },
  'CORS with cookies at the token endpoint': {
    finds: ['cors_credentials'],
    before: instead(token, ({ headers }, res) => {
      res.set({ 'access-control-allow-origin': headers.origin ?? '', 'access-control-allow-credentials': 'true' })
    }),
  },
  'CORS at the authorization endpoint': {
    finds: ['authorize_cors'],
    before: instead(authorize, (_req, res) => res.set('access-control-allow-origin', '*')),
  },
  'introspection for anybody': {
    finds: ['introspection_open'],
    before: instead('/oauth2/introspect', (_req, res) => res.json({ active: false })),
  },
  'revocation for anybody': {
    finds: ['revocation_open'],
    before: instead('/oauth2/revoke_token', (_req, res) => res.status(200).end()),
  },
  'open registration': {
    finds: ['registration_open'],
    router: { register: { protect: 'open', scopes: 'read' } },
  },
  'private keys in public': { finds: ['private_keys'], before: keys([generateSigningKey()]) },
  'a symmetric key in public': { finds: ['private_keys'], before: keys([{ kty: 'oct', k: 'c2VjcmV0' }]) },
  'an RSA key of 1024 bits': { finds: ['weak_keys'], before: keys([shortKey]) },
  'no keys': { finds: ['keys_unreadable'], before: changed(keysPath, () => []) },
  'a stack trace': {
    finds: ['stack_trace', 'server_error'],
    before: instead(token, ({ query }) => {
      if (query.grant_type === 'authorization_code') throw new Error('no such row')
    }),
  },
  'a failure for a wrong request': {
    finds: ['server_error'],
    before: instead(token, ({ method, query }, res) => {
      if (method === 'GET' && query.code) json(res, 500, 'server_error')
    }),
  },
  'X-Powered-By': { finds: ['powered_by'], before: (app) => void app.enable('x-powered-by') },
}
