/** The quickstart's server, and how a developer who only knows its URL gets a client of their own: over HTTP. */
import { createHash, randomBytes } from 'node:crypto'
import { listen } from '../../examples/shared/start'
import { createApp } from '../../examples/your-app/quickstart'
import { openBrowser } from './browser'

export interface RegisteredApp {
  clientId: string
  clientSecret: string
}

export type Quickstart = Awaited<ReturnType<typeof startQuickstart>>

export async function startQuickstart() {
  const { issuer, close } = await listen(createApp)
  const developer = await demoTokens(issuer, 'profile clients')
  return {
    issuer,
    close,
    /** Registers a client at the clients API, with an access token of the user ada. Arguments as in RFC 7591. */
    async register(metadata: Record<string, unknown>): Promise<RegisteredApp> {
      const response = await fetch(`${issuer}/oauth2/clients`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${developer.access_token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ scope: 'profile', ...metadata }),
      })
      const made = (await response.json()) as Record<string, string>
      if (response.status !== 201) throw new Error(`${response.status} ${JSON.stringify(made)}`)
      return { clientId: made.client_id ?? '', clientSecret: made.client_secret ?? '' }
    },
  }
}

export interface Tokens {
  access_token: string
  refresh_token: string
  token_type: string
  expires_in: number
  scope: string
}

/** What the demo page does with a script: the whole code flow of the public client `demo`. */
export async function demoTokens(issuer: string, scope = 'profile', browser = openBrowser()): Promise<Tokens> {
  const { url, state, codeVerifier } = demoRequest(issuer, scope)
  const answer = new URL(await browser.authorize(url)).searchParams
  if (answer.get('state') !== state) throw new Error(`The state is ${answer.get('state')}`)
  const response = await fetch(`${issuer}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'demo',
      code: answer.get('code') ?? '',
      redirect_uri: `${issuer}/`,
      code_verifier: codeVerifier,
    }),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as Tokens
}

/** An authorization request of the demo page. */
export function demoRequest(issuer: string, scope = 'profile') {
  const codeVerifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'demo',
    redirect_uri: `${issuer}/`,
    scope,
    state,
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return { url: `${issuer}/oauth2/authorize?${query}`, state, codeVerifier }
}
