/** HTML pages: escaping, the headers that every page needs, the frame they share, and the error page. */
import type { Request, Response } from 'express'
import { sha256Base64 } from '../crypto'
import type { OAuthError } from '../errors'
import { sendError } from './endpoint'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `text` for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}

const style = `
:root{color-scheme:light dark;--bg:#f3f4f6;--card:#fff;--text:#14171f;--soft:#555b6b;--line:#d9dce3;--accent:#1d4ed8;--on-accent:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#101218;--card:#1a1d26;--text:#f1f3f8;--soft:#a9afbf;--line:#343948;--accent:#8fb0ff;--on-accent:#0b1020}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--bg);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:2rem;overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 1rem}
h1 strong{color:var(--accent)}
p{margin:0 0 1rem}
main>:last-child{margin-bottom:0}
.soft{color:var(--soft);font-size:.925rem}
.notice{border-inline-start:.25rem solid var(--accent);padding-inline-start:.75rem}
ul{margin:0 0 1.25rem;padding-inline-start:1.25rem}
li{margin:.35rem 0}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 1rem}
button{flex:1 1 6rem;min-height:2.75rem;padding:.6rem 1rem;border:1px solid var(--accent);border-radius:.6rem;font:inherit;font-weight:600;cursor:pointer;background:none;color:var(--accent)}
button.primary{background:var(--accent);color:var(--on-accent)}
button:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
a{color:var(--accent)}
`

/** No `form-action`: browsers apply it to the redirect that follows the form, and would block the way to the client. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${sha256Base64(style)}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The headers of every page; set before anything is rendered, so that a host's own page keeps or changes them. */
export function setPageHeaders(res: Response): void {
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('Pragma', 'no-cache')
  res.setHeader('Content-Security-Policy', contentSecurityPolicy)
  res.setHeader('X-Frame-Options', 'DENY')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  // the page's URL holds the authorization request: not for other origins
  res.setHeader('Referrer-Policy', 'same-origin')
}

/** A complete page. `body` is HTML. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

/** An error for the person in front of the browser (RFC 6749 §4.1.2.1: without a redirect), or JSON where it is asked for. */
export function sendErrorPage(error: OAuthError, req: Request, res: Response): void {
  if (req.accepts(['html', 'json']) === 'json') return sendError(error, req, res)
  setPageHeaders(res)
  res.writeHead(error.status, { ...error.headers })
  res.end(
    page(
      'This link does not work',
      `<h1>This link does not work</h1>
<p>The app that sent you here made a request that cannot be answered. Go back to it and try again; if it stays like this, tell its makers what is written below.</p>
<p class="soft"><strong>${escapeHtml(error.code)}</strong>: ${escapeHtml(error.description)}</p>`,
    ),
  )
}
