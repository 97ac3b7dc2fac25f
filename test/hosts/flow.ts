/** What every host of this folder has to do for a client that other people wrote: the whole flow, over real HTTP. */
import * as client from 'openid-client'
import { clientId, redirectUri } from './client'

interface FlowOptions {
  issuer: string
  /** The guarded route. It asks for the scope `read` and answers with the user's name. */
  api: string
  /** Brings the user from the authorization request to the client: the URL there. */
  authorize: (url: string) => Promise<string>
}

const options: client.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }

/** Discovery, authorization with PKCE, tokens, the API, a refresh, revocation. Returns what the API said to each token. */
export async function wholeFlow({ issuer, api, authorize }: FlowOptions): Promise<unknown[]> {
  const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), options)
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'read',
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const answer = new URL(await authorize(url.href))
  const first = await client.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })
  expect(first).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'read' })
  const said = [await ask(api, first.access_token)]

  const second = await client.refreshTokenGrant(config, String(first.refresh_token))
  said.push(await ask(api, second.access_token))

  await client.tokenRevocation(config, String(second.refresh_token))
  expect(await statusOf(api, second.access_token)).toEqual([401, expect.stringContaining('error="invalid_token"')])
  await expect(client.refreshTokenGrant(config, String(second.refresh_token))).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  expect(await statusOf(api)).toEqual([401, expect.stringMatching(/^Bearer realm="[^"]*"/)])
  return said
}

const send = (api: string, token?: string) =>
  fetch(api, { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } })

async function ask(api: string, token: string): Promise<unknown> {
  const response = await send(api, token)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return response.json()
}

async function statusOf(api: string, token?: string): Promise<[number, string | null]> {
  const { status, headers } = await send(api, token)
  return [status, headers.get('www-authenticate')]
}
