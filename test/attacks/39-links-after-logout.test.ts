// RP-Initiated Logout 1.0 §3: without an id_token that proves it, a browser is sent on only to a client that the host has let
// in. Whoever can write a record of their own would otherwise have a page of theirs follow "You are signed out".
import express, { type Request, type RequestHandler } from 'express'
import * as oauth from '../../src/index'
import { fieldsOf } from '../support/consent'
import type { TestClient } from '../support/host'
import { createLogoutHost } from '../support/logout'

type LogoutHost = Awaited<ReturnType<typeof createLogoutHost>>
const uri = 'https://evil.example/sign-in-again'
const redirectUri = 'https://evil.example/cb'
let host: LogoutHost

const metadata = {
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [uri],
  token_endpoint_auth_method: 'none',
  scope: 'openid',
}

/** How somebody comes to a record whose members are their own. */
const introduced: Record<string, () => Promise<TestClient>> = {
  'registered itself': async () => {
    const { body } = await host.http().post('/oauth2/register').send(metadata).expect(201)
    return { clientId: body.client_id, redirectUri }
  },
  'a user has made': async () => {
    const { body } = await host.http().post('/own-clients').set('X-User', 'bob').send(metadata).expect(201)
    expect(body.username).toBe('bob')
    return { clientId: body.client_id, redirectUri }
  },
}

beforeEach(async () => {
  // the clients API for signed-in users, beside what the host of every test has
  const own = express()
  host = await createLogoutHost({ front: own })
  const caller = (req: Request) => {
    const { id } = (req.user ?? {}) as { id?: string }
    return id === undefined ? undefined : { userId: id, scopes: ['openid'] }
  }
  const protect: RequestHandler = (_req, _res, next) => next()
  own.use('/own-clients', oauth.clientsRouter(host.server, { protect, caller }))
})

describe.each(Object.keys(introduced))('a client that %s', (way) => {
  const introduce = introduced[way] as () => Promise<TestClient>

  it('is linked to, and sent no browser, after a user who never used it has signed out', async () => {
    const { clientId } = await introduce()
    const page = await host.logout({ client_id: clientId, post_logout_redirect_uri: uri, state: 'x' })
    const answer = await host.post({ ...fieldsOf(page), sign_out: 'yes' })
    expect([answer.status, answer.headers.location]).toEqual([200, undefined])
    expect(host.signedOut).toEqual(['alice'])
    expect(answer.text).toContain('Continue to evil.example')
  })

  it('nor by an id_token of somebody else, such as the one who made it', async () => {
    const client = await introduce()
    const { idToken } = await host.tokens(client, 'bob')
    const asked = { id_token_hint: idToken, post_logout_redirect_uri: uri }
    const page = await host.logout(asked)
    const answer = await host.post({ ...fieldsOf(page), sign_out: 'yes' })
    expect([answer.status, answer.headers.location]).toEqual([200, undefined])
    // nor where nobody is signed in
    const away = await host.logout(asked, null)
    expect([away.status, away.headers.location]).toEqual([200, undefined])
    expect(away.text).toContain('Continue to evil.example')
  })

  it('has its browser back by an id_token of the very session', async () => {
    const { idToken } = await host.tokens(await introduce())
    const answer = await host.logout({ id_token_hint: idToken, post_logout_redirect_uri: uri })
    expect([answer.status, answer.headers.location]).toEqual([303, uri])
  })
})
