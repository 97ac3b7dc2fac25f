/** The questions about an app (new secret, delete), and the only response that shows a secret. */
import { hasClientSecret } from '../clients/client'
import { endClient } from '../clients/deletion'
import { type MayReplace, rotateSecret } from '../clients/records'
import { codeHtml, facts, formHtml, linkTo, notice, selectField } from '../forms/html'
import { isOutdated, requireVersion } from '../forms/version'
import { openForm, type SentForm, sendOnward } from '../forms/visit'
import { escapeHtml, fillHtml, fillText } from '../pages/html'
import { mayWrite, noSuchClient } from '../routers/clients-access'
import { requireOwned } from '../routers/clients-writes'
import type { Client } from '../storage'
import { appToChange, nameOf, requireEnabled } from './apps'
import { appQuery, type Call, type Errors, errorNotice, refusal, send } from './pages'
import type { DeveloperTexts } from './texts'

const HOUR = 3600
/** How long the previous secret stays valid, by the name of the choice. Seconds. */
const overlaps = { overlapDay: 24 * HOUR, overlapHour: HOUR, overlapWeek: 7 * 24 * HOUR, overlapNone: 0 } as const

/** Why a question is shown again. */
interface Again {
  readonly tooSoon?: boolean
  readonly outdated?: boolean
  readonly errors?: Errors
}

/** Shows a created app. Only the response to this POST has the secret; storage has its digest. */
export function showCreated(
  call: Call,
  client: Client,
  secret: string | undefined,
  title: 'created' | 'secretMade',
): void {
  const { words } = call.visit
  const app = nameOf(client)
  const shown = secret === undefined ? undefined : `<strong class="secret">${codeHtml(secret)}</strong>`
  send(call, {
    title: fillText(words[title], { app }),
    heading: `<h1>${fillHtml(words[title], { app })}</h1>`,
    body: [
      notice(secret === undefined ? undefined : words.secretOnce),
      facts([
        [words.clientId, codeHtml(client.clientId)],
        [words.clientSecret, shown],
      ]),
      `<p>${linkTo(appQuery(client.clientId), words.back, ' class="button"')}</p>`,
    ],
  })
}

export async function showSecretForm(call: Call): Promise<void> {
  const client = await appToChange(call)
  if (!hasClientSecret(client)) throw noSuchClient()
  return askSecret(call, client)
}

async function askSecret(call: Call, client: Client, again: Again = {}): Promise<void> {
  const { words } = call.visit
  const choices = Object.entries(overlaps).map(([name, seconds]) => ({
    value: String(seconds),
    label: words[name as keyof typeof overlaps],
  }))
  const body = selectField({ name: 'overlap', label: words.overlap, choices, hint: words.secretText })
  await ask(call, client, { action: 'secret', title: 'secretTitle', submit: words.newSecret, body }, again)
}

export async function showDeletion(call: Call): Promise<void> {
  return askDeletion(call, await appToChange(call))
}

async function askDeletion(call: Call, client: Client, again: Again = {}): Promise<void> {
  const { words } = call.visit
  const body = `<p>${escapeHtml(words.deleteText)}</p>`
  await ask(call, client, { action: 'delete', title: 'deleteTitle', submit: words.deleteApp, body }, again)
}

interface Question {
  readonly action: 'secret' | 'delete'
  readonly title: keyof DeveloperTexts
  readonly submit: string
  /** HTML. */
  readonly body: string
}

async function ask(call: Call, client: Client, question: Question, again: Again): Promise<void> {
  const { words } = call.visit
  const { tooSoon = false, outdated = false, errors = {} } = again
  const { action, submit, body } = question
  const app = nameOf(client)
  const title = words[question.title]
  const hidden = await openForm(call.visit, [action, client.clientId, String(client.version)], tooSoon)
  const cancel = { href: appQuery(client.clientId), label: words.cancel }
  const isAgain = tooSoon || outdated || Object.keys(errors).length > 0
  send(call, {
    title: fillText(title, { app }),
    heading: `<h1>${fillHtml(title, { app })}</h1>`,
    status: isAgain ? 400 : 200,
    body: [
      notice(tooSoon ? words.formTooSoon : undefined, 'alert'),
      notice(outdated ? words.formOutdated : undefined, 'alert'),
      errorNotice(call, errors),
      formHtml({ hidden, body, submit, danger: action === 'delete', cancel }),
    ],
  })
}

/** Creates a secret. The previous one stays valid for the chosen time; older ones are removed. */
export async function makeSecret(call: Call, form: SentForm, sent: ReadonlyMap<string, string>): Promise<void> {
  const { server } = call.visit
  const overlap = Object.values(overlaps).find((seconds) => String(seconds) === sent.get('overlap')) ?? 0
  await answer(call, form, askSecret, async (clientId, mayReplace) => {
    const { client, clientSecret } = await rotateSecret(server, clientId, { overlap, keep: 1, mayReplace })
    showCreated(call, client, clientSecret, 'secretMade')
  })
}

export async function deleteApp(call: Call, form: SentForm): Promise<void> {
  const { visit } = call
  await answer(call, form, askDeletion, async (clientId, mayReplace) => {
    await endClient(visit.server, clientId, mayReplace)
    sendOnward(visit, form, {})
  })
}

/** Handles the answer if the record is the one that the question showed. Otherwise asks again. */
async function answer(
  call: Call,
  { about, tooSoon }: SentForm,
  again: typeof askDeletion,
  act: (clientId: string, mayReplace: MayReplace) => Promise<void>,
): Promise<void> {
  const { visit, settings, who } = call
  const { server, words } = visit
  const [, clientId = '', version] = about
  const current = requireEnabled(await requireOwned(server, who, clientId))
  if (tooSoon) return again(call, current, { tooSoon })
  const may = mayWrite(server, who, settings.grantTypes)
  try {
    await act(clientId, (found, next) => {
      requireVersion(found, version)
      may(found, next)
    })
  } catch (error) {
    if (isOutdated(error))
      return again(call, requireEnabled(await requireOwned(server, who, clientId)), { outdated: true })
    await again(call, current, { errors: refusal(error, words, {}) })
  }
}
