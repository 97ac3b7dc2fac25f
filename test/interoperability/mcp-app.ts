/** An MCP app that knows the URL of a server and nothing else, with the clients of both SDKs and a browser for its user. */
import * as v2 from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { openBrowser } from './browser'

export type Sdk = 'v1' | 'v2'

interface Tokens {
  access_token: string
  token_type: string
  refresh_token?: string
  scope?: string
}

/** With the name of the server that it is for. */
interface ClientInformation {
  client_id: string
  issuer?: string
}

interface McpAppOptions {
  /** The URL of a client ID metadata document, for an app that has one. */
  clientMetadataUrl?: string
  /** The id of an app that is known already. */
  clientId?: string
  /** The resource that the app names, in the place of the server's. */
  resource?: string
  /** What the app registers with, in the place of some of its metadata. It is called back at the first redirect URI. */
  clientMetadata?: { client_name: string; redirect_uris: string[] }
  /** What the app asks for at first, in the place of everything that the server offers. */
  scope?: string
  /** The key that its tokens are bound to (RFC 9449). The client v2 alone can: v1 knows the words of the metadata, and no more. */
  dpop?: v2.DpopSession
  /** Who signs in. @default ada */
  username?: string
  password?: string
  /** What the user presses on the consent page. @default 'Allow' */
  button?: string
}

export interface McpApp {
  /** Every URL that the app asked, without the query. */
  asked: string[]
  /** The body of every registration, as it was on the wire. */
  registrations: unknown[]
  /** Every authorization request that the user saw. */
  authorizations: URL[]
  clientInformation: () => ClientInformation | undefined
  tokens: () => Tokens | undefined
  /** Puts other tokens in the place of those that the app keeps. */
  replaceTokens(change: Partial<Tokens>): void
  /** Calls a tool: the text of the answer. Sends the user to the browser when the server wants it, at most twice. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>
  /** The same without a user: fails where one is needed. */
  callUnattended(tool: string, args?: Record<string, unknown>): Promise<string>
}

/** Cursor, as its registration was seen on the wire (2026): one request with its three places, the app on the device first. */
export const cursor = {
  client_name: 'Cursor',
  redirect_uris: [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ],
}

/** Everything that an SDK asks of an app is kept in memory. `sdk` is which one calls. */
export function createMcpApp(sdk: Sdk, serverUrl: string, options: McpAppOptions = {}): McpApp {
  const asked: string[] = []
  const authorizations: URL[] = []
  const registrations: unknown[] = []
  const browser = openBrowser()
  let client: ClientInformation | undefined
  if (options.clientId !== undefined) client = { client_id: options.clientId, issuer: new URL(serverUrl).origin }
  let tokens: Tokens | undefined
  let verifier = ''
  let state = ''
  let discovery: v2.OAuthDiscoveryState | undefined

  const { clientMetadata = { client_name: 'Notebook', redirect_uris: ['http://127.0.0.1:8976/callback'] } } = options
  const provider = {
    redirectUrl: clientMetadata.redirect_uris[0],
    clientMetadata: {
      ...clientMetadata,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    ...(options.clientMetadataUrl !== undefined && { clientMetadataUrl: options.clientMetadataUrl }),
    ...(options.dpop && { dpop: () => options.dpop }),
    ...(options.resource !== undefined && { validateResourceURL: async () => new URL(options.resource as string) }),
    state() {
      state = crypto.randomUUID()
      return state
    },
    clientInformation: () => client,
    saveClientInformation(saved: ClientInformation) {
      client = saved
    },
    tokens: () => tokens,
    saveTokens(saved: Tokens) {
      tokens = saved
    },
    redirectToAuthorization(url: URL) {
      if (authorizations.length === 0 && options.scope !== undefined) url.searchParams.set('scope', options.scope)
      authorizations.push(url)
    },
    saveCodeVerifier(saved: string) {
      verifier = saved
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState(saved: v2.OAuthDiscoveryState) {
      discovery = saved
    },
    invalidateCredentials(scope: string) {
      if (scope === 'all' || scope === 'tokens') tokens = undefined
      if (scope === 'all' || scope === 'client') client = undefined
      if (scope === 'all' || scope === 'discovery') discovery = undefined
    },
  }
  const watchedFetch = (url: string | URL, init?: RequestInit) => {
    const { origin, pathname } = new URL(url)
    asked.push(`${init?.method ?? 'GET'} ${origin}${pathname}`)
    if (pathname.endsWith('/register')) registrations.push(JSON.parse(String(init?.body)))
    return fetch(url, init)
  }

  async function session<T>(use: (client: ClientV1 | v2.Client, transport: Transport) => Promise<T>): Promise<T> {
    const url = new URL(serverUrl)
    const info = { name: 'notebook', version: '1.0.0' }
    if (sdk === 'v1') {
      const transport = new TransportV1(url, { authProvider: provider, fetch: watchedFetch })
      const connected = new ClientV1(info)
      return use(connected, transport).finally(() => connected.close())
    }
    const transport = new v2.StreamableHTTPClientTransport(url, { authProvider: provider, fetch: watchedFetch })
    const connected = new v2.Client(info, { versionNegotiation: { mode: 'auto' } })
    return use(connected, transport).finally(() => connected.close())
  }

  async function callUnattended(tool: string, args: Record<string, unknown> = {}): Promise<string> {
    return session(async (connected, transport) => {
      await connected.connect(transport as never)
      const { content } = (await connected.callTool({ name: tool, arguments: args })) as { content: { text: string }[] }
      return content.map(({ text }) => text).join('\n')
    })
  }

  /** The user's half: the answer comes back to the app, which exchanges the code. */
  async function authorize(url: URL): Promise<void> {
    const answer = new URL(await browser.authorize(url.href, options)).searchParams
    const error = answer.get('error')
    if (error !== null) throw new Error(error)
    if (answer.get('state') !== state) throw new Error(`The state is ${answer.get('state')}`)
    await session(async (_, transport) => {
      if (transport instanceof TransportV1) await transport.finishAuth(answer.get('code') ?? '')
      else await transport.finishAuth(answer)
    })
  }

  return {
    asked,
    authorizations,
    registrations,
    clientInformation: () => client,
    tokens: () => tokens,
    replaceTokens(change) {
      tokens = { ...(tokens as Tokens), ...change }
    },
    callUnattended,
    async call(tool, args) {
      for (let asking = 0; ; asking++) {
        const before = authorizations.length
        try {
          return await callUnattended(tool, args)
        } catch (error) {
          const next = authorizations[before]
          // a server that is never content would send the user to and fro for ever
          if (next === undefined || asking === 2) throw error
          await authorize(next)
        }
      }
    },
  }
}

type Transport = TransportV1 | v2.StreamableHTTPClientTransport
