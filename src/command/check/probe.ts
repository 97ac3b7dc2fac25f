/**
 * The requests of `check`. The server may be hostile: no credentials are sent, no redirects followed, no other origin
 * contacted, and size and time are limited.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:tls'
import { Refusal } from '../call/refusal'
import { shown } from '../call/shown'

const MAX_REQUESTS = 48
const MAX_BYTES = 256 * 1024
/** Milliseconds for one request, and for all. */
const MAX_MILLISECONDS = 5000
const MAX_IN_ALL = 60_000
/** After this many requests without a response, the rest is skipped. */
const MAX_SILENT = 3

export interface Seen {
  readonly url: string
  readonly method: string
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** At most 256 KiB. */
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Probe {
  readonly origin: string
  /** The number of requests sent. */
  count(): number
  /** Sends a request. Undefined without a response in time. Refuses another origin. */
  ask(url: string, asked?: Asked): Promise<Seen | undefined>
  /** The same for the first request. Throws the reason if there is no response. */
  askFirst(url: string): Promise<Seen>
  /** Why the certificate was refused. From then on any is accepted, because no secret is sent. */
  untrusted(): string | undefined
  takesOldTls(): Promise<boolean>
}

const certificateErrors =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)/

export function probeOf(base: string): Probe {
  const { origin } = new URL(base)
  const ends = performance.now() + MAX_IN_ALL
  let count = 0
  let silent = 0
  let untrusted: string | undefined

  async function send(url: string, asked: Asked): Promise<Seen> {
    if (new URL(url).origin !== origin) throw new Refusal('A request to another origin is not sent.')
    const left = ends - performance.now()
    if (++count > MAX_REQUESTS || left <= 0)
      throw new Refusal(`The server is too slow to be looked at within a minute.`)
    const signal = AbortSignal.timeout(Math.max(1, Math.min(MAX_MILLISECONDS, Math.floor(left))))
    return exchange(url, asked, signal, untrusted === undefined)
  }
  return {
    origin,
    count: () => count,
    untrusted: () => untrusted,
    async ask(url, asked = {}) {
      try {
        return await send(url, asked)
      } catch (error) {
        if (error instanceof Refusal) throw error
        if (++silent === MAX_SILENT)
          throw new Refusal('The server leaves requests without an answer: see what it logs.')
        return undefined
      }
    },
    async askFirst(url) {
      try {
        return await send(url, {})
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        if (!certificateErrors.test(code)) throw error
        untrusted = code
        return send(url, {})
      }
    },
    takesOldTls: () => oldHandshake(origin),
  }
}

async function exchange(url: string, asked: Asked, signal: AbortSignal, isStrict: boolean): Promise<Seen> {
  const { method = asked.form || asked.body !== undefined ? 'POST' : 'GET', headers = {} } = asked
  const body = asked.form ? new URLSearchParams(asked.form).toString() : asked.body
  const sent = {
    'user-agent': 'express-authorization-server check',
    accept: '*/*',
    'accept-encoding': 'identity',
    ...(asked.form && { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const request = new URL(url).protocol === 'https:' ? requestHttps : requestHttp
  const response = await new Promise<IncomingMessage>((done, failed) => {
    // a protocol upgrade (101) emits no response: without `close` it would be waited for
    const closed = () => failed(new Error('The connection was closed before a response'))
    request(url, { method, headers: sent, agent: false, signal, rejectUnauthorized: isStrict }, done)
      .on('error', failed)
      .on('close', closed)
      .end(body)
  })
  try {
    return { url, method, status: response.statusCode ?? 0, headers: response.headers, body: await read(response) }
  } finally {
    response.destroy()
  }
}

/** Reads a response, and cuts it if long. */
async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES).toString('utf8')
}

/** Whether it accepts a protocol that RFC 8996 forbids. */
function oldHandshake(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    const socket = connect({ host, port: Number(port) || 443, ...options, rejectUnauthorized: false })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(MAX_MILLISECONDS, () => end(false))
    socket.once('secureConnect', () => end(true)).once('error', () => end(false))
  })
}

/** A response's name in findings, without the query, which we sent. */
export function placeOf({ method, url, status }: Pick<Seen, 'method' | 'url' | 'status'>): string {
  return `${method} ${url.split('?')[0]} (${status})`
}

/** A header as text. */
export function header({ headers }: Seen, name: string): string {
  return String(headers[name] ?? '')
}

export function isHtml(seen: Seen): boolean {
  return /^\s*text\/html\b/i.test(header(seen, 'content-type'))
}

/** The JSON object of a response, whatever its content type. */
export function jsonOf(seen: Seen | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(seen?.body ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** The target of a redirect. Undefined without one, or if it is not a URL. */
export function redirectOf(seen: Seen): URL | undefined {
  const location = header(seen, 'location')
  if (seen.status < 300 || seen.status > 399 || location === '') return undefined
  return URL.canParse(location, seen.url) ? new URL(location, seen.url) : undefined
}

/** Foreign text in a finding. */
export const quoted = (text: unknown) => shown(text, 120)
