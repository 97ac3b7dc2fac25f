/** Headers that a request may have once: Node keeps the first of several. */
import type { Request } from 'express'
import { OAuthError } from '../errors'

/**
 * The Authorization header, '' where there is none. Node keeps the first of several; what another hop kept is unknown, so
 * none is believed.
 */
export function authorizationHeader(req: Request): string {
  const { authorization } = req.headers
  if (authorization === undefined) return ''
  if (sentHeader(req, 'authorization').length > 1) {
    throw new OAuthError('invalid_request', 'The Authorization header is included more than once.')
  }
  return authorization
}

/** Each header of that name as it was sent. A request that a host's unit test makes up has nothing but `headers`. */
export function sentHeader({ rawHeaders, headers }: Pick<Request, 'rawHeaders' | 'headers'>, wanted: string): string[] {
  if (!rawHeaders) return [headers[wanted] ?? []].flat()
  const sent: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === wanted.length && name.toLowerCase() === wanted) sent.push(rawHeaders[i + 1] as string)
  }
  return sent
}
