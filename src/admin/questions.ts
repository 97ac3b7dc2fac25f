/** The questions about a client (disable, enable, delete, new secret) and their answers. */
import { hasClientSecret } from '../clients/client'
import { endClient } from '../clients/deletion'
import { changeMembers, rotateSecret } from '../clients/records'
import { OAuthError } from '../errors'
import { codeHtml, facts, formHtml, notice, selectField } from '../forms/html'
import { isOutdated, requireVersion } from '../forms/version'
import { openForm, type SentForm, sendOnward } from '../forms/visit'
import { escapeHtml, fillHtml, fillText } from '../pages/html'
import type { Client } from '../storage'
import { requireRecord } from './clients'
import { type Call, clientQuery, nameOf, notThere, send } from './pages'
import type { AdminTexts } from './texts'

const HOUR = 3600
/** How long older secrets stay valid, by the name of the choice. Seconds. */
const overlaps = { overlapDay: 24 * HOUR, overlapHour: HOUR, overlapWeek: 7 * 24 * HOUR, overlapNone: 0 } as const

type Action = 'disable' | 'enable' | 'secret' | 'delete'

interface Question {
  readonly title: keyof AdminTexts
  readonly text: keyof AdminTexts
  readonly submit: keyof AdminTexts
  readonly danger: boolean
}

const questions: Readonly<Record<Action, Question>> = {
  disable: { title: 'disableTitle', text: 'disableText', submit: 'disable', danger: true },
  enable: { title: 'enableTitle', text: 'enableText', submit: 'enable', danger: false },
  secret: { title: 'secretTitle', text: 'secretText', submit: 'newSecret', danger: false },
  delete: { title: 'deleteTitle', text: 'deleteText', submit: 'deleteApp', danger: true },
}

/** Shows the question with this name. Undefined if there is none. */
export function showQuestion(call: Call, page: string): Promise<void> | undefined {
  if (!Object.hasOwn(questions, page)) return undefined
  return requireRecord(call, call.query.get('client') ?? '').then((client) => ask(call, client, page as Action))
}

/** Why a question is shown again. */
interface Again {
  readonly tooSoon?: boolean
  readonly outdated?: boolean
}

async function ask(call: Call, client: Client, action: Action, { tooSoon = false, outdated = false }: Again = {}) {
  const { words } = call.visit
  const { title, text, submit, danger } = questions[action]
  if (action === 'secret' && !hasClientSecret(client)) throw notThere()
  const app = nameOf(client)
  const hidden = await openForm(call.visit, [action, client.clientId, String(client.version)], tooSoon)
  const choices = Object.entries(overlaps).map(([name, seconds]) => ({
    value: String(seconds),
    label: words[name as keyof typeof overlaps],
  }))
  const body = action === 'secret' ? selectField({ name: 'overlap', label: words.overlap, choices }) : ''
  send(call, {
    title: fillText(words[title], { app }),
    heading: `<h1>${fillHtml(words[title], { app })}</h1>`,
    status: tooSoon || outdated ? 400 : 200,
    back: clientQuery(client.clientId),
    body: [
      notice(tooSoon ? words.formTooSoon : undefined, 'alert'),
      notice(outdated ? words.formOutdated : undefined, 'alert'),
      `<p>${escapeHtml(words[text])}</p>`,
      formHtml({
        hidden,
        body,
        submit: words[submit],
        danger,
        cancel: { href: clientQuery(client.clientId), label: words.cancel },
      }),
    ],
  })
}

/** Disables or enables the client. */
export async function switchClient(call: Call, form: SentForm): Promise<void> {
  const { visit } = call
  const disabled = form.about[0] === 'disable'
  await answer(call, form, async (clientId, mayReplace) => {
    await changeMembers(visit.server, clientId, { disabled }, { mayReplace })
    sendOnward(visit, form, { client: clientId })
  })
}

/** Creates a secret. Only the response to this POST shows it; storage has its digest. */
export async function makeSecret(call: Call, form: SentForm, sent: ReadonlyMap<string, string>): Promise<void> {
  const { server, words } = call.visit
  const overlap = Object.values(overlaps).find((seconds) => String(seconds) === sent.get('overlap')) ?? 0
  await answer(call, form, async (clientId, mayReplace) => {
    const { client, clientSecret } = await rotateSecret(server, clientId, { overlap, keep: 1, mayReplace })
    const app = nameOf(client)
    send(call, {
      title: fillText(words.secretMade, { app }),
      heading: `<h1>${fillHtml(words.secretMade, { app })}</h1>`,
      back: clientQuery(clientId),
      body: [
        notice(words.secretOnce),
        facts([
          [words.clientId, codeHtml(clientId)],
          [words.clientSecret, `<strong class="secret">${codeHtml(clientSecret)}</strong>`],
        ]),
      ],
    })
  })
}

export async function deleteClient(call: Call, form: SentForm): Promise<void> {
  await answer(call, form, async (clientId, mayReplace) => {
    await endClient(call.visit.server, clientId, mayReplace)
    sendOnward(call.visit, form, {})
  })
}

/** Handles the answer if the record is the one that the question showed. Otherwise asks again. */
async function answer(
  call: Call,
  { about, tooSoon }: SentForm,
  act: (clientId: string, mayReplace: (current: Client) => void) => Promise<void>,
): Promise<void> {
  const [action, clientId = '', version] = about
  if (tooSoon) return ask(call, await requireRecord(call, clientId), action as Action, { tooSoon })
  try {
    await act(clientId, (current) => requireVersion(current, version))
  } catch (error) {
    if (error instanceof OAuthError && error.status === 404) throw notThere()
    if (!isOutdated(error)) throw error
    await ask(call, await requireRecord(call, clientId), action as Action, { outdated: true })
  }
}
