/** The pages where users see which apps have access, and remove them. */
import { hiddenField } from './consent'
import { escapeHtml, fillHtml, fillText } from './html'
import { clientBlock, type PageContext, renderPage, scopeList } from './page'

export interface ConnectedApp {
  clientId: string
  name: string
  /** When its oldest authorization began. Seconds. */
  since: number
  /** The scopes in words. */
  scopes: readonly string[]
}

export interface ConnectedAppsView {
  userName: string
  apps: readonly ConnectedApp[]
  /** The app that was just removed. */
  removed?: string
  notice?: string
  /** The numbers of the previous and the next page, if any. */
  previous?: number
  next?: number
}

export function renderConnectedApps(view: ConnectedAppsView, context: PageContext): string {
  const { apps, removed, notice } = view
  const { texts } = context
  const parts = [
    `<h1>${escapeHtml(texts.appsTitle)}</h1>`,
    removed !== undefined && `<p class="notice" role="status">${fillHtml(texts.removed, { client: removed })}</p>`,
    notice !== undefined && `<p class="notice" role="alert">${escapeHtml(notice)}</p>`,
    `<p>${escapeHtml(apps.length > 0 ? texts.appsIntro : texts.noApps)}</p>`,
    apps.length > 0 &&
      `<ul class="apps">\n${apps.map((app, index) => renderApp(app, index, context)).join('\n')}\n</ul>`,
    pageLinks(view, context),
    `<p class="soft">${fillHtml(texts.signedInAs, { user: view.userName })}</p>`,
  ]
  return renderPage(context, texts.appsTitle, parts.filter(Boolean).join('\n'))
}

/** The link contains the app's name, because identical links say nothing in a list of links. */
function renderApp(app: ConnectedApp, index: number, { texts, language }: PageContext): string {
  const day = new Date(app.since * 1000)
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(day)
  const since = fillText(texts.accessSince, { date })
  const heading = `<h2 id="app-${index}"><bdi>${escapeHtml(app.name)}</bdi></h2>`
  return `<li>
${clientBlock(app.name, `<div>${heading}<p class="soft">${escapeHtml(since)}</p></div>`)}
${app.scopes.length > 0 ? scopeList(app.scopes) : `<p>${escapeHtml(texts.knowsYou)}</p>`}
<a class="button" id="remove-${index}" aria-labelledby="remove-${index} app-${index}" href="?app=${encodeURIComponent(app.clientId)}">${escapeHtml(texts.remove)}</a>
</li>`
}

function pageLinks({ previous, next }: ConnectedAppsView, { texts }: PageContext): string | undefined {
  if (previous === undefined && next === undefined) return undefined
  const link = (page: number | undefined, words: string, relation: string) =>
    page === undefined ? '<span></span>' : `<a rel="${relation}" href="?page=${page}">${escapeHtml(words)}</a>`
  return `<p class="pages">${link(previous, texts.previousPage, 'prev')}${link(next, texts.nextPage, 'next')}</p>`
}

/** The question before access is removed. The answer must contain `fields`. */
export function renderRemoval(
  { clientName, fields }: { clientName: string; fields: readonly { name: string; value: string }[] },
  context: PageContext,
): string {
  const { texts } = context
  const names = { client: clientName }
  return renderPage(
    context,
    fillText(texts.removeTitle, names),
    `<h1>${fillHtml(texts.removeTitle, names)}</h1>
<p>${fillHtml(texts.removeText, names)}</p>
<form method="post">
${fields.map(hiddenField).join('\n')}
<div class="actions wide">
<a class="button" href="?">${escapeHtml(texts.keep)}</a>
<button class="danger" type="submit">${escapeHtml(texts.remove)}</button>
</div>
</form>`,
  )
}
