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
  // set by Express alone, as plain members of both
  if (!isSlow || req.res !== res || !Reflect.deleteProperty(req, 'res') || !Reflect.deleteProperty(res, 'req')) return
  req.res = res
  res.req = req
}
