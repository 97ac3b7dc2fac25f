/** Logs of a host: pino, without the secrets that requests and responses of OAuth have. */
import type { RequestHandler } from 'express'
import type { AuthorizationServerEvent } from 'express-authorization-server'
import pino, { type DestinationStream, type Logger } from 'pino'

/** Headers with a secret: tokens, client secrets, sessions, and the codes in the URL of a redirect. */
export const secretHeaders = [
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'location', 'referer', 'dpop'],
  ...['Authorization', 'Cookie'], // as the errors of HTTP clients spell what they sent
]
/** Members of bodies and queries with a secret: of token requests, their responses, registrations and sign-in pages. */
export const secretParameters = [
  ...['access_token', 'refresh_token', 'id_token', 'token', 'code', 'code_verifier', 'device_code', 'user_code'],
  ...['client_secret', 'registration_access_token', 'assertion', 'client_assertion', 'subject_token', 'actor_token'],
  ...['request', 'request_uri', 'id_token_hint', 'logout_token', 'state', 'nonce', 'username', 'password'],
  ...['consent_transaction', 'removal_transaction', 'sign_in_transaction', 'sign_out_transaction'],
  ...['device_transaction', 'form_transaction', 'return_to', 'verification_uri_complete'],
]

/** Paths of pino: each name on the first three levels of what is logged. */
const redact = [...secretHeaders, ...secretParameters].flatMap((name) =>
  ['', '*', '*.*', '*.*.*'].map((above) => `${above}["${name}"]`),
)

export function createLog(destination: DestinationStream = pino.destination(1)): Logger {
  return pino({ redact }, destination)
}

/** One line for each request: its path, and never its query or its body. */
export function logRequests(log: Logger): RequestHandler {
  return (req, res, next) => {
    const start = performance.now()
    // before a router takes its beginning off
    const { method, path } = req
    res.once('close', () => {
      log.info({ method, path, status: res.statusCode, ms: Math.round(performance.now() - start) }, 'request')
    })
    next()
  }
}

/** Events contain no secrets. The cause of an error is what the database or your function threw. */
export function logEvent(log: Logger, event: AuthorizationServerEvent): void {
  const level = event.type === 'error' ? 'error' : event.type === 'warning' ? 'warn' : 'info'
  log[level](event.type === 'error' ? { err: event.error.cause ?? event.error } : { ...event }, event.type)
}
