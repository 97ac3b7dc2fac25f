/** Answers what the library's functions throw in a route of the host; everything else is the host's own failure. */
import type { ErrorRequestHandler } from 'express'
import { OAuthError } from 'express-authorization-server'

/** Mount it last: `app.use(oauthErrors)`. `err` and `desc` are what clients of the Qorus API look for. */
export const oauthErrors: ErrorRequestHandler = (error, _req, res, next) => {
  if (!(error instanceof OAuthError) || res.headersSent) return next(error)
  res.status(error.status).set(error.headers)
  res.json({ ...error.toJSON(), err: 'OAUTH2-EXCEPTION', desc: error.description })
}
