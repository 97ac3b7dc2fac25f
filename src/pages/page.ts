/** Shared by all pages: the name, languages, texts and style that the host chose, and the layout. */

import { sha256Base64 } from '../crypto'
import { requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { english } from './english'
import { german } from './german'
import { escapeHtml, placeholdersOf } from './html'
import { spanish } from './spanish'
import { type PageTheme, pageIcon, pageStyle } from './style'
import type { PageTexts } from './texts'

/** The texts, languages and style of the consent page, the connected apps and the error pages. */
export interface PagesOptions {
  /** The name of your service, at the top of each page. The icon is its first letter. @default the host of the issuer */
  name?: string
  /**
   * The languages of the pages, as BCP 47 tags. The `ui_locales` parameter of a request selects one, then its
   * `Accept-Language`. The first is the fallback.
   * @default ['en', 'de', 'es'] and those of `texts`
   */
  languages?: readonly string[]
  /** Your own texts by language: some texts for `en`, `de` and `es`, all texts for another language. @default none */
  texts?: Readonly<Record<string, Partial<PageTexts>>>
  /** Colours, font and corners. @default the built-in theme */
  theme?: PageTheme
}

/** The checked options, and what is prepared from them. */
export interface Pages {
  readonly name: string
  readonly texts: ReadonlyMap<string, PageTexts>
  readonly style: string
  readonly icon: string
  readonly contentSecurityPolicy: string
}

/** The pages for one request. */
export interface PageContext {
  readonly pages: Pages
  readonly language: string
  readonly texts: PageTexts
}

/** A capability's texts for scopes and claims in one language. */
export type ScopesAndClaims = Pick<PageTexts, 'scopes' | 'claims'>

const shipped: Readonly<Record<string, PageTexts>> = { en: english, de: german, es: spanish }

/**
 * Throws a TypeError for a mistake that would break a page: an unknown option, a missing text or placeholder, an
 * invalid colour.
 */
export function preparePages(
  options: PagesOptions = {},
  issuer: string,
  brought: Readonly<Record<string, ScopesAndClaims>> = {},
): Pages {
  requireKnown('pages option', options, ['name', 'languages', 'texts', 'theme'])
  const { name = new URL(issuer).host, texts = {}, languages, theme } = options
  if (typeof name !== 'string') throw misuse('wrong_text', 'pages.name must be a string')
  const chosen = languages ?? [...new Set([...Object.keys(shipped), ...Object.keys(texts)])]
  if (!Array.isArray(chosen) || chosen.length === 0)
    throw misuse('wrong_list', "pages.languages must be a list such as ['en']")
  const style = pageStyle(theme)
  return Object.freeze({
    name,
    texts: new Map(chosen.map((language: string) => [language, textsOf(language, texts[language], brought[language])])),
    style,
    icon: pageIcon(name, theme),
    contentSecurityPolicy: contentSecurityPolicy(style),
  })
}

function textsOf(language: string, own: Partial<PageTexts> = {}, brought: ScopesAndClaims = {}): PageTexts {
  if (typeof language !== 'string' || !/^[a-z]{2,3}(-[a-z\d]{1,8})*$/i.test(language) || !isLocale(language)) {
    throw misuse('wrong_text', `pages.languages: ${String(language)} must be a BCP 47 tag such as 'en' or 'pt-BR'`)
  }
  const place = `pages.texts.${language}`
  const { dir, scopes, claims, ...words }: Partial<PageTexts> = { ...shipped[language], ...own }
  if (!['ltr', 'rtl', undefined].includes(dir)) throw misuse('wrong_choice', `${place}.dir must be 'ltr' or 'rtl'`)
  verifyWords(`${place}.scopes must be scopes in words, such as { read: 'See your data' }`, scopes)
  verifyWords(`${place}.claims must be claims in words, such as { name: 'name' }`, claims)
  const unknown = Object.keys(words).find((name) => !Object.hasOwn(english, name))
  if (unknown !== undefined)
    throw misuse('unknown_option', `Unknown text ${place}.${unknown}: the type PageTexts has the names`)
  for (const [name, example] of Object.entries(english)) {
    const text: unknown = words[name as keyof typeof words]
    const names = placeholdersOf(example)
    if (typeof text === 'string' && text !== '' && placeholdersOf(text).join() === names.join()) continue
    const needed = names.map((placeholder) => ` with {${placeholder}}`).join('')
    throw misuse('wrong_text', `${place}.${name} must be a text${needed}, such as '${example}'`)
  }
  return Object.freeze({
    ...(words as PageTexts),
    ...(dir && { dir }),
    scopes: { ...brought.scopes, ...scopes },
    claims: { ...brought.claims, ...claims },
  })
}

function verifyWords(problem: string, words: PageTexts['scopes'] = {}): void {
  if (!Object.values(words).every((text) => typeof text === 'string')) throw misuse('wrong_text', problem)
}

/** Whether dates and lists can be formatted in this language. */
function isLocale(language: string): boolean {
  try {
    return Intl.getCanonicalLocales(language).length === 1
  } catch {
    return false
  }
}

/**
 * Without `form-action`: browsers apply it to the redirect after the form, and would block the way to the client.
 * Allows images of the host, for logos, and the icon in `data:`.
 */
export function contentSecurityPolicy(style: string): string {
  const directives = [
    "default-src 'none'",
    `style-src 'sha256-${sha256Base64(style)}'`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return directives.join('; ')
}

/** The meaning of a scope, in the language of the page if the host gave it in that language. */
export function scopeInWords({ texts }: PageContext, scopes: ReadonlyMap<string, string>, scope: string): string {
  const translated = texts.scopes
  return (translated && Object.hasOwn(translated, scope) ? translated[scope] : scopes.get(scope)) ?? scope
}

/** A claim in words, in the page's language, or else its name. */
export function claimInWords({ texts: { claims } }: PageContext, claim: string): string {
  return (claims && Object.hasOwn(claims, claim) ? claims[claim] : undefined) ?? claim.replaceAll('_', ' ')
}

/** A client's initial, beside `html`. */
export function clientBlock(name: string, html: string): string {
  const initial = [...name.trim()][0]?.toUpperCase() ?? ''
  return `<div class="client"><span class="mark" aria-hidden="true">${escapeHtml(initial)}</span>${html}</div>`
}

/** A list of scopes in words. */
export function scopeList(descriptions: readonly string[]): string {
  return `<ul class="scopes">\n${descriptions.map((words) => `<li><bdi>${escapeHtml(words)}</bdi></li>`).join('\n')}\n</ul>`
}

/** A complete page. `body` is HTML. */
export function renderPage({ pages, language, texts }: PageContext, title: string, body: string): string {
  return `<!doctype html>
<html lang="${escapeHtml(language)}"${texts.dir === 'rtl' ? ' dir="rtl"' : ''}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${title} · ${pages.name}`)}</title>
<link rel="icon" href="${pages.icon}">
<style>${pages.style}</style>
</head>
<body>
<main>
<p class="brand"><bdi>${escapeHtml(pages.name)}</bdi></p>
${body}
</main>
</body>
</html>
`
}
