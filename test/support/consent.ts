/** The consent page as a browser sees it. */
import type { Response, Test } from 'supertest'
import { type Host, type Parameters, paths, type TestClient } from './host'

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/** What a browser would send back with the form: its hidden fields. */
export function fieldsOf({ text }: Pick<Response, 'text'>): Record<string, string> {
  const decode = (value = '') => value.replace(/&(#?\w+);/g, (all, name) => entities[name] ?? all)
  const inputs = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  return Object.fromEntries([...inputs].map(([, name, value]) => [decode(name), decode(value)]))
}

/** Presses a button of the page that answered to `query`, after a look at it: nobody answers in the instant it is shown. */
export function answerConsent(
  host: Host,
  query: string,
  fields: Readonly<Record<string, string>>,
  { user = 'alice', consent = 'allow', after = 0.5 }: { user?: string; consent?: string; after?: number } = {},
): Test {
  host.clock.advance(after)
  const sent = host.http().post(`${paths.authorize}?${query}`).set('X-User', user).type('form')
  return sent.send(new URLSearchParams({ ...fields, consent }).toString())
}

/** Shows the page and gives what is needed to answer it. */
export async function askConsent(host: Host, client: TestClient, parameters: Parameters = {}, user = 'alice') {
  const query = host.authorizationRequest(client, parameters)
  const shown = await host.authorize(client, parameters, user)
  return { query, shown, fields: fieldsOf(shown) }
}
