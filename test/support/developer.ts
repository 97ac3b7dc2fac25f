/** The developer pages as a browser sees them: a page, its form filled in, and the form sent. */
import type { Response } from 'supertest'
import { type DeveloperRouterOptions, developerRouter } from '../../src/developer'
import * as oauth from '../../src/index'
import { personalTokens } from '../../src/personal-tokens'
import { fieldsOf } from './consent'
import { createHost, encode, type Host, type HostOptions } from './host'

export const developer = '/developer'

type Fields = Readonly<Record<string, string>>

/** What a page asks of a person, filled in. */
export const webApp = { client_name: 'Photo Printer', redirect_uris: 'https://app.example/cb', 'scope:read': 'on' }
export const script = { name: 'backup', 'scope:read': 'on', days: '30' }

export interface DeveloperHost extends Host {
  /** A page, as a user. */
  get(query?: string, user?: string | null): ReturnType<ReturnType<Host['http']>['get']>
  /** A form with exactly these fields. */
  post(fields: Fields, query?: string, user?: string | null): ReturnType<ReturnType<Host['http']>['post']>
  /** The page of that query, its form filled in and sent, after a look at it. */
  fill(query: string, fields?: Fields, user?: string): Promise<Response>
  /** A new app of a user: its id, and the page that says so. */
  makeApp(kind?: string, fields?: Fields, user?: string): Promise<{ clientId: string; secret?: string; made: Response }>
}

export async function developerHost(
  options: Partial<DeveloperRouterOptions> = {},
  hostOptions: HostOptions = {},
): Promise<DeveloperHost> {
  const host = await createHost({
    accessTokens: personalTokens({ prefix: 'acme_pat_' }),
    ...hostOptions,
    mount(app, server) {
      const given = { scopes: ['read', 'write'], personalTokens: { clientId: 'personal' }, ...options }
      const { personalTokens: tokens, ...others } = given
      app.use(developer, developerRouter(server, { ...others, ...(tokens && { personalTokens: tokens }) }))
      hostOptions.mount?.(app, server)
    },
  })
  await host.register({ clientId: 'personal', grantTypes: [], redirectUris: [], scopes: ['read', 'write', 'admin'] })
  host.events.length = 0
  host.storage.calls.length = 0
  const as = <Sent extends { set(name: string, value: string): Sent }>(sent: Sent, user: string | null) =>
    user === null ? sent : sent.set('X-User', user)
  const self: DeveloperHost = Object.assign(host, {
    get: (query = '', user: string | null = 'alice') => as(host.http().get(`${developer}${query}`), user),
    post: (fields: Fields, query = '', user: string | null = 'alice') =>
      as(host.http().post(`${developer}${query}`).type('form').send(encode(fields)), user),
    async fill(query: string, fields: Fields = {}, user = 'alice') {
      const shown = await self.get(query, user)
      if (shown.status !== 200) throw new Error(`No form: ${shown.status} ${shown.text}`)
      host.clock.advance(1)
      return self.post({ ...fieldsOf(shown), ...fields }, query, user)
    },
    async makeApp(kind = 'web', fields: Fields = webApp, user = 'alice') {
      const made = await self.fill(`?page=new&kind=${kind}`, fields, user)
      if (made.status !== 200) throw new Error(`No app: ${made.status} ${made.text}`)
      const [, clientId = ''] = /\?app=([\w-]+)/.exec(made.text) ?? []
      const secret = secretIn(made)
      return { clientId, made, ...(secret !== undefined && { secret }) }
    },
  })
  return self
}

/** What a page shows once. */
export function secretIn({ text }: Pick<Response, 'text'>): string | undefined {
  return /class="secret"><bdi dir="ltr"><code>([^<]+)<\/code>/.exec(text)?.[1]
}

/** The apps of a user, by the names that the list shows. */
export function namesIn({ text }: Pick<Response, 'text'>): string[] {
  return [...text.matchAll(/<h2[^>]*>(?:<a [^>]*>)?<bdi>([^<]*)<\/bdi>/g)].map(([, name]) => name as string)
}

export const appsOf = (host: Host, username = 'alice') => oauth.listClients(host.server, { username })
