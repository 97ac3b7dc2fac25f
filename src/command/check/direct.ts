/**
 * The endpoints that clients call directly: token, introspection, revocation, registration. All values sent are
 * invented.
 */
import { newGrantId } from '../../crypto'
import type { Findings } from './finding'
import { type Asked, header, isHtml, jsonOf, type Probe, placeOf, quoted, type Seen } from './probe'
import { lookAtResponse } from './responses'

/** A website that does not exist (RFC 2606 §2). */
export const STRANGER = 'https://check.invalid'

/** Sends a request and runs the checks for every response. */
export async function looked(found: Findings, probe: Probe, url: string, asked?: Asked): Promise<Seen | undefined> {
  const seen = await probe.ask(url, asked)
  if (seen) lookAtResponse(found, seen)
  else found.add('no_answer', `${asked?.method ?? (asked?.form || asked?.body ? 'POST' : 'GET')} ${url.split('?')[0]}`)
  return seen
}

export async function lookAtTokenEndpoint(found: Findings, probe: Probe, url: string): Promise<void> {
  const ask = (asked: Asked, query: Readonly<Record<string, string>> = {}) =>
    looked(found, probe, withQuery(url, query), asked)
  const grant = { grant_type: 'authorization_code', code: newGrantId(), redirect_uri: STRANGER }
  const client = { client_id: newGrantId(), client_secret: newGrantId() }

  const plain = await ask({ form: grant, headers: { origin: STRANGER } })
  if (plain) {
    lookAtCors(found, plain)
    if (!/\bno-store\b/i.test(header(plain, 'cache-control'))) found.add('no_store', placeOf(plain))
  }
  const preflight = await ask({
    method: 'OPTIONS',
    headers: { origin: STRANGER, 'access-control-request-method': 'POST' },
  })
  if (preflight) lookAtCors(found, preflight)

  const byGet = await ask({}, { ...grant, client_id: client.client_id })
  const { error, access_token: token } = jsonOf(byGet) ?? {}
  if (byGet && (token !== undefined || isAboutTheGrant(error))) found.add('token_get', placeOf(byGet))

  // the server must treat parameters in the URL as absent
  const inQuery = await ask({ form: grant }, client)
  const inBody = await ask({ form: { ...grant, ...client } })
  const made = { grant_type: `urn:check:${newGrantId()}` }
  const [nothing, typeInQuery, typeInBody] = [
    await ask({ form: {} }),
    await ask({ form: {} }, made),
    await ask({ form: made }),
  ]
  if (isRead(inQuery, inBody, plain) || isRead(typeInQuery, typeInBody, nothing))
    found.add('query_parameters', placeOf(inQuery ?? typeInQuery ?? { method: 'POST', url, status: 0 }))

  // malformed requests, where a parser fails rather than a check
  await ask({ body: '{', headers: { 'content-type': 'application/json' } })
  await ask({ body: 'grant_type=%', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
}

/** Whether the error shows that the server read the request. */
function isAboutTheGrant(error: unknown): boolean {
  return ['invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope'].includes(
    String(error),
  )
}

/** Whether the response equals that to a body, and not that to an empty request. */
function isRead(inQuery?: Seen, inBody?: Seen, without?: Seen): boolean {
  const answer = (seen?: Seen) =>
    seen && JSON.stringify([seen.status, jsonOf(seen)?.error, jsonOf(seen)?.error_description])
  return inQuery !== undefined && answer(inQuery) === answer(inBody) && answer(inQuery) !== answer(without)
}

/** Checks whether another website's script can read the response to a request with the user's cookies. */
function lookAtCors(found: Findings, seen: Seen): void {
  const allowed = header(seen, 'access-control-allow-origin')
  const isAllowed = allowed === '*' || allowed === STRANGER
  if (isAllowed && header(seen, 'access-control-allow-credentials') === 'true') {
    found.add('cors_credentials', `${placeOf(seen)}: Access-Control-Allow-Origin ${quoted(allowed)}`)
  }
}

export async function lookAtIntrospection(found: Findings, probe: Probe, url: string): Promise<void> {
  const seen = await looked(found, probe, url, { form: { token: newGrantId() } })
  if (seen?.status === 200 && typeof jsonOf(seen)?.active === 'boolean') found.add('introspection_open', placeOf(seen))
}

export async function lookAtRevocation(found: Findings, probe: Probe, url: string): Promise<void> {
  const seen = await looked(found, probe, url, { form: { token: newGrantId() } })
  if (seen?.status === 200 && !isHtml(seen)) found.add('revocation_open', placeOf(seen))
}

/** A request that no server can accept: shows who may register, and creates no client. */
export async function lookAtRegistration(found: Findings, probe: Probe, url: string): Promise<void> {
  const body = JSON.stringify({ redirect_uris: ['not a URI'], grant_types: ['authorization_code'] })
  const seen = await looked(found, probe, url, { body, headers: { 'content-type': 'application/json' } })
  const { error, client_id: made } = jsonOf(seen) ?? {}
  const isTaken = seen?.status === 201 || made !== undefined
  if (!seen || !(isTaken || error === 'invalid_redirect_uri' || error === 'invalid_client_metadata')) return
  found.add('registration_open', isTaken ? `${placeOf(seen)}: it made ${quoted(made)}, delete it` : placeOf(seen))
}

export function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const whole = new URL(url)
  for (const [name, value] of Object.entries(query)) whole.searchParams.append(name, value)
  return whole.href
}
