/**
 * The clients and platforms of the table in examples/platforms/README.md, as their requests are on the wire. Each says where
 * that is known from: its own documentation, its source, or what servers in operation have received. Words in capitals stand
 * for what is somebody's own.
 */
import type { RegisterClientOptions } from '../../src'
import { cursor } from './mcp-app'

/** Of the token endpoint. In a template `{name}` stands for a value, percent-encoded. */
interface TokenRequests {
  /** @default application/x-www-form-urlencoded */
  contentType?: string
  headers?: Readonly<Record<string, string>>
  /** How id and secret are written in the Authorization header: as they are, or form-encoded (RFC 6749 §2.3.1). */
  basic?: 'plain' | 'form-encoded'
  exchange: string
  /** Left out where it never refreshes. */
  refresh?: string | undefined
}

export interface Platform {
  /** As the table has it. */
  name: string
  how: string
  /** Where the requests are known from. */
  from: string
  /** Where the browser goes back to this time. */
  redirectUri: string
  state: string
  /** The query of the authorization request. */
  authorize: string
  token: TokenRequests
}

/** One that introduces itself to the MCP server of the guide, and calls a tool. */
export interface McpClient extends Platform {
  /** The body of its registration, or the document whose URL is its id, without `client_id`. */
  introduces: { registration: object } | { document: object }
  /** Of its calls. */
  headers?: Readonly<Record<string, string>>
}

/** One that is registered beforehand, with this record, and calls the API. */
export interface Service extends Platform {
  record: Pick<RegisterClientOptions, 'redirectUris' | 'requirePkce' | 'tokenEndpointAuthMethods'>
}

const codes = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const publicClient = { ...codes, token_endpoint_auth_method: 'none' }

/** What the MCP SDK in TypeScript sends, on which several are built. */
const bySdk = {
  authorize:
    'response_type=code&client_id={client_id}&code_challenge={challenge}&code_challenge_method=S256' +
    '&redirect_uri={redirect_uri}&state={state}&scope={scope}&resource={resource}',
  token: {
    headers: { Accept: 'application/json' },
    exchange:
      'grant_type=authorization_code&code={code}&code_verifier={verifier}&redirect_uri={redirect_uri}' +
      '&client_id={client_id}&resource={resource}',
    refresh: 'grant_type=refresh_token&refresh_token={refresh_token}&client_id={client_id}&resource={resource}',
  },
}

const claude = {
  name: 'Claude.ai',
  from: 'the document at its client id, and registrations and requests that servers logged (2026)',
  redirectUri: 'https://claude.ai/api/mcp/auth_callback',
  state: 'b7Qk0c9zUeYvKp3mR1s-_dXw',
  headers: { 'User-Agent': 'Claude-User', 'MCP-Protocol-Version': '2025-11-25' },
  authorize:
    'response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&code_challenge={challenge}' +
    '&code_challenge_method=S256&state={state}&scope={scope}&resource={resource}',
}
const claudeToken = {
  headers: { Accept: '*/*', 'User-Agent': 'python-httpx/0.28.1' },
  exchange:
    'grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&client_id={client_id}' +
    '&code_verifier={verifier}&resource={resource}',
  refresh: 'grant_type=refresh_token&refresh_token={refresh_token}&client_id={client_id}&resource={resource}',
}
const claudeRegistration = {
  ...codes,
  client_name: 'Claude',
  redirect_uris: [claude.redirectUri],
  scope: 'notes:read notes:write',
  application_type: 'web',
}

const claudeCode = {
  ...bySdk,
  name: 'Claude Code',
  from: 'the document at its client id, its documentation of callback ports, and requests that servers logged (2026)',
  redirectUri: 'http://localhost:56648/callback',
  state: 'Kq1w8oT0n5cFhV2yA7bE9dLmXrJsUzPgC3iN6tQfG4Y',
  headers: { 'User-Agent': 'claude-code/2.1.66 (cli)', 'MCP-Protocol-Version': '2025-11-25' },
}

const cursorApp = {
  name: 'Cursor',
  from: 'a registration that a server logged, and its document as the tests of another server keep it (2026)',
  state: 'eyJpZCI6InVzZXItbm90ZXMifQ==',
}

const vsCode = {
  name: 'VS Code',
  from: 'its source (oauth.ts), the document at its client id, and requests that servers logged (2026)',
  state: 'gXVXo0/iMD8WMolDHKxSTg==',
  authorize:
    'client_id={client_id}&response_type=code&code_challenge={challenge}&code_challenge_method=S256&scope={scope}' +
    '&resource={resource}&redirect_uri={redirect_uri}&state={state}',
  token: {
    headers: { Accept: 'application/json' },
    exchange:
      'client_id={client_id}&grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}' +
      '&code_verifier={verifier}&resource={resource}',
    refresh: 'client_id={client_id}&grant_type=refresh_token&refresh_token={refresh_token}',
  },
}

const copilotStudio = {
  name: 'Copilot Studio',
  from: 'what its users and publishers of its connectors reported: a callback for each tool, no scope in the request (2026)',
  redirectUri: 'https://global.consent.azure-apim.net/redirect/cr938-5fnotes-20mcp-5f43bcb8573bc3e84',
  state: 'e5f1b0a4-2f7c-4c3e-9d55-0c8a7d0f6b21_westeurope-001.consent.azure-apim.net',
  authorize:
    'client_id={client_id}&response_type=code&redirect_uri={redirect_uri}&state={state}' +
    '&code_challenge={challenge}&code_challenge_method=S256',
}

const inspector = {
  ...bySdk,
  name: 'MCP Inspector',
  from: 'its version 2.12, which was run against this server',
  state: '2f6d1b1f8a7e4c0d9b3a5e6f7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f809',
  headers: { 'MCP-Protocol-Version': '2025-11-25' },
}
const inspectorRegistration = {
  ...publicClient,
  client_name: 'MCP Inspector',
  client_uri: 'https://github.com/modelcontextprotocol/inspector',
  scope: '',
  application_type: 'native',
}

export const mcpClients: McpClient[] = [
  {
    ...claude,
    how: 'by its document',
    introduces: {
      document: {
        ...publicClient,
        client_name: 'Claude',
        client_uri: 'https://claude.ai',
        redirect_uris: [claude.redirectUri],
        grant_types: [...codes.grant_types, 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      },
    },
    token: claudeToken,
  },
  {
    ...claude,
    how: 'by registration, without a secret',
    introduces: { registration: { ...claudeRegistration, token_endpoint_auth_method: 'none' } },
    token: claudeToken,
  },
  {
    ...claude,
    how: 'by registration, with a secret in the body',
    introduces: { registration: { ...claudeRegistration, token_endpoint_auth_method: 'client_secret_post' } },
    token: {
      headers: claudeToken.headers,
      exchange: `${claudeToken.exchange}&client_secret={client_secret}`,
      refresh: `${claudeToken.refresh}&client_secret={client_secret}`,
    },
  },
  {
    ...claudeCode,
    how: 'by its document, which names no port',
    introduces: {
      document: {
        ...publicClient,
        client_name: 'Claude Code',
        client_uri: 'https://claude.ai',
        redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      },
    },
  },
  {
    ...claudeCode,
    how: 'by registration',
    introduces: {
      registration: { ...publicClient, client_name: 'Claude Code (notes)', redirect_uris: [claudeCode.redirectUri] },
    },
  },
  {
    ...bySdk,
    name: 'ChatGPT, connectors',
    how: 'by registration',
    from: "OpenAI's documentation of connectors, and requests that servers logged (2026)",
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    state: 'oauth_s_68f2a9c4d3b08191a7c1e0f5b2d49e86',
    headers: { 'User-Agent': 'openai-mcp/1.0.0 (ChatGPT)', 'MCP-Protocol-Version': '2025-06-18' },
    introduces: {
      registration: {
        ...publicClient,
        client_name: 'ChatGPT',
        redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      },
    },
    token: { ...bySdk.token, headers: { Accept: '*/*', 'User-Agent': 'Python/3.12 aiohttp/3.13.3' } },
  },
  {
    ...bySdk,
    ...cursorApp,
    how: 'by registration, back by its own scheme',
    redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
    introduces: { registration: { ...publicClient, ...cursor } },
  },
  {
    ...bySdk,
    ...cursorApp,
    how: 'by its document, back on loopback',
    redirectUri: 'http://localhost:8787/callback',
    introduces: {
      // no grant_types, and so no refresh token (RFC 7591 §2)
      document: {
        client_name: 'Cursor',
        token_endpoint_auth_method: 'none',
        redirect_uris: [
          'https://www.cursor.com/agents/mcp/oauth/callback',
          'https://www.cursor.com/bot/mcp/oauth/callback',
          'http://localhost:8787/callback',
          'http://127.0.0.1:8787/callback',
        ],
      },
    },
    token: { ...bySdk.token, refresh: undefined },
  },
  {
    ...vsCode,
    how: 'by registration, back at a port of its own',
    redirectUri: 'http://127.0.0.1:59656/',
    introduces: {
      registration: {
        client_name: 'Visual Studio Code',
        client_uri: 'https://code.visualstudio.com',
        ...publicClient,
        redirect_uris: [
          'https://insiders.vscode.dev/redirect',
          'https://vscode.dev/redirect',
          'http://127.0.0.1/',
          'http://127.0.0.1:33418/',
        ],
        scope: 'notes:read notes:write',
        application_type: 'native',
      },
    },
  },
  {
    ...vsCode,
    how: 'by its document, back over its site',
    redirectUri: 'https://vscode.dev/redirect',
    state: 'vscode://dynamicauthprovider/127.0.0.1/authorize?nonce=9c7f3f1f7dc4a9be&windowId=1',
    introduces: {
      document: {
        ...publicClient,
        client_name: 'Visual Studio Code',
        logo_uri: 'https://code.visualstudio.com/assets/branding/code-stable.png',
        grant_types: [...codes.grant_types, 'urn:ietf:params:oauth:grant-type:device_code'],
        application_type: 'native',
        client_uri: 'https://vscode.dev/product',
        redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
      },
    },
  },
  {
    ...copilotStudio,
    how: 'by registration, without a secret and without resource',
    introduces: {
      registration: { ...publicClient, client_name: 'Notes', redirect_uris: [copilotStudio.redirectUri] },
    },
    token: {
      exchange:
        'grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&client_id={client_id}' +
        '&code_verifier={verifier}',
      refresh: 'grant_type=refresh_token&refresh_token={refresh_token}&client_id={client_id}',
    },
  },
  {
    ...copilotStudio,
    how: 'by a registration that names no method, with a secret in the header',
    introduces: { registration: { ...codes, client_name: 'Notes', redirect_uris: [copilotStudio.redirectUri] } },
    token: {
      basic: 'plain',
      exchange: 'grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}',
      refresh: 'grant_type=refresh_token&refresh_token={refresh_token}',
    },
  },
  {
    ...inspector,
    how: 'in a browser, by registration with an empty scope',
    redirectUri: 'http://localhost:6274/oauth/callback',
    introduces: { registration: { ...inspectorRegistration, redirect_uris: ['http://localhost:6274/oauth/callback'] } },
  },
  {
    ...inspector,
    how: 'on the command line, by registration',
    redirectUri: 'http://127.0.0.1:6276/oauth/callback',
    introduces: { registration: { ...inspectorRegistration, redirect_uris: ['http://127.0.0.1:6276/oauth/callback'] } },
  },
]

const inBody = '&client_id={client_id}&client_secret={client_secret}'
const plainQuery = 'response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}&state={state}'
const withChallenge = '&code_challenge={challenge}&code_challenge_method=S256'
const exchange = 'grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}'
const withVerifier = '&code_verifier={verifier}'
const refresh = 'grant_type=refresh_token&refresh_token={refresh_token}'

const gptActions = {
  name: 'ChatGPT, GPT Actions',
  from: "OpenAI's documentation of action authentication, and its forum: no PKCE, scope sent where it is empty",
  redirectUri: 'https://chat.openai.com/aip/g-ID/oauth/callback',
  state: 'b6f0c3b0-1f8e-4c6e-8a5e-6d1f0f7f3a52',
  record: {
    redirectUris: ['https://chat.openai.com/aip/g-ID/oauth/callback', 'https://chatgpt.com/aip/g-ID/oauth/callback'],
    requirePkce: false,
  },
} as const

const postman = {
  name: 'Postman',
  from: "Postman's documentation of OAuth 2.0, and guides of other servers",
  redirectUri: 'https://oauth.pstmn.io/v1/callback',
  state: '8k2j',
  record: { redirectUris: ['https://oauth.pstmn.io/v1/callback'] },
  authorize:
    'response_type=code&client_id={client_id}&state={state}&scope={scope}&redirect_uri={redirect_uri}' +
    '&code_challenge={challenge}&code_challenge_method=S256',
}
const postmanHeaders = { Accept: '*/*', 'User-Agent': 'PostmanRuntime/7.43.0', 'Cache-Control': 'no-cache' }

const insomnia = {
  name: 'Insomnia',
  from: 'its source (get-token.ts), which leaves out what the form there leaves empty',
  redirectUri: 'http://localhost/callback',
  state: '',
  record: { redirectUris: ['http://localhost/callback'] },
}
const insomniaHeaders = { Accept: '*/*', 'User-Agent': 'insomnia/11.0.0' }

const swaggerUi = {
  name: 'Swagger UI',
  from: 'its version 5.35 (the auth plugin)',
  redirectUri: 'https://api.example.com/docs/oauth2-redirect.html',
  state: 'U3VuIE5vdiAyOSAyMDI2IDEzOjEyOjA4IEdNVCswMDAw',
  authorize:
    'response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}&state={state}' +
    '&code_challenge={challenge}&code_challenge_method=S256',
}
const swaggerHeaders = { Accept: 'application/json, text/plain, */*', 'X-Requested-With': 'XMLHttpRequest' }

const zapier = {
  name: 'Zapier',
  from: "Zapier's documentation of OAuth v2, and a request that an integration's server kept",
  redirectUri: 'https://zapier.com/dashboard/auth/oauth/return/AppNUMBERCLIAPI/',
  state: '-G2EoDooYcrJ5p8EF1AM677T8BvnSMxQMU4HtUjoQ4Y',
}
const zapierHeaders = { Accept: 'application/json', 'User-Agent': 'Zapier' }

const n8n = {
  name: 'n8n',
  from: 'its source (client-oauth2)',
  redirectUri: 'https://n8n.example.com/rest/oauth2-credential/callback',
  state: 'eyJ0b2tlbiI6Ik1JbWZ2M3VaLXkzQU9pMGYyeEZ6cEk4Iiwib3JpZ2luIjoic3RhdGljLWNyZWRlbnRpYWwifQ==',
}
const n8nHeaders = { Accept: 'application/json, application/x-www-form-urlencoded' }

const alexa = {
  name: 'Alexa account linking',
  from: "Amazon's documentation of the authorization code grant: PKCE only where the developer console has it on",
  redirectUri: 'https://layla.amazon.com/api/skill/link/VENDOR',
  state: 'A2SAAEAEFRZ1uXqB0qkKcVg1mUq3Fv7cT0xT',
}
const alexaUris = [
  'https://pitangui.amazon.com/api/skill/link/VENDOR',
  'https://layla.amazon.com/api/skill/link/VENDOR',
  'https://alexa.amazon.co.jp/api/skill/link/VENDOR',
]
const alexaType = 'application/x-www-form-urlencoded;charset=UTF-8'

const google = {
  name: 'Google account linking',
  from: "Google's reference of account linking, which asks for PKCE since OAuth 2.1 and did without before",
  redirectUri: 'https://oauth-redirect.googleusercontent.com/r/PROJECT',
  state: 'AFmtjQ0p7mJ4kz0S4XnJb1vG-2gJ0rWb6m3kZQyXc',
}
const googleUris = [
  'https://oauth-redirect.googleusercontent.com/r/PROJECT',
  'https://oauth-redirect-sandbox.googleusercontent.com/r/PROJECT',
]
const googleQuery =
  'client_id={client_id}&redirect_uri={redirect_uri}&state={state}&scope={scope}&response_type=code&user_locale=en-US'

const homeAssistant = {
  name: 'Home Assistant',
  from: 'its source (config_entry_oauth2_flow.py)',
  redirectUri: 'https://my.home-assistant.io/redirect/oauth',
  state:
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmbG93X2lkIjoiMDFKRiIsInJlZGlyZWN0X3VyaSI6Imh0dHBzOi8vbXkifQ.' +
    'b2Zm5mN1ZlUqRk3xqkQeC0Jt5vJc7m3lq0d5rK9XcXM',
  // no scope, unless an integration adds one
  authorize: 'response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&state={state}',
}
const homeAssistantRefresh =
  'grant_type=refresh_token&client_id={client_id}&refresh_token={refresh_token}&client_secret={client_secret}'

const grafana = {
  name: 'Grafana',
  from: "Grafana's documentation of generic OAuth, and Go's oauth2, which it sends with",
  redirectUri: 'https://grafana.example.com/login/generic_oauth',
  state: 'hH9hZ0yq0m2bXr4m8bH3kA==',
}
const grafanaQuery =
  'access_type=online&client_id={client_id}&redirect_uri={redirect_uri}&response_type=code&scope={scope}&state={state}'

const appAuth = {
  name: 'AppAuth',
  from: 'the source of AppAuth for Android, iOS and JavaScript',
  state: 'p2Fvq6yV3mQe0eJm7uYkYg',
  authorize:
    'redirect_uri={redirect_uri}&client_id={client_id}&response_type=code&state={state}&nonce=Wq4o1cQx6b8oZ0kUe2v9Lg' +
    '&scope={scope}&code_challenge={challenge}&code_challenge_method=S256',
  token: {
    headers: { Accept: 'application/json' },
    exchange:
      'grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}' +
      '&client_id={client_id}',
    refresh: `${refresh}&client_id={client_id}`,
  },
  record: {
    redirectUris: ['com.example.app:/oauth2redirect', 'http://127.0.0.1/'],
    tokenEndpointAuthMethods: ['none'],
  },
} as const

export const services: Service[] = [
  {
    ...gptActions,
    how: 'with the default, a POST with the secret in the body',
    authorize: plainQuery,
    token: { exchange: `${exchange}${inBody}`, refresh: `${refresh}${inBody}` },
  },
  {
    ...gptActions,
    how: 'with the secret in the header, and an empty scope',
    authorize: 'response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&state={state}&scope=',
    token: { basic: 'plain', exchange, refresh },
  },
  {
    ...postman,
    how: 'with PKCE, the secret in the header',
    token: {
      basic: 'plain',
      headers: postmanHeaders,
      exchange: `${exchange}${withVerifier}&client_id={client_id}`,
      refresh,
    },
  },
  {
    ...postman,
    how: 'with PKCE, the secret in the body',
    token: {
      headers: postmanHeaders,
      exchange: `${exchange}${withVerifier}${inBody}`,
      refresh: `${refresh}${inBody}`,
    },
  },
  {
    ...insomnia,
    how: 'with PKCE, the secret in the header, no state',
    authorize: `response_type=code&client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}${withChallenge}`,
    token: {
      basic: 'plain',
      headers: insomniaHeaders,
      exchange: `${exchange}${withVerifier}`,
      refresh: `${refresh}&scope={scope}`,
    },
  },
  {
    ...insomnia,
    how: 'with PKCE, the secret in the body, no redirect URI',
    authorize: `response_type=code&client_id={client_id}&scope={scope}${withChallenge}`,
    token: {
      headers: insomniaHeaders,
      exchange: `grant_type=authorization_code&code={code}${withVerifier}${inBody}`,
      refresh: `${refresh}&scope={scope}${inBody}`,
    },
  },
  {
    ...swaggerUi,
    how: 'with PKCE, without a secret',
    record: { redirectUris: [swaggerUi.redirectUri], tokenEndpointAuthMethods: ['none'] },
    token: {
      headers: swaggerHeaders,
      exchange:
        'grant_type=authorization_code&code={code}&client_id={client_id}&redirect_uri={redirect_uri}' +
        '&code_verifier={verifier}',
    },
  },
  {
    ...zapier,
    how: 'without PKCE',
    record: { redirectUris: [zapier.redirectUri], requirePkce: false },
    authorize: plainQuery,
    token: { headers: zapierHeaders, exchange: `${exchange}${inBody}`, refresh: `${refresh}${inBody}` },
  },
  {
    ...zapier,
    how: 'with PKCE',
    record: { redirectUris: [zapier.redirectUri] },
    authorize: `${plainQuery}${withChallenge}`,
    token: { headers: zapierHeaders, exchange: `${exchange}${inBody}${withVerifier}`, refresh: `${refresh}${inBody}` },
  },
  ...['https://www.integromat.com/oauth/cb/oauth2', 'https://www.integromat.com/oauth/cb/app'].map((redirectUri) => ({
    name: 'Make',
    how: redirectUri.endsWith('app') ? 'in an app of its developer platform' : 'in its HTTP module',
    from: "Make's documentation of its HTTP module and of apps, and apps that others published",
    redirectUri,
    state: '3a1f5b7c9d2e4f60',
    record: {
      redirectUris: ['https://www.integromat.com/oauth/cb/oauth2', 'https://www.integromat.com/oauth/cb/app'],
      requirePkce: false,
    },
    authorize: plainQuery,
    token: {
      headers: { 'User-Agent': 'Make/production' },
      exchange: `${exchange}${inBody}`,
      refresh: `${refresh}${inBody}`,
    },
  })),
  {
    ...n8n,
    how: 'with the grant type PKCE, the secret in the header',
    record: { redirectUris: [n8n.redirectUri] },
    authorize:
      'code_challenge={challenge}&code_challenge_method=S256&client_id={client_id}&redirect_uri={redirect_uri}' +
      '&response_type=code&state={state}&scope={scope}',
    token: {
      basic: 'plain',
      headers: n8nHeaders,
      exchange: 'code={code}&grant_type=authorization_code&redirect_uri={redirect_uri}&code_verifier={verifier}',
      refresh: 'refresh_token={refresh_token}&grant_type=refresh_token',
    },
  },
  {
    ...n8n,
    how: 'with the grant type Authorization Code, the secret in the body',
    record: { redirectUris: [n8n.redirectUri], requirePkce: false },
    authorize: 'client_id={client_id}&redirect_uri={redirect_uri}&response_type=code&state={state}&scope={scope}',
    token: {
      headers: n8nHeaders,
      exchange: `code={code}&grant_type=authorization_code&redirect_uri={redirect_uri}${inBody}`,
      refresh: `refresh_token={refresh_token}&grant_type=refresh_token${inBody}`,
    },
  },
  {
    ...alexa,
    how: 'without PKCE, the secret in the header',
    record: { redirectUris: alexaUris, requirePkce: false },
    authorize: 'state={state}&client_id={client_id}&scope={scope}&response_type=code&redirect_uri={redirect_uri}',
    token: {
      basic: 'plain',
      contentType: alexaType,
      exchange: `${exchange}&client_id={client_id}`,
      refresh: `${refresh}&client_id={client_id}`,
    },
  },
  {
    ...alexa,
    how: 'with PKCE, the secret in the body',
    record: { redirectUris: alexaUris },
    authorize: `state={state}&client_id={client_id}&scope={scope}&response_type=code&redirect_uri={redirect_uri}${withChallenge}`,
    token: {
      contentType: alexaType,
      exchange: `${exchange}${inBody}${withVerifier}`,
      refresh: `${refresh}${inBody}`,
    },
  },
  {
    ...google,
    how: 'without PKCE',
    record: { redirectUris: googleUris, requirePkce: false },
    authorize: googleQuery,
    token: { exchange: `${exchange}${inBody}`, refresh: `${refresh}${inBody}` },
  },
  {
    ...google,
    how: 'with PKCE',
    record: { redirectUris: googleUris },
    authorize: `${googleQuery}${withChallenge}`,
    token: { exchange: `${exchange}${inBody}${withVerifier}`, refresh: `${refresh}${inBody}` },
  },
  {
    name: 'Power Platform',
    how: 'with a custom connector of the type Generic OAuth 2',
    from: "Microsoft's documentation of custom connectors, and the templates of its generic OAuth 2 provider",
    redirectUri: 'https://global.consent.azure-apim.net/redirect/CONNECTOR',
    state: 'e5f1b0a4-2f7c-4c3e-9d55-0c8a7d0f6b21_westeurope-001.consent.azure-apim.net',
    record: { redirectUris: ['https://global.consent.azure-apim.net/redirect/CONNECTOR'], requirePkce: false },
    authorize: 'client_id={client_id}&response_type=code&redirect_uri={redirect_uri}&scope={scope}&state={state}',
    token: {
      exchange: `code={code}&grant_type=authorization_code&redirect_uri={redirect_uri}${inBody}`,
      refresh: `refresh_token={refresh_token}&grant_type=refresh_token${inBody}`,
    },
  },
  {
    ...homeAssistant,
    how: 'with LocalOAuth2Implementation',
    record: { redirectUris: [homeAssistant.redirectUri], requirePkce: false },
    token: { exchange: `${exchange}${inBody}`, refresh: homeAssistantRefresh },
  },
  {
    ...homeAssistant,
    how: 'with LocalOAuth2ImplementationWithPkce',
    record: { redirectUris: [homeAssistant.redirectUri] },
    authorize: `${homeAssistant.authorize}${withChallenge}`,
    token: { exchange: `${exchange}${withVerifier}${inBody}`, refresh: homeAssistantRefresh },
  },
  {
    ...grafana,
    how: 'without PKCE',
    record: { redirectUris: [grafana.redirectUri], requirePkce: false },
    authorize: grafanaQuery,
    token: { basic: 'form-encoded', headers: { 'User-Agent': 'Go-http-client/1.1' }, exchange, refresh },
  },
  {
    ...grafana,
    how: 'with use_pkce, the secret in the body',
    record: { redirectUris: [grafana.redirectUri] },
    authorize: `${grafanaQuery}${withChallenge}`,
    token: {
      headers: { 'User-Agent': 'Go-http-client/1.1' },
      exchange: `${exchange}${withVerifier}${inBody}`,
      refresh: `${refresh}${inBody}`,
    },
  },
  { ...appAuth, how: "back by the app's scheme", redirectUri: 'com.example.app:/oauth2redirect' },
  { ...appAuth, how: 'back on loopback', redirectUri: 'http://127.0.0.1:51004/' },
]
