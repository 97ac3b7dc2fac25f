/** Answers in JSON, errors included (RFC 6749 §5.1 and §5.2). */
import type { Request, Response } from 'express'
import type { OAuthError } from '../errors'

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
