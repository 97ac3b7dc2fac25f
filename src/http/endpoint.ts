/** Shared by every endpoint: which requests it handles, its methods, its responses and its failures. */
import cors from 'cors'
import type { Request, RequestHandler, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { OAuthError, toOAuthError } from '../errors'
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { CorsOptions } from '../types/endpoints'
import { settle } from './request'
import { pathOf } from './request-target'
import { readRest } from './rest-of-body'
import { isInPathOfRoute } from './route'

export type Handler = (req: Request, res: Response) => Awaitable<void>

/** Handlers by HTTP method. */
export type Methods = Readonly<Record<string, Handler>>

export type { CorsOptions }

/** The server of an endpoint, which reports its failures. */
export type EndpointSource = Pick<AuthorizationServer, 'emit'> & {
  readonly explain?: ((error: OAuthError, req: Request) => void) | undefined
}

export interface EndpointOptions {
  /** The router that contains the handler, to find it in a route of the host. */
  router: RequestHandler
  methods: Methods
  cors?: CorsOptions | undefined
  /** Called with each request until it returns true, and with failures and their error. It must not throw. */
  check?: (req: Request, error?: OAuthError) => boolean
  /** Sends the response to a failure. @default JSON (RFC 6749 §5.2) */
  onError?: (error: OAuthError, req: Request, res: Response) => void
  /** The methods of a path below the mount point. Undefined for a path to pass on. */
  below?: (path: string) => Methods | undefined
}

/** Throws a TypeError if it is not a server of this process. */
export function requireServer(server: AuthorizationServer): void {
  requireSource(server)
  if ('storage' in server) return
  throw misuse('not_a_server', 'The first argument must be a server of this process: only guards accept a remoteServer')
}

/** Throws a TypeError if it is neither a server nor a remote server. */
export function requireSource(server: EndpointSource): void {
  // an Express app has `emit` too
  if (typeof server?.emit === 'function' && 'resources' in server) return
  throw misuse(
    'not_a_server',
    `The first argument must be the value that createAuthorizationServer returned, not ${kindOf(server)}`,
  )
}

/** A handler that selects by path and method, catches errors (Express 4 does not), and never responds twice. */
export function endpoint(server: EndpointSource, options: EndpointOptions): RequestHandler {
  const { router, onError = sendError, below } = options
  const answer = async (methods: Methods, req: Request, res: Response): Promise<void> => {
    try {
      const handler = Object.hasOwn(methods, req.method) ? methods[req.method] : undefined
      if (handler) return await handler(req, res)
      // Express would run the GET handler for HEAD, which issues a code at the authorization endpoint
      const headers = { Allow: Object.keys(methods).join(', ') }
      throw new OAuthError('invalid_request', `The method ${req.method} is not allowed here.`, { status: 405, headers })
    } catch (thrown) {
      const error = toOAuthError(thrown)
      // otherwise Node would read the unread body without a limit
      if (!req.complete && !req.readableDidRead) readRest(req)
      options.check?.(req, error)
      reportError(server, error)
      server.explain?.(error, req)
      answerFailure(onError, error, req, res)
    }
  }
  const methodsAt = (req: Request, path: string): Methods | undefined => {
    // the endpoint's own paths first, if they have the method: a route that passed the request on may have matched too
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

/** A browser sends an origin as the URL parser writes it: another text would silently never match. */
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

/** Whether a browser could send this `Origin`. */
export function isOrigin(text: unknown): boolean {
  if (typeof text !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*,\s]+$/.test(text) || !URL.canParse(text))
    return false
  const { origin } = new URL(text)
  // the parser knows no origin for an app's scheme
  return origin === 'null' ? !/[A-Z]/.test(text) : origin === text
}

/** Responds to a failure. An error on the way never ends the process: a response that cannot be sent is cut off. */
export function answerFailure(
  onError: (error: OAuthError, req: Request, res: Response) => void,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  try {
    if (!res.headersSent) return onError(error, req, res)
  } catch {
    // for example a host's error with a line break in a header
  }
  if (!res.writableEnded) res.destroy()
}

/** The same for a failure after the handler returned. */
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

/** Reports failures to the host that are not caused by the client. */
export function reportError(server: EndpointSource, error: OAuthError): void {
  // strangers can cause it: a stack for each would fill the log
  if (isOverload(error)) server.emit({ type: 'server.overloaded', untold: 0 })
  else if (error.status >= 500 || error.cause !== undefined) server.emit({ type: 'error', error })
}

/** Whether the server was only overloaded. */
function isOverload({ code, status, cause }: OAuthError): boolean {
  return code === 'temporarily_unavailable' && status === 503 && cause === undefined
}

/** The path below `app.use(path)`; empty at the mount point and in a route of the host. */
function pathBelow(req: Request, router: RequestHandler): string {
  const path = pathOf(req.url)
  return path === '' || isInRoute(req, router) ? '' : path
}

/** In `app.get(path, router)` the URL keeps the path of the route. */
function isInRoute({ route }: Request, router: RequestHandler): boolean {
  const { stack } = (route ?? {}) as { stack?: { handle: unknown }[] }
  return stack?.some((layer) => layer.handle === router) ?? false
}

/** Sends JSON. Without `res.json`, which costs as much as all the cryptography of a request. */
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
    // RFC 6749 §5.1: both headers, on everything that may contain a secret
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    ...headers,
  })
  // ASCII has the same bytes in both, and Node copies latin1 instead of encoding it
  res.end(text, length === text.length ? 'latin1' : 'utf8')
}

/** Sends a response without a body, such as 204. */
export function sendEmpty(res: Response, status: number): void {
  res.writeHead(status, { 'Cache-Control': 'no-store', Pragma: 'no-cache' }).end()
}

/** RFC 6749 §5.2. The cause is not sent. */
export function sendError(error: OAuthError, _req: Request, res: Response): void {
  sendJson(res, error.status, error, error.headers)
}

/** Sends a signed JWT, which has only letters, digits, `-`, `_` and dots. */
export function sendJwt(res: Response, mediaType: string, text: string): void {
  res.writeHead(200, {
    'Content-Type': mediaType,
    'Content-Length': text.length,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
  })
  res.end(text, 'latin1')
}
