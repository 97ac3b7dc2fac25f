/**
 * An MCP app with the client v2 and a key of its own (RFC 9449), in a process of its own: `mcp-dpop.ts URL`. The client loads
 * jose by `import()`, which jest cannot. It prints what it learns as JSON.
 */
import { DpopSession } from '@modelcontextprotocol/client'
import { createMcpApp } from './mcp-app'

async function main(url: string): Promise<void> {
  const client = createMcpApp('v2', url, { dpop: await DpopSession.create() })
  const first = await client.call('list_notes')
  const { access_token: token, token_type: type } = client.tokens() ?? {}
  client.replaceTokens({ access_token: 'lost' })
  const second = await client.callUnattended('list_notes')
  const { access_token: next } = client.tokens() ?? {}
  process.stdout.write(JSON.stringify({ first, second, type, token, isRefreshed: next !== token }))
}

void main(process.argv[2] as string)
