/** The authorization endpoint and its pages, as a browser without a session sees them. */
import { newSecret, sha256 } from '../../crypto'
import { looked, STRANGER, withQuery } from './direct'
import type { Findings } from './finding'
import type { FindingId } from './kinds'
import { header, isHtml, type Probe, placeOf, quoted, redirectOf, type Seen } from './probe'
import { lookAtPage } from './responses'

/** A public client of the server, which the operator named. */
export interface KnownClient {
  readonly clientId: string
  readonly redirectUri: string
  readonly scope?: string | undefined
}

/** A tag that HTML does not have: if it comes back unescaped, any tag does. */
const TAG = '<check-7f3a>'
const MARK = `'"${TAG}`
/** The most pages on the way to sign-in. */
const MOST_HOPS = 3

export async function lookAtAuthorization(
  found: Findings,
  probe: Probe,
  place: { readonly url: string; readonly issuer: string; readonly client?: KnownClient | undefined },
): Promise<void> {
  const { url, client } = place
  const ask = (query: Readonly<Record<string, string>>) =>
    looked(found, probe, withQuery(url, query), { headers: { origin: STRANGER, accept: 'text/html' } })
  const unknown = await ask({
    response_type: 'code',
    client_id: 'check-unknown',
    redirect_uri: `${STRANGER}/callback`,
    state: 's',
  })
  if (unknown) {
    if (redirectOf(unknown)?.origin === STRANGER) found.add('open_redirect', placeOf(unknown))
    lookAtCors(found, unknown)
    lookAtPage(found, unknown)
  }
  const marked = { client_id: MARK, redirect_uri: MARK, response_type: MARK, state: MARK, scope: MARK, error: MARK }
  const reflecting = await ask({ ...marked, error_description: MARK })
  if (reflecting && isHtml(reflecting) && reflecting.body.includes(TAG)) found.add('reflected', placeOf(reflecting))
  // a repeated parameter, a list, and invalid UTF-8
  const broken = await looked(
    found,
    probe,
    `${withQuery(url, {})}${url.includes('?') ? '&' : '?'}client_id[]=%ff&client_id[a]=&redirect_uri=%`,
  )
  if (broken) lookAtPage(found, broken)
  if (client) await tryOut(found, probe, { ...place, client, ask })
  else found.add('without_client', placeOf({ method: 'GET', url, status: unknown?.status ?? 0 }))
}

interface Trial {
  readonly url: string
  readonly issuer: string
  readonly client: KnownClient
  ask(query: Readonly<Record<string, string>>): Promise<Seen | undefined>
}

/** Sends a correct request of this client, and then variants with one mistake each. */
async function tryOut(found: Findings, probe: Probe, { issuer, client, ask }: Trial): Promise<void> {
  const { clientId, redirectUri, scope } = client
  const state = newSecret()
  const basis = { client_id: clientId, redirect_uri: redirectUri, state, ...(scope !== undefined && { scope }) }
  const code = { response_type: 'code', ...basis }
  const challenge = sha256(newSecret())
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const right = await ask({ ...code, ...pkce })
  if (!right || isRefused(right, redirectUri)) {
    const why = right && (errorIn(right) ?? placeOf(right))
    return found.add('client_refused', quoted(why ?? 'no answer'))
  }
  await follow(found, probe, right)
  const mustFail = async (id: FindingId, query: Readonly<Record<string, string>>) => {
    const seen = await ask(query)
    if (seen && !isRefused(seen, redirectUri)) found.add(id, placeOf(seen))
    return seen
  }
  const responses = [
    await mustFail('pkce_not_required', code),
    await mustFail('plain_accepted', { ...code, code_challenge: challenge, code_challenge_method: 'plain' }),
    await mustFail('implicit_accepted', { ...basis, ...pkce, response_type: 'token' }),
    await ask({ ...basis, ...pkce, response_type: 'check_unknown' }),
  ]
  for (const seen of responses) if (seen) lookAtErrorResponse(found, seen, { redirectUri, state, issuer })
  for (const other of [`${STRANGER}/callback`, `${redirectUri}/../check`]) {
    const seen = await ask({ ...code, ...pkce, redirect_uri: other })
    if (!seen) continue
    const to = redirectOf(seen)
    if (to?.origin === STRANGER) found.add('open_redirect', placeOf(seen))
    // a redirect to the registered URI with an error is a refusal too
    if (!isRefused(seen, redirectUri)) found.add('redirect_unregistered', `${placeOf(seen)}: ${quoted(other)}`)
  }
}

/** Whether the client or the user sees a refusal. A sign-in page is not one. */
function isRefused(seen: Seen, redirectUri: string): boolean {
  if (seen.status >= 400) return true
  return isAt(redirectOf(seen), redirectUri) && errorIn(seen) !== undefined
}

function isAt(url: URL | undefined, redirectUri: string): boolean {
  if (!url || !URL.canParse(redirectUri)) return false
  const wanted = new URL(redirectUri)
  return url.origin === wanted.origin && url.host === wanted.host && url.pathname === wanted.pathname
}

function responseIn(seen: Seen): URLSearchParams {
  const to = redirectOf(seen)
  return new URLSearchParams([to?.search.slice(1), to?.hash.slice(1)].filter(Boolean).join('&'))
}

function errorIn(seen: Seen): string | undefined {
  return responseIn(seen).get('error') ?? undefined
}

function lookAtErrorResponse(
  found: Findings,
  seen: Seen,
  { redirectUri, state, issuer }: { redirectUri: string; state: string; issuer: string },
): void {
  if (!isAt(redirectOf(seen), redirectUri)) return
  const response = responseIn(seen)
  if (response.get('iss') !== issuer)
    found.add('iss_missing', `${placeOf(seen)}: iss is ${quoted(response.get('iss'))}`)
  if (response.get('state') !== state) found.add('state_lost', placeOf(seen))
}

/** Follows redirects from the request to the sign-in page, on the server's origin only. */
async function follow(found: Findings, probe: Probe, first: Seen): Promise<void> {
  let seen = first
  for (let hop = 0; ; hop++) {
    lookAtCors(found, seen)
    lookAtPage(found, seen)
    const next = redirectOf(seen)
    if (!next || next.origin !== probe.origin || hop === MOST_HOPS) return
    const answer = await looked(found, probe, next.href, { headers: { accept: 'text/html' } })
    if (!answer) return
    seen = answer
  }
}

/** RFC 9700 §2.6: browsers navigate there, and scripts must not read it. */
function lookAtCors(found: Findings, seen: Seen): void {
  const allowed = header(seen, 'access-control-allow-origin')
  if (allowed !== '') found.add('authorize_cors', `${placeOf(seen)}: Access-Control-Allow-Origin ${quoted(allowed)}`)
}
