/** The administrator pages of a test host, as browsers of administrators see them. */
import type { Response } from 'supertest'
import { type AdminRouterOptions, adminRouter } from '../../src/admin'
import { fieldsOf } from './consent'
import { createHost, encode, type Host, type HostOptions } from './host'

const path = '/admin/oauth'

export type AdminHost = Awaited<ReturnType<typeof adminHost>>

/** Root and olga are administrators; alice and bob are not. */
export async function adminHost(options: Partial<AdminRouterOptions> = {}, hostOptions: HostOptions = {}) {
  const { mount, ...others } = hostOptions
  const host: Host = await createHost({
    ...others,
    mount: (app, server) => {
      const protect: AdminRouterOptions['protect'] = (req, res, next) => {
        const { id } = (req.user ?? {}) as { id?: string }
        if (id === undefined || id === 'root' || id === 'olga') next()
        else res.status(403).send('Administrators only')
      }
      app.use(path, adminRouter(server, { protect, ...options }))
      mount?.(app, server)
    },
  })
  for (const id of ['root', 'olga']) host.people.set(id, { id, name: id })
  const get = (query = '', user: string | null = 'root') => {
    const sent = host.http().get(`${path}${query}`)
    return user === null ? sent : sent.set('X-User', user)
  }
  const post = (fields: Record<string, string>, { user = 'root', query = '' } = {}) =>
    host.http().post(`${path}${query}`).type('form').set('X-User', user).send(encode(fields))
  /** Reads the question of that query, and answers it. */
  const answer = async (query: string, fields: Record<string, string> = {}, user = 'root') => {
    const asked = await get(query, user).expect(200)
    host.clock.advance(1)
    return post({ ...fieldsOf(asked), ...fields }, { user, query })
  }
  return { ...host, get, post, answer }
}

/** What is called in the list, in order. */
export const namesIn = ({ text }: Pick<Response, 'text'>) =>
  [...text.matchAll(/<h2[^>]*>(?:<bdi>)?<a[^>]*>(?:<bdi>)?([^<]*)/g)].map(([, name]) => name)

/** The URL of the next page. */
export const nextIn = ({ text }: Pick<Response, 'text'>) =>
  /href="(\?[^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&')

export const secretIn = ({ text }: Pick<Response, 'text'>) =>
  /<strong class="secret"><bdi[^>]*><code>([^<]*)/.exec(text)?.[1]
