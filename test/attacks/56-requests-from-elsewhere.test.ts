// ATTACKS.md row 56, request objects and pushed requests: outer parameters mixed in, another client's, used twice, nested,
// expired, swapped between page and answer. Each check with one thing wrong: ../authorization/.
import fc from 'fast-check'
import { authorizationCode, consentPage, implicit, pushedAuthorizationRequests, requestObjects } from '../../src/index'
import { type ClientKey, clientKey, signRequest } from '../support/assertions'
import { answerConsent, fieldsOf } from '../support/consent'
import { nastyText, runs } from '../support/fuzz'
import { answerOf, createHost, encode, type Host, type HostOptions, issuer, paths, pkce } from '../support/host'
import { createOpenIdHost } from '../support/openid'

let key: ClientKey
beforeAll(async () => {
  key = await clientKey()
})

const redirectUri = 'https://app.example/cb'
const inside = {
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'read',
  state: 'inside',
  code_challenge: pkce.challenge,
  code_challenge_method: 'S256',
}

async function createWorld(options: HostOptions = {}): Promise<Host> {
  const requests = [pushedAuthorizationRequests({ ttl: 600 }), requestObjects()]
  const host = await createHost({ requests, grants: [authorizationCode(), implicit()], ...options })
  for (const clientId of ['one', 'two']) {
    const grantTypes = ['authorization_code', 'implicit']
    await host.register({ clientId, grantTypes, tokenEndpointAuthMethods: ['none'], jwks: { keys: [key.jwk] } })
  }
  return host
}

/** A request of client one, by reference and by value. */
type Make = (host: Pick<Host, 'send'>, asked?: Record<string, string>) => Promise<Record<string, string>>
const ways: [string, Make][] = [
  [
    'pushed',
    async (host, asked = inside) => {
      const { body } = await host.send(paths.pushedAuthorization, undefined, { client_id: 'one', ...asked }).expect(201)
      return { client_id: 'one', request_uri: body.request_uri }
    },
  ],
  ['signed', async (_, asked = inside) => ({ client_id: 'one', request: await signRequest('one', key, asked) })],
]

describe.each(ways)('a %s request', (how, make) => {
  it('is what it says, whatever stands beside it', async () => {
    const host = await createWorld()
    const names = [
      ...Object.keys(inside),
      'response_mode',
      'resource',
      'prompt',
      'nonce',
      'consent',
      'consent_transaction',
    ]
    const values = fc.oneof(
      nastyText,
      fc.constantFrom('token', 'read write', 'https://evil.example/cb', 'fragment', 'allow'),
    )
    const beside = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), values), { selector: ([name]) => name })
    const isIgnored = fc.asyncProperty(beside, fc.boolean(), async (pairs, posted) => {
      const all = encode({
        ...Object.fromEntries(pairs.map(([name, text]) => [name, text.toWellFormed().replaceAll('\0', '')])),
        ...(await make(host)),
      })
      const sent = posted
        ? host.http().post(paths.authorize).type('form').send(all)
        : host.http().get(`${paths.authorize}?${all}`)
      const { headers } = await sent.set('X-User', 'alice').redirects(0)
      const answer = new URL(headers.location as string)
      expect([answer.origin + answer.pathname, answer.hash]).toEqual([redirectUri, ''])
      expect([...answer.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state'])
      expect(answer.searchParams.get('state')).toBe('inside')
    })
    await fc.assert(isIgnored, runs(60))
  })

  it('of one client is none of another', async () => {
    const host = await createWorld()
    const refused = await host.open({ ...(await make(host)), client_id: 'two' }).expect(400)
    expect(refused.headers.location).toBeUndefined()
  })

  it('is not another one once the page was shown', async () => {
    const host = await createWorld({ decide: consentPage({ signIn: '/login' }) })
    const [shown, swapped] = [await make(host), await make(host)]
    if (how === 'signed') swapped.request = await signRequest('one', key, { ...inside, scope: 'read write' })
    const fields = fieldsOf(await host.open(shown).expect(200))
    const answer = await answerConsent(host, encode(swapped), fields).expect(400)
    expect(answer.headers.location).toBeUndefined()
    // nor by what stands beside it
    const mixed = { ...shown, ...(how === 'signed' ? { request_uri: 'urn:x' } : { request: 'a.b.c' }) }
    await answerConsent(host, encode(mixed), fields).expect(400)
  })

  it('in a request is refused: nothing is nested', async () => {
    const host = await createWorld()
    const nested = await make(host)
    const request = await signRequest('one', key, { ...inside, ...nested })
    await host.open({ client_id: 'one', request }).expect(400)
    const push = { ...nested, ...(how === 'signed' ? { request } : {}) }
    const { status, body } = await host.send(paths.pushedAuthorization, undefined, push)
    expect([status, body.error]).toEqual([400, how === 'signed' ? 'invalid_request_object' : 'invalid_request'])
  })
})

/** By a link of a stranger. */
const beside = {
  ...{
    acr_values: 'pwd',
    max_age: '99999',
    login_hint: 'mallory',
    ui_locales: 'de',
    display: 'popup',
    prompt: 'login',
  },
  ...{ scope: 'openid write', claims: '{}', state: 'other', theme: 'dark' },
}

it.each(ways)('a sign-in page reads nothing that stands beside a %s request', async (how, make) => {
  const requests = [pushedAuthorizationRequests({ ttl: 600 }), requestObjects()]
  const host = await createOpenIdHost({ requests, openid: { acrValues: ['pwd', 'mfa'] } })
  const scopes = ['openid', 'read']
  await host.register({ clientId: 'one', tokenEndpointAuthMethods: ['none'], jwks: { keys: [key.jwk] }, scopes })
  const asked = { ...inside, scope: 'openid', login_hint: 'alice' }
  const sent = await make(host, asked)
  const { headers } = await host.open({ ...sent, ...beside }, null).expect(303)
  const back = new URL(new URL(headers.location as string, issuer).searchParams.get('return_to') ?? '', issuer)
  const { sign_in_transaction: _, ...query } = Object.fromEntries(back.searchParams)
  // what is nobody's but the host's stays
  expect(query).toEqual({ ...sent, login_hint: 'alice', theme: 'dark' })
  expect(query).toHaveProperty(how === 'signed' ? 'request' : 'request_uri')
})

it('the answer to a pushed request is one, whoever gives it: two users in two browsers', async () => {
  const host = await createWorld({ decide: consentPage({ signIn: '/login' }) })
  const [, make] = ways[0] as (typeof ways)[number]
  const sent = await make(host)
  const alices = fieldsOf(await host.open(sent, 'alice').expect(200))
  const bobs = fieldsOf(await host.open(sent, 'bob').expect(200))
  host.clock.advance(1)
  const answers = await Promise.all([
    answerConsent(host, encode(sent), alices, { user: 'alice', after: 0 }),
    answerConsent(host, encode(sent), bobs, { user: 'bob', after: 0 }),
  ])
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 400])
  const given = answers.flatMap((answer) => answerOf(answer).code ?? [])
  expect(given).toHaveLength(1)
})
