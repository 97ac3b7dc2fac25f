/** Reads the rest of a refused body, within limits. */
import type { Request } from 'express'

/** The limits for reading a refused body: bytes, and milliseconds. */
const MOST_OF_REST = 1024 * 1024
const LONGEST_REST = 5000

/**
 * Reads and discards the rest of a body: closing at once would lose the response for a client that is still sending
 * (RFC 9112 §9.6). After the limits the connection is closed.
 */
export function readRest(req: Request): void {
  let left = MOST_OF_REST
  const close = () => {
    const { res } = req
    if (!res || res.writableFinished) req.destroy()
    else res.once('finish', () => req.destroy())
  }
  const timer = setTimeout(close, LONGEST_REST).unref()
  const onData = (chunk: Buffer | string) => {
    left -= chunk.length
    if (left >= 0) return
    req.off('data', onData).pause()
    close()
  }
  req.on('error', () => {}).on('data', onData)
  req.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
}
