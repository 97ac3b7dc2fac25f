/** The page that sends a browser on to the client, where a redirect might be blocked: by a header, or by its link. */
import { escapeHtml, fillHtml, fillText } from './html'
import { type PageContext, renderPage } from './page'

export function renderOnward(client: string, location: string, context: PageContext): string {
  const { onward } = context.texts
  const link = `<a class="button" href="${escapeHtml(location)}">${fillHtml(onward, { client })}</a>`
  return renderPage(context, fillText(onward, { client }), `<h1>${fillHtml(onward, { client })}</h1>\n<p>${link}</p>`)
}
