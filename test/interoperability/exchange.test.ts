// Token exchange (RFC 8693) by other people's clients: oauth4webapi, with a DPoP key, too, and openid-client.
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { listen, type RunningApp } from '../../examples/shared/start'
import { accessTokenType, createApp, exchangeGrant, orders } from '../../examples/token-exchange/exchange'
import { dpop } from '../../src/index'

const http = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: orders.clientId }
let app: RunningApp
let as: oauth.AuthorizationServer
let ofAda = ''

beforeAll(async () => {
  jest.spyOn(console, 'info').mockImplementation(() => {})
  const keep = (token: string) => {
    ofAda = token
  }
  app = await listen((issuer) => createApp(issuer, keep, { senderConstraints: [dpop()] }))
  const issuer = new URL(app.issuer)
  as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
  )
})
afterAll(async () => {
  await app.close()
  jest.restoreAllMocks()
})

const subject = () => ({ subject_token: ofAda, subject_token_type: accessTokenType })
const invoices = async (token: string) => {
  const answer = await fetch(`${app.issuer}/invoices`, { headers: { authorization: `Bearer ${token}` } })
  return answer.status === 200 ? answer.json() : { refused: answer.status }
}
const seen = { paidBy: '1', askedBy: 'orders', actor: { sub: 'orders', client_id: 'orders' }, exchange: 'delegation' }

describe('oauth4webapi', () => {
  const auth = oauth.ClientSecretBasic(orders.clientSecret)
  const exchange = async (parameters: Record<string, string>, options: oauth.TokenEndpointRequestOptions = {}) => {
    const more = { ...http, ...options }
    const sent = await oauth.genericTokenEndpointRequest(as, client, auth, exchangeGrant, parameters, more)
    return oauth.processGenericTokenEndpointResponse(as, client, sent)
  }
  async function actor(): Promise<Record<string, string>> {
    const sent = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, sent)
    return { actor_token: access_token, actor_token_type: accessTokenType }
  }

  it('finds the grant in the metadata', () => {
    expect(as.grant_types_supported).toContain(exchangeGrant)
  })

  it('exchanges a token, and calls the API with the new one', async () => {
    const tokens = await exchange({ ...subject(), ...(await actor()), resource: `${app.issuer}/invoices` })
    expect(tokens).toMatchObject({ issued_token_type: accessTokenType, token_type: 'bearer', scope: 'invoices' })
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(await invoices(tokens.access_token)).toEqual(seen)
  })

  it('has a token that is bound to its DPoP key', async () => {
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const parameters = { ...subject(), ...(await actor()), resource: `${app.issuer}/invoices` }
    const tokens = await exchange(parameters, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    const url = new URL(`${app.issuer}/invoices`)
    const call = { DPoP, ...http }
    const answer = await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, call)
    expect(await answer.json()).toEqual(seen)
    expect(await invoices(tokens.access_token)).not.toHaveProperty('paidBy')
  })

  it('is told what is wrong', async () => {
    await expect(exchange(subject())).rejects.toMatchObject({ error: 'invalid_request', status: 400 })
    await expect(exchange({ ...subject(), resource: 'https://other.example' })).rejects.toMatchObject({
      error: 'invalid_target',
    })
    await expect(exchange({ ...subject(), scope: 'admin' })).rejects.toMatchObject({ error: 'invalid_scope' })
  })
})

describe('openid-client', () => {
  it('exchanges a token, and calls the API with the new one', async () => {
    const config = await openid.discovery(
      new URL(app.issuer),
      orders.clientId,
      undefined,
      openid.ClientSecretPost(orders.clientSecret),
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    )
    const { access_token: actor_token } = await openid.clientCredentialsGrant(config)
    const acting = { actor_token, actor_token_type: accessTokenType }
    const tokens = await openid.genericGrantRequest(config, exchangeGrant, {
      ...subject(),
      ...acting,
      audience: `${app.issuer}/invoices`,
    })
    expect(tokens).toMatchObject({ issued_token_type: accessTokenType, expires_in: expect.any(Number) })
    expect(await invoices(tokens.access_token)).toEqual(seen)
    await expect(openid.genericGrantRequest(config, exchangeGrant, acting)).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })
})
