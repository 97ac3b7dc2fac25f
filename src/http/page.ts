/** HTML pages over HTTP: their headers, their language, and the error page. */
import type { Request, Response } from 'express'
import type { OAuthError } from '../errors'
import { renderError } from '../pages/error'
import { chooseLanguage } from '../pages/language'
import type { PageContext } from '../pages/page'
import type { RequestParameters } from '../rules/params'
import type { AuthorizationServer } from '../types/authorization-server'
import { sendError } from './endpoint'

type WithPages = Pick<AuthorizationServer, 'pages'>

/**
 * @internal The pages in the language of this request: the client's `ui_locales`, else the browser's. `parameters` are
 * the effective ones, if already known.
 */
export function pageContext({ pages }: WithPages, req: Request, parameters?: RequestParameters): PageContext {
  const languages = [...pages.texts.keys()]
  const question = req.url.indexOf('?')
  const inUrl = () => (question < 0 ? null : new URLSearchParams(req.url.slice(question)).get('ui_locales'))
  const asked = parameters ? parameters.get('ui_locales') : inUrl()
  const language =
    chooseLanguage(languages, asked?.split(' ') ?? []) || req.acceptsLanguages(languages) || (languages[0] as string)
  return { pages, language, texts: pages.texts.get(language) as PageContext['texts'] }
}

/** @internal Sets the headers of every page. Before it is rendered, so that a host's own page can change them. */
export function setPageHeaders({ pages }: WithPages, res: Response): void {
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Pragma', 'no-cache')
  res.setHeader('Content-Security-Policy', pages.contentSecurityPolicy)
  res.setHeader('X-Frame-Options', 'DENY')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  // the URL contains the authorization request, which other origins must not see
  res.setHeader('Referrer-Policy', 'same-origin')
}

/** Shows an error to the user (RFC 6749 §4.1.2.1: without a redirect), or sends JSON if requested. */
export function errorPage(server: AuthorizationServer) {
  return (error: OAuthError, req: Request, res: Response): void => {
    if (req.accepts(['html', 'json']) === 'json') return sendError(error, req, res)
    setPageHeaders(server, res)
    res.writeHead(error.status, { ...error.headers })
    res.end(renderError(error, pageContext(server, req)))
  }
}
