// Response modes: OAuth 2.0 Multiple Response Type Encoding Practices, and Form Post Response Mode.
import { createHash } from 'node:crypto'
import {
  authorizationCode,
  consentPage,
  implicit,
  pushedAuthorizationRequests,
  refreshToken,
  updateClient,
} from '../../src/index'
import { answerConsent, fieldsOf } from '../support/consent'
import { answerOf, createHost, encode, type Host, type HostOptions, issuer, type Parameters } from '../support/host'

const grants = [authorizationCode(), refreshToken(), implicit()]
const posted = { response_mode: 'form_post' }
const asToken = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }

const actionOf = ({ text }: { text: string }) => /<form method="post" action="([^"]*)">/.exec(text)?.[1]

async function begin(options: HostOptions = {}): Promise<Host> {
  return createHost({ grants, ...options })
}

describe('response_mode=form_post', () => {
  it('is a page with a form for the redirect URI, which has the answer in it (§2)', async () => {
    const host = await begin()
    const page = await host.authorize(host.web, posted).expect(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.headers.location).toBeUndefined()
    expect(actionOf(page)).toBe(host.web.redirectUri)
    const { code = '', ...rest } = fieldsOf(page)
    expect(rest).toEqual({ state: 'xyz', iss: issuer })
    await host.exchange(host.web, code).expect(200)
  })

  it('has a button for browsers without script, and one script that is named in the policy: nothing else runs', async () => {
    const host = await begin()
    const { text, headers } = await host.authorize(host.web, posted).expect(200)
    expect(text).toMatch(/<button>Continue<\/button>/)
    const scripts = [...text.matchAll(/<script>([^<]*)<\/script>/g)].map(([, script = '']) => script)
    expect(scripts).toHaveLength(1)
    const hash = createHash('sha256')
      .update(scripts[0] as string)
      .digest('base64')
    const policy = Object.fromEntries(
      String(headers['content-security-policy'])
        .split('; ')
        .map((one) => one.split(/ (.*)/).slice(0, 2)),
    )
    expect(policy).toEqual({
      'default-src': "'none'",
      'style-src': expect.stringMatching(/^'sha256-[^ ]+'$/),
      'img-src': "'self' data:",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'script-src': `'sha256-${hash}'`,
    })
    // the client must see from which origin the form came, and nothing more of the URL
    expect(headers['referrer-policy']).toBe('strict-origin')
  })

  it('speaks the language of the request', async () => {
    const host = await begin()
    const { text } = await host.authorize(host.web, { ...posted, ui_locales: 'de' })
    expect(text).toContain('Weiter zu <strong>app.example</strong>')
  })

  it('holds for errors, too: a denial, a wrong scope', async () => {
    const host = await begin({ decide: () => ({ allow: false }) })
    const denied = await host.authorize(host.web, posted).expect(200)
    expect(fieldsOf(denied)).toMatchObject({ error: 'access_denied', state: 'xyz', iss: issuer })
    expect(actionOf(denied)).toBe(host.web.redirectUri)
    const wrong = await host.authorize(host.web, { ...posted, scope: 'everything' }).expect(200)
    expect(fieldsOf(wrong)).toMatchObject({ error: 'invalid_scope', error_description: expect.any(String) })
  })

  it('follows the answer to the consent page, and a pushed request', async () => {
    const decide = consentPage({ signIn: '/login' })
    const host = await begin({ decide, requests: [pushedAuthorizationRequests()] })
    const { body } = await host.push(host.web, posted).expect(201)
    const sent = { client_id: 'web', request_uri: body.request_uri as string }
    const answer = await answerConsent(host, encode(sent), fieldsOf(await host.open(sent))).expect(200)
    expect(fieldsOf(answer)).toMatchObject({ code: expect.any(String), state: 'xyz' })
  })

  it('is for the token response type, too', async () => {
    const host = await begin()
    const page = await host.authorize(host.web, { ...asToken, ...posted }).expect(200)
    const { access_token = '', token_type } = fieldsOf(page)
    expect(token_type).toBe('Bearer')
    expect(await host.isAlive({ access_token })).toBe(true)
  })

  it('lets nothing of the request become markup, or a parameter of the redirect URI one of the answer', async () => {
    const host = await begin()
    const state = `"><script>alert(1)</script>&amp;'\u2028`
    const page = await host.authorize(host.web, { ...posted, state })
    expect(fieldsOf(page).state).toBe(state)
    expect(page.text.match(/<script/g)).toHaveLength(1)
    const redirectUri = 'https://app.example/cb?a=1&b="\''.replace(/["']/g, (one) => encodeURIComponent(one))
    await updateClient(host.server, 'web', { redirectUris: [redirectUri] })
    const other = await host.authorize({ ...host.web, redirectUri }, posted)
    expect(actionOf(other)).toBe(redirectUri.replace('&', '&amp;').replace("'", '&#39;'))
  })

  it('goes nowhere while client or redirect URI are in doubt, or nobody is signed in', async () => {
    const host = await begin({ decide: consentPage({ signIn: '/login' }) })
    for (const wrong of [{ redirect_uri: 'https://evil.example' }, { client_id: 'nobody' }]) {
      expect(actionOf(await host.authorize(host.web, { ...posted, ...wrong }).expect(400))).toBeUndefined()
    }
    const stranger = await host.authorize(host.web, { ...posted, scope: 'everything' }, null).expect(400)
    expect(actionOf(stranger)).toBeUndefined()
  })

  it.each(['com.example.app:/cb'])('is refused for %s, to which no browser posts a form', async (redirectUri) => {
    const host = await begin()
    const app = await host.register({ tokenEndpointAuthMethods: ['none'] }, redirectUri)
    const answer = await host.authorize(app, posted).expect(302)
    expect(answer.headers.location).toContain('error=invalid_request')
  })

  it.each(['location', 'json'] as const)('is refused in the style %s, which has no browser', async (response) => {
    const host = await begin({ response })
    const answer = await host.authorize(host.web, posted).expect(400)
    expect(answer.body.error).toBe('invalid_request')
    expect(host.eventTypes()).not.toContain('code.issued')
  })
})

describe('the other modes', () => {
  it.each<[mode: string, parameters: Parameters, place: RegExp]>([
    ['query, for a code', { response_mode: 'query' }, /\?code=/],
    ['fragment, for a code', { response_mode: 'fragment' }, /cb#code=/],
    ['fragment, for a token', { ...asToken, response_mode: 'fragment' }, /cb#access_token=/],
    ['none, for a code', {}, /\?code=/],
    ['none, for a token', asToken, /cb#access_token=/],
    [
      'query, for a token: refused, in the fragment',
      { ...asToken, response_mode: 'query' },
      /cb#error=invalid_request/,
    ],
    ['an unknown one: refused', { response_mode: 'web_message' }, /\?error=invalid_request/],
    ['a wrong one in another case: refused', { response_mode: 'Form_Post' }, /\?error=invalid_request/],
    ['fragment, with an error', { response_mode: 'fragment', scope: 'everything' }, /cb#error=invalid_scope/],
  ])('%s', async (_, parameters, place) => {
    const host = await begin()
    const answer = await host.authorize(host.web, parameters).expect(302)
    expect(answer.headers.location).toMatch(place)
    expect(answerOf(answer)).toMatchObject({ state: 'xyz', iss: issuer })
  })

  it('are in the metadata, as far as the grants have them', async () => {
    const supported = async (one: HostOptions) => {
      const host = await createHost(one)
      return (await host.http().get('/.well-known/oauth-authorization-server')).body.response_modes_supported
    }
    expect(await supported({ grants })).toEqual(['query', 'fragment', 'form_post'])
    expect(await supported({ grants: [implicit()] })).toEqual(['fragment', 'form_post'])
  })
})
