/** Searches for administrators, page by page: clients, and the authorizations of a user or a client. */
import { isBeingDeleted } from '../clients/client'
import { isExpired } from '../credentials/bound'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { filterBy } from '../rules/subject'
import type { Client, Grant } from '../storage'
import { beginsWith, comparedName } from '../storage/client-names'
import type { AuthorizationServer } from '../types/authorization-server'

/** Selects a page. */
export interface PageQuery {
  /** `next` of the previous page. @default the first page */
  after?: string
  /** The maximum number of rows, from 1 to 1000. @default 100 */
  limit?: number
}

/** Selects clients: all, or by id, owner or name. */
export interface FindClientsQuery extends PageQuery {
  /** The exact id. */
  clientId?: string
  /** The exact owner, as in the record. */
  username?: string | number
  /** The beginning of the name. The case of A to Z does not matter. Needs a storage with `listByName`. */
  name?: string
}

/** A page of clients. `next` is where the next page begins; omitted on the last page. */
export interface ClientsPage {
  readonly clients: readonly Client[]
  readonly next?: string
}

const MOST = 1000

/**
 * Returns one page of clients, ordered by id, or by name in a search by name. It reads only the rows of the page and
 * one more, however many clients there are. A page may have fewer clients than `limit` and still a `next`.
 *
 * @throws TypeError for a query with more than one of `clientId`, `username` and `name`, and for a name if the storage
 * has no `listByName`.
 */
export async function findClients(server: AuthorizationServer, query: FindClientsQuery = {}): Promise<ClientsPage> {
  requireNoMore('findClients', arguments, 2)
  requireServer(server)
  requireKnown('findClients member', query, ['clientId', 'username', 'name', 'after', 'limit'])
  const { after, limit, ...filter } = query
  const asked = filterBy('findClients', filter, ['clientId', 'username', 'name'])
  if (Object.keys(asked).length > 1)
    throw misuse('conflicting_options', 'findClients accepts one of clientId, username and name')
  const { clients } = server.storage
  if (asked.clientId !== undefined) {
    const found = await clients.find(asked.clientId)
    return { clients: found && !isBeingDeleted(found) ? [found] : [] }
  }
  if (asked.name === undefined) {
    const owned = asked.username === undefined ? {} : { username: asked.username }
    const page = await pageOf('findClients', { after, limit }, (page) => clients.list({ ...owned, ...page }))
    return shown(page.rows, page.last?.clientId)
  }
  const { listByName } = clients
  if (!listByName) {
    throw misuse(
      'missing_capability',
      'findClients: this storage cannot find clients by name. Look for clientId or username',
    )
  }
  const prefix = asked.name
  const from = after === undefined ? undefined : placeOf(after)
  const page = await pageOf('findClients', { limit }, ({ limit }) =>
    listByName({ prefix, limit, ...(from && { after: from }) }),
  )
  const { last } = page
  const named = page.rows.filter((client) => beginsWith(client.name, prefix))
  return shown(named, last && `${last.clientId}\n${comparedName(last.name ?? '')}`)
}

function shown(clients: readonly Client[], next: string | undefined): ClientsPage {
  return { clients: clients.filter((client) => !isBeingDeleted(client)), ...(next !== undefined && { next }) }
}

/** An id contains no line break. */
function placeOf(after: string): { name: string; clientId: string } {
  const [clientId = '', ...name] = after.split('\n')
  return { clientId, name: name.join('\n') }
}

/** Selects authorizations: of a user, of a client, of both, or all. */
export interface FindGrantsQuery extends PageQuery {
  userId?: string | number
  clientId?: string
}

/** A page of authorizations. `next` is where the next page begins; omitted on the last page. */
export interface GrantsPage {
  readonly grants: readonly Grant[]
  readonly next?: string
}

/**
 * Returns one page of live authorizations, ordered by id. It includes personal access tokens, which have
 * `data.personalToken`. It reads only the rows of the page and one more. A page may have fewer than `limit` and still a
 * `next`.
 */
export async function findGrants(server: AuthorizationServer, query: FindGrantsQuery = {}): Promise<GrantsPage> {
  requireNoMore('findGrants', arguments, 2)
  requireServer(server)
  requireKnown('findGrants member', query, ['userId', 'clientId', 'after', 'limit'])
  const { after, limit, ...filter } = query
  const asked = filterBy('findGrants', filter, ['userId', 'clientId'])
  const page = await pageOf('findGrants', { after, limit }, (page) => server.storage.grants.list({ ...asked, ...page }))
  const { last } = page
  return { grants: page.rows.filter((grant) => !isExpired(server, grant)), ...(last && { next: last.id }) }
}

/** The rows of a page, and its last row if more follow. */
async function pageOf<Row>(
  owner: string,
  { after, limit = 100 }: { after?: string | undefined; limit?: number | undefined },
  list: (page: { after?: string; limit: number }) => PromiseLike<Row[]> | Row[],
): Promise<{ rows: Row[]; last?: Row }> {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST) {
    throw misuse('wrong_number', `${owner}: limit must be a whole number from 1 to ${MOST}`)
  }
  if (after !== undefined && typeof after !== 'string') throw misuse('wrong_text', `${owner}: after must be a text`)
  const found = await list({ ...(after !== undefined && { after }), limit: limit + 1 })
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return last === undefined ? { rows } : { rows, last }
}
