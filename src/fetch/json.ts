/** Fetches JSON from an authorization server: limited in size and time, without redirects. */
import { OAuthError } from '../errors'
import { isHttpUrl, isSafeUrl } from '../rules/issuer'

const MAX_BYTES = 256 * 1024
const MAX_MILLISECONDS = 5000

/**
 * Fetches a 200 whose body is a JSON object. Throws otherwise, with a message for the host and not for clients.
 * `allowHttp` if the host trusts the network.
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
    // a redirect could lead anywhere, with the credentials
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

/** The server is unreachable or its response invalid: 503, because the token can be neither accepted nor refused. */
export function unreachable(cause: unknown): OAuthError {
  return new OAuthError('server_error', 'The authorization server cannot be reached.', { status: 503, cause })
}
