/** The public client of every host here, and its requests by hand. */

/** The id of the public client that every host here registers. */
export const clientId = 'notes'
/** Where nobody listens: the answer is read off the redirect. */
export const redirectUri = 'http://127.0.0.1:9/callback'

/** An authorization request by hand, with the challenge of RFC 7636 Appendix B. */
export function authorizationUrl(issuer: string): string {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'read',
    state: 'xyz',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  }
  return `${issuer}/oauth2/authorize?${new URLSearchParams(query)}`
}

/** The token response for the answer to it. */
export async function exchange(issuer: string, answer: string): Promise<Record<string, unknown>> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code: new URL(answer).searchParams.get('code') ?? '',
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  })
  const response = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}
