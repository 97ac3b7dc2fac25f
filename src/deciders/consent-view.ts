/** What the consent page shows, and the page that ships with the library. */
import { escapeHtml, page } from '../http/page'

/** Everything that a consent page needs. All of it is plain text: escape it. */
export interface ConsentView {
  client: { id: string; name: string; description?: string }
  /** Where the browser goes next: the host of the redirect URI, or the scheme of an app. */
  redirectHost: string
  /** The signed-in account. */
  user: { id: string; name: string }
  scopes: { scope: string; description: string }[]
  /** Why the page is shown again, where it is. */
  notice?: string
  /** Hidden fields that the form must send back, by POST and to the URL it was served from (leave `action` out). */
  fields: { name: string; value: string }[]
  /** The names and values of the two submit buttons. */
  allow: { name: string; value: string }
  deny: { name: string; value: string }
}

export function renderConsent(view: ConsentView): string {
  const { client, user, scopes, notice, redirectHost, fields, allow, deny } = view
  const name = escapeHtml(client.name)
  const what = scopes.map(({ description }) => `<li>${escapeHtml(description)}</li>`).join('\n')
  const button = ({ name, value }: { name: string; value: string }, label: string, primary: boolean) =>
    `<button${primary ? ' class="primary"' : ''} type="submit" name="${escapeHtml(name)}" value="${escapeHtml(value)}">${label}</button>`
  return page(
    `Allow ${client.name}?`,
    `<h1>Allow <strong>${name}</strong> to use your account?</h1>
${notice === undefined ? '' : `<p class="notice" role="alert">${escapeHtml(notice)}</p>`}
${client.description === undefined ? '' : `<p class="soft">${escapeHtml(client.description)}</p>`}
<p>You are signed in as <strong>${escapeHtml(user.name)}</strong>.</p>
${what === '' ? `<p>${name} will know who you are, and nothing else.</p>` : `<p>${name} will be able to:</p>\n<ul>\n${what}\n</ul>`}
<form method="post">
${fields.map((field) => `<input type="hidden" name="${escapeHtml(field.name)}" value="${escapeHtml(field.value)}">`).join('\n')}
<div class="actions">
${button(deny, 'Deny', false)}
${button(allow, 'Allow', true)}
</div>
</form>
<p class="soft">Either way you go on to <strong>${escapeHtml(redirectHost)}</strong>.</p>`,
  )
}
