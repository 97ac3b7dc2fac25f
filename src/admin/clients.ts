/** The list of clients with search and paging, and the page of one client. */
import { grantTypesOf, hasClientSecret, isBeingDeleted } from '../clients/client'
import { clientIdSyntax } from '../clients/metadata'
import { codeHtml, facts, linkTo, notice, pager, queryOf, selectField, textField } from '../forms/html'
import { logoBlock, logoOf } from '../forms/logo'
import { doneForm } from '../forms/visit'
import { escapeHtml } from '../pages/html'
import { scopeInWords, scopeList } from '../pages/page'
import type { Client } from '../storage'
import { COMPARED } from '../storage/client-names'
import { type ClientsPage, findClients } from './find'
import { type Call, clientQuery, dayOf, ITEMS_ON_A_PAGE, nameOf, notThere, send, textOf } from './pages'

type By = 'name' | 'id' | 'owner' | 'user'

/** The search fields. The first is the default. */
function placesOf({ visit: { server } }: Call): By[] {
  return [...(server.storage.clients.listByName ? (['name'] as const) : []), 'id', 'owner', 'user']
}

function placeOf(call: Call): By {
  const places = placesOf(call)
  return places.find((place) => place === call.query.get('by')) ?? (places[0] as By)
}

/**
 * The longest id, a line break, and the compared part of a name with characters of four bytes: see `next` of
 * `findClients`.
 */
const LONGEST_PLACE = 255 + 1 + 4 * COMPARED

/** Where the page begins. In a list by name this is longer than an id. */
function afterOf(call: Call): string | undefined {
  const isOfNames = Boolean(call.query.get('find')) && placeOf(call) === 'name'
  return textOf(call, 'after', isOfNames ? LONGEST_PLACE : undefined)
}

/** Shows the list. `unused`: a form arrived that no longer counts. */
export async function showClients(call: Call, unused = false): Promise<void> {
  const { visit, query } = call
  const { words } = visit
  const { clients, next } = await foundClients(call)
  const items = await Promise.all(clients.map((client) => listed(call, client)))
  const [action] = unused ? [] : ((await doneForm(visit, query.get('done'))) ?? [])
  const kept = { ...(query.get('find') && { find: query.get('find') as string, by: placeOf(call) }) }
  const isFirst = afterOf(call) === undefined
  send(call, {
    title: words.clientsTitle,
    status: unused ? 400 : 200,
    back: query.get('find') ? '?' : false,
    body: [
      action === 'delete' ? notice(words.deleted) : undefined,
      notice(unused ? words.formUsed : undefined, 'alert'),
      searchForm(call),
      `<p>${escapeHtml(items.length > 0 || !isFirst ? words.clientsIntro : words.noClients)}</p>`,
      items.length > 0 ? `<ul class="list">\n${items.join('\n')}\n</ul>` : undefined,
      pager(
        {
          first: isFirst ? undefined : queryOf(kept),
          next: next === undefined ? undefined : queryOf({ ...kept, after: next }),
        },
        words,
      ),
    ],
  })
}

/** Runs the search. A text that no store can contain finds nothing. */
async function foundClients(call: Call): Promise<ClientsPage> {
  const { visit, query } = call
  const after = afterOf(call)
  const page = { limit: ITEMS_ON_A_PAGE, ...(after !== undefined && { after }) }
  if (!query.get('find')) return findClients(visit.server, page)
  const text = textOf(call, 'find')
  if (text === undefined) return { clients: [] }
  const by = placeOf(call)
  const asked = by === 'name' ? { name: text } : by === 'id' ? { clientId: text } : { username: text }
  return findClients(visit.server, { ...asked, ...page })
}

function searchForm(call: Call): string {
  const { words } = call.visit
  const places = placesOf(call)
  const labels = { name: words.byName, id: words.byId, owner: words.byOwner, user: words.byUser }
  const choices = places.map((value) => ({ value, label: labels[value] }))
  const hint = places.includes('name') ? words.findHint : words.findHintWithoutNames
  return `<search><form method="get">
${textField({ name: 'find', label: words.find, value: call.query.get('find'), maxLength: 255 })}
${selectField({ name: 'by', label: words.findBy, choices, value: placeOf(call) })}
<button type="submit">${escapeHtml(words.search)}</button>
</form></search>
<p class="soft">${escapeHtml(hint)}</p>`
}

async function listed(call: Call, client: Client): Promise<string> {
  const { words } = call.visit
  const { clientId, username, disabled } = client
  const link = `<a href="${escapeHtml(clientQuery(clientId))}"><bdi>${escapeHtml(nameOf(client))}</bdi></a>`
  const said = [
    disabled && `<strong>${escapeHtml(words.disabled)}</strong>`,
    client.origin && escapeHtml(originOf(call, client)),
    username !== undefined && `${escapeHtml(words.owner)}: <bdi>${escapeHtml(username)}</bdi>`,
  ].filter(Boolean)
  const more = said.map((text) => `<p class="soft">${text}</p>`).join('')
  const html = `<div><h2>${link}</h2><p class="soft">${codeHtml(clientId)}</p>${more}</div>`
  return `<li>${logoBlock(nameOf(client), await logoOfClient(call, client), html)}</li>`
}

function originOf({ visit: { words } }: Call, { origin }: Client): string {
  return origin === 'registration' ? words.registered : words.admitted
}

function logoOfClient({ visit: { server, req }, logo }: Call, client: Client): Promise<string | undefined> {
  return logoOf(server, "adminRouter's logo", logo, client, req)
}

/** Returns the record with this id, or undefined. Metadata documents are not fetched. */
export async function findRecord({ visit: { server } }: Call, clientId: string): Promise<Client | undefined> {
  const client = clientIdSyntax.test(clientId) ? await server.storage.clients.find(clientId) : undefined
  return client && !isBeingDeleted(client) ? client : undefined
}

export async function requireRecord(call: Call, clientId: string): Promise<Client> {
  const client = await findRecord(call, clientId)
  if (client) return client
  throw notThere()
}

export async function showClient(call: Call): Promise<void> {
  const { visit, query } = call
  const { words } = visit
  const clientId = query.get('client') ?? ''
  if (!clientIdSyntax.test(clientId)) throw notThere()
  const client = await findRecord(call, clientId)
  const grants = linkTo(clientQuery(clientId, { page: 'grants' }), words.grants, ' class="button"')
  if (!client) {
    const body = [notice(words.noRecord), `<p>${codeHtml(clientId)}</p>`, `<p>${grants}</p>`]
    return send(call, { title: clientId, status: 404, body })
  }
  const [action] = (await doneForm(visit, query.get('done'))) ?? []
  const name = nameOf(client)
  const link = (page: string, label: string, look = '') =>
    linkTo(clientQuery(clientId, { page }), label, ` class="button${look}"`)
  const { disabled } = client
  send(call, {
    title: name,
    heading: logoBlock(name, await logoOfClient(call, client), `<div><h1><bdi>${escapeHtml(name)}</bdi></h1></div>`),
    body: [
      action === 'disable' || action === 'enable' ? notice(words.saved) : undefined,
      describe(call, client),
      `<div class="actions wide">`,
      grants,
      hasClientSecret(client) ? link('secret', words.newSecret) : undefined,
      disabled ? link('enable', words.enable) : link('disable', words.disable, ' danger'),
      link('delete', words.deleteApp, ' danger'),
      '</div>',
    ],
  })
}

/** The record's members for the page, without secrets: storage has only their digests. */
function describe(call: Call, client: Client): string {
  const { words, context, server } = call.visit
  const { clientId, description, username, disabled, origin, redirectUris, scopes = [] } = client
  const text = (value: string | undefined) => value && `<bdi>${escapeHtml(value)}</bdi>`
  const items = (list: readonly string[]) =>
    list.length === 0 ? undefined : list.map((one) => `<div>${codeHtml(one)}</div>`).join('')
  const said = scopes.map((scope) => scopeInWords(context, server.scopes, scope))
  const owned = username !== undefined && linkTo(queryOf({ find: username, by: 'owner' }), username)
  return facts([
    [words.state, escapeHtml(disabled ? words.disabled : words.enabled)],
    [words.clientId, codeHtml(clientId)],
    [words.description, text(description)],
    [words.owner, owned || undefined],
    [words.origin, origin && escapeHtml(originOf(call, client))],
    [words.redirectUris, items(redirectUris)],
    [words.scopes, said.length > 0 ? scopeList(said) : undefined],
    [words.grantTypes, items(grantTypesOf(client))],
    [words.authentication, items(client.tokenEndpointAuthMethods)],
    [words.createdOn, escapeHtml(dayOf(call, client.createdAt))],
    [words.changedOn, escapeHtml(dayOf(call, client.updatedAt))],
  ])
}
