/** The clients API of Qorus, as documented: what `clientsRouter` does, in its words. */
import express, { type Request } from 'express'
import { type Client, type ClientsFormat, OAuthError } from 'express-authorization-server'

/** In front of the router: a form and JSON, as text. */
export const qorusBody = express.text({ type: ['application/json', 'application/x-www-form-urlencoded'] })

/** Give it to `clientsRouter` as its `format`. */
export const qorusClients: ClientsFormat = {
  updateMethod: 'PUT',
  secretPath: 'generateSecret',
  paged: false,
  parse(req) {
    const sent = argumentsOf(req)
    return {
      clientId: sent.client_id,
      clientSecret: sent.client_secret,
      username: sent.username,
      description: sent.client_description,
      scopes: listOf('permissions', sent.permissions),
      redirectUris: listOf('redirect_uris', sent.redirect_uris),
    }
  },
  present({ action, clients, clientSecret }) {
    const [described] = clients.map(describe)
    const secret = { client_secret: clientSecret }
    const bodies = {
      list: clients.map(describe),
      read: described,
      create: { inserted: { ...described, ...secret } },
      // the documentation says `inserted`, and its web client reads `updated`
      update: { inserted: described, updated: described },
      delete: { rows_deleted: 1 },
      secret: { client_id: clients[0]?.clientId, ...secret },
    }
    return { status: 200, body: bodies[action] }
  },
  presentError(error, { method, path }) {
    // documented so: 409 for whatever is wrong with the data of a new client
    const status = error.status === 400 && method === 'POST' && path === '/' ? 409 : error.status
    const missing = `404 Not Found: class "oauth2\\clients" has no subclass <${decodeURIComponent(path.split('/')[1] ?? '')}>`
    const more =
      status === 404 ? { err: '404 Not Found', desc: missing } : { err: 'OAUTH2-EXCEPTION', desc: error.description }
    return { status, body: { ...error.toJSON(), ...more } }
  },
}

function describe(client: Client) {
  return {
    client_id: client.clientId,
    username: client.username,
    created: new Date(client.createdAt * 1000).toISOString(),
    modified: new Date(client.updatedAt * 1000).toISOString(),
    permissions: client.scopes ?? [],
    client_description: client.description,
    redirect_uris: client.redirectUris,
  }
}

/** The arguments in the URI and in the body, each in one of them. What is empty was not sent. */
function argumentsOf(req: Request): Record<string, unknown> {
  const { search } = new URL(req.url, 'http://localhost')
  const body: string = typeof req.body === 'string' ? req.body : ''
  const sent = [...formMembers(search), ...(req.is('json') ? jsonMembers(body) : formMembers(body))]
  const present = sent.filter(([, value]) => value !== '' && value !== null)
  const members = Object.fromEntries(present)
  if (Object.keys(members).length < present.length) throw refusal('An argument is both in the URI and in the body.')
  return members
}

/** A name that comes more than once, or with `[]` behind it, is a list. */
function formMembers(text: string): [string, unknown][] {
  const sent = new URLSearchParams(text)
  return [...new Set(sent.keys())].map((name) => {
    const values = sent.getAll(name)
    return [name.replace(/\[\]$/, ''), values.length > 1 || name.endsWith('[]') ? values : values[0]]
  })
}

function jsonMembers(text: string): [string, unknown][] {
  const body: unknown = jsonOf(text)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return Object.entries(body)
  throw refusal('The request body must be a JSON object.')
}

/** A list of JSON, or words between commas or spaces. */
function listOf(name: string, value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  const list = typeof value !== 'string' ? value : value.trimStart().startsWith('[') ? jsonOf(value) : words(value)
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  throw refusal(`${name} must be a list of strings.`)
}

function words(text: string): string[] {
  return text.split(/[\s,]/).filter(Boolean)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusal('An argument is not valid JSON.')
  }
}

function refusal(description: string): OAuthError {
  return new OAuthError('invalid_request', description)
}
