/** Fetches JSON from an authorization server: nothing large, nothing slow, nothing from elsewhere. */
import { OAuthError } from '../errors'
import { isHttpUrl, isSafeUrl } from '../rules/issuer'

const MAX_BYTES = 256 * 1024
const MAX_MILLISECONDS = 5000

/**
 * A 200 whose body is a JSON object. Everything else throws; the message is for the host, never for a client. `allowHttp`
 * where the host has said that the way there is its own.
 */
export async function fetchJson(
  url: unknown,
  allowHttp: boolean,
  request: { method?: string; headers?: Record<string, string>; body?: URLSearchParams } = {},
): Promise<Record<string, unknown>> {
  if (!isSafeUrl(url) && !(allowHttp && isHttpUrl(url)))
    throw new Error(`${String(url)} is not an https URL (or http on loopback)`)
  const response = await fetch(url, {
    ...request,
    headers: { accept: 'application/json', ...request.headers },
    // a redirect could lead anywhere, and take credentials there
    redirect: 'error',
    signal: AbortSignal.timeout(MAX_MILLISECONDS),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url} returned ${response.status}`)
  }
  const value: unknown = JSON.parse(await readText(url, response))
  if (typeof value !== 'object' || value === null) throw new Error(`${url} did not return a JSON object`)
  return value as Record<string, unknown>
}

async function readText(url: string, { body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`${url} returned more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The server cannot be reached, or talks nonsense: 503, because nobody knows whether the token is good. */
export function unreachable(cause: unknown): OAuthError {
  return new OAuthError('server_error', 'The authorization server cannot be reached.', { status: 503, cause })
}
