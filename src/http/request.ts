/** Reads an Express request: headers, query and body, which the host's own parser may have read. */
import type { Request, Response } from 'express'
import { OAuthError } from '../errors'
import {
  decodeUtf8,
  mergeParameters,
  noParameters,
  type ParsedParameters,
  parametersOf,
  parseForm,
  parseJsonObject,
  parseJsonParameters,
  type RequestParameters,
  requireUnrepeated,
} from '../rules/params'
import { readRest } from './rest-of-body'

const MAX_BODY_BYTES = 64 * 1024

/** The event for this mistake of the host. */
export const bodyIsGone =
  'a middleware read the request body and did not set req.body: mount the router before it, or use express.json()'

/**
 * The Authorization header, or ''. Node keeps the first of several, and another hop may have kept another one: so
 * several count as none.
 */
export function authorizationHeader(req: Request): string {
  const { authorization } = req.headers
  if (authorization === undefined) return ''
  if (sentHeader(req, 'authorization').length > 1) {
    throw new OAuthError('invalid_request', 'The Authorization header is included more than once.')
  }
  return authorization
}

/** All headers with this name, as sent. A request made up by a host's unit test only has `headers`. */
export function sentHeader(
  { rawHeaders, headers }: Pick<Request, 'headers'> & { readonly rawHeaders?: readonly string[] | undefined },
  wanted: string,
): string[] {
  if (!rawHeaders) return [headers[wanted] ?? []].flat()
  const sent: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === wanted.length && name.toLowerCase() === wanted) sent.push(rawHeaders[i + 1] as string)
  }
  return sent
}

/** The parameters of the body: a form, or a JSON object of strings. */
export function bodyParameters(req: Request): Promise<ParsedParameters> {
  return readBody(req, parametersIn)
}

function parametersIn(body: Body | undefined): ParsedParameters {
  if (!body) return noParameters()
  if (body.parsed !== undefined) return parametersOf(Object.entries(body.parsed))
  return body.type === 'json' ? parseJsonParameters(body.text) : parseForm(body.text)
}

/** The members of a JSON body, for endpoints that accept only JSON. */
export function jsonMembers(req: Request): Promise<Record<string, unknown>> {
  return readBody(req, membersOf)
}

function membersOf(body: Body | undefined): Record<string, unknown> {
  if (!body) throw new OAuthError('invalid_request', 'The request body must be a JSON object.')
  if (body.type !== 'json') {
    throw new OAuthError('invalid_request', 'The request body must be application/json.', { status: 415 })
  }
  return body.parsed ?? parseJsonObject(body.text ?? '')
}

/** The parameters from all places of an endpoint. Throws if one is repeated. */
export function requestParameters(req: Request, fromQuery = false): Promise<RequestParameters> {
  return readBody(req, (body) => {
    const parsed = parametersIn(body)
    return requireUnrepeated(fromQuery ? mergeParameters(parsed, queryParameters(req)) : parsed)
  })
}

/** The query parameters, from the raw URL: `req.query` depends on a setting of the host. */
export function queryParameters(req: Request): ParsedParameters {
  const question = req.url.indexOf('?')
  return parseForm(question < 0 ? '' : req.url.slice(question + 1))
}

type Body = { type: 'form' | 'json' } & (
  | { text: string; parsed?: never }
  | { parsed: Record<string, unknown>; text?: never }
)

/** Resolves to what `use` returns for the body, undefined if there is none: one promise for all of it. */
function readBody<T>(req: Request, use: (body: Body | undefined) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
    if (encoding === undefined && (length === undefined || length === '0')) return resolve(use(undefined))
    // a chunked body may be empty: if a parser has read its end, no more data would arrive
    if (req.readableEnded && !req.readableDidRead) return resolve(use(undefined))
    const type = bodyType(req)
    // Express 4 has `{}` for an unread body, so `req.body` counts only if the stream was read
    if (req.readableDidRead) return resolve(use(bodyOfHost(req, type)))
    const chunks: Buffer[] = []
    let size = 0
    const finish = (error?: OAuthError) => {
      req.off('data', onData).off('end', finish).off('error', onBroken).off('close', onBroken)
      try {
        if (error) throw error
        resolve(use({ type, text: decode(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)) }))
      } catch (thrown) {
        reject(thrown)
      }
    }
    const onData = (chunk: Buffer | string) => {
      // a string if the host called `setEncoding`
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      size += bytes.length
      chunks.push(bytes)
      if (size <= MAX_BODY_BYTES) return
      finish(tooLarge())
      readRest(req)
    }
    const onBroken = () => finish(new OAuthError('invalid_request', 'The request body is incomplete.'))
    req.on('data', onData).on('end', finish).on('error', onBroken).on('close', onBroken)
  })
}

/** The body that the host's parser has read. */
function bodyOfHost(req: Request, type: Body['type']): Body {
  const body: unknown = req.body
  if (typeof body === 'string') return { type, text: decode(Buffer.from(body)) }
  if (Buffer.isBuffer(body)) return { type, text: decode(body) }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { type, parsed: { ...body } }
  if (body !== undefined) throw new OAuthError('invalid_request', 'The request body must be a JSON object.')
  throw new OAuthError('server_error', 'The server could not complete the request.', {
    cause: new Error(bodyIsGone),
  })
}

function bodyType(req: Request): 'form' | 'json' {
  const codings = req.headers['content-encoding']
  if (codings !== undefined && codings !== 'identity' && !req.readableDidRead) {
    throw new OAuthError('invalid_request', 'The request body must have no Content-Encoding.', { status: 415 })
  }
  const sent = req.headers['content-type'] ?? ''
  if (sent === 'application/x-www-form-urlencoded') return 'form'
  const [type, ...parameters] = sent.toLowerCase().split(';')
  // this type has no parameters: a form is percent-encoded UTF-8, whatever charset clients send (URL §5.1)
  if (type?.trim() === 'application/x-www-form-urlencoded') return 'form'
  const charset = parameters.map((parameter) => /^charset="?([^"]*)/.exec(parameter.trim())?.[1]).find(Boolean)
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') throw unsupported()
  if (type?.trim() === 'application/json') return 'json'
  throw unsupported()
}

function unsupported(): OAuthError {
  const description = 'The request body must be application/x-www-form-urlencoded or application/json, in UTF-8.'
  return new OAuthError('invalid_request', description, { status: 415 })
}

function tooLarge(): OAuthError {
  return new OAuthError('invalid_request', 'The request body is too large.', { status: 413 })
}

function decode(bytes: Buffer): string {
  if (bytes.length > MAX_BODY_BYTES) throw tooLarge()
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new OAuthError('invalid_request', 'The request body is not valid UTF-8.')
  return text
}

/**
 * Express replaces the prototypes of each request and response. V8 before 13 (Node 20 and 22) then creates a new hidden
 * class for every member added to them, and copies the list of forty members for it. No inline cache ever hits. From 13
 * on (Node 24) the classes are shared.
 */
const isSlow = Number.parseInt(process.versions.v8, 10) < 13

/**
 * Removes one member and restores it: V8 then keeps all members in a hash table with a shared class. This saves more
 * than half of the remaining time of a request in Express.
 */
export function settle(req: Request, res: Response): void {
  // only objects that Express made: not a host's view of a request, nor a read-only member
  if (!isSlow || !isPlainMember(req, 'res', res) || !isPlainMember(res, 'req', req)) return
  Reflect.deleteProperty(req, 'res')
  req.res = res
  Reflect.deleteProperty(res, 'req')
  res.req = req
}

/** Whether the member can be removed and restored without side effects. */
function isPlainMember(object: object, name: string, value: unknown): boolean {
  const own = Object.getOwnPropertyDescriptor(object, name)
  return own?.value === value && own?.configurable === true && own.writable === true
}
