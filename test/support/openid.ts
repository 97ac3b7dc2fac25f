/** A host with OpenID Connect: the header `X-User` says who is signed in, and `sessions` how. */
import type { Request } from 'express'
import { decodeJwt } from 'jose'
import type { Response } from 'supertest'
import * as oauth from '../../src/index'
import { type OpenIdOptions, openid } from '../../src/openid/index'
import {
  createHost,
  type HostOptions,
  issuer,
  type Parameters,
  type Person,
  startOfTime,
  type TestClient,
} from './host'

export const signingKeys = {
  current: [oauth.generateSigningKey('RS256'), oauth.generateSigningKey('ES256')],
}

interface Session {
  time: Date | number
  acr?: string
  amr?: string[]
  sessionId?: string
}

export interface OpenIdHostOptions extends Omit<HostOptions, 'openid'> {
  openid?: Partial<OpenIdOptions>
  router?: Partial<oauth.OAuthRouterOptions>
}

export const openIdPaths = { userinfo: '/oauth2/userinfo', signIn: '/login', switchUser: '/switch' }

export type OpenIdHost = Awaited<ReturnType<typeof createOpenIdHost>>

const alice = {
  ...{ id: 'alice', name: 'Alice', given_name: 'Alice', email: 'alice@example.com', email_verified: true },
  ...{ picture: null, department: 'Research', phone_number: '+1 555 0100' },
}

/** Everything of `createHost`, with `oauthRouter`. `web` and `native` may ask for every scope of OpenID Connect. */
export async function createOpenIdHost({ openid: own, router, decide, ...options }: OpenIdHostOptions = {}) {
  const sessions = new Map<string, Session | undefined>([
    ['alice', { time: startOfTime - 600, amr: ['pwd'] }],
    ['bob', { time: startOfTime - 600 }],
  ])
  const authentication = (req: Request) => sessions.get(req.get('X-User') ?? '')
  // clients are registered while the host is made
  const users = { find: (_id: string): Person | undefined => undefined }
  const host = await createHost({
    users: {
      find: (id) => users.find(id),
      current: (req) => req.user,
      signIn: openIdPaths.signIn,
      switchUser: openIdPaths.switchUser,
    },
    mount(app, server) {
      app.use(
        oauth.oauthRouter(server, {
          decide: decide ?? oauth.consentPage({ remember: true }),
          protect: false,
          ...router,
        }),
      )
      app.get('/me', oauth.bearerGuard(server, { user: false }), (req, res) => {
        res.json({ user: req.user, authInfo: req.authInfo })
      })
    },
    ...options,
    openid: openid({ keys: signingKeys, authentication, ...own }),
  })
  const { people } = host
  users.find = (id) => people.get(id)
  people.set('alice', alice)
  const scopes = [...host.server.scopes.keys()]
  for (const client of [host.web, host.native]) await oauth.updateClient(host.server, client.clientId, { scopes })
  host.storage.calls.length = 0
  host.events.length = 0
  return {
    ...host,
    sessions,
    userinfo: (accessToken: string, method: 'get' | 'post' = 'get') =>
      host.http()[method](openIdPaths.userinfo).auth(accessToken, { type: 'bearer' }),
    /** Where an answer sends the browser to sign in, and back from there. Undefined for an answer that does not. */
    sentToSignIn: ({ headers }: Pick<Response, 'headers'>) => {
      const to = new URL(headers.location ?? '/', issuer)
      const back = to.searchParams.get('return_to')
      return back === null ? undefined : { page: to.pathname, back, asked: new URL(back, issuer).searchParams }
    },
    /** Comes back from there. */
    comeBack: (path: string, user = 'alice') => host.http().get(path).set('X-User', user),
    /** The claims of the id_token of a sign-in from one end to the other. */
    async idToken(client: TestClient = host.web, parameters: Parameters = {}, user = 'alice') {
      const tokens = await host.signIn(client, { scope: 'openid', ...parameters }, user)
      return decodeJwt(tokens.id_token as string)
    },
  }
}
