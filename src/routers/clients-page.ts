/** The paged list of the clients API: `limit` clients after the id `after`, and a link to the next page (RFC 8288). */
import { isBeingDeleted } from '../clients/client'
import { OAuthError } from '../errors'
import { listClients } from '../operations/clients'
import type { RequestParameters } from '../rules/params'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

const MOST = 1000

/** The clients of one page, ordered by id. `link` is set if more may follow. */
export async function pageOfClients(
  { storage }: AuthorizationServer,
  query: { username?: string },
  sent: RequestParameters,
): Promise<{ clients: Client[]; link?: string }> {
  const limit = pageLimit(sent.get('limit'))
  const after = sent.get('after')
  const found = await storage.clients.list({ ...query, ...(after !== undefined && { after }), limit: limit + 1 })
  const page = found.slice(0, limit)
  const clients = page.filter((client) => !isBeingDeleted(client))
  if (found.length <= limit) return { clients }
  // relative to this list, whatever path a proxy shows
  const next = new URLSearchParams({ ...Object.fromEntries(sent), after: (page.at(-1) as Client).clientId })
  return { clients, link: `<?${next}>; rel="next"` }
}

/** All clients, for a format without pages. */
export async function allClients(
  server: AuthorizationServer,
  query: { username?: string },
): Promise<{ clients: Client[] }> {
  const all = await listClients(server, query)
  return { clients: all.filter((client) => !isBeingDeleted(client)) }
}

function pageLimit(text = '100'): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MOST) return limit
  throw new OAuthError('invalid_request', `limit must be a whole number from 1 to ${MOST}.`)
}
