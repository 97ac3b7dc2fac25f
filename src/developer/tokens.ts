/** The personal access tokens of a user: the list, the form for a new one, and the question before a revocation. */
import { findClient, isWrittenByOthers } from '../clients/client'
import {
  checkboxes,
  codeHtml,
  facts,
  formHtml,
  linkTo,
  notice,
  pager,
  queryOf,
  selectField,
  textField,
  tickedIn,
} from '../forms/html'
import { doneForm, openForm, type SentForm, sendOnward } from '../forms/visit'
import { misuse } from '../options/misuse'
import { escapeHtml, fillHtml, fillText } from '../pages/html'
import { scopeInWords, scopeList } from '../pages/page'
import { type PersonalToken, pageOfPersonalTokens } from '../personal-tokens/listed'
import { issuePersonalToken, revokePersonalToken } from '../personal-tokens/operations'
import { findPersonalToken, personalDataOf } from '../personal-tokens/personal-tokens'
import { isPersonalId } from '../personal-tokens/text'
import type { Settings } from './pages'
import { type Call, dayOf, type Errors, errorNotice, ITEMS_ON_A_PAGE, refusal, send, TOKENS } from './pages'

type Sent = ReadonlyMap<string, string>

const DAY = 86_400

function tokensOf({ settings }: Call): NonNullable<Settings['tokens']> {
  return settings.tokens as NonNullable<Settings['tokens']>
}

/** Shows the list. `unused`: a form arrived that no longer counts. */
export async function showTokens(call: Call, unused = false): Promise<void> {
  const { visit, query } = call
  const { server, words, userId } = visit
  const after = query.get('after') ?? ''
  const from = isPersonalId(after) ? { after } : {}
  const { clientId } = tokensOf(call)
  const { tokens, next } = await pageOfPersonalTokens(server, { userId, clientId, ...from }, ITEMS_ON_A_PAGE)
  const [action] = unused ? [] : ((await doneForm(visit, query.get('done'))) ?? [])
  const nextPage = next === undefined ? undefined : queryOf({ page: 'tokens', after: next })
  const isEmpty = tokens.length === 0 && !('after' in from) && next === undefined
  send(call, {
    title: words.tokensTitle,
    section: 'tokens',
    status: unused ? 400 : 200,
    body: [
      action === 'revoke' ? notice(words.revoked) : undefined,
      notice(unused ? words.formUsed : undefined, 'alert'),
      `<p>${escapeHtml(isEmpty ? words.noTokens : words.tokensIntro)}</p>`,
      tokens.length > 0
        ? `<ul class="list">\n${tokens.map((token, n) => listed(call, token, n)).join('\n')}\n</ul>`
        : undefined,
      pager({ first: 'after' in from ? TOKENS : undefined, next: nextPage }, words),
      `<p>${linkTo(queryOf({ page: 'new-token' }), words.newToken, ' class="button primary"')}</p>`,
    ],
  })
}

/** The link contains the token's name, because identical links say nothing in a list of links. */
function listed(call: Call, token: PersonalToken, index: number): string {
  const { words, context, server } = call.visit
  const { id, name, scope, expiresAt, lastUsedAt } = token
  const used = lastUsedAt === undefined ? words.neverUsed : fillText(words.lastUsed, { date: dayOf(call, lastUsedAt) })
  const until = fillText(words.validUntil, { date: dayOf(call, expiresAt) })
  const href = escapeHtml(queryOf({ page: 'revoke', token: id }))
  const names = `id="revoke-${index}" aria-labelledby="revoke-${index} token-${index}"`
  return `<li><h2 id="token-${index}"><bdi>${escapeHtml(name)}</bdi></h2>
<p class="soft">${escapeHtml(until)} · ${escapeHtml(used)}</p>
${scopeList(scope.map((one) => scopeInWords(context, server.scopes, one)))}
<a class="button danger" ${names} href="${href}">${escapeHtml(words.revoke)}</a></li>`
}

interface Values {
  readonly name: string
  readonly scopes: readonly string[]
  readonly days: string
}

/** The scopes that a token may have: those of the client that its user may give to an app. */
async function scopesFor(call: Call): Promise<string[]> {
  const { clientId } = tokensOf(call)
  const client = await findClient(call.visit.server, clientId)
  // a mistake of the host, not of the user
  if (!client || isWrittenByOthers(client)) {
    const fix = 'must name a client that you have made for personal tokens, with ensureClient and without username'
    throw misuse('wrong_record', `developerRouter's personalTokens.clientId ${fix}`)
  }
  return (client.scopes ?? []).filter((scope) => call.who.scopes.includes(scope))
}

export async function showTokenForm(call: Call, values?: Values, errors: Errors = {}): Promise<void> {
  const { visit } = call
  const { words, context, server } = visit
  const { days } = tokensOf(call)
  const scopes = await scopesFor(call)
  const { name = '', scopes: checked = [], days: value = '30' } = values ?? {}
  const hidden = await openForm(visit, ['token'])
  const label = (scope: string) => ({ value: scope, label: scopeInWords(context, server.scopes, scope) })
  const lives = days.map((count) => ({
    value: String(count),
    label: fillText(words.tokenDays, { days: String(count) }),
  }))
  const field = { name: 'name', label: words.name, hint: words.tokenNameHint, value: name, error: errors.name }
  const boxes = { name: 'scope', label: words.tokenScopes, error: errors.scope, choices: scopes.map(label), checked }
  const body = [
    textField({ ...field, required: true, maxLength: 60 }),
    checkboxes(boxes),
    selectField({ name: 'days', label: words.tokenLife, choices: lives, value, error: errors.days }),
  ]
  const cancel = { href: TOKENS, label: words.cancel }
  send(call, {
    title: words.newToken,
    section: 'tokens',
    status: Object.keys(errors).length > 0 ? 400 : 200,
    body: [errorNotice(call, errors), formHtml({ hidden, body: body.join('\n'), submit: words.createToken, cancel })],
  })
}

export async function makeToken(call: Call, _form: SentForm, sent: Sent): Promise<void> {
  const { visit } = call
  const { server, words, userId } = visit
  const { clientId, days, quota } = tokensOf(call)
  const scopes = tickedIn(sent, 'scope', await scopesFor(call))
  const values = { name: (sent.get('name') ?? '').trim(), scopes, days: sent.get('days') ?? '' }
  const life = days.find((count) => String(count) === values.days)
  let errors: Errors = {
    ...(values.name === '' && { name: { text: words.nameMissing } }),
    // without a scope the client's default scope would apply: more than the user chose
    ...(scopes.length === 0 && { scope: { text: words.tokenScopesMissing } }),
    ...(life === undefined && { days: { text: words.refused } }),
  }
  if (life !== undefined && Object.keys(errors).length === 0) {
    try {
      const { name } = values
      const make = () => issuePersonalToken(server, { clientId, userId, name, scope: scopes, expiresIn: life * DAY })
      return showMade(call, await quota(userId, make))
    } catch (error) {
      const fields = {
        invalid_request: ['name', words.nameWrong],
        invalid_scope: ['scope', words.scopesWrong],
      } as const
      errors = refusal(error, words, fields)
    }
  }
  await showTokenForm(call, values, errors)
}

/** Shows a new token. Only the response to this POST has it; storage has its digest. */
function showMade(call: Call, { name, token, expiresAt }: PersonalToken & { readonly token: string }): void {
  const { words } = call.visit
  send(call, {
    title: fillText(words.tokenMade, { name }),
    heading: `<h1>${fillHtml(words.tokenMade, { name })}</h1>`,
    section: 'tokens',
    body: [
      notice(words.secretOnce),
      facts([[words.token, `<strong class="secret">${codeHtml(token)}</strong>`]]),
      `<p>${escapeHtml(fillText(words.validUntil, { date: dayOf(call, expiresAt) }))}</p>`,
      `<p>${linkTo(TOKENS, words.back, ' class="button"')}</p>`,
    ],
  })
}

/** Asks before a token is revoked. A token of another user gives the list. */
export async function showRevocation(call: Call, id = call.query.get('token') ?? '', tooSoon = false): Promise<void> {
  const { visit } = call
  const { server, words, userId } = visit
  const row = isPersonalId(id) ? await findPersonalToken(server, id) : undefined
  if (row?.userId !== userId) return showTokens(call)
  const { name } = personalDataOf(row)
  const hidden = await openForm(visit, ['revoke', id], tooSoon)
  const body = `<p>${escapeHtml(words.revokeText)}</p>`
  const cancel = { href: TOKENS, label: words.cancel }
  send(call, {
    title: fillText(words.revokeTitle, { name }),
    heading: `<h1>${fillHtml(words.revokeTitle, { name })}</h1>`,
    section: 'tokens',
    status: tooSoon ? 400 : 200,
    body: [
      notice(tooSoon ? words.formTooSoon : undefined, 'alert'),
      formHtml({ hidden, body, submit: words.revoke, danger: true, cancel }),
    ],
  })
}

export async function revokeToken(call: Call, form: SentForm): Promise<void> {
  const { visit } = call
  const [, id = ''] = form.about
  if (form.tooSoon) return showRevocation(call, id, true)
  await revokePersonalToken(visit.server, { userId: visit.userId, id })
  sendOnward(visit, form, { page: 'tokens' })
}
