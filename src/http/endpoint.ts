/** What every endpoint shares: which requests are its own, which methods it has, how it answers and how it fails. */
import cors from 'cors'
import type { Request, RequestHandler, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { OAuthError, toOAuthError } from '../errors'
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { CorsOptions } from '../types/endpoints'
import { readRest, settle } from './request'
import { pathOf } from './request-target'
import { isInPathOfRoute } from './route'

export type Handler = (req: Request, res: Response) => Awaitable<void>

/** By HTTP method. */
export type Methods = Readonly<Record<string, Handler>>

export type { CorsOptions }

/** Whose endpoint it is, and who hears of its failures. */
export type EndpointSource = Pick<AuthorizationServer, 'emit'> & {
  readonly explain?: ((error: OAuthError, req: Request) => void) | undefined
}

export interface EndpointOptions {
  /** The router that the handler is in, by which it is found in a route of the host. */
  router: RequestHandler
  methods: Methods
  cors?: CorsOptions | undefined
  /** Sees requests first, until it returns true, and failures with their error. It must not throw. */
  check?: (req: Request, error?: OAuthError) => boolean
  /** Answers a failure. @default JSON (RFC 6749 §5.2) */
  onError?: (error: OAuthError, req: Request, res: Response) => void
  /** The methods of a path below the mount point; undefined for one that is not the endpoint's, which is passed on. */
  below?: (path: string) => Methods | undefined
}

/** Throws for what is no server of this process. */
export function requireServer(server: AuthorizationServer): void {
  requireSource(server)
  if ('storage' in server) return
  throw misuse('not_a_server', 'The first argument must be a server of this process: only guards accept a remoteServer')
}

/** Throws for what is no server, here or elsewhere. */
export function requireSource(server: EndpointSource): void {
  // an Express app has `emit`, too
  if (typeof server?.emit === 'function' && 'resources' in server) return
  throw misuse(
    'not_a_server',
    `The first argument must be the value that createAuthorizationServer returned, not ${kindOf(server)}`,
  )
}

/** One handler that decides by path and method, catches what is thrown (Express 4 does not), and never answers twice. */
export function endpoint(server: EndpointSource, options: EndpointOptions): RequestHandler {
  const { router, onError = sendError, below } = options
  const answer = async (methods: Methods, req: Request, res: Response): Promise<void> => {
    try {
      const handler = Object.hasOwn(methods, req.method) ? methods[req.method] : undefined
      if (handler) return await handler(req, res)
      // HEAD would run a GET handler in Express, and at the authorization endpoint that mints a code
      const headers = { Allow: Object.keys(methods).join(', ') }
      throw new OAuthError('invalid_request', `The method ${req.method} is not allowed here.`, { status: 405, headers })
    } catch (thrown) {
      const error = toOAuthError(thrown)
      // Node itself would read a body that nobody has begun to read, without end
      if (!req.complete && !req.readableDidRead) readRest(req)
      options.check?.(req, error)
      reportError(server, error)
      server.explain?.(error, req)
      answerFailure(onError, error, req, res)
    }
  }
  const methodsAt = (req: Request, path: string): Methods | undefined => {
    // paths of its own come first where they have the method: a route that passed on may have matched as well
    const ofPath = below?.(path)
    if (ofPath && Object.hasOwn(ofPath, req.method)) return ofPath
    const mayBeRoute = !below || Object.hasOwn(options.methods, req.method)
    return mayBeRoute && isInPathOfRoute(req) ? options.methods : ofPath
  }
  const { cors: corsOptions } = options
  let { check } = options
  const corsHere = corsOptions && corsMiddleware(corsOptions, options.methods)
  return (req, res, next) => {
    const path = req.url === '/' ? '' : pathBelow(req, router)
    const methods = path === '' ? options.methods : methodsAt(req, path)
    if (!methods) return next()
    settle(req, res)
    if (check?.(req)) check = undefined
    if (!corsOptions || !corsHere) return void answer(methods, req, res)
    const withCors = path === '' ? corsHere : corsMiddleware(corsOptions, methods)
    withCors(req, res, () => void answer(methods, req, res))
  }
}

const exposedHeaders = ['WWW-Authenticate', 'Retry-After', 'DPoP-Nonce']

function corsMiddleware(options: CorsOptions, methods: Methods): RequestHandler {
  requireKnown('cors option', options, ['origin', 'maxAge'], ['origin'])
  requireOrigins(options.origin)
  return cors({ ...options, methods: Object.keys(methods), exposedHeaders })
}

/** A browser sends an origin as the URL parser writes it: any other text would never match, in silence. */
function requireOrigins(origin: unknown): void {
  if (origin === '*' || typeof origin === 'boolean') return
  const origins: unknown[] = Array.isArray(origin) ? origin : [origin]
  const isRight = (one: unknown) => one instanceof RegExp || isOrigin(one)
  if (origins.length > 0 && origins.every(isRight)) return
  const wrong = origins.find((one) => !isRight(one))
  const came = typeof wrong === 'string' ? `'${wrong}'` : kindOf(wrong)
  const fix = "origins as a browser sends them, such as ['https://app.example.com'], without a path or a pattern"
  throw misuse('wrong_url', `cors needs origin: ${fix}${origins.length === 0 ? '' : `, not ${came}`}`)
}

/** Whether a browser would send it so in `Origin`. */
export function isOrigin(text: unknown): boolean {
  if (typeof text !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*,\s]+$/.test(text) || !URL.canParse(text))
    return false
  const { origin } = new URL(text)
  // a scheme of an app has no origin to the parser
  return origin === 'null' ? !/[A-Z]/.test(text) : origin === text
}

/** Nothing that a failure does can end the process: an answer that is under way, or that cannot be sent, is cut off. */
export function answerFailure(
  onError: (error: OAuthError, req: Request, res: Response) => void,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  try {
    if (!res.headersSent) return onError(error, req, res)
  } catch {
    // such as a header of the host's own error with a line break in it
  }
  if (!res.writableEnded) res.destroy()
}

/** The same for a failure that is found out when the handler has returned already. */
export function failLate(
  server: EndpointSource,
  onError: (error: OAuthError, req: Request, res: Response) => void,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  reportError(server, error)
  answerFailure(onError, error, req, res)
}

/** Failures that the host must hear of: what is neither the client's fault nor its business. */
export function reportError(server: EndpointSource, error: OAuthError): void {
  // strangers can bring it about: with a stack for each they would fill the log
  if (isOverload(error)) server.emit({ type: 'server.overloaded', untold: 0 })
  else if (error.status >= 500 || error.cause !== undefined) server.emit({ type: 'error', error })
}

/** Nothing went wrong: there was too much of it. */
function isOverload({ code, status, cause }: OAuthError): boolean {
  return code === 'temporarily_unavailable' && status === 503 && cause === undefined
}

/** What is left of the path below `app.use(path)`; '' at the mount point itself and in a route of the host. */
function pathBelow(req: Request, router: RequestHandler): string {
  const path = pathOf(req.url)
  return path === '' || isInRoute(req, router) ? '' : path
}

/** In `app.get(path, router)` the URL keeps the path of the route. */
function isInRoute({ route }: Request, router: RequestHandler): boolean {
  const { stack } = (route ?? {}) as { stack?: { handle: unknown }[] }
  return stack?.some((layer) => layer.handle === router) ?? false
}

/** Answers with JSON. Written out instead of `res.json`, which costs as much as all the cryptography of a request. */
export function sendJson(
  res: Response,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': length,
    // RFC 6749 §5.1: both, on everything that may carry a secret
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    ...headers,
  })
  // ASCII is the same bytes in both, and as latin1 Node copies it instead of encoding it
  res.end(text, length === text.length ? 'latin1' : 'utf8')
}

/** Answers without a body, such as 204. */
export function sendEmpty(res: Response, status: number): void {
  res.writeHead(status, { 'Cache-Control': 'no-store', Pragma: 'no-cache' }).end()
}

/** RFC 6749 §5.2. The cause stays here. */
export function sendError(error: OAuthError, _req: Request, res: Response): void {
  sendJson(res, error.status, error, error.headers)
}

/** A signed JWT: letters, digits and dots alone. */
export function sendJwt(res: Response, mediaType: string, text: string): void {
  res.writeHead(200, {
    'Content-Type': mediaType,
    'Content-Length': text.length,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
  })
  res.end(text, 'latin1')
}
