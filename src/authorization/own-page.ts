/** The host's part in built-in pages: its own HTML and hidden fields, and middleware that blocks the form. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { setPageHeaders } from '../http/page'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { ConsentView } from '../pages/consent'
import type { AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'

/** Every page where users agree forbids frames, against clickjacking (RFC 9700 §4.16). */
const FRAMES = "frame-ancestors 'none'"

/** Throws a TypeError at start-up if an option is not a function. */
export function verifyOwnPage(page: string, options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || typeof value === 'function') continue
    throw misuse('not_a_function', `${page}({ ${name} }) must be a function, not ${kindOf(value)}`)
  }
}

/** Sets the headers of built-in pages, except the policy for styles, scripts and fonts: the host's page has its own. */
export function setOwnPageHeaders(server: AuthorizationServer, res: Response): void {
  const policy = res.getHeader('Content-Security-Policy')
  setPageHeaders(server, res)
  // with two policies, the browser applies both
  res.setHeader('Content-Security-Policy', policy === undefined ? FRAMES : [policy, FRAMES].flat().map(String))
}

/** Sends the HTML that `render` returned. */
export function sendOwnPage(html: unknown, { fields }: ConsentView, res: Response): void {
  // the host may have responded already, also by a timeout: another write would end the process
  if (html === undefined || res.headersSent) return
  if (typeof html !== 'string') {
    const fix = 'consentPage({ render }) must return HTML as a string, or nothing after it answered res'
    throw misuse('wrong_answer', `${fix}, not ${kindOf(html)}`)
  }
  if (/<form\b/i.test(html) && !html.includes(String(fields[0]?.value))) {
    throw misuse(
      'wrong_answer',
      'consentPage({ render }) returned a form without view.fields: add each as a hidden input',
    )
  }
  res.end(html)
}

/** Returns hidden fields for a built-in form, by name: `{ _csrf: req.csrfToken() }`. */
export type OwnFields = (req: Request) => Awaitable<Readonly<Record<string, string>>>

/** Names that requests and built-in forms use. */
const reserved: readonly string[] = [
  ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'resource', 'ui_locales'],
  ...['nonce', 'prompt', 'max_age', 'display', 'claims', 'claims_locales', 'acr_values', 'login_hint', 'id_token_hint'],
  ...['authorization_details', 'dpop_jkt', 'code_challenge', 'code_challenge_method', 'request', 'request_uri'],
  ...['consent', 'consent_transaction', 'removal_transaction', 'sign_in_transaction'],
  ...['user_code', 'device_transaction', 'form_transaction'],
]

/** Returns the host's hidden fields for the form of this page. */
export async function ownFields(
  { inTime }: AuthorizationServer,
  page: string,
  fields: OwnFields,
  req: Request,
): Promise<ConsentView['fields']> {
  const own: unknown = await inTime(`${page}({ fields })`, fields(req))
  const fix = `${page}({ fields }) must return strings by name, such as { _csrf: req.csrfToken() }`
  if (typeof own !== 'object' || own === null || Array.isArray(own))
    throw misuse('wrong_answer', `${fix}, not ${kindOf(own)}`)
  return Object.entries(own).map(([name, value]) => {
    if (reserved.includes(name))
      throw misuse('wrong_answer', `${page}({ fields }) cannot have the name ${name}: use another one`)
    if (typeof value !== 'string') throw misuse('wrong_answer', `${fix}, not ${name} as ${kindOf(value)}`)
    return { name, value }
  })
}

/** The request without the hidden fields of the host that the form added. */
export function withoutOwnFields(request: AuthorizationRequest, own: ConsentView['fields']): AuthorizationRequest {
  const names = own.map(({ name }) => name)
  const sent = new Map([...request.sent].filter(([name]) => !names.includes(name)))
  return { ...request, sent, parameters: request.parameters === request.sent ? sent : request.parameters }
}

const TIMES = 3

/**
 * Warns once if the page is shown to one user repeatedly, and no form ever arrives: a middleware in front refuses it.
 * Only one user at a time is remembered.
 */
export function answerWatch() {
  let shownTo = ''
  let times = 0
  const watch = {
    /** Whether any form has arrived. */
    arrives: false,
    shown({ server, client }: AuthorizationRequest, user: string): void {
      if (watch.arrives) return
      const to = JSON.stringify([client.clientId, user])
      times = shownTo === to ? times + 1 : 1
      shownTo = to
      if (times < TIMES) return
      const seen = `the consent page was shown ${times} times to one user, and no answer arrived`
      const fix = 'Mount the routers before CSRF middleware (csurf, lusca), or set consentPage({ fields })'
      server.warn('consent_answer_missing', `${seen}. ${fix}`)
    },
  }
  return watch
}

/** Warns if the host's own form lacks our field: the page would only be shown again. */
export function checkOwnForm({ server, sent }: AuthorizationRequest, req: Request): void {
  if (req.method !== 'POST' || !sent.has('consent') || sent.has('consent_transaction')) return
  const seen = 'a consent form came back without the field consent_transaction'
  server.warn('consent_form_incomplete', `${seen}. Add each of view.fields to the form of consentPage({ render })`)
}
