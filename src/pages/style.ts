/** The style of the pages, one text so that one hash allows it (Content-Security-Policy), and their icon. */

import { misuse } from '../options/misuse'
import { escapeHtml } from './html'

/** Colours in CSS syntax: `#1d4ed8`, `rgb(29 78 216)`, `rebeccapurple`. */
interface PageColors {
  /** Links, the primary button, and the focus ring. */
  accent?: string
  /** Text on `accent`. */
  onAccent?: string
  /** The background behind the card. */
  background?: string
  /** The card's background. */
  card?: string
  /** The text. */
  text?: string
  /** Secondary text. */
  soft?: string
  /** Borders. */
  line?: string
  /** Errors, and buttons that remove access. */
  danger?: string
}

/** Colours, font and corners of the pages. */
export interface PageTheme {
  /**
   * Colours of light pages. Omitted ones are unchanged. Text needs a contrast of 4.5:1 to its background (WCAG 1.4.3).
   */
  light?: PageColors
  /** Colours for browsers that prefer dark pages. */
  dark?: PageColors
  /** A font list in CSS syntax, as for `font-family`. @default 'system-ui, sans-serif' */
  font?: string
  /** The radius of the card's corners: a length in px, rem or em, or '0'. @default '1rem' */
  radius?: string
}

type Colors = Required<PageColors>

const light: Colors = {
  accent: '#1d4ed8',
  onAccent: '#fff',
  background: '#f3f4f7',
  card: '#fff',
  text: '#14171f',
  soft: '#535a6b',
  line: '#d9dce4',
  danger: '#b3261e',
}
const dark: Colors = {
  accent: '#8fb0ff',
  onAccent: '#0b1020',
  background: '#0f1116',
  card: '#191c24',
  text: '#f1f3f8',
  soft: '#a9afbf',
  line: '#343948',
  danger: '#ffa49b',
}

const rules = `
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1.5rem;background:var(--background);color:var(--text);font:1rem/1.5 var(--font)}
main{width:100%;max-width:28rem;background:var(--card);border:1px solid var(--line);border-radius:var(--radius);padding:2rem;overflow-wrap:anywhere;box-shadow:0 1px 2px #0000000a,0 .75rem 2rem -1rem #00000026}
@media(max-width:30rem){body{padding:.75rem}main{padding:1.5rem 1.25rem}}
main>:last-child{margin-bottom:0}
strong{unicode-bidi:plaintext}
.brand{margin:0 0 1.5rem;color:var(--soft);font-size:.875rem;letter-spacing:.01em}
h1{font-size:1.375rem;line-height:1.3;letter-spacing:-.01em;margin:0 0 .75rem;text-wrap:balance}
h1 strong{color:var(--accent)}
h2{font-size:1rem;line-height:1.4;margin:0}
.client{display:flex;align-items:center;gap:.875rem;margin:0 0 .75rem}
.client>:last-child{min-width:0}
.client h1,.client p{margin:0}
.mark{flex:none;display:grid;place-items:center;width:2.75rem;height:2.75rem;border:1px solid var(--line);border-radius:calc(var(--radius)*.7);background:var(--background);color:var(--accent);font-size:1.25rem;font-weight:600}
p{margin:0 0 1rem}
.soft{color:var(--soft);font-size:.9375rem}
.soft strong{color:var(--text);font-weight:600}
.notice{border-inline-start:.25rem solid var(--accent);padding-inline-start:.75rem}
.account{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.25rem 1rem;margin:1.25rem 0;padding:.75rem 1rem;border:1px solid var(--line);border-radius:calc(var(--radius)*.6);font-size:.9375rem}
ul{list-style:none;margin:0 0 1rem;padding:0}
.scopes li{position:relative;margin:.5rem 0;padding-inline-start:1.75rem}
.scopes li::before{content:"";position:absolute;inset-inline-start:.35rem;top:.3em;width:.35em;height:.7em;border:solid var(--accent);border-width:0 .14em .14em 0;transform:rotate(45deg)}
.apps>li{padding:1.25rem 0;border-top:1px solid var(--line)}
form{margin:0 0 1rem}
label{display:block;margin:0 0 .375rem;font-weight:600}
input:not([type=hidden]){width:100%;min-height:2.75rem;padding:.6rem .75rem;border:1px solid var(--soft);border-radius:calc(var(--radius)*.6);background:var(--background);color:var(--text);font:inherit;letter-spacing:.1em}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}
.wide>*{flex-basis:11rem}
.pages{display:flex;justify-content:space-between;gap:1rem}
button,.button{flex:1 1 7rem;display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.6rem 1rem;border:1px solid var(--accent);border-radius:calc(var(--radius)*.6);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer;background:none;color:var(--accent)}
.primary{background:var(--accent);color:var(--on-accent)}
.danger{border-color:var(--danger);color:var(--danger)}
button:hover,.button:hover{box-shadow:inset 0 0 0 1px}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
a{color:var(--accent)}
code{font-size:.875rem}
`

/** The style with the host's colours. Throws a TypeError for an invalid colour, font or length. */
export function pageStyle(theme: PageTheme = {}): string {
  const { light: day, dark: night, font = 'system-ui,sans-serif', radius = '1rem', ...unknown } = theme
  const [name] = Object.keys(unknown)
  if (name !== undefined)
    throw misuse('unknown_option', `Unknown pages.theme member ${name}; there are light, dark, font, radius`)
  // no character that ends a value, the style element or a URL, because these texts are inserted into the page
  verify('font', font, /^[\w ,'"-]+$/, "a font list such as 'Inter, sans-serif'")
  verify('radius', radius, /^(0|\d*\.?\d+(px|rem|em))$/, "a length such as '1rem'")
  return `
:root{color-scheme:light dark;--font:${font};--radius:${radius};${variables('light', light, day)}}
@media(prefers-color-scheme:dark){:root{${variables('dark', dark, night)}}}${rules}`
}

/** The icon of the pages as a URL: the name's first letter. Without an icon browsers request /favicon.ico. */
export function pageIcon(name: string, { light: { accent, onAccent } = {} }: PageTheme = {}): string {
  const initial = escapeHtml([...name.trim()][0]?.toUpperCase() ?? '')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" rx="2" fill="${accent ?? light.accent}"/><text x="4" y="5.8" text-anchor="middle" font-family="sans-serif" font-size="5" font-weight="600" fill="${onAccent ?? light.onAccent}">${initial}</text></svg>`
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
}

const color = /^(#[0-9a-f]{3,8}|[a-z]+|(rgb|hsl|hwb|lab|lch|oklab|oklch)a?\([\d\s.,%/a-z+-]+\))$/i

function variables(scheme: string, defaults: Colors, chosen: PageColors = {}): string {
  for (const [name, value] of Object.entries(chosen)) {
    if (!Object.hasOwn(defaults, name)) {
      const names = Object.keys(defaults).join(', ')
      throw misuse('unknown_option', `Unknown pages.theme.${scheme} member ${name}; there are ${names}`)
    }
    verify(`${scheme}.${name}`, value, color, "a CSS colour such as '#1d4ed8'")
  }
  const all = Object.entries({ ...defaults, ...chosen })
  return all
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}:${value}`)
    .join(';')
}

function verify(name: string, value: unknown, form: RegExp, fix: string): void {
  if (typeof value !== 'string' || !form.test(value)) throw misuse('wrong_text', `pages.theme.${name} must be ${fix}`)
}
