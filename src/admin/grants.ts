/** The authorizations of one user or of one client, page by page, and how to end them. */
import { clientIdSyntax } from '../clients/metadata'
import { codeHtml, formHtml, linkTo, notice, pager, queryOf } from '../forms/html'
import { doneForm, openForm, type SentForm, sendOnward } from '../forms/visit'
import { revokeGrants } from '../operations/grants'
import { escapeHtml, fillHtml, fillText } from '../pages/html'
import { scopeInWords, scopeList } from '../pages/page'
import type { Grant } from '../storage'
import { findRecord } from './clients'
import { findGrants } from './find'
import { type Call, clientQuery, dayOf, ITEMS_ON_A_PAGE, nameOf, notThere, send, textOf } from './pages'

/** The user or the client. */
interface Whose {
  readonly kind: 'user' | 'client'
  readonly id: string
}

function whoseOf(call: Call): Whose {
  const clientId = textOf(call, 'client')
  if (clientId !== undefined && clientIdSyntax.test(clientId)) return { kind: 'client', id: clientId }
  const userId = textOf(call, call.query.has('user') ? 'user' : 'find')
  if (userId === undefined) throw notThere()
  return { kind: 'user', id: userId }
}

const filterOf = ({ kind, id }: Whose) => (kind === 'user' ? { userId: id } : { clientId: id })
const listQuery = ({ kind, id }: Whose): Record<string, string> =>
  kind === 'user' ? { user: id } : { client: id, page: 'grants' }

export async function showGrants(call: Call): Promise<void> {
  const whose = whoseOf(call)
  const { visit, query } = call
  const { words } = visit
  const after = textOf(call, 'after')
  const page = { limit: ITEMS_ON_A_PAGE, ...(after !== undefined && grantId.test(after) && { after }) }
  const { grants, next } = await findGrants(visit.server, { ...filterOf(whose), ...page })
  const names = await namesOf(call, whose, grants)
  const [action] = (await doneForm(visit, query.get('done'))) ?? []
  const own = listQuery(whose)
  const title = whose.kind === 'user' ? words.grantsOfUser : words.grantsOfClient
  const called = { user: whose.id, app: names.get(whose.id) ?? whose.id }
  const isFirst = !('after' in page)
  const hasSome = grants.length > 0 || next !== undefined || !isFirst
  send(call, {
    title: fillText(title, called),
    heading: `<h1>${fillHtml(title, called)}</h1>`,
    ...(whose.kind === 'client' && { back: clientQuery(whose.id) }),
    body: [
      action === 'end' || action === 'end-all' ? notice(words.ended) : undefined,
      hasSome ? undefined : `<p>${escapeHtml(words.noGrants)}</p>`,
      grants.length > 0
        ? `<ul class="list">\n${grants.map((grant, at) => listed(call, whose, grant, names, at)).join('\n')}\n</ul>`
        : undefined,
      pager(
        {
          first: isFirst ? undefined : queryOf(own),
          next: next === undefined ? undefined : queryOf({ ...own, after: next }),
        },
        words,
      ),
      hasSome
        ? `<p>${linkTo(queryOf({ ...own, page: 'end-all' }), words.endAll, ' class="button danger"')}</p>`
        : undefined,
    ],
  })
}

/** The names of the clients on the page, each looked up once. A client without a record has its id. */
async function namesOf(call: Call, whose: Whose, grants: readonly Grant[]): Promise<ReadonlyMap<string, string>> {
  const ids = whose.kind === 'client' ? [whose.id] : [...new Set(grants.map(({ clientId }) => clientId))]
  const records = await Promise.all(ids.map((id) => findRecord(call, id)))
  return new Map(ids.map((id, at) => [id, records[at] ? nameOf(records[at]) : id]))
}

function listed(call: Call, whose: Whose, grant: Grant, names: ReadonlyMap<string, string>, at: number): string {
  const { words, context, server } = call.visit
  const { id, clientId, userId, startedAt, scope, data } = grant
  const link =
    whose.kind === 'user'
      ? linkTo(clientQuery(clientId), names.get(clientId) ?? clientId)
      : userId === undefined
        ? codeHtml(id)
        : linkTo(queryOf({ user: userId }), userId)
  const since = fillText(words.since, { date: dayOf(call, startedAt) })
  const said = scope.map((one) => scopeInWords(context, server.scopes, one))
  const personal = data.personalToken === undefined ? '' : `<p class="soft">${escapeHtml(words.personalToken)}</p>`
  const end = queryOf({ ...listQuery(whose), page: 'end', grant: id })
  return `<li><h2 id="grant-${at}"><bdi>${link}</bdi></h2>
<p class="soft">${escapeHtml(since)}</p>${personal}
${said.length > 0 ? scopeList(said) : ''}
${linkTo(end, words.end, ` class="button" id="end-${at}" aria-labelledby="end-${at} grant-${at}"`)}</li>`
}

const grantId = /^[\w-]{1,126}$/

/** Finds one of their authorizations with one query: no other id lies between its id and the `after` used here. */
async function findGrant(call: Call, whose: Whose, id: string): Promise<Grant | undefined> {
  if (!grantId.test(id)) return undefined
  const before = `${id.slice(0, -1)}${String.fromCharCode(id.charCodeAt(id.length - 1) - 1)}\x7e`
  const { grants } = await findGrants(call.visit.server, { ...filterOf(whose), after: before, limit: 1 })
  return grants.find((grant) => grant.id === id)
}

/** Asks whether to end one authorization. */
export async function showEnd(call: Call, tooSoon = false): Promise<void> {
  return askEnd(call, whoseOf(call), call.query.get('grant') ?? '', tooSoon)
}

async function askEnd(call: Call, whose: Whose, id: string, tooSoon: boolean): Promise<void> {
  const { words } = call.visit
  const grant = await findGrant(call, whose, id)
  const back = queryOf(listQuery(whose))
  if (!grant) return send(call, { title: words.endedBefore, body: [], status: 404, back })
  const record = await findRecord(call, grant.clientId)
  const app = record ? nameOf(record) : grant.clientId
  await ask(
    call,
    { about: ['end', grant.id, whose.kind, whose.id], title: words.endTitle, text: words.endText },
    {
      names: { app },
      back,
      tooSoon,
      more: grant.userId === undefined ? '' : `<p><bdi>${escapeHtml(grant.userId)}</bdi></p>`,
    },
  )
}

/** Asks whether to end all of them. */
export async function showEndAll(call: Call): Promise<void> {
  return askEndAll(call, whoseOf(call), false)
}

async function askEndAll(call: Call, whose: Whose, tooSoon: boolean): Promise<void> {
  const { words } = call.visit
  const isOfUser = whose.kind === 'user'
  const names = isOfUser ? { user: whose.id } : { app: (await namesOf(call, whose, [])).get(whose.id) ?? whose.id }
  const title = isOfUser ? words.endAllOfUserTitle : words.endAllOfClientTitle
  await ask(
    call,
    { about: ['end-all', whose.kind, whose.id], title, text: words.endAllText },
    {
      names,
      back: queryOf(listQuery(whose)),
      tooSoon,
    },
  )
}

interface Question {
  readonly about: readonly [string, ...string[]]
  readonly title: string
  readonly text: string
}

interface Around {
  readonly names: Readonly<Record<string, string>>
  readonly back: string
  readonly tooSoon: boolean
  /** HTML. */
  readonly more?: string
}

async function ask(call: Call, { about, title, text }: Question, { names, back, tooSoon, more = '' }: Around) {
  const { words } = call.visit
  const hidden = await openForm(call.visit, about, tooSoon)
  const submit = about[0] === 'end' ? words.end : words.endAll
  send(call, {
    title: fillText(title, names),
    heading: `<h1>${fillHtml(title, names)}</h1>`,
    status: tooSoon ? 400 : 200,
    back,
    body: [
      notice(tooSoon ? words.formTooSoon : undefined, 'alert'),
      more,
      `<p>${escapeHtml(text)}</p>`,
      formHtml({ hidden, submit, danger: true, cancel: { href: back, label: words.cancel } }),
    ],
  })
}

/** Ends the authorization of the question. */
export async function endOne(call: Call, form: SentForm): Promise<void> {
  const [, id = '', kind, owner = ''] = form.about
  const whose: Whose = { kind: kind === 'user' ? 'user' : 'client', id: owner }
  if (form.tooSoon) return askEnd(call, whose, id, true)
  await revokeGrants(call.visit.server, { grantId: id })
  sendOnward(call.visit, form, listQuery(whose))
}

/** Ends all authorizations of the user or client that began until now. */
export async function endAll(call: Call, form: SentForm): Promise<void> {
  const [, kind, id = ''] = form.about
  const whose: Whose = { kind: kind === 'user' ? 'user' : 'client', id }
  if (form.tooSoon) return askEndAll(call, whose, true)
  await revokeGrants(call.visit.server, whose.kind === 'user' ? { userId: id } : { clientId: id })
  sendOnward(call.visit, form, listQuery(whose))
}
