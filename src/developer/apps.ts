/** The list of a user's apps, and the page of each app. */
import { hasClientSecret, isBeingDeleted } from '../clients/client'
import { clientIdSyntax } from '../clients/metadata'
import { OAuthError } from '../errors'
import { codeHtml, facts, linkTo, notice, pager, queryOf } from '../forms/html'
import { logoBlock, logoOf } from '../forms/logo'
import { doneForm } from '../forms/visit'
import { escapeHtml, fillText } from '../pages/html'
import { scopeInWords, scopeList } from '../pages/page'
import { noSuchClient } from '../routers/clients-access'
import { requireOwned } from '../routers/clients-writes'
import type { Client } from '../storage'
import { hasKeys, KEYS, kindOfClient } from './kinds'
import { appQuery, type Call, dayOf, ITEMS_ON_A_PAGE, send, timeOf } from './pages'

/** The display name of an app. */
export const nameOf = ({ name, clientId }: Client) => name ?? clientId

/** The app in the URL. Another user's app gives the same error as a missing one. */
async function appOfUrl({ visit: { server }, who, query }: Call): Promise<Client> {
  const clientId = query.get('app') ?? ''
  if (!clientIdSyntax.test(clientId)) throw noSuchClient()
  return requireOwned(server, who, clientId)
}

/** The app in the URL, for a form. */
export const appToChange = async (call: Call) => requireEnabled(await appOfUrl(call))

/** A disabled app stays as it is: its owner can neither change nor delete it. */
export function requireEnabled(client: Client): Client {
  if (client.disabled) throw new OAuthError('access_denied', 'This client is disabled.')
  return client
}

/** Shows the list. `unused`: a form arrived that no longer counts. */
export async function showApps(call: Call, unused = false): Promise<void> {
  const { visit, query, who } = call
  const { server, words } = visit
  const after = query.get('after') ?? ''
  const from = clientIdSyntax.test(after) ? { after } : {}
  const owner = { username: who.userId as string }
  const found = await server.storage.clients.list({ ...owner, ...from, limit: ITEMS_ON_A_PAGE + 1 })
  const shown = found.slice(0, ITEMS_ON_A_PAGE)
  const next = found.length > shown.length ? queryOf({ after: (shown.at(-1) as Client).clientId }) : undefined
  const apps = await Promise.all(
    shown.filter((client) => !isBeingDeleted(client)).map((client) => listed(call, client)),
  )
  const [action] = unused ? [] : ((await doneForm(visit, query.get('done'))) ?? [])
  send(call, {
    title: words.appsTitle,
    status: unused ? 400 : 200,
    body: [
      action === 'delete' ? notice(words.deleted) : undefined,
      notice(unused ? words.formUsed : undefined, 'alert'),
      `<p>${escapeHtml(apps.length > 0 || 'after' in from ? words.appsIntro : words.noApps)}</p>`,
      apps.length > 0 ? `<ul class="list">\n${apps.join('\n')}\n</ul>` : undefined,
      pager({ first: 'after' in from ? '?' : undefined, next }, words),
      `<p>${linkTo(queryOf({ page: 'new' }), words.newApp, ' class="button primary"')}</p>`,
    ],
  })
}

async function listed(call: Call, client: Client): Promise<string> {
  const { words } = call.visit
  const link = `<a href="${escapeHtml(appQuery(client.clientId))}"><bdi>${escapeHtml(nameOf(client))}</bdi></a>`
  const state = client.disabled ? `<p class="soft"><strong>${escapeHtml(words.disabled)}</strong></p>` : ''
  const html = `<div><h2>${link}</h2><p class="soft">${escapeHtml(words[kindOfClient(client)])}</p>${state}</div>`
  return `<li>${logoBlock(nameOf(client), await logoOfApp(call, client), html)}</li>`
}

function logoOfApp({ visit: { server, req }, settings }: Call, client: Client): Promise<string | undefined> {
  return logoOf(server, "developerRouter's logo", settings.logo, client, req)
}

export async function showApp(call: Call): Promise<void> {
  const { visit, query } = call
  const { words } = visit
  const client = await appOfUrl(call)
  const [action] = (await doneForm(visit, query.get('done'))) ?? []
  const name = nameOf(client)
  const heading = `<div><h1><bdi>${escapeHtml(name)}</bdi></h1></div>`
  send(call, {
    title: name,
    heading: logoBlock(name, await logoOfApp(call, client), heading),
    body: [
      action === 'save' ? notice(words.saved) : undefined,
      client.disabled ? notice(words.disabledText) : undefined,
      describe(call, client),
      ...(client.disabled ? [] : actionsOf(call, client)),
      `<p>${linkTo('?', words.appsTitle)}</p>`,
    ],
  })
}

function actionsOf({ visit: { words } }: Call, client: Client): (string | undefined)[] {
  const { clientId } = client
  return [
    `<div class="actions wide">`,
    linkTo(appQuery(clientId, 'edit'), words.edit, ' class="button primary"'),
    hasClientSecret(client) ? linkTo(appQuery(clientId, 'secret'), words.newSecret, ' class="button"') : undefined,
    linkTo(appQuery(clientId, 'delete'), words.deleteApp, ' class="button danger"'),
    '</div>',
  ]
}

/** The members that the owner may see, without secrets: storage has only their digests. */
function describe(call: Call, client: Client): string {
  const { words, context, server } = call.visit
  const { redirectUris, scopes = [], jwksUri, tokenEndpointAuthMethods: methods } = client
  const items = (texts: readonly string[]) => texts.map((text) => `<div>${text}</div>`).join('')
  const isSigning = hasKeys(server) && methods.includes(KEYS)
  return facts([
    [words.kind, escapeHtml(words[kindOfClient(client)])],
    [words.clientId, codeHtml(client.clientId)],
    [words.redirectUris, redirectUris.length > 0 ? items(redirectUris.map(codeHtml)) : undefined],
    [
      words.scopes,
      scopes.length > 0 ? scopeList(scopes.map((scope) => scopeInWords(context, server.scopes, scope))) : undefined,
    ],
    [words.clientSecret, hasClientSecret(client) ? items(secretsOf(call, client)) : undefined],
    [words.keys, isSigning ? items([...keysOf(client), ...(jwksUri ? [codeHtml(jwksUri)] : [])]) : undefined],
    [words.createdOn, escapeHtml(dayOf(call, client.createdAt))],
  ])
}

/** Describes each valid secret by its times. */
function secretsOf(call: Call, { secrets }: Client): string[] {
  const { words, server } = call.visit
  const live = secrets.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > server.now())
  return live.map(({ createdAt, expiresAt }) => {
    const texts = [fillText(words.secretSince, { date: dayOf(call, createdAt) })]
    if (expiresAt !== undefined) texts.push(fillText(words.secretUntil, { date: timeOf(call, expiresAt) }))
    return escapeHtml(texts.join('. '))
  })
}

function keysOf({ jwks }: Client): string[] {
  return (jwks?.keys ?? []).map(({ kid, kty, alg }) => {
    return codeHtml([kid, kty, alg].filter((part) => typeof part === 'string').join(' '))
  })
}
