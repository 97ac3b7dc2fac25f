import { deleteClient } from '../../src/index'
import { createHost, type Host, type Parameters } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

const asItself = (parameters: Parameters = {}) =>
  host.token(host.web, { grant_type: 'client_credentials', ...parameters })

describe('the client credentials grant (RFC 6749 §4.4)', () => {
  it('gives the client a token of its own, without a user', async () => {
    const { body } = await asItself({ scope: 'read' }).expect(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read',
    })
    const me = await host.me(body.access_token).expect(200)
    expect(me.body).toEqual({ authInfo: { clientId: 'web', scope: ['read'], expiresAt: host.clock.now + 3600 } })
  })

  it('gives no refresh token (RFC 6749 §4.4.3)', async () => {
    expect((await asItself()).body).not.toHaveProperty('refresh_token')
  })

  it('takes two storage calls', async () => {
    await asItself().expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
  })

  it('is for clients that have authenticated, also where a record allows to send no secret', async () => {
    const client = await host.register({
      grantTypes: ['client_credentials'],
      tokenEndpointAuthMethods: ['none', 'client_secret_basic'],
    })
    const withoutSecret = { clientId: client.clientId, redirectUri: client.redirectUri }
    const answer = await host.token(withoutSecret, { grant_type: 'client_credentials' }).expect(400)
    expect(answer.body.error).toBe('unauthorized_client')
    await host.token(client, { grant_type: 'client_credentials' }).expect(200)
  })

  it('is refused to a client whose record does not have it (RFC 6749 §5.2)', async () => {
    const client = await host.register()
    const answer = await host.token(client, { grant_type: 'client_credentials' }).expect(400)
    expect(answer.body.error).toBe('unauthorized_client')
  })

  it('is no authorization: it has no grant to list', async () => {
    await asItself().expect(200)
    expect(host.events).toMatchObject([{ type: 'token.issued', grantType: 'client_credentials', clientId: 'web' }])
    expect(host.events[0]).not.toHaveProperty('grantId')
  })

  it('leaves nothing alive when the client is deleted while the token is on its way to storage', async () => {
    const pause = host.storage.pauseBefore('grants.insert')
    const answer = asItself({ scope: 'read' }).then((response) => response)
    await pause.reached
    await deleteClient(host.server, 'web')
    host.clock.advance(1)
    await host.register({ clientId: 'web' })
    pause.resume()
    expect(await host.isAlive((await answer).body)).toBe(false)
  })
})
