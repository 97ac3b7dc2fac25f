/** The form of an app, new or existing. Errors are next to their fields. */
import { changeMembers, type MayReplace } from '../clients/records'
import { formHtml, linkTo, notice, queryOf } from '../forms/html'
import { isOutdated, requireVersion } from '../forms/version'
import { openForm, type SentForm, sendOnward } from '../forms/visit'
import { escapeHtml, fillHtml, fillText } from '../pages/html'
import { create } from '../routers/clients'
import { mayWrite } from '../routers/clients-access'
import { requireOwned, verifyChanges } from '../routers/clients-writes'
import type { Client } from '../storage'
import {
  changesIn,
  fields,
  fieldsOf,
  keysIn,
  linesOf,
  missing,
  none,
  type Sent,
  shownAgain,
  valuesIn,
  valuesOf,
} from './app-fields'
import { showCreated } from './app-questions'
import { appToChange, nameOf, requireEnabled } from './apps'
import { type AppKind, hasKeys, isKind, kindOfClient, membersOf, proves, redirects, secretsOf } from './kinds'
import { appQuery, type Call, type Errors, errorNotice, refusal, send } from './pages'

/** Shows the kinds of app. Each leads to its own form. */
export async function showKinds(call: Call): Promise<void> {
  const { words } = call.visit
  const kinds = call.settings.kinds.map((kind) => {
    const link = linkTo(queryOf({ page: 'new', kind }), words[kind])
    return `<li><h2>${link}</h2><p class="soft">${escapeHtml(words[`${kind}Text`])}</p></li>`
  })
  const back = `<p>${linkTo('?', words.cancel)}</p>`
  send(call, { title: words.kindTitle, body: [`<ul class="list">\n${kinds.join('\n')}\n</ul>`, back] })
}

/** Shows the form for the app in the URL, or for a new one. */
export async function showAppForm(call: Call): Promise<void> {
  const { query, settings } = call
  if (query.has('app')) return showEditing(call, await appToChange(call))
  const kind = query.get('kind')
  return isKind(kind, settings.kinds) ? showNew(call, kind) : showKinds(call)
}

async function showNew(call: Call, kind: AppKind, values = none, errors: Errors = {}): Promise<void> {
  const { words } = call.visit
  const hidden = await openForm(call.visit, ['create', kind])
  const cancel = { href: '?', label: words.cancel }
  send(call, {
    title: `${words.newApp}: ${words[kind]}`,
    status: Object.keys(errors).length > 0 ? 400 : 200,
    body: [
      errorNotice(call, errors),
      formHtml({ hidden, body: fields(call, kind, values, errors), submit: words.createApp, cancel }),
    ],
  })
}

async function showEditing(
  call: Call,
  client: Client,
  values = valuesOf(client),
  errors: Errors = {},
  outdated = false,
): Promise<void> {
  const { words } = call.visit
  const app = nameOf(client)
  const hidden = await openForm(call.visit, ['save', client.clientId, String(client.version)])
  const cancel = { href: appQuery(client.clientId), label: words.cancel }
  const body = fields(call, kindOfClient(client), values, errors, client)
  send(call, {
    title: fillText(words.editTitle, { app }),
    heading: `<h1>${fillHtml(words.editTitle, { app })}</h1>`,
    status: outdated || Object.keys(errors).length > 0 ? 400 : 200,
    body: [
      notice(outdated ? words.formOutdated : undefined, 'alert'),
      errorNotice(call, errors),
      formHtml({ hidden, body, submit: words.save, cancel }),
    ],
  })
}

export async function createApp(call: Call, form: SentForm, sent: Sent): Promise<void> {
  const { settings, visit, who } = call
  const { server, words } = visit
  const [, kind] = form.about
  if (!isKind(kind, settings.kinds)) return showKinds(call)
  const values = valuesIn(call, sent)
  let errors = missing(call, values, redirects(kind))
  if (Object.keys(errors).length === 0) {
    try {
      const jwks = proves(kind) ? keysIn(values.keys) : undefined
      const jwksUri = proves(kind) ? values.keysUri : ''
      const withKeys = hasKeys(server) && (jwks !== undefined || jwksUri !== '')
      if (proves(kind) && !withKeys && secretsOf(server).length === 0) {
        return showNew(call, kind, values, { jwks: { text: words.keysMissing } })
      }
      const metadata = {
        ...membersOf(kind, server, settings.grantTypes, withKeys),
        name: values.name,
        redirectUris: redirects(kind) ? linesOf(values.redirectUris) : [],
        scopes: values.scopes,
        ...(withKeys && jwks && { jwks }),
        ...(withKeys && jwksUri !== '' && { jwksUri }),
      }
      const format = { parse: () => ({ metadata, removed: [] }) }
      const { clients, clientSecret } = await create({ ...settings, format }, who, visit.req)
      return showCreated(call, clients[0] as Client, clientSecret, 'created')
    } catch (error) {
      errors = refusal(error, words, fieldsOf(call))
    }
  }
  await showNew(call, kind, shownAgain(values), errors)
}

export async function saveApp(call: Call, form: SentForm, sent: Sent): Promise<void> {
  const { settings, visit, who } = call
  const { server, words } = visit
  const [, clientId = '', version] = form.about
  const current = requireEnabled(await requireOwned(server, who, clientId))
  if (String(current.version) !== version) return showEditing(call, current, undefined, {}, true)
  const values = valuesIn(call, sent)
  let errors = missing(call, values, redirects(kindOfClient(current)))
  if (Object.keys(errors).length === 0) {
    try {
      const changes = changesIn(call, current, values)
      const may = mayWrite(server, who, settings.grantTypes)
      verifyChanges(server, may, current, changes, [])
      const mayReplace: MayReplace = (found, next) => {
        requireVersion(found, version)
        may(found, next)
      }
      await changeMembers(server, clientId, changes, { mayReplace })
      return sendOnward(visit, form, { app: clientId })
    } catch (error) {
      if (isOutdated(error))
        return showEditing(call, requireEnabled(await requireOwned(server, who, clientId)), undefined, {}, true)
      errors = refusal(error, words, fieldsOf(call))
    }
  }
  await showEditing(call, current, shownAgain(values), errors)
}
