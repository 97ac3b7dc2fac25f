/** Requests to URLs that strangers choose: only public addresses, small, quick, without redirects. */
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import CachePolicy from 'http-cache-semantics'
import { decodeUtf8, parseJsonObject } from '../rules/params'
import { type Address, resolveName } from './resolve-name'

/** The default size limit of a document. */
const MAX_BYTES = 10 * 1024
const MAX_MILLISECONDS = 5000
/** The most parallel requests: in all, and to one host. */
const MAX_LOADING = 100
const MAX_LOADING_FROM_HOST = 5

/** A response that is not the document. Other errors are network failures. */
export class WrongDocument extends Error {}

export interface FetchedDocument<Content = Readonly<Record<string, unknown>>> {
  members: Content
  /** Seconds that the response may be cached. */
  fresh: number
}

/** Fetches a 200 with a JSON object. Throws otherwise. The message reveals our network: only for the host. */
export function fetchDocument(
  url: string,
  mayConnectTo: (address: string) => boolean,
  maxBytes = MAX_BYTES,
): Promise<FetchedDocument> {
  return fetchJsonAs('a JSON object', parseJsonObject, url, mayConnectTo, maxBytes)
}

/** The same for a JSON list. */
export function fetchList(
  url: string,
  mayConnectTo: (address: string) => boolean,
): Promise<FetchedDocument<readonly unknown[]>> {
  return fetchJsonAs('a JSON list', parseList, url, mayConnectTo, MAX_BYTES)
}

function parseList(text: string): readonly unknown[] {
  const value: unknown = JSON.parse(text)
  if (Array.isArray(value)) return value
  throw new Error('no list')
}

async function fetchJsonAs<Content>(
  kind: string,
  parse: (text: string) => Content,
  url: string,
  mayConnectTo: (address: string) => boolean,
  maxBytes: number,
): Promise<FetchedDocument<Content>> {
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  const response = await responseFrom(url, mayConnectTo, { headers })
  try {
    const text = await readText(response, maxBytes)
    return { members: parsed(kind, parse, text), fresh: freshSeconds(url, response) }
  } finally {
    response.destroy()
  }
}

/** Posts a form. Returns the status and ignores the body. Throws without a response. */
export async function postForm(
  url: string,
  mayConnectTo: (address: string) => boolean,
  form: Readonly<Record<string, string>>,
): Promise<number> {
  const body = Buffer.from(new URLSearchParams(form).toString())
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }
  const response = await responseFrom(url, mayConnectTo, { method: 'POST', headers }, body)
  response.destroy()
  return response.statusCode as number
}

/** The complete response, within `MAX_MILLISECONDS`. */
async function responseFrom(
  url: string,
  mayConnectTo: (address: string) => boolean,
  { method, headers }: Pick<RequestOptions, 'method' | 'headers'>,
  body?: Buffer,
): Promise<IncomingMessage> {
  const { hostname, protocol } = new URL(url)
  const address = hostname.replace(/^\[|\]$/g, '')
  // an address is not resolved, so it is checked here
  if (isIP(address) !== 0 && !mayConnectTo(address)) throw new Error(`${address} is not a public address`)
  const request = protocol === 'https:' ? requestHttps : requestHttp
  const signal = AbortSignal.timeout(MAX_MILLISECONDS)
  return new Promise<IncomingMessage>((done, failed) => {
    // an agent of its own, because an existing connection was not checked
    const options = { agent: false, method, headers, lookup: lookupOnly(mayConnectTo, signal), signal }
    // a protocol upgrade (101) emits no response, and no other end of the request: it would be waited
    // for forever, and keep its place
    const cutOff = () => failed(new Error('the connection was closed before a response'))
    request(url, options, done).on('error', failed).on('close', cutOff).end(body)
  })
}

/** Whether there is a place for another request, in all and for one host. */
export function hasPlace(
  loading: Iterable<string>,
  url: string,
  { all, ofHost } = { all: MAX_LOADING, ofHost: MAX_LOADING_FROM_HOST },
): boolean {
  const { hostname } = new URL(url)
  const hosts = [...loading].map((other) => new URL(other).hostname)
  return hosts.length < all && hosts.filter((other) => other === hostname).length < ofHost
}

/**
 * Resolves a name for the connection itself, so that the checked address is the one connected to: this defeats DNS
 * rebinding. The lookup ends with the request.
 */
function lookupOnly(mayConnectTo: (address: string) => boolean, signal: AbortSignal): LookupFunction {
  return (hostname, { all }, callback) => {
    resolveName(hostname, signal)
      .then((addresses) => permitted(hostname, addresses, mayConnectTo))
      .then(
        ([first, ...more]) => {
          if (all) return callback(null, [first, ...more])
          callback(null, first.address, first.family)
        },
        (error) => callback(error, ''),
      )
  }
}

/** One forbidden address refuses all. */
function permitted(
  hostname: string,
  addresses: readonly Address[],
  mayConnectTo: (address: string) => boolean,
): [Address, ...Address[]] {
  const [first, ...more] = addresses
  const refused = addresses.find(({ address }) => !mayConnectTo(address))
  if (!first || refused) throw new Error(`${hostname} is at ${refused?.address}, which is not public`)
  return [first, ...more]
}

/**
 * Whether the response says nothing about the document: a timeout, too many requests, or a server failure (RFC 9110
 * §15).
 */
export function isBusy(statusCode = 500): boolean {
  return statusCode >= 500 || statusCode === 408 || statusCode === 429
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const { statusCode, headers } = response
  if (statusCode !== 200) throw new (isBusy(statusCode) ? Error : WrongDocument)(`its status is ${statusCode}`)
  const isJson = /^application\/([\w.+-]+\+)?json *(;|$)/i.test(headers['content-type'] ?? '')
  if (!isJson) throw new WrongDocument('it is not JSON')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new WrongDocument('it is compressed')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new WrongDocument(`it has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  // RFC 8259 §8.1: a byte order mark may be ignored
  return (decodeUtf8(Buffer.concat(chunks)) ?? '').replace(/^\ufeff/, '')
}

function parsed<Content>(kind: string, parse: (text: string) => Content, text: string): Content {
  try {
    return parse(text)
  } catch {
    throw new WrongDocument(`it is not ${kind} in UTF-8`)
  }
}

/** RFC 9111 §4.2, for a private cache. Without `Date`, which would lose a second or two by rounding. */
function freshSeconds(url: string, { headers }: IncomingMessage): number {
  const described = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  const policy = new CachePolicy(
    { url, method: 'GET', headers: {} },
    { status: 200, headers: described },
    { shared: false },
  )
  const age = /^\d+$/.test(headers.age ?? '') ? Number(headers.age) : 0
  return Math.max(0, policy.maxAge() - age)
}
