/**
 * An MCP server that people sign in to. A client that knows only its URL finds the authorization server, which is this same
 * app, registers itself, asks the user, and gets tokens that are good at this URL alone.
 */
import { originValidation } from '@modelcontextprotocol/express'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server'
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  accessToken,
  authorizationCode,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  protectedResourceRouter,
  refreshToken,
} from 'express-authorization-server'
import { z } from 'zod'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers, type User } from '../shared/users'

const people = [
  { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
  { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
]
const notes = new Map<string, string[]>()

/** The tools, as one user has them. Each says what scope a token needs for it. */
function notesServer(user: User): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  const mine = notes.get(user.id) ?? []
  const list = () => ({ content: [{ type: 'text' as const, text: `Notes of ${user.name}:\n${mine.join('\n')}` }] })
  server.registerTool(
    'list_notes',
    { description: 'Lists your notes', scopeChallenge: requireScopes('notes:read') },
    list,
  )
  server.registerTool(
    'add_note',
    {
      description: 'Adds a note',
      inputSchema: z.object({ text: z.string().max(1000) }),
      scopeChallenge: requireScopes('notes:write'),
    },
    ({ text }) => {
      notes.set(user.id, [...mine, text])
      return { content: [{ type: 'text', text: 'Added.' }] }
    },
  )
  return server
}

/** The app, to be served at `issuer`. The tests have options of their own. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers(people)
  const resource = `${issuer}/mcp`
  const scopes = { 'notes:read': 'Read your notes', 'notes:write': 'Add notes' }
  // What clients that nobody has registered may ask the user for
  const open = Object.keys(scopes)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes,
    grants: [authorizationCode(), refreshToken()], // so that every token has a user
    resources: [resource],
    users: { find: users.find, signIn: '/login', switchUser: '/login' },
    clientIdMetadataDocuments: { scopes: open },
    ...options,
  })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  const decide = consentPage()
  app.use(oauthRouter(server, { decide, protect: false, register: { protect: 'open', scopes: open } }))
  app.use(protectedResourceRouter(server, { resource, scopes: open, name: 'Notes' }))

  const mcp = toNodeHandler(createMcpHandler(({ authInfo }) => notesServer(authInfo?.extra?.user as User)))
  const guard = bearerGuard(server, { resource, resourceMetadata: true })
  app.all('/mcp', originValidation([new URL(issuer).hostname]), guard, (req, res) => {
    // What the guard has found, where the SDK looks for it. The token itself is nothing that a tool needs
    const { clientId, scope } = accessToken(req)
    req.auth = { token: '', clientId, scopes: [...scope], extra: { user: req.user } }
    return mcp(req, res)
  })
  return app
}

function instructions(issuer: string): string[] {
  return [
    '',
    `Give the URL ${issuer}/mcp to an MCP client, such as npx @modelcontextprotocol/inspector`,
    'It opens a browser. Sign in as',
    ...people.map(({ username, password }) => `  ${username.padEnd(6)}with the password  ${password}`),
  ]
}

if (require.main === module) void start((issuer) => createApp(issuer), instructions)
