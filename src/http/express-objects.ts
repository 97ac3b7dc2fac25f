/** What Express does to requests and responses, undone where it makes every later step slow. */
import type { Request, Response } from 'express'

/**
 * Express exchanges the prototypes of each request and response. V8 before 13 (Node 20 and 22) then makes a new hidden
 * class for every single member that anybody adds to one of them, copies the list of its forty members for that, and no
 * inline cache, here or in Node, ever sees the same class twice. From 13 on (Node 24) the classes are shared.
 */
const isSlow = Number.parseInt(process.versions.v8, 10) < 13

/**
 * Takes one member out and puts it back, after which V8 keeps all of them in a hash table with a class that all requests
 * share. For what is done here and after it, more than half of the time of a request of Express is gone with that.
 */
export function settle(req: Request, res: Response): void {
  // only what Express itself has made of the two: not a host's view of a request, nor a member that must stay
  if (!isSlow || !isPlainMember(req, 'res', res) || !isPlainMember(res, 'req', req)) return
  Reflect.deleteProperty(req, 'res')
  req.res = res
  Reflect.deleteProperty(res, 'req')
  res.req = req
}

/** Whether the member can be taken out and put back without anybody noticing. */
function isPlainMember(object: object, name: string, value: unknown): boolean {
  const own = Object.getOwnPropertyDescriptor(object, name)
  return own?.value === value && own?.configurable === true && own.writable === true
}
