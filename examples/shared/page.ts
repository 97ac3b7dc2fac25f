/** The frame that the HTML pages of the examples share, and their headers. */
import { randomBytes } from 'node:crypto'
import type { Response } from 'express'

const style = `
:root{color-scheme:light dark;--bg:#f3f4f7;--card:#fff;--text:#14171f;--soft:#535a6b;--line:#d9dce4;--accent:#1d4ed8;--on-accent:#fff;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#0f1116;--card:#191c24;--text:#f1f3f8;--soft:#a9afbf;--line:#343948;--accent:#8fb0ff;--on-accent:#0b1020;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1.5rem;background:var(--bg);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:28rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:2rem;overflow-wrap:anywhere;box-shadow:0 1px 2px #0000000a,0 .75rem 2rem -1rem #00000026}
@media(max-width:30rem){body{padding:.75rem}main{padding:1.5rem 1.25rem}}
h1{font-size:1.375rem;line-height:1.3;letter-spacing:-.01em;margin:0 0 1rem;text-wrap:balance}
p{margin:0 0 1rem}
main>:last-child{margin-bottom:0}
.soft{color:var(--soft);font-size:.925rem}
.bad{color:var(--bad)}
label{display:block;font-weight:600;margin:1rem 0 .35rem}
input{width:100%;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--soft);border-radius:.6rem;font:inherit;background:var(--bg);color:inherit}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}
button{flex:1 1 6rem;min-height:2.75rem;padding:.6rem 1rem;border:1px solid var(--accent);border-radius:.6rem;font:inherit;font-weight:600;cursor:pointer;background:none;color:var(--accent)}
button.primary{background:var(--accent);color:var(--on-accent)}
button:disabled{opacity:.5;cursor:default}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
a{color:var(--accent)}
.actions:not(:has(button:not([hidden]))){display:none}
[role=status] p{margin:1.25rem 0 .5rem}
[role=status] :empty{display:none}
.account{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1rem;margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.925rem}
.account a{margin-inline-end:.75rem}
.account button{flex:none;min-height:2.25rem;padding:.35rem .85rem}
pre{margin:0;padding:1rem;border-radius:.6rem;background:var(--bg);font-size:.875rem;white-space:pre-wrap}
[hidden]{display:none!important}
`

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Sends a complete page. `body` is HTML; `script`, if any, is the only one that the browser will run. */
export function sendPage(res: Response, title: string, body: string, script?: string): void {
  const nonce = randomBytes(16).toString('base64')
  res.set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      `default-src 'none'; img-src data:; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; ` +
      // No form-action: browsers apply it to the redirects that follow a sign-in, and these lead to other apps
      "base-uri 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  })
  res.type('html').send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>
${body}
</main>
${script === undefined ? '' : `<script nonce="${nonce}" type="module">${script}</script>`}
</body>
</html>
`)
}
