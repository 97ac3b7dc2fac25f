/** A host with OpenID Connect and logout: what its `signOut` ended, and relying parties that hear of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import * as oauth from '../../src/index'
import { type EndSessionRouterOptions, endSessionRouter } from '../../src/openid/index'
import { paths } from './host'
import { createOpenIdHost, type OpenIdHostOptions } from './openid'

export const LOGOUT = '/logout'

export interface LogoutHostOptions extends OpenIdHostOptions {
  signOut?: EndSessionRouterOptions['signOut']
  front?: RequestHandler
}

/** Everything of `createOpenIdHost`; alice has the session `s1`, and each sign-out is in `signedOut`. */
export async function createLogoutHost({ signOut, front, openid, ...options }: LogoutHostOptions = {}) {
  const signedOut: string[] = []
  const host = await createOpenIdHost({
    endpoints: { ...endpoints, endSession: LOGOUT },
    mount(app, server) {
      if (front) app.use(front)
      const decide: oauth.Decide = (_request, req) =>
        req.user ? { allow: true, userId: (req.user as { id: string }).id } : { allow: false }
      const own: EndSessionRouterOptions['signOut'] = (req) => {
        signedOut.push((req.user as { id: string }).id)
      }
      app.use(LOGOUT, endSessionRouter(server, { signOut: signOut ?? own }))
      app.use(
        oauth.oauthRouter(server, {
          decide,
          protect: false,
          register: { protect: 'open', scopes: ['openid'] },
          ...options.router,
        }),
      )
      app.get('/me', oauth.bearerGuard(server, { user: false }), (_req, res) => void res.json({}))
    },
    ...options,
    openid: { dangerouslyAllowLoopback: true, ...openid },
  })
  host.sessions.set('alice', { time: host.clock.now - 600, sessionId: 's1' })
  const back = 'https://app.example/signed-out'
  await oauth.updateClient(host.server, 'web', { postLogoutRedirectUris: [back] })
  return {
    ...host,
    back,
    signedOut,
    /** A browser at the end-session endpoint. */
    logout: (parameters: Readonly<Record<string, string>>, user: string | null = 'alice') => {
      const sent = host.http().get(`${LOGOUT}?${new URLSearchParams(parameters)}`)
      return user === null ? sent : sent.set('X-User', user)
    },
    post: (parameters: Readonly<Record<string, string>>, user: string | null = 'alice') => {
      const sent = host.http().post(LOGOUT).type('form').send(new URLSearchParams(parameters).toString())
      return user === null ? sent : sent.set('X-User', user)
    },
    /** The tokens of a sign-in, with its id_token. */
    tokens: async (client = host.web, user = 'alice', scope = 'openid') => {
      const { id_token, ...tokens } = await host.signIn(
        client,
        { scope, ...(scope.includes('offline_access') && { prompt: 'consent' }) },
        user,
      )
      return { ...tokens, idToken: id_token as string }
    },
  }
}

const { authorize, token, revoke, introspect } = paths
const endpoints = { authorize, token, revoke, introspect }

export type Answer = (req: IncomingMessage, res: ServerResponse, times: number) => unknown

/** A relying party on loopback: the logout tokens that it was sent. */
export async function createListener(answer: Answer = (_req, res) => res.end()) {
  const tokens: string[] = []
  let asked = 0
  const heard: (() => void)[] = []
  const app = express()
  app.post('/backchannel', express.urlencoded({ extended: false }), (req, res) => {
    tokens.push(req.body.logout_token)
    asked++
    answer(req, res, asked)
    for (const wake of heard.splice(0)) wake()
  })
  const listener = createServer(app).listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/backchannel`,
    tokens,
    /** Resolves when it has heard of so many. */
    async heardOf(count: number) {
      while (tokens.length < count) await new Promise<void>((resolve) => heard.push(resolve))
    },
    close: () => {
      listener.close()
      listener.closeAllConnections()
    },
  }
}
