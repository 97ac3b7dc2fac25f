/**
 * Where the documentation of the five systems contradicts RFC 6749 or what is safe today: each example does as it is
 * documented, and a server with default options does not.
 */
import express from 'express'
import { createApp as breakout } from '../../examples/old-apis/breakout'
import { createApp as communityTranslator } from '../../examples/old-apis/community-translator'
import { createApp as das } from '../../examples/old-apis/das'
import { createApp as qorus } from '../../examples/old-apis/qorus'
import { createApp as teamServer } from '../../examples/old-apis/team-server'
import * as oauth from '../../src/index'
import { basic, browser, expectRefusal, play, useExample } from './example'

/** Default options, and a client that may do all that they allow. */
async function defaultServer(issuer: string, options: Partial<oauth.AuthorizationServerOptions>) {
  const server = oauth.createAuthorizationServer({
    issuer,
    storage: oauth.memoryStorage(),
    scopes: ['read', 'write', 'clients'],
    ...options,
  })
  const redirectUris = ['https://app.example/cb']
  const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials']
  const clientSecret = 'app-secret'
  await oauth.registerClient(server, { clientId: 'app', clientSecret, redirectUris, grantTypes, scopes: ['read'] })
  const app = express()
  app.use((req, _res, next) => {
    req.user = { id: 'ana' } as Express.User
    next()
  })
  const decide = oauth.approve({ clients: ['app'] })
  app.use(oauth.oauthRouter(server, { decide, protect: oauth.bearerGuard(server, { scope: 'clients' }) }))
  app.get('/me', oauth.bearerGuard(server), (req, res) => void res.json(req.authInfo))
  return app
}

const byDefault = useExample(defaultServer, ['read', 'write', 'clients'])
const credentials = 'client_id=app&client_secret=app-secret'
const token = (body: string) => byDefault.http.post('/oauth2/token').send(body)
const ownToken = async () => (await token(`grant_type=client_credentials&${credentials}`)).body.access_token as string
const pkce = 'code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256'
const authorize = (query: string) => byDefault.http.get(`/oauth2/authorize?client_id=app&${query}`).redirects(0)
const errorIn = (location: string | undefined) => /[?&#]error=([a-z_]+)/.exec(location ?? '')?.[1]

const dasExample = useExample(das, [])
const dasToken = async () => {
  const body = 'grant_type=password&username=billybob&password=foobar&client_id=1'
  return (await dasExample.http.post('/oauth2/token/').send(body)).body.access_token as string
}
const dasAuthorize = async () =>
  dasExample.http.get('/oauth2/authorize/?response_type=code&client_id=1').auth(await dasToken(), { type: 'bearer' })
const translator = useExample(communityTranslator, ['write', 'read'])
const breakoutExample = useExample(breakout, ['read', 'write'])
const team = useExample(teamServer, ['read', 'write'])
const teamClient = 'client_id=6a2a39ba-9688-493d-b348-187468f599ae&client_secret=a28e0ca4-27cb-4361-bf97-3b26c612d66a'
const teamUrl = `/api/oauth/token?username=username&password=password&${teamClient}&grant_type=password`
const qorusExample = useExample(qorus, ['read', 'write', 'admin'])

describe('expires_in in milliseconds (RFC 6749 §5.1: seconds)', () => {
  it('is what Community Translator answers', async () => {
    const body = { grant_type: 'password', username: 'ana', password: 'ana-password' }
    const answer = await translator.http.post('/auth/oauth2/token/').auth('translator', 'translator-secret').send(body)
    expect(answer.body.expires_in).toBe(600_000)
  })
  it('is not what a default server answers', async () => {
    const answer = await token(`grant_type=client_credentials&${credentials}`)
    expect(answer.body.expires_in).toBe(3600)
  })
})

describe('200 with Location (RFC 6749 §4.1.2: a redirect)', () => {
  it('is what DAS answers', async () => {
    const answer = await dasAuthorize()
    expect(answer.status).toBe(200)
    expect(answer.headers.location).toContain('code=')
  })
  it('is not what a default server answers', async () => {
    const answer = await authorize(`response_type=code&${pkce}`)
    expect(answer.status).toBe(302)
    expect(answer.headers.location).toContain('code=')
  })
})

describe('credentials in the query (RFC 6749 §2.3.1 forbids it)', () => {
  it('are what Team Server takes, by GET', async () => {
    expect((await team.http.get(teamUrl)).status).toBe(200)
  })
  it('are not what a default server takes, by GET or by POST', async () => {
    const url = `/oauth2/token?grant_type=client_credentials&${credentials}`
    const got = await byDefault.http.get(url)
    expect(got.status).toBe(405)
    expect(got.headers.allow).toBe('POST')
    expectRefusal(await byDefault.http.post(url), 401, 'invalid_client')
  })
})

describe('an access token in the query (RFC 9700 §4.3.2 advises against it)', () => {
  it('is what Team Server takes', async () => {
    const { access_token } = (await team.http.get(teamUrl)).body
    expect((await team.http.get(`/api/v1/me?access_token=${access_token}`)).status).toBe(200)
  })
  it('is not what a default guard takes', async () => {
    const answer = await byDefault.http.get(`/me?access_token=${await ownToken()}`)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="api"')
  })
})

describe('a client id instead of a token (RFC 6749 §2.2: it is no secret)', () => {
  it('is what DAS takes', async () => {
    expect((await dasExample.http.get('/api/assets?client_id=1')).status).toBe(200)
  })
  it('is not what a default guard takes', async () => {
    expect((await byDefault.http.get('/me?client_id=app')).status).toBe(401)
  })
})

describe('token_type in lower case', () => {
  it('is what BreakOut and Team Server answer', async () => {
    const body = 'grant_type=password&username=admin%40break-out.org&password=password'
    const answer = await breakoutExample.http.post('/oauth/token').auth('breakout_app', '123456789').send(body)
    expect(answer.body.token_type).toBe('bearer')
    expect((await team.http.get(teamUrl)).body.token_type).toBe('bearer')
  })
  it('is not what a default server answers', async () => {
    expect((await token(`grant_type=client_credentials&${credentials}`)).body.token_type).toBe('Bearer')
  })
})

describe('the password grant (RFC 9700 §2.4 forbids it)', () => {
  it('is what all five have', async () => {
    expect(await dasToken()).toMatch(/./)
    const body = 'grant_type=password&username=bob&password=bob-password&client_id=qorus-ui'
    expect((await qorusExample.http.post('/oauth2/v1/public/token').send(body)).status).toBe(200)
  })
  it('is not what a default server has', async () => {
    const answer = await token(`grant_type=password&username=ana&password=secret&${credentials}`)
    expectRefusal(answer, 400, 'unsupported_grant_type')
  })
})

describe('the implicit grant (RFC 9700 §2.1.2 advises against it)', () => {
  it('is what Qorus has', async () => {
    const url = `${qorusExample.issuer}/oauth2/v1/public/token?response_type=token&client_id=qorus-ui`
    const answer = await browser(qorusExample).answer(url, ['bob', 'bob-password'], 'allow')
    expect(answer.hash).toContain('access_token=')
  })
  it('is not what a default server has', async () => {
    const { headers } = await authorize('response_type=token')
    expect(errorIn(headers.location)).toBe('unsupported_response_type')
  })
})

describe('a code without PKCE (RFC 9700 §2.1.1 requires it)', () => {
  it('is what DAS gives, and Qorus', async () => {
    expect((await dasAuthorize()).headers.location).toContain('code=')
    const answer = await qorusExample.http
      .get('/oauth2/v1/code?type=code&client_id=qorus-ui')
      .auth('bob', 'bob-password')
    expect(answer.status).toBe(200)
  })
  it('is not what a default server gives, also to its host', async () => {
    expect(errorIn((await authorize('response_type=code')).headers.location)).toBe('invalid_request')
    await expect(oauth.issueCode(byDefault.server, { clientId: 'app', userId: 'ana' })).rejects.toThrow('PKCE')
  })
})

describe('a redirect URI with http (RFC 9700 §2.6: https)', () => {
  it('is what DAS has', async () => {
    expect((await dasAuthorize()).headers.location).toMatch(/^http:\/\/tempuri\.org\//)
  })
  it('is not what a default server registers', async () => {
    const redirectUris = ['http://tempuri.org/callback?foo=bar']
    await expect(oauth.registerClient(byDefault.server, { redirectUris })).rejects.toThrow('must use https')
  })
})

describe('a refresh token that stays the same (RFC 9700 §4.14.2)', () => {
  it('is what BreakOut has', async () => {
    const { body } = await play(
      breakoutExample,
      `POST /oauth/token HTTP/1.1
Host: yourdomain.org
Authorization: ${basic('breakout_app', '123456789')}
Content-Type: application/x-www-form-urlencoded

username=admin%40break-out.org&password=password&grant_type=password&scope=read+write`,
    )
    const refreshed = await breakoutExample.http
      .post('/oauth/token')
      .auth('breakout_app', '123456789')
      .send(`grant_type=refresh_token&refresh_token=${body.refresh_token}`)
    expect(refreshed.body.refresh_token).toBe(body.refresh_token)
  })
  it('is not what a default server has', async () => {
    const tokens = await oauth.issueTokens(byDefault.server, { clientId: 'app', userId: 'ana' })
    const answer = await token(`grant_type=refresh_token&refresh_token=${tokens.refresh_token}&${credentials}`)
    expect(answer.status).toBe(200)
    expect(answer.body.refresh_token).not.toBe(tokens.refresh_token)
  })
})

describe('a token request of a client without its secret', () => {
  it('is what DAS and Qorus take, whose documents have no secret in it', async () => {
    expect(await dasToken()).toMatch(/./)
  })
  it('is not what a default server takes of a client that has one', async () => {
    expectRefusal(await token('grant_type=client_credentials&client_id=app'), 401, 'invalid_client')
  })
})
