// ATTACKS.md row 25: behind proxies, mounted apps and odd paths, the issuer is the configured one, never the Host header.
import { approve, metadataRouter, oauthRouter } from '../../src/index'
import { frameworks } from '../support/frameworks'
import { answerOf, issuer, paths } from '../support/host'
import { exchange, listen, request } from '../support/raw'

const forged = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Prefix': '/evil',
  'X-Original-URL': '/evil',
  'X-Rewrite-URL': '/evil',
  Forwarded: 'host=evil.example;proto=http',
}

describe.each(frameworks)('on %s', (_, { createHost, express, oauth }) => {
  it.each([false, true])('with trust proxy %s, no answer holds what the request said of its host', async (trust) => {
    const host = await createHost({})
    host.app.set('trust proxy', trust)
    const answers = [
      await host.authorize().set(forged),
      await host.authorize(host.web, { scope: 'nope' }).set(forged),
      await host.http().get('/.well-known/oauth-authorization-server').set(forged),
      await host.token(host.web, { grant_type: 'client_credentials' }).set(forged),
      await host.me('x').set(forged),
      await host.http().get(paths.authorize).set(forged),
    ]
    for (const { headers, text, status } of answers) {
      expect(status).toBeLessThan(500)
      expect(JSON.stringify(headers) + text).not.toContain('evil')
    }
    expect(answerOf(answers[0] as never).iss).toBe(issuer)
    expect(answers[2]?.body).toMatchObject({ issuer, token_endpoint: `${issuer}${paths.token}` })
  })

  it('in an app that is mounted in an app, the metadata and iss are what the options say', async () => {
    const tenant = `${issuer}/tenant`
    const host = await createHost({
      issuer: tenant,
      endpoints: { authorize: '/tenant/a', token: '/tenant/t' },
      mount(app, server) {
        const inner = express()
        inner.use(
          '/a',
          oauth.authorizeRouter(server, { decide: oauth.approve({ user: () => 'alice', clients: ['web'] }) }),
        )
        inner.use('/t', oauth.tokenRouter(server))
        app.use('/tenant', inner)
        app.use(oauth.metadataRouter(server))
      },
    })
    const answer = await host
      .http()
      .get(`/tenant/a?${host.authorizationRequest(host.web)}`)
      .set(forged)
      .expect(302)
    expect(answerOf(answer).iss).toBe(tenant)
    const { body } = await host.http().get('/.well-known/oauth-authorization-server/tenant').set(forged).expect(200)
    expect(body).toMatchObject({ issuer: tenant, token_endpoint: `${issuer}/tenant/t` })
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/tenant/.well-known/oauth-authorization-server',
      '/',
    ]) {
      const status = (await host.http().get(path)).status
      if (path !== '/tenant/.well-known/oauth-authorization-server') expect(status).toBe(418)
    }
  })

  it('a trailing slash, a query and odd letters lead to the same endpoint or to none', async () => {
    const host = await createHost()
    const query = host.authorizationRequest(host.web)
    const good = [`${paths.authorize}/?${query}`, `${paths.authorize}?${query}&`, `/OAuth2/Authorize?${query}`]
    for (const target of good) {
      const answer = await host.http().get(target).set('X-User', 'alice')
      expect([answer.status, answerOf(answer).iss]).toEqual([302, issuer])
    }
    const bad = [
      '/oauth2/authorize/x',
      '/oauth2/authorize//',
      '/oauth2//authorize',
      '/oauth2/authorize%2f',
      '/oauth2/authorize;x',
      '/oauth2/authorize/..',
      '/oauth2/authorize/%2e%2e/token',
    ]
    const { port, close } = await listen(host.app)
    for (const target of bad) {
      const answer = await exchange(port, request('GET', `${target}?${query}`, ['X-User: alice']))
      expect(answer?.status).toBeLessThan(500)
      // Express 4 takes a second slash for none: the same endpoint, and the registered place
      expect(answer?.headers).not.toMatch(/^Location: (?!https:\/\/app\.example\/cb\?)/m)
    }
    await close()
  })
})

it('the metadata takes nothing else of the host away', async () => {
  const { createHost } = (frameworks[0] as (typeof frameworks)[number])[1]
  const host = await createHost({
    mount(app, server) {
      app.use(metadataRouter(server))
      app.use(oauthRouter(server, { decide: approve({ user: () => 'alice', clients: ['web'] }), protect: false }))
      app.get('/', (_req, res) => void res.send('home'))
      app.all('/anything', (_req, res) => void res.send('mine'))
    },
  })
  expect((await host.http().get('/')).text).toBe('home')
  expect((await host.http().post('/')).status).toBe(418)
  for (const method of ['get', 'post', 'put', 'delete', 'patch'] as const) {
    expect((await host.http()[method]('/anything')).text).toBe('mine')
  }
})
